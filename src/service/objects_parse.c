#include "service/objects.h"
#include "base/list.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const codec_names[] = {
	"g723", "ulaw", "alaw", "gsm", "g726", "g726aal2", "adpcm", "slin", "slin12", "slin16", "slin24",
	"slin32", "slin44", "slin48", "slin96", "slin192", "lpc10", "g729", "speex", "speex16", "speex32",
	"ilbc", "g722", "siren7", "siren14", "g719", "opus", "codec2", "silk8", "silk12", "silk16",
	"silk24", "jpeg", "png", "h261", "h263", "h263p", "h264", "h265", "mpeg4", "vp8", "vp9", "av1",
	"red", "t140",
};
#define CODECS ARRAY_LEN(codec_names)

const char *codec_name_at(size_t i)
{
	return i < CODECS ? codec_names[i] : NULL;
}

static const char *codec_find(struct str name)
{
	for (size_t i = 0; i < CODECS; i++)
		if (str_ieq(str_z(codec_names[i]), name))
			return codec_names[i];
	return NULL;
}

static struct str codec_nearest(struct str name)
{
	struct str best = STR_NULL;
	unsigned least = 3;

	for (size_t i = 0; i < CODECS; i++) {
		unsigned d = str_distance(name, str_z(codec_names[i]));

		if (d < least) {
			least = d;
			best = str_z(codec_names[i]);
		}
	}
	return best;
}

/* A list being edited, on the stack: a name is in it once. */
struct codec_edit {
	union {
		struct codec_list l;
		char room[sizeof(struct codec_list) + CODECS * sizeof(struct codec_pref)];
	};
};

static void codec_remove(struct codec_list *l, const char *name)
{
	for (uint16_t i = 0; i < l->n; i++) {
		if (l->v[i].name.p != name)
			continue;
		memmove(&l->v[i], &l->v[i + 1], (size_t)(l->n - i - 1) * sizeof(l->v[0]));
		memset(&l->v[--l->n], 0, sizeof(l->v[0]));
		return;
	}
}

static void codec_append(struct codec_list *l, const char *name, uint16_t ptime)
{
	for (uint16_t i = 0; i < l->n; i++)
		if (l->v[i].name.p == name)
			return;
	l->v[l->n].name = str_z(name);
	l->v[l->n++].ptime = ptime;
}

static void codec_all(struct codec_list *l, bool allow)
{
	if (!allow)
		memset(l, 0, sizeof(struct codec_edit));
	for (size_t i = 0; allow && i < CODECS; i++)
		codec_append(l, codec_names[i], 0);
}

static int codec_edit(struct option_ctx *ctx, struct codec_list *l, struct str word, bool allow)
{
	uint32_t ptime = 0;
	const char *name;
	size_t colon;

	if (word.n && word.p[0] == '!') {
		allow = !allow;
		word = str_skip(word, 1);
	}
	colon = str_rchr(word, ':');
	if (colon < word.n) {
		struct str digits = str_trim(str_skip(word, colon + 1));

		if (str_u32(digits, &ptime) || ptime > 1000)
			return option_why(ctx, "'%.*s' is not a packet length in ms (NAME:MS)", STR_ARG(digits));
		word = str_trim(str_sub(word, 0, colon));
	}
	if (str_ieq(word, STR("all"))) {
		codec_all(l, allow);
		return 0;
	}
	name = codec_find(word);
	if (!name) {
		struct str near = codec_nearest(word);

		return option_why(ctx, "unknown codec '%.*s'%s%.*s%s", STR_ARG(word), near.n ? "; did you mean '" : "",
				  STR_ARG(near), near.n ? "'?" : "");
	}
	if (allow)
		codec_append(l, name, (uint16_t)ptime);
	else
		codec_remove(l, name);
	return 0;
}

static int edit_codecs(struct option_ctx *ctx, void *field, struct str value, bool allow)
{
	const struct codec_list **at = field;
	struct codec_edit e;
	int err = 0;

	memset(&e, 0, sizeof(e));
	if (*at)
		memcpy(&e.l, *at, sizeof(e.l) + (*at)->n * sizeof(e.l.v[0]));
	/* "(ulaw|alaw)", as lists are shown, is the whole list. */
	if (value.n > 1 && value.p[0] == '(' && value.p[value.n - 1] == ')') {
		value = str_sub(value, 1, value.n - 2);
		codec_all(&e.l, !allow);
	}
	while (!err && value.n) {
		size_t a = str_chr(value, ','), b = str_chr(value, '|'), cut = a < b ? a : b;
		struct str word = str_trim(str_sub(value, 0, cut));

		value = str_skip(value, cut + 1);
		if (word.n)
			err = codec_edit(ctx, &e.l, word, allow);
	}
	if (err)
		return err;
	*at = e.l.n ? intern_mem(ctx->intern, &e, sizeof(e.l) + e.l.n * sizeof(e.l.v[0])) : NULL;
	return e.l.n && !*at ? ENOMEM : 0;
}

int parse_codecs_allow(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o;
	return edit_codecs(ctx, field, value, true);
}

int parse_codecs_disallow(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o;
	return edit_codecs(ctx, field, value, false);
}

void write_codecs(struct buf *b, const struct option *o, const void *field)
{
	const struct codec_list *l = *(const struct codec_list *const *)field;

	(void)o;
	if (!l) {
		buf_put(b, STR("(nothing)"));
		return;
	}
	buf_char(b, '(');
	for (size_t i = 0; i < l->n; i++)
		buf_puts(b, i ? STR("|") : STR(""), l->v[i].name);
	buf_char(b, ')');
}

static const char *const prefer_names[] = { "pending", "configured" };
static const char *const operation_names[] = { "intersect", "union", "only_preferred", "only_nonpreferred" };
static const char *const keep_names[] = { "all", "first" };
static const char *const transcode_names[] = { "allow", "prevent" };

static int pick(struct option_ctx *ctx, struct str value, const char *const *names, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(value, str_z(names[i]))) {
			*out = (uint8_t)i;
			return 0;
		}
	}
	return option_why(ctx, "'%.*s' is not a value for this", STR_ARG(value));
}

int parse_codec_prefs(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct codec_prefs p = *(struct codec_prefs *)field;
	int err = 0;

	while (!err && value.n) {
		struct str term = str_cut_raw(&value, ','), name = str_trim(str_cut_raw(&term, ':'));
		uint8_t v = 0;

		term = str_trim(term);
		if (str_ieq(name, STR("prefer"))) {
			err = pick(ctx, term, prefer_names, ARRAY_LEN(prefer_names), &p.prefer);
		} else if (str_ieq(name, STR("operation"))) {
			err = pick(ctx, term, operation_names, ARRAY_LEN(operation_names), &p.operation);
		} else if (str_ieq(name, STR("keep"))) {
			err = pick(ctx, term, keep_names, ARRAY_LEN(keep_names), &v);
			p.keep_first = v;
		} else if (str_ieq(name, STR("transcode"))) {
			err = pick(ctx, term, transcode_names, ARRAY_LEN(transcode_names), &v);
			p.transcode_prevent = v;
		} else {
			err = option_why(ctx, "'%.*s' is not prefer, operation, keep or transcode", STR_ARG(name));
		}
	}
	/* An incoming offer cannot be widened by what the peer did not offer. */
	if (!err && p.operation == OPERATION_UNION && str_eq(str_z(o->name), STR("codec_prefs_incoming_offer")))
		err = option_why(ctx, "operation union makes no sense here");
	if (!err)
		*(struct codec_prefs *)field = p;
	return err;
}

void write_codec_prefs(struct buf *b, const struct option *o, const void *field)
{
	const struct codec_prefs *p = field;

	(void)o;
	buf_printf(b, "prefer:%s, operation:%s, keep:%s, transcode:%s", prefer_names[p->prefer],
		   operation_names[p->operation], keep_names[p->keep_first], transcode_names[p->transcode_prevent]);
}

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

static struct object_build *build(struct option_ctx *ctx)
{
	return ctx->user;
}

int parse_acl(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_names(ctx, &build(ctx)->acl, value);
}

int parse_permit(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build(ctx)->acl, 'p', value);
}

int parse_deny(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build(ctx)->acl, 'd', value);
}

int parse_contact_acl(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_names(ctx, &build(ctx)->contact_acl, value);
}

int parse_contact_permit(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build(ctx)->contact_acl, 'p', value);
}

int parse_contact_deny(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o, (void)field;
	return add_rule(ctx, &build(ctx)->contact_acl, 'd', value);
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
	struct object_build *b = build(ctx);
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

/* A literal is kept in its shortest form, a name as it is. */
int parse_media_address(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	char text[SA_TEXT];
	struct sa sa;
	int err = 0;

	(void)o;
	if (!sa_parse(&sa, value))
		value = str_z(sa_text_bare(&sa, text));
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
