/* What somebody dials becomes a SIP URI: SIP.Utils.normalizeTarget(). */
#include "agent/agent.h"
#include <errno.h>

/* "+1 (234) 567-89.0": what people write between digits goes when the rest is a number. */
static struct str take_separators(struct str user, char *room, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < user.n; i++) {
		char c = user.p[i];

		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue;
		if (n == size || !((c >= '0' && c <= '9') || (c == '+' && i == 0)))
			return user;
		room[n++] = c;
	}
	return n > (user.p[0] == '+') ? str_mk(room, n) : user;
}

static struct str without_scheme(struct str s)
{
	static const struct str schemes[] = { STR_INIT("sips:"), STR_INIT("sip:"), STR_INIT("tel:") };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_istarts(s, schemes[i]))
			return str_skip(s, schemes[i].n);
	return s;
}

/* Percent-escapes stay as they are, all else that may not stand there is escaped. */
static void write_user(struct buf *b, struct str user)
{
	while (user.n) {
		size_t at = str_chr(user, '%');

		sip_escape_user(b, str_sub(user, 0, at));
		user = str_skip(user, at);
		if (!user.n)
			return;
		if (user.n >= 3 && !str_hex(str_sub(user, 1, 2), &(uint8_t){ 0 }, 1))
			buf_put(b, str_sub(user, 0, 3));
		else
			buf_put(b, STR("%25"));
		user = str_skip(user, user.n >= 3 && !str_hex(str_sub(user, 1, 2), &(uint8_t){ 0 }, 1) ? 3 : 1);
	}
}

int agent_target(const struct sidetone_ua *ua, struct str text, struct buf *out)
{
	struct str own = text_view(&ua->config.uri), host = str_skip(own, str_rchr(own, '@') + 1);
	size_t from = out->n, at;
	struct str rest, user;
	struct sip_uri u;
	char room[128];

	text = str_trim(text);
	rest = without_scheme(text);
	at = str_rchr(rest, '@');
	if (!rest.n || !at)
		return EINVAL;
	user = take_separators(str_sub(rest, 0, at), room, sizeof(room));
	buf_put(out, str_istarts(text, STR("sips:")) ? STR("sips:") : STR("sip:"));
	write_user(out, user);
	buf_char(out, '@');
	buf_put(out, at < rest.n ? str_skip(rest, at + 1) : host);
	if (buf_err(out))
		return buf_err(out);
	return sip_uri_parse(&u, str_skip(buf_view(out), from)) || !u.host.n ? EINVAL : 0;
}
