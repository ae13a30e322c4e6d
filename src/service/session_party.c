#define LOG_MODULE "session"
#include "service/channel_tech.h"
#include "service/session.h"

static bool is_digits(struct str s)
{
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !memchr("+*#-.()", s.p[i], 7))
			return false;
	return true;
}

/* ---- reading ------------------------------------------------------------------------ */

static int set_party(struct session *s, struct party *p, const struct sip_addr *a)
{
	char room[256];
	struct arena *ar = arena_new(512);
	struct str name = ar ? sip_unquote(ar, a->display) : a->display;
	struct str user = session_exten(s->conf, &a->uri, room, sizeof(room));
	int err;

	if (!a->uri.user.n)
		user = STR_NULL;
	err = text_set(&p->name, name);
	if (!err)
		err = text_set(&p->number, user);
	arena_free(ar);
	p->name_valid = name.n > 0;
	p->number_valid = user.n > 0;
	return err;
}

static uint8_t privacy_of(const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_PRIVACY);

	while (v.n) {
		struct str one = str_trim(str_cut(&v, ';'));

		if (str_ieq(one, STR("id")) || str_ieq(one, STR("full")) || str_ieq(one, STR("user")))
			return PRES_PROHIB;
	}
	return PRES_ALLOWED;
}

bool session_read_identity(struct session *s, const struct sip_msg *msg, struct party *p)
{
	struct sip_each e = { 0 };
	struct sip_addr a;
	struct str v, q;

	if (!s->ep->trust_id_inbound)
		return false;
	if (sip_each(msg, SIP_H_P_ASSERTED_IDENTITY, &e, &v) && sip_addr_parse(&a, v) == 0) {
		p->number_pres = p->name_pres = privacy_of(msg);
		return set_party(s, p, &a) == 0;
	}
	e = (struct sip_each){ 0 };
	if (sip_each(msg, SIP_H_REMOTE_PARTY_ID, &e, &v) && sip_addr_parse(&a, v) == 0) {
		bool hidden = sip_param(a.params, STR("privacy"), &q) && !str_ieq(q, STR("off"));

		p->number_pres = p->name_pres = hidden ? PRES_PROHIB : PRES_ALLOWED;
		return set_party(s, p, &a) == 0;
	}
	return false;
}

void session_read_caller(struct session *s, const struct sip_msg *msg, struct party *p)
{
	const struct endpoint *ep = s->ep;

	if (session_read_identity(s, msg, p)) {
		;
	} else if (ep->callerid_num.n || ep->callerid_name.n) {
		text_set(&p->number, ep->callerid_num);
		text_set(&p->name, ep->callerid_name);
		p->number_valid = ep->callerid_num.n > 0;
		p->name_valid = ep->callerid_name.n > 0;
		p->number_pres = p->name_pres = ep->callerid_privacy;
	} else {
		set_party(s, p, &msg->from);
		p->number_pres = p->name_pres = ep->callerid_privacy;
	}
	text_set(&p->tag, ep->callerid_tag);
	text_set(&p->ani, text_view(&p->number));
}

/* RFC 5806; the reasons by the numbers that REDIRECTING(reason) has. */
static const struct { const char *text; int code; } reasons[] = {
	{ "unknown", 0 }, { "user-busy", 1 }, { "no-answer", 2 }, { "unavailable", 3 }, { "unconditional", 4 },
	{ "time-of-day", 5 }, { "do-not-disturb", 6 }, { "deflection", 7 }, { "follow-me", 8 },
	{ "out-of-service", 9 }, { "away", 10 },
};

static int reason_code(struct str v)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_ieq(str_unquote(v), str_z(reasons[i].text)))
			return reasons[i].code;
	return 0;
}

static struct str reason_text(const struct redirecting *r)
{
	if (r->reason_text.n)
		return text_view(&r->reason_text);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].code == r->reason)
			return str_z(reasons[i].text);
	return STR("unknown");
}

void session_read_redirecting(struct session *s, const struct sip_msg *msg)
{
	struct redirecting *r;
	struct sip_each e = { 0 };
	struct sip_addr a;
	struct str v, q;

	if (!s->ch)
		return;
	r = &s->ch->redirecting;
	if (sip_each(msg, SIP_H_DIVERSION, &e, &v) && sip_addr_parse(&a, v) == 0) {
		set_party(s, &r->from, &a);
		if (sip_param(a.params, STR("reason"), &q))
			r->reason = reason_code(q);
		r->count = 1;
	} else if (!msg->request && msg->status >= 300 && msg->status < 400) {
		/* Whoever redirected is who the call was for. */
		set_party(s, &r->from, &msg->to);
		if (s->ep->callerid_num.n) {
			text_set(&r->from.number, s->ep->callerid_num);
			text_set(&r->from.name, s->ep->callerid_name);
			r->from.number_valid = true;
			r->from.name_valid = s->ep->callerid_name.n > 0;
		}
		r->count = 1;
	}
	e = (struct sip_each){ 0 };
	if (!msg->request && sip_each(msg, SIP_H_CONTACT, &e, &v) && sip_addr_parse(&a, v) == 0) {
		set_party(s, &r->to, &a);
		if (sip_param(a.params, STR("reason"), &q))
			r->reason = reason_code(q);
	}
}

/* ---- writing --------------------------------------------------------------------------- */

static void write_uri(struct session *s, const struct net_path *path, const struct party *p, struct buf *b)
{
	buf_put(b, STR("sip:"));
	sip_escape_user(b, text_view(&p->number));
	buf_char(b, '@');
	if (s->ep->from_domain.n)
		buf_put(b, s->ep->from_domain);
	else
		sa_write_host(b, &path->local);
	if (s->ep->user_eq_phone && is_digits(text_view(&p->number)))
		buf_put(b, STR(";user=phone"));
}

static bool is_hidden(const struct party *p)
{
	return (p->number_pres & PRES_RESTRICTION) || (p->name_pres & PRES_RESTRICTION);
}

/* Whom we call for: what Dial() made of the caller is our channel's connected line. */
static const struct party *shown(const struct session *s)
{
	return &s->ch->connected;
}

void session_write_from(struct session *s, const struct net_path *path, struct buf *b)
{
	const struct party *p = shown(s);
	char room[256];
	struct buf uri;

	buf_init(&uri, room, sizeof(room), sizeof(room));
	if (is_hidden(p) && !s->ep->from_user.n && !s->ep->from_domain.n && !s->ep->trust_id_outbound) {
		buf_put(b, STR("\"Anonymous\" <sip:anonymous@anonymous.invalid>"));
		return;
	}
	if (s->ep->from_user.n || !p->number_valid) {
		service_from_uri(s->svc, s->ep, path, &uri);
		if (s->ep->user_eq_phone && is_digits(s->ep->from_user))
			buf_put(&uri, STR(";user=phone"));
	} else {
		write_uri(s, path, p, &uri);
	}
	buf_put(&uri, text_view(&s->from_uri_params));
	sip_write_addr(b, p->name_valid && !is_hidden(p) ? text_view(&p->name) : STR_NULL, buf_view(&uri));
	buf_put(b, text_view(&s->from_params));
}

static void write_rpid(struct session *s, const struct party *p, struct str addr, bool outgoing, struct buf *h)
{
	(void)s;
	buf_puts(h, STR("Remote-Party-ID: "), addr, outgoing ? STR(";party=calling") : STR(";party=called"));
	buf_put(h, (p->number_pres & PRES_RESTRICTION) || (p->name_pres & PRES_RESTRICTION) ?
		STR(";privacy=full") : STR(";privacy=off"));
	buf_put(h, (p->number_pres & 3) == 1 || (p->number_pres & 3) == 3 ? STR(";screen=yes\r\n") :
		STR(";screen=no\r\n"));
}

void session_write_identity(struct session *s, struct buf *h, bool outgoing)
{
	const struct party *p;
	char room[512], aroom[1024];
	struct buf uri, addr;

	if (!s->ch || !s->dlg || (!s->ep->send_pai && !s->ep->send_rpid))
		return;
	p = shown(s);
	if (!p->number_valid || (is_hidden(p) && !s->ep->trust_id_outbound))
		return;
	if (!outgoing && !s->ep->send_connected_line && !s->ch->connected.number_valid)
		return;
	buf_init(&uri, room, sizeof(room), sizeof(room));
	buf_init(&addr, aroom, sizeof(aroom), sizeof(aroom));
	write_uri(s, &s->dlg->path, p, &uri);
	sip_write_addr(&addr, p->name_valid ? text_view(&p->name) : STR_NULL, buf_view(&uri));
	if (buf_err(&addr))
		return;
	if (s->ep->send_pai) {
		buf_puts(h, STR("P-Asserted-Identity: "), buf_view(&addr), STR("\r\n"));
		if (is_hidden(p))
			buf_put(h, STR("Privacy: id\r\n"));
	}
	if (s->ep->send_rpid)
		write_rpid(s, p, buf_view(&addr), outgoing || !s->incoming, h);
}

void session_write_diversion(struct session *s, struct buf *h)
{
	const struct redirecting *r;
	char room[512];
	struct buf uri;

	if (!s->ch || !s->dlg || !s->ep->send_diversion)
		return;
	r = &s->ch->redirecting;
	if (!r->from.number_valid)
		return;
	buf_init(&uri, room, sizeof(room), sizeof(room));
	write_uri(s, &s->dlg->path, &r->from, &uri);
	if (buf_err(&uri))
		return;
	buf_put(h, STR("Diversion: "));
	sip_write_addr(h, r->from.name_valid ? text_view(&r->from.name) : STR_NULL, buf_view(&uri));
	buf_puts(h, STR(";reason="), reason_text(r), STR("\r\n"));
}
