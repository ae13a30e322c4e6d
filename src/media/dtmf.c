/* media/dtmf.c -- digits (RFC 4733): heard once however often repeated, and
 * sent as events or as the two tones. */
#include "media/thread.h"
#include "base/num.h"
#include <errno.h>
#include "base/poison.h"

/* ---- receiving */

static unsigned duration_ms(const struct dtmf_rx *d)
{
	return num_u32(num_muldiv(d->duration, 1000, d->rate, 0));
}

static void tell_digit(struct stream *s, enum media_event_type type, uint8_t event, unsigned ms)
{
	struct media_event e = { .type = type, .digit = rtp_event_digit(event), .ms = ms };

	mthread_event(s, &e);
}

/* The other leg has no events at this rate: it gets the digit its own way. */
static bool is_remade(const struct stream *s)
{
	return s->peer && s->peer->cfg && !s->echo && !s->dtmf.hold &&
	       s->peer->cfg->set.dtmf != MEDIA_DTMF_NONE;
}

static struct dtmf_job *job_inside(struct stream *to)
{
	/* One digit at a time fits in the stream: no allocation here. */
	return to->dtmf.tx.job ? NULL : &to->dtmf.own_job;
}

void dtmf_passed(struct stream *s)
{
	/* Only what was made of it: the peer may be sending a digit of its own. */
	if (s->dtmf.rx.inband && s->peer && s->peer->dtmf.tx.job == &s->peer->dtmf.own_job)
		dtmf_stop(s->peer);
	s->dtmf.rx.inband = false;
}

static void finish_digit(struct stream *s)
{
	struct dtmf_rx *d = &s->dtmf.rx;

	d->on = false;
	if (!d->heard_us) {
		d->has_ended = true;
		d->ended_ts = d->ts;
	}
	tell_digit(s, MEDIA_DTMF_END, d->event, duration_ms(d));
	dtmf_passed(s);
}

/* ... as a digit of our own, until dtmf_passed(). */
static void remake(struct stream *s, uint8_t event)
{
	struct dtmf_job *j = is_remade(s) ? job_inside(s->peer) : NULL;

	if (!j)
		return;
	*j = (struct dtmf_job){ .ms = 100, .open = true };
	j->digits[0] = rtp_event_digit(event);
	s->dtmf.rx.inband = true;
	dtmf_start(s->peer, j);
}

static void begin_digit(struct stream *s, const struct rtp_event *e, const struct rtp *r, uint32_t rate)
{
	struct dtmf_rx *d = &s->dtmf.rx;

	*d = (struct dtmf_rx){ .on = true, .event = e->event, .ts = r->ts, .rate = rate, .duration = e->duration,
			       .has_ended = d->has_ended, .ended_ts = d->ended_ts };
	tell_digit(s, MEDIA_DTMF_BEGIN, e->event, 0);
	if (s->fwd[r->pt] == FWD_SLOW)
		remake(s, e->event);
}

/* In the sound: hook_listen.c. As long as it is there it is said to be, so that it ends with the packets. */
enum { HEARD_RATE = 8000 };

void dtmf_goes_on(struct stream *s)
{
	struct dtmf_rx *d = &s->dtmf.rx;

	if (!d->on || !d->heard_us)
		return;
	d->last_us = s->t->now_us;
	d->duration = num_u32(num_muldiv(s->t->now_us - d->heard_us, HEARD_RATE, 1000000, 0));
}

void dtmf_heard(struct stream *s, bool end, char digit, unsigned ms)
{
	struct dtmf_rx *d = &s->dtmf.rx;

	if (end && d->on && d->heard_us) {
		d->duration = ms * (HEARD_RATE / 1000);
		finish_digit(s);
	}
	if (end)
		return;
	if (d->on)
		finish_digit(s);
	*d = (struct dtmf_rx){ .on = true, .event = (uint8_t)rtp_event_of(digit), .rate = HEARD_RATE, .heard_us = s->t->now_us ? s->t->now_us : 1,
			       .last_us = s->t->now_us, .has_ended = d->has_ended, .ended_ts = d->ended_ts };
	tell_digit(s, MEDIA_DTMF_BEGIN, d->event, 0);
	remake(s, d->event);
	stream_wake(s);
}

/* An end is sent three times, and packets overtake each other: what belongs to
 * a digit that is over, or lies before it, says nothing new. */
static bool is_old(const struct dtmf_rx *d, uint32_t ts)
{
	return d->has_ended && (int32_t)(ts - d->ended_ts) <= 0 && (int32_t)(ts - d->ended_ts) > -(int32_t)(10 * d->rate);
}

/* RFC 4733 section 2.5.1.3: the same digit goes on. */
static bool is_next_segment(const struct dtmf_rx *d, uint32_t ts, uint8_t event)
{
	return event == d->event && ts - d->ts == UINT16_MAX;
}

void dtmf_receive(struct stream *s, const struct rtp *r, uint8_t *p, uint32_t rate)
{
	struct dtmf_rx *d = &s->dtmf.rx;
	struct rtp on = *r;
	struct rtp_event e;

	if (rtp_event_parse(&e, p + r->at, r->n) || !rtp_event_digit(e.event)) {
		s->stats.dropped_bad++;
		return;
	}
	d->last_us = s->t->now_us;
	if (d->on && is_next_segment(d, r->ts, e.event)) {
		d->before += UINT16_MAX;
		d->ts = r->ts;
	}
	if (d->on && r->ts != d->ts && !is_old(d, r->ts))
		finish_digit(s);              /* its end was lost */
	if (!d->on && !is_old(d, r->ts)) {
		begin_digit(s, &e, r, rate);
		/* The one that said so may have been lost, or come before its sender was known. */
		on.marker = true;
		d->last_us = s->t->now_us;
		stream_wake(s);
	}
	if (d->on && r->ts == d->ts) {
		if (d->before + e.duration > d->duration)
			d->duration = d->before + e.duration;
		if (e.end)
			finish_digit(s);
	}
	if (s->echo)
		send_relay(s, s, &on, p);
	else if (s->peer && s->peer->cfg && !s->dtmf.hold)
		send_relay(s->peer, s, &on, p);
}

void dtmf_rx_tick(struct stream *s)
{
	struct dtmf_rx *d = &s->dtmf.rx;
	uint64_t due = d->last_us + num_us_of_ms(s->t->prm.dtmf_ms);

	if (!d->on)
		return;
	if (s->t->now_us < due)
		return;
	finish_digit(s);
}

/* ---- sending */

static void give_back(struct stream *s, int err)
{
	struct dtmf_job *j = s->dtmf.tx.job;

	s->dtmf.tx = (struct dtmf_tx){ 0 };
	if (j && j != &s->dtmf.own_job)
		mthread_give(s->t, EV_DTMF_SENT, s, j, err);
	source_changed(s);
}

void dtmf_abort(struct stream *s)
{
	if (s->dtmf.tx.job)
		give_back(s, ECANCELED);
}

void dtmf_start(struct stream *s, struct dtmf_job *j)
{
	dtmf_abort(s);
	s->dtmf.tx = (struct dtmf_tx){ .job = j };
	source_changed(s);
}

void dtmf_stop(struct stream *s)
{
	if (s->dtmf.tx.job && s->dtmf.tx.job->open)
		s->dtmf.tx.ending = true;
}

static void event_write(struct stream *s, uint16_t duration, bool first, bool end)
{
	struct dtmf_tx *d = &s->dtmf.tx;
	uint8_t *out = s->t->buf.out;
	struct rtp_event e = { .event = d->event, .volume = 10, .end = end, .duration = duration };

	rtp_write(out, d->pt, first, s->tx.seq++, d->ts, s->tx.ssrc);
	rtp_event_write(out + RTP_HEADER, &e);
	s->tx.pt = d->pt;
	if (s->can_tx)
		send_packet(s, out, RTP_HEADER + 4);
}

static void event_send(struct stream *s, bool first, bool end)
{
	struct dtmf_tx *d = &s->dtmf.tx;
	uint64_t duration = num_muldiv(d->sent_ms, d->rate, 1000, 0) - d->before;

	/* RFC 4733 section 2.5.1.3: longer than sixteen bits, at 48 kHz 1.4 seconds, is a further
	 * segment, which begins where this one has its greatest length. */
	while (duration > UINT16_MAX) {
		event_write(s, UINT16_MAX, false, false);
		d->ts += UINT16_MAX;
		d->before += UINT16_MAX;
		duration -= UINT16_MAX;
	}
	event_write(s, (uint16_t)duration, first, end);
}

/* On the clock of the codec in use (RFC 4733 section 2.1), else the first that the peer takes. */
int dtmf_row(struct stream *s)
{
	const struct media_set *set = &s->cfg->set;
	const struct stream_codec *c = source_codec(s);
	int best = -1;

	if (set->dtmf != MEDIA_DTMF_RFC4733)
		return -1;
	for (size_t i = set->nevents; i-- > 0; )
		if (set->event[i].pt_tx != 255 &&
		    (best < 0 || !c || set->event[best].rate != c->clock || set->event[i].rate == c->clock))
			best = (int)i;
	return best;
}

/* The event row to send with; false: as tones. */
static bool event_row(struct stream *s)
{
	int row = dtmf_row(s);

	if (row < 0)
		return false;
	s->dtmf.tx.pt = s->cfg->set.event[row].pt_tx;
	s->dtmf.tx.rate = s->cfg->set.event[row].rate;
	return true;
}

/* The pair of the digit that is out; a tone without a life of its own. */
static struct tone *pair_of(struct stream *s)
{
	return (struct tone *)(void *)s->dtmf.tone;
}

static void tone_begin(struct stream *s, char digit)
{
	uint16_t low = 0, high = 0;

	tone_dtmf_freqs(digit, &low, &high);
	pair_of(s)->nparts = pair_of(s)->loop = 1;
	pair_of(s)->part[0] = (struct tone_part){ .freq = { low, high } };
	s->play.gen.tone = NULL;
	s->dtmf.tx.state = DTMF_TONE;
}

/* Next of the job's characters; false: it is done. */
static bool next_digit(struct stream *s)
{
	struct dtmf_tx *d = &s->dtmf.tx;
	char c = d->job->digits[d->at];
	int event;

	d->sent_ms = 0;
	if (!c)
		return false;
	event = rtp_event_of(c);
	if (event < 0) {
		d->state = DTMF_GAP;
	} else if (s->cfg && event_row(s)) {
		d->event = (uint8_t)event;
		d->state = DTMF_EVENT;
		send_advance(s, d->rate);
		d->ts = s->tx.ts;
		d->before = 0;
		event_send(s, true, false);
	} else {
		tone_begin(s, c);
	}
	return true;
}

static unsigned length_of(const struct dtmf_tx *d)
{
	char c = d->job->digits[d->at];

	if (c == 'w' || c == 'W')
		return c == 'w' ? 500 : 1000;
	return d->job->ms;
}

static void digit_over(struct stream *s)
{
	struct dtmf_tx *d = &s->dtmf.tx;

	if (d->state == DTMF_EVENT)
		for (int i = 0; i < 3; i++)     /* RFC 4733 section 2.5.1.4 */
			event_send(s, false, true);
	/* Our time went on with the event's. */
	s->tx.map.from = NULL;
	d->at++;
	d->sent_ms = 0;
	d->ending = false;
	d->state = d->job->digits[d->at] ? DTMF_GAP : DTMF_IDLE;
}

static void tone_out(struct stream *s, unsigned ms)
{
	const struct stream_codec *c = source_codec(s);
	size_t n;

	if (!c || !c->row)
		return;
	n = codec_samples(c->row, ms);
	if (s->play.gen.tone != pair_of(s) || s->play.gen.rate != c->row->rate)
		tone_gen_init(&s->play.gen, pair_of(s), c->row->rate);
	tone_gen_run(&s->play.gen, s->t->buf.pcm, n);
	source_pcm(s, c, s->t->buf.pcm, n);
}

/* Tones take whole packets; events and pauses need not wait for long ones. */
unsigned dtmf_tick_ms(struct stream *s, unsigned packet_ms)
{
	bool tone = s->dtmf.tx.state == DTMF_TONE || (s->dtmf.tx.state == DTMF_IDLE && !(s->cfg && event_row(s)));

	return !tone && packet_ms > CODEC_PTIME ? CODEC_PTIME : packet_ms;
}

bool dtmf_tick(struct stream *s, unsigned ms)
{
	struct dtmf_tx *d = &s->dtmf.tx;
	bool open;

	if (d->state == DTMF_IDLE && !next_digit(s)) {
		give_back(s, 0);
		return false;
	}
	open = d->job->open && !d->ending;
	switch ((enum dtmf_state)d->state) {
	case DTMF_EVENT:
		d->sent_ms += ms;
		if (open || d->sent_ms < length_of(d))
			event_send(s, false, false);
		else
			digit_over(s);
		break;
	case DTMF_TONE:
		tone_out(s, ms);
		d->sent_ms += ms;
		if (!open && d->sent_ms >= length_of(d))
			digit_over(s);
		break;
	default:
		d->sent_ms += ms;
		/* A pause of the text's own counts as one, after it none. */
		if (d->sent_ms >= (rtp_event_of(d->job->digits[d->at]) < 0 ? length_of(d) : d->job->gap_ms)) {
			if (rtp_event_of(d->job->digits[d->at]) < 0)
				d->at++;
			d->state = DTMF_IDLE;
		}
		break;
	}
	if (d->state == DTMF_IDLE && !d->job->digits[d->at])
		give_back(s, 0);
	return true;
}
