/* sdp/negotiate_write.c -- the text of our offers and answers. */
#include "sdp/negotiate_int.h"
#include "base/obj.h"
#include <errno.h>
#include "base/poison.h"

static void write_host(struct buf *b, const struct sa *a)
{
	buf_put(b, sa_is_v6(a) ? STR("IN IP6 ") : STR("IN IP4 "));
	sa_write_bare(b, a);
}

/* A call writes dozens of numbers: printf would be a twentieth of its instructions. */
static void put_number(struct buf *b, struct str before, unsigned v)
{
	buf_put(b, before);
	buf_u64(b, v);
}

static void write_attr(struct buf *b, struct str name, struct str value)
{
	buf_puts(b, STR("a="), name);
	if (value.n)
		buf_puts(b, STR(":"), value);
	buf_put(b, STR("\r\n"));
}

/* ---- formats of one stream */

struct item {                   /* a number in the m= line */
	uint8_t pt;
	enum format_id id;      /* FORMAT_NONE: telephone-event */
	uint32_t rate;          /* of telephone-event */
	uint8_t feedback;
	struct str fmtp;
};

static struct str fmtp_in_force(const struct neg_row *r, enum format_id id)
{
	for (size_t i = 0; r->s.type == MEDIA_VIDEO && i < r->s.ncodecs; i++)
		if (r->s.codecs[i].id == id)
			return text_view(&r->s.codecs[i].fmtp);
	return STR_NULL;
}

/* A number of video keeps its meaning, and has it in all streams of a transport. */
static struct str video_fmtp(const struct neg *n, const struct neg_row *r, enum format_id id)
{
	struct str v = fmtp_in_force(r, id);

	if (!v.n)
		v = neg_fmtp_wanted(r, id);
	for (size_t i = 0; n->prm.bundle && !v.n && i < n->now.n; i++)
		if (n->now.v[i]->pt[id] == r->pt[id])
			v = fmtp_in_force(n->now.v[i], id);
	return v;
}

/* What is always said, in offers and, `theirs` being the peer's, in answers: without a word these do not mean what
 * everybody assumes. Who makes no silence frames needs no annex B; iLBC has 30 ms unless both say 20 (RFC 3952 5). */
static struct str fixed_fmtp(enum format_id id, bool answer, struct str theirs)
{
	switch (id) {
	case FORMAT_G729:
		return STR("annexb=no");
	case FORMAT_ILBC:
		return !answer || str_eq(neg_fmtp_param(theirs, STR("mode")), STR("20")) ? STR("mode=20") : STR("mode=30");
	case FORMAT_SIREN7:
		return STR("bitrate=32000");
	case FORMAT_SIREN14:
		return STR("bitrate=48000");
	case FORMAT_G719:
		return STR("bitrate=64000");
	default:
		return STR_NULL;
	}
}

static struct str offer_fmtp(const struct neg *n, const struct neg_row *r, enum format_id id)
{
	struct str wanted = video_fmtp(n, r, id);

	return wanted.n ? wanted : fixed_fmtp(id, false, STR_NULL);
}

static struct str answer_fmtp(const struct neg_codec *c)
{
	struct str fixed = fixed_fmtp((enum format_id)c->id, true, text_view(&c->fmtp));

	return fixed.n ? fixed : text_view(&c->fmtp);
}

static uint8_t offer_feedback(const struct neg *n, const struct neg_row *r)
{
	uint8_t bits = r->s.type == MEDIA_VIDEO && n->prm.use_avpf ? r->s.feedback : 0;

	/* Without the numbers it would speak of nothing. */
	return r->offered_ext[RTP_EXT_TRANSPORT_CC] ? bits : bits & (uint8_t)~(1u << NEG_TRANSPORT_CC);
}

static size_t items_offer(const struct neg *n, struct neg_row *r, struct item *v, size_t max)
{
	uint32_t rates[NEG_MAX_EVENTS] = { 0 };
	size_t k = 0, nrates = 0;
	bool has8k = false;

	for (unsigned i = 0; i < r->s.wanted.n && k < max; i++) {
		enum format_id id = (enum format_id)r->s.wanted.v[i].id;
		uint32_t clock = format_get(id)->clock;
		uint8_t pt = neg_pt(n, r, id);
		bool seen = false;

		if (pt == NEG_NO_PT)
			continue;
		v[k++] = (struct item){ .pt = pt, .id = id, .fmtp = offer_fmtp(n, r, id), .feedback = offer_feedback(n, r) };
		for (size_t j = 0; j < nrates; j++)
			seen = seen || rates[j] == clock;
		if (!seen && nrates < NEG_MAX_EVENTS) {
			rates[nrates++] = clock;
			has8k = has8k || clock == 8000;
		}
	}
	if (!neg_has_digits(n, r) || !k)
		return k;
	if (!has8k && nrates < NEG_MAX_EVENTS)
		rates[nrates++] = 8000;
	for (size_t i = 0; i < nrates && k < max; i++) {
		uint8_t pt = neg_te_pt(n, r, rates[i]);

		if (pt != NEG_NO_PT)
			v[k++] = (struct item){ .pt = pt, .rate = rates[i], .fmtp = STR("0-16") };
	}
	return k;
}

static size_t items_answer(const struct neg_row *r, struct item *v, size_t max)
{
	size_t k = 0;

	for (size_t i = 0; i < r->s.ncodecs && k < max; i++) {
		const struct neg_codec *c = &r->s.codecs[i];

		v[k++] = (struct item){ .pt = c->pt_rx, .id = (enum format_id)c->id, .feedback = c->feedback,
					.fmtp = answer_fmtp(c) };
	}
	for (size_t i = 0; i < r->s.nevents && k < max; i++)
		v[k++] = (struct item){ .pt = r->s.events[i].pt_rx, .rate = r->s.events[i].rate,
					.fmtp = STR("0-16") };
	return k;
}

static void write_feedback(struct buf *b, const struct item *it)
{
	for (unsigned f = 0; f < NEG_FEEDBACKS; f++)
		if (it->feedback >> f & 1) {
			put_number(b, STR("a=rtcp-fb:"), it->pt);
			buf_puts(b, STR(" "), neg_feedback_name((enum neg_feedback)f), STR("\r\n"));
		}
}

static void write_opus(struct buf *b, const struct neg *n, const struct item *it, bool answer)
{
	struct buf text = BUF_INIT;
	struct opus_fmtp f = n->prm.opus, peer;

	if (answer) {
		opus_fmtp_parse(&peer, it->fmtp);
		opus_fmtp_join(&f, &n->prm.opus, &peer);
	}
	opus_fmtp_write(&text, &f);
	if (buf_view(&text).n) {
		put_number(b, STR("a=fmtp:"), it->pt);
		buf_puts(b, STR(" "), buf_view(&text), STR("\r\n"));
	}
	buf_free(&text);
}

enum { PT_LAST_STATIC = 34 };           /* RFC 3551 section 6 */

static void write_item(struct buf *b, const struct neg *n, const struct neg_row *r, const struct item *it, bool answer)
{
	const struct format *f = format_get(it->id);
	const char *enc = it->id == FORMAT_NONE ? "telephone-event" : f->encoding;
	uint8_t t140 = r->pt[FORMAT_T140];

	if (it->id == FORMAT_G726AAL2 && n->prm.g726_swapped)
		enc = "G726-32";
	if (!n->prm.compact || it->pt > PT_LAST_STATIC) {
		put_number(b, STR("a=rtpmap:"), it->pt);
		buf_puts(b, STR(" "), str_z(enc));
		put_number(b, STR("/"), it->id == FORMAT_NONE ? it->rate : f->clock);
		if (f->channels)
			put_number(b, STR("/"), f->channels);
		buf_put(b, STR("\r\n"));
	}
	if (it->id == FORMAT_OPUS && (answer || !it->fmtp.n)) {
		write_opus(b, n, it, answer);
	} else if (it->fmtp.n) {
		put_number(b, STR("a=fmtp:"), it->pt);
		buf_puts(b, STR(" "), it->fmtp, STR("\r\n"));
	} else if (it->id == FORMAT_RED && t140 != NEG_NO_PT) {   /* RFC 4103 section 4.1 */
		buf_printf(b, "a=fmtp:%u %u/%u/%u/%u\r\n", it->pt, t140, t140, t140, t140);
	}
}

static void write_times(struct buf *b, const struct neg_row *r, const struct item *v, size_t k, bool answer)
{
	unsigned ptime = 0, max = 0;

	for (size_t i = 0; i < k; i++) {
		const struct format *f = format_get(v[i].id);
		unsigned p = f->ptime;

		if (v[i].id == FORMAT_NONE)
			continue;
		if (f->ptime_max && (!max || f->ptime_max < max))
			max = f->ptime_max;
		for (unsigned j = 0; !answer && j < r->s.wanted.n; j++)
			if (r->s.wanted.v[j].id == f->id && r->s.wanted.v[j].ptime)
				p = r->s.wanted.v[j].ptime;
		for (size_t j = 0; answer && j < r->s.ncodecs; j++)
			if (r->s.codecs[j].id == f->id)
				p = r->s.codecs[j].ptime;
		if (p && (!ptime || p < ptime))
			ptime = p;
	}
	if (ptime) {
		put_number(b, STR("a=ptime:"), ptime);
		buf_put(b, STR("\r\n"));
	}
	if (max) {
		put_number(b, STR("a=maxptime:"), max);
		buf_put(b, STR("\r\n"));
	}
}

/* ---- streams */

static const char *proto_offer(const struct neg_prm *p, enum media_type t)
{
	return sdp_proto_name(t == MEDIA_IMAGE ? SDP_UDPTL : neg_secure_proto(p));
}

/* The peer's words where there are some: what a line says must not change
 * between offer and answer, declined or not. */
static void write_mline(struct buf *b, const struct neg *n, const struct neg_row *r, uint16_t port, bool answer)
{
	const struct sdp_media *m = r->s.media;

	buf_puts(b, STR("m="), m ? m->type_text : str_z(media_type_name(r->s.type)), STR(" "));
	buf_u64(b, port);
	buf_puts(b, STR(" "), (answer || !r->offer_active) && m ? m->proto_text :
		 m && n->prm.use_received_transport ? m->proto_text : str_z(proto_offer(&n->prm, r->s.type)));
}

static void write_declined(struct buf *b, const struct neg *n, const struct neg_row *r)
{
	const struct sdp_media *m = r->s.media;
	unsigned known = 0;

	write_mline(b, n, r, 0, true);
	for (size_t i = 0; m && i < m->nfmts; i++)
		buf_puts(b, STR(" "), m->fmts[i]);
	for (unsigned i = 0; !m && i < r->s.wanted.n; i++)
		if (r->pt[r->s.wanted.v[i].id] != NEG_NO_PT) {
			buf_printf(b, " %u", r->pt[r->s.wanted.v[i].id]);
			known++;
		}
	/* A line needs a format, even one that nobody will send. */
	if (!m && !known)
		buf_put(b, r->s.type == MEDIA_IMAGE ? STR(" t38") : STR(" 32"));
	buf_put(b, STR("\r\n"));
}

static void write_extras(struct buf *b, const struct neg_row *r)
{
	for (size_t i = 0; i < r->nextra; i++)
		if (!r->extra[i].id)
			write_attr(b, text_view(&r->extra[i].name), text_view(&r->extra[i].value));
}

static void write_rtcp(struct buf *b, const struct neg_stream *s, const struct sa *local)
{
	if (!sa_is_set(&s->local_rtcp) || sa_port(&s->local_rtcp) == sa_port(local) + 1)
		return;
	buf_printf(b, "a=rtcp:%u\r\n", sa_port(&s->local_rtcp));
}

static void write_stream(struct buf *b, const struct neg *n, struct neg_row *r, const struct sa *session, bool answer)
{
	struct item v[SDP_MAX_FMTS];
	const struct neg_stream *s = &r->s;
	const struct sa *local = s->bundled_in >= 0 ? &n->now.v[s->bundled_in]->s.local : &s->local;
	bool only = r->bundle_only && !answer;
	size_t k = answer ? items_answer(r, v, ARRAY_LEN(v)) : items_offer(n, r, v, ARRAY_LEN(v));

	if (!(answer ? s->active : r->offer_active) || (!k && s->type != MEDIA_IMAGE)) {
		write_declined(b, n, r);
		return;
	}
	write_mline(b, n, r, only ? 0 : sa_port(local), answer);
	for (size_t i = 0; i < k; i++)
		put_number(b, STR(" "), v[i].pt);
	if (s->type == MEDIA_IMAGE)
		buf_put(b, STR(" t38"));
	buf_put(b, STR("\r\n"));
	if (!sa_eq_host(local, session)) {
		buf_put(b, STR("c="));
		write_host(b, local);
		buf_put(b, STR("\r\n"));
	}
	if (s->bundled_in < 0)
		write_extras(b, r);
	if (s->type == MEDIA_IMAGE) {
		sdp_t38_write(b, &s->t38);
		return;
	}
	neg_secure_write(b, n, r, answer);
	for (size_t i = 0; i < k; i++)
		write_item(b, n, r, &v[i], answer);
	for (size_t i = 0; i < k; i++)
		write_feedback(b, &v[i]);
	write_times(b, r, v, k, answer);
	write_attr(b, str_z(sdp_dir_name(answer ? s->dir : neg_dir_offer(s))), STR_NULL);
	if (answer ? s->rtcp_mux : n->prm.rtcp_mux)
		write_attr(b, STR("rtcp-mux"), STR_NULL);
	else if (s->bundled_in < 0)
		write_rtcp(b, s, local);
	neg_write_mid(b, n, r, answer);
	neg_ext_write(b, r, answer);
}

/* The address of the session: of the first stream that has one. */
static int session_addr(const struct neg *n, bool answer, struct sa *out)
{
	bool need = false;

	*out = (struct sa){ 0 };
	for (size_t i = 0; i < n->now.n; i++) {
		const struct neg_row *r = n->now.v[i];

		if (!(answer ? r->s.active : r->offer_active) || r->s.bundled_in >= 0)
			continue;
		need = true;
		if (!sa_is_set(&r->s.local) || !sa_port(&r->s.local))
			return EINVAL;
		if (!sa_is_set(out))
			*out = r->s.local;
	}
	/* Nothing but declined lines: any earlier address, else none. */
	for (size_t i = 0; !need && i < n->now.n; i++)
		if (sa_is_set(&n->now.v[i]->s.local))
			*out = n->now.v[i]->s.local;
	return sa_is_set(out) ? 0 : sa_parse_host(out, STR("0.0.0.0"), 0);
}

static void write_rest(struct buf *b, struct neg *n, const struct sa *addr, bool answer)
{
	buf_puts(b, STR("s="), n->session.n ? text_view(&n->session) : STR("-"), STR("\r\nc="));
	write_host(b, addr);
	buf_put(b, STR("\r\nt=0 0\r\n"));
	neg_write_group(b, n, answer);
	for (size_t i = 0; i < n->now.n; i++)
		write_stream(b, n, n->now.v[i], addr, answer);
}

static int write_session(struct neg *n, struct buf *b, bool answer)
{
	struct buf rest = BUF_INIT, head = BUF_INIT;
	struct str before = str_skip(text_view(&n->local), n->local_rest);
	struct sa addr;
	int err = session_addr(n, answer, &addr);

	if (err)
		return err;
	write_rest(&rest, n, &addr, answer);
	/* RFC 3264 section 8: the version goes up when, and only when, the
	 * description changes. */
	if (n->sent && !str_eq(before, buf_view(&rest)))
		n->version++;
	buf_puts(&head, STR("v=0\r\no="), n->owner.n ? text_view(&n->owner) : STR("-"), STR(" "));
	buf_u64(&head, n->id);
	buf_char(&head, ' ');
	buf_u64(&head, n->version);
	buf_char(&head, ' ');
	write_host(&head, &addr);
	buf_put(&head, STR("\r\n"));
	n->local_rest = head.n;
	buf_put(&head, buf_view(&rest));
	err = buf_err(&rest) ? buf_err(&rest) : buf_err(&head);
	if (!err)
		err = text_set(&n->local, buf_view(&head));
	if (!err) {
		buf_put(b, buf_view(&head));
		n->sent = true;
		err = buf_err(b);
	}
	buf_free(&rest);
	buf_free(&head);
	return err;
}

int neg_answer_out(struct neg *n, struct buf *b)
{
	int err;

	if (!n->answering)
		return EINVAL;
	for (size_t i = 0; i < n->now.n; i++)
		neg_ext_limit(n, n->now.v[i], true);
	err = write_session(n, b, true);
	if (!err)
		neg_committed(n);
	return err;
}

int neg_offer_out(struct neg *n, struct buf *b)
{
	int err;

	if (n->answering || !n->now.n)
		return EINVAL;
	err = neg_save(n);
	if (!err)
		err = neg_bundle_offer(n);
	if (!err)
		err = neg_secure_offer(n);
	for (size_t i = 0; !err && i < n->now.n; i++)
		neg_ext_offer(n, n->now.v[i]);
	if (!err)
		err = write_session(n, b, false);
	if (err)
		return err;
	neg_bundle_offered(n);
	for (size_t i = 0; i < n->now.n; i++) {
		obj_drop(n->now.v[i]->offered_port);
		n->now.v[i]->offered_port = obj_hold(n->now.v[i]->s.port);
		n->now.v[i]->offered = n->now.v[i]->s.wanted;
		n->now.v[i]->offered_active = n->now.v[i]->offer_active;
	}
	n->offered = n->answerable = true;
	return 0;
}
