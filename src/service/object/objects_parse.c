/* Options of pjsip.conf with values of their own kind: TOS, groups, ACLs, variables, algorithms, times. */
#include "service/object/objects.h"
#include "base/list.h"
#include "ua/agree.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* RFC 2474, 2597, 3246: the code points by name; the octet is four times that. */
static const struct {
	const char *name;
	uint8_t dscp;
} dscps[] = {
	{ "cs0", 0 }, { "cs1", 8 }, { "cs2", 16 }, { "cs3", 24 }, { "cs4", 32 }, { "cs5", 40 }, { "cs6", 48 },
	{ "cs7", 56 }, { "af11", 10 }, { "af12", 12 }, { "af13", 14 }, { "af21", 18 }, { "af22", 20 },
	{ "af23", 22 }, { "af31", 26 }, { "af32", 28 }, { "af33", 30 }, { "af41", 34 }, { "af42", 36 },
	{ "af43", 38 }, { "ef", 46 },
};

int parse_tos(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	char z[16], *end;
	unsigned long v;

	(void)o;
	for (size_t i = 0; i < ARRAY_LEN(dscps); i++) {
		if (str_ieq(value, str_z(dscps[i].name))) {
			*(uint8_t *)field = (uint8_t)(dscps[i].dscp << 2);
			return 0;
		}
	}
	str_copy(z, sizeof(z), value);
	v = strtoul(z, &end, 0);
	if (!value.n || value.n >= sizeof(z) || *end || value.p[0] == '-' || v > 255)
		return option_why(ctx, "'%.*s' is neither 0..255 (also 0x..) nor CS0..CS7, AF11..AF43, EF",
				  STR_ARG(value));
	*(uint8_t *)field = (uint8_t)v;
	return 0;
}

/* A signalling socket's octet has no room for the two ECN bits (RFC 3168). */
int parse_dscp(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int err = parse_tos(ctx, o, field, value);

	if (!err)
		*(uint8_t *)field &= 0xfc;
	return err;
}

void write_u8(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_u64(b, *(const uint8_t *)field);
}

int parse_groups(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	uint64_t set = 0;

	(void)o;
	while (value.n) {
		struct str range = str_trim(str_cut_raw(&value, ','));
		struct str from = str_trim(str_cut_raw(&range, '-'));
		uint32_t a, z;

		if (!from.n)
			continue;
		range = str_trim(range);
		if (str_u32(from, &a) || str_u32(range.n ? range : from, &z) || a > z || z > 63)
			return option_why(ctx, "'%.*s' is not a group 0..63 or a range of them", STR_ARG(from));
		for (; a <= z; a++)
			set |= (uint64_t)1 << a;
	}
	*(uint64_t *)field = set;
	return 0;
}

void write_groups(struct buf *b, const struct option *o, const void *field)
{
	uint64_t set = *(const uint64_t *)field;
	bool first = true;

	(void)o;
	for (unsigned i = 0; i < 64; i++) {
		if (!(set >> i & 1))
			continue;
		buf_printf(b, "%s%u", first ? "" : ", ", i);
		first = false;
	}
}

/* One rule is tried at once, so that the fault has its own line. */
static int add_rule(struct option_ctx *ctx, struct acl_text *t, char kind, struct str value)
{
	struct acl *scratch;
	int err;

	if (!value.n)
		return 0;
	scratch = acl_new(STR(""));
	err = scratch ? acl_add(scratch, kind == 'p', value) : ENOMEM;
	obj_drop(scratch);
	if (err == ENOMEM)
		return err;
	if (err)
		return option_why(ctx, "'%.*s' is not an address or network (1.2.3.4, 10.0.0.0/8, ::1)",
				  STR_ARG(value));
	buf_char(&t->b, kind);
	buf_put(&t->b, value);
	buf_char(&t->b, '\n');
	return buf_err(&t->b);
}

static int add_names(struct option_ctx *ctx, struct acl_text *t, struct str value)
{
	while (value.n) {
		struct str name = str_trim(str_cut_raw(&value, ',')), line, rest = buf_view(&t->b);

		if (!name.n)
			continue;
		while (str_line(&rest, &line))
			if (line.p[0] == 'n' && str_ieq(str_skip(line, 1), name))
				return option_why(ctx, "acl '%.*s' is named twice", STR_ARG(name));
		buf_char(&t->b, 'n');
		buf_put(&t->b, name);
		buf_char(&t->b, '\n');
	}
	return buf_err(&t->b);
}

static struct object_build *build_of(struct option_ctx *ctx)
{
	return ctx->user;
}

int parse_acl(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_names(ctx, &build_of(ctx)->acl, value);
}

int parse_permit(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build_of(ctx)->acl, 'p', value);
}

int parse_deny(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build_of(ctx)->acl, 'd', value);
}

int parse_contact_acl(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_names(ctx, &build_of(ctx)->contact_acl, value);
}

int parse_contact_permit(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build_of(ctx)->contact_acl, 'p', value);
}

int parse_contact_deny(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build_of(ctx)->contact_acl, 'd', value);
}

void write_acl(struct buf *b, const struct option *o, const void *field)
{
	const struct acl_set *s = *(const struct acl_set *const *)field;

	(void)o;
	if (!s)
		return;
	if (s->n && !acl_name(s->v[0]).n)
		buf_put(b, STR("deny/permit"));
	else if (s->names.n)
		buf_put(b, s->names.v[0]);
}

/* `replace`: a name is there once, the last value counts. */
static int push_var(struct option_ctx *ctx, struct str name, struct str value, bool replace)
{
	struct object_build *b = build_of(ctx);
	struct conf_var v = { STR_NULL, STR_NULL };
	int err = 0;

	v.name = intern_str(ctx->intern, name, &err);
	v.value = intern_str(ctx->intern, value, &err);
	if (err)
		return err;
	for (size_t i = 0; replace && i < b->vars; i++) {
		if (str_eq(b->var[i].name, name)) {
			b->var[i] = v;
			return 0;
		}
	}
	if (b->vars == UINT16_MAX)
		return option_why(ctx, "more than 65535 variables");
	if (b->vars == b->var_cap) {
		size_t cap = b->var_cap ? b->var_cap * 2 : 16;
		struct conf_var *p = realloc(b->var, cap * sizeof(*p));

		if (!p)
			return ENOMEM;
		b->var = p;
		b->var_cap = cap;
	}
	b->var[b->vars++] = v;
	return 0;
}

int parse_set_var(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct str name;

	(void)o, (void)field;
	if (!value.n)
		return 0;
	if (str_chr(value, '=') == value.n)
		return option_why(ctx, "'%.*s' is not NAME=value", STR_ARG(value));
	name = str_cut_raw(&value, '=');
	return push_var(ctx, name, value, true);
}

int parse_any_var(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return push_var(ctx, ctx->name, value, true);
}

int parse_each_var(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return push_var(ctx, ctx->name, value, false);
}

int parse_event_var(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct str package = str_skip(ctx->name, strlen(o->name) - 1);

	(void)field;
	if (!package.n || !value.n)
		return option_why(ctx, "is not event_PACKAGE=resource");
	return push_var(ctx, package, value, true);
}

void write_vars(struct buf *b, const struct option *o, const void *field)
{
	const struct conf_var_list *l = *(const struct conf_var_list *const *)field;

	(void)o;
	for (size_t i = 0; l && i < l->n; i++)
		buf_puts(b, i ? STR(",") : STR(""), l->v[i].name, STR("="), l->v[i].value);
}

int parse_algorithms(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct algorithm_list l = { 0 };

	(void)o;
	while (value.n) {
		struct str name = str_trim(str_cut_raw(&value, ','));
		enum digest_alg alg;
		bool there = false;

		if (!name.n)
			continue;
		if (digest_alg_of(name, &alg))
			return option_why(ctx, "'%.*s' is not MD5, SHA-256 or SHA-512-256", STR_ARG(name));
		for (size_t i = 0; i < l.n; i++)
			there |= l.v[i] == alg;
		if (!there)
			l.v[l.n++] = (uint8_t)alg;
	}
	*(struct algorithm_list *)field = l;
	return 0;
}

void write_algorithms(struct buf *b, const struct option *o, const void *field)
{
	const struct algorithm_list *l = field;

	(void)o;
	for (size_t i = 0; i < l->n; i++)
		buf_puts(b, i ? STR(",") : STR(""), digest_alg_name((enum digest_alg)l->v[i]));
}

int parse_readable(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int err = 0;

	(void)o;
	value = intern_str(ctx->intern, value, &err);
	if (!err && value.n && access(value.p, R_OK))
		return option_why(ctx, "'%.*s' cannot be read: %s", STR_ARG(value), strerror(errno));
	*(struct str *)field = value;
	return err;
}

void write_str(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_put(b, *(const struct str *)field);
}

/* Letters, digits, '-' and '_' between dots (RFC 1123; '_' is met in names of private networks). */
static bool is_host_name(struct str v)
{
	struct str rest = v, label;

	if (!v.n || v.n > 253)
		return false;
	if (rest.p[rest.n - 1] == '.')
		rest.n--;
	do {
		label = str_cut_raw(&rest, '.');
		if (!label.n || label.n > 63 || label.p[0] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!isalnum((unsigned char)label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
				return false;
	} while (rest.n);
	return true;
}

/* A literal is kept in its shortest form, a name as it is. */
int parse_media_address(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	char text[SA_TEXT];
	struct sa sa;
	int err = 0;

	(void)o;
	if (!sa_parse(&sa, value))
		value = str_z(sa_text_bare(&sa, text));
	else if (value.n && !is_host_name(value))
		return option_why(ctx, "'%.*s' is neither an address nor a host name", STR_ARG(value));
	*(struct str *)field = intern_str(ctx->intern, value, &err);
	return err;
}

/* RFC 3261 25.1 user: what may stand before the @ of a From. */
int parse_user_part(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	static const struct str marks = STR_INIT("-._~%!$&'()*+,;=:");
	int err = 0;

	(void)o;
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      str_chr(marks, c) < marks.n))
			return option_why(ctx, "byte 0x%02x cannot stand in a URI's user part", (unsigned char)c);
	}
	*(struct str *)field = intern_str(ctx->intern, value, &err);
	return err;
}

/* What is not known is left out, as in Asterisk, but said. */
int parse_mechanisms(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct buf b = BUF_INIT;
	int err;

	(void)o;
	while (value.n) {
		struct str one = str_trim(str_cut(&value, ',')), rest = one;
		struct ua_mechanism m;

		if (ua_mechanism_next(&rest, &m)) {
			buf_put(&b, b.n ? STR(", ") : STR_NULL);
			ua_mechanism_write(&b, &m);
		} else if (one.n) {
			build_fault(ctx->user, REPORT_WARNING, "security_mechanisms: '%.*s' is no mechanism that is known",
				    STR_ARG(one));
		}
	}
	err = buf_err(&b);
	if (!err)
		*(struct str *)field = intern_str(ctx->intern, buf_view(&b), &err);
	buf_free(&b);
	return err;
}

int parse_time(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o;
	if (str_i64(value, field))
		return option_why(ctx, "'%.*s' is not a time in seconds since 1970", STR_ARG(value));
	return 0;
}

void write_time(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_printf(b, "%lld", (long long)*(const int64_t *)field);
}
