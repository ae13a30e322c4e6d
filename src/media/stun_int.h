/* media/stun_int.h -- what stun.c and stun_write.c share. */
#ifndef MEDIA_STUN_INT_H
#define MEDIA_STUN_INT_H

#include "media/stun.h"

#define STUN_COOKIE 0x2112a442u

/* Of the message at `p` whose integrity attribute begins at `at` and has `mac_n` bytes. */
int stun_mac(const struct stun_hash *h, enum stun_hash_alg a, struct str key, const uint8_t *p, size_t at,
	     size_t mac_n, uint8_t out[STUN_SHA256]);
uint32_t stun_crc(const uint8_t *p, size_t n);

#endif
