/* service/common/hash_openssl.h -- digest with OpenSSL's hash functions.
 * Threads: each object belongs to one thread. */
#ifndef SERVICE_COMMON_HASH_OPENSSL_H
#define SERVICE_COMMON_HASH_OPENSSL_H

#include "sip/digest.h"

/* NULL: out of memory, or without random numbers. */
struct digest_ctx *digest_openssl_new(const struct clock *clock);

#endif
