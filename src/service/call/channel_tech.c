/* What the pbx asks of a PJSIP channel, said to its session. */
#define LOG_MODULE "chan_pjsip"
#include "service/place/endpoint_state.h"
#include "service/call/channel_tech.h"
#include "base/log.h"
#include "pbx/devstate.h"
#include "pbx/dialplan.h"
#include "pbx/pickup.h"
#include "pbx/run.h"
#include "service/call/functions.h"
#include "service/call/session_t38.h"
#include "service/call/transfer.h"
#include "ua/info.h"
#include <errno.h>
#include <stdio.h>

static void set_names(struct text *to, const struct str_list *names)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < names->n; i++)
		buf_puts(&b, names->v[i], STR(","));
	if (buf_err(&b) || named_groups_set(to, buf_view(&b)))
		log_error("No memory for the groups of a call");
	buf_free(&b);
}

/* What every channel of the endpoint starts with. */
void channel_tech_setup(struct session *s)
{
	struct channel *ch = s->ch;
	const struct endpoint *ep = s->ep;

	ch->call_group = ep->call_group;
	ch->pickup_group = ep->pickup_group;
	set_names(&ch->named_call_group, &ep->named_call_group);
	set_names(&ch->named_pickup_group, &ep->named_pickup_group);
	text_set(&ch->tonezone, ep->tone_zone);
	if (ep->language.n)
		text_set(&ch->language, ep->language);  /* Newchannel still tells the default */
	if (s->incoming)
		text_set(&ch->dialed.number, text_view(&ch->exten));
	for (size_t i = 0; ep->set_var && i < ep->set_var->n; i++)
		pbx_setvar(s->svc->pbx, ch, ep->set_var->v[i].name, ep->set_var->v[i].value);
}

struct str channel_tech_contact_user(struct session *s)
{
	if (s->conf->global->use_callerid_contact && s->ch && s->ch->connected.number_valid)
		return text_view(&s->ch->connected.number);
	if (s->ep->from_user.n)
		return s->ep->from_user;
	return s->conf->global->default_from_user;
}

/* user_eq_phone asks for ;user=phone on R-URI and To too. */
void channel_tech_to_header(struct session *s, struct sip_out *o)
{
	struct sip_uri u;
	bool digits = true;

	if (!s->ep->user_eq_phone || sip_uri_parse(&u, o->ruri) || !u.user.n ||
	    sip_uri_param(&u, STR("user"), NULL))
		return;
	for (size_t i = 0; i < u.user.n; i++)
		digits &= (u.user.p[i] >= '0' && u.user.p[i] <= '9') || u.user.p[i] == '+';
	if (!digits)
		return;
	o->ruri = arena_printf(o->arena, "%.*s;user=phone", STR_ARG(o->ruri));
	o->to = arena_printf(o->arena, "<%.*s>", STR_ARG(o->ruri));
}

/* ---- request: "alice", "user@alice", "alice/sip:user@host" ------------------------------- */

static int set_uri_user(struct session *s, struct str uri, struct str user)
{
	struct sip_uri u;
	struct buf b = BUF_INIT;
	int err = sip_uri_parse(&u, uri);

	if (err)
		return err;
	buf_puts(&b, u.scheme, STR(":"), user, STR("@"), u.host);
	if (u.port)
		buf_printf(&b, ":%u", u.port);
	if (u.params.n)
		buf_puts(&b, STR(";"), u.params);
	err = buf_err(&b);
	if (!err)
		err = text_set(&s->callee.uri, buf_view(&b));
	buf_free(&b);
	return err;
}

static struct contact *pick(struct service *svc, const struct endpoint *ep)
{
	for (size_t i = 0; i < ep->aor_n; i++) {
		struct location *l = location_get(svc, ep->aor_objs[i]->name, false);
		struct contact *c = l ? location_pick(l) : NULL;

		if (c)
			return c;
	}
	return NULL;
}

static int find_target(struct session *s, struct str explicit, struct str user)
{
	struct contact *c;
	struct location *l;
	int err = 0;

	if (str_istarts(explicit, STR("sip:")) || str_istarts(explicit, STR("sips:")) ||
	    str_istarts(explicit, STR("tel:"))) {
		struct sip_uri u;

		/* PJSIP_DIAL_CONTACTS writes contacts out; find theirs again for path and flow. */
		for (size_t i = 0; i < s->ep->aor_n && !s->callee.contact; i++) {
			l = location_get(s->svc, s->ep->aor_objs[i]->name, false);
			if (l && sip_uri_parse(&u, explicit) == 0)
				s->callee.contact = obj_hold(location_find(l, &u));
		}
		err = text_set(&s->callee.uri, explicit);
	} else {
		l = explicit.n ? location_get(s->svc, explicit, false) : NULL;
		c = explicit.n ? l ? location_pick(l) : NULL : pick(s->svc, s->ep);
		if (!c)
			return EHOSTUNREACH;
		s->callee.contact = obj_hold(c);
		err = text_set(&s->callee.uri, c->uri);
	}
	if (!err && user.n)
		err = set_uri_user(s, text_view(&s->callee.uri), user);
	return err;
}

/* "alice" or "user@alice", when it may be called now; else why not, and the cause. */
static int find_callee(struct service *svc, struct str first, const struct endpoint **out, struct str *user, int *cause)
{
	const struct endpoint *ep = snapshot_endpoint(svc->conf, first);
	size_t at = str_rchr(first, '@');

	if (!ep && at < first.n) {
		*user = str_sub(first, 0, at);
		first = str_skip(first, at + 1);
		ep = snapshot_endpoint(svc->conf, first);
	}
	if (!ep) {
		log_error("Unable to create PJSIP channel - endpoint '%.*s' was not found", STR_ARG(first));
		*cause = CAUSE_NO_ROUTE;
		return ENOENT;
	}
	if (map_get(svc->guard.maintenance, ep->name)) {
		*cause = CAUSE_NO_CIRCUIT;
		return EHOSTDOWN;
	}
	*out = ep;
	return 0;
}

static int request(const struct channel_request *rq, struct channel **out, int *cause)
{
	struct service *svc = rq->pbx->service;
	struct str rest = rq->dest, first = str_cut_raw(&rest, '/'), user = STR_NULL;
	const struct endpoint *ep = NULL;
	struct channel_new_prm prm;
	struct session *s;
	int err;

	if (!svc || svc->state == SERVICE_STOPPING)
		return ESHUTDOWN;
	err = find_callee(svc, first, &ep, &user, cause);
	if (err)
		return err;
	err = session_new(svc, svc->conf, ep, &s);
	if (err) {
		*cause = CAUSE_NO_CIRCUIT;
		return err;
	}
	/* The ports of this leg are on the account of whoever calls through us. */
	if (session_of_channel(rq->requestor))
		share_open_like(&s->account, &session_of_channel(rq->requestor)->account);
	else
		share_open(&s->account, svc->shares, ep->name, NULL);
	err = find_target(s, rest, user);
	if (err) {
		log_notice("endpoint '%.*s': nowhere to send the call to", STR_ARG(ep->name));
		*cause = CAUSE_NO_ROUTE;
		goto out;
	}
	prm = (struct channel_new_prm){ .pbx = rq->pbx, .tech = &pjsip_tech, .pvt = s, .stem = ep->name,
		.state = CHAN_DOWN, .context = ep->context, .exten = STR_NULL, .accountcode = ep->accountcode,
		.tenantid = ep->tenantid, .uniqueid = rq->uniqueid, .linked = rq->requestor, .outgoing = true };
	session_configured_party(s, &s->id);
	prm.caller_number = text_view(&s->id.number);
	prm.caller_name = text_view(&s->id.name);
	session_streams_formats(rq->requestor, &s->formats.caller);
	session_streams_called_by(s, rq->requestor);
	err = channel_new(&s->ch, &prm);
	if (err)
		goto out;
	*out = s->ch;
	party_copy(&s->ch->caller, &s->id);
	channel_tech_setup(s);
	/* The reference of session_new() is the channel's now. */
	return 0;
 out:
	session_end(s, 0);
	obj_drop(s);
	return err;
}

static int call(struct channel *ch, uint32_t timeout_ms)
{
	struct session *s = SESSION_OF(ch);

	(void)timeout_ms;
	return session_call(s);
}

static int answer(struct channel *ch)
{
	struct session *s = SESSION_OF(ch);
	int err;

	if (!session_is_ringing(s))
		return 0;
	err = ua_invite_answer(s->iv);
	if (err)
		log_error("channel '%s' cannot be answered: %s", text_z(&ch->name), strerror(err));
	session_channel_state(s, CHAN_UP);
	return err;
}

/* A provisional response, with or without the answer: after one that had it, all have it, as by pjproject. */
static int ring(struct session *s, unsigned status, bool sdp)
{
	int err = ua_invite_ring(s->iv, status, sdp || s->early_media);

	if (!err) {
		s->sent_status = status;
		s->early_media |= sdp;
	}
	return err;
}

static int indicate_early(struct session *s, unsigned status, bool sdp)
{
	if (!session_is_ringing(s))
		return 0;
	/* Unless there was no answer in the 183, since nothing had been offered. */
	if (status == 180 && s->sent_status == 183 && !s->conf->global->allow_sending_180_after_183 &&
	    s->seen.invite && sip_body(s->seen.invite, STR("application/sdp"), &(struct str){ 0 }))
		return 0;
	if (status == s->sent_status && status != 183)
		return 0;
	/* What was described once is in every later one too. */
	return ring(s, status, sdp || (status == 180 && s->sent_status == 183 && s->early_media));
}

static int final(struct channel *ch, int cause)
{
	struct session *s = SESSION_OF(ch);
	char room[SESSION_REASON_MAX];
	int err;

	if (!session_is_ringing(s))
		return ENOSYS;
	s->hangup_cause = cause;
	ch->cause = cause;
	err = session_refuse(s, session_status_of(cause), session_reason_header(s->ep, cause, room, sizeof(room)));
	/* That was the last word: nobody is there to wait for any more. */
	session_peer_ended(s, cause, session_status_of(cause));
	return err;
}

/* The other side of the call changed: tell it by what connected_line_method says. */
static int connected_line(struct channel *ch)
{
	struct session *s = SESSION_OF(ch);
	bool ringing = s->sent_status == 180 || !s->ep->inband_progress;

	if (!session_may_tell_line(s) || party_same(&s->told, &ch->connected))
		return 0;
	if (session_is_up(s))
		return ua_invite_tell(s->iv, session_tells_by_update(s));
	if (!session_is_ringing(s) || !s->ep->rpid_immediate)
		return 0;
	if (ringing && s->sent_status != 183)
		return ring(s, 180, false);
	return ring(s, 183, s->early_media);
}

static int redirecting(struct channel *ch)
{
	struct session *s = SESSION_OF(ch);

	if (session_is_ringing(s))
		return ring(s, 181, false);
	return 0;
}

static int indicate(struct channel *ch, enum indication ind, const void *data)
{
	struct session *s = SESSION_OF(ch);
	bool up = session_is_up(s);

	switch (ind) {
	case IND_RINGING:
		if (up)
			return ENOSYS;
		if (s->ep->inband_progress) {
			indicate_early(s, 183, true);
			return ENOSYS;
		}
		return indicate_early(s, 180, false);
	case IND_PROGRESS:
		return up ? ENOSYS : indicate_early(s, 183, true);
	case IND_PROCEEDING:
		return 0;
	case IND_BUSY:
		return final(ch, CAUSE_BUSY);
	case IND_CONGESTION:
		return final(ch, CAUSE_NO_CIRCUIT);
	case IND_INCOMPLETE:
		return final(ch, CAUSE_INVALID_NUMBER);
	case IND_HOLD:
	case IND_UNHOLD:
		session_hold_count(s, ind == IND_HOLD);
		if (!s->moh_passthrough)
			return ENOSYS;
		s->local_hold = ind == IND_HOLD;
		return ua_invite_refresh(s->iv, false);
	case IND_CONNECTED_LINE:
		return connected_line(ch);
	case IND_REDIRECTING:
		return redirecting(ch);
	case IND_T38:
		return data ? session_t38_indicate(s, data) : EINVAL;
	case IND_FLASH:
		return up ? ua_info_send_digit(s->iv, '!', 300) : 0;
	case IND_AOC:
		return session_aoc_tell(s, data);
	default:
		return 0;
	}
}

/* As which payload, on which clock a digit leaves. The number is that of RFC 4733. */
static void tell_digit(struct session *s, const struct neg_stream *st, char d)
{
	static const char digits[] = "0123456789*#ABCD";
	const char *at = d ? strchr(digits, d) : NULL;
	struct event *e = at && st && st->nevents ? event_test(s->svc->pbx->events, "DTMF_BEGIN", "channel_tech.c", "digit") : NULL;

	if (!e)
		return;
	event_printf(e, "Digit", "%d", (int)(at - digits));
	event_printf(e, "Payload", "%d", st->events[0].pt_tx);
	event_printf(e, "Rate", "%u", st->events[0].rate);
	event_send(s->svc->pbx->events, e);
}

static int digit(struct channel *ch, char d, unsigned ms)
{
	struct session *s = SESSION_OF(ch);
	struct media_session *m = session_audio(s);
	struct neg_stream *st = s->neg ? neg_first(s->neg, MEDIA_AUDIO) : NULL;
	bool info = s->dtmf_mode == DTMF_INFO || (s->dtmf_mode == DTMF_AUTO_INFO && !(st && st->nevents));

	if (!info && m && s->dtmf_mode != DTMF_INBAND && s->dtmf_mode != DTMF_NONE)
		tell_digit(s, st, d);
	if (!info)
		return m ? media_dtmf_send(m, str_mk(&d, 1), ms, 0, 0) : ENOTCONN;
	/* Who has heard nothing of us yet has no dialog. */
	return session_is_ringing(s) && s->sent_status < 180 ? ENOTCONN : ua_info_send_digit(s->iv, d, ms);
}

/* A From or To with another display name. */
static struct str named(struct sip_out *o, struct str value, struct str name)
{
	struct buf b = BUF_INIT;
	struct sip_addr a;

	if (!name.n || sip_addr_parse(&a, value))
		return value;
	sip_write_addr(&b, name, a.uri_text);
	if (a.params.n)
		buf_puts(&b, STR(";"), a.params);
	if (!buf_err(&b))
		value = sip_out_dup(o, buf_view(&b));
	buf_free(&b);
	return value;
}

/* Before the answer too, once there is a dialog. */
static int text_as(struct channel *ch, struct str body, struct str type, struct str from, struct str to)
{
	struct session *s = SESSION_OF(ch);
	struct sip_dialog *d = session_dialog(s);
	struct sip_out *o;
	int err;

	if (!d || !d->remote_tag.n)
		return ENOTCONN;
	o = sip_dialog_request(d, SIP_MESSAGE);
	if (!o)
		return ENOMEM;
	o->from = named(o, o->from, from);
	o->to = named(o, o->to, to);
	sip_out_body(o, type.n ? type : STR("text/plain"), body);
	err = ua_invite_send(s->iv, o, NULL);
	obj_drop(o);
	return err;
}

static int text(struct channel *ch, struct str body, struct str type)
{
	return text_as(ch, body, type, STR_NULL, STR_NULL);
}

static void hangup(struct channel *ch)
{
	struct session *s = SESSION_OF(ch);

	ch->pvt = NULL;
	/* With what the talk was like. */
	if (session_is_up(s))
		run_told_anew(ch);
	if (!ch->tech_cause)
		ch->tech_cause = (int)session_tech_cause(ch->cause);
	session_end(s, ch->cause);
	obj_drop(s);
}

static void moved(struct channel *from, struct channel *to)
{
	(void)from;
	if (to->pvt)
		SESSION_OF(to)->ch = to;
}

static void bridged(struct channel *ch, struct channel *peer)
{
	if (!ch->pvt)
		return;
	if (peer)
		session_streams_join(SESSION_OF(ch));
	else
		session_streams_part(SESSION_OF(ch));
}

static struct media_session *media(struct channel *ch)
{
	return ch->pvt ? session_audio(SESSION_OF(ch)) : NULL;
}

static int t38_state(const struct channel *ch)
{
	return ch->pvt ? session_t38_channel_state(SESSION_OF(ch)) : 0;
}

static struct media_session *image(struct channel *ch)
{
	return ch->pvt ? session_t38_media(SESSION_OF(ch)) : NULL;
}

static int device_state(struct pbx *pbx, struct str name)
{
	return pbx->service ? endpoint_device_state(pbx->service, name) : DEV_UNKNOWN;
}

const struct channel_tech pjsip_tech = {
	.type = "PJSIP",
	.description = "PJSIP Channel Driver",
	.request = request,
	.call = call,
	.answer = answer,
	.indicate = indicate,
	.digit = digit,
	.text = text,
	.text_as = text_as,
	.transfer = transfer_channel,
	.hangup = hangup,
	.moved = moved,
	.media = media,
	.t38_state = t38_state,
	.image = image,
	.bridged = bridged,
	.native = session_native,
	.direct = session_direct,
	.read = functions_channel_read,
	.write = functions_channel_write,
	.device_state = device_state,
};

int channel_tech_register(struct pbx *p)
{
	return pbx_add_tech(p, &pjsip_tech);
}
