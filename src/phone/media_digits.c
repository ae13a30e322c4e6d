/* phone/media_digits.c -- digits that a call sends: by RTP (RFC 4733) or as tones, which is media's work, or one after
 * the other by INFO to a peer that has said nothing of events. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

enum { MOST = 64, LENGTH_MS = 100, GAP_MS = 70, PAUSE_MS = 500 };

struct phone_digits {
	struct phone_call *c;
	struct timer timer;
	unsigned ms, gap_ms;
	size_t at;
	char digits[MOST + 1];
};

void phone_digits_free(struct phone_call *c)
{
	if (!c->digits)
		return;
	timer_stop(&c->digits->timer);
	free(c->digits);
	c->digits = NULL;
}

static void ended(struct phone_call *c, int err)
{
	phone_digits_free(c);
	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_DIGITS_SENT, .error = err });
}

static void next(void *arg)
{
	struct phone_digits *d = arg;
	struct phone_call *c = d->c;
	char digit = d->digits[d->at];
	uint64_t wait = digit == 'w' ? PAUSE_MS : digit == 'W' ? 2 * PAUSE_MS : d->ms + d->gap_ms;
	int err;

	if (!digit) {
		ended(c, 0);
		return;
	}
	d->at++;
	timer_start(loop_wheel(c->m->loop), &d->timer, wait, next, d);
	if (digit == 'w' || digit == 'W')
		return;
	/* It may be over when that comes back. */
	obj_hold(c);
	err = c->m->user->info_digit(c->s, digit, d->ms);
	if (err && c->digits == d)
		ended(c, err);
	obj_drop(c);
}

static int send_info(struct phone_call *c, const char *digits, unsigned ms, unsigned gap_ms)
{
	struct phone_digits *d = calloc(1, sizeof(*d));

	if (!d)
		return ENOMEM;
	d->c = c;
	d->ms = ms;
	d->gap_ms = gap_ms;
	str_copy(d->digits, sizeof(d->digits), str_z(digits));
	c->digits = d;
	timer_start(loop_wheel(c->m->loop), &d->timer, 0, next, d);
	return 0;
}

static int check(const char *digits, unsigned ms, unsigned gap_ms)
{
	size_t n = strlen(digits);

	if (n > MOST)
		return E2BIG;
	if (ms > UINT16_MAX || gap_ms > UINT16_MAX)
		return EINVAL;
	return !n || strspn(digits, "0123456789*#ABCDabcdwW") != n ? EINVAL : 0;
}

int sidetone_media_digits(struct sidetone_media *m, struct sidetone_session *s, const char *digits, unsigned ms, unsigned gap_ms)
{
	struct phone_call *c = phone_call_of(m, s);
	struct media_session *ms_of = c && c->agreed ? phone_port(phone_stream(c)) : NULL;
	int err = check(digits, ms, gap_ms);

	if (err || !ms_of)
		return err ? err : ENOTCONN;
	if (c->digits)
		return EBUSY;
	ms = ms ? ms : LENGTH_MS;
	gap_ms = gap_ms ? gap_ms : GAP_MS;
	if (m->conf.digits == SIDETONE_DIGITS_INBAND || (m->conf.digits == SIDETONE_DIGITS_AUTO && c->rtp_digits))
		return media_dtmf_send(ms_of, str_z(digits), ms, gap_ms, 0);
	return send_info(c, digits, ms, gap_ms);
}
