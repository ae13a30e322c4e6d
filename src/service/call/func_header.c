/* PJSIP_HEADER() and its kin: headers of the call's INVITE read and changed, and written into ours. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include <errno.h>

/* ---- values as Asterisk shows them ------------------------------------------------------- */

/* 19.1.1 of RFC 3261 allows neither a port nor these in From and To. The tag comes first. */
static void put_party(struct buf *b, const struct sip_addr *a, struct str value)
{
	static const struct str none[] = { STR_INIT("transport"), STR_INIT("method"), STR_INIT("ttl"), STR_INIT("maddr"), STR_INIT("lr") };
	size_t from = (size_t)(a->uri_text.p - value.p);
	struct str params = a->uri.params, tail = a->params;

	if (!a->uri.host.n || from > value.n) {
		buf_put(b, value);
		return;
	}
	buf_puts(b, a->display, a->display.n ? STR(" ") : STR_NULL, STR("<"), a->uri.scheme, STR(":"),
		 str_mk(a->uri.user.p, a->uri.user.n ? (size_t)(a->uri.host.p - a->uri.user.p) : 0), a->uri.host);
	while (params.n) {
		struct str one = str_trim(str_cut(&params, ';')), rest = one, name = str_trim(str_cut(&rest, '='));
		bool kept = one.n;

		for (size_t i = 0; i < ARRAY_LEN(none); i++)
			kept &= !str_ieq(name, none[i]);
		if (kept)
			buf_puts(b, STR(";"), one);
	}
	buf_char(b, '>');
	if (a->tag.n)
		buf_puts(b, STR(";tag="), a->tag);
	while (tail.n) {
		struct str one = str_trim(str_cut(&tail, ';')), rest = one;

		if (one.n && !str_ieq(str_trim(str_cut(&rest, '=')), STR("tag")))
			buf_puts(b, STR(";"), one);
	}
}

/* Ours to answer by, with what we have put into it. */
static void put_first_via(struct buf *b, const struct sip_msg *m)
{
	const struct sip_via *v = &m->via;
	struct str params = v->params;
	char room[SA_TEXT];

	buf_puts(b, STR("SIP/2.0/"), v->protocol, STR(" "), v->host);
	if (v->port)
		buf_printf(b, ":%u", v->port);
	if (v->has_rport)
		buf_printf(b, ";rport=%u", sa_port(&m->from_path.peer));
	if (m->request)
		buf_puts(b, STR(";received="), str_z(sa_text_bare(&m->from_path.peer, room)));
	else if (v->received.n)
		buf_puts(b, STR(";received="), v->received);
	if (v->branch.n)
		buf_puts(b, STR(";branch="), v->branch);
	while (params.n) {
		struct str one = str_trim(str_cut(&params, ';')), rest = one, name = str_trim(str_cut(&rest, '='));

		if (one.n && !str_ieq(name, STR("rport")) && !str_ieq(name, STR("received")) && !str_ieq(name, STR("branch")))
			buf_puts(b, STR(";"), one);
	}
}

static void put_value(struct buf *b, const struct sip_msg *m, size_t i)
{
	const struct sip_hdr *h = &m->hdr[i];

	if (h->id == SIP_H_FROM)
		put_party(b, &m->from, h->value);
	else if (h->id == SIP_H_TO)
		put_party(b, &m->to, h->value);
	else if (h->id == SIP_H_VIA && sip_hdr(m, SIP_H_VIA) == h && str_chr(h->value, ',') == h->value.n)
		put_first_via(b, m);
	else
		buf_put(b, h->value);
}

/* In full, whatever was written. */
static struct str name_of(const struct sip_hdr *h)
{
	return h->name.n == 1 && h->id ? sip_hdr_name((enum sip_hdr_id)h->id) : h->name;
}

/* ---- PJSIP_HEADER(read|add|update|remove, name[, number]) ------------------------------ */

/* A call that came has the headers of its INVITE, which the dialplan may change for itself. Of a call of ours there is
 * what was added, until its INVITE is sent. */
static struct list *headers_of(struct session *s)
{
	const struct sip_msg *m = s->incoming && !s->headers_taken ? s->seen.invite : NULL;
	struct buf value = BUF_INIT;
	int err = 0;

	for (size_t i = 0; m && i < m->hdrs && !err; i++) {
		buf_reset(&value);
		put_value(&value, m, i);
		err = buf_err(&value) ? buf_err(&value) : session_header_add(&s->headers, name_of(&m->hdr[i]), buf_view(&value));
	}
	s->headers_taken |= m != NULL;
	buf_free(&value);
	if (err)
		session_headers_free(&s->headers);
	return &s->headers;
}

static bool fits(struct str have, struct str name)
{
	return str_ends(name, STR("*")) ? str_istarts(have, str_sub(name, 0, name.n - 1)) : str_ieq(have, name);
}

/* Only a read may end with a star. */
static struct session_header *find_header(struct list *l, struct str name, uint32_t number, bool stars)
{
	list_each(p, l) {
		struct session_header *h = container_of(p, struct session_header, link);
		struct str have = text_view(&h->name);

		if ((stars ? fits(have, name) : str_ieq(have, name)) && !--number)
			return h;
	}
	return NULL;
}

static unsigned remove_headers(struct list *l, struct str name)
{
	unsigned n = 0;

	list_each_safe(p, next, l) {
		struct session_header *h = container_of(p, struct session_header, link);

		if (!fits(text_view(&h->name), name))
			continue;
		session_header_free(h);
		n++;
	}
	return n;
}

/* No line end can be smuggled into a message by the dialplan's data. */
static bool is_clean(struct str v)
{
	return str_chr(v, '\r') == v.n && str_chr(v, '\n') == v.n;
}

struct asked {
	struct str what, name;
	uint32_t number;
};

static int read_args(struct str args, struct asked *a)
{
	struct str v[3] = { STR_NULL, STR_NULL, STR_NULL };
	int64_t number = 1;

	pbx_args(args, v, ARRAY_LEN(v));
	*a = (struct asked){ str_trim(v[0]), str_trim(v[1]), 1 };
	if (!a->what.n || !a->name.n || (v[2].n && str_i64(str_trim(v[2]), &number)))
		return EINVAL;
	a->number = number < 1 ? 1 : number > INT32_MAX ? INT32_MAX : (uint32_t)number;
	return 0;
}

int func_header_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct session_header *h;
	struct asked a;
	int err = s ? read_args(args, &a) : ENOENT;

	(void)p;
	if (err)
		return err;
	if (str_ieq(a.what, STR("remove"))) {
		buf_printf(out, "%u", remove_headers(headers_of(s), a.name));
		return 0;
	}
	if (!str_ieq(a.what, STR("read")))
		return EINVAL;
	h = find_header(headers_of(s), a.name, a.number, true);
	if (h) {
		buf_put(out, text_view(&h->value));
		return 0;
	}
	/* What a phone tells with its REFER ("send to voicemail") is for the dialplan
	 * of whoever it transfers. */
	if (s->seen.sent_on && str_istarts(a.name, STR("X-"))) {
		const struct sip_hdr *sent = sip_hdr_named(s->seen.sent_on, a.name, a.number - 1);

		if (sent) {
			buf_put(out, sent->value);
			return 0;
		}
	}
	return ENOENT;
}

/* `list` is that of `make`, or may be made for an addition. */
static int change(struct list *l, const struct asked *a, struct str value)
{
	struct session_header *h;

	if (!is_clean(a->name) || !is_clean(value))
		return EINVAL;
	if (str_ieq(a->what, STR("add")))
		return session_header_add(l, a->name, value);
	if (str_ieq(a->what, STR("remove"))) {
		remove_headers(l, a->name);
		return 0;
	}
	h = str_ieq(a->what, STR("update")) ? find_header(l, a->name, a->number, false) : NULL;
	if (h)
		return text_set(&h->value, value);
	return str_ieq(a->what, STR("update")) ? ENOENT : EINVAL;
}

int func_header_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);
	struct asked a;
	int err = s ? read_args(args, &a) : ENOENT;

	(void)p;
	return err ? err : change(headers_of(s), &a, value);
}

int func_inheritable_header_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct asked a;
	int err = ch ? read_args(args, &a) : ENOENT;
	bool adds = !err && str_ieq(a.what, STR("add"));
	struct list *l = err ? NULL : session_headers_for_heirs(ch, adds);

	(void)p;
	if (err)
		return err;
	return l ? change(l, &a, value) : adds ? ENOMEM : ENOENT;
}

/* ---- PJSIP_HEADERS([prefix]): the names, comma-separated ------------------------------------- */

/* A name of one letter stands once, each other as often as it was sent: so Asterisk counts them. */
static void put_name(struct buf *out, struct str name)
{
	size_t at = name.n == 1 ? str_find(buf_view(out), name) : out->n;
	bool again = at < out->n && (!at || out->p[at - 1] == ',') && (at + 1 == out->n || out->p[at + 1] == ',');

	if (!again)
		buf_puts(out, out->n ? STR(",") : STR_NULL, name);
}

int func_headers_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct str prefix = str_trim(args);

	(void)p;
	if (!s)
		return ENOENT;
	list_each(l, headers_of(s)) {
		struct str name = text_view(&container_of(l, struct session_header, link)->name);

		if (str_istarts(name, prefix))
			put_name(out, name);
	}
	return out->n || !prefix.n ? 0 : ENOENT;
}

/* ---- PJSIP_RESPONSE_HEADER(read,name[,number]), PJSIP_RESPONSE_HEADERS(prefix) -------------- */

/* The 200 of our INVITE. */
static const struct sip_msg *answer_of(const struct session *s)
{
	return s && !s->incoming && s->seen.response && s->seen.response->status == 200 ? s->seen.response : NULL;
}

int func_response_header_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct sip_msg *m = answer_of(session_of_channel(ch));
	struct asked a;
	int err = m ? read_args(args, &a) : ENOENT;

	(void)p;
	if (err || !str_ieq(a.what, STR("read")))
		return err ? err : EINVAL;
	for (size_t i = 0; i < m->hdrs; i++)
		if (fits(name_of(&m->hdr[i]), a.name) && !--a.number) {
			put_value(out, m, i);
			return 0;
		}
	return ENOENT;
}

int func_response_headers_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct sip_msg *m = answer_of(session_of_channel(ch));
	struct str prefix = str_trim(args);

	(void)p;
	if (!m || !prefix.n)
		return m ? EINVAL : ENOENT;
	for (size_t i = 0; i < m->hdrs; i++)
		if (str_istarts(name_of(&m->hdr[i]), prefix))
			put_name(out, name_of(&m->hdr[i]));
	return out->n ? 0 : ENOENT;
}
