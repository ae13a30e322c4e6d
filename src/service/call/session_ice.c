/* service/call/session_ice.c -- ICE in the offers and answers of a session (RFC 8839), and what the peer's
 * say to the agents of its streams. The agents are media's. */
#define LOG_MODULE "ice"
#include "service/common/ice.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/agreed.h"
#include "sdp/candidate.h"
#include "service/call/session.h"
#include <errno.h>

/* [ms] A call waits for STUN and TURN: two requests of RFC 8489, at 0 and 0.5 s, TCP after that, and their answers. */
enum { WAIT_MS = 2000 };

static bool wants(const struct session *s)
{
	return s->ep->ice_support && service_ice_on(s->svc);
}

/* Of an m= line whose media has a wire of its own. */
static struct media_session *wire_of(const struct neg_stream *st)
{
	if (!st->port || st->bundled_in >= 0 || st->type == MEDIA_IMAGE)
		return NULL;
	return session_stream_media(st);
}

/* ---- ours */

static int start(struct session *s, const struct neg_stream *st, struct media_session *m, enum ice_role role)
{
	struct media_ice_host host[SERVICE_ICE_HOSTS];
	struct media_ice_prm prm = { .role = role,
				     .components = role == ICE_CONTROLLED && agreed_one_component(st) ? 1 : ICE_COMPONENTS };
	int err;

	service_ice_fill(s->svc, &st->local, host, &prm);
	err = media_ice_start(m, &prm);
	if (err)
		log_notice("no ICE for '%.*s': %s", STR_ARG(s->ep->name),
			   err == EINVAL ? "none of our addresses may be a candidate" : strerror(err));
	return err;
}

static int put_lines(struct session *s, size_t i, const struct media_session *m, bool mux)
{
	return agreed_ice_write(s->neg, i, m, mux, "trickle", &((struct session_port *)neg_stream(s->neg, i)->port)->ice_told);
}

/* All candidates that are known are in it; the first offer waits for all (half trickle, RFC 8838 section 16).
 * What is found later is told to who takes it; to others, checks from there find their way. */
int session_ice_offer(struct session *s)
{
	int err = 0;

	for (size_t i = 0; !err && wants(s) && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);
		struct media_session *m = wire_of(st);

		neg_attrs_clear(s->neg, i);
		/* Who has answered without ICE once is not asked again: media would wait for the answer. */
		if (!m || !neg_needs_port(s->neg, i) || (!media_ice_is_on(m) && (st->media || start(s, st, m, ICE_CONTROLLING))))
			continue;
		err = put_lines(s, i, m, false);
	}
	return err;
}

/* An offer has come: what servers say of us may be there before the answer is. */
void session_ice_begin(struct session *s)
{
	for (size_t i = 0; wants(s) && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);
		struct media_session *m = wire_of(st);
		struct ice_desc d;

		if (m && !media_ice_is_on(m) && agreed_ice_offered(s->neg, st, &d))
			start(s, st, m, ICE_CONTROLLED);
	}
}

/* Something on the way may have put another address into c=. RFC 8839 section 4.2.5 would have no ICE then; the server
 * does it nevertheless, as Asterisk does: what the checks find is a way, whoever wrote c=. */
static int answer_stream(struct session *s, size_t i)
{
	struct neg_stream *st = neg_stream(s->neg, i);
	struct media_session *m = wire_of(st);
	struct ice_desc d;

	if (!m || !agreed_ice_offered(s->neg, st, &d))
		return 0;
	if (!media_ice_is_on(m) && start(s, st, m, ICE_CONTROLLED))
		return 0;
	if (media_ice_is_other(m, d.ufrag, d.pwd))
		media_ice_restart(m, ICE_CONTROLLED);
	return put_lines(s, i, m, st->rtcp_mux);
}

int session_ice_answer(struct session *s)
{
	int err = 0;

	for (size_t i = 0; !err && wants(s) && i < neg_count(s->neg); i++) {
		neg_attrs_clear(s->neg, i);
		err = answer_stream(s, i);
	}
	return err;
}

/* ---- time for servers to answer */

static bool peer_trickles(const struct session *s)
{
	const struct sip_msg *msg = s->incoming ? s->seen.invite : s->seen.response;
	struct sip_each e = { 0 };
	struct str v;

	while (msg && sip_each(msg, SIP_H_SUPPORTED, &e, &v))
		if (str_ieq(v, STR("trickle-ice")))
			return true;
	return false;
}

static bool is_gathering(const struct session *s)
{
	for (size_t i = 0; s->neg && i < neg_count(s->neg); i++) {
		struct media_session *m = wire_of(neg_stream(s->neg, i));

		if (m && media_ice_is_on(m) && !media_ice_gathered(m))
			return true;
	}
	return false;
}

void session_ice_forget(struct session *s)
{
	s->ice.go_on = NULL;
	timer_stop(&s->ice.timer);
}

static void waited_enough(void *arg)
{
	struct session *s = arg;
	void (*go_on)(struct session *) = s->ice.go_on;

	session_ice_forget(s);
	if (go_on)
		go_on(s);
}

bool session_ice_must_wait(struct session *s, void (*go_on)(struct session *s))
{
	if (!wants(s) || (s->incoming && peer_trickles(s)) || !is_gathering(s))
		return false;
	s->ice.go_on = go_on;
	timer_start(s->svc->wheel, &s->ice.timer, WAIT_MS, waited_enough, s);
	return true;
}

/* ---- theirs */

static const char *fault_text(int err)
{
	return err == ERANGE ? "ice-ufrag must have 4 to 256 characters, ice-pwd 22 to 256" :
	       "ice-ufrag and ice-pwd come together, of letters, digits, + and /";
}

bool session_ice_is_good(struct session *s, const struct sdp *sdp)
{
	for (size_t i = 0; wants(s) && i < sdp->nmedia; i++) {
		struct ice_desc d;
		int err = sdp->media[i].port ? ice_desc_read(&d, sdp, &sdp->media[i]) : ENOENT;

		if (!err || err == ENOENT)
			continue;
		log_notice("SDP of '%.*s' refused: %s", STR_ARG(s->ep->name), fault_text(err));
		reason_add(s->svc->reasons, REASON_CODEC, REASON_REFUSED, 488, s->ep->name, &ua_invite_dialog(s->iv)->path.peer, "%s",
			   fault_text(err));
		return false;
	}
	return true;
}

static void tell_checks(struct session *s, bool ok)
{
	struct event *e = event_test(s->svc->pbx->events, "ICECHECKLISTCREATE", "session_ice.c", "take_stream");

	event_put(e, "Result", ok ? STR("SUCCESS") : STR("FAILURE"));
	event_send(s->svc->pbx->events, e);
}

static void take_stream(struct session *s, struct neg_stream *st, struct media_session *m)
{
	bool fresh;
	int err = agreed_ice_take(s->neg, st, m, &fresh);

	if (fresh)
		tell_checks(s, !err);
	if (err)
		log_notice("ICE of '%.*s' stays as it was: %s", STR_ARG(s->ep->name), strerror(err));
}

void session_ice_apply(struct session *s)
{
	for (size_t i = 0; i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);
		struct media_session *m = wire_of(st);

		if (!m || !st->active || !media_ice_is_on(m))
			continue;
		/* A reload may have ended it between the offer and its answer, which then had none. */
		if (wants(s))
			take_stream(s, st, m);
		else
			media_ice_stop(m);
	}
}

void session_ice_undo(struct session *s)
{
	for (size_t i = 0; i < neg_count(s->neg); i++) {
		struct media_session *m = wire_of(neg_stream(s->neg, i));

		if (m && media_ice_is_on(m))
			media_ice_undo(m);
	}
}

/* ---- trickled (RFC 8840) */

void session_ice_headers(const struct session *s, struct buf *h)
{
	if (wants(s))
		buf_put(h, STR("Recv-Info: trickle-ice\r\n"));
}

static void send_fragment(struct session *s, const struct neg_stream *st, const struct media_session *m, const struct candidate *c,
			  size_t n, bool end)
{
	const struct ice_own *own = media_ice_own(m);
	struct buf b = BUF_INIT, line = BUF_INIT;
	struct sip_out *o = sip_dialog_request(ua_invite_dialog(s->iv), SIP_INFO);

	/* The tagged stream's lines are all the group's (RFC 8840 section 4.4.4). */
	neg_write_group(&b, s->neg, true);
	sdpfrag_write_head(&b, str_z(own->ufrag), str_z(own->pwd));
	buf_puts(&line, st->media->type_text, STR(" 9 "), st->media->proto_text, STR(" 0"));
	sdpfrag_write_media(&b, buf_view(&line), st->media->mid, c, n, end);
	if (o && !buf_err(&b) && !buf_err(&line)) {
		sip_out_header(o, STR("Info-Package"), STR("trickle-ice"));
		sip_out_header(o, STR("Content-Disposition"), STR("Info-Package"));
		sip_out_body(o, STR("application/trickle-ice-sdpfrag"), buf_view(&b));
		if (ua_invite_send(s->iv, o, NULL))
			log_notice("candidates for '%.*s' could not be sent", STR_ARG(s->ep->name));
	}
	buf_free(&b);
	buf_free(&line);
	obj_drop(o);
}

/* What the peer does not know yet, as long as it may still need it; with what it has been told before, as two
 * INFO may pass each other. */
static void tell_candidates(struct session *s, struct neg_stream *st)
{
	struct media_session *m = wire_of(st);
	struct candidate c[ICE_MAX_CANDIDATES];
	struct session_port *p = st->port;
	size_t n = 0, news = 0;

	if (!m || !st->active || !st->media || !st->media->mid.n || media_ice_state(m) != ICE_CHECKING)
		return;
	for (size_t i = 0; i < media_ice_locals(m); i++)
		if (media_ice_local(m, i)->component == 1 || !st->rtcp_mux) {
			ice_candidate_describe(media_ice_local(m, i), &c[n++]);
			news += i >= p->ice_told;
		}
	if (p->ice_told > media_ice_locals(m) || (!news && !media_ice_gathered(m)))
		return;
	p->ice_told = (uint8_t)(media_ice_locals(m) + media_ice_gathered(m));
	send_fragment(s, st, m, c, n, media_ice_gathered(m));
}

static void tell_all(struct session *s)
{
	if (!s->neg || ua_invite_state(s->iv) != UA_INVITE_UP || !peer_trickles(s))
		return;
	for (size_t i = 0; i < neg_count(s->neg); i++)
		tell_candidates(s, neg_stream(s->neg, i));
}

/* By its name, or when it has none by its place. Whichever stream of a group is named, the
 * candidates are its transport's. */
static struct neg_stream *stream_of(struct session *s, const struct sdpfrag_media *f, size_t place)
{
	struct neg_stream *found = NULL;

	for (size_t i = 0; i < neg_count(s->neg) && !found; i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (st->active && st->media && (f->mid.n ? str_eq(st->media->mid, f->mid) : i == place))
			found = st;
	}
	return found && found->bundled_in >= 0 ? neg_stream(s->neg, (size_t)found->bundled_in) : found;
}

static void take_fragment(struct session *s, const struct sdpfrag_media *f, size_t place)
{
	struct neg_stream *st = stream_of(s, f, place);
	struct media_session *m = st ? wire_of(st) : NULL;
	struct candidate c[ICE_MAX_CANDIDATES];
	struct str rest = f->lines;
	size_t n = 0;

	if (!m || !media_ice_is_on(m))
		return;
	while (n < ICE_MAX_CANDIDATES && sdpfrag_candidate(&rest, &c[n]))
		n++;
	/* Those of another generation are late: the peer has restarted since. */
	media_ice_more(m, f->ufrag, c, n, f->end_of_candidates);
}

unsigned session_ice_info(struct session *s, const struct sip_msg *msg)
{
	struct sdpfrag f;

	if (!wants(s) || !s->neg)
		return 415;
	if (sdpfrag_parse(&f, msg->body))
		return 400;
	for (size_t i = 0; i < f.nmedia; i++)
		take_fragment(s, &f.media[i], i);
	return 200;
}

static void candidate_found(struct session *s, const struct media_event *e)
{
	char at[SA_TEXT];

	debug_line(s->svc, DEBUG_ICE, 2, "ICE of '%.*s': %s candidate %s of component %u", STR_ARG(s->ep->name),
		   candidate_type_name((enum candidate_type)e->ice.type), sa_text(&e->peer, at), e->ice.component);
	if (e->ice.type == CANDIDATE_SRFLX && e->ice.component == 1)
		service_ice_seen(s->svc, &e->peer);
}

void session_ice_event(struct session *s, const struct media_event *e)
{
	char peer[SA_TEXT];

	if (e->type >= MEDIA_ICE)
		tell_all(s);
	if (e->type == MEDIA_ICE_CANDIDATE)
		candidate_found(s, e);
	if (e->type == MEDIA_ICE_GATHERED && s->ice.go_on && !is_gathering(s))
		waited_enough(s);
	if (e->type != MEDIA_ICE)
		return;
	if (e->ice.state == ICE_LOST || e->ice.state == ICE_FAILED) {
		const char *why = e->ice.state == ICE_LOST ? "its consent to receive has run out; nothing is sent to it any more" :
							      "no pair of candidates works";

		log_notice("ICE of '%.*s': %s", STR_ARG(s->ep->name), why);
		if (ua_invite_dialog(s->iv))
			reason_add(s->svc->reasons, REASON_SESSION, REASON_DROPPED, 0, s->ep->name,
				   &ua_invite_dialog(s->iv)->path.peer, "ICE: %s", why);
	} else if (sa_is_set(&e->peer)) {
		debug_line(s->svc, DEBUG_ICE, 1, "ICE of '%.*s': %s, media goes to %s%s", STR_ARG(s->ep->name),
			   ice_state_name((enum ice_state)e->ice.state), sa_text(&e->peer, peer),
			   e->ice.relayed ? " over our relay" : "");
	}
}
