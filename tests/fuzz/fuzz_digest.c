/* The value of Authorization: parsed, its nonce judged, its response computed. */
#include "base/obj.h"
#include "service/hash_openssl.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct clock_fake clock;
	static struct digest_ctx *d;
	struct str value = str_mk((const char *)data, size);
	char out[DIGEST_HEX], nonce[DIGEST_NONCE];
	struct digest_fields f;
	struct sa peer;

	if (!d) {
		clock_fake_init(&clock, 0);
		d = digest_openssl_new(&clock.c);
		if (!d)
			abort();
	}
	if (digest_parse(&f, value))
		return 0;
	must(!sa_parse(&peer, STR("192.0.2.1:5060")));
	for (unsigned alg = 0; alg < DIGEST_ALGS; alg++) {
		struct digest_answer_prm prm = { .challenge = &f, .alg = alg, .username = f.username, .password = STR("pw"),
			.method = STR("INVITE"), .uri = f.uri, .nc = 1 };
		struct buf b = BUF_INIT;
		struct digest_fields back;

		digest_response(d, alg, f.username, STR("REGISTER"), &f, value, out);
		must(out[0]);
		/* Escaping can double the name, over the cap of a field. */
		if (!digest_answer(d, &prm, &b) && f.username.n <= 500) {
			must(!digest_parse(&back, buf_view(&b)));
			must(str_eq(back.nonce, f.nonce));
		}
		buf_free(&b);
	}
	/* Nobody else makes our nonces. */
	must(nonce_check(d, f.nonce, &peer, f.realm, 32, f.nc, true) == NONCE_FORGED);
	nonce_make(d, &peer, f.realm, nonce);
	nonce_check(d, str_z(nonce), &peer, f.realm, 32, f.nc, true);
	clock_fake_add(&clock, 100000);
	return 0;
}
