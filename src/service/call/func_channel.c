/* CHANNEL() of a PJSIP channel: its dialog, its media, its numbers. */
#include "media/media.h"
#include "pbx/dialplan.h"
#include "service/call/functions_private.h"
#include "service/call/session_t38.h"
#include <errno.h>
#include <stddef.h>

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
		put_party(out, d->remote, s->incoming);
	else if (str_ieq(what, STR("local_addr")) && s->incoming)
		sa_write(out, &d->path.local);
	else if (str_ieq(what, STR("remote_addr")) && s->incoming)
		sa_write(out, &d->path.peer);   /* of a call of ours neither is told, in Asterisk neither */
	else
		return false;
	return true;
}

static int pjsip_item(struct session *s, struct str what, struct buf *out)
{
	if (dialog_item(s, what, out))
		return 0;
	if (str_ieq(what, STR("request_uri")))
		buf_put(out, s->seen.invite ? s->seen.invite->ruri.text : STR_NULL);
	else if (str_ieq(what, STR("target_uri")))
		put_escaped(out, text_view(&s->callee.uri));    /* nothing has been sent yet */
	else if (str_ieq(what, STR("remote_uri")))
		put_party(out, text_view(&s->callee.uri), false);
	else if (str_ieq(what, STR("secure")))
		buf_put(out, session_dialog(s) && net_is_secure(session_dialog(s)->path.proto) ? STR("1") : STR("0"));
	else if (str_ieq(what, STR("t38state")))
		buf_put(out, str_z(session_t38_name(s)));
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

static int rtp_item(const struct session *s, const struct neg_stream *st, struct str what, struct buf *out)
{
	static const struct sa none;
	bool sound = st == neg_first(s->neg, MEDIA_AUDIO);

	if (str_ieq(what, STR("src")))
		put_sa(out, sound && session_is_direct(s) ? &s->direct.own : &st->local);
	else if (str_ieq(what, STR("dest")))
		put_sa(out, &st->remote);
	else if (str_ieq(what, STR("hold")))
		buf_char(out, st->remote_hold ? '1' : '0');
	else if (str_ieq(what, STR("secure")))
		buf_char(out, st->secure.mode != NEG_CLEAR ? '1' : '0');
	else if (str_ieq(what, STR("direct")))
		put_sa(out, sound ? &s->direct.addr : &none);
	else
		return ENOENT;
	return 0;
}

/* ---- CHANNEL(rtcp,what,type) -------------------------------------------------------------- */

static const struct { struct str name; enum session_quality kind; } summaries[] = {
	{ STR_INIT("all"), QUALITY_ALL }, { STR_INIT("all_jitter"), QUALITY_JITTER }, { STR_INIT("all_loss"), QUALITY_LOSS },
	{ STR_INIT("all_rtt"), QUALITY_RTT }, { STR_INIT("all_mes"), QUALITY_MES },
};

#define COUNT(name, field) { STR_INIT(name), offsetof(struct media_stats, field) }
static const struct { struct str name; size_t at; } counts[] = {
	COUNT("txcount", tx), COUNT("rxcount", rx), COUNT("txoctetcount", tx_bytes), COUNT("rxoctetcount", rx_bytes),
	COUNT("txploss", remote_lost), COUNT("rxploss", rx_lost),
};

/* What is measured, by the end of its name: what we say of the peer's packets, and the peer of ours. */
#define SPREAD(name, ours, theirs) { STR_INIT(name), offsetof(struct media_quality, ours), offsetof(struct media_quality, theirs) }
static const struct { struct str name; size_t ours, theirs; } spreads[] = {
	SPREAD("jitter", jitter, remote_jitter), SPREAD("rxploss", lost, remote_lost), SPREAD("mes", mes, remote_mes),
};
static const struct { struct str name; size_t at; } parts[] = {
	{ STR_INIT("max"), offsetof(struct spread, max) }, { STR_INIT("min"), offsetof(struct spread, min) },
	{ STR_INIT("normdev"), offsetof(struct spread, mean) }, { STR_INIT("stdev"), offsetof(struct spread, stdev) },
};

/* Of `s` the part that `what` begins with, if `name` is all that follows. */
static bool put_part(struct buf *out, const struct spread *s, struct str what, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (str_istarts(what, parts[i].name) && str_ieq(str_skip(what, parts[i].name.n), name)) {
			buf_printf(out, "%f", *(const double *)(const void *)((const char *)s + parts[i].at));
			return true;
		}
	return false;
}

/* local_maxjitter, remote_normdevmes, stdevrtt, ... */
static bool spread_item(const struct media_quality *q, struct str what, struct buf *out)
{
	bool far = str_istarts(what, STR("remote_"));
	struct str rest = str_skip(what, far ? 7 : 6);

	if (put_part(out, &q->rtt, what, STR("rtt")))
		return true;
	if (!far && !str_istarts(what, STR("local_")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(spreads); i++)
		if (put_part(out, (const void *)((const char *)q + (far ? spreads[i].theirs : spreads[i].ours)), rest, spreads[i].name))
			return true;
	return false;
}

static bool number_item(const struct media_stats *st, struct str what, struct buf *out)
{
	const struct { struct str name; double v; } last[] = {
		{ STR("txjitter"), st->remote_jitter_ms / 1000 }, { STR("rxjitter"), st->rx_jitter_ms / 1000 },
		{ STR("rtt"), st->rtt_ms / 1000 }, { STR("txmes"), st->quality.remote_mes.last }, { STR("rxmes"), st->quality.mes.last },
	};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (str_ieq(what, counts[i].name)) {
			buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)(const void *)((const char *)st + counts[i].at));
			return true;
		}
	for (size_t i = 0; i < ARRAY_LEN(last); i++)
		if (str_ieq(what, last[i].name)) {
			buf_printf(out, "%f", last[i].v);
			return true;
		}
	return false;
}

static int rtcp_item(const struct media_stats *st, struct str what, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(summaries); i++) {
		if (str_ieq(what, summaries[i].name)) {
			session_quality_write(out, summaries[i].kind, st);
			return 0;
		}
	}
	if (str_ieq(what, STR("local_ssrc")))
		buf_printf(out, "%u", st->ssrc);
	else if (str_ieq(what, STR("remote_ssrc")))
		buf_printf(out, "%u", st->remote_ssrc);
	else if (!number_item(st, what, out) && !spread_item(&st->quality, what, out))
		return ENOENT;
	return 0;
}

static bool is_agreed(const struct session *s)
{
	return session_is_up(s) || ua_invite_exchange(s->iv) == UA_EXCHANGE_NONE;
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
	/* There is none before it is agreed on. */
	if (!st || !is_agreed(s))
		return 0;
	if (!rtcp)
		return rtp_item(s, st, what, out);
	if (!st->port)
		return 0;
	err = session_stats(session_stream_media(st), &stats);
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
	st = s->neg ? neg_first(s->neg, MEDIA_AUDIO) : NULL;
	/* Once it is agreed what is spoken, the others are no more, but for asymmetric_rtp_codec. */
	if (str_ieq(item, STR("audionativeformat")) && st && st->ncodecs && is_agreed(s) &&
	    !s->ep->asymmetric_rtp_codec)
		formats_add(&native, (enum format_id)st->codecs[0].id, st->codecs[0].ptime);
	else if (str_ieq(item, STR("audionativeformat")) && st && s->incoming && !is_agreed(s))
		for (size_t i = 0; i < st->ncodecs; i++)        /* what both can */
			formats_add(&native, (enum format_id)st->codecs[i].id, st->codecs[i].ptime);
	else if (str_ieq(item, STR("audionativeformat")))
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
	if (str_ieq(a[0], STR("aor"))) {
		if (s->callee.contact && s->callee.contact->loc)
			buf_put(out, text_view(&s->callee.contact->loc->aor));
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
