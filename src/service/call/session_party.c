/* Who calls, as headers say it and as we say it: From, P-Asserted-Identity, Remote-Party-ID. */
#define LOG_MODULE "session"
#include "service/call/channel_tech.h"
#include "service/call/session.h"
#include <limits.h>
#include <stdlib.h>

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
	struct str user = service_exten(s->conf, &a->uri, room, sizeof(room));
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

/* RFC 3323 4.2: anything but "none" asks for some privacy. */
static uint8_t privacy_of(const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_PRIVACY);

	return v.n && !str_ieq(str_trim(v), STR("none")) ? PRES_PROHIB_NOT_SCREENED : PRES_ALLOWED_NOT_SCREENED;
}

static uint8_t rpid_presentation(const struct sip_addr *a)
{
	struct str v;
	bool hidden = sip_param(a->params, STR("privacy"), &v) && str_ieq(v, STR("full"));
	bool screened = sip_param(a->params, STR("screen"), &v) && str_ieq(v, STR("yes"));

	if (hidden)
		return screened ? PRES_PROHIB_PASSED_SCREEN : PRES_PROHIB_NOT_SCREENED;
	return screened ? PRES_ALLOWED_PASSED_SCREEN : PRES_ALLOWED_NOT_SCREENED;
}

bool session_read_address(const struct sip_msg *msg, enum sip_hdr_id id, struct sip_addr *a)
{
	struct str rest = sip_hdr_value(msg, id), one = str_cut_addr(&rest, ',');

	return one.n && !rest.n && !sip_addr_parse(a, str_trim(one));
}

bool session_read_identity(struct session *s, const struct sip_msg *msg, struct party *p)
{
	struct sip_addr a;

	if (!s->ep->trust_id_inbound)
		return false;
	if (session_read_address(msg, SIP_H_P_ASSERTED_IDENTITY, &a)) {
		p->number_pres = p->name_pres = privacy_of(msg);
		return set_party(s, p, &a) == 0;
	}
	if (session_read_address(msg, SIP_H_REMOTE_PARTY_ID, &a)) {
		p->number_pres = p->name_pres = rpid_presentation(&a);
		return set_party(s, p, &a) == 0;
	}
	return false;
}

void session_configured_party(struct session *s, struct party *p)
{
	const struct endpoint *ep = s->ep;

	party_set(p, ep->callerid_num, ep->callerid_name);
	p->number_pres = p->name_pres = ep->callerid_privacy;
	text_set(&p->tag, ep->callerid_tag);
	text_set(&p->ani, ep->callerid_num);
}

/* Originating line information: the kind of line that calls (ANI II digits), under
 * one of three names, of From or of its URI. 0: none is told. */
static int line_information(const struct sip_addr *from)
{
	static const struct str names[] = { STR_INIT("isup-oli"), STR_INIT("ss7-oli"), STR_INIT("oli") };
	const struct str params[] = { from->params, from->uri.params };
	uint32_t n;
	struct str v;

	for (size_t p = 0; p < ARRAY_LEN(params); p++)
		for (size_t i = 0; params[p].n && i < ARRAY_LEN(names); i++)
			if (sip_param(params[p], names[i], &v))
				return str_u32(v, &n) || n > INT_MAX ? 0 : (int)n;
	return 0;
}

void session_read_caller(struct session *s, const struct sip_msg *msg, struct party *p)
{
	const struct endpoint *ep = s->ep;

	if (session_read_identity(s, msg, p)) {
		;
	} else if (ep->callerid_num.n) {
		/* A name alone is not enough to stand for From's. */
		session_configured_party(s, p);
	} else {
		set_party(s, p, &msg->from);
		p->number_pres = p->name_pres = ep->callerid_privacy;
	}
	text_set(&p->tag, ep->callerid_tag);
	text_set(&p->ani, text_view(&p->number));
	p->ani2 = line_information(&msg->from);
	party_copy(&s->id, p);
}

/* Somebody else is there now, says a response, a re-INVITE or an UPDATE. */
static bool is_news(const struct party *old, const struct party *now)
{
	if (!now->number_valid)
		return false;
	if (!str_eq(text_view(&old->number), text_view(&now->number)))
		return true;
	return now->name_valid && !str_eq(text_view(&old->name), text_view(&now->name));
}

/* Whoever waits for the call learns that P is at its other end. */
static void queue_line(struct session *s, const struct party *p)
{
	struct chan_event *e = chan_event_new(CE_CONNECTED_LINE);

	if (e && (e->party = calloc(1, sizeof(*e->party))) && !party_copy(e->party, p)) {
		channel_event(s->ch, e);
		return;
	}
	chan_event_free(e);
}

void session_called_party(struct session *s)
{
	const struct party *p = &s->ch->caller;

	if (!party_copy(&s->id, p) && (p->number_valid || p->name_valid))
		queue_line(s, p);
}

void session_identity_came(struct session *s, const struct sip_msg *msg)
{
	struct party p = { 0 };

	if (!s->ch || !s->ep->trust_connected_line)
		return;
	if (!session_read_identity(s, msg, &p)) {
		party_free(&p);         /* half of it may have been read */
		return;
	}
	text_set(&p.tag, s->ep->callerid_tag);
	if (is_news(&s->id, &p) && !party_copy(&s->id, &p) && !text_set(&p.ani, text_view(&p.number))) {
		channel_set_caller_party(s->ch, &p);
		queue_line(s, &s->id);
	}
	party_free(&p);
}

/* ---- writing --------------------------------------------------------------------------- */

void session_write_uri(struct session *s, const struct net_path *path, const struct party *p, struct buf *b)
{
	buf_put(b, STR("sip:"));
	sip_escape_user(b, text_view(&p->number));
	if (p->number.n)        /* an @ stands behind a user only (25.1) */
		buf_char(b, '@');
	if (s->ep->from_domain.n)
		buf_put(b, s->ep->from_domain);
	else
		sa_write_host(b, &path->local);
	if (s->ep->user_eq_phone && is_digits(text_view(&p->number)))
		buf_put(b, STR(";user=phone"));
}

/* Either part may ask for it. Who has neither a number nor a name stays unnamed too. */
static bool is_hidden(const struct party *p)
{
	uint8_t number = p->number_valid ? p->number_pres & PRES_RESTRICTION : PRES_UNAVAILABLE & PRES_RESTRICTION;
	uint8_t name = p->name_valid ? p->name_pres & PRES_RESTRICTION : PRES_UNAVAILABLE & PRES_RESTRICTION;

	if (number == PRES_PROHIB_NOT_SCREENED || name == PRES_PROHIB_NOT_SCREENED)
		return true;
	return number && name;
}

/* Whom we call for: what Dial() made of the caller is our channel's connected line. */
static const struct party *shown(const struct session *s)
{
	return &s->ch->connected;
}

/* from_user and from_domain say who we are to that peer, whoever calls. */
static void write_hidden_uri(const struct endpoint *ep, struct buf *b)
{
	buf_put(b, STR("sip:"));
	sip_escape_user(b, ep->from_user.n ? ep->from_user : STR("anonymous"));
	buf_puts(b, STR("@"), ep->from_domain.n ? ep->from_domain : STR("anonymous.invalid"));
}

void session_write_from(struct session *s, const struct net_path *path, struct buf *b)
{
	const struct party *p = shown(s);
	bool hidden = is_hidden(p);
	struct str name = hidden ? STR("Anonymous") : p->name_valid && !s->ep->from_user.n ? text_view(&p->name) : STR_NULL;
	char room[256];
	struct buf uri;

	buf_init(&uri, room, sizeof(room), sizeof(room));
	if (hidden) {
		write_hidden_uri(s->ep, &uri);
	} else if (s->ep->from_user.n || !p->number_valid || !p->number.n) {
		service_from_uri(s->svc, s->ep, path, &uri);
		if (s->ep->user_eq_phone && is_digits(s->ep->from_user))
			buf_put(&uri, STR(";user=phone"));
	} else {
		session_write_uri(s, path, p, &uri);
	}
	buf_put(&uri, text_view(&s->params.from_uri));
	sip_write_addr(b, name, buf_view(&uri));
	buf_put(b, text_view(&s->params.from));
}

static void write_rpid(struct session *s, const struct party *p, struct str addr, struct buf *h)
{
	bool hidden = (p->number_pres & PRES_RESTRICTION) || (p->name_valid && (p->name_pres & PRES_RESTRICTION));

	buf_puts(h, STR("Remote-Party-ID: "), addr, !s->incoming ? STR(";party=calling") : STR(";party=called"));
	buf_put(h, hidden ? STR(";privacy=full") : STR(";privacy=off"));
	buf_put(h, (p->number_pres & 3) == PRES_ALLOWED_PASSED_SCREEN ? STR(";screen=yes\r\n") : STR(";screen=no\r\n"));
}

/* send_connected_line=no: who was named first stays named. */
static const struct party *party_to_tell(struct session *s, bool outgoing)
{
	if (outgoing || s->ep->send_connected_line || !s->told.number_valid)
		return shown(s);
	return &s->told;
}

void session_write_identity(struct session *s, struct buf *h, bool outgoing)
{
	const struct party *p;
	char room[512], aroom[1024];
	struct buf uri, addr;

	if (!s->ch || !session_dialog(s) || (!s->ep->send_pai && !s->ep->send_rpid))
		return;
	p = party_to_tell(s, outgoing);
	if (!p->number_valid || (is_hidden(p) && !s->ep->trust_id_outbound))
		return;
	buf_init(&uri, room, sizeof(room), sizeof(room));
	buf_init(&addr, aroom, sizeof(aroom), sizeof(aroom));
	session_write_uri(s, &session_dialog(s)->path, p, &uri);
	sip_write_addr(&addr, p->name_valid ? text_view(&p->name) : STR_NULL, buf_view(&uri));
	if (buf_err(&addr))
		return;
	if (s->ep->send_pai) {
		buf_puts(h, STR("P-Asserted-Identity: "), buf_view(&addr), STR("\r\n"));
		if (is_hidden(p))
			buf_put(h, STR("Privacy: id\r\n"));
	}
	if (s->ep->send_rpid)
		write_rpid(s, p, buf_view(&addr), h);
	party_copy(&s->told, p);
}

bool session_may_tell_line(const struct session *s)
{
	const struct party *p = &s->ch->connected;

	if (!s->ep->send_connected_line || (!s->ep->send_pai && !s->ep->send_rpid))
		return false;
	return p->number_valid && (s->ep->trust_id_outbound || !is_hidden(p));
}

bool session_tells_by_update(const struct session *s)
{
	const struct sip_msg *msg = s->incoming ? s->seen.invite : s->seen.response;
	struct sip_each e = { 0 };
	struct str v;

	if (s->ep->connected_line_method == REFRESH_UPDATE)
		return true;
	while (msg && sip_each(msg, SIP_H_ALLOW, &e, &v))
		if (str_eq(v, STR("UPDATE")))
			return true;
	return false;
}
