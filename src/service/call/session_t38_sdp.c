/* service/call/session_t38_sdp.c -- T.38 in the offers and answers of a call, and where its UDPTL is. Who asks for it
 * and who is asked is session_t38.c's. */
#define LOG_MODULE "t38"
#include "base/log.h"
#include "service/call/session_t38_private.h"
#include <errno.h>

/* ---- theirs --------------------------------------------------------------------------------- */

static const struct sdp_media *image_of(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->nmedia; i++)
		if (sdp->media[i].type == MEDIA_IMAGE && sdp->media[i].port && sdp->media[i].proto == SDP_UDPTL)
			return &sdp->media[i];
	return NULL;
}

bool session_t38_fits(const struct session *s, const struct sdp *offer)
{
	const struct sdp_media *m = image_of(offer);

	/* A call begins with sound: as in Asterisk. */
	return m && session_t38_allowed(s) && ua_invite_state(s->iv) == UA_INVITE_UP && sa_is_set(&m->addr) && sa_is_v6(&m->addr) == s->ep->t38_udptl_ipv6;
}

static enum t38_rate rate_of(unsigned bits)
{
	static const enum t38_rate rates[] = { T38_2400, T38_4800, T38_7200, T38_9600, T38_12000 };

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (t38_bits_per_second(rates[i]) == bits)
			return rates[i];
	return T38_14400;
}

/* Who offered first may ask for less than the other has; who is asked takes what the other one has. */
static enum udptl_ec joint_ec(const struct session *s, enum sdp_t38_ec theirs)
{
	enum udptl_ec said = theirs == SDP_T38_EC_FEC ? UDPTL_FEC : theirs == SDP_T38_EC_REDUNDANCY ? UDPTL_REDUNDANCY : UDPTL_NONE;
	enum endpoint_t38_ec ours = (enum endpoint_t38_ec)s->ep->t38_udptl_ec;

	if (theirs == SDP_T38_EC_UNSAID)
		return s->t38->ec;
	if (s->t38->state != SESSION_T38_LOCAL)
		return said;
	if (ours == T38_EC_NONE || (ours == T38_EC_REDUNDANCY && said == UDPTL_FEC))
		return UDPTL_NONE;
	return said;
}

void session_t38_read(struct session *s)
{
	const struct neg_stream *st = neg_first(s->neg, MEDIA_IMAGE);
	struct session_t38 *t = s->t38;
	struct sdp_t38 said;

	if (!st || !st->media || !t)
		return;
	sdp_t38_read(&said, st->media);
	t->theirs = (struct t38_parameters){ .version = said.version, .rate = rate_of(said.bit_rate),
		.management = said.local_tcf ? T38_LOCAL_TCF : T38_TRANSFERRED_TCF, .fill_bit_removal = said.fill_bit_removal,
		.transcoding_mmr = said.transcoding_mmr, .transcoding_jbig = said.transcoding_jbig };
	t->ec = joint_ec(s, said.ec);
	if (!s->ep->t38_udptl_maxdatagram)
		t->far_max = said.max_datagram;
	t->entries = s->svc->calls.udptl.entries ? s->svc->calls.udptl.entries : UDPTL_ENTRIES;
	session_t38_far_max_ifp(s);
}

unsigned session_t38_far_max_ifp(struct session *s)
{
	return udptl_far_max_ifp(s->t38->ec, &s->t38->entries, s->t38->far_max);
}

/* ---- ours -------------------------------------------------------------------------------------- */

void session_t38_write(struct session *s)
{
	static const enum sdp_t38_ec ecs[] = { [UDPTL_NONE] = SDP_T38_EC_UNSAID, [UDPTL_FEC] = SDP_T38_EC_FEC,
		[UDPTL_REDUNDANCY] = SDP_T38_EC_REDUNDANCY };
	const struct session_t38 *t = s->t38;

	for (size_t i = 0; t && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (st->type == MEDIA_IMAGE)
			st->t38 = (struct sdp_t38){ .version = t->ours.version, .bit_rate = t38_bits_per_second(t->ours.rate),
				.fill_bit_removal = t->ours.fill_bit_removal, .transcoding_mmr = t->ours.transcoding_mmr,
				.transcoding_jbig = t->ours.transcoding_jbig, .local_tcf = t->ours.management == T38_LOCAL_TCF,
				.max_datagram = udptl_local_max_datagram(t->ec, t->ours.max_ifp), .ec = ecs[t->ec] };
	}
}

void session_t38_keep(struct session *s)
{
	struct session_t38 *t = s->t38;

	if (!t || neg_first(s->neg, MEDIA_IMAGE))
		return;
	t->nbefore = neg_count(s->neg);
	for (size_t i = 0; i < t->nbefore; i++) {
		const struct neg_stream *st = neg_stream(s->neg, i);
		struct t38_before *b = &t->before[i];

		*b = (struct t38_before){ .type = st->type, .active = st->active };
		for (size_t k = 0; k < st->ncodecs; k++)
			formats_add(&b->formats, (enum format_id)st->codecs[k].id, 0);
	}
}

/* The image stream alone: in the place of the first one, unless there is one already. */
static int offer_fax(struct session *s)
{
	size_t n = neg_count(s->neg), at = 0;
	int err = 0;

	session_t38_keep(s);
	s->t38->ec = (enum udptl_ec)s->ep->t38_udptl_ec;
	for (size_t i = 0; i < n; i++)
		if (neg_stream(s->neg, i)->type == MEDIA_IMAGE && neg_stream(s->neg, i)->active)
			at = i;
	if (!n)
		err = neg_stream_add(s->neg, MEDIA_IMAGE, &(struct formats){ 0 }, &at);
	else if (neg_stream(s->neg, at)->type != MEDIA_IMAGE)
		err = neg_stream_replace(s->neg, at, MEDIA_IMAGE, NULL);
	for (size_t i = 0; !err && i < n; i++)
		neg_stream_set(s->neg, i, NULL, i == at);
	s->t38->offered = !err;
	return err;
}

/* All as it was before; image streams end. */
static int offer_sound(struct session *s, const struct formats *all)
{
	struct session_t38 *t = s->t38;
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < t->nbefore; i++)
		any |= t->before[i].active && t->before[i].formats.n;
	if (!any) {
		t->before[0] = (struct t38_before){ .type = MEDIA_AUDIO, .active = true, .formats = *all };
		t->nbefore = 1;
	}
	for (size_t i = 0; !err && i < neg_count(s->neg); i++) {
		const struct t38_before *b = i < t->nbefore ? &t->before[i] : NULL;
		bool active = b && b->active && b->formats.n;

		if (active && neg_stream(s->neg, i)->type != b->type)
			err = neg_stream_replace(s->neg, i, b->type, &b->formats);
		else
			neg_stream_set(s->neg, i, active ? &b->formats : NULL, active);
		if (!err && active && b->type == MEDIA_AUDIO)
			neg_hold(s->neg, i, s->local_hold);
	}
	return err;
}

bool session_t38_offer(struct session *s, const struct formats *all, int *err)
{
	struct session_t38 *t = s->t38;

	if (!t || (t->state != SESSION_T38_LOCAL && !t->back))
		return false;
	*err = t->state == SESSION_T38_LOCAL ? offer_fax(s) : offer_sound(s, all);
	return true;
}

/* ---- media ----------------------------------------------------------------------------------------- */

void session_t38_set(struct session *s, struct media_set *set)
{
	const struct session_t38 *t = s->t38;

	set->symmetric = s->ep->t38_udptl_nat;
	set->keepalive_ms = set->timeout_ms = 0;
	if (!t)
		return;
	set->udptl.ec = t->ec;
	set->udptl.entries = t->entries;
	set->udptl.span = s->svc->calls.udptl.span;
	set->udptl.max = udptl_far_max_datagram(t->far_max);
}

void session_t38_bind(struct session *s, const struct sa *shown, struct sa *bind)
{
	const struct transport_conf *t = s->ep->transport_obj;

	if (s->ep->t38_bind_udptl_to_media_address && s->ep->media_address.n)
		*bind = *shown;
	else if (t && sa_is_v6(&t->bind) == sa_is_v6(shown))
		*bind = t->bind;
	else
		sa_parse(bind, sa_is_v6(shown) ? STR("::") : STR("0.0.0.0"));
}
