/* PJSIP_ENDPOINT(), PJSIP_AOR(), PJSIP_CONTACT(): objects of the configuration, by name and field. */
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include <errno.h>

/* ---- PJSIP_ENDPOINT(name,option), PJSIP_AOR, PJSIP_AUTH ---------------------------------- */

static int write_option(enum object_type t, const void *obj, struct str name, struct buf *out)
{
	const struct option_set *set = object_options(t);

	for (size_t i = 0; i < set->n; i++) {
		if (str_ieq(str_z(set->rows[i].name), name)) {
			option_write(out, &set->rows[i], obj, false);
			return 0;
		}
	}
	return ENOENT;
}

int func_endpoint_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct service *svc = p->service;
	struct str a[2];
	const struct endpoint *ep;

	(void)ch;
	if (pbx_args(args, a, 2) != 2 || !svc)
		return EINVAL;
	ep = snapshot_endpoint(svc->conf, str_trim(a[0]));
	if (str_ieq(str_trim(a[1]), STR("set_var")))
		return ENOENT;          /* shown nowhere, in Asterisk neither */
	return ep ? write_option(OBJECT_ENDPOINT, ep, str_trim(a[1]), out) : ENOENT;
}

int func_aor_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct service *svc = p->service;
	const struct aor *aor;
	struct location *l;
	struct str a[2];

	(void)ch;
	if (pbx_args(args, a, 2) != 2 || !svc)
		return EINVAL;
	a[0] = str_trim(a[0]);
	aor = snapshot_aor(svc->conf, a[0]);
	if (!aor)
		return ENOENT;
	if (!str_ieq(str_trim(a[1]), STR("contact")))
		return write_option(OBJECT_AOR, aor, str_trim(a[1]), out);
	l = location_get(svc, a[0], false);
	if (l)
		list_each(q, &l->contacts)
			buf_puts(out, out->n ? STR(",") : STR_NULL, container_of(q, struct contact, link)->id);
	return 0;
}

int func_auth_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct service *svc = p->service;
	const struct auth_conf *au;
	struct str a[2];

	(void)ch;
	if (pbx_args(args, a, 2) != 2 || !svc)
		return EINVAL;
	au = snapshot_auth(svc->conf, str_trim(a[0]));
	return au ? write_option(OBJECT_AUTH, au, str_trim(a[1]), out) : ENOENT;
}

/* ---- PJSIP_CONTACT(id,field) ---------------------------------------------------------------- */

int func_contact_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct service *svc = p->service;
	const struct contact *c;
	const struct aor *aor;
	struct str a[2], f;

	(void)ch;
	if (pbx_args(args, a, 2) != 2 || !svc)
		return EINVAL;
	c = contact_by_id(svc, str_trim(a[0]));
	if (!c)
		return ENOENT;
	f = str_trim(a[1]);
	aor = contact_aor(svc, c);
	if (str_ieq(f, STR("uri")))
		buf_put(out, c->uri);
	else if (str_ieq(f, STR("status")))
		buf_put(out, str_z(contact_status_name(c->status)));
	else if (str_ieq(f, STR("rtt")) && !c->rtt_us)
		buf_put(out, STR("N/A"));
	else if (str_ieq(f, STR("rtt")))
		buf_printf(out, "%u", c->rtt_us);
	else if (str_ieq(f, STR("user_agent")))
		buf_put(out, c->user_agent);
	else if (str_ieq(f, STR("path")))
		buf_put(out, c->path);
	else if (str_ieq(f, STR("endpoint")))
		buf_put(out, c->endpoint);
	else if (str_ieq(f, STR("reg_server")))
		buf_put(out, c->reg_server);
	else if (str_ieq(f, STR("via_addr")))
		buf_put(out, c->via_addr);
	else if (str_ieq(f, STR("via_port")))
		buf_printf(out, "%u", c->via_port);
	else if (str_ieq(f, STR("call_id")))
		buf_put(out, c->call_id);
	else if (str_ieq(f, STR("expiration_time")))
		buf_printf(out, "%lld", (long long)contact_end_s(c));
	else if (str_ieq(f, STR("authenticate_qualify")) && aor)
		buf_put(out, aor->authenticate_qualify ? STR("yes") : STR("no"));
	else if (str_ieq(f, STR("prune_on_boot")))
		buf_put(out, c->prune_on_boot ? STR("yes") : STR("no"));
	else
		return aor ? write_option(OBJECT_AOR, aor, f, out) : ENOENT;
	return 0;
}

/* ---- PJSIP_PARSE_URI(uri,part), PJSIP_PARSE_URI_FROM(variable,part) --------------------------- */

static int write_param(const struct sip_uri *u, struct str name, struct buf *out)
{
	struct str v;

	if (sip_uri_param(u, name, &v))
		buf_put(out, v.n ? v : STR("1"));
	else if (str_ieq(name, STR("ttl")))
		buf_put(out, STR("-1"));        /* as PJSIP says that there is none */
	return 0;
}

static int write_part(const struct sip_addr *a, struct str part, struct buf *out)
{
	struct arena *ar = arena_new(512);
	struct str host = a->uri.host;
	int err = 0;

	if (!ar)
		return ENOMEM;
	if (host.n > 2 && host.p[0] == '[')
		host = str_sub(host, 1, host.n - 2);
	if (str_ieq(part, STR("display")))
		buf_put(out, sip_unquote(ar, a->display));
	else if (str_ieq(part, STR("scheme")))
		buf_put(out, a->uri.scheme);
	else if (str_ieq(part, STR("user")))
		buf_put(out, sip_unescape(ar, a->uri.user));
	else if (str_ieq(part, STR("passwd")))
		buf_put(out, sip_unescape(ar, a->uri.password));
	else if (str_ieq(part, STR("host")))
		buf_put(out, host);
	else if (str_ieq(part, STR("port")))
		buf_printf(out, "%u", a->uri.port);
	else if (str_ends(part, STR("_param")))
		err = write_param(&a->uri, str_sub(part, 0, part.n - 6), out);
	else
		err = EINVAL;
	arena_free(ar);
	return err;
}

/* A bare URI keeps its parameters: no header is here that could have them. */
static int parse_uri(struct sip_addr *a, struct str s)
{
	if (str_chr(s, '<') < s.n)
		return sip_addr_parse(a, s);
	*a = (struct sip_addr){ 0 };
	return sip_uri_parse(&a->uri, s);
}

int func_parse_uri_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str a[2];
	struct sip_addr addr;

	(void)p;
	(void)ch;
	if (pbx_args(args, a, 2) != 2)
		return EINVAL;
	return parse_uri(&addr, str_trim(a[0])) || !sip_uri_is_sip(&addr.uri) ? EINVAL : write_part(&addr, str_trim(a[1]), out);
}

int func_parse_uri_from_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf uri = BUF_INIT;
	struct sip_addr addr;
	struct str a[2];
	int err;

	if (pbx_args(args, a, 2) != 2)
		return EINVAL;
	err = pbx_getvar(p, ch, str_trim(a[0]), &uri) && !parse_uri(&addr, str_trim(buf_view(&uri))) &&
	      sip_uri_is_sip(&addr.uri) ?
	      write_part(&addr, str_trim(a[1]), out) : EINVAL;
	buf_free(&uri);
	return err;
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

		if (c->status == CONTACT_UNREACHABLE)
			continue;
		if (out->n)
			buf_char(out, '&');
		buf_puts(out, STR("PJSIP/"), user, user.n ? STR("@") : STR_NULL, ep->name, STR("/"), c->uri);
	}
}

int func_dial_contacts_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
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
