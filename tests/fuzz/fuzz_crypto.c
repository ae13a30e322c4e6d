/* Lines of SDP that carry keys: parsed, written, parsed again; and an offer and an answer
 * that have them, before an endpoint that wants SDES and one that wants DTLS.
 * The first byte chooses; the rest is the value, or lines for the m= line. */
#include <errno.h>
#include <stdlib.h>
#include "base/obj.h"
#include "sdp/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int make_key(uint8_t *p, size_t n)
{
	memset(p, 0x5a, n);
	return 0;
}

static void try_line(struct str value)
{
	struct crypto_line l, again;
	const char *why = NULL;
	struct buf b = BUF_INIT;
	int err = crypto_parse(&l, value, &why);

	if ((err == EBADMSG) != (why != NULL))
		abort();
	if (!err) {
		crypto_write(&b, &l);
		if (crypto_parse(&again, buf_view(&b), &why) || !crypto_line_eq(&l, &again) || l.tag != again.tag)
			abort();
	}
	buf_free(&b);
}

static void try_fingerprint(struct str value)
{
	struct crypto_fingerprint f, again;
	enum crypto_setup s;
	struct buf b = BUF_INIT;

	if (!crypto_fingerprint_parse(&f, value)) {
		crypto_fingerprint_write(&b, &f);
		if (crypto_fingerprint_parse(&again, buf_view(&b)) || !crypto_fingerprint_eq(&f, &again))
			abort();
	}
	buf_free(&b);
	(void)crypto_setup_parse(&s, value);
}

static struct neg *side(bool dtls)
{
	struct neg_prm prm = { .session = STR("fuzz"), .id = 1, .max_audio = 2, .savp = !dtls, .dtls = dtls, .random = make_key,
			       .setup = SETUP_ACTPASS, .fingerprint = { .hash = CRYPTO_SHA256, .n = 32 } };
	struct neg *g = NULL;

	formats_edit(&prm.formats, STR("ulaw"), true, NULL);
	if (neg_new(&g, &prm))
		abort();
	return g;
}

/* What is required is there, or the verdict is a refusal. */
static void check_secure(struct neg *g, bool dtls)
{
	for (size_t i = 0; i < neg_count(g); i++) {
		const struct neg_stream *s = neg_stream(g, i);

		if (s->active && s->secure.mode != (dtls ? NEG_DTLS : NEG_SDES))
			abort();
	}
}

static void try_exchange(struct sdp *s, bool dtls)
{
	struct neg *g = side(dtls);
	struct buf b = BUF_INIT;
	struct formats f = { 0 };
	enum neg_verdict why;
	size_t i;

	if (!neg_offer_in(g, s, NULL, &why)) {
		check_secure(g, dtls);
		for (i = 0; i < neg_count(g); i++)
			sa_parse(&neg_stream(g, i)->local, STR("192.0.2.1:4000"));
		neg_answer_out(g, &b);
	} else if (!*neg_why(g, why)) {
		abort();
	}
	obj_drop(g);
	g = side(dtls);
	formats_edit(&f, STR("ulaw"), true, NULL);
	neg_stream_add(g, MEDIA_AUDIO, &f, &i);
	sa_parse(&neg_stream(g, i)->local, STR("192.0.2.1:4000"));
	buf_reset(&b);
	if (neg_offer_out(g, &b))
		abort();
	if (!neg_answer_in(g, s, &why))
		check_secure(g, dtls);
	obj_drop(g);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const protos[] = { "RTP/SAVP", "RTP/AVP", "UDP/TLS/RTP/SAVP", "RTP/SAVP" };
	struct buf text = BUF_INIT;
	struct sdp *s = NULL;
	char *copy;

	if (!n)
		return 0;
	copy = malloc(n);
	if (!copy)
		abort();
	memcpy(copy, data + 1, n - 1);
	try_line(str_mk(copy, n - 1));
	try_fingerprint(str_mk(copy, n - 1));
	buf_puts(&text, STR("v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 5000 "), str_z(protos[data[0] & 3]), STR(" 0\r\n"),
		 data[0] & 4 ? STR("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") : STR_NULL, str_mk(copy, n - 1), STR("\r\n"));
	if (!sdp_parse(&s, buf_view(&text))) {
		try_exchange(s, false);
		try_exchange(s, true);
	}
	obj_drop(s);
	buf_free(&text);
	free(copy);
	return 0;
}
