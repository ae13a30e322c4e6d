/* service/call/session.c -- birth and end of a session. What comes in between is in
 * session_user.c, and the protocol in ua/invite.h. */
#define LOG_MODULE "session"
#include "service/place/stats.h"
#include "service/call/session.h"
#include "service/call/channel_tech.h"
#include "service/call/session_t38.h"
#include <errno.h>
#include <stdlib.h>

static void targets_free(struct session *s)
{
	if (!s->targets.next)
		return;
	list_each_safe(p, next, &s->targets) {
		struct session_target *t = container_of(p, struct session_target, link);

		list_remove(p);
		text_free(&t->uri);
		free(t);
	}
}

static void session_free(void *arg)
{
	struct session *s = arg;

	session_t38_free(s);
	obj_drop(s->iv);
	obj_drop(s->seen.invite);
	obj_drop(s->seen.response);
	obj_drop(s->seen.sent_on);
	obj_drop(s->callee.contact);
	obj_drop(s->neg);
	obj_drop(s->caller);
	obj_drop(s->dtls.identity);
	obj_drop(s->qos[0]);
	obj_drop(s->qos[1]);
	text_free(&s->stir.reason);
	text_free(&s->aoc.rates);
	text_free(&s->aoc.total);
	text_free(&s->aoc.end);
	text_free(&s->geoloc.uri);
	text_free(&s->geoloc.body);
	text_free(&s->geoloc.source);
	text_free(&s->geoloc.part_headers);
	share_close(&s->account);
	obj_drop(s->conf);
	party_free(&s->id);
	party_free(&s->told);
	text_free(&s->callee.uri);
	text_free(&s->params.from);
	text_free(&s->params.from_uri);
	targets_free(s);
	session_headers_free(&s->headers);
	session_headers_free(&s->sent_headers);
}

/* What is off is not named. */
static struct str write_supported(struct session *s)
{
	struct buf b;

	buf_init(&b, s->supported, sizeof(s->supported), sizeof(s->supported));
	if (s->ep->timers != TIMERS_NO)
		buf_put(&b, STR("timer, "));
	buf_put(&b, STR("replaces"));
	if (s->conf->global->norefersub)
		buf_put(&b, STR(", norefersub"));
	if (s->ep->ice_support)
		buf_put(&b, STR(", trickle-ice"));
	return buf_view(&b);
}

static int make_invite(struct session *s)
{
	static const enum ua_rel100 rel100[] = { [REL100_NO] = UA_REL100_NO, [REL100_YES] = UA_REL100_SUPPORTED,
		[REL100_REQUIRED] = UA_REL100_REQUIRED, [REL100_PEER_SUPPORTED] = UA_REL100_PEER_SUPPORTED };
	static const enum ua_timers timers[] = { [TIMERS_NO] = UA_TIMERS_NO, [TIMERS_YES] = UA_TIMERS_YES,
		[TIMERS_REQUIRED] = UA_TIMERS_REQUIRED, [TIMERS_ALWAYS] = UA_TIMERS_ALWAYS };
	const struct global_conf *g = s->conf->global;
	const struct system_conf *sys = s->conf->system;
	const struct endpoint *ep = s->ep;
	struct ua_invite_prm prm = { .request = service_request_prm(s->conf, ep), .allow = service_allow(ep->rel100 != REL100_NO),
		.supported = write_supported(s), .supported_more = STR("histinfo"), .as_pjproject = true,
		.allow_events = STR("message-summary, presence, dialog, refer"), .server = g->user_agent,
		.user_agent = g->user_agent, .max_forwards = (int)g->max_forwards, .no_rport = sys->disable_rport, .rel100 = rel100[ep->rel100],
		.timers = timers[ep->timers], .timers_expires_s = ep->timers_sess_expires,
		.timers_min_s = ep->timers_min_se, .force_rport = ep->force_rport,
		.follow_forks = ep->follow_early_media_fork && sys->follow_early_media_fork,
		.follow_answers = ep->accept_multiple_sdp_answers && sys->accept_multiple_sdp_answers,
		.user = &session_user, .arg = s, .hold = s };

	return ua_invite_new(&s->iv, &s->svc->ua, &prm);
}

int session_new(struct service *svc, struct snapshot *conf, const struct endpoint *ep, struct session **out)
{
	struct session *s = obj_new(sizeof(*s), session_free);

	if (!s)
		return ENOMEM;
	s->svc = svc;
	s->conf = obj_hold(conf);
	s->ep = ep;
	s->dtmf_mode = ep->dtmf_mode;
	list_init(&s->headers);
	list_init(&s->sent_headers);
	s->moh_passthrough = ep->moh_passthrough;
	list_init(&s->by_endpoint);
	if (make_invite(s)) {
		obj_drop(s);
		return ENOMEM;
	}
	s->state_of = endpoint_state_get(svc, ep->name, true);
	list_append(&svc->calls.all, &s->link);
	if (s->state_of) {
		list_append(&s->state_of->sessions, &s->by_endpoint);
		s->state_of->channels++;
		endpoint_stats_channels(svc, s->state_of);
	}
	*out = s;
	return 0;
}

bool session_is_up(const struct session *s)
{
	return ua_invite_state(s->iv) == UA_INVITE_UP;
}

bool session_is_ringing(const struct session *s)
{
	return ua_invite_state(s->iv) == UA_INVITE_RINGING;
}

struct sip_dialog *session_dialog(const struct session *s)
{
	return ua_invite_dialog(s->iv);
}

int session_refuse(struct session *s, unsigned status, struct str headers)
{
	return ua_invite_refuse(s->iv, status, headers);
}

void session_channel_state(struct session *s, enum channel_state st)
{
	bool ringing = st == CHAN_RINGING || (st == CHAN_RING && !s->incoming);
	bool up = st == CHAN_UP || (st == CHAN_RING && s->incoming);
	struct endpoint_state *e = s->state_of;

	if (st == CHAN_UP)
		session_tones_up(s);
	if (!e)
		return;
	e->ringing += (unsigned)ringing - (unsigned)s->counted.ringing;
	e->inuse += (unsigned)up - (unsigned)s->counted.up;
	s->counted.ringing = ringing;
	s->counted.up = up;
	endpoint_changed(s->svc, s->ep->name);
}

void session_hold_count(struct session *s, bool hold)
{
	if (s->counted.hold == hold)
		return;
	s->counted.hold = hold;
	if (s->state_of) {
		s->state_of->onhold += hold ? 1u : -1u;
		endpoint_changed(s->svc, s->ep->name);
	}
}

/* ---- the end -------------------------------------------------------------------- */

static void unlink_session(struct session *s)
{
	struct endpoint_state *e = s->state_of;

	list_remove(&s->link);
	s->svc->calls.n -= s->counted.call;
	s->counted.call = false;
	share_give(&s->account, SHARE_CALL);
	if (e) {
		list_remove(&s->by_endpoint);
		e->channels--;
		endpoint_stats_channels(s->svc, e);
		e->ringing -= s->counted.ringing;
		e->inuse -= s->counted.up;
		e->onhold -= s->counted.hold;
		s->counted.ringing = s->counted.up = s->counted.hold = false;
		s->state_of = NULL;
		endpoint_changed(s->svc, s->ep->name);
	}
}

static void end_invite(struct session *s, int cause)
{
	char room[1024], rroom[SESSION_REASON_MAX];
	struct buf h;

	buf_init(&h, room, sizeof(room), 0);
	if (s->end_reason)
		buf_puts(&h, STR("Reason: "), str_z(s->end_reason), STR("\r\n"));
	else
		buf_put(&h, session_reason_header(s->ep, cause, rroom, sizeof(rroom)));
	ua_invite_refuse(s->iv, session_status_of(cause ? cause : s->hangup_cause), buf_view(&h));
	ua_invite_end(s->iv, buf_view(&h));
	buf_free(&h);
}

static void tell_end(struct session *s, const char *state)
{
	struct event *e = event_test(s->svc->pbx->events, state, "session.c", "session_end");

	if (!e)
		return;
	event_put(e, "Endpoint", s->ep->name);
	event_put(e, "AOR", s->callee.contact && s->callee.contact->loc ? text_view(&s->callee.contact->loc->aor) : STR("<none>"));
	event_put(e, "Contact", s->callee.contact ? s->callee.contact->uri : STR("<none>"));
	event_send(s->svc->pbx->events, e);
}

void session_end(struct session *s, int cause)
{
	tell_end(s, "SESSION_DESTROYING");
	s->ch = NULL;
	timer_stop(&s->dtls.end);
	timer_stop(&s->fax.timer);
	session_t38_end(s);
	session_ice_forget(s);
	session_stir_forget(s);
	s->caller = obj_drop(s->caller);
	unlink_session(s);
	end_invite(s, cause);
	session_media_close(s);
	tell_end(s, "SESSION_DESTROYED");
}

void session_peer_ended(struct session *s, int cause, unsigned status)
{
	s->hangup_cause = cause;
	if (!s->ch)
		return;
	session_quality_ended(s, session_audio(s));
	s->ch->tech_cause = (int)status;
	channel_event_hangup(s->ch, cause);
}
