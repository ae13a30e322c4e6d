/* PJSIP_HEADER() and its kin: headers of the call's messages read, and written into ours. */
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include <errno.h>
#include <stdlib.h>

/* ---- PJSIP_HEADER(read|add|update|remove, name[, number]) ------------------------------ */

static struct list *headers_of(struct session *s)
{
	return s->incoming && session_is_ringing(s) ? &s->response_headers : &s->headers;
}

static const struct sip_msg *message_of(struct session *s)
{
	return s->incoming ? s->seen.invite : s->seen.response;
}

int func_header_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct str a[3];
	size_t n = pbx_args(args, a, ARRAY_LEN(a));
	const struct sip_hdr *h;
	uint32_t number = 1;

	(void)p;
	if (!s)
		return ENOENT;
	if (n < 2 || (n > 2 && str_u32(str_trim(a[2]), &number)) || !number)
		return EINVAL;
	if (!message_of(s))
		return ENOENT;
	h = sip_hdr_named(message_of(s), str_trim(a[1]), number - 1);
	/* What a phone tells with its REFER ("send to voicemail") is for the dialplan
	 * of whoever it transfers. */
	if (!h && s->seen.sent_on && str_istarts(str_trim(a[1]), STR("X-")))
		h = sip_hdr_named(s->seen.sent_on, str_trim(a[1]), number - 1);
	if (!h)
		return ENOENT;
	buf_put(out, h->value);
	return 0;
}

static struct session_header *find_header(struct list *l, struct str name)
{
	list_each(p, l) {
		struct session_header *h = container_of(p, struct session_header, link);

		if (str_ieq(text_view(&h->name), name))
			return h;
	}
	return NULL;
}

static void remove_header(struct list *l, struct str name)
{
	bool prefix = str_ends(name, STR("*"));
	struct str stem = prefix ? str_sub(name, 0, name.n - 1) : name;

	list_each_safe(p, next, l) {
		struct session_header *h = container_of(p, struct session_header, link);
		struct str have = text_view(&h->name);

		if (!(prefix ? str_istarts(have, stem) : str_ieq(have, name)))
			continue;
		list_remove(&h->link);
		text_free(&h->name);
		text_free(&h->value);
		free(h);
	}
}

/* No line end can be smuggled into a message by the dialplan's data. */
static bool is_clean(struct str v)
{
	return str_chr(v, '\r') == v.n && str_chr(v, '\n') == v.n;
}

int func_header_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);
	struct session_header *h;
	struct str a[3], what, name;
	size_t n = pbx_args(args, a, ARRAY_LEN(a));

	(void)p;
	if (!s)
		return ENOENT;
	what = n > 1 ? str_trim(a[0]) : STR("add");
	name = str_trim(a[n > 1 ? 1 : 0]);
	if (!name.n || !is_clean(name) || !is_clean(value))
		return EINVAL;
	if (str_ieq(what, STR("remove"))) {
		remove_header(headers_of(s), name);
		return 0;
	}
	h = str_ieq(what, STR("update")) ? find_header(headers_of(s), name) : NULL;
	if (h)
		return text_set(&h->value, value);
	return str_ieq(what, STR("add")) || str_ieq(what, STR("update")) ?
	       session_header_add(headers_of(s), name, value) : EINVAL;
}

/* ---- PJSIP_HEADERS([prefix]): the names, comma-separated, each once -------------------- */

static void write_names(const struct sip_msg *m, struct str prefix, struct buf *out)
{
	for (size_t i = 0; i < m->hdrs; i++) {
		bool again = false;

		if (!str_istarts(m->hdr[i].name, prefix))
			continue;
		for (size_t k = 0; k < i; k++)
			again |= str_ieq(m->hdr[k].name, m->hdr[i].name);
		if (!again)
			buf_puts(out, out->n ? STR(",") : STR_NULL, m->hdr[i].name);
	}
}

int func_headers_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);

	(void)p;
	if (!s || !message_of(s))
		return ENOENT;
	write_names(message_of(s), str_trim(args), out);
	return 0;
}

/* ---- PJSIP_RESPONSE_HEADER(name[,number]), PJSIP_RESPONSE_HEADERS([prefix]) -------------- */

int func_response_header_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct str a[3];
	size_t n = pbx_args(args, a, ARRAY_LEN(a)), at;
	const struct sip_hdr *h;
	uint32_t number = 1;

	(void)p;
	if (!s || !s->seen.response)
		return ENOENT;
	/* "read," in front is optional */
	at = n > 1 && str_ieq(str_trim(a[0]), STR("read")) ? 1 : 0;
	if (n <= at || (n > at + 1 && str_u32(str_trim(a[at + 1]), &number)) || !number)
		return EINVAL;
	h = sip_hdr_named(s->seen.response, str_trim(a[at]), number - 1);
	if (!h)
		return ENOENT;
	buf_put(out, h->value);
	return 0;
}

int func_response_headers_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);

	(void)p;
	if (!s || !s->seen.response)
		return ENOENT;
	write_names(s->seen.response, str_trim(args), out);
	return 0;
}

/* ---- PJSIP_HEADER_PARAM(From|To, header|uri, name) ------------------------------------------ */

static int param_key(struct str args, struct str a[3])
{
	if (pbx_args(args, a, 3) != 3)
		return EINVAL;
	for (size_t i = 0; i < 3; i++)
		a[i] = str_trim(a[i]);
	return (str_ieq(a[0], STR("From")) || str_ieq(a[0], STR("To"))) &&
	       (str_ieq(a[1], STR("header")) || str_ieq(a[1], STR("uri"))) && a[2].n ? 0 : EINVAL;
}

int func_header_param_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	const struct sip_msg *m = s ? message_of(s) : NULL;
	const struct sip_addr *addr;
	struct str a[3], v;

	(void)p;
	if (!m || param_key(args, a))
		return m ? EINVAL : ENOENT;
	addr = str_ieq(a[0], STR("From")) ? &m->from : &m->to;
	if (!sip_param(str_ieq(a[1], STR("uri")) ? addr->uri.params : addr->params, a[2], &v))
		return ENOENT;
	buf_put(out, v);
	return 0;
}

int func_header_param_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);
	struct text *t;
	struct str a[3];

	(void)p;
	if (!s || param_key(args, a) || !is_clean(value))
		return s ? EINVAL : ENOENT;
	t = str_ieq(a[0], STR("From")) ? (str_ieq(a[1], STR("uri")) ? &s->params.from_uri : &s->params.from) :
	    (str_ieq(a[1], STR("uri")) ? &s->params.to_uri : &s->params.to);
	return text_printf(t, "%s;%.*s%s%.*s", text_z(t), STR_ARG(a[2]), value.n ? "=" : "", STR_ARG(value));
}
