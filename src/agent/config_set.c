/* Parameters by their names, and the words for what is refused. */
#include "agent/config_private.h"
#include <errno.h>
#include <stdlib.h>

#define SHOWN 200               /* [bytes] of what is no JSON at all */

/* ---- names */

/* Is `name` ws_servers where `camel` is wsServers? */
static bool is_snake(const char *camel, struct str name)
{
	size_t i = 0;

	for (const char *p = camel; *p; p++) {
		char c = *p;

		if (c >= 'A' && c <= 'Z') {
			if (i == name.n || name.p[i++] != '_')
				return false;
			c = (char)(c - 'A' + 'a');
		}
		if (i == name.n || name.p[i++] != c)
			return false;
	}
	return i == name.n;
}

/* NULL: no such parameter, or JavaScript's. *own: it is not an old name. */
static const struct agent_row *find_row(struct str name, bool *own)
{
	const struct agent_row *row;

	for (size_t i = 0; (row = agent_row(i)); i++) {
		*own = str_eq(name, str_z(row->param.name));
		if (row->read && (*own || is_snake(row->param.name, name)))
			return row;
	}
	return NULL;
}

static int unknown(struct str name, struct text *why)
{
	const struct agent_row *row, *best = NULL;
	unsigned least = 3;

	for (size_t i = 0; (row = agent_row(i)); i++) {
		unsigned d = str_distance(name, str_z(row->param.name));

		if (row->read && d < least) {
			best = row;
			least = d;
		}
	}
	if (why && text_printf(why, best ? "Unknown parameter: %.*s (%s?)" : "Unknown parameter: %.*s", STR_ARG(name),
			       best ? best->param.name : ""))
		return ENOMEM;
	return ENOENT;
}

/* ---- one value */

static bool is_default(const struct agent_json *v)
{
	return v->type == AGENT_JSON_NULL || (v->type == AGENT_JSON_STRING && !v->text.n) ||
	       (v->type == AGENT_JSON_LIST && !v->n);
}

/* What JavaScript takes for nothing. */
static bool is_missing(const struct agent_json *v)
{
	return (v->type == AGENT_JSON_BOOL && !v->truth) ||
	       (v->type == AGENT_JSON_NUMBER && v->number >= 0 && v->number <= 0);
}

static int refuse(const struct agent_reading *r, const char *name, const struct agent_json *v)
{
	struct buf b = BUF_INIT;
	int err = EINVAL;

	if (!r->why)
		return err;
	if (r->row->secret)
		buf_put(&b, STR("\"***\""));
	else
		agent_json_write(&b, v);
	if (buf_err(&b) || (is_missing(v) ? text_printf(r->why, "Missing parameter: %s", name) :
			    text_printf(r->why, "Invalid value %.*s for parameter \"%s\"", STR_ARG(buf_view(&b)), name)))
		err = ENOMEM;
	buf_free(&b);
	return err;
}

/* Rows without a default are text, but for transportOptions, which has no field. */
static int reset(struct agent_reading *r, void *field)
{
	const struct agent_json *v;
	int err = 0;

	if (r->row->param.def) {
		err = agent_json_parse(r->a, str_z(r->row->param.def), &v);
		if (!err)
			err = r->row->read(r, field, v);
	} else if (r->row->read != agent_read_transport) {
		text_free(field);
	}
	if (!err)
		r->c->given &= ~(UINT64_C(1) << agent_row_number(r->row));
	return err;
}

/* `name`: what the error calls it. */
static int set_value(struct agent_reading *r, const char *name, const struct agent_json *v)
{
	void *field = (char *)r->c + r->row->offset;
	int err;

	if (is_default(v))
		return reset(r, field);
	err = r->row->read(r, field, v);
	if (!err)
		r->c->given |= UINT64_C(1) << agent_row_number(r->row);
	/* Whoever reads members of its own has said which one. */
	return err == EINVAL && r->row->read != agent_read_transport ? refuse(r, name, v) : err;
}

/* ---- transportOptions */

static int set_members(struct agent_reading *r, struct agent_config *c, const struct agent_json *v)
{
	struct agent_reading each = { .c = c, .a = r->a, .why = r->why };
	const struct agent_json *m;
	int err = 0;

	for (size_t i = 0; !err && (each.row = agent_row(i)); i++) {
		m = each.row->param.later ? agent_json_member(v, str_z(each.row->param.later)) : NULL;
		if (m && !(r->c->named >> i & 1))
			err = set_value(&each, each.row->param.later, m);
	}
	return err;
}

/* All of it or nothing: into one that is thrown away first. */
int agent_read_transport(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct agent_config *scratch;
	int err;

	(void)field;
	if (v->type != AGENT_JSON_OBJECT)
		return refuse(r, r->row->param.name, v);
	scratch = calloc(1, sizeof(*scratch));
	if (!scratch)
		return ENOMEM;
	err = set_members(r, scratch, v);
	agent_config_free(scratch);
	free(scratch);
	return err ? err : set_members(r, r->c, v);
}

void agent_write_transport(struct buf *b, const struct agent_row *self, const struct agent_config *c)
{
	const struct agent_row *row;
	bool first = true;

	(void)self;
	buf_char(b, '{');
	for (size_t i = 0; (row = agent_row(i)); i++) {
		if (!row->param.later)
			continue;
		buf_puts(b, first ? STR("\"") : STR(",\""), str_z(row->param.later), STR("\":"));
		row->write(b, row, c);
		first = false;
	}
	buf_char(b, '}');
}

/* ---- from outside */

/* What is no JSON is shown as it came. */
static int refuse_text(const struct agent_reading *r, struct str json, int err)
{
	struct buf b = BUF_INIT;

	if (!r->why)
		return EINVAL;
	if (r->row->secret)
		buf_put(&b, STR("***"));
	else
		buf_escape(&b, str_sub(str_trim(json), 0, SHOWN));
	if (buf_err(&b))
		err = ENOMEM;
	else if (err == E2BIG)
		err = text_printf(r->why, "Invalid value (%zu bytes, at most %d) for parameter \"%s\"", json.n, AGENT_JSON_BYTES,
				  r->row->param.name);
	else
		err = text_printf(r->why, "Invalid value %.*s for parameter \"%s\"", STR_ARG(buf_view(&b)), r->row->param.name);
	buf_free(&b);
	return err ? ENOMEM : EINVAL;
}

/* By its own name a parameter is set; by an old one only when it was not. */
static int set_named(struct agent_reading *r, struct str name, bool own, const struct agent_json *v)
{
	uint64_t bit = UINT64_C(1) << agent_row_number(r->row);
	int err;

	if (!own && (r->c->named & bit))
		return r->why ? text_printf(r->why, "\"%.*s\" has no effect beside \"%s\"", STR_ARG(name), r->row->param.name) : 0;
	err = set_value(r, r->row->param.name, v);
	if (err)
		return err;
	if (own)
		r->c->named |= bit;
	else if (r->why && !r->why->n)
		err = text_printf(r->why, "\"%.*s\" is an old name of \"%s\"", STR_ARG(name), r->row->param.name);
	return err;
}

int agent_config_set_json(struct agent_config *c, struct str name, struct str json, struct text *why)
{
	struct agent_reading r = { .c = c, .why = why };
	const struct agent_json *v;
	bool own;
	int err;

	if (why)
		text_free(why);
	r.row = find_row(name, &own);
	if (!r.row)
		return unknown(name, why);
	r.a = arena_new(0);
	if (!r.a)
		return ENOMEM;
	err = agent_json_parse(r.a, json, &v);
	if (!err)
		err = set_named(&r, name, own, v);
	else if (err != ENOMEM)
		err = refuse_text(&r, json, err);
	arena_free(r.a);
	return err;
}

/* Does the row take nothing but strings, or does the word read as JSON? */
static int is_json(struct str name, struct str word, bool *yes)
{
	const struct agent_json *v;
	const struct agent_row *row;
	struct arena *a;
	bool own;

	row = find_row(name, &own);
	*yes = false;
	if (!row || !strcmp(row->param.ts, "string"))
		return 0;
	a = arena_new(0);
	if (!a)
		return ENOMEM;
	*yes = !agent_json_parse(a, word, &v);
	arena_free(a);
	return 0;
}

int agent_config_set_word(struct agent_config *c, struct str name, struct str word, struct text *why)
{
	struct buf b = BUF_INIT;
	bool as_is;
	int err = is_json(name, word, &as_is);

	if (err)
		return err;
	if (as_is)
		return agent_config_set_json(c, name, word, why);
	agent_json_write_string(&b, word);
	err = buf_err(&b) ? ENOMEM : agent_config_set_json(c, name, buf_view(&b), why);
	buf_free(&b);
	return err;
}

int agent_config_get_json(const struct agent_config *c, struct str name, struct text *out)
{
	struct buf b = BUF_INIT;
	const struct agent_row *row;
	bool own;
	int err;

	row = find_row(name, &own);
	if (!row)
		return ENOENT;
	row->write(&b, row, c);
	err = buf_err(&b) ? ENOMEM : text_set(out, buf_view(&b));
	buf_free(&b);
	return err;
}

int agent_config_check_json(struct str name, struct str json, struct text *out)
{
	struct agent_config *c = malloc(sizeof(*c));
	int err;

	if (!c)
		return ENOMEM;
	err = agent_config_init(c);
	if (!err) {
		err = agent_config_set_json(c, name, json, out);
		if (!err)
			err = agent_config_get_json(c, name, out);
		agent_config_free(c);
	}
	free(c);
	return err;
}

/* ---- all of them */

int agent_config_init(struct agent_config *c)
{
	struct agent_reading r = { .c = c, .a = arena_new(0) };
	int err = r.a ? 0 : ENOMEM;

	*c = (struct agent_config){ 0 };
	for (size_t i = 0; !err && (r.row = agent_row(i)); i++)
		if (r.row->read)
			err = reset(&r, (char *)c + r.row->offset);
	arena_free(r.a);
	if (err)
		agent_config_free(c);
	return err;
}

void agent_config_free(struct agent_config *c)
{
	struct text *texts[] = { &c->uri, &c->registrar_server, &c->display_name, &c->authorization_user, &c->password,
				 &c->user_agent_string, &c->instance_id, &c->contact_name, &c->contact_transport,
				 &c->hack_ip_in_contact, &c->extra_supported, &c->user, &c->host, &c->via_host, &c->option_tags };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_free(texts[i]);
	agent_servers_free(c);
}
