/* What hangs together, what follows from other parameters, and what is drawn at random. */
#include "agent/config_private.h"
#include "sip/uri.h"
#include <errno.h>
#include <stddef.h>

struct finishing {
	struct agent_config *c;
	agent_random_fn *random;
	void *arg;
	struct arena *a;
	struct sip_uri uri;             /* view into c->uri */
};

/* Was this field set to something, rather than found here? */
static bool is_given(const struct agent_config *c, size_t offset)
{
	const struct agent_row *row;

	for (size_t i = 0; (row = agent_row(i)); i++)
		if (row->read && row->offset == offset && (c->given >> i & 1))
			return true;
	return false;
}
#define GIVEN(c, f) is_given((c), offsetof(struct agent_config, f))

/* n random characters of five bits each. */
static struct str draw(const struct finishing *f, char *to, size_t n)
{
	static const char set[] = "0123456789abcdefghijklmnopqrstuv";

	f->random(f->arg, to, n);
	for (size_t i = 0; i < n; i++)
		to[i] = set[to[i] & 31];
	return str_mk(to, n);
}

static int finish_uri(struct finishing *f)
{
	struct agent_config *c = f->c;
	char room[6];
	int err = 0;

	if (!c->uri.n)
		err = text_cat(&c->uri, STR("sip:anonymous."), draw(f, room, sizeof(room)), STR("@anonymous.invalid"));
	if (!err)
		err = sip_uri_parse(&f->uri, text_view(&c->uri));
	if (!err)
		err = text_set(&c->user, f->uri.user);
	return err ? err : text_set(&c->host, f->uri.host);
}

/* Without its user; the port and the parameters stay. */
static int finish_registrar(struct finishing *f)
{
	struct str rest = str_skip(f->uri.text, (size_t)(f->uri.host.p - f->uri.text.p));

	return GIVEN(f->c, registrar_server) ? 0 : text_cat(&f->c->registrar_server, STR("sip:"), rest);
}

static int finish_authorization_user(struct finishing *f)
{
	struct str user = sip_unescape(f->a, f->uri.user);

	if (GIVEN(f->c, authorization_user) && f->c->authorization_user.n)
		return 0;
	return arena_failed(f->a) ? ENOMEM : text_set(&f->c->authorization_user, user);
}

/* RFC 4122 4.4: random but for the version and the variant. */
static int finish_instance(struct finishing *f)
{
	uint8_t b[16];

	if (f->c->instance_id.n)
		return 0;
	f->random(f->arg, b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	return text_printf(&f->c->instance_id, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
			   b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* What of Contact's transport nobody said: ws when every server is a WebSocket, else what the connection is. */
static struct str implied_transport(const struct agent_config *c)
{
	for (size_t i = 0; i < c->n_servers; i++)
		if (c->servers[i].scheme[0] != 'W')
			return STR_NULL;
	return STR("ws");
}

void agent_write_contact_transport(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	(void)row;
	if (c->contact_transport.n || implied_transport(c).n)
		agent_json_write_string(b, c->contact_transport.n ? text_view(&c->contact_transport) : implied_transport(c));
	else
		buf_put(b, STR("null"));
}

static int finish_contact(struct finishing *f)
{
	struct agent_config *c = f->c;
	char room[8];
	int err = 0;

	if (!c->contact_name.n)
		err = text_set(&c->contact_name, draw(f, room, sizeof(room)));
	if (!err && !GIVEN(c, contact_transport))
		err = text_set(&c->contact_transport, implied_transport(c));
	return err;
}

/* What was drawn for an earlier start stays, so that the server sees the same agent. */
static int finish_via_host(struct finishing *f)
{
	struct str hack = text_view(&f->c->hack_ip_in_contact), now = text_view(&f->c->via_host);
	char room[12];
	uint8_t last;

	if (!hack.n)
		return str_ends(now, STR(".invalid")) ? 0 :
		       text_cat(&f->c->via_host, draw(f, room, sizeof(room)), STR(".invalid"));
	if (!str_eq(hack, STR("true")))
		return text_set(&f->c->via_host, hack);
	if (str_starts(now, STR("192.0.2.")))
		return 0;
	f->random(f->arg, &last, 1);
	return text_printf(&f->c->via_host, "192.0.2.%u", last % 254u + 1);
}

/* IANA, Session Initiation Protocol (SIP) Parameters, Option Tags. */
#ifdef SIDETONE_SMALL   /* a page has the list in SIP.C.OPTION_TAGS */
#define OPTION_TAGS_ELSEWHERE true
#else
#define OPTION_TAGS_ELSEWHERE false
#endif

static bool is_registered(struct str tag)
{
	static const struct str tags[] = {
		STR_INIT("100rel"), STR_INIT("199"), STR_INIT("answermode"), STR_INIT("early-session"), STR_INIT("eventlist"),
		STR_INIT("explicitsub"), STR_INIT("from-change"), STR_INIT("geolocation-http"), STR_INIT("geolocation-sip"),
		STR_INIT("gin"), STR_INIT("gruu"), STR_INIT("histinfo"), STR_INIT("ice"), STR_INIT("join"),
		STR_INIT("multiple-refer"), STR_INIT("norefersub"), STR_INIT("nosub"), STR_INIT("outbound"), STR_INIT("path"),
		STR_INIT("policy"), STR_INIT("precondition"), STR_INIT("pref"), STR_INIT("privacy"),
		STR_INIT("recipient-list-invite"), STR_INIT("recipient-list-message"), STR_INIT("recipient-list-subscribe"),
		STR_INIT("record-aware"), STR_INIT("replaces"), STR_INIT("resource-priority"), STR_INIT("sdp-anat"),
		STR_INIT("sec-agree"), STR_INIT("siprec"), STR_INIT("tdialog"), STR_INIT("timer"), STR_INIT("trickle-ice"),
		STR_INIT("uui"),
	};

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (str_eq(tag, tags[i]))
			return true;
	return false;
}

static bool has_tag(struct str list, struct str tag)
{
	while (list.n)
		if (str_eq(str_trim(str_cut_raw(&list, ',')), tag))
			return true;
	return false;
}

static int finish_tags(struct finishing *f)
{
	struct str left = text_view(&f->c->extra_supported), tag;
	struct buf b = BUF_INIT;
	int err;

	while (left.n) {
		tag = str_trim(str_cut_raw(&left, ','));
		if ((f->c->hack_allow_unregistered_option_tags || OPTION_TAGS_ELSEWHERE || is_registered(tag)) && !has_tag(buf_view(&b), tag))
			buf_puts(&b, b.n ? STR(", ") : STR_NULL, tag);
	}
	err = buf_err(&b) ? ENOMEM : text_set(&f->c->option_tags, buf_view(&b));
	buf_free(&b);
	return err;
}

/* SIP.js too names the maximum, also where the other one was set. */
static int check_recovery(const struct agent_config *c, struct text *why)
{
	if (c->connection_recovery_max_interval >= c->connection_recovery_min_interval)
		return 0;
	return why && text_printf(why, "Invalid value %u for parameter \"connectionRecoveryMaxInterval\"",
				  c->connection_recovery_max_interval) ? ENOMEM : EINVAL;
}

int agent_config_finish(struct agent_config *c, agent_random_fn *random, void *arg, struct text *why)
{
	static int (*const steps[])(struct finishing *f) = {
		finish_uri, finish_registrar, finish_authorization_user, finish_instance, finish_contact, finish_via_host,
		finish_tags,
	};
	struct finishing f = { .c = c, .random = random, .arg = arg };
	int err = check_recovery(c, why);

	if (err)
		return err;
	f.a = arena_new(0);
	err = f.a ? 0 : ENOMEM;
	for (size_t i = 0; !err && i < ARRAY_LEN(steps); i++)
		err = steps[i](&f);
	arena_free(f.a);
	return err;
}
