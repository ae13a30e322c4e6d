/* net/address.h -- socket addresses by value. An IPv4-mapped IPv6 address is
 * always kept as IPv4. Threads: touches only its arguments. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/buf.h"
#include <netinet/in.h>
#include <sys/socket.h>

struct sa {
	union {
		struct sockaddr s;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} u;
};

#define SA_TEXT 64      /* enough for "[v6%scope]:port" and its NUL */

static inline bool sa_is_set(const struct sa *a) { return a->u.s.sa_family != 0; }
static inline bool sa_is_v6(const struct sa *a) { return a->u.s.sa_family == AF_INET6; }
socklen_t sa_len(const struct sa *a);
uint16_t sa_port(const struct sa *a);                /* host order */
void sa_set_port(struct sa *a, uint16_t port);
/* From the kernel's structure; a mapped address becomes IPv4. */
void sa_from(struct sa *a, const struct sockaddr *s, socklen_t n);
/* "1.2.3.4", "::1", "[::1]", each with optional ":port" (v6 needs the brackets
 * then). Literals only, no names. EBADMSG. Port absent: 0. */
int sa_parse(struct sa *a, struct str s);
int sa_parse_host(struct sa *a, struct str host, uint16_t port);
bool sa_eq(const struct sa *a, const struct sa *b);          /* address and port */
bool sa_eq_host(const struct sa *a, const struct sa *b);     /* address only */
bool sa_is_any(const struct sa *a);
bool sa_is_loopback(const struct sa *a);
bool sa_is_private(const struct sa *a);
uint64_t sa_hash_host(const struct sa *a);
/* Of the host its first `bits` stay, all others become 0; the port stays. */
void sa_mask_host(struct sa *a, unsigned bits);
void sa_write(struct buf *b, const struct sa *a);            /* host:port, [v6]:port */
void sa_write_host(struct buf *b, const struct sa *a);       /* v6 in brackets */
void sa_write_bare(struct buf *b, const struct sa *a);       /* v6 without brackets */
const char *sa_text(const struct sa *a, char out[SA_TEXT]);  /* as sa_write */
const char *sa_text_bare(const struct sa *a, char out[SA_TEXT]);

#endif
