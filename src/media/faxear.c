/* media/faxear.c -- the preamble of V.21 and CNG, heard by spandsp. */
#include "media/faxear.h"
#include <stdlib.h>
#include <spandsp.h>
#include "base/poison.h"

struct faxear {
	modem_connect_tones_rx_state_t *rx;     /* owned */
	int code;               /* what is waited for */
	bool heard;
};

static void on_tone(void *arg, int code, int level, int delay)
{
	struct faxear *e = arg;

	(void)level;
	(void)delay;
	if (code == e->code)
		e->heard = true;
}

struct faxear *faxear_new(enum faxear_for what)
{
	struct faxear *e = calloc(1, sizeof(*e));
	int tones = what == FAXEAR_CNG ? MODEM_CONNECT_TONES_FAX_CNG : MODEM_CONNECT_TONES_FAX_CED_OR_PREAMBLE;

	if (e)
		e->code = what == FAXEAR_CNG ? MODEM_CONNECT_TONES_FAX_CNG : MODEM_CONNECT_TONES_FAX_PREAMBLE;
	/* The tone CED is reported as well, and passed over: listening for the preamble alone, spandsp misses many. */
	if (e)
		e->rx = modem_connect_tones_rx_init(NULL, tones, on_tone, e);
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
