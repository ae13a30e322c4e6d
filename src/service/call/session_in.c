/* service/call/session_in.c -- a new INVITE of theirs: what may refuse it, its session and
 * its channel. What comes in the dialog later is session_user.c's. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include "pbx/pickup.h"
#include "service/call/channel_tech.h"
#include "service/call/transfer.h"
#include "service/common/dialog.h"

/* features.conf's pickupexten is an extension of every context. */
static bool picks_up(const struct service *svc, struct str exten)
{
	return exten.n && str_eq(exten, text_view(&features_get(svc->pbx)->pickupexten));
}

/* 404, 484 or 0 and the extension. */
static unsigned find_exten(struct service *svc, struct identity *id, const struct sip_msg *msg, struct str *exten,
			   char *room, size_t n)
{
	struct str caller = msg->from.uri.user;
	struct str context = id->ep->context;

	*exten = service_exten(id->conf, &msg->ruri, room, n);
	if (picks_up(svc, *exten) || dialplan_exists(svc->pbx, context, *exten, 1, caller))
		return 0;
	if (id->ep->allow_overlap) {
		struct str oc = id->ep->overlap_context.n ? id->ep->overlap_context : context;

		if (dialplan_can_grow(svc->pbx, oc, *exten, caller))
			return 484;
	}
	return 404;
}

static int make_channel(struct session *s, struct str exten)
{
	struct channel_new_prm prm = { .pbx = s->svc->pbx, .tech = &pjsip_tech, .pvt = s, .stem = s->ep->name,
		.state = CHAN_RING, .context = s->ep->context, .exten = exten, .accountcode = s->ep->accountcode,
		.tenantid = s->ep->tenantid };
	struct party caller = { 0 };
	int err;

	session_read_caller(s, s->seen.invite, &caller);
	prm.caller_number = text_view(&caller.number);
	prm.caller_name = text_view(&caller.name);
	err = channel_new(&s->ch, &prm);
	if (!err) {
		obj_hold(s);            /* the channel's pvt */
		party_copy(&s->ch->caller, &caller);
		channel_tech_setup(s);
		session_read_redirecting(s, s->seen.invite);
		session_geoloc_came(s, s->seen.invite);
		session_channel_state(s, CHAN_RING);
		pbx_setvar(s->ch->pbx, s->ch, STR("SIPDOMAIN"), s->seen.invite->ruri.host.n ? s->seen.invite->ruri.host : STR(""));
	}
	party_free(&caller);
	return err;
}

/* Session and dialog; the status to refuse with, and what that says. */
static unsigned take(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg, struct buf *extra)
{
	char croom[512], vroom[128];
	struct buf contact, via;
	unsigned status;

	buf_init(&contact, croom, sizeof(croom), sizeof(croom));
	buf_init(&via, vroom, sizeof(vroom), sizeof(vroom));
	ua_invite_set_transport(s->iv, service_transport_back(s->svc, s->conf, s->ep, msg));
	status = service_dialog_names(s->svc, s->ep, &tx->path, sip_uri_is_sips(&msg->ruri), &contact, &via) ? 503 :
		 ua_invite_take(s->iv, tx, msg, buf_view(&contact), buf_view(&via), extra);
	if (status == 503)
		buf_put(extra, STR(SHARES_RETRY));
	return status;
}

static void abandon(struct session *s)
{
	session_end(s, 0);
	obj_drop(s);
}

static struct session *session_accept_at(struct service *svc, struct identity *id, struct sip_server_tx *tx,
					 struct sip_msg *msg, struct str exten)
{
	char xroom[512];
	struct session *s;
	struct buf extra;
	unsigned status;

	if (session_new(svc, id->conf, id->ep, &s)) {
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		return NULL;
	}
	share_open(&s->account, svc->shares, id->ep->name, &msg->from_path.peer);
	if (share_take(&s->account, SHARE_CALL) || share_take(&s->account, SHARE_DIALOG)) {
		shares_refuse(svc, id->ep->name, tx, msg, "it has its share of calls");
		abandon(s);
		return NULL;
	}
	buf_init(&extra, xroom, sizeof(xroom), sizeof(xroom));
	s->incoming = s->counted.call = true;
	svc->calls.n++;
	s->seen.invite = obj_hold(msg);
	status = take(s, tx, msg, &extra);
	if (status) {
		if (status == 420)
			service_supported(id->conf, &extra);
		service_reply(svc, tx, status, buf_view(&extra));
		abandon(s);
		return NULL;
	}
	if (make_channel(s, exten)) {
		session_refuse(s, 503, STR(SHARES_RETRY));
		abandon(s);
		return NULL;
	}
	obj_drop(s);            /* the channel has its own */
	return s;
}

struct session *session_accept(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char room[256];

	return session_accept_at(svc, id, tx, msg, service_exten(id->conf, &msg->ruri, room, sizeof(room)));
}

/* Bodies that a call may have to be understood by us. */
static const struct str body_types[] = { STR_INIT("application/sdp"), STR_INIT("application/pidf+xml"),
	STR_INIT("message/sipfrag") };

/* Requests in the dialog could not be sent to what is no SIP URI. */
static bool has_foreign_contact(const struct sip_msg *msg)
{
	struct sip_each e = { 0 };
	struct sip_addr a;
	struct str v;

	return sip_each(msg, SIP_H_CONTACT, &e, &v) && (sip_addr_parse(&a, v) || !sip_uri_is_sip(&a.uri));
}

/* Perhaps after a wait for candidates: somebody may have sent it elsewhere meanwhile, or taken it. */
static void begin_dialplan(struct session *s)
{
	struct channel *ch = s->ch;

	if (!ch || ch->fiber || ch->bridge || ch->owned || ch->hungup)
		return;
	if (picks_up(s->svc, text_view(&ch->exten)) ? pickup_start(ch) : pbx_start(ch))
		channel_destroy_soon(ch);
}

/* Who calls was judged, or nobody wants to know. Whom no candidate can be told later gets them in the answer: Answer()
 * comes after they are known. */
static void begin_when_known(struct session *s)
{
	if (!session_ice_must_wait(s, begin_dialplan))
		begin_dialplan(s);
}

void invite_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char room[256];
	struct session *s;
	struct str exten;
	unsigned status;

	if (!sip_uri_is_sip(&msg->ruri) && !sip_uri_is_tel(&msg->ruri)) {
		service_reply(svc, tx, 416, STR_NULL);
		return;
	}
	if (!sip_hdr_value(msg, SIP_H_CONTACT).n) {
		/* RFC 3261 8.1.1.8: requests of the call could not be sent to its caller. */
		sip_server_tx_respond(tx, 400, STR("Missing Contact header"), service_server_header(svc), STR_NULL, STR_NULL);
		return;
	}
	if (has_foreign_contact(msg)) {
		service_reply(svc, tx, 416, STR_NULL);
		return;
	}
	if (sip_body_demands_other(msg, body_types, ARRAY_LEN(body_types))) {
		service_reply(svc, tx, 415, STR("Accept: application/sdp\r\n"));
		return;
	}
	if (map_get(svc->guard.maintenance, id->ep->name)) {
		reason_add(svc->reasons, REASON_SESSION, REASON_REFUSED, 503, id->ep->name, &msg->from_path.peer,
			   "the endpoint is in maintenance");
		service_reply(svc, tx, 503, STR_NULL);
		return;
	}
	if (transfer_replaces(svc, id, tx, msg))
		return;
	status = find_exten(svc, id, msg, &exten, room, sizeof(room));
	if (status) {
		reason_add(svc->reasons, REASON_SESSION, REASON_REFUSED, status, id->ep->name,
			   &msg->from_path.peer, "no extension '%.*s' in context '%.*s'", STR_ARG(exten),
			   STR_ARG(id->ep->context));
		log_notice("Call from '%.*s' (%s:%s) to extension '%.*s' rejected because extension not found "
			   "in context '%.*s'.", STR_ARG(id->ep->name), net_proto_name(msg->from_path.proto),
			   sa_text(&msg->from_path.peer, (char[SA_TEXT]){ 0 }), STR_ARG(exten),
			   STR_ARG(id->ep->context));
		service_reply(svc, tx, status, STR_NULL);
		return;
	}
	s = session_accept_at(svc, id, tx, msg, exten);
	if (s && !session_stir_must_wait(s, begin_when_known))
		begin_when_known(s);
}
