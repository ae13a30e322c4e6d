/* Datagrams of strangers: from many addresses to a range of ports at a rate, of the kinds that
 * may come to a media port. It counts what comes back: RTP is a leak, and bytes tell of
 * amplification. `spray --help` tells how. Everything ends after --seconds, or by SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, SIZE = 512, SOURCES = 64, TICK_NS = 1000000, MARK = 0xa5 };

enum kind { HELLO, FRAGMENT, RTP, SRTP, RTCP, STUN, JUNK, KINDS };
static const char *const names[KINDS] = { "hello", "fragment", "rtp", "srtp", "rtcp", "stun", "junk" };

struct spray {
	struct in_addr to, from;
	struct sockaddr_in forged;      /* sin_port not 0: whose name all have */
	unsigned first, last, port, sources, source;
	bool kinds[KINDS], proves;
	double rate, seconds;
	uint64_t most;
	const char *user;               /* of STUN: USERNAME */
	int fd[SOURCES], raw;
	uint64_t seed;
	uint64_t sent, unsent, bytes, back, back_bytes, back_rtp, asked;
};

/* ---- what is sent */

static uint64_t next_random(struct spray *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return s->seed;
}

static void put_random(struct spray *s, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next_random(s);
}

static size_t put_16(uint8_t *p, size_t at, unsigned v)
{
	p[at] = (uint8_t)(v >> 8);
	p[at + 1] = (uint8_t)v;
	return at + 2;
}

/* A ClientHello of DTLS 1.2 with use_srtp; with a cookie when there is one. */
static size_t put_hello(struct spray *s, uint8_t *p, const uint8_t *cookie, size_t cookie_n)
{
	static const uint8_t rest[] = {
		0, 4, 0xc0, 0x2b, 0xc0, 0x2f,                           /* ECDHE with AES-128-GCM */
		1, 0,                                                   /* no compression */
		0, 38, 0, 14, 0, 5, 0, 2, 0, 1, 0,                      /* use_srtp: AES_CM_128_HMAC_SHA1_80 */
		0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0,            /* P-256, uncompressed */
		0, 13, 0, 4, 0, 2, 4, 3, 0xff, 1, 0, 1, 0, 0, 23, 0, 0, /* ECDSA with SHA-256, no old session */
	};
	size_t n, body;

	memset(p, 0, SIZE);
	p[0] = 22;
	p[1] = 0xfe;
	p[2] = 0xff;
	p[10] = cookie_n > 0;
	p[13] = 1;
	p[18] = cookie_n > 0;
	n = put_16(p, 25, 0xfefd);
	put_random(s, p + n, 32);
	n += 33;
	p[n++] = (uint8_t)cookie_n;
	if (cookie_n)
		memcpy(p + n, cookie, cookie_n);
	n += cookie_n;
	memcpy(p + n, rest, sizeof(rest));
	/* 38 and 4 bytes of extensions are named above; what they come to is counted here. */
	put_16(p, n + 8, (unsigned)sizeof(rest) - 10);
	n += sizeof(rest);
	body = n - 25;
	put_16(p, 11, (unsigned)(n - 13));
	put_16(p, 15, (unsigned)body);
	put_16(p, 23, (unsigned)body);
	return n;
}

/* A piece of a long message, never the whole. */
static size_t put_fragment(struct spray *s, uint8_t *p)
{
	size_t n = put_hello(s, p, NULL, 0);

	put_16(p, 15, 5000);                            /* its length */
	if (next_random(s) & 1)
		put_16(p, 20, (unsigned)(next_random(s) % 4000));       /* where this piece is */
	if (next_random(s) & 1)
		p[13] = 11;                             /* Certificate */
	return n;
}

static size_t put_rtp(struct spray *s, uint8_t *p, size_t more)
{
	put_random(s, p, 12);
	p[0] = 0x80;
	p[1] = 0;
	memset(p + 12, MARK, 160);
	put_random(s, p + 172, more);
	return 172 + more;
}

static size_t put_rtcp(struct spray *s, uint8_t *p)
{
	put_random(s, p, 40);
	p[0] = 0x81;
	p[1] = 201;
	put_16(p, 2, 7);
	p[32] = 0x81;
	p[33] = 203;                                    /* BYE */
	put_16(p, 34, 1);
	return 40;
}

static uint32_t crc_32(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static size_t put_attribute(uint8_t *p, size_t at, unsigned type, const void *value, size_t n)
{
	put_16(p, at, type);
	put_16(p, at + 2, (unsigned)n);
	memset(p + at + 4, 0, (n + 3) / 4 * 4);
	if (n)
		memcpy(p + at + 4, value, n);
	return at + 4 + (n + 3) / 4 * 4;
}

/* What would change roles, pairs, addresses or consent, if it were signed: a request to nominate,
 * an answer, a role conflict; some have a MESSAGE-INTEGRITY that is made up. */
static size_t put_stun(struct spray *s, uint8_t *p)
{
	static const unsigned types[] = { 0x0001, 0x0001, 0x0101, 0x0111, 0x0011 };
	static const uint8_t conflict[] = { 0, 0, 4, 87 }, mapped[] = { 0, 1, 1, 2, 3, 4, 5, 6 };
	uint8_t some[20];
	uint32_t crc;
	size_t n = 20;

	put_random(s, some, sizeof(some));
	put_16(p, 0, types[next_random(s) % 5]);
	memcpy(p + 4, "\x21\x12\xa4\x42", 4);
	put_random(s, p + 8, 12);
	if (s->user)
		n = put_attribute(p, n, 0x0006, s->user, strlen(s->user));
	n = put_attribute(p, n, 0x0024, "\x7e\xff\xff\xff", 4);        /* PRIORITY */
	n = put_attribute(p, n, next_random(s) & 1 ? 0x802a : 0x8029, some, 8);
	n = put_attribute(p, n, 0x0025, NULL, 0);                      /* USE-CANDIDATE */
	if (p[0])
		n = p[1] == 0x11 ? put_attribute(p, n, 0x0009, conflict, 4) : put_attribute(p, n, 0x0020, mapped, 8);
	if (next_random(s) & 1)
		n = put_attribute(p, n, 0x0008, some, 20);             /* MESSAGE-INTEGRITY */
	put_16(p, 2, (unsigned)(n - 20 + 8));
	crc = crc_32(p, n) ^ 0x5354554e;
	crc = htonl(crc);
	return put_attribute(p, n, 0x8028, &crc, 4);
}

static size_t put_packet(struct spray *s, uint8_t *p)
{
	enum kind k = (enum kind)(next_random(s) % KINDS);

	while (!s->kinds[k])
		k = (enum kind)((k + 1) % KINDS);
	switch (k) {
	case HELLO:
		return put_hello(s, p, NULL, 0);
	case FRAGMENT:
		return put_fragment(s, p);
	case RTP:
		return put_rtp(s, p, 0);
	case SRTP:
		return put_rtp(s, p, 10);
	case RTCP:
		return put_rtcp(s, p);
	case STUN:
		return put_stun(s, p);
	default:
		put_random(s, p, 200);
		return 1 + next_random(s) % 200;
	}
}

/* ---- sending */

static struct sockaddr_in next_target(struct spray *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = s->to, .sin_port = htons((uint16_t)s->port) };

	s->port = s->port == s->last ? s->first : s->port + 1;
	return a;
}

/* In somebody else's name: an IP header of ours. The kernel fills in its checksum. */
static size_t put_ip(const struct spray *s, uint8_t *p, size_t n, const struct sockaddr_in *to)
{
	struct ip ip = { .ip_v = 4, .ip_hl = 5, .ip_ttl = 64, .ip_p = IPPROTO_UDP, .ip_len = htons((uint16_t)(n + 28)),
			 .ip_src = s->forged.sin_addr, .ip_dst = to->sin_addr };
	struct udphdr udp = { .uh_sport = s->forged.sin_port, .uh_dport = to->sin_port, .uh_ulen = htons((uint16_t)(n + 8)) };

	memmove(p + 28, p, n);
	memcpy(p, &ip, 20);
	memcpy(p + 20, &udp, 8);
	return n + 28;
}

static void send_batch(struct spray *s, unsigned n)
{
	static uint8_t bytes[BATCH][SIZE];
	struct sockaddr_in to[BATCH];
	struct iovec v[BATCH];
	struct mmsghdr m[BATCH];
	int fd = s->raw >= 0 ? s->raw : s->fd[s->source++ % s->sources], done;

	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < n; i++) {
		size_t len = put_packet(s, bytes[i]);

		to[i] = next_target(s);
		if (s->raw >= 0)
			len = put_ip(s, bytes[i], len, &to[i]);
		v[i] = (struct iovec){ bytes[i], len };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &to[i], .msg_namelen = sizeof(to[i]), .msg_iov = &v[i], .msg_iovlen = 1 };
		s->bytes += len;
	}
	/* A closed port's refusal comes back as an error of the next packet: go on behind it. */
	for (unsigned i = 0; i < n; i += (unsigned)(done > 0 ? done : 1)) {
		done = sendmmsg(fd, m + i, n - i, 0);
		s->sent += (uint64_t)(done > 0 ? done : 0);
		s->unsent += done <= 0;
	}
}

/* A stranger who does receive at its address answers for its cookie, and then says no more. */
static void prove(struct spray *s, int fd, const struct sockaddr_in *to, const uint8_t *p, size_t n)
{
	uint8_t hello[SIZE];
	size_t len;

	if (n < 28 || p[0] != 22 || p[13] != 3 || (size_t)28 + p[27] > n)
		return;
	s->asked++;
	if (!s->proves)
		return;
	len = put_hello(s, hello, p + 28, p[27]);
	if (sendto(fd, hello, len, 0, (const struct sockaddr *)to, sizeof(*to)) > 0)
		s->bytes += len;
}

static void take_answers(struct spray *s)
{
	uint8_t p[2048];

	for (unsigned i = 0; i < s->sources; i++) {
		for (int k = 0; k < 256; k++) {
			struct sockaddr_in from;
			socklen_t len = sizeof(from);
			ssize_t n = recvfrom(s->fd[i], p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

			if (n < 0 && errno == EAGAIN)
				break;
			if (n <= 0)
				continue;
			s->back++;
			s->back_bytes += (uint64_t)n;
			s->back_rtp += p[0] >> 6 == 2;
			prove(s, s->fd[i], &from, p, (size_t)n);
		}
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static volatile sig_atomic_t over;

static void on_signal(int sig)
{
	(void)sig;
	over = 1;
}

static void run(struct spray *s)
{
	uint64_t start = now_ns(), end = start + (uint64_t)(s->seconds * 1e9), now, done = 0;

	while ((now = now_ns()) < end && done < s->most && !over) {
		uint64_t due = (uint64_t)((double)(now - start) * s->rate / 1e9);

		due = due < s->most ? due : s->most;
		/* What was missed while the machine was busy comes at once, but for a tenth of a second's worth. */
		if (due > done + (uint64_t)s->rate / 10 + BATCH)
			start = now - (uint64_t)((double)done / s->rate * 1e9);
		for (; done < due && now_ns() < end; ) {
			unsigned n = due - done < BATCH ? (unsigned)(due - done) : BATCH;

			send_batch(s, n);
			done += n;
		}
		take_answers(s);
		nanosleep(&(struct timespec){ .tv_nsec = TICK_NS }, NULL);
	}
	take_answers(s);
}

/* ---- beginning and end */

static int open_sockets(struct spray *s)
{
	int room = 4 << 20;

	for (unsigned i = 0; i < s->sources; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ntohl(s->from.s_addr) + i) };

		s->fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (s->fd[i] < 0 || bind(s->fd[i], (const struct sockaddr *)&a, sizeof(a)))
			return -1;
		setsockopt(s->fd[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	}
	if (s->forged.sin_port)
		s->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return s->forged.sin_port && s->raw < 0 ? -1 : 0;
}

static bool take_kinds(struct spray *s, char *list)
{
	for (char *w = strtok(list, ","); w; w = strtok(NULL, ",")) {
		int k = 0;

		while (k < KINDS && strcmp(names[k], w))
			k++;
		if (k == KINDS)
			return false;
		s->kinds[k] = true;
	}
	return true;
}

static bool take_forged(struct spray *s, char *text)
{
	char *port = strchr(text, ':');

	if (!port)
		return false;
	*port++ = 0;
	s->forged.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	return inet_pton(AF_INET, text, &s->forged.sin_addr) == 1;
}

static const char usage[] =
	"spray --to ADDRESS --ports FIRST-LAST [--from ADDRESS] [--sources N] --kinds KIND,... --rate N --seconds S\n"
	"  --count N         end after so many datagrams\n"
	"  --prove           answer for the cookie that a hello is asked for, and then stop\n"
	"  --forge IP:PORT   all in the name of this one; needs raw sockets\n"
	"  --user NAME       USERNAME of STUN\n"
	"Kinds: hello fragment rtp srtp rtcp stun junk. Prints what was sent and what came back.\n";

static bool take_option(struct spray *s, int c)
{
	switch (c) {
	case 't':
		return inet_pton(AF_INET, optarg, &s->to) == 1;
	case 'f':
		return inet_pton(AF_INET, optarg, &s->from) == 1;
	case 'p':
		return sscanf(optarg, "%u-%u", &s->first, &s->last) == 2 && s->first <= s->last && s->last <= UINT16_MAX;
	case 'n':
		s->sources = (unsigned)strtoul(optarg, NULL, 10);
		return s->sources >= 1 && s->sources <= SOURCES;
	case 'k':
		return take_kinds(s, optarg);
	case 'r':
		s->rate = strtod(optarg, NULL);
		return s->rate > 0;
	case 's':
		s->seconds = strtod(optarg, NULL);
		return s->seconds > 0;
	case 'c':
		s->most = strtoull(optarg, NULL, 10);
		return s->most > 0;
	case 'v':
		return s->proves = true;
	case 'g':
		return take_forged(s, optarg);
	case 'u':
		s->user = optarg;
		return strlen(optarg) <= 100;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", 1, NULL, 't' }, { "from", 1, NULL, 'f' }, { "ports", 1, NULL, 'p' }, { "sources", 1, NULL, 'n' },
		{ "kinds", 1, NULL, 'k' }, { "rate", 1, NULL, 'r' }, { "seconds", 1, NULL, 's' }, { "count", 1, NULL, 'c' },
		{ "prove", 0, NULL, 'v' }, { "forge", 1, NULL, 'g' }, { "user", 1, NULL, 'u' }, { NULL, 0, NULL, 0 },
	};
	struct spray s = { .sources = 20, .raw = -1, .most = UINT64_MAX };
	bool any = false;
	int c;

	inet_pton(AF_INET, "127.1.0.1", &s.from);
	s.seed = now_ns() | 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(&s, c)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	for (int k = 0; k < KINDS; k++)
		any = any || s.kinds[k];
	if (!any || !s.last || s.rate <= 0 || s.seconds <= 0) {
		fputs(usage, stderr);
		return 2;
	}
	s.port = s.first;
	signal(SIGTERM, on_signal);
	if (open_sockets(&s)) {
		perror("spray");
		return 1;
	}
	run(&s);
	printf("{\"sent\": %llu, \"unsent\": %llu, \"bytes\": %llu, \"back\": %llu, \"back bytes\": %llu, \"back rtp\": %llu, "
	       "\"asked\": %llu}\n", (unsigned long long)s.sent, (unsigned long long)s.unsent, (unsigned long long)s.bytes,
	       (unsigned long long)s.back, (unsigned long long)s.back_bytes, (unsigned long long)s.back_rtp,
	       (unsigned long long)s.asked);
	return 0;
}
