/* Streams beside the first one of sound: two legs kept alike, their media joined; and StreamEcho. */
#define LOG_MODULE "session"
#include "media/media.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "service/call/channel_tech.h"
#include "service/call/functions_private.h"

/* Video and what else is not the one sound stream that the pbx handles: the
 * two legs of a call are kept alike, the n-th of a type with the n-th, and their media joined here. Only what a
 * peer itself offers is handed on to the other leg, never what it answers: so
 * a leg that declines does not start a quarrel. */

static struct session *facing(struct session *s)
{
	struct channel *peer = s->ch ? bridge_peer(s->ch) : NULL;
	struct channel *end = peer ? channel_media_end(peer) : NULL;   /* behind Local halves */

	return session_of_channel(end ? end : peer);
}

/* The k-th stream of a type, active or not. */
static struct neg_stream *nth(struct session *s, enum media_type t, size_t k, size_t *place)
{
	for (size_t i = 0; s->neg && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (st->type != t || k--)
			continue;
		*place = i;
		return st;
	}
	return NULL;
}

/* The types that are handled here, and which of their streams is the first that is. */
static const struct { enum media_type type; size_t from; } further[] = { { MEDIA_AUDIO, 1 }, { MEDIA_VIDEO, 0 } };

/* The first may have been declined. */
static bool is_sound(struct session *s, const struct neg_stream *st)
{
	return st == neg_first(s->neg, MEDIA_AUDIO);
}

bool session_is_sound(struct session *s, const struct media_session *m)
{
	size_t place;
	struct neg_stream *st;

	for (size_t k = 0; (st = nth(s, MEDIA_AUDIO, k, &place)); k++)
		if (session_stream_media(st) == m && !is_sound(s, st) && neg_first(s->neg, MEDIA_AUDIO))
			return false;
	return media_session_type(m) == MEDIA_AUDIO;
}

/* ---- one leg after the other ------------------------------------------------------------ */

/* What both can: ours in the order of our endpoint, by what they speak. */
static void common(struct session *s, const struct neg_stream *theirs, struct formats *out)
{
	struct formats all;

	session_formats(s, &all);
	*out = (struct formats){ 0 };
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < theirs->ncodecs; k++)
			if (all.v[i].id == theirs->codecs[k].id)
				formats_add(out, (enum format_id)all.v[i].id, all.v[i].ptime);
}

static uint32_t most(const struct session *s, enum media_type t)
{
	return t == MEDIA_AUDIO ? s->ep->max_audio_streams : s->ep->max_video_streams;
}

static bool make_plan(struct session *s, const struct neg_stream *theirs, size_t k)
{
	struct stream_plan *p = &s->streams.plan[s->streams.plans++];
	size_t place;
	struct neg_stream *ours = nth(s, theirs->type, k, &place);

	p->type = (uint8_t)theirs->type;
	p->nth = (uint8_t)k;
	p->active = theirs->active && k < most(s, theirs->type);
	p->want = theirs->active ? sdp_dir_reverse(theirs->dir) : SDP_INACTIVE;
	common(s, theirs, &p->formats);
	p->active &= p->formats.n > 0;
	if (!ours)
		return p->active;
	return p->active != ours->active || (p->active && p->want != ours->dir);
}

void session_streams_offered(struct session *s)
{
	struct session *other = facing(s);
	struct neg_stream *st;
	bool changed = false;
	size_t place;

	if (!other || !session_is_up(other) || !other->neg)
		return;
	other->streams.plans = 0;
	for (size_t t = 0; t < ARRAY_LEN(further); t++)
		for (size_t k = further[t].from; other->streams.plans < STREAM_PLANS && (st = nth(s, further[t].type, k, &place)); k++)
			changed |= make_plan(other, st, k);
	if (changed)
		ua_invite_refresh(other->iv, false);
	else
		other->streams.plans = 0;
}

/* Before an offer of ours: what the other leg has. */
void session_streams_plan(struct session *s)
{
	for (size_t i = 0; i < s->streams.plans; i++) {
		const struct stream_plan *p = &s->streams.plan[i];
		enum media_type t = (enum media_type)p->type;
		size_t place;
		struct neg_stream *st = nth(s, t, p->nth, &place);

		if (!st && p->active && neg_stream_add(s->neg, t, &p->formats, &place) == 0)
			st = neg_stream(s->neg, place);
		else if (st)
			neg_stream_set(s->neg, place, p->active ? &p->formats : NULL, p->active);
		if (st && p->active)
			st->want = p->want;
	}
	s->streams.plans = 0;
}

void session_streams_formats(struct channel *requestor, struct formats *out)
{
	struct channel *end = requestor ? channel_media_end(requestor) : NULL;
	struct session *s = session_of_channel(end ? end : requestor);

	*out = (struct formats){ 0 };
	if (s && s->neg)
		neg_formats(s->neg, out);
	for (unsigned i = 0; i < out->n; i++)
		out->v[i].ptime = 0;
}

/* ---- what nobody could pass on is not agreed on ------------------------------------------- */

static size_t count(const struct session *s, enum media_type t)
{
	size_t n = 0;

	for (size_t i = 0; s && s->neg && i < neg_count(s->neg); i++)
		n += neg_stream(s->neg, i)->type == t && neg_stream(s->neg, i)->active;
	return n;
}

size_t session_streams_videos(const struct session *s)
{
	return count(s, MEDIA_VIDEO);
}

size_t session_streams_sounds(const struct session *s)
{
	size_t n = s->streams.of_caller < 1 ? 1 : s->streams.of_caller;

	return n < s->ep->max_audio_streams ? n : s->ep->max_audio_streams;
}

void session_streams_called_by(struct session *s, struct channel *requestor)
{
	struct channel *end = requestor ? channel_media_end(requestor) : NULL;
	struct session *caller = session_of_channel(end ? end : requestor);

	s->streams.of_caller = (uint8_t)count(caller, MEDIA_AUDIO);
	if (caller && session_streams_videos(caller))
		s->caller = obj_hold(caller);
}

/* Its packets of video have one row of transport-cc numbers, and so one receiver has to get all of them. */
static bool is_spread(struct session *s)
{
	int root = -1;

	for (size_t i = 0; s && s->neg && i < neg_count(s->neg); i++) {
		const struct neg_stream *st = neg_stream(s->neg, i);
		int own = st->bundled_in >= 0 ? st->bundled_in : (int)i;

		if (st->type != MEDIA_VIDEO || !st->active)
			continue;
		if (root >= 0 && own != root)
			return true;
		root = own;
	}
	return false;
}

static void limit(struct session *s, size_t place, const struct neg_stream *other, bool one_row)
{
	struct neg_stream *st = neg_stream(s->neg, place);

	st->feedback = 0;
	st->exts = 1u << RTP_EXT_MID;
	for (unsigned e = 0; e < RTP_EXTS; e++)
		st->exts |= (uint8_t)((other->ext[e] != 0) << e);
	for (size_t i = 0; i < other->ncodecs; i++) {
		const struct neg_codec *c = &other->codecs[i];

		st->feedback |= c->feedback;
		if (c->fmtp.n && neg_fmtp_follow(s->neg, place, (enum format_id)c->id, text_view(&c->fmtp)))
			log_error("no memory for what the other leg says of its video");
	}
	if (one_row)
		return;
	st->exts &= NEG_EXTS_ALONE;
	st->feedback &= NEG_FEEDBACK_ALONE;
}

static void limit_by(struct session *s, struct session *other)
{
	const struct neg_stream *o;
	struct neg_stream *st;
	size_t place, there;
	bool one_row = !is_spread(s) && !is_spread(other) && (session_streams_videos(other) < 2 || s->ep->bundle);

	for (size_t k = 0; (st = nth(s, MEDIA_VIDEO, k, &place)); k++) {
		o = other ? nth(other, MEDIA_VIDEO, k, &there) : NULL;
		st->feedback = NEG_FEEDBACK_ALONE;
		st->exts = NEG_EXTS_ALONE;
		if (o && o->active)
			limit(s, place, o, one_row);
	}
}

void session_streams_limit(struct session *s)
{
	struct session *other = facing(s);

	if (!other && s->caller && s->caller->neg)
		other = s->caller;
	/* An answer that is due after the other leg's is limited by that already. */
	if (other || !s->streams.told)
		limit_by(s, other);
	s->streams.told = false;
}

void session_streams_tell(struct session *s, bool last)
{
	struct session *caller = s->caller;

	if (caller && caller->neg && caller->ch && ua_invite_exchange(caller->iv) == UA_EXCHANGE_THEIRS && session_streams_videos(s)) {
		limit_by(caller, s);
		caller->streams.told = true;
	}
	if (last)
		s->caller = obj_drop(caller);
}

/* ---- media --------------------------------------------------------------------------------- */

void session_streams_part(struct session *s)
{
	struct neg_stream *st;
	size_t place;

	for (size_t t = 0; t < ARRAY_LEN(further); t++)
		for (size_t k = further[t].from; (st = nth(s, further[t].type, k, &place)); k++)
			if (session_stream_media(st) && !is_sound(s, st) && media_session_bridged(session_stream_media(st)))
				media_unbridge(session_stream_media(st));
}

void session_streams_join(struct session *s)
{
	struct session *other = facing(s);
	struct neg_stream *a, *b;
	size_t i, k;

	if (!other) {
		session_streams_part(s);
		return;
	}
	for (size_t t = 0; t < ARRAY_LEN(further); t++)
		for (k = further[t].from; (a = nth(s, further[t].type, k, &i)) && (b = nth(other, further[t].type, k, &i)); k++)
			if (a->port && b->port && a->active && b->active && !is_sound(s, a) && !is_sound(other, b))
				media_bridge(session_stream_media(a), session_stream_media(b));
}

/* ---- StreamEcho(number[,type]) ---------------------------------------------------------------- */

/* Keeps the first `n` streams of a type and offers to end the others. */
static bool reduce(struct session *s, enum media_type t, size_t n)
{
	struct neg_stream *st;
	bool changed = false;
	size_t place;

	for (size_t k = 0; (st = nth(s, t, k, &place)); k++)
		changed |= k >= n && st->active;
	if (!changed)
		return false;
	s->streams.reduce_to = (uint8_t)n;
	s->streams.reduce_type = (uint8_t)t;
	s->streams.reduce = true;
	return true;
}

void session_streams_reduce(struct session *s)
{
	size_t place;

	if (!s->streams.reduce)
		return;
	s->streams.reduce = false;
	for (size_t k = s->streams.reduce_to; nth(s, (enum media_type)s->streams.reduce_type, k, &place); k++)
		neg_stream_set(s->neg, place, NULL, false);
}

static void echo_all(struct session *s, bool on)
{
	for (size_t i = 0; s->neg && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (st->port && st->active)
			media_echo(session_stream_media(st), on);
	}
}

int app_stream_echo_run(struct channel *ch, struct str data)
{
	struct session *s = session_of_channel(ch);
	struct str a[2] = { STR_NULL, STR_NULL };
	enum media_type t = MEDIA_VIDEO;
	struct chan_event *ev;
	bool pound = false;
	uint32_t n = 0;

	pbx_args(data, a, ARRAY_LEN(a));
	if (a[1].n)
		t = media_type_parse(str_trim(a[1]));
	if (!s || (t != MEDIA_AUDIO && t != MEDIA_VIDEO) || (str_trim(a[0]).n && str_u32(str_trim(a[0]), &n)))
		return -1;
	if (n && s->neg && reduce(s, t, n))
		ua_invite_refresh(s->iv, false);
	echo_all(s, true);
	while (!pound && !channel_next(ch, UINT64_MAX, &ev)) {
		/* A transfer may have given the channel another session, or none. */
		s = session_of_channel(ch);
		if (s && ev->type == CE_MEDIA)
			echo_all(s, true);
		pound = ev->type == CE_DTMF_END && ev->digit == '#';
		chan_event_free(ev);
	}
	s = session_of_channel(ch);
	if (s)
		echo_all(s, false);
	return pound ? 0 : -1;
}
