/* Options whose values are codecs: allow=, disallow= and the preferences of offers and answers. */
#include "service/object/objects.h"
#include "sdp/format.h"
#include <errno.h>

static const char *const codec_names[] = {
	"codec2", "g723", "ulaw", "alaw", "gsm", "g726", "g726aal2", "adpcm", "slin", "slin12", "slin16", "slin24",
	"slin32", "slin44", "slin48", "slin96", "slin192", "lpc10", "g729", "speex", "speex16", "speex32",
	"ilbc", "g722", "siren7", "siren14", "g719", "opus", "silk8", "silk12", "silk16",
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
	for (size_t i = 0; allow && i < CODECS; i++) {
		const struct format *f = format_by_name(str_z(codec_names[i]));

		if (!f || format_in_all(f->id))
			codec_append(l, codec_names[i], 0);
	}
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

static int pick_name(struct option_ctx *ctx, struct str value, const char *const *names, size_t n, uint8_t *out)
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
			err = pick_name(ctx, term, prefer_names, ARRAY_LEN(prefer_names), &p.prefer);
		} else if (str_ieq(name, STR("operation"))) {
			err = pick_name(ctx, term, operation_names, ARRAY_LEN(operation_names), &p.operation);
		} else if (str_ieq(name, STR("keep"))) {
			err = pick_name(ctx, term, keep_names, ARRAY_LEN(keep_names), &v);
			p.keep_first = v;
		} else if (str_ieq(name, STR("transcode"))) {
			err = pick_name(ctx, term, transcode_names, ARRAY_LEN(transcode_names), &v);
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
