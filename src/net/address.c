/* Addresses as text and back, and what kind they are. It asks the kernel nothing: that is
 * route.c's. */
#include "net/address.h"
#include "base/hash.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>

socklen_t sa_len(const struct sa *a)
{
	return sa_is_v6(a) ? sizeof(a->u.in6) : sizeof(a->u.in4);
}

uint16_t sa_port(const struct sa *a)
{
	return ntohs(sa_is_v6(a) ? a->u.in6.sin6_port : a->u.in4.sin_port);
}

void sa_set_port(struct sa *a, uint16_t port)
{
	if (sa_is_v6(a))
		a->u.in6.sin6_port = htons(port);
	else
		a->u.in4.sin_port = htons(port);
}

static void set_v4(struct sa *a, const void *addr, uint16_t port_be)
{
	*a = (struct sa){ 0 };
	a->u.in4.sin_family = AF_INET;
	a->u.in4.sin_port = port_be;
	memcpy(&a->u.in4.sin_addr, addr, 4);
}

static void set_v6(struct sa *a, const struct in6_addr *addr, uint16_t port_be, uint32_t scope)
{
	if (IN6_IS_ADDR_V4MAPPED(addr)) {
		set_v4(a, addr->s6_addr + 12, port_be);
		return;
	}
	*a = (struct sa){ 0 };
	a->u.in6.sin6_family = AF_INET6;
	a->u.in6.sin6_port = port_be;
	a->u.in6.sin6_addr = *addr;
	/* Only link-local addresses have a scope; for others the kernel's
	 * number would make equal peers look different. */
	if (IN6_IS_ADDR_LINKLOCAL(addr))
		a->u.in6.sin6_scope_id = scope;
}

void sa_from(struct sa *a, const struct sockaddr *s, socklen_t n)
{
	if (s && s->sa_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)s;

		set_v4(a, &in4->sin_addr, in4->sin_port);
	} else if (s && s->sa_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)s;

		set_v6(a, &in6->sin6_addr, in6->sin6_port, in6->sin6_scope_id);
	} else {
		*a = (struct sa){ 0 };
	}
}

static int parse_v6(struct sa *a, struct str host, uint16_t port)
{
	char z[INET6_ADDRSTRLEN], zone[IF_NAMESIZE];
	struct in6_addr in6;
	struct str addr = str_cut_raw(&host, '%');
	uint32_t scope = 0;

	if (addr.n >= sizeof(z) || memchr(addr.p, 0, addr.n))
		return EBADMSG;
	if (inet_pton(AF_INET6, str_copy(z, sizeof(z), addr), &in6) != 1)
		return EBADMSG;
	if (host.n) {
		if (host.n >= sizeof(zone))
			return EBADMSG;
		if (str_u32(host, &scope))
			scope = if_nametoindex(str_copy(zone, sizeof(zone), host));
		if (!scope)
			return EBADMSG;
	}
	set_v6(a, &in6, htons(port), scope);
	return 0;
}

static int parse_v4(struct sa *a, struct str host, uint16_t port)
{
	unsigned char b[4];

	/* By hand: quicker than inet_pton() with its terminated copy, and every
	 * Via of every message comes through here. */
	for (unsigned i = 0; i < 4; i++) {
		unsigned v = 0, digits = 0;

		while (host.n && host.p[0] >= '0' && host.p[0] <= '9' && digits < 4) {
			v = v * 10 + (unsigned)(host.p[0] - '0');
			digits++;
			host = str_skip(host, 1);
		}
		if (!digits || digits > 3 || v > 255)
			return EBADMSG;
		b[i] = (unsigned char)v;
		if (i < 3) {
			if (!host.n || host.p[0] != '.')
				return EBADMSG;
			host = str_skip(host, 1);
		}
	}
	if (host.n)
		return EBADMSG;
	set_v4(a, b, htons(port));
	return 0;
}

int sa_parse_host(struct sa *a, struct str host, uint16_t port)
{
	if (!host.n)
		return EBADMSG;
	if (host.p[0] == '[') {
		if (host.n < 4 || host.p[host.n - 1] != ']')
			return EBADMSG;
		return parse_v6(a, str_sub(host, 1, host.n - 2), port);
	}
	if (str_chr(host, ':') < host.n)
		return parse_v6(a, host, port);
	return parse_v4(a, host, port);
}

int sa_parse(struct sa *a, struct str s)
{
	struct str host = s, port = STR_NULL;
	uint32_t v = 0;
	size_t colon = str_chr(s, ':');

	if (s.n && s.p[0] == '[') {
		size_t end = str_chr(s, ']');

		if (end == s.n)
			return EBADMSG;
		host = str_sub(s, 0, end + 1);
		port = str_skip(s, end + 1);
	} else if (colon < s.n && str_rchr(s, ':') == colon) {
		host = str_sub(s, 0, colon);
		port = str_skip(s, colon);
	}
	if (port.n && (port.p[0] != ':' || str_u32(str_skip(port, 1), &v) || v > 65535))
		return EBADMSG;
	return sa_parse_host(a, host, (uint16_t)v);
}

bool sa_eq_host(const struct sa *a, const struct sa *b)
{
	if (a->u.s.sa_family != b->u.s.sa_family)
		return false;
	if (!sa_is_v6(a))
		return a->u.in4.sin_addr.s_addr == b->u.in4.sin_addr.s_addr;
	return memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 16) == 0 &&
	       a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
}

bool sa_eq(const struct sa *a, const struct sa *b)
{
	return sa_eq_host(a, b) && sa_port(a) == sa_port(b);
}

bool sa_is_any(const struct sa *a)
{
	if (sa_is_v6(a))
		return IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
	return a->u.in4.sin_addr.s_addr == INADDR_ANY;
}

bool sa_is_loopback(const struct sa *a)
{
	if (sa_is_v6(a))
		return IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
	return ntohl(a->u.in4.sin_addr.s_addr) >> 24 == 127;
}

bool sa_is_private(const struct sa *a)
{
	uint32_t v;

	if (sa_is_v6(a)) {      /* RFC 4193 fc00::/7, RFC 4291 fe80::/10 */
		const uint8_t *p = a->u.in6.sin6_addr.s6_addr;

		return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
	}
	v = ntohl(a->u.in4.sin_addr.s_addr);    /* RFC 1918, RFC 3927 */
	return v >> 24 == 10 || v >> 20 == 0xac1 || v >> 16 == 0xc0a8 || v >> 16 == 0xa9fe;
}

uint64_t sa_hash_host(const struct sa *a)
{
	return sa_is_v6(a) ? hash_mem(&a->u.in6.sin6_addr, 16) : hash_mem(&a->u.in4.sin_addr, 4);
}

void sa_mask_host(struct sa *a, unsigned bits)
{
	uint8_t *p = sa_is_v6(a) ? a->u.in6.sin6_addr.s6_addr : (uint8_t *)&a->u.in4.sin_addr;
	unsigned n = sa_is_v6(a) ? 16 : 4, whole = bits / 8, rest = bits % 8;

	if (rest && whole < n)
		p[whole] &= (uint8_t)(0xff00u >> rest);
	for (unsigned i = whole + (rest != 0); i < n; i++)
		p[i] = 0;
}

static size_t text_v4(char *p, const struct sa *a)
{
	const uint8_t *b = (const uint8_t *)&a->u.in4.sin_addr;
	char *start = p;

	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		if (b[i] >= 100)
			*p++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*p++ = (char)('0' + b[i] / 10 % 10);
		*p++ = (char)('0' + b[i] % 10);
	}
	return (size_t)(p - start);
}

void sa_write_bare(struct buf *b, const struct sa *a)
{
	char z[INET6_ADDRSTRLEN];

	if (!sa_is_v6(a)) {
		buf_mem(b, z, text_v4(z, a));
		return;
	}
	inet_ntop(AF_INET6, &a->u.in6.sin6_addr, z, sizeof(z));
	buf_put(b, str_z(z));
	if (a->u.in6.sin6_scope_id) {
		buf_char(b, '%');
		buf_u64(b, a->u.in6.sin6_scope_id);
	}
}

void sa_write_host(struct buf *b, const struct sa *a)
{
	if (sa_is_v6(a))
		buf_char(b, '[');
	sa_write_bare(b, a);
	if (sa_is_v6(a))
		buf_char(b, ']');
}

void sa_write(struct buf *b, const struct sa *a)
{
	sa_write_host(b, a);
	buf_char(b, ':');
	buf_u64(b, sa_port(a));
}

const char *sa_text(const struct sa *a, char out[SA_TEXT])
{
	struct buf b;

	buf_init(&b, out, SA_TEXT, SA_TEXT);
	sa_write(&b, a);
	return buf_z(&b);
}

const char *sa_text_bare(const struct sa *a, char out[SA_TEXT])
{
	struct buf b;

	buf_init(&b, out, SA_TEXT, SA_TEXT);
	sa_write_bare(&b, a);
	return buf_z(&b);
}
