/* Bits at 300 bit/s with packets that are missing. Input: two bytes that say which packets; the bits. */
#include "media/faxfix.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PACKET = 160, BITS = 6, FRAMES = 90 };

static void on_frame(void *arg, const uint8_t *p, size_t n)
{
	(void)arg;
	if (p && (n < 3 || p[0] != 0xff || (p[1] & 0xef) != 0x03))
		abort();
}

/* One packet: six bits, each of 26 or 27 samples. */
static void say(int16_t pcm[PACKET], const uint8_t *data, size_t at, size_t bits)
{
	static float phase;

	for (unsigned i = 0; i < PACKET; i++) {
		size_t bit = at + i * BITS / PACKET;
		int one = bit < bits ? data[bit / 8] >> bit % 8 & 1 : 1;

		phase += (float)(2 * M_PI) * (one ? 1650.0f : 1850.0f) / 8000;
		if (phase > (float)(2 * M_PI))
			phase -= (float)(2 * M_PI);
		pcm[i] = bit < bits ? (int16_t)(8000 * sinf(phase)) : 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct faxfix *f = n > 2 ? faxfix_new(on_frame, NULL) : NULL;
	size_t bits = n > 2 ? (n - 2) * 8 : 0;
	int16_t pcm[PACKET];

	if (!f)
		return 0;
	for (size_t i = 0; i * BITS < bits + 2 * BITS && i < FRAMES; i++) {
		say(pcm, data + 2, i * BITS, bits);
		if (i == data[0] || i == data[1])
			faxfix_miss(f, PACKET);
		else
			faxfix_hear(f, pcm, PACKET);
	}
	faxfix_free(f);
	return 0;
}
