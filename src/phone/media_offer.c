/* phone/media_offer.c -- the descriptions of a call (RFC 3264): what is offered, what is answered, what is refused. The
 * rules are sdp/negotiate's. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/dtls.h"
#include <errno.h>
#include <openssl/rand.h>

/* [ms] A description waits for STUN and TURN: two requests of RFC 8489, at 0 and 0.5 s, TCP after that, and their answers. */
enum { WAIT_MS = 2000 };

/* ---- what the options say, in the words of sdp/ */

/* Another transport needs another association, and the peer knows it by the fingerprint. */
static int take_identity(struct phone_call *c)
{
	struct dtls_cert *cert = NULL;
	int err = c->renew && c->m->identity && !c->fresh ? phone_identity_new(&cert, &c->fresh, NULL, 0) : 0;

	obj_drop(cert);
	return err;
}

static int make_key(uint8_t *p, size_t n)
{
	return RAND_bytes(p, (int)n) == 1 ? 0 : EIO;
}

static void fill_prm(const struct phone_call *c, struct neg_prm *p)
{
	const struct phone_conf *conf = &c->m->conf;

	*p = (struct neg_prm){ .formats = conf->formats, .pref_in = { .prefer_local = true }, .max_audio = 1,
		.telephone_event = conf->digits != SIDETONE_DIGITS_INBAND, .use_ptime = true, .use_received_transport = true,
		.savp = conf->encryption == SIDETONE_SDES, .dtls = conf->encryption == SIDETONE_DTLS, .optimistic = conf->optional,
		.random = make_key, .setup = SETUP_ACTPASS, .rtcp_mux = conf->rtcp_mux, .bundle = conf->bundle,
		.opus = OPUS_FMTP_INIT };
	p->opus.fec = true;
	if (c->m->identity)
		p->fingerprint = *dtls_identity_fingerprint(c->fresh ? c->fresh : phone_identity(c));
}

static int start(struct phone_call *c)
{
	struct neg_prm p;

	fill_prm(c, &p);
	if (!c->neg)
		return neg_new(&c->neg, &p);
	neg_set(c->neg, &p);
	return 0;
}

/* ---- telling */

static void refuse(struct phone_call *c, unsigned status, const char *why)
{
	log_notice("a description of media is refused: %s", why);
	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_REFUSED, .status = (int)status, .text = why });
}

void phone_forget_due(struct phone_call *c)
{
	c->due = PHONE_NOTHING;
	c->prepared = c->waited = false;
	timer_stop(&c->timer);
}

/* The agent may do anything in it. */
static void give(struct phone_call *c, const char *body)
{
	const struct phone_media_user *user = c->m->user;

	phone_forget_due(c);
	user->describe(c->s, body ? "application/sdp" : NULL, body);
}

/* `ours`: it was our offer, so what it was to change is not wanted any more. */
static void roll_back(struct phone_call *c, bool ours)
{
	struct neg_stream *st;

	phone_ice_undo(c);
	neg_rollback(c->neg);
	c->fresh = obj_drop(c->fresh);
	c->offered = false;
	st = phone_stream(c);
	if (st && ours)
		c->want = st->want;
	phone_sound_apply(c);
}

static void give_up(struct phone_call *c, int err)
{
	obj_hold(c);
	if (c->neg)
		roll_back(c, c->due == PHONE_OFFER);
	refuse(c, 500, err == EINVAL ? "there is no offer to be answered" : strerror(err));
	if (c->m)
		give(c, NULL);
	obj_drop(c);
}

/* ---- ours */

/* What is spoken now stays what we like best: an offer about something else changes no codec. */
static void wanted_formats(const struct phone_call *c, const struct neg_stream *st, struct formats *out)
{
	*out = (struct formats){ 0 };
	for (size_t k = 0; st && st->active && k < st->ncodecs; k++)
		if (formats_has(&c->m->conf.formats, (enum format_id)st->codecs[k].id))
			formats_add(out, (enum format_id)st->codecs[k].id, 0);
	formats_add_all(out, &c->m->conf.formats, MEDIA_AUDIO);
}

/* Its first stream of sound, of which an earlier description may have said that it is none; else another one. */
static int offer_stream(struct phone_call *c)
{
	struct neg_stream *st = phone_stream(c);
	struct formats wanted;
	size_t i = 0;
	int err = 0;

	while (i < neg_count(c->neg) && (st ? neg_stream(c->neg, i) != st : neg_stream(c->neg, i)->type != MEDIA_AUDIO))
		i++;
	wanted_formats(c, st, &wanted);
	if (i == neg_count(c->neg))
		err = neg_stream_add(c->neg, MEDIA_AUDIO, &wanted, &i);
	else
		neg_stream_set(c->neg, i, &wanted, true);
	if (!err)
		neg_stream(c->neg, i)->want = c->want;
	return err;
}

static int prepare(struct phone_call *c)
{
	int err;

	/* An offer of theirs that nobody wants answered any more. */
	if (c->due == PHONE_OFFER && c->offered)
		roll_back(c, false);
	err = c->due == PHONE_OFFER ? take_identity(c) : 0;
	err = err ? err : start(c);
	if (!err && c->due == PHONE_OFFER) {
		err = offer_stream(c);
		err = err ? err : phone_ports_open(c, c->renew);
	}
	if (!err)
		phone_ice_begin(c, c->due);
	return err;
}

static int write_description(struct phone_call *c, struct buf *b)
{
	int err = phone_ice_lines(c, c->due);

	if (err)
		return err;
	err = c->due == PHONE_OFFER ? neg_offer_out(c->neg, b) : neg_answer_out(c->neg, b);
	if (!err)
		buf_z(b);
	return err ? err : buf_err(b);
}

static void waited_enough(void *arg)
{
	struct phone_call *c = arg;

	c->waited = true;
	phone_go_on(c);
}

static void finish(struct phone_call *c)
{
	bool answers = c->due == PHONE_ANSWER;
	struct buf b = BUF_INIT;
	int err = write_description(c, &b);

	obj_hold(c);
	if (err) {
		give_up(c, err);
	} else {
		c->renew &= answers;
		c->offered &= !answers;
		if (answers)
			phone_apply(c);
		give(c, buf_z(&b));
		if (answers && c->m)
			phone_tell_agreed(c);
	}
	/* It may hold keys. */
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_free(&b);
	obj_drop(c);
}

void phone_go_on(struct phone_call *c)
{
	int err;

	if (!c->due || (!c->waited && phone_servers_pending(c->m)))
		return;
	if (!c->prepared) {
		err = prepare(c);
		if (err) {
			give_up(c, err);
			return;
		}
		c->prepared = true;
	}
	if (c->waited || !phone_ice_gathers(c))
		finish(c);
}

void phone_describe(struct phone_call *c, enum phone_due kind)
{
	phone_forget_due(c);
	c->due = kind;
	timer_start(loop_wheel(c->m->loop), &c->timer, WAIT_MS, waited_enough, c);
	phone_go_on(c);
}

/* ---- theirs */

/* The answer says no more than is wanted: a call on hold stays so. */
static void limit_direction(struct phone_call *c)
{
	const struct neg_stream *st = phone_stream(c);

	for (size_t i = 0; i < neg_count(c->neg); i++)
		if (neg_stream(c->neg, i) == st) {
			neg_stream(c->neg, i)->want = c->want;
			neg_hold(c->neg, i, false);     /* reckons the direction anew */
		}
}

static unsigned take_offer(struct phone_call *c, const struct sdp *sdp, const char **why)
{
	enum neg_verdict verdict = NEG_OK;
	int err;

	if (c->due) {
		*why = "an offer of ours is on its way";
		return 491;
	}
	/* One of either side that nobody wants answered any more: else the agent would not bring another. */
	if (neg_offer_pending(c->neg) || c->offered)
		roll_back(c, false);
	err = neg_offer_in(c->neg, sdp, NULL, &verdict);
	if (err == EPROTO) {
		*why = neg_why(c->neg, verdict);
		return 488;
	}
	if (!err) {
		c->offered = true;
		limit_direction(c);
		err = phone_ports_open(c, false);
		if (err)
			roll_back(c, false);
	}
	if (!err && !phone_servers_pending(c->m))
		phone_ice_begin(c, PHONE_ANSWER);
	*why = err ? strerror(err) : NULL;
	return err ? 500 : 0;
}

static unsigned take_answer(struct phone_call *c, const struct sdp *sdp, const char **why)
{
	enum neg_verdict verdict = NEG_OK;
	int err = neg_answer_in(c->neg, sdp, &verdict);

	if (err) {
		*why = err == EPROTO ? neg_why(c->neg, verdict) : err == EINVAL ? "there is no offer that it answers" : strerror(err);
		return err == ENOMEM ? 500 : 488;
	}
	if (c->fresh) {
		obj_drop(c->identity);
		c->identity = c->fresh;
		c->fresh = NULL;
	}
	err = phone_ports_open(c, false);
	*why = err ? strerror(err) : NULL;
	return err ? 500 : 0;
}

static unsigned take(struct phone_call *c, enum sidetone_description kind, struct str body, const char **why)
{
	struct sdp *sdp = NULL;
	unsigned status;
	int err = start(c);

	*why = "no memory";
	if (err)
		return 500;
	err = sdp_parse(&sdp, body);
	if (err) {
		*why = "it cannot be read";
		return err == ENOMEM ? 500 : 488;
	}
	*why = "ice-ufrag and ice-pwd are not what they have to be";
	status = !phone_ice_is_good(c, sdp) ? 488 : kind == SIDETONE_OFFER ? take_offer(c, sdp, why) : take_answer(c, sdp, why);
	obj_drop(sdp);
	return status;
}

static bool is_sdp(struct str type)
{
	struct str rest = type;

	return !type.n || str_ieq(str_trim(str_cut_raw(&rest, ';')), STR("application/sdp"));
}

void phone_described(struct phone_call *c, enum sidetone_description kind, struct str type, struct str body)
{
	const char *why = "its type is not application/sdp";
	unsigned status = is_sdp(type) ? take(c, kind, body, &why) : 415;

	obj_hold(c);
	if (status) {
		refuse(c, status, why);
	} else if (kind == SIDETONE_ANSWER) {
		phone_apply(c);
		phone_tell_agreed(c);
	}
	if (c->m)
		c->m->user->described(c->s, status);
	obj_drop(c);
}

void phone_offer_failed(struct phone_call *c)
{
	bool ours = c->due == PHONE_OFFER || (c->neg && neg_offer_pending(c->neg));

	phone_forget_due(c);
	if (c->neg)
		roll_back(c, ours);
}
