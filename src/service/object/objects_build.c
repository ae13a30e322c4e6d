/* service/object/objects_build.c -- what the parsers of all objects share: faults, names, URIs. */
#include "service/object/objects.h"
#include "sip/uri.h"
#include <errno.h>
#include <stdlib.h>

void build_reset(struct object_build *b)
{
	buf_reset(&b->acl.b);
	buf_reset(&b->contact_acl.b);
	b->vars = 0;
}

void build_free(struct object_build *b)
{
	buf_free(&b->acl.b);
	buf_free(&b->contact_acl.b);
	free(b->var);
	map_free(b->acl_sets);
	for (size_t i = 0; i < b->sets; i++)
		for (size_t k = 0; k < b->set[i]->n; k++)
			obj_drop(b->set[i]->v[k]);
	free(b->set);
	for (size_t i = 0; i < b->regexes; i++) {
		regfree(b->regex[i]);
		free(b->regex[i]);
	}
	free(b->regex);
}

int build_fault(struct object_build *b, enum report_level level, const char *fmt, ...)
{
	struct buf t = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&t, fmt, ap);
	va_end(ap);
	report_add(b->r, level, config_file_name(b->c, b->s->file), b->s->line, "%s", buf_z(&t));
	buf_free(&t);
	return EBADMSG;
}

/* Room for one more pointer in a growing array. */
static int make_room(void ***v, size_t n, size_t *cap)
{
	void **p;

	if (n < *cap)
		return 0;
	p = realloc(*v, (*cap ? *cap * 2 : 8) * sizeof(*p));
	if (!p)
		return ENOMEM;
	*v = p;
	*cap = *cap ? *cap * 2 : 8;
	return 0;
}

static int keep_set(struct object_build *b, struct acl_set *s)
{
	void **v = (void **)b->set;
	int err = make_room(&v, b->sets, &b->set_cap);

	b->set = (struct acl_set **)v;
	if (!err)
		b->set[b->sets++] = s;
	return err;
}

/* Named lists come behind the object's own lines. */
static int add_named(struct object_build *b, struct acl_set *s, struct str name)
{
	struct acl *named = b->acls ? named_acls_get(b->acls, name) : NULL;
	int err = option_list_add(&b->ctx, &s->names, name);

	if (named)
		s->v[s->n++] = obj_hold(named);
	else
		s->undefined = true;
	return err;
}

static int own_rules(struct acl_set *s, struct str rules)
{
	struct acl *own = NULL;
	struct str line;
	int err = 0;

	while (!err && str_line(&rules, &line)) {
		if (line.p[0] == 'n')
			continue;
		if (!own)
			own = acl_new(STR(""));
		err = own ? acl_add(own, line.p[0] == 'p', str_skip(line, 1)) : ENOMEM;
	}
	if (err)
		obj_drop(own);
	else if (own)
		s->v[s->n++] = own;
	return err;
}

static int new_set(struct object_build *b, struct str rules, struct acl_set **out)
{
	struct str rest = rules, line;
	struct acl_set *s;
	size_t n = 1;
	int err;

	for (size_t i = 0; i < rules.n; i++)
		n += rules.p[i] == '\n';
	s = arena_alloc(b->ctx.arena, sizeof(*s) + n * sizeof(s->v[0]));
	err = s ? keep_set(b, s) : ENOMEM;
	if (err)
		return err;
	s->rules = rules;
	err = own_rules(s, rules);
	while (!err && str_line(&rest, &line))
		if (line.p[0] == 'n')
			err = add_named(b, s, str_skip(line, 1));
	if (!err)
		*out = s;
	return err;
}

static void report_undefined(struct object_build *b, const struct acl_set *s)
{
	for (size_t i = 0; i < s->names.n; i++)
		if (!b->acls || !named_acls_get(b->acls, s->names.v[i]))
			build_fault(b, REPORT_ERROR, "%s '%.*s': acl '%.*s' is not in acl.conf, so every address is "
				    "refused; add [%.*s] there", b->type, STR_ARG(b->s->name),
				    STR_ARG(s->names.v[i]), STR_ARG(s->names.v[i]));
}

int build_acl(struct object_build *b, struct acl_text *t, const struct acl_set **out)
{
	struct str key = buf_view(&t->b);
	struct acl_set *s;
	int err = buf_err(&t->b);

	*out = NULL;
	if (err || !key.n)
		return err;
	if (!b->acl_sets)
		b->acl_sets = map_new(false);
	if (!b->acl_sets)
		return ENOMEM;
	s = map_get(b->acl_sets, key);
	if (!s) {
		key = intern_str(b->ctx.intern, key, &err);
		if (!err)
			err = new_set(b, key, &s);
		if (!err)
			err = map_add(b->acl_sets, key, s);
		if (err)
			return err;
	}
	if (s->undefined)
		report_undefined(b, s);
	*out = s;
	return 0;
}

int build_vars(struct object_build *b, const struct conf_var_list **out)
{
	size_t size = sizeof(struct conf_var_list) + b->vars * sizeof(struct conf_var);
	struct conf_var_list *l;

	*out = NULL;
	if (!b->vars)
		return 0;
	l = calloc(1, size);
	if (!l)
		return ENOMEM;
	l->n = (uint16_t)b->vars;
	memcpy(l->v, b->var, b->vars * sizeof(struct conf_var));
	*out = intern_mem(b->ctx.intern, l, size);
	free(l);
	return *out ? 0 : ENOMEM;
}

int build_regex(struct object_build *b, const char *option, struct str text, regex_t **out)
{
	void **v = (void **)b->regex;
	char *z, why[128];
	regex_t *re;
	int err;

	*out = NULL;
	/* "//" is an empty literal, not an empty expression that fits everything. */
	if (text.n < 3 || text.p[0] != '/' || text.p[text.n - 1] != '/')
		return 0;
	err = make_room(&v, b->regexes, &b->regex_cap);
	b->regex = (regex_t **)v;
	z = str_dup(str_sub(text, 1, text.n - 2));
	re = calloc(1, sizeof(*re));
	if (err || !z || !re) {
		free(z);
		free(re);
		return ENOMEM;
	}
	err = regcomp(re, z, REG_EXTENDED | REG_NOSUB);
	free(z);
	if (err) {
		regerror(err, re, why, sizeof(why));
		free(re);
		return build_fault(b, REPORT_ERROR, "%s '%.*s': %s: '%.*s' is no regular expression: %s",
				   b->type, STR_ARG(b->s->name), option, STR_ARG(text), why);
	}
	b->regex[b->regexes++] = re;
	*out = re;
	return 0;
}

int build_uri(struct object_build *b, const char *option, struct str uri)
{
	struct sip_uri u;

	if (!sip_uri_parse(&u, uri) && sip_uri_is_sip(&u))
		return 0;
	return build_fault(b, REPORT_ERROR, "%s '%.*s': %s: '%.*s' is not a sip: or sips: URI",
			   b->type, STR_ARG(b->s->name), option, STR_ARG(uri));
}
