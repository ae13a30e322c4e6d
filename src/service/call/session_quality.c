/* service/call/session_quality.c -- how good a call's media are: the numbers of its streams for
 * whoever asks, RTPAUDIOQOS and its like when the peer has hung up, reports as manager events. */
#define LOG_MODULE "rtcp"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "service/call/session.h"
#include <errno.h>

/* ---- asking the media thread ------------------------------------------------------------ */

struct stats_wait {             /* obj */
	struct media_stats st;
	struct fiber *fiber;
	bool done;
};

static void stats_came(void *arg, const struct media_stats *st)
{
	struct stats_wait *w = arg;

	if (st)
		w->st = *st;
	w->done = true;
	fiber_wake(w->fiber);
	obj_drop(w);
}

/* The media thread has the numbers; the dialplan's fiber waits for its turn. */
int session_stats(struct media_session *m, struct media_stats *st)
{
	struct stats_wait *w;
	int err;

	if (!fiber_self())
		return EAGAIN;
	w = obj_new(sizeof(*w), NULL);
	if (!w)
		return ENOMEM;
	w->fiber = fiber_self();
	err = media_stats(m, stats_came, obj_hold(w));
	if (err)
		obj_drop(w);
	while (!err && !w->done)
		fiber_wait();
	*st = w->st;
	obj_drop(w);
	return err;
}

/* ---- all at once, as one line ----------------------------------------------------------- */

static void put_spread(struct buf *out, const char *pad, const char *what, const struct spread *s)
{
	buf_printf(out, "%smin%s=%010.6f;%smax%s=%010.6f;%savg%s=%010.6f;%sstdev%s=%010.6f;", pad, what, s->min, pad, what, s->max,
		   pad, what, s->mean, pad, what, s->stdev);
}

static void put_both(struct buf *out, const char *pad, const char *rx, const struct spread *of_rx, const char *tx,
		     const struct spread *of_tx)
{
	put_spread(out, pad, rx, of_rx);
	put_spread(out, pad, tx, of_tx);
}

static void put_all(struct buf *out, const struct media_stats *st)
{
	const struct media_quality *q = &st->quality;

	buf_printf(out, "ssrc=%u;themssrc=%u;lp=%llu;rxjitter=%f;rxcount=%llu;", st->ssrc, st->remote_ssrc,
		   (unsigned long long)st->rx_lost, st->rx_jitter_ms / 1000, (unsigned long long)st->rx);
	buf_printf(out, "txjitter=%f;txcount=%llu;rlp=%llu;rtt=%f;rxmes=%f;txmes=%f", st->remote_jitter_ms / 1000,
		   (unsigned long long)st->tx, (unsigned long long)st->remote_lost, st->rtt_ms / 1000, q->mes.last, q->remote_mes.last);
}

void session_quality_write(struct buf *out, enum session_quality kind, const struct media_stats *st)
{
	const struct media_quality *q = &st->quality;

	switch (kind) {
	case QUALITY_ALL:
		put_all(out, st);
		break;
	case QUALITY_JITTER:
		put_both(out, "", "rxjitter", &q->jitter, "txjitter", &q->remote_jitter);
		break;
	case QUALITY_LOSS:
		put_both(out, "  ", "rxlost", &q->lost, "txlost", &q->remote_lost);
		break;
	case QUALITY_RTT:
		put_spread(out, "     ", "rtt", &q->rtt);
		break;
	case QUALITY_MES:
		put_both(out, "   ", "rxmes", &q->mes, "txmes", &q->remote_mes);
		break;
	}
}

/* ---- when it has ended -------------------------------------------------------------------- */

static const struct qos_row {
	struct str own, bridged;
	enum session_quality kind;
} qos_rows[] = {
	{ STR_INIT("RTPAUDIOQOS"), STR_INIT("RTPAUDIOQOSBRIDGED"), QUALITY_ALL },
	{ STR_INIT("RTPAUDIOQOSJITTER"), STR_INIT("RTPAUDIOQOSJITTERBRIDGED"), QUALITY_JITTER },
	{ STR_INIT("RTPAUDIOQOSLOSS"), STR_INIT("RTPAUDIOQOSLOSSBRIDGED"), QUALITY_LOSS },
	{ STR_INIT("RTPAUDIOQOSRTT"), STR_INIT("RTPAUDIOQOSRTTBRIDGED"), QUALITY_RTT },
	{ STR_INIT("RTPAUDIOQOSMES"), STR_INIT("RTPAUDIOQOSMESBRIDGED"), QUALITY_MES },
};

enum { QOS_WAITING = 8 };
/* The numbers are on their way into variables of the channel and of the one it was bridged to. */
struct session_qos {            /* obj */
	struct channel *ch, *peer;      /* held until done; peer NULL: none */
	struct fiber *waiting[QOS_WAITING];     /* who read such a variable meanwhile */
	size_t n;
	bool done;
};

static void qos_free(void *arg)
{
	struct session_qos *q = arg;

	obj_drop(q->ch);
	obj_drop(q->peer);
}

static void set_once(struct channel *ch, struct str name, struct str value)
{
	struct str was;

	if (ch && !ch->dead && !(vars_get(&ch->vars, name, &was) && was.n))
		pbx_setvar(ch->pbx, ch, name, value);
}

static void qos_came(void *arg, const struct media_stats *st)
{
	struct session_qos *q = arg;

	for (size_t i = 0; st && i < ARRAY_LEN(qos_rows); i++) {
		struct buf b = BUF_INIT;

		session_quality_write(&b, qos_rows[i].kind, st);
		set_once(q->ch, qos_rows[i].own, buf_view(&b));
		set_once(q->peer, qos_rows[i].bridged, buf_view(&b));
		buf_free(&b);
	}
	obj_drop(q->ch);
	obj_drop(q->peer);
	q->ch = q->peer = NULL;
	q->done = true;
	for (size_t i = 0; i < q->n; i++)
		fiber_wake(q->waiting[i]);
	obj_drop(q);
}

void session_quality_ended(struct session *s, struct media_session *m)
{
	struct channel *peer;
	struct session *other;
	struct session_qos *q;

	if (!m || !s->ch || s->qos[0])
		return;
	q = obj_new(sizeof(*q), qos_free);
	if (!q)
		return;
	peer = bridge_peer(s->ch);
	other = session_of_channel(peer);
	q->ch = obj_hold(s->ch);
	q->peer = obj_hold(peer);
	if (media_stats(m, qos_came, q)) {
		obj_drop(q);
		return;
	}
	s->qos[0] = obj_hold(q);
	if (other && !other->qos[1])
		other->qos[1] = obj_hold(q);
}

static void wait_for(struct session_qos *q)
{
	if (!q || q->done || !fiber_self() || q->n == QOS_WAITING)
		return;
	obj_hold(q);
	q->waiting[q->n++] = fiber_self();
	while (!q->done)
		fiber_wait();
	obj_drop(q);
}

/* The variables are the channel's own; who reads one too early waits a moment. */
static bool read_late(struct channel *ch, struct buf *out)
{
	struct session *s = session_of_channel(ch);

	(void)out;
	if (s)
		wait_for(s->qos[0]);
	s = session_of_channel(ch);
	if (s)
		wait_for(s->qos[1]);
	return false;
}

int session_quality_register(struct pbx *p)
{
	static const struct builtin builtins[] = {
		{ "RTPAUDIOQOS", read_late }, { "RTPAUDIOQOSBRIDGED", read_late }, { "RTPAUDIOQOSJITTER", read_late },
		{ "RTPAUDIOQOSJITTERBRIDGED", read_late }, { "RTPAUDIOQOSLOSS", read_late },
		{ "RTPAUDIOQOSLOSSBRIDGED", read_late }, { "RTPAUDIOQOSRTT", read_late }, { "RTPAUDIOQOSRTTBRIDGED", read_late },
		{ "RTPAUDIOQOSMES", read_late }, { "RTPAUDIOQOSMESBRIDGED", read_late },
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_LEN(builtins); i++)
		err = pbx_add_builtin(p, &builtins[i]);
	return err;
}

/* ---- reports --------------------------------------------------------------------------------- */

static const struct neg_stream *stream_of(struct session *s, const struct media_session *m)
{
	for (size_t i = 0; s->neg && i < neg_count(s->neg); i++)
		if (session_stream_media(neg_stream(s->neg, i)) == m)
			return neg_stream(s->neg, i);
	return NULL;
}

static void put_block(struct event *ev, const struct rtcp_block *b)
{
	event_printf(ev, "Report0SourceSSRC", "0x%.8x", b->ssrc);
	event_printf(ev, "Report0FractionLost", "%u", b->fraction);
	event_printf(ev, "Report0CumulativeLost", "%u", (unsigned)b->lost & 0xffffff);
	event_printf(ev, "Report0HighestSequence", "%u", b->max_seq & 0xffff);
	event_printf(ev, "Report0SequenceNumberCycles", "%u", b->max_seq >> 16);
	event_printf(ev, "Report0IAJitter", "%u", b->jitter);
	event_printf(ev, "Report0LSR", "%u", b->lsr);
	event_printf(ev, "Report0DLSR", "%4.4f", b->dlsr / 65536.0);
}

static void put_report(struct event *ev, const struct media_event *e)
{
	if (!e->rtcp.sent)
		event_printf(ev, "RTT", "%4.4f", (double)e->rtcp.rtt);
	event_printf(ev, "MES", "%4.1f", (double)e->rtcp.mes);
	event_printf(ev, "SSRC", "0x%.8x", e->rtcp.ssrc);
	event_printf(ev, "PT", "%d(%s)", e->rtcp.sr ? RTCP_SR : RTCP_RR, e->rtcp.sr ? "SR" : "RR");
	event_printf(ev, "ReportCount", "%d", e->rtcp.has_block);
	if (e->rtcp.sr) {
		event_printf(ev, "SentNTP", "%u.%06u", e->rtcp.ntp_sec - 2208988800u,
			     (unsigned)((uint64_t)e->rtcp.ntp_frac * 1000000 >> 32));
		event_printf(ev, "SentRTP", "%u", e->rtcp.ts);
		event_printf(ev, "SentPackets", "%u", e->rtcp.packets);
		event_printf(ev, "SentOctets", "%u", e->rtcp.octets);
	}
	if (e->rtcp.has_block)
		put_block(ev, &e->rtcp.block);
}

static void tell_managers(struct session *s, const struct media_session *m, const struct media_event *e)
{
	const struct neg_stream *st = stream_of(s, m);
	struct event *ev = event_new(s->svc->pbx->events, e->rtcp.sent ? "RTCPSent" : "RTCPReceived", EV_REPORTING);
	struct sa ours = { 0 };
	char near[SA_TEXT], far[SA_TEXT];

	if (!ev)
		return;
	if (st) {
		ours = st->local;
		if (!e->rtcp.mux)
			sa_set_port(&ours, sa_port(media_session_local_rtcp(m)));
	}
	sa_text(&ours, near);
	sa_text(&e->peer, far);
	event_channel(ev, "", s->ch);
	event_put(ev, "To", str_z(e->rtcp.sent ? far : near));
	event_put(ev, "From", str_z(e->rtcp.sent ? near : far));
	put_report(ev, e);
	event_send(s->svc->pbx->events, ev);
}

void session_rtcp_event(struct session *s, const struct media_session *m, const struct media_event *e)
{
	const struct rtcp_block *b = &e->rtcp.block;
	char peer[SA_TEXT];

	if (e->type != MEDIA_RTCP || !s->ch)
		return;
	tell_managers(s, m, e);
	debug_line(s->svc, DEBUG_RTCP, 1, "%s: RTCP %s %s %s", text_z(&s->ch->name), e->rtcp.sr ? "SR" : "RR",
		   e->rtcp.sent ? "sent to" : "from", sa_text(&e->peer, peer));
	if (s->svc->debug.stats && e->rtcp.has_block)
		log_write(LOG_VERBOSE, LOG_MODULE, 0, "%s: %s %s: lost %d, fraction %u/256, jitter %u, RTT %4.4f, MES %4.1f",
			  text_z(&s->ch->name), e->rtcp.sent ? "we told" : "heard from", sa_text(&e->peer, peer), b->lost, b->fraction,
			  b->jitter, (double)e->rtcp.rtt, (double)e->rtcp.mes);
}
