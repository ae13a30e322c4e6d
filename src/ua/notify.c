/* The notifier's side of a subscription: when a NOTIFY goes out, what an answer to it means,
 * and the SUBSCRIBEs that renew and end it. What is watched is the user's; how one is made and freed
 * is notify_make.c's. */
#define LOG_MODULE "subscribe"
#include "ua/notify_private.h"
#include "base/log.h"
#include "base/obj.h"
#include "ua/retry.h"
#include <errno.h>
#include <stdlib.h>

#define RETRY_MAX_S 3600        /* what a Retry-After can hold back */
#define MEMORY_MS 1000          /* until what found no memory is tried again */
#define STARVED_MAX 5           /* times in a row; then it ends, and its subscriber is to come again */
#define STARVED_RETRY_S 60      /* not before */

#define TO(state) (1u << UA_NOTIFY_##state)
static const unsigned char allowed[] = {
	[UA_NOTIFY_NEW] = TO(TELLING) | TO(LAST),
	[UA_NOTIFY_TELLING] = TO(BEHIND) | TO(TOLD) | TO(CLOSING) | TO(OVER),
	[UA_NOTIFY_BEHIND] = TO(TELLING) | TO(GATHERING) | TO(CLOSING) | TO(OVER),
	[UA_NOTIFY_TOLD] = TO(TELLING) | TO(GATHERING) | TO(LAST),
	[UA_NOTIFY_GATHERING] = TO(TELLING) | TO(LAST),
	[UA_NOTIFY_CLOSING] = TO(LAST) | TO(OVER),
	[UA_NOTIFY_LAST] = TO(OVER),
	[UA_NOTIFY_OVER] = 0,
};

static void change(struct ua_notify *n, enum ua_notify_state to)
{
#ifdef SIDETONE_SANITIZE
	if (!(allowed[n->state] & 1u << to)) {
		log_error("notifier: no way from state %d to %d", (int)n->state, (int)to);
		abort();
	}
#endif
	(void)allowed;
	n->state = to;
}

static struct wheel *wheel_of(const struct ua_notify *n)
{
	return sip_stack_wheel(n->ua->sip);
}

/* The last thing in a turn. */
static void tell_user(struct ua_notify *n, struct ua_notify_event e)
{
	e.state = n->state;
	n->prm.changed(n->prm.arg, n, &e);
}

/* ---- how long ------------------------------------------------------------------------- */

unsigned ua_notify_expires(const struct ua_notify_terms *t, const struct sip_msg *subscribe, uint32_t *seconds)
{
	uint32_t max = t->max_s ? t->max_s : INT32_MAX;
	int err = sip_hdr_u32(subscribe, SIP_H_EXPIRES, seconds);

	if (err == ENOENT)
		*seconds = t->default_s;
	else if (err == ERANGE)
		*seconds = UINT32_MAX;
	else if (err)
		return 400;
	if (*seconds && *seconds < t->min_s)
		return 423;
	if (*seconds > max)
		*seconds = max;
	return 0;
}

static void set_end(struct ua_notify *n, uint32_t seconds)
{
	n->granted_s = seconds;
	timer_start(wheel_of(n), &n->expire, 1000ull * seconds, ua_notify_on_expired, n);
}

/* ---- a NOTIFY ------------------------------------------------------------------------- */

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg);
static void on_failed(void *arg, struct ua_request *rq, int err);

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	(void)rq;
	(void)path;
	ua_event_cseq(((struct ua_notify *)arg)->dlg, out);
	return 0;
}

static void put_state(struct ua_notify *n, struct sip_out *o)
{
	struct ua_event_state s = { .sub = n->pending ? UA_EVENT_PENDING : UA_EVENT_ACTIVE, .has_expires = true };
	char room[128];
	struct buf b;

	if (n->state == UA_NOTIFY_LAST)
		s = (struct ua_event_state){ .sub = UA_EVENT_TERMINATED, .reason = n->reason,
			.retry_after_s = n->retry_after_s };
	else
		s.expires_s = (uint32_t)((ua_notify_left_ms(n) + 500) / 1000);
	buf_init(&b, room, sizeof(room), sizeof(room));
	ua_event_state_write(&s, &b);
	sip_out_header(o, STR("Subscription-State"), buf_view(&b));
}

/* `alone`: nobody waits for the answer. */
static int send_out(struct ua_notify *n, struct sip_out *o, bool alone)
{
	const struct ua_notify_prm *p = &n->prm;
	struct ua_request_prm prm = { .out = o, .transport = p->transport, .credentials = p->credentials,
		.credentials_arg = p->credentials_arg, .hold = p->hold, .context = p->context };

	o->max_forwards = p->max_forwards;
	o->no_rport = p->no_rport;
	ua_event_way(&prm, n->dlg);
	if (alone)
		return ua_request_send(n->ua, &prm, NULL);
	prm.arg = n;
	prm.response = on_response;
	prm.failed = on_failed;
	prm.prepare = prepare;
	return ua_request_send(n->ua, &prm, &n->rq);
}

/* ENODATA: there was nothing to tell. */
static int send_notify(struct ua_notify *n, bool alone)
{
	struct sip_out *o = sip_dialog_request(n->dlg, SIP_NOTIFY);
	bool must = n->full || n->state == UA_NOTIFY_LAST, unsaid, starved;
	int err;

	if (!o) {
		n->starved++;
		return ENOMEM;
	}
	sip_out_header(o, STR("Event"), text_view(&n->event));
	put_state(n, o);
	err = n->prm.say(n->prm.arg, n, must, o);
	unsaid = err && err != ENODATA;
	starved = err == ENOMEM;
	if (unsaid)
		log_debug(1, "the body of a NOTIFY of %s: %s", text_z(&n->event), strerror(err));
	if (!err || must)
		err = send_out(n, o, alone);
	n->starved = starved || err == ENOMEM ? n->starved + 1 : 0;
	/* What could not be told must be in the next one. */
	n->full = unsaid || (err && err != ENODATA);
	obj_drop(o);
	return err;
}

static void on_gathered(void *arg);

static void gather(struct ua_notify *n, uint32_t ms)
{
	timer_start(wheel_of(n), &n->gather, ms, on_gathered, n);
}

/* TOLD, but it was not, or not what there is. */
static void wait_for_memory(struct ua_notify *n)
{
	if (UA_SMALL || !n->starved)
		return;
	change(n, UA_NOTIFY_GATHERING);
	gather(n, MEMORY_MS);
}

/* Nothing is on its way. */
static void tell(struct ua_notify *n)
{
	int err;

	timer_stop(&n->gather);
	change(n, UA_NOTIFY_TELLING);
	err = send_notify(n, false);
	if (!err)
		return;
	change(n, UA_NOTIFY_TOLD);
	wait_for_memory(n);
}

/* [ms] until the subscriber wants to hear again. */
static uint32_t held_back(const struct ua_notify *n)
{
	uint64_t now = clock_ms(wheel_clock(wheel_of(n)));

	return n->not_before_ms > now ? (uint32_t)(n->not_before_ms - now) : 0;
}

/* It still has the subscription, and does not know what it was told: the next NOTIFY says all, when its time has come. */
static bool waits_for_it(struct ua_notify *n, const struct sip_msg *msg)
{
	uint32_t s = ua_retry_after(msg), ms;

	n->full = true;
	n->not_before_ms = clock_ms(wheel_clock(wheel_of(n))) + 1000ull * (s < RETRY_MAX_S ? s : RETRY_MAX_S);
	ms = held_back(n);
	if (!ms)
		return false;
	if (n->state == UA_NOTIFY_TELLING)
		change(n, UA_NOTIFY_TOLD);
	change(n, UA_NOTIFY_GATHERING);
	gather(n, ms);
	return true;
}

/* ---- the end ---------------------------------------------------------------------------- */

static void over(struct ua_notify *n, unsigned status)
{
	bool gone = !ua_notify_has_ended(n);

	timer_stop(&n->gather);
	timer_stop(&n->expire);
	ua_notify_drop_request(n);
	ua_notify_leave_dialog(n);
	change(n, UA_NOTIFY_OVER);
	tell_user(n, (struct ua_notify_event){ .gone = gone, .status = status });
}

static void on_never_sent(void *arg)
{
	over(arg, 0);
}

/* The user has not heard of it yet, unless it was the user's wish: OVER comes later. */
static void send_last(struct ua_notify *n)
{
	change(n, UA_NOTIFY_LAST);
	if (send_notify(n, false))
		timer_start(wheel_of(n), &n->expire, 0, on_never_sent, n);
}

static void finish(struct ua_notify *n, enum ua_event_reason reason, uint32_t retry_after_s)
{
	timer_stop(&n->gather);
	timer_stop(&n->expire);
	n->reason = reason;
	n->retry_after_s = retry_after_s;
	ua_notify_leave_dialog(n);
	if (n->rq)
		change(n, UA_NOTIFY_CLOSING);
	else
		send_last(n);
}

void ua_notify_on_expired(void *arg)
{
	struct ua_notify *n = arg;

	finish(n, UA_EVENT_TIMEOUT, 0);
	tell_user(n, (struct ua_notify_event){ .expired = true });
}

static void on_gathered(void *arg)
{
	struct ua_notify *n = arg;

	if (n->state != UA_NOTIFY_GATHERING)
		return;
	if (UA_SMALL || n->starved <= STARVED_MAX) {
		tell(n);
		return;
	}
	log_warning("a subscription to %s has ended: there is no memory for its NOTIFYs", text_z(&n->event));
	finish(n, UA_EVENT_PROBATION, STARVED_RETRY_S);
	tell_user(n, (struct ua_notify_event){ .expired = false });
}

/* ---- what came back ------------------------------------------------------------------- */

/* 4.2.2: who does not say when to try again is not there, or does not want to be. */
static bool ends_for_good(const struct sip_msg *msg)
{
	return !UA_SMALL && msg->status >= 300 && !sip_hdr(msg, SIP_H_RETRY_AFTER);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct ua_notify *n = arg;

	(void)rq;
	if (msg->status < 200)
		return;
	if (n->state == UA_NOTIFY_LAST || ua_event_status_ends(msg->status) || ends_for_good(msg)) {
		over(n, msg->status);
		return;
	}
	ua_notify_drop_request(n);
	if (!UA_SMALL && msg->status >= 300 && n->state != UA_NOTIFY_CLOSING && waits_for_it(n, msg))
		return;
	if (n->state == UA_NOTIFY_CLOSING) {
		send_last(n);
	} else if (n->state == UA_NOTIFY_TELLING) {
		change(n, UA_NOTIFY_TOLD);
		wait_for_memory(n);
	} else if (!n->full && timer_running(&n->gather)) {
		change(n, UA_NOTIFY_GATHERING);
	} else {
		tell(n);
	}
}

/* 4.2.2: nobody is there any more. */
static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct ua_notify *n = arg;

	(void)rq;
	log_debug(1, "NOTIFY of %s: %s", text_z(&n->event), strerror(err));
	over(n, 0);
}

/* ---- SUBSCRIBE in the dialog ------------------------------------------------------------- */

static void reply(struct ua_notify *n, struct sip_server_tx *tx, unsigned status, struct str more)
{
	char room[1024];
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	buf_put(&b, more);
	if (n->prm.answer)
		n->prm.answer(n->prm.arg, n, status, &b);
	if (!buf_err(&b))
		sip_server_tx_respond(tx, status, STR_NULL, buf_view(&b), STR_NULL, STR_NULL);
	buf_free(&b);
}

static void refuse(struct ua_notify *n, struct sip_server_tx *tx, unsigned status)
{
	char room[64];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (status == 423)
		buf_printf(&b, "Min-Expires: %u\r\n", n->prm.terms.min_s);
	reply(n, tx, status, buf_view(&b));
}

static void grant(struct ua_notify *n, struct sip_server_tx *tx, uint32_t seconds)
{
	char room[512];
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	buf_put(&b, STR("Expires: "));
	buf_u64(&b, seconds);
	buf_puts(&b, STR("\r\nContact: "), n->dlg->contact, STR("\r\n"));
	reply(n, tx, 200, buf_view(&b));
	buf_free(&b);
}

/* A NOTIFY follows each SUBSCRIBE (4.2.1.2), and has the whole state. */
static void tell_all(struct ua_notify *n)
{
	n->full = true;
	if (n->state == UA_NOTIFY_TELLING)
		change(n, UA_NOTIFY_BEHIND);
	else if (n->state != UA_NOTIFY_BEHIND)
		tell(n);
}

static void go_on(struct ua_notify *n, struct sip_server_tx *tx, uint32_t seconds)
{
	grant(n, tx, seconds);
	if (seconds) {
		set_end(n, seconds);
		tell_all(n);
	} else {
		finish(n, UA_EVENT_TIMEOUT, 0);
	}
	tell_user(n, (struct ua_notify_event){ .expired = false });
}

void ua_notify_granted(struct ua_notify *n, struct sip_server_tx *tx, uint32_t seconds)
{
	if (ua_notify_has_ended(n))
		reply(n, tx, 481, STR_NULL);
	else
		go_on(n, tx, seconds);
}

static void renew(struct ua_notify *n, struct sip_server_tx *tx, const struct sip_msg *msg)
{
	struct ua_notify_terms terms = n->prm.terms;
	uint32_t seconds;
	int err = EALREADY;
	unsigned status = ua_event_differs(text_view(&n->event), msg);

	if (!UA_SMALL && terms.lenient) {
		terms.min_s = 0;
		terms.default_s = n->granted_s ? n->granted_s : terms.default_s;
	}
	if (!status)
		status = ua_notify_expires(&terms, msg, &seconds);
	if (!status && n->prm.renew)
		status = n->prm.renew(n->prm.arg, n, msg, seconds);
	if (status) {
		refuse(n, tx, status);
		return;
	}
	(void)sip_dialog_refresh(n->dlg, msg);
	if (n->prm.target)
		(void)n->prm.target(n->prm.arg, n->dlg, msg);
	if (!UA_SMALL && seconds && n->prm.keep)
		err = n->prm.keep(n->prm.arg, n, tx, seconds);
	if (err == EALREADY)
		go_on(n, tx, seconds);
	else if (err)
		refuse(n, tx, 503);
}

void ua_notify_on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct ua_notify *n = arg;

	(void)d;
	if (msg->method == SIP_SUBSCRIBE)
		renew(n, tx, msg);
	else if (n->prm.request)
		n->prm.request(n->prm.arg, n, tx, msg);
	else
		reply(n, tx, 405, STR("Allow: SUBSCRIBE\r\n"));
}

bool ua_notify_request(struct ua_notify *n, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (msg->method != SIP_SUBSCRIBE || ua_event_differs(text_view(&n->event), msg) || ua_notify_has_ended(n))
		return false;
	renew(n, tx, msg);
	return true;
}

/* ---- for its user -------------------------------------------------------------------------- */

bool ua_notify_tell(struct ua_notify *n)
{
	bool owed = n->full && n->state == UA_NOTIFY_TOLD;

	if (owed)
		tell(n);
	return owed;
}

void ua_notify_start(struct ua_notify *n, struct sip_server_tx *tx)
{
	if (tx)
		grant(n, tx, n->prm.expires_s);
	if (!n->prm.expires_s) {
		finish(n, UA_EVENT_TIMEOUT, 0);
		return;
	}
	set_end(n, n->prm.expires_s);
	n->full = true;
	tell(n);
}

void ua_notify_changed(struct ua_notify *n, uint32_t ms)
{
	if (!UA_SMALL && ms < held_back(n))
		ms = held_back(n);
	switch (n->state) {
	case UA_NOTIFY_TOLD:
		if (ms) {
			change(n, UA_NOTIFY_GATHERING);
			gather(n, ms);
		} else {
			tell(n);
		}
		break;
	case UA_NOTIFY_TELLING:
		change(n, UA_NOTIFY_BEHIND);
		if (ms)
			gather(n, ms);
		break;
	case UA_NOTIFY_GATHERING:
		if (!ms)
			tell(n);
		break;
	case UA_NOTIFY_BEHIND:
		if (!ms)
			timer_stop(&n->gather);
		break;
	default:
		break;
	}
}

void ua_notify_activate(struct ua_notify *n)
{
	if (!n->pending)
		return;
	n->pending = false;
	if (n->state != UA_NOTIFY_NEW && !ua_notify_has_ended(n))
		tell_all(n);
}

void ua_notify_end(struct ua_notify *n, enum ua_event_reason reason, uint32_t retry_after_s)
{
	if (n->state != UA_NOTIFY_NEW && !ua_notify_has_ended(n))
		finish(n, reason, retry_after_s);
}

void ua_notify_abandon(struct ua_notify *n, enum ua_event_reason reason)
{
	if (n->state != UA_NOTIFY_NEW && n->state < UA_NOTIFY_LAST) {
		ua_notify_drop_request(n);
		n->state = UA_NOTIFY_LAST;      /* from any other, which the table does not allow */
		n->reason = reason;
		(void)send_notify(n, true);
	}
	ua_notify_free(n);
}

enum ua_notify_state ua_notify_state(const struct ua_notify *n)
{
	return n->state;
}

bool ua_notify_has_ended(const struct ua_notify *n)
{
	return n->state >= UA_NOTIFY_CLOSING;
}

uint64_t ua_notify_left_ms(const struct ua_notify *n)
{
	return timer_running(&n->expire) ? timer_left_ms(wheel_of(n), &n->expire) : 0;
}

struct sip_dialog *ua_notify_dialog(const struct ua_notify *n)
{
	return n->dlg;
}

struct str ua_notify_event(const struct ua_notify *n)
{
	return text_view(&n->event);
}
