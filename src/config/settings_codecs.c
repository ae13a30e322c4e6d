/* config/settings_codecs.c -- codecs.conf: how Opus is encoded and offered. */
#include "config/settings_internal.h"
#include <errno.h>

enum { BITRATE_MIN = 500, BITRATE_MAX = 512000 };

/* "auto" is 0. */
static int parse_bitrate(struct option_ctx *ctx, const struct option *o, void *field, struct str v)
{
	uint32_t n;

	(void)o;
	if (str_ieq(v, STR("auto")))
		n = 0;
	else if (str_ieq(v, STR("max")))
		n = BITRATE_MAX;
	else if (str_u32(v, &n) || n < BITRATE_MIN || n > BITRATE_MAX)
		return option_why(ctx, "'%.*s' is not auto, max or 500 to 512000", STR_ARG(v));
	*(uint32_t *)field = n;
	return 0;
}

static void write_bitrate(struct buf *b, const struct option *o, const void *field)
{
	uint32_t n = *(const uint32_t *)field;

	(void)o;
	if (n)
		buf_u64(b, n);
	else
		buf_put(b, STR("auto"));
}

#define C struct codecs_conf
static const struct option_choice bands[] = {
	{ "narrow", CODECS_NARROW }, { "medium", CODECS_MEDIUM }, { "wide", CODECS_WIDE }, { "super_wide", CODECS_SUPER_WIDE },
	{ "full", CODECS_FULL }, { NULL, 0 } };
static const struct option_choice signals[] = {
	{ "auto", CODECS_AUTO }, { "voice", CODECS_VOICE }, { "music", CODECS_MUSIC }, { NULL, 0 } };
static const struct option_choice applications[] = {
	{ "voip", CODECS_VOIP }, { "audio", CODECS_AUDIO }, { "low_delay", CODECS_LOW_DELAY }, { NULL, 0 } };
static const struct option opus_rows[] = {
	OPT_STR(C, type, NULL, 0, "Must be opus."),
	OPT_UINT(C, packet_loss, "0", 0, 100, "percent", 0,
		 "Packets to expect lost. What the peer's RTCP reports counts when it is more."),
	OPT_UINT(C, complexity, "10", 0, 10, NULL, 0, "Work that the encoder does; 10: the most."),
	OPT_ENUM(C, max_bandwidth, bands, "full", 0, "Widest band that is encoded."),
	OPT_ENUM(C, signal, signals, "auto", 0, "What the sound is, where that is known."),
	OPT_ENUM(C, application, applications, "voip", 0, "What the encoder is tuned for."),
	OPT_UINT(C, max_playback_rate, "48000", 8000, 48000, "Hz", 0, "maxplaybackrate of our SDP."),
	OPT_CUSTOM(C, bitrate, uint32_t, parse_bitrate, write_bitrate, "auto, max, 500..512000", "auto", 0,
		   "maxaveragebitrate of our SDP, and of the encoder."),
	OPT_BOOL(C, cbr, "no", 0, "cbr of our SDP: a constant bit rate."),
	OPT_BOOL(C, fec, "yes", 0, "useinbandfec of our SDP: packets help to restore the one before."),
	OPT_BOOL(C, dtx, "no", 0, "usedtx of our SDP: silence is not sent."),
};
static const struct option_set opus_set = {
	.type = "opus", .file = "codecs.conf", .rows = opus_rows, .n = ARRAY_LEN(opus_rows), .size = sizeof(C),
	.help = "Opus: what is encoded, and what our SDP says of it.",
};

const struct option_set *codecs_conf_options(void)
{
	return &opus_set;
}

static void codecs_conf_free(void *p)
{
	arena_free(((struct codecs_conf *)p)->arena);
}

/* Sections that are formats of their own in Asterisk. */
static void check_sections(const struct settings_work *w)
{
	for (const struct config_section *s = w->c ? config_first(w->c) : NULL; s; s = config_next(s)) {
		const struct config_var *type = config_var_get(s, STR("type"));

		if (!type || str_ieq(s->name, STR("opus")) || !str_ieq(type->value, STR("opus")))
			continue;
		config_fault(w->c, type, w->r, REPORT_ERROR, "[%.*s]: formats of their own are not supported; only [opus] counts",
			     STR_ARG(s->name));
	}
}

int codecs_conf_load(struct codecs_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct codecs_conf *c = obj_new(sizeof(*c), codecs_conf_free);
	struct settings_work w = { 0 };
	const struct config_section *s;
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "codecs.conf");
	s = w.c ? config_section_get(w.c, STR("opus")) : NULL;
	if (!err)
		err = settings_apply(&w, &opus_set, c, STR("opus"));
	if (!err && s && !str_ieq(c->type, STR("opus"))) {
		report_add(r, REPORT_ERROR, STR("codecs.conf"), s->line, "[opus] needs type=opus; it is as if it were not there");
		err = settings_apply(&w, &opus_set, c, STR("no such section"));
	}
	if (!err)
		check_sections(&w);
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
#undef C
