/* DENOISE() and AGC(): noise taken out of a channel's sound, and its level kept. */
#define LOG_MODULE "func_speex"
#include "base/log.h"
#include "pbx/func/func.h"
#include "pbx/func/text.h"
#include "pbx/hooks.h"
#include <errno.h>

enum { AGC_DEFAULT = 8000, AGC_MAX = 32768 };

/* One hook for both: they are one pass over the samples. */
struct speech {
	struct chan_hook h;
	struct media_speech rx, tx;
};

static int start_speech(struct chan_hook *h, struct media_session *s)
{
	struct speech *x = (struct speech *)h;

	return media_speech_start(&h->on, s, &x->rx, &x->tx);
}

static const struct chan_hook_kind kind = { .name = "DENOISE, AGC", .by_rate = true, .start = start_speech };

static bool is_idle(const struct media_speech *w)
{
	return !w->denoise && !(w->agc > 0);
}

/* A number, or yes and no. */
static float level_of(struct str value, const char *way)
{
	bool on = false;
	double v;

	if (text_leading_number(value, &v)) {
		if (v > AGC_MAX)
			log_warning("AGC(%s)=%.1f is over %d, which is used", way, v, AGC_MAX);
		return (float)(v > AGC_MAX ? AGC_MAX : v);
	}
	return !str_bool(str_trim(value), &on) && on ? AGC_DEFAULT : 0;
}

/* What is set in a way of it, by either function; nothing left: the hook goes. */
static int write_way(struct channel *ch, const char *name, bool agc, struct str way, struct str value)
{
	bool rx = str_ieq(way, STR("rx")), on = false;
	struct media_speech *w;
	struct speech *x;

	if (!ch)
		return ENOENT;
	if (!rx && !str_ieq(way, STR("tx"))) {
		log_error("%s(): the direction is rx or tx, not '%.*s'", name, STR_ARG(way));
		return EINVAL;
	}
	x = channel_hook(ch, &kind);
	if (!x && !media_speech_exists()) {
		log_warning("%s(%.*s) on %s: the sound stays as it is: built without libspeexdsp", name, STR_ARG(way), text_z(&ch->name));
		return ENOSYS;
	}
	if (!x) {
		x = chan_hook_new(sizeof(*x), &kind);
		if (!x || channel_hook_add(ch, x))
			return ENOMEM;
	}
	w = rx ? &x->rx : &x->tx;
	if (agc)
		w->agc = level_of(value, rx ? "rx" : "tx");
	else
		w->denoise = !str_bool(str_trim(value), &on) && on;
	if (is_idle(&x->rx) && is_idle(&x->tx))
		channel_hook_remove(x);
	else if (x->h.on)
		media_speech_set(x->h.on, &x->rx, &x->tx);
	return 0;
}

static int read_way(struct channel *ch, const char *name, bool agc, struct str way, struct buf *out)
{
	struct speech *x = ch ? channel_hook(ch, &kind) : NULL;
	const struct media_speech *w;

	if (!x)
		return ENOENT;
	if (!str_ieq(way, STR("rx")) && !str_ieq(way, STR("tx"))) {
		log_error("%s(): the direction is rx or tx, not '%.*s'", name, STR_ARG(way));
		return EINVAL;
	}
	w = str_ieq(way, STR("rx")) ? &x->rx : &x->tx;
	if (agc)
		buf_printf(out, "%.01f", (double)w->agc);
	else
		buf_char(out, w->denoise ? '1' : '0');
	return 0;
}

static int write_agc(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	return write_way(ch, "AGC", true, args, value);
}

static int read_agc(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	return read_way(ch, "AGC", true, args, out);
}

static int write_denoise(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	return write_way(ch, "DENOISE", false, args, value);
}

static int read_denoise(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	return read_way(ch, "DENOISE", false, args, out);
}

const struct func func_agc = { .name = "AGC", .synopsis = "A constant level of what a channel says or hears",
	.read = read_agc, .write = write_agc };
const struct func func_denoise = { .name = "DENOISE", .synopsis = "Less noise in what a channel says or hears",
	.read = read_denoise, .write = write_denoise };
