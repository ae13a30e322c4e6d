/* service/call/transfer.c -- a call sent elsewhere: by REFER and 302 of ours, by a REFER or an
 * INVITE with Replaces of theirs. */
#define LOG_MODULE "transfer"
#include "service/call/transfer.h"
#include "base/log.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "ua/refer.h"
#include <errno.h>

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
		sa_write_host(b, &session_dialog(s)->path.peer);
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
	/* It goes there by itself, and is over here. */
	if (!err)
		session_peer_ended(s, CAUSE_REDIRECTED, 302);
	return err;
}

/* 0: the peer never said. */
static void on_refer_done(void *arg, unsigned status)
{
	struct session *s = arg;

	s->refer.done = true;
	s->refer.status = status;
	if (s->ch)
		channel_event_simple(s->ch, CE_WAKE);
}

/* Who asks: what the dialplan knows, or we, named without a port as pjproject has it. */
static int write_referrer(struct session *s, struct buf *b)
{
	struct str local = session_dialog(s)->local, rest;
	struct sip_addr a;
	size_t host_end;

	if ((pbx_getvar(s->svc->pbx, s->ch, STR("SIPREFERREDBYHDR"), b) && b->n) || sip_addr_parse(&a, local))
		return buf_err(b);
	host_end = (size_t)(a.uri.host.p + a.uri.host.n - local.p);
	rest = str_skip(local, host_end);
	while (rest.n && (rest.p[0] == ':' || (rest.p[0] >= '0' && rest.p[0] <= '9')))
		rest = str_skip(rest, 1);
	buf_puts(b, str_sub(local, 0, host_end), rest);
	return buf_err(b);
}

/* Waits on the channel's fiber until the peer has said how it went (the call
 * must not be hung up before). */
static int send_refer(struct session *s, struct str uri)
{
	struct channel *ch = s->ch;
	struct buf by = BUF_INIT;
	int err = write_referrer(s, &by);

	s->refer.done = false;
	s->refer.status = 0;
	err = err ? err : ua_refer_send(s->iv, uri, buf_view(&by), on_refer_done);
	buf_free(&by);
	obj_hold(s);            /* the channel may get another one meanwhile */
	while (!err && !s->refer.done) {
		struct chan_event *e = NULL;

		err = channel_next(ch, REFER_WAIT_MS, &e);
		if (e)
			chan_event_free(e);
	}
	if (s->refer.status >= 300)
		ch->transfer_status = s->refer.status;
	err = err ? err : s->refer.status >= 200 && s->refer.status < 300 ? 0 : EREMOTEIO;
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
	if (!err && session_is_up(s))
		err = send_refer(s, buf_view(&uri));
	else if (!err && session_is_ringing(s))
		err = redirect(s, buf_view(&uri));
	else if (!err)
		err = ENOTCONN;
	buf_free(&uri);
	return err;
}

/* ---- REFER: the peer asks us to call somebody (RFC 3515) ------------------------------ */

/* The call that a Replaces value means; NULL: none of ours. */
static struct session *find_replaced(struct service *svc, struct str value, struct ua_replaces *r)
{
	struct ua_invite *iv = ua_replaces_read(r, value) ? NULL : ua_replaces_find(&svc->ua, r);

	return iv ? ua_invite_arg(iv) : NULL;
}

static unsigned status_of(int err)
{
	switch (err) {
	case 0: return 200;
	case ENOENT: return 404;
	case EPERM: return 403;
	case EINVAL: return 400;
	default: return 500;
	}
}


struct sending {                /* views */
	struct session *s;
	const struct sip_msg *msg;
	const struct ua_refer *r;
	struct str context;
	bool replaces;          /* what is elsewhere */
};

/* What the dialplan of whoever is transferred may want to know; Referred-By
 * goes on with the INVITE that it leads to (RFC 3892 2.1). */
static void note_refer(void *arg, struct channel *sent)
{
	const struct sending *g = arg;
	struct session *other = session_of_channel(sent);
	struct pbx *p = g->s->svc->pbx;

	if (other) {
		obj_drop(other->seen.sent_on);
		other->seen.sent_on = obj_hold((void *)(uintptr_t)g->msg);
		if (sip_hdr_value(g->msg, SIP_H_DIVERSION).n)
			session_read_redirecting(other, g->msg);
	}
	pbx_setvar(p, sent, STR("SIPTRANSFER"), STR("yes"));
	pbx_setvar(p, sent, STR("SIPREFERRINGCONTEXT"), g->context);
	if (g->r->referred_by.n)
		pbx_setvar(p, sent, STR("__SIPREFERREDBYHDR"), g->r->referred_by);
	if (g->replaces)
		pbx_setvar(p, sent, STR("__SIPREPLACESHDR"), g->r->replaces);
	pbx_setvar(p, sent, STR("SIPREFERTOHDR"), g->replaces ? g->r->target : g->r->to.uri_text);
}

/* Where whoever is transferred goes on: TRANSFER_CONTEXT, else the endpoint's. */
static struct str transfer_context(struct session *s, struct buf *room)
{
	if (pbx_getvar(s->svc->pbx, s->ch, STR("TRANSFER_CONTEXT"), room) && room->n)
		return buf_view(room);
	return s->ep->context;
}

/* To an extension that is there. */
static int send_on(struct session *s, const struct sip_msg *msg, const struct ua_refer *r, struct str exten, bool replaces)
{
	struct buf ctx = BUF_INIT;
	struct sending g = { s, msg, r, transfer_context(s, &ctx), replaces };
	struct blind_transfer t = { exten, g.context, true, note_refer, &g };
	int err = dialplan_exists(s->svc->pbx, t.context, exten, 1, STR_NULL) ? 0 : ENOENT;

	err = err ? err : bridge_blind_transfer(s->ch, &t);
	buf_free(&ctx);
	return err;
}

static int blind(struct session *s, const struct sip_msg *msg, const struct ua_refer *r)
{
	char room[256];

	return send_on(s, msg, r, service_exten(s->conf, &r->to.uri, room, sizeof(room)), false);
}

/* The second leg's BYE does not overtake what the first one is told of its REFER. */
#define SECOND_LEG_MS 500

/* *known: the call to be replaced is one of ours, and so nothing is left to be followed. */
static int attended(struct session *s, const struct sip_msg *msg, const struct ua_refer *refer, bool *known)
{
	struct ua_replaces r;
	struct session *other = find_replaced(s->svc, refer->replaces, &r);
	int err;

	/* Not here: the dialplan may take it there. */
	if (!other || !other->ch)
		return send_on(s, msg, refer, STR("external_replaces"), true);
	*known = true;
	if (other == s)
		return ENOENT;
	obj_hold(other);        /* its channel may end at once */
	err = bridge_attended_transfer(s->ch, other->ch);
	if (!err)
		ua_invite_leave_bye(other->iv, SECOND_LEG_MS);
	obj_drop(other);
	return err;
}

/* ---- how it fares is told to whoever asked */

#define BYE_GRACE_MS 60000      /* from its REFER to its BYE: whoever asked hangs up by itself */

struct progress {               /* obj */
	struct ua_invite *iv;           /* held; of whoever asked */
	bool quiet, tried, over;
};

static void progress_free(void *o)
{
	obj_drop(((struct progress *)o)->iv);
}

static void progress_tell(struct progress *p, unsigned status)
{
	if (p->over || p->quiet)
		return;
	if (!p->tried && status != 100)
		ua_refer_tell(p->iv, 100, false);
	p->tried = true;
	ua_refer_tell(p->iv, status, false);
}

static void progress_end(struct progress *p, unsigned status)
{
	if (p->over)
		return;
	p->over = true;
	if (p->quiet)
		return;
	if (!p->tried)
		ua_refer_tell(p->iv, 100, false);
	ua_refer_tell(p->iv, status, true);
}

/* A channel_news_fn. */
static bool on_news(void *arg, enum channel_news news)
{
	static const struct { unsigned status; bool last; } rows[] = {
		[CHAN_NEWS_PROCEEDING] = { 100, false }, [CHAN_NEWS_RINGING] = { 180, false },
		[CHAN_NEWS_PROGRESS] = { 183, false }, [CHAN_NEWS_BUSY] = { 486, true },
		[CHAN_NEWS_CONGESTION] = { 503, true }, [CHAN_NEWS_ANSWERED] = { 200, true }, [CHAN_NEWS_LOST] = { 503, true },
	};

	if (rows[news].last)
		progress_end(arg, rows[news].status);
	else
		progress_tell(arg, rows[news].status);
	return rows[news].last;
}

/* What is said to whoever is sent on goes to whoever sent it. */
static bool follow(struct channel *transferee, struct progress *p)
{
	if (!transferee || p->quiet)
		return false;
	if (transferee->dead)
		progress_end(p, 503);
	else if (channel_follow(transferee, on_news, p))
		return false;
	return true;
}

static int carry_out(struct session *s, struct sip_msg *msg, const struct ua_refer *r, struct progress *p)
{
	struct channel *transferee = obj_hold(bridge_peer(s->ch));
	bool known = !r->replaces.n && !s->ep->refer_blind_progress;
	int err = r->replaces.n ? attended(s, msg, r, &known) : blind(s, msg, r);

	if (err || known || !follow(transferee, p))
		progress_end(p, status_of(err));
	if (err)
		log_notice("transfer by '%.*s' to '%.*s' failed: %s", STR_ARG(s->ep->name),
			   STR_ARG(r->to.uri_text), strerror(err));
	obj_drop(transferee);
	return err;
}

/* The REFER comes to nothing in this dialog: the cause says how the call itself stands (RFC 3326). */
static void refuse(struct session *s, struct sip_server_tx *tx, unsigned status, struct str more)
{
	char room[128], reason[SESSION_REASON_MAX];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_put(&b, more);
	if (s->ch)
		buf_put(&b, session_reason_header(s->ep, s->ch->cause, reason, sizeof(reason)));
	ua_invite_reply(s->iv, tx, status, buf_view(&b));
}

/* Nothing is told later, so its response waits for what comes of it. */
static void answer_quiet(struct session *s, struct sip_server_tx *tx, int err)
{
	if (err)
		refuse(s, tx, status_of(err), STR("Refer-Sub: false\r\n"));
	else
		ua_refer_done_quietly(s->iv, tx);
}

static void refer(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg, const struct ua_refer *r)
{
	struct progress *p = obj_new(sizeof(*p), progress_free);
	int err;

	if (!p) {
		ua_invite_reply(s->iv, tx, 503, STR(SHARES_RETRY));
		return;
	}
	if (sip_uri_is_sips(&r->to.uri) && !session_dialog(s)->secure)
		log_debug(1, "REFER to a sips URI over an open transport");
	obj_hold(s);
	p->iv = obj_hold(s->iv);
	p->quiet = r->quiet;    /* norefersub says what we offer; Refer-Sub is obeyed without it */
	if (!p->quiet)
		ua_refer_take(s->iv, tx, r);
	ua_invite_leave_bye(s->iv, BYE_GRACE_MS);
	err = carry_out(s, msg, r, p);
	if (p->quiet)
		answer_quiet(s, tx, err);
	if (err)
		ua_invite_leave_bye(s->iv, 0);
	obj_drop(s);
	obj_drop(p);
}

void transfer_refer(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct arena *a = arena_new(1024);
	struct ua_refer r;
	unsigned status = a ? ua_refer_read(&r, msg, a) : 503;

	if (!status && (!s->ep->allow_transfer || !s->ch || !session_is_up(s)))
		status = 603;
	if (status)
		refuse(s, tx, status, status == 503 ? STR(SHARES_RETRY) : STR_NULL);
	else
		refer(s, tx, msg, &r);
	arena_free(a);
}

/* ---- INVITE with Replaces (RFC 3891) ----------------------------------------------------- */

bool transfer_replaces(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_REPLACES);
	struct session *old, *s;
	struct ua_replaces r;
	struct channel *ch;

	if (!v.n)
		return false;
	if (sip_hdr_named(msg, STR("Replaces"), 1)) {
		service_reply(svc, tx, 400, STR_NULL);
		return true;
	}
	old = find_replaced(svc, v, &r);
	if (!old || !old->ch) {
		service_reply(svc, tx, 481, STR_NULL);
		return true;
	}
	if (r.early_only && session_is_up(old)) {
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
