/* IFPs of a peer, good and bad, as a fax terminal and a gateway hear them: T.30 and T.38 are spandsp's, what reaches
 * them is ours. Input: a byte that says who hears; then again and again a length, how much time passes before, and
 * the IFP. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "base/log.h"
#include "media/faxgate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { GATEWAY = 1, SENDS = 2, ECM = 4, LONGER = 8 /* the numbers have gaps */ };

static void drop_ifp(void *arg, const uint8_t *p, size_t n, unsigned copies)
{
	(void)arg;
	if (!p || !n || !copies)
		abort();
}

static void hear_by(const uint8_t *data, size_t n, bool gaps, struct faxterm *t, struct faxgate *g)
{
	int16_t pcm[FAX_SAMPLES];
	uint16_t seq = 0;

	for (int steps = 0; n >= 2 && steps < 400; steps++) {
		size_t len = data[0] < n - 2 ? data[0] : n - 2;

		for (unsigned i = 0; i < (data[1] & 31u); i++) {
			if (t)
				faxterm_pass(t, FAX_SAMPLES);
			if (g)
				faxgate_say(g, pcm, FAX_SAMPLES);
		}
		if (t)
			faxterm_ifp(t, data + 2, len, seq);
		if (g)
			faxgate_ifp(g, data + 2, len, seq);
		seq = (uint16_t)(seq + 1 + (gaps ? data[1] >> 5 : 0));
		data += 2 + len;
		n -= 2 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	char path[64];
	uint8_t how = n ? data[0] : 0;
	struct faxterm_prm tp = { .send = how & SENDS, .ecm = how & ECM, .modems = FAX_V17 | FAX_V27 | FAX_V29, .ident = STR("1"),
		.send_ifp = drop_ifp };
	struct faxgate_prm gp = { .ecm = how & ECM, .modems = FAX_V17 | FAX_V27 | FAX_V29, .send_ifp = drop_ifp,
		.t38.max_ifp = 400 };
	struct faxterm *t = NULL;
	struct faxgate *g = NULL;

	if (!n)
		return 0;
	if (fd < 0) {
		faxterm_prepare();
		log_set_mask(0);
		fd = memfd_create("fax", 0);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	tp.file = str_z(path);
	if (how & GATEWAY ? faxgate_new(&g, &gp) : faxterm_new(&t, &tp))
		return 0;
	if (t && faxterm_t38(t, &gp.t38))
		abort();
	hear_by(data + 1, n - 1, how & LONGER, t, g);
	faxterm_free(t);
	faxgate_free(g);
	return 0;
}
