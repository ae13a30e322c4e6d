/* sdp/format.c -- the table of formats and lists of them. */
#include "sdp/format.h"
#include "base/num.h"
#include <errno.h>
#include "base/poison.h"

/* Dynamic numbers are those Asterisk's users know from their traces. maxptime
 * is the least of the offered rows' ptime_max. */
#define AUDIO(i, nm, enc, clk, rt, num, fixed, pmin, pmax, def) \
	[FORMAT_##i] = { .id = FORMAT_##i, .type = MEDIA_AUDIO, .name = nm, .encoding = enc, .clock = clk, \
		.rate = rt, .pt = num, .fixed_pt = fixed, .ptime = def, .ptime_min = pmin, .ptime_max = pmax }
#define OTHER(i, tp, nm, enc, clk, num, fixed) \
	[FORMAT_##i] = { .id = FORMAT_##i, .type = MEDIA_##tp, .name = nm, .encoding = enc, .clock = clk, \
		.pt = num, .fixed_pt = fixed }

static const struct format table[FORMATS] = {
	[FORMAT_NONE] = { .id = FORMAT_NONE, .type = MEDIA_OTHER, .name = "none" },
	AUDIO(CODEC2, "codec2", "CODEC2", 8000, 8000, 113, false, 20, 300, 20),
	AUDIO(G723, "g723", "G723", 8000, 8000, 4, true, 30, 300, 30),
	AUDIO(ULAW, "ulaw", "PCMU", 8000, 8000, 0, true, 10, 140, 20),
	AUDIO(ALAW, "alaw", "PCMA", 8000, 8000, 8, true, 10, 140, 20),
	AUDIO(GSM, "gsm", "GSM", 8000, 8000, 3, true, 20, 300, 20),
	AUDIO(G726, "g726", "G726-32", 8000, 8000, 111, false, 10, 300, 20),
	AUDIO(G726AAL2, "g726aal2", "AAL2-G726-32", 8000, 8000, 112, false, 10, 300, 20),
	AUDIO(ADPCM, "adpcm", "DVI4", 8000, 8000, 5, true, 10, 300, 20),
	AUDIO(SLIN, "slin", "L16", 8000, 8000, 10, false, 10, 60, 20),
	AUDIO(SLIN12, "slin12", "L16", 12000, 12000, 122, false, 10, 60, 20),
	AUDIO(SLIN16, "slin16", "L16", 16000, 16000, 118, false, 10, 60, 20),
	AUDIO(SLIN24, "slin24", "L16", 24000, 24000, 123, false, 10, 60, 20),
	AUDIO(SLIN32, "slin32", "L16", 32000, 32000, 124, false, 10, 60, 20),
	AUDIO(SLIN44, "slin44", "L16", 44100, 44100, 125, false, 10, 60, 20),
	AUDIO(SLIN48, "slin48", "L16", 48000, 48000, 126, false, 10, 60, 20),
	AUDIO(SLIN96, "slin96", "L16", 96000, 96000, 127, false, 10, 60, 20),
	AUDIO(SLIN192, "slin192", "L16", 192000, 192000, 96, false, 10, 60, 20),
	AUDIO(LPC10, "lpc10", "LPC", 8000, 8000, 7, true, 20, 20, 20),
	AUDIO(G729, "g729", "G729", 8000, 8000, 18, true, 10, 220, 20),
	AUDIO(SPEEX, "speex", "speex", 8000, 8000, 110, false, 10, 60, 20),
	AUDIO(SPEEX16, "speex16", "speex", 16000, 16000, 117, false, 10, 60, 20),
	AUDIO(SPEEX32, "speex32", "speex", 32000, 32000, 119, false, 10, 60, 20),
	AUDIO(ILBC, "ilbc", "iLBC", 8000, 8000, 97, false, 20, 300, 20),
	AUDIO(G722, "g722", "G722", 8000, 16000, 9, true, 10, 140, 20),
	AUDIO(SIREN7, "siren7", "G7221", 16000, 16000, 102, false, 20, 80, 20),
	AUDIO(SIREN14, "siren14", "G7221", 32000, 32000, 115, false, 20, 80, 20),
	AUDIO(G719, "g719", "G719", 48000, 48000, 116, false, 20, 80, 20),
	[FORMAT_OPUS] = { .id = FORMAT_OPUS, .type = MEDIA_AUDIO, .name = "opus", .encoding = "opus",
		.clock = 48000, .rate = 48000, .channels = 2, .pt = 107, .ptime = 20, .ptime_min = 20,
		.ptime_max = 60 },
	/* Asterisk knows these names and speaks them with somebody else's module; here they are passed on. */
	AUDIO(SILK8, "silk8", "SILK", 8000, 8000, 114, false, 20, 100, 20),
	AUDIO(SILK12, "silk12", "SILK", 12000, 12000, 121, false, 20, 100, 20),
	AUDIO(SILK16, "silk16", "SILK", 16000, 16000, 35, false, 20, 100, 20),
	AUDIO(SILK24, "silk24", "SILK", 24000, 24000, 36, false, 20, 100, 20),
	OTHER(JPEG, VIDEO, "jpeg", "JPEG", 90000, 26, true),
	OTHER(PNG, VIDEO, "png", "PNG", 90000, 120, false),
	OTHER(H261, VIDEO, "h261", "H261", 90000, 31, true),
	OTHER(H263, VIDEO, "h263", "H263", 90000, 34, true),
	OTHER(H263P, VIDEO, "h263p", "h263-1998", 90000, 103, false),
	OTHER(H264, VIDEO, "h264", "H264", 90000, 99, false),
	OTHER(H265, VIDEO, "h265", "H265", 90000, 109, false),
	OTHER(MPEG4, VIDEO, "mpeg4", "MP4V-ES", 90000, 104, false),
	OTHER(VP8, VIDEO, "vp8", "VP8", 90000, 100, false),
	OTHER(VP9, VIDEO, "vp9", "VP9", 90000, 108, false),
	OTHER(AV1, VIDEO, "av1", "AV1", 90000, 98, false),
	OTHER(RED, TEXT, "red", "RED", 1000, 105, false),
	OTHER(T140, TEXT, "t140", "T140", 1000, 106, false),
	[FORMAT_T38] = { .id = FORMAT_T38, .type = MEDIA_IMAGE, .name = "t38" },
};

/* Other spellings seen in rtpmaps. */
static const struct {
	const char *encoding;
	enum format_id id;
} aliases[] = {
	{ "G711U", FORMAT_ULAW }, { "G711A", FORMAT_ALAW }, { "G729A", FORMAT_G729 }, { "G.729", FORMAT_G729 },
	{ "L16-256", FORMAT_SLIN16 }, { "H263-2000", FORMAT_H263P },
};

static const char *const type_names[MEDIA_TYPES] = { "audio", "video", "text", "image", "application" };

const char *media_type_name(enum media_type t)
{
	return (unsigned)t < MEDIA_TYPES ? type_names[t] : "application";
}

enum media_type media_type_parse(struct str s)
{
	for (unsigned i = 0; i < MEDIA_OTHER; i++)
		if (str_ieq(s, str_z(type_names[i])))
			return (enum media_type)i;
	return MEDIA_OTHER;
}

const struct format *format_get(enum format_id id)
{
	return &table[(unsigned)id < FORMATS ? (unsigned)id : FORMAT_NONE];
}

const struct format *format_by_name(struct str name)
{
	for (unsigned i = FORMAT_NONE + 1; i < FORMATS; i++)
		if (str_ieq(name, str_z(table[i].name)))
			return &table[i];
	return NULL;
}

const struct format *format_by_rtpmap(enum media_type type, struct str encoding, uint32_t clock,
				      bool g726_swapped)
{
	/* Some phones put the AAL2 packing under the plain name; the endpoint's
	 * g726_non_standard says so. */
	if (g726_swapped && str_ieq(encoding, STR("G726-32")))
		return &table[FORMAT_G726AAL2];
	for (unsigned i = FORMAT_NONE + 1; i < FORMATS; i++)
		if (table[i].type == type && table[i].encoding && table[i].clock == clock &&
		    str_ieq(encoding, str_z(table[i].encoding)))
			return &table[i];
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		const struct format *f = &table[aliases[i].id];

		if (f->type == type && f->clock == clock && str_ieq(encoding, str_z(aliases[i].encoding)))
			return f;
	}
	/* RFC 3551 section 4.5.2: G722 is said at 8000; some say what it samples. */
	if (type == MEDIA_AUDIO && clock == 16000 && str_ieq(encoding, STR("G722")))
		return &table[FORMAT_G722];
	return NULL;
}

const struct format *format_by_pt(enum media_type type, uint8_t pt)
{
	for (unsigned i = FORMAT_NONE + 1; i < FORMATS; i++)
		if (table[i].fixed_pt && table[i].pt == pt && table[i].type == type)
			return &table[i];
	return NULL;
}

uint8_t format_ptime(const struct format *f, uint32_t wish)
{
	if (!wish || !f->ptime)
		return 0;
	if (f->ptime_max && wish > f->ptime_max)
		wish = f->ptime_max;
	return num_u8(wish > f->ptime_min ? wish : f->ptime_min);
}

static unsigned find(const struct formats *l, enum format_id id)
{
	unsigned i = 0;

	while (i < l->n && l->v[i].id != id)
		i++;
	return i;
}

uint8_t formats_ptime(const struct formats *l, enum format_id id)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].id == id)
			return l->v[i].ptime;
	return 0;
}

bool formats_has(const struct formats *l, enum format_id id)
{
	return find(l, id) < l->n;
}

bool formats_has_type(const struct formats *l, enum media_type t)
{
	for (unsigned i = 0; i < l->n; i++)
		if (format_get(l->v[i].id)->type == t)
			return true;
	return false;
}

void formats_add(struct formats *l, enum format_id id, uint8_t ptime)
{
	unsigned i = find(l, id);

	if (id == FORMAT_NONE || (unsigned)id >= FORMATS)
		return;
	if (i == l->n) {
		l->v[l->n].id = (uint8_t)id;
		l->v[l->n++].ptime = ptime;
	} else if (ptime) {
		l->v[i].ptime = ptime;
	}
}

void formats_del(struct formats *l, enum format_id id)
{
	unsigned i = find(l, id);

	if (i == l->n)
		return;
	memmove(&l->v[i], &l->v[i + 1], (size_t)(l->n - i - 1) * sizeof(l->v[0]));
	l->n--;
}

void formats_add_all(struct formats *to, const struct formats *from, enum media_type t)
{
	for (unsigned i = 0; i < from->n; i++)
		if (format_get(from->v[i].id)->type == t)
			formats_add(to, from->v[i].id, from->v[i].ptime);
}

bool format_in_all(enum format_id id)
{
	return (id < FORMAT_SILK8 || id > FORMAT_PNG) && id != FORMAT_AV1 && id != FORMAT_T38;
}

static int edit_one(struct formats *l, struct str item, bool allow)
{
	size_t colon = str_rchr(item, ':');
	struct str name = str_trim(str_sub(item, 0, colon)), ptime = str_trim(str_skip(item, colon + 1));
	const struct format *f;
	uint32_t ms = 0;

	if (colon < item.n && (str_u32(ptime, &ms) || ms > UINT8_MAX))
		return EINVAL;
	if (str_ieq(name, STR("all"))) {
		if (!allow)
			l->n = 0;
		for (unsigned i = FORMAT_NONE + 1; allow && i < FORMATS; i++)
			if (format_in_all((enum format_id)i))
				formats_add(l, (enum format_id)i, (uint8_t)ms);
		return 0;
	}
	f = format_by_name(name);
	if (!f)
		return EINVAL;
	if (allow)
		formats_add(l, f->id, (uint8_t)ms);
	else
		formats_del(l, f->id);
	return 0;
}

int formats_edit(struct formats *l, struct str value, bool allow, struct str *bad)
{
	int err = 0;

	value = str_trim(value);
	/* "(ulaw|alaw)", as this server itself writes lists: all of it, nothing else. */
	if (value.n >= 2 && value.p[0] == '(' && value.p[value.n - 1] == ')') {
		value = str_sub(value, 1, value.n - 2);
		l->n = 0;
		for (unsigned i = FORMAT_NONE + 1; !allow && i < FORMAT_T38; i++)
			formats_add(l, (enum format_id)i, 0);
	}
	while (value.n) {
		size_t end = str_chr(value, ','), bar = str_chr(value, '|');
		struct str item, whole;
		bool yes = allow;

		if (bar < end)
			end = bar;
		whole = item = str_trim(str_sub(value, 0, end));
		value = str_skip(value, end + 1);
		if (item.n && item.p[0] == '!') {
			item = str_skip(item, 1);
			yes = !allow;
		}
		if (item.n && edit_one(l, item, yes) && !err) {
			err = EINVAL;
			if (bad)
				*bad = whole;
		}
	}
	return err;
}

void formats_write(struct buf *b, const struct formats *l)
{
	buf_char(b, '(');
	if (!l->n)
		buf_put(b, STR("nothing"));
	for (unsigned i = 0; i < l->n; i++)
		buf_printf(b, "%s%s", i ? "|" : "", format_get(l->v[i].id)->name);
	buf_char(b, ')');
}

void formats_write_csv(struct buf *b, const struct formats *l)
{
	for (unsigned i = 0; i < l->n; i++)
		buf_printf(b, "%s%s", i ? "," : "", format_get(l->v[i].id)->name);
}

int format_pref_parse(struct format_pref *p, struct str value)
{
	static const struct {
		const char *name;
		struct format_pref pref;
	} names[] = {
		{ "local", { .prefer_local = true, .op = FORMAT_INTERSECT } },
		{ "local_first", { .prefer_local = true, .op = FORMAT_INTERSECT, .first = true } },
		{ "local_merge", { .prefer_local = true, .op = FORMAT_UNION } },
		{ "remote", { .op = FORMAT_INTERSECT } },
		{ "remote_first", { .op = FORMAT_INTERSECT, .first = true } },
		{ "remote_merge", { .op = FORMAT_UNION } },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(str_trim(value), str_z(names[i].name))) {
			*p = names[i].pref;
			return 0;
		}
	return EINVAL;
}

static int pref_part(struct format_pref *p, struct str key, struct str val)
{
	static const char *const ops[] = { "intersect", "union", "only_preferred", "only_nonpreferred" };

	if (str_ieq(key, STR("prefer"))) {
		p->prefer_local = str_ieq(val, STR("configured"));
		return p->prefer_local || str_ieq(val, STR("pending")) ? 0 : EINVAL;
	}
	if (str_ieq(key, STR("operation"))) {
		for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
			if (str_ieq(val, str_z(ops[i]))) {
				p->op = (enum format_op)i;
				return 0;
			}
		return EINVAL;
	}
	if (str_ieq(key, STR("keep"))) {
		p->first = str_ieq(val, STR("first"));
		return p->first || str_ieq(val, STR("all")) ? 0 : EINVAL;
	}
	if (str_ieq(key, STR("transcode"))) {
		p->no_transcode = str_ieq(val, STR("prevent"));
		return p->no_transcode || str_ieq(val, STR("allow")) ? 0 : EINVAL;
	}
	return EINVAL;
}

int format_prefs_parse(struct format_pref *p, struct str value)
{
	struct format_pref out = *p;
	int err = 0;

	while (value.n && !err) {
		struct str part = str_trim(str_cut_raw(&value, ','));
		struct str key = str_trim(str_cut_raw(&part, ':'));

		err = pref_part(&out, key, str_trim(part));
	}
	if (!err)
		*p = out;
	return err;
}

/* Those of `a` that `b` has too, in a's order and with a's packet times. */
static void common(struct formats *out, const struct formats *a, const struct formats *b, enum media_type t)
{
	for (unsigned i = 0; i < a->n; i++)
		if (format_get(a->v[i].id)->type == t && formats_has(b, a->v[i].id))
			formats_add(out, a->v[i].id, a->v[i].ptime);
}

void formats_join(struct formats *out, const struct formats *local, const struct formats *remote,
		  enum media_type type, struct format_pref pref)
{
	struct formats allowed = { 0 }, joint = { 0 };
	const struct formats *first = pref.prefer_local ? local : &allowed;
	const struct formats *second = pref.prefer_local ? &allowed : local;

	common(&allowed, remote, local, type);
	switch (pref.op) {
	case FORMAT_INTERSECT:
		common(&joint, first, second, type);
		break;
	case FORMAT_UNION:
		formats_add_all(&joint, first, type);
		formats_add_all(&joint, second, type);
		break;
	case FORMAT_ONLY_PREFERRED:
		formats_add_all(&joint, first, type);
		break;
	case FORMAT_ONLY_NONPREFERRED:
		formats_add_all(&joint, second, type);
		break;
	}
	/* A packet time that only our configuration names holds in either order. */
	for (unsigned i = 0; i < joint.n; i++)
		if (!joint.v[i].ptime && formats_has(local, joint.v[i].id))
			joint.v[i].ptime = local->v[find(local, joint.v[i].id)].ptime;
	if (pref.first && joint.n > 1)
		joint.n = 1;
	*out = joint;
}
