/* media/faxgate.c -- a fax gateway, by spandsp. */
#include "media/faxgate.h"
#include "media/faxlog.h"
#include <errno.h>
#include <stdlib.h>
#include <spandsp.h>
#include "base/poison.h"

enum { OPENING = 10 };          /* as many as res_fax_spandsp sends */

struct faxgate {
	struct faxgate_prm prm;
	t38_gateway_state_t *s;         /* owned */
};

static int on_ifp(t38_core_state_t *core, void *arg, const uint8_t *p, int n, int copies)
{
	struct faxgate *g = arg;

	(void)core;
	if (n > 0)
		g->prm.send_ifp(g->prm.arg, p, (size_t)n, copies > 1 ? (unsigned)copies : 1);
	return 0;
}

static int modems_of(unsigned modems)
{
	return (modems & FAX_V17 ? T30_SUPPORT_V17 : 0) | (modems & FAX_V27 ? T30_SUPPORT_V27TER : 0) |
	       (modems & FAX_V29 ? T30_SUPPORT_V29 : 0);
}

int faxgate_new(struct faxgate **out, const struct faxgate_prm *prm)
{
	struct faxgate *g = calloc(1, sizeof(*g));
	t38_core_state_t *core;

	if (!g)
		return ENOMEM;
	g->prm = *prm;
	g->s = t38_gateway_init(NULL, on_ifp, g);
	if (!g->s) {
		free(g);
		return ENOMEM;
	}
	core = t38_gateway_get_t38_core_state(g->s);
	faxlog_set(t38_gateway_get_logging_state(g->s), prm->debug);
	faxlog_set(t38_core_get_logging_state(core), prm->debug);
	t38_set_t38_version(core, (int)prm->t38.version);
	t38_gateway_set_ecm_capability(g->s, prm->ecm);
	if (prm->t38.max_ifp)
		t38_set_max_datagram_size(core, (int)prm->t38.max_ifp);
	t38_set_fill_bit_removal(core, prm->t38.fill_bit_removal);
	t38_set_mmr_transcoding(core, prm->t38.mmr);
	t38_set_jbig_transcoding(core, prm->t38.jbig);
	t38_set_data_rate_management_method(core, prm->t38.local_tcf ? 1 : 2);
	t38_gateway_set_transmit_on_idle(g->s, TRUE);
	t38_set_sequence_number_handling(core, TRUE);
	t38_gateway_set_supported_modems(g->s, modems_of(prm->modems));
	*out = g;
	return 0;
}

void faxgate_free(struct faxgate *g)
{
	if (!g)
		return;
	t38_gateway_free(g->s);
	free(g);
}

void faxgate_open(struct faxgate *g)
{
	for (int i = 0; i < OPENING; i++)
		t38_core_send_indicator(t38_gateway_get_t38_core_state(g->s), T38_IND_NO_SIGNAL);
}

void faxgate_hear(struct faxgate *g, int16_t *pcm, size_t n)
{
	t38_gateway_rx(g->s, pcm, (int)n);
}

void faxgate_miss(struct faxgate *g, size_t n)
{
	t38_gateway_rx_fillin(g->s, (int)n);
}

void faxgate_say(struct faxgate *g, int16_t *pcm, size_t n)
{
	int got = t38_gateway_tx(g->s, pcm, (int)n);

	if (got < 0)
		got = 0;
	memset(pcm + got, 0, (n - (size_t)got) * sizeof(*pcm));
}

void faxgate_ifp(struct faxgate *g, const uint8_t *p, size_t n, uint16_t seq)
{
	if (n <= INT16_MAX)
		t38_core_rx_ifp_packet(t38_gateway_get_t38_core_state(g->s), p, (int)n, seq);
}

void faxgate_stats(const struct faxgate *g, struct faxgate_stats *out)
{
	t38_stats_t s;

	t38_gateway_get_transfer_statistics(g->s, &s);
	*out = (struct faxgate_stats){ .ecm = s.error_correcting_mode, .rate = s.bit_rate > 0 ? (unsigned)s.bit_rate : 0,
		.pages = s.pages_transferred > 0 ? (unsigned)s.pages_transferred : 0 };
}
