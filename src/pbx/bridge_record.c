/* automixmon: a member records the call, or ends that, by a digit. The recording is the peer's. */
#define LOG_MODULE "bridge"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/bridge_private.h"
#include "pbx/dialplan.h"
#include "pbx/mixmonitor.h"

enum { BEEP_S = 15, BEEP_MIN_S = 5 };

/* ---- what is heard */

static void play(struct channel *ch, const struct str *names, size_t n)
{
	if (n)
		channel_play(ch, names, n, text_view(&ch->language), 0);
}

/* courtesytone, then the message; to the peer too. */
static void say(struct channel *ch, struct channel *peer, struct str message)
{
	struct features_conf *f = obj_hold((void *)(uintptr_t)features_of(ch));
	struct str v[2];
	size_t n = 0;

	if (f->courtesytone.n)
		v[n++] = text_view(&f->courtesytone);
	if (message.n)
		v[n++] = message;
	play(ch, v, n);
	if (peer)
		play(peer, v, n);
	obj_drop(f);
}

static void say_failed(struct channel *ch)
{
	struct str sound = text_view(&features_of(ch)->recordingfailsound);

	play(ch, &sound, sound.n ? 1 : 0);
}

/* ---- the variables that say how */

enum touch { TOUCH_FORMAT, TOUCH_NAME, TOUCH_PREFIX, TOUCH_BEEP, TOUCH_OPTIONS, TOUCHES };

/* False: the channel has none of them. */
static bool read_touch(struct channel *ch, struct buf v[TOUCHES])
{
	static const struct str names[TOUCHES] = { STR_INIT("TOUCH_MIXMONITOR_FORMAT"), STR_INIT("TOUCH_MIXMONITOR"),
		STR_INIT("TOUCH_MIXMONITOR_PREFIX"), STR_INIT("TOUCH_MIXMONITOR_BEEP"), STR_INIT("TOUCH_MIXMONITOR_OPTIONS") };
	bool any = false;

	for (int i = 0; i < TOUCHES; i++)
		any |= pbx_getvar(ch->pbx, ch, names[i], &v[i]) && v[i].n;
	return any;
}

static struct str or(const struct buf *b, struct str other)
{
	return b->n ? buf_view(b) : other;
}

static struct str number_of(const struct channel *ch)
{
	return text_view(ch->caller.number_valid ? &ch->caller.number : &ch->name);
}

/* "auto-seconds-100-200.wav" */
static void put_file(struct buf *out, struct channel *ch, struct channel *peer, const struct buf v[TOUCHES])
{
	buf_printf(out, "%.*s-%lld-", STR_ARG(or(&v[TOUCH_PREFIX], STR("auto"))), (long long)clock_wall_s(ch->pbx->clock));
	if (v[TOUCH_NAME].n)
		buf_put(out, buf_view(&v[TOUCH_NAME]));
	else
		buf_puts(out, number_of(ch), STR("-"), number_of(peer));
	buf_puts(out, STR("."), or(&v[TOUCH_FORMAT], STR("wav")));
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] == '/')
			out->p[i] = '-';
}

static void put_options(struct buf *out, const struct buf v[TOUCHES])
{
	struct str beep = str_trim(buf_view(&v[TOUCH_BEEP]));
	uint32_t s = BEEP_S;

	if (v[TOUCH_OPTIONS].n) {
		if (beep.n)
			log_warning("TOUCH_MIXMONITOR_OPTIONS is set, so TOUCH_MIXMONITOR_BEEP has no effect");
		buf_put(out, buf_view(&v[TOUCH_OPTIONS]));
		return;
	}
	if (beep.n && str_u32(beep, &s))
		log_warning("TOUCH_MIXMONITOR_BEEP: '%.*s' is no interval: %u seconds", STR_ARG(beep), s);
	if (beep.n && s < BEEP_MIN_S) {
		log_warning("TOUCH_MIXMONITOR_BEEP: %u seconds is the least", BEEP_MIN_S);
		s = BEEP_MIN_S;
	}
	buf_char(out, 'b');
	if (beep.n)
		buf_printf(out, "B(%u)", s);
}

/* ---- begin and end */

static int begin(struct channel *ch, struct channel *peer, const struct buf v[TOUCHES])
{
	static const struct str output = STR_INIT("TOUCH_MIXMONITOR_OUTPUT");
	struct buf file = BUF_INIT, data = BUF_INIT;
	int err;

	put_file(&file, ch, peer, v);
	buf_puts(&data, buf_view(&file), STR(","));
	put_options(&data, v);
	err = buf_err(&file) ? buf_err(&file) : buf_err(&data);
	if (!err) {
		log_verbose(4, "AutoMixMonitor used to record call. Filename: %.*s", STR_ARG(buf_view(&file)));
		err = mixmonitor_start(peer, buf_view(&data));
	}
	if (!err) {
		pbx_setvar(ch->pbx, ch, output, buf_view(&file));
		pbx_setvar(ch->pbx, peer, output, buf_view(&file));
	}
	buf_free(&file);
	buf_free(&data);
	return err;
}

static int start(struct channel *ch, struct channel *peer)
{
	struct buf v[TOUCHES] = { BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT };
	int err;

	if (!read_touch(ch, v)) {
		for (int i = 0; i < TOUCHES; i++)
			buf_free(&v[i]);
		(void)read_touch(peer, v);
	}
	err = begin(ch, peer, v);
	for (int i = 0; i < TOUCHES; i++)
		buf_free(&v[i]);
	return err;
}

void bridge_record_toggle(struct member *m)
{
	struct channel *ch = m->ch, *peer = bridge_peer(ch);
	struct buf message = BUF_INIT;
	bool on = peer && peer->recordings;
	int err;

	if (!peer) {
		log_verbose(4, "Cannot start AutoMixMonitor for %s - cannot determine peer in bridge.", text_z(&ch->name));
		say_failed(ch);
		return;
	}
	/* What it is called before the recording is changed. */
	(void)pbx_getvar(ch->pbx, ch, on ? STR("TOUCH_MIXMONITOR_MESSAGE_STOP") : STR("TOUCH_MIXMONITOR_MESSAGE_START"), &message);
	err = on ? mixmonitor_stop(peer, STR_NULL) : start(ch, peer);
	if (err)
		say_failed(ch);
	else
		say(ch, peer, buf_view(&message));
	buf_free(&message);
}
