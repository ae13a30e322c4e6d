/* The subscriber's side of a subscription: which SUBSCRIBE is sent when, and what its answer
 * makes of it. The NOTIFYs that come are subscribe_notify.c's. */
#define LOG_MODULE "subscribe"
#include "ua/subscribe_private.h"
#include "base/log.h"
#include "base/obj.h"
#include "ua/retry.h"
#include <errno.h>
#include <stdlib.h>

#define RENEW_BEFORE_MS 10000   /* before the end, or a tenth of the lifetime; at most half of it */
#define IMPLIED_S 3600          /* of one that a REFER implies, when nobody says how long it lives */

#define TO(state) (1u << UA_SUBSCRIBE_##state)
static const unsigned char allowed[] = {
	[UA_SUBSCRIBE_IDLE] = TO(ASKING) | TO(LEAVING),
	[UA_SUBSCRIBE_ASKING] = TO(SUBSCRIBED) | TO(LOST) | TO(LEAVING) | TO(IDLE),
	[UA_SUBSCRIBE_SUBSCRIBED] = TO(RENEWING) | TO(LOST) | TO(LEAVING),
	[UA_SUBSCRIBE_RENEWING] = TO(SUBSCRIBED) | TO(LOST) | TO(LEAVING),
	[UA_SUBSCRIBE_LOST] = TO(ASKING) | TO(LEAVING),
	[UA_SUBSCRIBE_LEAVING] = TO(IDLE),
};

void ua_subscribe_change(struct ua_subscribe *s, enum ua_subscribe_state to)
{
#ifdef SIDETONE_SANITIZE
	if (!(allowed[s->state] & 1u << to)) {
		log_error("subscriber: no way from state %d to %d", (int)s->state, (int)to);
		abort();
	}
#endif
	(void)allowed;
	s->state = to;
}

static struct wheel *wheel_of(const struct ua_subscribe *s)
{
	return sip_stack_wheel(s->ua->sip);
}

uint64_t ua_subscribe_now(const struct ua_subscribe *s)
{
	return clock_ms(wheel_clock(wheel_of(s)));
}

/* 64*T1: timer N; how long a SUBSCRIBE may still be forked; and what counts as a life. */
static uint64_t patience(const struct ua_subscribe *s)
{
	return 64ull * sip_stack_t1(s->ua->sip);
}

static void drop_request(struct ua_subscribe *s)
{
	if (s->rq)
		ua_request_detach(s->rq);
	s->rq = obj_drop(s->rq);
}

/* What comes in it from here on gets 481. */
static void drop_dialog(struct ua_subscribe *s)
{
	if (s->dlg && !s->implied)
		sip_dialog_close(s->dlg);
	s->dlg = obj_drop(s->dlg);
}

static void stop(struct ua_subscribe *s)
{
	timer_stop(&s->next);
	timer_stop(&s->silence);
	drop_request(s);
}

void ua_subscribe_tell(struct ua_subscribe *s, struct ua_subscribe_event e)
{
	e.state = s->state;
	e.pending = s->state == UA_SUBSCRIBE_SUBSCRIBED && s->pending;
	if (s->state == UA_SUBSCRIBE_SUBSCRIBED)
		e.seconds = (uint32_t)((ua_subscribe_left_ms(s) + 500) / 1000);
	s->prm.told(s->prm.arg, s, &e);
}

/* ---- one SUBSCRIBE -------------------------------------------------------------------- */

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg);
static void on_failed(void *arg, struct ua_request *rq, int err);
static void on_silence(void *arg);

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct ua_subscribe *s = arg;

	ua_event_cseq(s->dlg, out);
	timer_start(wheel_of(s), &s->silence, patience(s), on_silence, s);
	return s->prm.prepare ? s->prm.prepare(s->prm.arg, rq, out, path) : 0;
}

static void write_subscribe(struct ua_subscribe *s, struct sip_out *o, uint32_t expires_s)
{
	const struct ua_subscribe_prm *p = &s->prm;

	o->max_forwards = p->max_forwards;
	o->user_agent = sip_out_dup(o, p->user_agent);
	o->no_rport = p->no_rport;
	sip_out_header(o, STR("Event"), p->event);
	if (p->accept.n)
		sip_out_header(o, STR("Accept"), p->accept);
	buf_printf(&o->headers, "Expires: %u\r\n", expires_s);
	buf_put(&o->headers, p->headers);
	if (p->body.n && (expires_s || s->fetch))
		sip_out_body(o, p->body_type, p->body);
}

/* `o` NULL: ENOMEM. Its reference is taken over. */
static int send_subscribe(struct ua_subscribe *s, struct sip_out *o, uint32_t expires_s)
{
	const struct ua_subscribe_prm *p = &s->prm;
	struct ua_request_prm prm = { .out = o, .transport = p->transport, .credentials = p->credentials,
		.credentials_arg = p->credentials_arg, .hold = p->hold, .context = p->context, .arg = s,
		.response = on_response, .failed = on_failed, .prepare = prepare };
	int err;

	if (!o)
		return ENOMEM;
	drop_request(s);
	write_subscribe(s, o, expires_s);
	if (s->dlg->confirmed)
		ua_event_way(&prm, s->dlg);
	err = ua_request_send(s->ua, &prm, &s->rq);
	obj_drop(o);
	if (!err)
		timer_stop(&s->next);
	return err;
}

/* Call-ID and tag are new: whoever had the ones before has nothing to do with it. */
static struct sip_out *begin_dialog(struct ua_subscribe *s)
{
	const struct ua_subscribe_prm *p = &s->prm;
	struct sip_dialog_user user = { .arg = s, .request = ua_subscribe_on_request };
	struct sip_out *o = sip_out_new(SIP_SUBSCRIBE);
	struct str uri = p->target, local, remote;
	struct sip_uri u;

	if (!o)
		return NULL;
	if (!sip_uri_parse(&u, uri))
		uri = sip_uri_as_target(&u);
	o->ruri = sip_out_dup(o, uri);
	local = arena_cat(o->arena, STR("<"), p->local, STR(">"));
	remote = arena_cat(o->arena, STR("<"), uri, STR(">"));
	if (p->proxy.n)
		o->route = arena_cat(o->arena, STR("<"), p->proxy, STR(">"));
	if (arena_failed(o->arena) || sip_dialog_new_uac(&s->dlg, s->ua->sip, o, local, remote, STR_NULL, &user))
		return obj_drop(o);
	return o;
}

static int ask(struct ua_subscribe *s)
{
	int err;

	drop_dialog(s);
	s->fetch = !s->prm.expires_s;
	err = send_subscribe(s, begin_dialog(s), s->fetch ? 0 : s->expires_s);
	if (err) {
		drop_dialog(s);
		return err;
	}
	s->granted_s = s->expires_s;
	s->forks_until_ms = ua_subscribe_now(s) + patience(s);
	ua_subscribe_change(s, UA_SUBSCRIBE_ASKING);
	return 0;
}

/* The request that implies it was the first one. */
static int await(struct ua_subscribe *s)
{
	if (!s->dlg)
		return EBUSY;
	s->granted_s = s->expires_s ? s->expires_s : IMPLIED_S;
	timer_start(wheel_of(s), &s->silence, patience(s), on_silence, s);
	ua_subscribe_change(s, UA_SUBSCRIBE_ASKING);
	return 0;
}

static int renew(struct ua_subscribe *s)
{
	int err = send_subscribe(s, sip_dialog_request(s->dlg, SIP_SUBSCRIBE), s->expires_s);

	if (!err)
		ua_subscribe_change(s, UA_SUBSCRIBE_RENEWING);
	return err;
}

/* ---- how long, and when again ----------------------------------------------------------- */

static void on_time(void *arg);

static void plan(struct ua_subscribe *s, uint64_t ms)
{
	timer_start(wheel_of(s), &s->next, ms, on_time, s);
}

void ua_subscribe_live(struct ua_subscribe *s, uint32_t seconds)
{
	uint64_t ms = 1000ull * seconds, before = ms / 10 > RENEW_BEFORE_MS ? ms / 10 : RENEW_BEFORE_MS;

	s->ends_ms = ua_subscribe_now(s) + ms;
	if (!s->expires_s)
		before = 0;
	else if (before > ms / 2)
		before = ms / 2;
	if (s->state == UA_SUBSCRIBE_SUBSCRIBED)
		plan(s, ms - before);
}

/* A renewal that failed, but what was granted before still holds (4.1.2.2). */
static void renew_later(struct ua_subscribe *s, uint32_t seconds)
{
	uint64_t left = ua_subscribe_left_ms(s);

	plan(s, seconds && 1000ull * seconds < left ? 1000ull * seconds : left);
}

/* The next try, as the other side wants it. */
struct wish {
	bool again, at_once;
	uint32_t seconds;               /* 0: it does not say */
};

/* 4.1.3 */
static struct wish wish_of(const struct ua_subscribe *s, const struct ua_event_state *st)
{
	switch (st->reason) {
	case UA_EVENT_DEACTIVATED: case UA_EVENT_TIMEOUT:
		return (struct wish){ .again = s->prm.retry.again, .at_once = true };
	case UA_EVENT_REJECTED: case UA_EVENT_NORESOURCE: case UA_EVENT_INVARIANT:
		return (struct wish){ .again = false };
	default:
		return (struct wish){ .again = s->prm.retry.again, .seconds = st->retry_after_s };
	}
}

static struct wish wish_after(const struct ua_subscribe *s, unsigned status, uint32_t retry_after_s)
{
	const struct ua_subscribe_retry *t = &s->prm.retry;

	if (retry_after_s)
		return (struct wish){ .again = t->again || t->interval_s, .seconds = retry_after_s };
	if (status == 481)
		return (struct wish){ .again = t->again, .at_once = true };
	return (struct wish){ .again = ua_retry_helps(status) || status == 401 || status == 407 };
}

/* What becomes of a wish: false: no further try. */
static bool grant_wish(struct ua_subscribe *s, const struct wish *w, bool lived, uint32_t *seconds)
{
	const struct ua_subscribe_retry *t = &s->prm.retry;

	if (lived)
		s->retries = 0;
	*seconds = w->seconds;
	if (!w->again || w->seconds)
		return w->again;
	if (s->retries >= t->most || (!w->at_once && !t->interval_s))
		return false;
	s->retries++;
	if (!w->at_once || !lived)
		*seconds = t->interval_s ? t->interval_s : 1;
	return true;
}

/* It is no more. */
static void lose(struct ua_subscribe *s, struct wish w, struct ua_subscribe_event e)
{
	bool lived = (s->state == UA_SUBSCRIBE_SUBSCRIBED || s->state == UA_SUBSCRIBE_RENEWING) &&
		     ua_subscribe_now(s) - s->born_ms >= patience(s);

	stop(s);
	drop_dialog(s);
	if (s->state == UA_SUBSCRIBE_LEAVING || (s->fetch && e.notify)) {
		ua_subscribe_change(s, UA_SUBSCRIBE_IDLE);
	} else {
		ua_subscribe_change(s, UA_SUBSCRIBE_LOST);
		e.again = !s->implied && grant_wish(s, &w, lived, &e.seconds);
		if (e.again)
			plan(s, 1000ull * e.seconds);
	}
	ua_subscribe_tell(s, e);
}

void ua_subscribe_terminated(struct ua_subscribe *s, const struct ua_event_state *st, const struct sip_msg *notify)
{
	lose(s, wish_of(s, st), (struct ua_subscribe_event){ .notify = notify, .reason = st->reason });
}

static void lose_silently(struct ua_subscribe *s)
{
	lose(s, wish_after(s, 0, 0), (struct ua_subscribe_event){ .answer = NULL });
}

static void on_time(void *arg)
{
	struct ua_subscribe *s = arg;
	uint32_t wait = s->prm.retry.interval_s ? s->prm.retry.interval_s : 60;
	int err = 0;

	switch (s->state) {
	case UA_SUBSCRIBE_SUBSCRIBED:
		if (!ua_subscribe_left_ms(s)) {
			lose_silently(s);
			return;
		}
		err = renew(s);
		if (err)
			renew_later(s, wait);
		break;
	case UA_SUBSCRIBE_LOST:
		err = ask(s);
		if (err)
			plan(s, 1000ull * wait);
		break;
	case UA_SUBSCRIBE_LEAVING:
		ua_subscribe_change(s, UA_SUBSCRIBE_IDLE);
		ua_subscribe_tell(s, (struct ua_subscribe_event){ .answer = NULL });
		return;
	default:
		break;
	}
	if (err)
		log_error("a subscription to %.*s: out of memory", STR_ARG(s->prm.target));
}

/* Timer N. A SUBSCRIBE without an answer has timer F, after which another address may have
 * its turn. */
static void on_silence(void *arg)
{
	struct ua_subscribe *s = arg;

	if (s->rq)
		timer_start(wheel_of(s), &s->silence, sip_stack_t1(s->ua->sip), on_silence, s);
	else
		lose_silently(s);
}

/* ---- answers to SUBSCRIBE ----------------------------------------------------------------- */

static void accepted(struct ua_subscribe *s, const struct sip_msg *msg)
{
	uint32_t seconds;

	drop_request(s);
	/* It may shorten what was asked for, no more (4.2.1.1). */
	if (sip_hdr_u32(msg, SIP_H_EXPIRES, &seconds) || seconds > s->expires_s)
		seconds = s->expires_s;
	switch (s->state) {
	case UA_SUBSCRIBE_ASKING:
		s->granted_s = seconds;
		ua_subscribe_tell(s, (struct ua_subscribe_event){ .answer = msg });
		break;
	case UA_SUBSCRIBE_RENEWING:
		ua_subscribe_change(s, UA_SUBSCRIBE_SUBSCRIBED);
		(void)sip_dialog_refresh(s->dlg, msg);
		if (msg->status == 204)         /* RFC 5839 7.1: no NOTIFY follows */
			timer_stop(&s->silence);
		ua_subscribe_live(s, seconds);
		ua_subscribe_tell(s, (struct ua_subscribe_event){ .answer = msg });
		break;
	case UA_SUBSCRIBE_SUBSCRIBED:           /* the NOTIFY was faster, and may have said how long */
		if (!s->granted_s)
			break;
		s->granted_s = 0;
		ua_subscribe_live(s, seconds);
		break;
	default:                                /* LEAVING: the NOTIFY ends it */
		break;
	}
}

/* `answer` NULL: nothing came back. `valid`: what was granted before still holds. */
static void refused(struct ua_subscribe *s, const struct sip_msg *answer, bool valid)
{
	uint32_t retry_after_s = answer ? ua_retry_after(answer) : 0;
	struct ua_subscribe_event e = { .answer = answer };
	struct wish w = wish_after(s, answer ? answer->status : 0, retry_after_s);

	drop_request(s);
	if (s->state == UA_SUBSCRIBE_SUBSCRIBED)
		return;                 /* a NOTIFY came: whatever another fork said, it is there */
	if (s->state != UA_SUBSCRIBE_RENEWING || !valid) {
		lose(s, w, e);
		return;
	}
	timer_stop(&s->silence);
	ua_subscribe_change(s, UA_SUBSCRIBE_SUBSCRIBED);
	renew_later(s, retry_after_s ? retry_after_s : w.again ? s->prm.retry.interval_s : 0);
	ua_subscribe_tell(s, e);
}

/* 4.1.2.1: longer, then. Only ever longer, so this ends. */
static bool ask_for_longer(struct ua_subscribe *s, const struct sip_msg *msg)
{
	uint32_t least;

	if (msg->status != 423 || (s->state != UA_SUBSCRIBE_ASKING && s->state != UA_SUBSCRIBE_RENEWING) || s->fetch ||
	    sip_hdr_u32(msg, SIP_H_MIN_EXPIRES, &least) || least <= s->expires_s)
		return false;
	s->expires_s = least;
	s->granted_s = s->granted_s ? least : 0;
	return !send_subscribe(s, sip_dialog_request(s->dlg, SIP_SUBSCRIBE), least);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct ua_subscribe *s = arg;

	(void)rq;
	if (msg->status < 200)
		return;
	if (msg->status < 300)
		accepted(s, msg);
	else if (!ask_for_longer(s, msg))
		refused(s, msg, !ua_event_status_ends(msg->status));
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct ua_subscribe *s = arg;

	(void)rq;
	log_debug(1, "SUBSCRIBE to %.*s: %s", STR_ARG(s->prm.target), strerror(err));
	/* Nobody answered for as long as timer N waits. */
	refused(s, NULL, err != ETIMEDOUT);
}

/* ---- for its user ------------------------------------------------------------------------- */

int ua_subscribe_new(struct ua_subscribe **out, struct ua *ua, const struct ua_subscribe_prm *prm)
{
	struct ua_subscribe *s = calloc(1, sizeof(*s));

	if (!s)
		return ENOMEM;
	s->ua = ua;
	s->prm = *prm;
	s->prm.hold = obj_hold(prm->hold);
	s->expires_s = prm->expires_s;
	s->dlg = obj_hold(prm->dialog);
	s->implied = prm->dialog != NULL;
	s->prm.dialog = NULL;
	*out = s;
	return 0;
}

void ua_subscribe_free(struct ua_subscribe *s)
{
	if (!s)
		return;
	stop(s);
	drop_dialog(s);
	obj_drop(s->prm.hold);
	free(s);
}

void ua_subscribe_set(struct ua_subscribe *s, const struct ua_subscribe_prm *prm)
{
	void *before = s->prm.hold;

	if (prm->expires_s && s->prm.expires_s != prm->expires_s)
		s->expires_s = prm->expires_s;
	s->prm = *prm;
	s->prm.hold = obj_hold(prm->hold);
	obj_drop(before);
}

int ua_subscribe_start(struct ua_subscribe *s)
{
	switch (s->state) {
	case UA_SUBSCRIBE_IDLE: case UA_SUBSCRIBE_LOST:
		s->retries = 0;
		return s->implied ? await(s) : ask(s);
	case UA_SUBSCRIBE_SUBSCRIBED:
		return s->expires_s ? renew(s) : EBUSY;
	case UA_SUBSCRIBE_LEAVING:
		return EBUSY;
	default:
		return 0;
	}
}

int ua_subscribe_end(struct ua_subscribe *s)
{
	int err;

	if (s->state == UA_SUBSCRIBE_LEAVING)
		return 0;
	if (s->state == UA_SUBSCRIBE_SUBSCRIBED || s->state == UA_SUBSCRIBE_RENEWING) {
		err = send_subscribe(s, sip_dialog_request(s->dlg, SIP_SUBSCRIBE), 0);
		if (err)
			return err;
	} else {
		stop(s);
		drop_dialog(s);
		plan(s, 0);
	}
	ua_subscribe_change(s, UA_SUBSCRIBE_LEAVING);
	return 0;
}

enum ua_subscribe_state ua_subscribe_state(const struct ua_subscribe *s)
{
	return s->state;
}

uint64_t ua_subscribe_left_ms(const struct ua_subscribe *s)
{
	uint64_t now = ua_subscribe_now(s);

	if (s->state != UA_SUBSCRIBE_SUBSCRIBED && s->state != UA_SUBSCRIBE_RENEWING)
		return 0;
	return s->ends_ms > now ? s->ends_ms - now : 0;
}

uint64_t ua_subscribe_next_ms(const struct ua_subscribe *s)
{
	return timer_running(&s->next) ? timer_left_ms(wheel_of(s), &s->next) : 0;
}

struct sip_dialog *ua_subscribe_dialog(const struct ua_subscribe *s)
{
	return s->dlg;
}
