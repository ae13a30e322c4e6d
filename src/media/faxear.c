/* media/faxear.c -- the preamble of V.21, heard by spandsp. */
#include "media/faxear.h"
#include <stdlib.h>
#include <spandsp.h>
#include "base/poison.h"

struct faxear {
	modem_connect_tones_rx_state_t *rx;     /* owned */
	bool heard;
};

static void on_tone(void *arg, int code, int level, int delay)
{
	struct faxear *e = arg;

	(void)level;
	(void)delay;
	if (code == MODEM_CONNECT_TONES_FAX_PREAMBLE)
		e->heard = true;
}

struct faxear *faxear_new(void)
{
	struct faxear *e = calloc(1, sizeof(*e));

	/* The tone CED is reported as well, and passed over: listening for the preamble alone, spandsp misses many. */
	if (e)
		e->rx = modem_connect_tones_rx_init(NULL, MODEM_CONNECT_TONES_FAX_CED_OR_PREAMBLE, on_tone, e);
	if (e && !e->rx) {
		free(e);
		e = NULL;
	}
	return e;
}

void faxear_free(struct faxear *e)
{
	if (!e)
		return;
	modem_connect_tones_rx_free(e->rx);
	free(e);
}

bool faxear_hear(struct faxear *e, const int16_t *pcm, size_t n)
{
	if (!e->heard)
		modem_connect_tones_rx(e->rx, pcm, (int)n);
	return e->heard;
}
