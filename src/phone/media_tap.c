/* phone/media_tap.c -- who listens to a call: recordings, and the measure of its levels. Both are taps (media/tap.h); a
 * recording goes on when the call gets another port. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <math.h>
#include <stdatomic.h>

enum { NARROW = 8000, FULL = 32768 };

/* ---- levels */

struct phone_meter {            /* obj */
	atomic_uint peak[TAP_DIRS];     /* since it was last asked; the writer raises it */
};

static int meter_begin(void *arg, uint64_t now_us)
{
	(void)arg;
	(void)now_us;
	return 0;
}

static int meter_frame(void *arg, const struct tap_frame *f)
{
	struct phone_meter *k = arg;
	unsigned top = 0, was = atomic_load(&k->peak[f->dir]);

	for (size_t i = 0; i < f->n; i++) {
		unsigned v = (unsigned)(f->pcm[i] < 0 ? -(int)f->pcm[i] : f->pcm[i]);

		top = v > top ? v : top;
	}
	while (top > was && !atomic_compare_exchange_weak(&k->peak[f->dir], &was, top))
		;
	return 0;
}

static void meter_free(void *arg)
{
	obj_drop(arg);
}

static int meter_start(struct phone_call *c, struct media_session *ms)
{
	struct media_tap_prm prm = { .sink = { obj_hold(c->meter), meter_begin, meter_frame, meter_begin, meter_free } };
	struct media_tap *t;

	/* It ends with the session. */
	return media_tap_start(&t, ms, &prm);
}

static double dbfs(unsigned peak)
{
	return peak ? 20 * log10((double)peak / FULL) : -INFINITY;
}

int sidetone_media_levels(struct sidetone_media *m, struct sidetone_session *s, double *in, double *out)
{
	struct phone_call *c;
	int err = phone_call_want(m, s, &c);

	*in = *out = -INFINITY;
	if (err)
		return err;
	if (c->meter) {
		*in = dbfs(atomic_exchange(&c->meter->peak[TAP_IN], 0));
		*out = dbfs(atomic_exchange(&c->meter->peak[TAP_OUT], 0));
		return 0;
	}
	c->meter = obj_new(sizeof(*c->meter), NULL);
	if (c->meter && c->on)
		err = meter_start(c, c->on);
	if (err)
		c->meter = obj_drop(c->meter);
	return c->meter ? 0 : err ? err : ENOMEM;
}

/* ---- recordings: one file, of as many taps as the call has ports */

struct phone_recorder {         /* obj; held by its call, by each tap's sink and by each tap's end */
	struct phone_call *c;   /* NULL: it is over */
	struct tap_sink wav;
	struct media_tap *tap;  /* of the port in force; NULL: none (any more) */
	unsigned taps;          /* that have not ended */
	int err;
	bool stopping;
	/* the writer's */
	bool begun, failed;
	uint64_t last_us;       /* the clock, as last seen */
};

/* The file is complete when the last tap is: so its sink hears of an end here. The writer has no frame for it any more. */
static void recorder_free(void *arg)
{
	struct phone_recorder *r = arg;

	if (r->wav.free)
		r->wav.free(r->wav.arg);
}

static int record_begin(void *arg, uint64_t now_us)
{
	struct phone_recorder *r = arg;
	int err;

	r->last_us = now_us;
	if (r->begun || r->failed)
		return r->failed ? EIO : 0;
	err = r->wav.begin(r->wav.arg, now_us);
	r->begun = !err;
	r->failed = err != 0;
	return err;
}

static int record_frame(void *arg, const struct tap_frame *f)
{
	struct phone_recorder *r = arg;
	int err = r->failed ? EIO : r->wav.frame(r->wav.arg, f);

	r->last_us = f->now_us;
	r->failed = err != 0;
	return err;
}

static int record_end(void *arg, uint64_t now_us)
{
	struct phone_recorder *r = arg;

	if (now_us)
		r->last_us = now_us;
	return 0;
}

static void sink_free(void *arg)
{
	obj_drop(arg);
}

/* On the writer's thread it would be better; a header of 44 bytes and what is left of a second are written here. */
static void record_close(struct phone_recorder *r)
{
	struct phone_call *c = r->c;
	int err = r->begun ? r->wav.end(r->wav.arg, r->failed ? 0 : r->last_us) : 0;

	r->begun = false;
	r->err = r->err ? r->err : err;
	if (!c)
		return;
	c->recorder = NULL;
	obj_hold(c);
	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_RECORDED, .error = r->err,
		.text = r->err ? strerror(r->err) : NULL });
	obj_drop(c);
	obj_drop(r);
}

static void record_done(void *arg, const struct tap_result *result)
{
	struct phone_recorder *r = arg;

	r->err = r->err ? r->err : result->err;
	if (--r->taps == 0 || result->err)
		r->tap = NULL;
	if (!r->taps && (r->stopping || r->err || !r->c || !r->c->m))
		record_close(r);
	obj_drop(r);
}

static int record_start(struct phone_recorder *r, struct media_session *ms)
{
	struct media_tap_prm prm = { .sink = { obj_hold(r), record_begin, record_frame, record_end, sink_free },
		.done = record_done, .arg = obj_hold(r) };
	int err;

	r->taps++;
	err = media_tap_start(&r->tap, ms, &prm);
	if (err) {
		r->tap = NULL;
		r->taps--;
		obj_drop(r);
	}
	return err;
}

static uint32_t rate_of(const struct phone_call *c)
{
	const struct neg_stream *st = c->agreed ? phone_stream(c) : NULL;
	const struct format *f = st && st->ncodecs ? format_get((enum format_id)st->codecs[0].id) : NULL;

	return f && rate_kind(f->rate) >= 0 ? f->rate : NARROW;
}

static int record_new(struct phone_call *c, const char *path, bool stereo)
{
	struct tap_wav_prm prm = { .path = str_z(path), .rate = rate_of(c), .stereo = stereo, .bank = media_rates(c->m->media) };
	struct phone_recorder *r = obj_new(sizeof(*r), recorder_free);
	int err = r ? tap_wav_new(&r->wav, &prm) : ENOMEM;

	if (err) {
		obj_drop(r);
		return err;
	}
	err = record_start(r, c->on);
	if (err) {
		obj_drop(r);
		return err;
	}
	r->c = c;
	c->recorder = r;
	return 0;
}

int sidetone_media_record(struct sidetone_media *m, struct sidetone_session *s, const char *path, bool stereo)
{
	struct phone_call *c = phone_call_of(m, s);
	struct phone_recorder *r = c ? c->recorder : NULL;
	int err;

	if (!c || !c->on)
		return ENOTCONN;
	if (path)
		return r ? EBUSY : !path[0] ? EINVAL : record_new(c, path, stereo);
	if (!r || r->stopping)
		return 0;
	r->stopping = true;
	err = r->tap ? media_tap_stop(r->tap) : 0;
	if (err)
		r->stopping = false;
	else if (!r->taps)
		record_close(r);
	return err;
}

/* ---- another port, and the end */

void phone_taps_apply(struct phone_call *c, struct media_session *ms)
{
	int err = c->meter ? meter_start(c, ms) : 0;

	if (!err && c->recorder && !c->recorder->stopping)
		err = record_start(c->recorder, ms);
	if (err)
		log_error("a call is no longer listened to: %s", strerror(err));
}

/* Its taps end with its port, and close the file. */
void phone_taps_free(struct phone_call *c)
{
	struct phone_recorder *r = c->recorder;

	c->recorder = NULL;
	if (r)
		r->c = NULL;
	obj_drop(r);
	c->meter = obj_drop(c->meter);
}
