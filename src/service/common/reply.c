/* What every answer of ours has, and what is asked of every request. */
#include "service/common/service.h"
#include <errno.h>

void service_trust(struct service *svc, const struct sa *peer)
{
	if (svc->net)
		net_trust(svc->net, peer);
}

struct str service_exten(const struct snapshot *conf, const struct sip_uri *uri, char *room, size_t n)
{
	struct str user = conf->global->ignore_uri_user_options ? sip_user_bare(uri->user) : uri->user;
	struct arena *a;
	struct str plain;

	if (!user.n)
		return STR("s");
	if (str_chr(user, '%') == user.n)
		return user;
	a = arena_new(512);
	if (!a)
		return user;
	plain = sip_unescape(a, user);
	plain = str_mk(str_copy(room, n, plain), plain.n < n ? plain.n : n - 1);
	arena_free(a);
	return plain;
}

/* ---- what every answer has ---------------------------------------------------- */

#define ALLOW(prack) "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, " prack \
	"MESSAGE, INFO, REFER\r\n"

struct str service_allow(bool prack)
{
	return prack ? STR(ALLOW("PRACK, ")) : STR(ALLOW(""));
}

struct str service_server_header(struct service *svc)
{
	return text_view(&svc->names.server_line);
}

int service_reply(struct service *svc, struct sip_server_tx *tx, unsigned status, struct str headers)
{
	char room[2048];
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	buf_puts(&b, headers, service_server_header(svc));
	err = buf_err(&b) ? ENOMEM : sip_server_tx_respond(tx, status, STR_NULL, buf_view(&b), STR_NULL, STR_NULL);
	buf_free(&b);
	return err;
}

void service_abilities(const struct snapshot *conf, struct buf *b)
{
	buf_put(b, STR("Accept: application/sdp, application/dialog-info+xml, application/pidf+xml, "
		       "application/xpidf+xml, application/cpim-pidf+xml, application/simple-message-summary, "
		       "message/sipfrag;version=2.0\r\n"));
	buf_put(b, service_allow(true));
	service_supported(conf, b);
	buf_put(b, STR("Accept-Encoding: identity\r\nAccept-Language: en\r\n"));
}

void service_supported(const struct snapshot *conf, struct buf *b)
{
	buf_puts(b, STR("Supported: 100rel, timer, replaces"), conf->global->norefersub ? STR(", norefersub") : STR_NULL,
		 STR("\r\n"));
}
