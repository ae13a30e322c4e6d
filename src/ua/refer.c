/* REFER inside a call: what the peer asks for, how it is told of it, and what we ask of it. */
#define LOG_MODULE "refer"
#include "ua/invite_private.h"
#include <errno.h>
#include <stdio.h>

/* How long whoever transferred may take to hang up by itself. */
#define BYE_GRACE_MS 2000
#define NOTIFY_WAIT_MS 32000    /* timer F */
#define REFER_EXPIRES "600"     /* [s] RFC 6665 4.1.3: it has to be said; the last NOTIFY comes long before */

/* ---- asked of us -------------------------------------------------------------------- */

/* The header part of the Refer-To URI: ?Replaces=escaped&Other=... */
static struct str uri_header(struct arena *a, const struct sip_uri *u, struct str name)
{
	struct str rest = u->headers;

	while (rest.n) {
		struct str one = str_cut_raw(&rest, '&');
		struct str key = str_cut_raw(&one, '=');

		if (str_ieq(key, name))
			return sip_unescape(a, one);
	}
	return STR_NULL;
}

unsigned ua_refer_read(struct ua_refer *r, const struct sip_msg *msg, struct arena *a)
{
	const struct sip_hdr *sub = sip_hdr_named(msg, STR("Refer-Sub"), 0);
	struct str v = sip_hdr_value(msg, SIP_H_REFER_TO);

	*r = (struct ua_refer){ .wanted = sub && str_istarts(str_trim(sub->value), STR("true")) };
	r->quiet = sub && !r->wanted;
	if (!v.n || sip_addr_parse(&r->to, v) || !sip_uri_is_sip(&r->to.uri))
		return 400;
	r->target = str_sub(r->to.uri_text, 0, str_chr(r->to.uri_text, '?'));
	r->replaces = uri_header(a, &r->to.uri, STR("Replaces"));
	r->referred_by = sip_hdr_value(msg, SIP_H_REFERRED_BY);
	return 0;
}

/* It knows now that the transfer went well. */
static void on_notified(struct ua_invite *iv, unsigned status)
{
	(void)status;
	if (iv->leave.peer_hangs_up)
		ua_invite_leave_bye(iv, BYE_GRACE_MS);
}

/* NOTIFY of the implicit subscription: how the referred call fares. `done` (may be NULL) hears of its response. */
static void notify(struct ua_invite *iv, unsigned status, bool last, ua_own_done_fn *done)
{
	struct sip_out *o;
	char body[64];
	int n;

	if (iv->state != UA_INVITE_UP && iv->state != UA_INVITE_LEAVING)
		return;
	o = sip_dialog_request(iv->dlg, SIP_NOTIFY);
	if (!o)
		return;
	sip_out_header(o, STR("Event"), STR("refer"));
	if (iv->prm.allow_events.n)
		sip_out_header(o, STR("Allow-Events"), iv->prm.allow_events);
	sip_out_header(o, STR("Subscription-State"), last ? STR("terminated;reason=noresource") : STR("active;expires=" REFER_EXPIRES));
	n = snprintf(body, sizeof(body), "SIP/2.0 %u %s\r\n", status, sip_reason(status));
	sip_out_body(o, STR("message/sipfrag;version=2.0"), str_mk(body, n > 0 ? (size_t)n : 0));
	ua_invite_send_own(iv, o, done);
	obj_drop(o);
}

/* 2xx; `more` says what becomes of the subscription. */
static void take(struct ua_invite *iv, struct sip_server_tx *tx, unsigned status, struct str more)
{
	char room[1024];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (iv->prm.as_pjproject) {
		buf_puts(&b, STR("Contact: "), iv->dlg->contact, STR("\r\n"));
		ua_invite_write_supported(iv, &b, false);
	}
	buf_put(&b, more);
	ua_invite_reply(iv, tx, status, buf_err(&b) ? STR_NULL : buf_view(&b));
}

void ua_refer_take(struct ua_invite *iv, struct sip_server_tx *tx, const struct ua_refer *r)
{
	take(iv, tx, 202, r->wanted ? STR("Expires: " REFER_EXPIRES "\r\nRefer-Sub: true\r\n") : STR("Expires: " REFER_EXPIRES "\r\n"));
}

void ua_refer_done_quietly(struct ua_invite *iv, struct sip_server_tx *tx)
{
	take(iv, tx, 200, STR("Refer-Sub: false\r\n"));
}

void ua_refer_accept(struct ua_invite *iv, struct sip_server_tx *tx, bool quiet)
{
	take(iv, tx, 202, quiet ? STR("Refer-Sub: false\r\n") : STR_NULL);
	ua_invite_leave_bye(iv, NOTIFY_WAIT_MS);
	if (!quiet)
		notify(iv, 100, false, NULL);
}

void ua_refer_tell(struct ua_invite *iv, unsigned status, bool last)
{
	notify(iv, status, last, NULL);
}

void ua_refer_done(struct ua_invite *iv, unsigned status, bool quiet)
{
	bool ok = status < 300;

	obj_hold(iv);
	if (!quiet)
		notify(iv, status, true, on_notified);
	/* After that: it may be what the BYE has waited for. */
	if (!ok && iv->leave.peer_hangs_up)
		ua_invite_leave_bye(iv, 0);
	else if (ok && quiet)
		ua_invite_leave_bye(iv, BYE_GRACE_MS);
	obj_drop(iv);
}

/* ---- asked by us ----------------------------------------------------------------------- */

static void tell(struct ua_invite *iv, unsigned status)
{
	ua_refer_fn *fn = iv->refer.fn;

	iv->refer.fn = NULL;
	if (fn && iv->prm.user)
		fn(iv->prm.arg, status);
}

static void on_refused(struct ua_invite *iv, unsigned status)
{
	if (status >= 300 || !status)
		tell(iv, status);
}

/* The subscription that it begins, said as pjproject says it. */
static void put_subscription(struct ua_invite *iv, struct sip_out *o)
{
	char room[128];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_puts(&b, iv->prm.rel100 != UA_REL100_NO ? STR("100rel, ") : STR_NULL, iv->prm.supported);
	sip_out_header(o, STR("Event"), STR("refer"));
	sip_out_header(o, STR("Expires"), STR(REFER_EXPIRES));
	sip_out_header(o, STR("Supported"), buf_view(&b));
	sip_out_header(o, STR("Accept"), STR("message/sipfrag;version=2.0"));
	if (iv->prm.allow_events.n)
		sip_out_header(o, STR("Allow-Events"), iv->prm.allow_events);
}

int ua_refer_send(struct ua_invite *iv, struct str uri, struct str by, ua_refer_fn *fn)
{
	struct sip_out *o;
	int err;

	if (iv->state != UA_INVITE_UP)
		return ENOTCONN;
	if (iv->refer.fn)
		return EBUSY;
	o = sip_dialog_request(iv->dlg, SIP_REFER);
	if (!o)
		return ENOMEM;
	sip_out_header(o, STR("Refer-To"), uri);
	if (!UA_SMALL && iv->prm.as_pjproject)
		put_subscription(iv, o);
	if (by.n)
		sip_out_header(o, STR("Referred-By"), by);
	iv->refer.fn = fn;
	err = ua_invite_send_own(iv, o, on_refused);
	if (err)
		iv->refer.fn = NULL;
	obj_drop(o);
	return err;
}

/* The status that a sipfrag begins with; 0: none. */
static unsigned sipfrag_status(struct str body)
{
	uint32_t status = 0;
	struct str line;

	if (!str_line(&body, &line))
		return 0;
	str_cut_raw(&line, ' ');
	return str_u32(str_cut_raw(&line, ' '), &status) ? 0 : status;
}

bool ua_refer_notified(struct ua_invite *iv, struct sip_server_tx *tx, const struct sip_msg *msg)
{
	struct str event = sip_hdr_value(msg, SIP_H_EVENT), state = sip_hdr_value(msg, SIP_H_SUBSCRIPTION_STATE);
	unsigned status;

	if (!str_ieq(str_trim(str_cut(&event, ';')), STR("refer")))
		return false;
	ua_invite_reply(iv, tx, 200, STR_NULL);
	status = sipfrag_status(msg->body);
	if (status >= 200 || str_istarts(str_trim(state), STR("terminated")))
		tell(iv, status);
	return true;
}
