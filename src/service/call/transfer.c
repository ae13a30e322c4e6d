#define LOG_MODULE "transfer"
#include "service/call/transfer.h"
#include "base/log.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include <errno.h>
#include <stdio.h>

#define REFER_WAIT_MS 30000     /* for the peer to say anything */

/* "sip:bob@host" as it is; "PJSIP/bob" becomes the endpoint's contact. */
static int target_uri(struct session *s, struct str dest, struct buf *b)
{
	const struct endpoint *ep;
	struct location *l;
	struct contact *c;

	if (str_istarts(dest, STR("PJSIP/")))
		dest = str_skip(dest, 6);
	if (str_istarts(dest, STR("sip:")) || str_istarts(dest, STR("sips:"))) {
		buf_put(b, dest);
		return 0;
	}
	ep = snapshot_endpoint(s->svc->conf, dest);
	for (size_t i = 0; ep && i < ep->aor_n; i++) {
		l = location_get(s->svc, ep->aor_objs[i]->name, false);
		c = l ? location_pick(l) : NULL;
		if (c) {
			buf_put(b, c->uri);
			return 0;
		}
	}
	if (ep)
		return EHOSTUNREACH;
	buf_puts(b, STR("sip:"), dest);
	if (str_chr(dest, '@') == dest.n) {
		buf_char(b, '@');
		sa_write_host(b, &s->dlg->path.peer);
	}
	return 0;
}

static int redirect(struct session *s, struct str uri)
{
	char room[512];
	struct buf h;
	int err;

	buf_init(&h, room, sizeof(room), sizeof(room));
	buf_puts(&h, STR("Contact: <"), uri, STR(">\r\n"));
	err = buf_err(&h);
	if (!err)
		err = session_refuse(s, 302, buf_view(&h));
	return err;
}

static void on_refer_answer(struct session *s, const struct sip_msg *msg, void *arg)
{
	(void)arg;
	if (msg && msg->status < 300)
		return;         /* the NOTIFY tells how it went */
	s->refer.active = false;
	s->refer.done = true;
	if (s->ch)
		channel_event_simple(s->ch, CE_WAKE);
}

/* Waits on the channel's fiber until the peer has said how it went (the call
 * must not be hung up before). */
static int send_refer(struct session *s, struct str uri)
{
	struct sip_out *o = sip_dialog_request(s->dlg, SIP_REFER);
	struct channel *ch = s->ch;
	int err;

	if (!o)
		return ENOMEM;
	sip_out_header(o, STR("Refer-To"), uri);
	s->refer.active = true;
	s->refer.done = s->refer.ok = false;
	err = session_send(s, o, on_refer_answer, NULL);
	obj_drop(o);
	obj_hold(s);            /* the channel may get another one meanwhile */
	while (!err && !s->refer.done) {
		struct chan_event *e = NULL;

		err = channel_next(ch, REFER_WAIT_MS, &e);
		if (e)
			chan_event_free(e);
	}
	err = err ? err : s->refer.ok ? 0 : EREMOTEIO;
	obj_drop(s);
	return err;
}

int transfer_channel(struct channel *ch, struct str dest)
{
	struct session *s = SESSION_OF(ch);
	struct buf uri = BUF_INIT;
	int err = target_uri(s, dest, &uri);

	if (!err)
		err = buf_err(&uri);
	if (!err && s->st == SESSION_UP)
		err = send_refer(s, buf_view(&uri));
	else if (!err && s->incoming && s->st == SESSION_RINGING)
		err = redirect(s, buf_view(&uri));
	else if (!err)
		err = ENOTCONN;
	buf_free(&uri);
	return err;
}

/* ---- REFER: the peer asks us to call somebody (RFC 3515) ------------------------------ */

/* How long whoever transferred may take to hang up by itself. */
#define BYE_GRACE_MS 2000
#define NOTIFY_WAIT_MS 32000    /* timer F */

/* It knows now that the transfer went well. */
static void on_notified(struct session *s, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	if (s->peer_hangs_up)
		session_leave_bye(s, BYE_GRACE_MS);
}

/* NOTIFY of the implicit subscription: how the referred call fares. */
static void notify(struct session *s, unsigned status, bool last)
{
	struct sip_out *o;
	char body[64];
	int n;

	if ((s->st != SESSION_UP && !s->ending) || !s->dlg)
		return;
	o = sip_dialog_request(s->dlg, SIP_NOTIFY);
	if (!o)
		return;
	sip_out_header(o, STR("Event"), STR("refer"));
	sip_out_header(o, STR("Subscription-State"), last ? STR("terminated;reason=noresource") : STR("active"));
	n = snprintf(body, sizeof(body), "SIP/2.0 %u %s\r\n", status, sip_reason(status));
	sip_out_body(o, STR("message/sipfrag;version=2.0"), str_mk(body, n > 0 ? (size_t)n : 0));
	session_send(s, o, last ? on_notified : NULL, NULL);
	obj_drop(o);
}

/* call-id;to-tag=..;from-tag=.. (RFC 3891); tags from the side of whoever is named. */
static struct session *find_replaced(struct service *svc, struct str v, bool *early_only)
{
	struct str id = str_trim(str_cut(&v, ';')), to, from;
	struct sip_dialog *d;

	*early_only = sip_param(v, STR("early-only"), NULL);
	if (!sip_param(v, STR("to-tag"), &to) || !sip_param(v, STR("from-tag"), &from))
		return NULL;
	d = sip_dialog_find(svc->sip, id, to, from);
	if (!d || d->user.request != session_dialog_request)
		return NULL;
	return d->user.arg;
}

static int status_of(int err)
{
	switch (err) {
	case 0: return 200;
	case ENOENT: return 404;
	case EPERM: return 403;
	case EINVAL: return 400;
	default: return 503;
	}
}


/* What the dialplan of whoever is transferred may want to know; Referred-By
 * goes on with the INVITE that it leads to (RFC 3892 2.1). */
static void note_refer(struct session *s, const struct sip_msg *msg, struct str refer_to, struct str context)
{
	struct channel *peer = bridge_peer(s->ch);
	struct session *other = session_of_channel(peer);
	struct str by = sip_hdr_value(msg, SIP_H_REFERRED_BY);
	struct pbx *p = s->svc->pbx;

	if (!peer)
		return;
	if (other) {
		obj_drop(other->sent_on);
		other->sent_on = obj_hold((void *)(uintptr_t)msg);
		if (sip_hdr_value(msg, SIP_H_DIVERSION).n)
			session_read_redirecting(other, msg);
	}
	pbx_setvar(p, peer, STR("SIPTRANSFER"), STR("yes"));
	pbx_setvar(p, peer, STR("SIPREFERRINGCONTEXT"), context);
	pbx_setvar(p, peer, STR("SIPREFERTOHDR"), refer_to);
	if (by.n)
		pbx_setvar(p, peer, STR("__SIPREFERREDBYHDR"), by);
}

static int blind(struct session *s, const struct sip_msg *msg, const struct sip_addr *to)
{
	char room[256];
	struct str exten = service_exten(s->conf, &to->uri, room, sizeof(room));
	struct buf ctx = BUF_INIT;
	struct str context = s->ep->context;
	int err;

	if (pbx_getvar(s->svc->pbx, s->ch, STR("TRANSFER_CONTEXT"), &ctx) && ctx.n)
		context = buf_view(&ctx);
	note_refer(s, msg, to->uri_text, context);
	err = bridge_blind_transfer(s->ch, exten, context);
	buf_free(&ctx);
	return err;
}

/* The call to be replaced is not here: the dialplan may take it there. */
static int attended_elsewhere(struct session *s, const struct sip_msg *msg, struct str uri, struct str replaces)
{
	struct channel *peer = bridge_peer(s->ch);
	struct buf ctx = BUF_INIT;
	struct str context = s->ep->context;
	int err;

	if (pbx_getvar(s->svc->pbx, s->ch, STR("TRANSFER_CONTEXT"), &ctx) && ctx.n)
		context = buf_view(&ctx);
	note_refer(s, msg, uri, context);
	if (peer)
		pbx_setvar(s->svc->pbx, peer, STR("__SIPREPLACESHDR"), replaces);
	err = bridge_blind_transfer(s->ch, STR("external_replaces"), context);
	buf_free(&ctx);
	return err;
}

static int attended(struct session *s, const struct sip_msg *msg, const struct sip_addr *to, struct str replaces)
{
	bool early;
	struct session *other = find_replaced(s->svc, replaces, &early);
	struct str uri = str_sub(to->uri_text, 0, str_chr(to->uri_text, '?'));
	int err;

	if (!other || !other->ch)
		return attended_elsewhere(s, msg, uri, replaces);
	if (other == s)
		return ENOENT;
	obj_hold(other);        /* its channel may end at once */
	err = bridge_attended_transfer(s->ch, other->ch);
	if (!err)
		session_leave_bye(other, BYE_GRACE_MS);
	obj_drop(other);
	return err;
}

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

void transfer_refer(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_REFER_TO), replaces;
	struct arena *a = arena_new(1024);
	bool quiet = str_ieq(sip_hdr_named(msg, STR("Refer-Sub"), 0) ?
			     sip_hdr_named(msg, STR("Refer-Sub"), 0)->value : STR_NULL, STR("false"));
	struct sip_addr to;
	int err;

	if (!a || !v.n || sip_addr_parse(&to, v) || !sip_uri_is_sip(&to.uri)) {
		service_reply(s->svc, tx, 400, STR_NULL);
		goto out;
	}
	if (!s->ep->allow_transfer || !s->ch || s->st != SESSION_UP) {
		service_reply(s->svc, tx, 603, STR_NULL);
		goto out;
	}
	if (sip_uri_is_sips(&to.uri) && !s->dlg->secure)
		log_debug(1, "REFER to a sips URI over an open transport");
	quiet &= s->conf->global->norefersub;
	service_reply(s->svc, tx, 202, quiet ? STR("Refer-Sub: false\r\n") : STR_NULL);
	if (!quiet)
		notify(s, 100, false);
	replaces = uri_header(a, &to.uri, STR("Replaces"));
	obj_hold(s);
	session_leave_bye(s, NOTIFY_WAIT_MS);
	err = replaces.n ? attended(s, msg, &to, replaces) : blind(s, msg, &to);
	if (err && s->peer_hangs_up) {
		s->peer_hangs_up = false;
		timer_stop(&s->grace);
	} else if (!err && quiet) {
		session_leave_bye(s, BYE_GRACE_MS);
	}
	if (!quiet)
		notify(s, (unsigned)status_of(err), true);
	if (err)
		log_notice("transfer by '%.*s' to '%.*s' failed: %s", STR_ARG(s->ep->name), STR_ARG(to.uri_text),
			   strerror(err));
	obj_drop(s);
 out:
	arena_free(a);
}

/* ---- INVITE with Replaces (RFC 3891) ----------------------------------------------------- */

bool transfer_replaces(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_REPLACES);
	struct session *old, *s;
	struct channel *ch;
	bool early;

	if (!v.n)
		return false;
	if (sip_hdr_named(msg, STR("Replaces"), 1)) {
		service_reply(svc, tx, 400, STR_NULL);
		return true;
	}
	old = find_replaced(svc, v, &early);
	if (!old || !old->ch) {
		service_reply(svc, tx, 481, STR_NULL);
		return true;
	}
	if (early && old->st == SESSION_UP) {
		service_reply(svc, tx, 486, STR_NULL);
		return true;
	}
	obj_hold(old);
	s = session_accept(svc, id, tx, msg);
	ch = s ? obj_hold(s->ch) : NULL;
	/* The new leg answers and takes the old one's place; the old one gets BYE. */
	if (ch && (channel_answer(ch) || ch->dead || !old->ch || channel_replace(ch, old->ch)))
		channel_destroy(ch);
	obj_drop(ch);
	obj_drop(old);
	return true;
}

/* ---- NOTIFY for a REFER of ours ------------------------------------------------------------- */

void transfer_notify(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str event = sip_hdr_value(msg, SIP_H_EVENT), state = sip_hdr_value(msg, SIP_H_SUBSCRIPTION_STATE);
	struct str body = msg->body, line, word;
	uint32_t status = 0;

	if (!str_ieq(str_trim(str_cut(&event, ';')), STR("refer"))) {
		service_reply(s->svc, tx, 489, STR_NULL);
		return;
	}
	service_reply(s->svc, tx, 200, STR_NULL);
	if (!s->refer.active || !s->ch)
		return;
	if (str_line(&body, &line)) {
		str_cut_raw(&line, ' ');
		word = str_cut_raw(&line, ' ');
		if (str_u32(word, &status))
			status = 0;
	}
	if (status >= 200 || str_istarts(str_trim(state), STR("terminated"))) {
		s->refer.active = false;
		s->refer.done = true;
		s->refer.ok = status >= 200 && status < 300;
		channel_event_simple(s->ch, CE_WAKE);
	}
}
