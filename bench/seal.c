/* What SRTP costs without a socket: packets of 20 ms of G.711 sealed by one wire and opened by
 * another, for each suite; with one wire, whose keys stay in the cache, and in turn over as
 * many as 200 calls have. CPU in us a packet, the best of ten rounds. */
#include "media/srtp.h"
#include "media/thread.h"
#include "base/obj.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <time.h>

enum { WIRES = 400, ROUNDS = 10, PACKETS = 50, SIZE = 172 };

static struct srtp *tx[WIRES], *rx[WIRES];
static uint8_t packets[WIRES][256];

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool make_wires(enum crypto_suite suite)
{
	for (int i = 0; i < WIRES; i++) {
		struct srtp_prm a = { .replay = true }, b = { .replay = true };

		a.tx.suite = a.rx.suite = (uint8_t)suite;
		if (RAND_bytes(a.tx.key, sizeof(a.tx.key)) != 1 || RAND_bytes(a.rx.key, sizeof(a.rx.key)) != 1)
			return false;
		b.tx = a.rx;
		b.rx = a.tx;
		if (srtp_new(&tx[i], &a) || srtp_new(&rx[i], &b))
			return false;
	}
	return true;
}

static void write_packet(uint8_t *p, int wire, unsigned seq)
{
	memset(p, 0xd5, SIZE);
	memcpy(p, (uint8_t[]){ 0x80, 0, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 0, 0, 1, 2, (uint8_t)(wire >> 8), (uint8_t)wire }, 12);
}

/* Of `wires` in turn. False: a packet was not opened. */
static bool run_round(int wires, unsigned *seq, double *seal, double *open)
{
	for (int turn = 0; turn < PACKETS * WIRES / wires; turn++, ++*seq) {
		size_t n[WIRES];
		double began = cpu_us(), sealed;

		for (int i = 0; i < wires; i++) {
			n[i] = SIZE;
			write_packet(packets[i], i, *seq);
			if (!srtp_seal(tx[i], false, packets[i], &n[i], sizeof(packets[i])))
				return false;
		}
		sealed = cpu_us();
		for (int i = 0; i < wires; i++)
			if (!srtp_open(rx[i], false, packets[i], &n[i], 0))
				return false;
		*seal += sealed - began;
		*open += cpu_us() - sealed;
	}
	return true;
}

static bool measure(const char *name, int wires, unsigned *seq)
{
	double best_seal = 1e9, best_open = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double seal = 0, open = 0;

		if (!run_round(wires, seq, &seal, &open))
			return false;
		best_seal = seal < best_seal ? seal : best_seal;
		best_open = open < best_open ? open : best_open;
	}
	printf("%-24s %3d wires: sealed %.2f us, opened %.2f us\n", name, wires, best_seal / (PACKETS * WIRES),
	       best_open / (PACKETS * WIRES));
	return true;
}

int main(void)
{
	static const struct { const char *name; enum crypto_suite suite; } suites[] = {
		{ "AES_CM_128_HMAC_SHA1_80", CRYPTO_AES_CM_128_HMAC_SHA1_80 }, { "AEAD_AES_128_GCM", CRYPTO_AEAD_AES_128_GCM },
		{ "AES_256_CM_HMAC_SHA1_80", CRYPTO_AES_256_CM_HMAC_SHA1_80 }, { "AEAD_AES_256_GCM", CRYPTO_AEAD_AES_256_GCM },
	};
	bool ok = !srtp_setup();

	for (size_t s = 0; s < ARRAY_LEN(suites) && ok; s++) {
		unsigned seq = 1;

		ok = make_wires(suites[s].suite) && measure(suites[s].name, WIRES, &seq) && measure(suites[s].name, 8, &seq);
		for (int i = 0; i < WIRES; i++) {
			obj_drop(tx[i]);
			obj_drop(rx[i]);
			tx[i] = rx[i] = NULL;
		}
	}
	if (!ok)
		fprintf(stderr, "seal: a packet was lost\n");
	return ok ? 0 : 1;
}
