/* Keeps an object of the configuration before, when its section has become bad. */
#include "service/object/objects.h"
#include <errno.h>

/* Copy an object into a new arena by way of its table: what a row owns is copied,
 * what finish_*() computes is computed anew. */

static int intern_again(struct object_build *b, struct str *s)
{
	int err = 0;

	*s = intern_str(b->ctx.intern, *s, &err);
	return err;
}

static int again_list(struct object_build *b, struct str_list *l)
{
	struct str_list old = *l;
	int err = 0;

	*l = (struct str_list){ 0 };
	for (size_t i = 0; !err && i < old.n; i++)
		err = option_list_add(&b->ctx, l, old.v[i]);
	return err;
}

static int again_rules(struct acl_text *t, const struct acl_set **field)
{
	if (*field)
		buf_put(&t->b, (*field)->rules);
	*field = NULL;
	return buf_err(&t->b);
}

static int again_vars(struct object_build *b, const struct option *o, const struct conf_var_list **field)
{
	const struct conf_var_list *l = *field;
	int err = 0;

	*field = NULL;
	for (size_t i = 0; !err && l && i < l->n; i++) {
		struct buf t = BUF_INIT;

		buf_puts(&t, l->v[i].name, STR("="), l->v[i].value);
		err = buf_err(&t);
		if (!err)
			err = parse_set_var(&b->ctx, o, NULL, buf_view(&t));
		buf_free(&t);
	}
	return err;
}

static int again_codecs(struct object_build *b, const struct codec_list **field)
{
	if (!*field)
		return 0;
	*field = intern_mem(b->ctx.intern, *field, sizeof(**field) + (*field)->n * sizeof((*field)->v[0]));
	return *field ? 0 : ENOMEM;
}

static int again_custom(struct object_build *b, const struct option *o, void *field)
{
	if (o->write == write_str)
		return intern_again(b, field);
	if (o->write == write_codecs)
		return again_codecs(b, field);
	if (o->write == write_vars)
		return again_vars(b, o, field);
	if (o->parse == parse_acl)
		return again_rules(&b->acl, field);
	if (o->parse == parse_contact_acl)
		return again_rules(&b->contact_acl, field);
	return 0;
}

static int again_row(struct object_build *b, const struct option *o, void *obj)
{
	void *field = (char *)obj + o->offset;

	switch ((enum option_kind)o->kind) {
	case OPTION_STRING:
		return intern_again(b, field);
	case OPTION_SECRET:
		return intern_again(b, &((struct secret *)field)->s);
	case OPTION_LIST:
		return again_list(b, field);
	case OPTION_CUSTOM:
		return again_custom(b, o, field);
	case OPTION_BOOL:
	case OPTION_INT:
	case OPTION_UINT:
	case OPTION_DOUBLE:
	case OPTION_ENUM:
	case OPTION_IGNORED:
		return 0;
	}
	return 0;
}

/* Fields that rows with parsers of their own fill beside or instead of the one
 * they name, and what finish_*() will fill again. */
static int again_rest(struct object_build *b, enum object_type t, void *obj)
{
	struct endpoint *e = obj;
	struct auth_conf *a = obj;
	struct transport_conf *tr = obj;
	struct identify_conf *id = obj;
	int err = 0;

	switch (t) {
	case OBJECT_ENDPOINT:
		e->aor_objs = NULL;
		e->auth_objs = NULL;
		e->outbound_auths = (struct auth_list){ 0 };
		e->transport_obj = NULL;
		e->aor_n = e->auth_n = 0;
		err = intern_again(b, &e->callerid_name);
		return err ? err : intern_again(b, &e->callerid_num);
	case OBJECT_AUTH:
		if (!a->own_algorithms_uac)
			a->supported_algorithms_uac.n = 0;
		if (!a->own_algorithms_uas)
			a->supported_algorithms_uas.n = 0;
		for (size_t i = 0; !err && i < DIGEST_ALGS; i++)
			err = intern_again(b, &a->ha1[i].s);
		return err;
	case OBJECT_TRANSPORT:
		tr->local_net = NULL;
		tr->local_net_n = 0;
		err = intern_again(b, &tr->bind_text);
		return err ? err : again_list(b, &tr->local_net_text);
	case OBJECT_IDENTIFY:
		id->nets = NULL;
		id->net_n = 0;
		id->endpoint_obj = NULL;
		id->header_re = id->request_uri_re = NULL;
		err = again_list(b, &id->match);
		return err ? err : again_list(b, &id->hosts);
	case OBJECT_REGISTRATION: {
		struct registration_conf *r = obj;

		r->outbound_auths = (struct auth_list){ 0 };
		r->endpoint_obj = NULL;
		r->transport_obj = NULL;
		return 0;
	}
	case OBJECT_OUTBOUND_PUBLISH:
		((struct outbound_publish *)obj)->outbound_auths = (struct auth_list){ 0 };
		return 0;
	case OBJECT_OUTBOUND_SUBSCRIPTION:
		((struct outbound_subscription *)obj)->outbound_auths = (struct auth_list){ 0 };
		return 0;
	case OBJECT_INBOUND_PUBLICATION:
		((struct inbound_publication *)obj)->endpoint_obj = NULL;
		return 0;
	default:
		return 0;
	}
}

int keep_object(struct object_build *b, enum object_type t, const struct option_index *index,
		const struct object *old, struct object **out)
{
	const struct option_set *set = option_index_set(index);
	struct report *r = b->r;
	struct object *o = arena_alloc(b->ctx.arena, set->size);
	struct str file = str_z(old->file);
	int err = o ? 0 : ENOMEM;

	if (err)
		return err;
	b->r = NULL;
	build_reset(b);
	memcpy(o, old, set->size);
	option_each(row, set) {
		if (!err)
			err = again_row(b, row, o);
	}
	if (!err)
		err = intern_again(b, &o->name);
	if (!err)
		err = intern_again(b, &file);
	if (!err)
		err = again_rest(b, t, o);
	o->file = file.p;
	o->kept = true;
	if (!err)
		err = finish_object(b, t, o);
	b->r = r;
	if (!err)
		*out = o;
	return err;
}
