/* CHANNEL() of a PJSIP channel: its dialog, its media, its numbers. */
#include "media/media.h"
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include <errno.h>

/* CHANNEL(item,...) of a PJSIP channel. */

/* ---- CHANNEL(pjsip,what) -------------------------------------------------------------- */

/* Quotes escaped, so that an expression may compare it inside of quotes. */
static void put_escaped(struct buf *out, struct str v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, v.p[i]);
	}
}

/* From and To are shown as name-addr; ours without a port, which 19.1.1 of
 * RFC 3261 does not allow there. */
static void put_party(struct buf *out, struct str value, bool port)
{
	struct arena *ar = arena_new(512);
	struct buf uri = BUF_INIT, all = BUF_INIT;
	struct sip_addr a;

	if (!ar || sip_addr_parse(&a, value))
		goto out;
	if (port || !a.uri.host.n) {
		buf_put(&uri, a.uri_text);
	} else {
		buf_puts(&uri, a.uri.scheme, STR(":"), a.uri.user, a.uri.user.n ? STR("@") : STR_NULL, a.uri.host);
		if (a.uri.params.n)
			buf_puts(&uri, STR(";"), a.uri.params);
	}
	sip_write_addr(&all, sip_unquote(ar, a.display), buf_view(&uri));
	put_escaped(out, buf_view(&all));
 out:
	buf_free(&uri);
	buf_free(&all);
	arena_free(ar);
}

static bool dialog_item(struct session *s, struct str what, struct buf *out)
{
	const struct sip_dialog *d = session_dialog(s);

	if (!d)
		return false;
	if (str_ieq(what, STR("call-id")))
		buf_put(out, d->call_id);
	else if (str_ieq(what, STR("local_tag")))
		buf_put(out, d->local_tag);
	else if (str_ieq(what, STR("remote_tag")))
		buf_put(out, d->remote_tag);
	else if (str_ieq(what, STR("target_uri")))
		put_escaped(out, d->target);
	else if (str_ieq(what, STR("local_uri")))
		put_party(out, d->local, false);
	else if (str_ieq(what, STR("remote_uri")))
		put_party(out, d->remote, true);
	else if (str_ieq(what, STR("local_addr")))
		sa_write(out, &d->path.local);
	else if (str_ieq(what, STR("remote_addr")))
		sa_write(out, &d->path.peer);
	else
		return false;
	return true;
}

static int pjsip_item(struct session *s, struct str what, struct buf *out)
{
	if (dialog_item(s, what, out))
		return 0;
	if (str_ieq(what, STR("request_uri")))
		buf_put(out, s->seen.invite ? s->seen.invite->ruri.text : text_view(&s->callee.uri));
	else if (str_ieq(what, STR("secure")))
		buf_put(out, session_dialog(s) && net_is_secure(session_dialog(s)->path.proto) ? STR("1") : STR("0"));
	else if (str_ieq(what, STR("t38state")))
		buf_put(out, STR("DISABLED"));       /* it is not negotiated yet */
	else
		return ENOENT;
	return 0;
}

/* ---- CHANNEL(rtp,what,type) ------------------------------------------------------------- */

static void put_sa(struct buf *out, const struct sa *a)
{
	if (sa_is_set(a))
		sa_write(out, a);
	else
		buf_put(out, STR("(null)"));
}

static int rtp_item(const struct neg_stream *st, struct str what, struct buf *out)
{
	if (str_ieq(what, STR("src")))
		put_sa(out, &st->local);
	else if (str_ieq(what, STR("dest")))
		put_sa(out, &st->remote);
	else if (str_ieq(what, STR("hold")))
		buf_char(out, st->remote_hold ? '1' : '0');
	else if (str_ieq(what, STR("secure")))
		buf_char(out, st->secure.mode != NEG_CLEAR ? '1' : '0');
	else if (str_ieq(what, STR("direct")))
		buf_put(out, STR("(null)"));    /* media never goes around us */
	else
		return ENOENT;
	return 0;
}

/* ---- CHANNEL(rtcp,what,type) -------------------------------------------------------------- */

struct stats_wait {             /* obj */
	struct media_stats st;
	struct fiber *fiber;
	bool done;
};

static void stats_came(void *arg, const struct media_stats *st)
{
	struct stats_wait *w = arg;

	if (st) {
		w->st = *st;
		w->done = true;
		fiber_wake(w->fiber);
	}
	obj_drop(w);
}

/* The media thread has the numbers; the dialplan's fiber waits for its turn. */
static int ask_stats(struct media_session *m, struct media_stats *st)
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

static double seconds(double ms)
{
	return ms / 1000;
}

static void all_jitter(const struct media_stats *st, struct buf *out)
{
	double rx = seconds(st->rx_jitter_ms), far = seconds(st->remote_jitter_ms);

	buf_printf(out, "minrxjitter=%f;maxrxjitter=%f;avgrxjitter=%f;stdevrxjitter=%f;", rx, rx, rx, 0.0);
	buf_printf(out, "reported_minjitter=%f;reported_maxjitter=%f;reported_avgjitter=%f;"
		   "reported_stdevjitter=%f;", far, far, far, 0.0);
}

static void all_loss(const struct media_stats *st, struct buf *out)
{
	double rx = (double)st->rx_lost, far = (double)st->remote_lost;

	buf_printf(out, "minrxlost=%f;maxrxlost=%f;avgrxlost=%f;stdevrxlost=%f;", rx, rx, rx, 0.0);
	buf_printf(out, "reported_minlost=%f;reported_maxlost=%f;reported_avglost=%f;reported_stdevlost=%f;",
		   far, far, far, 0.0);
}

static void all_rtt(const struct media_stats *st, struct buf *out)
{
	double rtt = seconds(st->rtt_ms);

	buf_printf(out, "minrtt=%f;maxrtt=%f;avgrtt=%f;stdevrtt=%f;", rtt, rtt, rtt, 0.0);
}

static void all(const struct media_stats *st, struct buf *out)
{
	buf_printf(out, "ssrc=%u;themssrc=%u;lp=%llu;rxjitter=%f;rxcount=%llu;", st->ssrc, st->remote_ssrc,
		   (unsigned long long)st->rx_lost, seconds(st->rx_jitter_ms), (unsigned long long)st->rx);
	buf_printf(out, "txjitter=%f;txcount=%llu;rlp=%llu;rtt=%f", seconds(st->remote_jitter_ms),
		   (unsigned long long)st->tx, (unsigned long long)st->remote_lost, seconds(st->rtt_ms));
}

static const struct { struct str name; void (*put)(const struct media_stats *st, struct buf *out); } summaries[] = {
	{ STR_INIT("all"), all }, { STR_INIT("all_jitter"), all_jitter }, { STR_INIT("all_loss"), all_loss },
	{ STR_INIT("all_rtt"), all_rtt },
};

/* Names end in what is measured; the last value stands for least, most and mean. */
static bool spread_item(const struct media_stats *st, struct str what, struct buf *out)
{
	static const struct str how[] = { STR_INIT("max"), STR_INIT("min"), STR_INIT("normdev"), STR_INIT("stdev") };
	bool far = str_istarts(what, STR("remote_"));
	struct str rest = far ? str_skip(what, 7) : str_istarts(what, STR("local_")) ? str_skip(what, 6) : what;
	size_t i = 0;
	double v;

	while (i < ARRAY_LEN(how) && !str_istarts(rest, how[i]))
		i++;
	if (i == ARRAY_LEN(how))
		return false;
	rest = str_skip(rest, how[i].n);
	if (str_ieq(rest, STR("jitter")))
		v = seconds(far ? st->remote_jitter_ms : st->rx_jitter_ms);
	else if (str_ieq(rest, STR("rxploss")))
		v = (double)(far ? st->remote_lost : st->rx_lost);
	else if (str_ieq(rest, STR("rtt")))
		v = seconds(st->rtt_ms);
	else
		return false;
	buf_printf(out, "%f", i == 3 ? 0.0 : v);
	return true;
}

static int rtcp_item(const struct media_stats *st, struct str what, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(summaries); i++) {
		if (str_ieq(what, summaries[i].name)) {
			summaries[i].put(st, out);
			return 0;
		}
	}
	if (str_ieq(what, STR("txcount")))
		buf_printf(out, "%llu", (unsigned long long)st->tx);
	else if (str_ieq(what, STR("rxcount")))
		buf_printf(out, "%llu", (unsigned long long)st->rx);
	else if (str_ieq(what, STR("txoctetcount")))
		buf_printf(out, "%llu", (unsigned long long)st->tx_bytes);
	else if (str_ieq(what, STR("rxoctetcount")))
		buf_printf(out, "%llu", (unsigned long long)st->rx_bytes);
	else if (str_ieq(what, STR("txjitter")))
		buf_printf(out, "%f", seconds(st->remote_jitter_ms));
	else if (str_ieq(what, STR("rxjitter")))
		buf_printf(out, "%f", seconds(st->rx_jitter_ms));
	else if (str_ieq(what, STR("txploss")))
		buf_printf(out, "%llu", (unsigned long long)st->remote_lost);
	else if (str_ieq(what, STR("rxploss")))
		buf_printf(out, "%llu", (unsigned long long)st->rx_lost);
	else if (str_ieq(what, STR("rtt")))
		buf_printf(out, "%f", seconds(st->rtt_ms));
	else if (str_ieq(what, STR("local_ssrc")))
		buf_printf(out, "%u", st->ssrc);
	else if (str_ieq(what, STR("remote_ssrc")))
		buf_printf(out, "%u", st->remote_ssrc);
	else if (!spread_item(st, what, out))
		return ENOENT;
	return 0;
}

/* rtp and rtcp: of the first stream of that type, audio unless told; no such stream: empty. */
static int media_item(struct session *s, bool rtcp, struct str what, struct str type, struct buf *out)
{
	enum media_type t = type.n ? media_type_parse(type) : MEDIA_AUDIO;
	struct neg_stream *st;
	struct media_stats stats;
	int err;

	if (t != MEDIA_AUDIO && t != MEDIA_VIDEO)
		return EINVAL;
	st = s->neg ? neg_first(s->neg, t) : NULL;
	if (!st)
		return 0;
	if (!rtcp)
		return rtp_item(st, what, out);
	if (!st->port)
		return 0;
	err = ask_stats(session_stream_media(st), &stats);
	return err ? err : rtcp_item(&stats, what, out);
}

/* ---- formats ---------------------------------------------------------------------------------- */

static bool is_format_item(struct str item, enum media_type *t)
{
	*t = str_istarts(item, STR("video")) ? MEDIA_VIDEO : MEDIA_AUDIO;
	return str_ieq(item, STR("audioreadformat")) || str_ieq(item, STR("audiowriteformat")) ||
	       str_ieq(item, STR("videoreadformat")) || str_ieq(item, STR("videowriteformat"));
}

static int format_item(struct session *s, struct str item, struct buf *out)
{
	struct formats native = { 0 };
	struct neg_stream *st;
	enum media_type t;

	if (is_format_item(item, &t)) {
		st = s->neg ? neg_first(s->neg, t) : NULL;
		if (st && st->ncodecs)
			buf_put(out, str_z(format_get((enum format_id)st->codecs[0].id)->name));
		return 0;
	}
	if (str_ieq(item, STR("audionativeformat")))
		formats_add_all(&native, &s->formats.native, MEDIA_AUDIO);
	else if (str_ieq(item, STR("videonativeformat")))
		formats_add_all(&native, &s->formats.native, MEDIA_VIDEO);
	else
		return ENOENT;
	formats_write(out, &native);
	return 0;
}

int functions_channel_read(struct channel *ch, struct str item, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct str a[4] = { STR_NULL, STR_NULL, STR_NULL, STR_NULL };
	size_t n = pbx_args(item, a, ARRAY_LEN(a));

	if (!s || !n)
		return ENOENT;
	for (size_t i = 0; i < n; i++)
		a[i] = str_trim(a[i]);
	if (str_ieq(a[0], STR("pjsip")))
		return pjsip_item(s, a[1], out);
	if (str_ieq(a[0], STR("rtp")) || str_ieq(a[0], STR("rtcp")))
		return media_item(s, str_ieq(a[0], STR("rtcp")), a[1], a[2], out);
	if (str_ieq(a[0], STR("secure_media"))) {
		buf_put(out, session_is_secure(s) ? STR("1") : STR_NULL);
		return 0;
	}
	if (str_ieq(a[0], STR("secure_signaling")))
		return pjsip_item(s, STR("secure"), out);
	if (str_ieq(a[0], STR("endpoint"))) {
		buf_put(out, s->ep->name);
		return 0;
	}
	if (str_ieq(a[0], STR("contact"))) {
		if (s->callee.contact)
			buf_put(out, s->callee.contact->id);
		return 0;
	}
	return format_item(s, a[0], out);
}

int functions_channel_write(struct channel *ch, struct str item, struct str value)
{
	(void)ch;
	(void)item;
	(void)value;
	return ENOENT;
}
