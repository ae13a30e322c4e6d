#include "service/functions.h"
#include "pbx/dialplan.h"
#include <errno.h>

/* ---- PJSIP_HEADER(read|add|update|remove, name[, number]) ------------------------------ */

static struct list *headers_of(struct session *s)
{
	return s->incoming && s->st == SESSION_RINGING ? &s->response_headers : &s->headers;
}

static const struct sip_msg *message_of(struct session *s)
{
	return s->incoming ? s->invite : s->last_response;
}

static int header_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
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

static int header_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
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

/* ---- PJSIP_DIAL_CONTACTS(endpoint[,aor[,user]]) ------------------------------------------ */

static void write_contacts(struct service *svc, const struct endpoint *ep, struct str aor, struct str user,
			   struct buf *out)
{
	struct location *l = location_get(svc, aor, false);

	if (!l)
		return;
	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);
		struct sip_uri u;

		if (c->status == CONTACT_UNREACHABLE)
			continue;
		if (out->n)
			buf_char(out, '&');
		buf_puts(out, STR("PJSIP/"), ep->name, STR("/"));
		if (user.n && sip_uri_parse(&u, text_view(&c->uri)) == 0) {
			buf_puts(out, u.scheme, STR(":"), user, STR("@"), u.host);
			if (u.port)
				buf_printf(out, ":%u", u.port);
			if (u.params.n)
				buf_puts(out, STR(";"), u.params);
		} else {
			buf_put(out, text_view(&c->uri));
		}
	}
}

static int dial_contacts(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct service *svc = p->service;
	struct str a[3] = { STR_NULL, STR_NULL, STR_NULL };
	const struct endpoint *ep;

	(void)ch;
	pbx_args(args, a, ARRAY_LEN(a));
	ep = svc ? snapshot_endpoint(svc->conf, str_trim(a[0])) : NULL;
	if (!ep)
		return ENOENT;
	if (a[1].n) {
		write_contacts(svc, ep, str_trim(a[1]), str_trim(a[2]), out);
		return 0;
	}
	for (size_t i = 0; i < ep->aor_n; i++)
		write_contacts(svc, ep, ep->aor_objs[i]->name, str_trim(a[2]), out);
	return 0;
}

/* ---- CHANNEL() ----------------------------------------------------------------------------- */

int functions_channel_read(struct channel *ch, struct str item, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct str a[4];
	size_t n = pbx_args(item, a, ARRAY_LEN(a));

	if (!s || !n)
		return ENOENT;
	if (str_ieq(a[0], STR("audionativeformat"))) {
		formats_write(out, &s->native);
		return 0;
	}
	if (n < 2 || !str_ieq(str_trim(a[0]), STR("pjsip")))
		return ENOENT;
	a[1] = str_trim(a[1]);
	if (str_ieq(a[1], STR("call-id")) && s->dlg)
		buf_put(out, s->dlg->call_id);
	else if (str_ieq(a[1], STR("local_tag")) && s->dlg)
		buf_put(out, s->dlg->local_tag);
	else if (str_ieq(a[1], STR("remote_tag")) && s->dlg)
		buf_put(out, s->dlg->remote_tag);
	else if (str_ieq(a[1], STR("target_uri")) && s->dlg)
		buf_put(out, s->dlg->target);
	else if (str_ieq(a[1], STR("request_uri")) && s->invite)
		buf_put(out, s->invite->ruri.text);
	else if (str_ieq(a[1], STR("local_uri")) && s->dlg)
		buf_put(out, s->dlg->local);
	else if (str_ieq(a[1], STR("remote_uri")) && s->dlg)
		buf_put(out, s->dlg->remote);
	else if (str_ieq(a[1], STR("local_addr")) && s->dlg)
		sa_write(out, &s->dlg->path.local);
	else if (str_ieq(a[1], STR("remote_addr")) && s->dlg)
		sa_write(out, &s->dlg->path.peer);
	else if (str_ieq(a[1], STR("secure")))
		buf_put(out, s->dlg && s->dlg->path.proto == NET_TLS ? STR("1") : STR("0"));
	else if (str_ieq(a[1], STR("t38state")))
		buf_put(out, STR("DISABLED"));
	else
		return ENOENT;
	return 0;
}

int functions_channel_write(struct channel *ch, struct str item, struct str value)
{
	(void)ch;
	(void)item;
	(void)value;
	return ENOENT;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static const struct func rows[] = {
	{ "PJSIP_HEADER", "Gets, adds, updates or removes a SIP header of this channel.", header_read, header_write },
	{ "PJSIP_DIAL_CONTACTS", "Dial string for all contacts of an endpoint.", dial_contacts, NULL },
};

int functions_register(struct pbx *p)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_LEN(rows); i++)
		err = pbx_add_func(p, &rows[i]);
	return err;
}
