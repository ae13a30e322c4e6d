/* From names to objects: what one section says of another becomes a pointer, or a fault. */
#include "service/object/identify_rules.h"
#include "service/object/snapshot_internal.h"
#include <errno.h>
#include <sys/random.h>

/* References. What is missing is reported at the line of the option that names it. */

static void report_missing(struct loader *l, const struct source *e, const struct object *o, const char *option,
			   enum object_type want, struct str name)
{
	const struct config_var *v = e ? config_var_get(e->s, str_z(option)) : NULL;
	struct str type = object_type_name((enum object_type)o->type), need = object_type_name(want);

	report_add(l->r, REPORT_ERROR, v ? config_file_name(e->c, v->file) : str_z(o->file), v ? v->line : o->line,
		   "%.*s '%.*s': %s: there is no %.*s '%.*s'; add a section [%.*s] with type=%.*s", STR_ARG(type),
		   STR_ARG(o->name), option, STR_ARG(need), STR_ARG(name), STR_ARG(name), STR_ARG(need));
}

static void *resolve_one(struct loader *l, const struct source *e, const struct object *o, const char *option,
			 enum object_type want, struct str name)
{
	struct object *found;

	if (!name.n)
		return NULL;
	found = l->s->list[want].by_name ? map_get(l->s->list[want].by_name, name) : NULL;
	if (!found)
		report_missing(l, e, o, option, want, name);
	return found;
}

struct ref_list {
	void **v;
	uint16_t n;
};

static int resolve_list(struct loader *l, const struct source *e, const struct object *o, const char *option,
			enum object_type want, const struct str_list *names, struct ref_list *out)
{
	*out = (struct ref_list){ 0 };
	if (!names->n)
		return 0;
	out->v = arena_alloc(l->s->arena, names->n * sizeof(*out->v));
	if (!out->v)
		return ENOMEM;
	for (size_t i = 0; i < names->n; i++) {
		void *found = resolve_one(l, e, o, option, want, names->v[i]);

		if (found)
			out->v[out->n++] = found;
	}
	return 0;
}

/* HA1 is drawn, not computed, so no user name and password lead to it. */
static int make_nobody(struct loader *l)
{
	struct snapshot *s = l->s;
	struct auth_conf *a = arena_alloc(s->arena, sizeof(*a));
	uint8_t key[32];
	struct buf b = BUF_INIT;
	int err;

	if (!a || getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return ENOMEM;
	a->name = a->username = a->realm = a->oauth_clientid = STR("");
	a->of = s;
	a->o.file = "";
	a->o.type = OBJECT_AUTH;
	a->auth_type = AUTH_DIGEST;
	a->nonce_lifetime = 32;
	a->supported_algorithms_uas = s->global->default_auth_algorithms_uas;
	a->supported_algorithms_uac = s->global->default_auth_algorithms_uac;
	/* Without a challenge it would be told from an endpoint that has one. */
	if (!a->supported_algorithms_uas.n)
		a->supported_algorithms_uas = (struct algorithm_list){ 1, { DIGEST_MD5 } };
	buf_hex(&b, key, sizeof(key));
	err = buf_err(&b);
	for (size_t i = 0; !err && i < DIGEST_ALGS; i++) {
		a->ha1[i].s = arena_dup(s->arena, str_sub(buf_view(&b), 0, i == DIGEST_MD5 ? 32 : 64));
		err = a->ha1[i].s.n ? 0 : ENOMEM;
	}
	buf_free(&b);
	s->nobody = a;
	return err;
}

static void no_proof(struct loader *l, const struct source *e, const struct endpoint *ep, const struct auth_conf *a)
{
	const struct config_var *v = e ? config_var_get(e->s, STR("auth")) : NULL;

	report_add(l->r, REPORT_ERROR, v ? config_file_name(e->c, v->file) : str_z(ep->o.file), v ? v->line : ep->o.line,
		   "endpoint '%.*s': auth '%.*s' cannot authenticate anybody: give it a password or password_digest%s",
		   STR_ARG(ep->name), STR_ARG(a->name),
		   a->auth_type == AUTH_GOOGLE_OAUTH ? " and supported_algorithms_uas" : "");
}

/* Neither a mistyped name nor an auth without a secret may make of a protected
 * endpoint one that asks nobody, or one that takes an empty password. */
static void lock_unproved(struct loader *l, const struct source *e, const struct endpoint *ep, struct ref_list *x)
{
	uint16_t n = 0;

	if (!ep->auth.n)
		return;
	for (uint16_t i = 0; i < x->n; i++) {
		if (auth_proves_any(x->v[i]))
			x->v[n++] = x->v[i];
		else
			no_proof(l, e, ep, x->v[i]);
	}
	x->n = n;
	if (!n)
		x->v[x->n++] = l->s->nobody;
}

static int resolve_endpoint(struct loader *l, const struct source *e, struct endpoint *ep)
{
	struct ref_list x;
	struct str name = ep->name;
	int err = resolve_list(l, e, &ep->o, "aors", OBJECT_AOR, &ep->aors, &x);

	l->s->has_anonymous |= str_eq(str_cut_raw(&name, '@'), STR("anonymous"));
	l->s->has_auth_username |= (ep->identify_by.mask & IDENTIFY_AUTH_USERNAME) != 0;
	ep->aor_objs = (struct aor *const *)x.v;
	ep->aor_n = x.n;
	if (!err)
		err = resolve_list(l, e, &ep->o, "auth", OBJECT_AUTH, &ep->auth, &x);
	if (!err)
		lock_unproved(l, e, ep, &x);
	ep->auth_objs = (struct auth_conf *const *)x.v;
	ep->auth_n = x.n;
	if (!err)
		err = resolve_list(l, e, &ep->o, "outbound_auth", OBJECT_AUTH, &ep->outbound_auth, &x);
	ep->outbound_auths = (struct auth_list){ (struct auth_conf *const *)x.v, x.n };
	ep->transport_obj = resolve_one(l, e, &ep->o, "transport", OBJECT_TRANSPORT, ep->transport);
	return err;
}

static int resolve_registration(struct loader *l, const struct source *e, struct registration_conf *r)
{
	struct ref_list x;
	int err = resolve_list(l, e, &r->o, "outbound_auth", OBJECT_AUTH, &r->outbound_auth, &x);

	r->outbound_auths = (struct auth_list){ (struct auth_conf *const *)x.v, x.n };
	r->endpoint_obj = resolve_one(l, e, &r->o, "endpoint", OBJECT_ENDPOINT, r->endpoint);
	r->transport_obj = resolve_one(l, e, &r->o, "transport", OBJECT_TRANSPORT, r->transport);
	return err;
}

static int resolve_publish(struct loader *l, const struct source *e, struct outbound_publish *p)
{
	struct ref_list x;
	int err = resolve_list(l, e, &p->o, "outbound_auth", OBJECT_AUTH, &p->outbound_auth, &x);

	p->outbound_auths = (struct auth_list){ (struct auth_conf *const *)x.v, x.n };
	resolve_one(l, e, &p->o, "transport", OBJECT_TRANSPORT, p->transport);
	return err;
}

static int resolve_subscription(struct loader *l, const struct source *e, struct outbound_subscription *s)
{
	struct ref_list x;
	int err = resolve_list(l, e, &s->o, "outbound_auth", OBJECT_AUTH, &s->outbound_auth, &x);

	s->outbound_auths = (struct auth_list){ (struct auth_conf *const *)x.v, x.n };
	resolve_one(l, e, &s->o, "transport", OBJECT_TRANSPORT, s->transport);
	return err;
}

static int resolve_object(struct loader *l, const struct source *e, struct object *o)
{
	void *p = o;

	switch (o->type) {
	case OBJECT_ENDPOINT:
		return resolve_endpoint(l, e, p);
	case OBJECT_REGISTRATION:
		return resolve_registration(l, e, p);
	case OBJECT_OUTBOUND_PUBLISH:
		return resolve_publish(l, e, p);
	case OBJECT_OUTBOUND_SUBSCRIPTION:
		return resolve_subscription(l, e, p);
	case OBJECT_IDENTIFY: {
		struct identify_conf *i = p;

		i->endpoint_obj = resolve_one(l, e, o, "endpoint", OBJECT_ENDPOINT, i->endpoint);
		return 0;
	}
	case OBJECT_INBOUND_PUBLICATION: {
		struct inbound_publication *i = p;

		i->endpoint_obj = resolve_one(l, e, o, "endpoint", OBJECT_ENDPOINT, i->endpoint);
		return 0;
	}
	case OBJECT_ASTERISK_PUBLICATION: {
		struct asterisk_publication *a = p;

		resolve_one(l, e, o, "devicestate_publish", OBJECT_OUTBOUND_PUBLISH, a->devicestate_publish);
		resolve_one(l, e, o, "mailboxstate_publish", OBJECT_OUTBOUND_PUBLISH, a->mailboxstate_publish);
		return 0;
	}
	default:
		return 0;
	}
}

/* Objects and their sections are in the same order, with gaps in the former. */
int resolve_all(struct loader *l)
{
	int err = make_nobody(l);

	for (size_t t = 0; t < OBJECT_TYPES; t++) {
		struct object_list *list = &l->s->list[t];
		const struct sources *x = &l->of[t];
		size_t k = 0;

		for (size_t i = 0; !err && i < list->n; i++) {
			while (!x->refused && k < x->n && !str_eq(x->v[k].s->name, list->v[i]->name))
				k++;
			err = resolve_object(l, !x->refused && k < x->n ? &x->v[k] : NULL, list->v[i]);
		}
	}
	return err ? err : identify_rules_build(l->s);
}
