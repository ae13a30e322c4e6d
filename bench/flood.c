/* One source that sends requests as fast as it is told and cares for nobody: what a
 * broken or hostile phone with the right address does. `flood --help` tells how.
 * It counts what comes back by status; answers to INVITE it may acknowledge, so that
 * calls pile up. Everything ends after --seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define SIZE 1400
#define TICK_NS 1000000ull

struct flood {
	struct sockaddr_in server, from;
	const char *method, *user;
	double rate, seconds;
	bool ack;
	int fd;
	uint64_t sent, unsent, acked, by_status[700];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t request_write(const struct flood *f, char *out, uint64_t n)
{
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN], sdp[256] = "";
	bool invite = !strcmp(f->method, "INVITE");
	const char *more = !strcmp(f->method, "REGISTER") ? "Expires: 600\r\n" : invite ? "Content-Type: application/sdp\r\n" :
			   !strcmp(f->method, "MESSAGE") ? "Content-Type: text/plain\r\n" : "";
	unsigned port = ntohs(f->from.sin_port), server = ntohs(f->server.sin_port);
	int len;

	inet_ntop(AF_INET, &f->from.sin_addr, from, sizeof(from));
	inet_ntop(AF_INET, &f->server.sin_addr, to, sizeof(to));
	if (invite)
		snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
			 "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", from, from);
	len = snprintf(out, SIZE, "%s sip:%s@%s:%u SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;rport;branch=z9hG4bKfl%llu-%u\r\n"
		       "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=fl%llu\r\nTo: <sip:%s@%s>\r\nCall-ID: flood-%llu-%u\r\n"
		       "CSeq: 1 %s\r\nContact: <sip:%s@%s:%u>\r\n%sContent-Length: %zu\r\n\r\n%s", f->method, f->user, to, server,
		       from, port, (unsigned long long)n, port, f->user, to, (unsigned long long)n, f->user, to,
		       (unsigned long long)n, port, f->method, f->user, from, port, more, strlen(sdp), sdp);
	return len > 0 && len < SIZE ? (size_t)len : 0;
}

/* The value of a header line, with its name. */
static const char *line_of(const char *text, const char *name, int *len)
{
	const char *at = strstr(text, name);

	*len = at ? (int)strcspn(at + 2, "\r\n") : 0;
	return at ? at + 2 : "";
}

/* Only INVITEs are answered so that To, From, Call-ID and Via say all. */
static void ack(struct flood *f, const char *answer)
{
	char out[SIZE], to[INET_ADDRSTRLEN];
	int n[4], len;
	const char *via = line_of(answer, "\r\nVia: ", &n[0]), *from = line_of(answer, "\r\nFrom: ", &n[1]);
	const char *tag = line_of(answer, "\r\nTo: ", &n[2]), *id = line_of(answer, "\r\nCall-ID: ", &n[3]);

	inet_ntop(AF_INET, &f->server.sin_addr, to, sizeof(to));
	len = snprintf(out, sizeof(out), "ACK sip:%s:%u SIP/2.0\r\n%.*s\r\nMax-Forwards: 70\r\n%.*s\r\n%.*s\r\n%.*s\r\n"
		       "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n", to, ntohs(f->server.sin_port), n[0], via, n[1], from, n[2],
		       tag, n[3], id);
	if (len > 0 && len < SIZE && sendto(f->fd, out, (size_t)len, MSG_DONTWAIT, (struct sockaddr *)&f->server,
					   sizeof(f->server)) == len)
		f->acked++;
}

static void take_answers(struct flood *f)
{
	char in[4096];
	ssize_t n;

	for (unsigned i = 0; i < 4096 && (n = recv(f->fd, in, sizeof(in) - 1, MSG_DONTWAIT)) > 0; i++) {
		unsigned status;

		in[n] = 0;
		if (sscanf(in, "SIP/2.0 %3u", &status) != 1 || status >= 700)
			continue;
		f->by_status[status]++;
		if (f->ack && status >= 200 && strstr(in, " INVITE\r\n"))
			ack(f, in);
	}
}

static void send_some(struct flood *f, uint64_t count)
{
	static char room[BATCH][SIZE];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];

	while (count) {
		unsigned n = count < BATCH ? (unsigned)count : BATCH;
		int done;

		memset(msg, 0, sizeof(msg));
		for (unsigned i = 0; i < n; i++) {
			iov[i] = (struct iovec){ room[i], request_write(f, room[i], f->sent + f->unsent + i) };
			msg[i].msg_hdr = (struct msghdr){ .msg_name = &f->server, .msg_namelen = sizeof(f->server),
				.msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		done = sendmmsg(f->fd, msg, n, MSG_DONTWAIT);
		f->sent += done > 0 ? (unsigned)done : 0;
		f->unsent += n - (done > 0 ? (unsigned)done : 0);
		count -= n;
	}
}

static void run(struct flood *f)
{
	uint64_t begin = now_ns(), end = begin + (uint64_t)(f->seconds * 1e9);
	struct timespec tick = { 0, TICK_NS };

	for (uint64_t now = begin; now < end; now = now_ns()) {
		uint64_t due = (uint64_t)((double)(now - begin) / 1e9 * f->rate), made = f->sent + f->unsent;

		/* Late: what was not sent is not made up for beyond a tenth of a second. */
		if (due > made + (uint64_t)(f->rate / 10))
			f->unsent += due - made - (uint64_t)(f->rate / 10);
		else if (due > made)
			send_some(f, due - made);
		take_answers(f);
		nanosleep(&tick, NULL);
	}
	take_answers(f);
}

static int address(struct sockaddr_in *a, const char *text)
{
	char host[64];
	const char *colon = strchr(text, ':');

	a->sin_family = AF_INET;
	a->sin_port = htons((uint16_t)(colon ? atoi(colon + 1) : 0));
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, ":"), text);
	return inet_pton(AF_INET, host, &a->sin_addr) == 1 ? 0 : EINVAL;
}

static int open_socket(struct flood *f)
{
	socklen_t n = sizeof(f->from);
	int big = 4 << 20;

	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&f->from, sizeof(f->from)) ||
	    getsockname(f->fd, (struct sockaddr *)&f->from, &n))
		return errno;
	setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	setsockopt(f->fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	return 0;
}

static void report(const struct flood *f)
{
	printf("{\"sent\": %llu, \"unsent\": %llu, \"acked\": %llu, \"answers\": {", (unsigned long long)f->sent,
	       (unsigned long long)f->unsent, (unsigned long long)f->acked);
	for (unsigned i = 0, any = 0; i < 700; i++)
		if (f->by_status[i])
			printf("%s\"%u\": %llu", any++ ? ", " : "", i, (unsigned long long)f->by_status[i]);
	printf("}}\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "server", 1, NULL, 's' }, { "from", 1, NULL, 'f' },
		{ "method", 1, NULL, 'm' }, { "user", 1, NULL, 'u' }, { "rate", 1, NULL, 'r' }, { "seconds", 1, NULL, 't' },
		{ "ack", 0, NULL, 'a' }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	static struct flood f = { .method = "OPTIONS", .user = "flood", .rate = 20000, .seconds = 10 };
	int err = 0, c;

	address(&f.from, "127.0.0.2");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's': err |= address(&f.server, optarg); break;
		case 'f': err |= address(&f.from, optarg); break;
		case 'm': f.method = optarg; break;
		case 'u': f.user = optarg; break;
		case 'r': f.rate = atof(optarg); break;
		case 't': f.seconds = atof(optarg); break;
		case 'a': f.ack = true; break;
		default: err = EINVAL;
		}
	}
	if (err || !f.server.sin_port) {
		fprintf(stderr, "flood --server IP:PORT [--from IP[:PORT]] [--method METHOD] [--user USER] [--rate N] [--seconds N] [--ack]\n"
			"Sends N requests a second; the user is that of the R-URI, From and To. --ack: acknowledge final\n"
			"answers to INVITE, so that calls stay up. Prints one line of JSON at its end.\n");
		return 2;
	}
	err = open_socket(&f);
	if (err) {
		fprintf(stderr, "flood: %s\n", strerror(err));
		return 1;
	}
	run(&f);
	report(&f);
	return 0;
}
