/* media/t38_leg.c -- T.38 on a media thread: datagrams of UDPTL to IFPs and back. An IFP goes to the stream's user, or
 * to the peer that it is relayed to, under that one's own numbers and error correction. */
#include "media/thread.h"
#include "base/poison.h"

void t38_leg_apply(struct stream *s, const struct stream_cfg *old)
{
	const struct media_set *set = &s->cfg->set;
	struct t38_leg *leg = s->t38;

	leg->tx.ec = set->udptl.ec;
	leg->tx.entries = set->udptl.entries && set->udptl.entries <= UDPTL_MAX_ENTRIES ? set->udptl.entries : UDPTL_ENTRIES;
	leg->tx.span = set->udptl.span && set->udptl.span <= UDPTL_MAX_SPAN ? set->udptl.span : UDPTL_SPAN;
	leg->tx.max = set->udptl.max;
	/* Another sender counts anew. */
	if (!old || !sa_eq(&old->set.remote, &set->remote))
		udptl_rx_restart(&leg->rx);
}

bool t38_leg_send(struct stream *s, const uint8_t *p, size_t n, unsigned copies)
{
	uint8_t *out = s->t->buf.out;
	size_t len = s->cfg && s->can_tx ? udptl_write(&s->t38->tx, p, n, out, sizeof(s->t->buf.out)) : 0;

	for (unsigned i = 0; len && i < copies; i++)
		if (!s->t38->send(s, out, len))
			return false;
	return len;
}

static void hear_ifp(void *arg, uint16_t seq, const uint8_t *p, size_t n)
{
	struct stream *s = arg;
	struct stream *to = s->echo ? s : s->peer;

	if (s->t38->user)
		s->t38->ops->ifp(s, seq, p, n);
	else if (to && to->t38 && !to->t38->user && !t38_leg_send(to, p, n, 1))
		s->stats.untranslated++;
}

bool t38_leg_hear(struct stream *s, const uint8_t *p, size_t n)
{
	bool good = udptl_read(&s->t38->rx, p, n, hear_ifp, s);

	s->stats.rx_lost = s->t38->rx.lost;
	return good;
}
