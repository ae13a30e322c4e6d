/* service/common/sip_pcap.c -- SIP messages as records of libpcap's file format, version 2.4. */
#include "service/common/sip_pcap.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* PAYLOAD_MAX: what an IPv4 packet has room for besides its headers. */
enum { FILE_HEAD = 24, RECORD_HEAD = 16, ETHER = 14, IP4 = 20, IP6 = 40, UDP = 8, SNAPLEN = 65535 + ETHER,
	PAYLOAD_MAX = 65535 - IP4 - UDP };

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

/* Heads of the file and of records are in the order of the machine, and its magic number says which. */
static uint8_t *put_own(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
	return p + 4;
}

int sip_pcap_open(int *fdp, const char *path)
{
	uint8_t head[FILE_HEAD] = { 0 };
	uint16_t version[2] = { 2, 4 };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640), err;

	if (fd < 0)
		return errno;
	put_own(head, 0xa1b2c3d4);
	memcpy(head + 4, version, 4);
	put_own(head + 16, SNAPLEN);
	put_own(head + 20, 1);  /* Ethernet: the only kind that holds IPv4 and IPv6 */
	if (write(fd, head, sizeof(head)) != sizeof(head)) {
		err = errno ? errno : EIO;
		close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

static uint8_t *put_addr(uint8_t *p, const struct sa *a, bool v6)
{
	/* A socket that listens on every address does not know ours: zeros then. */
	if (v6 == sa_is_v6(a) && sa_is_set(a))
		memcpy(p, v6 ? (const void *)&a->u.in6.sin6_addr : (const void *)&a->u.in4.sin_addr, v6 ? 16 : 4);
	return p + (v6 ? 16 : 4);
}

/* Checksums stay zero: nobody has to believe them here. */
static size_t put_heads(uint8_t *p, const struct sa *from, const struct sa *to, bool v6, size_t n)
{
	uint8_t *start = p;

	p = put16(p + 12, v6 ? 0x86dd : 0x0800);
	if (v6) {
		p[0] = 0x60;
		put16(p + 4, (unsigned)n + UDP);
		p[6] = IPPROTO_UDP;
		p[7] = 64;
		p += 8;
	} else {
		p[0] = 0x45;
		put16(p + 2, (unsigned)n + UDP + IP4);
		p[8] = 64;
		p[9] = IPPROTO_UDP;
		p += 12;
	}
	p = put_addr(p, from, v6);
	p = put_addr(p, to, v6);
	p = put16(p, sa_is_set(from) ? sa_port(from) : 0);
	p = put16(p, sa_is_set(to) ? sa_port(to) : 0);
	p = put16(p, (unsigned)n + UDP);
	return (size_t)(p + 2 - start);
}

int sip_pcap_write(int fd, bool sent, const struct net_path *path, struct str bytes)
{
	uint8_t head[RECORD_HEAD + ETHER + IP6 + UDP] = { 0 }, *p = head;
	size_t n = bytes.n < PAYLOAD_MAX ? bytes.n : PAYLOAD_MAX, heads;
	struct iovec v[2] = { { .iov_base = head }, { .iov_base = (void *)(size_t)bytes.p, .iov_len = n } };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	heads = put_heads(head + RECORD_HEAD, sent ? &path->local : &path->peer, sent ? &path->peer : &path->local,
			  sa_is_v6(&path->peer), n);
	p = put_own(p, (uint32_t)now.tv_sec);
	p = put_own(p, (uint32_t)(now.tv_nsec / 1000));
	p = put_own(p, (uint32_t)(heads + n));
	put_own(p, (uint32_t)(heads + bytes.n));
	v[0].iov_len = RECORD_HEAD + heads;
	errno = 0;
	if (writev(fd, v, 2) == (ssize_t)(v[0].iov_len + n))
		return 0;
	errno = errno ? errno : ENOSPC;
	return errno;
}
