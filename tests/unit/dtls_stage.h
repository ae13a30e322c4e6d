/* tests/unit/dtls_stage.h -- identities and SDP of the tests of DTLS. */
#ifndef TESTS_DTLS_STAGE_H
#define TESTS_DTLS_STAGE_H

#include "secure_stage.h"

static inline struct dtls_identity *identity(struct dtls_identity_prm prm, struct dtls_cert *own)
{
	struct dtls_identity *d = NULL;
	char why[200];

	if (dtls_identity_new(&d, &prm, own, why))
		fail_msg("%s", why);
	return d;
}

static inline struct media_secure dtls(struct dtls_identity *mine, struct dtls_identity *theirs, enum crypto_setup setup)
{
	return (struct media_secure){ .mode = MEDIA_DTLS, .identity = mine, .setup = setup,
				      .fingerprint = *dtls_identity_fingerprint(theirs) };
}

static const struct dtls_identity_prm by_print = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256 };

/* The one datagram that was sent. */
static inline struct sent only_sent(void)
{
	assert_int_equal(net.n, 1);
	net.n = 0;
	return net.sent[0];
}

#endif
