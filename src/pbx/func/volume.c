/* VOLUME() and MUTEAUDIO(): the sound of a channel louder, softer or not at all. */
#define LOG_MODULE "func_volume"
#include "base/log.h"
#include "pbx/func/func.h"
#include "pbx/func/text.h"
#include "pbx/hooks.h"
#include <errno.h>

/* ---- VOLUME(RX|TX[,p]) */

struct volume {
	struct chan_hook h;
	float rx, tx;
	bool digits;            /* p: * is louder, # softer */
};

static int start_volume(struct chan_hook *h, struct media_session *s)
{
	struct volume *v = (struct volume *)h;

	return media_volume_start(&h->on, s, v->rx, v->tx);
}

static void set_volume(struct volume *v)
{
	if (v->h.on)
		media_volume_set(v->h.on, v->rx, v->tx);
}

static void volume_digit(struct chan_hook *h, char digit)
{
	struct volume *v = (struct volume *)h;
	float by = digit == '*' ? 1 : digit == '#' ? -1 : 0;

	if (!v->digits)
		return;
	v->rx += by;
	v->tx += by;
	set_volume(v);
}

static const struct chan_hook_kind volume_kind = { .name = "VOLUME", .start = start_volume, .digit = volume_digit };

/* What is no number is 0. A million is as loud as it gets. */
static float gain_of(struct str value)
{
	const double most = 1e6;
	double v = 0;

	if (!text_leading_number(value, &v))
		return 0;
	return (float)(v > most ? most : v < -most ? -most : v);
}

static struct volume *get_volume(struct channel *ch)
{
	struct volume *v = channel_hook(ch, &volume_kind);

	if (v)
		return v;
	v = chan_hook_new(sizeof(*v), &volume_kind);
	return v && !channel_hook_add(ch, v) ? v : NULL;
}

static int write_volume(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct volume *v;
	struct str a[2];

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, a, 2);
	if (!a[0].n) {
		log_error("VOLUME() needs a direction: RX or TX");
		return EINVAL;
	}
	v = get_volume(ch);
	if (!v)
		return ENOMEM;
	if (str_ieq(a[0], STR("rx")))
		v->rx = gain_of(value);
	else if (str_ieq(a[0], STR("tx")))
		v->tx = gain_of(value);
	else
		log_error("VOLUME(): the direction is RX or TX, not '%.*s'", STR_ARG(a[0]));
	v->digits = pbx_option(a[1], 'p', NULL);
	set_volume(v);
	return 0;
}

static int read_volume(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct volume *v = ch ? channel_hook(ch, &volume_kind) : NULL;
	struct str a[2];

	(void)p;
	if (!v)
		return ENOENT;
	pbx_args(args, a, 2);
	if (!a[0].n) {
		log_error("VOLUME() needs a direction: RX or TX");
		return EINVAL;
	}
	if (str_ieq(a[0], STR("rx")))
		buf_printf(out, "%f", (double)v->rx);
	else if (str_ieq(a[0], STR("tx")))
		buf_printf(out, "%f", (double)v->tx);
	else
		log_error("VOLUME(): the direction is RX or TX, not '%.*s'", STR_ARG(a[0]));
	return 0;
}

const struct func func_volume = { .name = "VOLUME", .synopsis = "Volume of what a channel says and hears",
	.read = read_volume, .write = write_volume };

/* ---- MUTEAUDIO(in|out|all), MuteAudio */

struct mute {
	struct chan_hook h;
	bool in, out;
};

static int start_mute(struct chan_hook *h, struct media_session *s)
{
	struct mute *m = (struct mute *)h;

	return media_mute_start(&h->on, s, m->in, m->out);
}

static const struct chan_hook_kind mute_kind = { .name = "MUTEAUDIO", .start = start_mute };

int channel_mute(struct channel *ch, struct str direction, bool on)
{
	struct mute *m = channel_hook(ch, &mute_kind);
	bool all = str_eq(direction, STR("all")), in = all || str_eq(direction, STR("in")), out = all || str_eq(direction, STR("out"));

	if (!in && !out)
		return EINVAL;
	if (!m && !on)
		return 0;
	if (!m) {
		m = chan_hook_new(sizeof(*m), &mute_kind);
		if (!m || channel_hook_add(ch, m))
			return ENOMEM;
	}
	m->in = in ? on : m->in;
	m->out = out ? on : m->out;
	if (!m->in && !m->out)
		channel_hook_remove(m);
	else if (m->h.on)
		media_mute_set(m->h.on, m->in, m->out);
	return 0;
}

static int write_mute(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	bool on = false;

	(void)p;
	return ch ? channel_mute(ch, args, !str_bool(str_trim(value), &on) && on) : ENOENT;
}

const struct func func_muteaudio = { .name = "MUTEAUDIO", .synopsis = "Silence instead of what a channel says or hears",
	.write = write_mute };
