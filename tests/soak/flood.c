/* A phone that floods: requests at a rate, each a transaction of its own, or calls
 * that are answered and never ended. Reads the answers only to count them and to
 * acknowledge. bench/load is the polite generator; it measures, this one does not. */
#include "../../bench/wire.h"
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STATUSES 700
#define BURST 4096              /* requests in one turn at most */

struct flood {
	struct sock sock;
	struct sockaddr_in server;
	const char *local, *exten;
	struct str method;
	bool calls;
	uint32_t run;           /* tells this process's messages from another's */
	uint64_t number, acks, byes, bare_503;
	uint64_t status[STATUSES];
};

static volatile sig_atomic_t over;

static void on_signal(int sig)
{
	(void)sig;
	over = 1;
}

/* Request line, Via, From and Call-ID; `n` makes them its own. */
static void put_head(struct buf *b, const struct flood *f, struct str method, uint64_t n, const char *branch)
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &f->server.sin_addr, host, sizeof(host));
	buf_printf(b, "%.*s sip:%s@%s:%u SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s:%u;branch=z9hG4bK%s%08x%llu\r\nMax-Forwards: 70\r\n"
		"From: <sip:flood@%s>;tag=%llu\r\nCall-ID: f%08x%llu\r\nContact: <sip:flood@%s:%u>\r\n",
		STR_ARG(method), f->exten, host, ntohs(f->server.sin_port),
		f->local, f->sock.port, branch, f->run, (unsigned long long)n,
		host, (unsigned long long)n, f->run, (unsigned long long)n, f->local, f->sock.port);
}

static void send_request(struct flood *f)
{
	char space[WIRE_MESSAGE], sdp[256];
	struct buf b;
	int n = 0;

	f->number++;
	buf_init(&b, space, sizeof(space), sizeof(space));
	put_head(&b, f, f->method, f->number, "");
	buf_printf(&b, "To: <sip:%s@%s>\r\nCSeq: 1 %.*s\r\n", f->exten, f->local, STR_ARG(f->method));
	if (f->calls)
		n = snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
			f->local, f->local);
	if (n > 0)
		buf_printf(&b, "Content-Type: application/sdp\r\n");
	buf_printf(&b, "Content-Length: %d\r\n\r\n%.*s", n, n, sdp);
	sock_send(&f->sock, &f->server, buf_view(&b));
}

/* The number at the end of the Call-ID, which is ours: "f", eight digits of the run. */
static uint64_t call_number(const struct msg *m)
{
	uint32_t n;

	return str_u32(str_skip(m->call_id, 9), &n) ? 0 : n;
}

static void acknowledge(struct flood *f, const struct msg *m)
{
	char space[WIRE_MESSAGE];
	struct buf b;

	buf_init(&b, space, sizeof(space), sizeof(space));
	/* The ACK of a refusal belongs to its transaction, that of a 2xx is one of its own. */
	put_head(&b, f, STR("ACK"), call_number(m), m->status < 300 ? "a" : "");
	buf_puts(&b, STR("To: "), m->to, STR("\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"));
	sock_send(&f->sock, &f->server, buf_view(&b));
	f->acks++;
}

static void on_datagram(void *arg, const struct sockaddr_in *from, struct str datagram)
{
	struct flood *f = arg;
	char space[WIRE_MESSAGE];
	struct msg m;
	struct buf b;

	(void)from;
	if (!msg_scan(&m, datagram))
		return;
	if (!m.status) {
		if (str_eq(m.method, STR("ACK")))
			return;
		f->byes++;
		buf_init(&b, space, sizeof(space), sizeof(space));
		put_answer(&b, STR("200 OK"), &m, STR("f"));
		buf_puts(&b, STR("Content-Length: 0\r\n\r\n"));
		sock_send(&f->sock, &f->server, buf_view(&b));
		return;
	}
	if (m.status < STATUSES)
		f->status[m.status]++;
	/* Who has no room says when to come again. */
	if (m.status == 503 && str_ifind(datagram, STR("\nRetry-After:")) == datagram.n)
		f->bare_503++;
	if (f->calls && m.status >= 200)
		acknowledge(f, &m);
}

/* Send what is due by now, read what came, sleep for a millisecond at most. */
static void run(struct flood *f, double rate, double seconds)
{
	uint64_t start = wire_now(), end = start + (uint64_t)(seconds * 1e9);
	struct pollfd p = { .fd = f->sock.fd, .events = POLLIN };

	for (uint64_t now = start; now < end && !over; now = wire_now()) {
		uint64_t due = (uint64_t)((double)(now - start) / 1e9 * rate);

		/* What was missed while this process did not run is not made up for. */
		for (unsigned i = 0; f->number < due && i < BURST; i++)
			send_request(f);
		sock_flush(&f->sock);
		poll(&p, 1, 1);
		sock_read(&f->sock, on_datagram, f);
		sock_flush(&f->sock);
	}
}

static void report(const struct flood *f, uint64_t took)
{
	const char *comma = "";

	printf("{\"sent\": %llu, \"rate\": %.0f, \"acks\": %llu, \"requests_of_server\": %llu, \"503 without Retry-After\": %llu, "
		"\"answers\": {",
		(unsigned long long)f->number, took ? (double)f->number * 1e9 / (double)took : 0,
		(unsigned long long)f->acks, (unsigned long long)f->byes, (unsigned long long)f->bare_503);
	for (int i = 0; i < STATUSES; i++) {
		if (!f->status[i])
			continue;
		printf("%s\"%d\": %llu", comma, i, (unsigned long long)f->status[i]);
		comma = ", ";
	}
	printf("}}\n");
}

int main(int argc, char **argv)
{
	static struct flood f;
	struct in_addr local;
	uint64_t start;

	if (argc != 8 || inet_pton(AF_INET, argv[2], &f.server.sin_addr) != 1 || inet_pton(AF_INET, argv[4], &local) != 1) {
		fprintf(stderr, "usage: flood METHOD SERVER-ADDRESS PORT LOCAL-ADDRESS EXTENSION RATE SECONDS\n"
			"METHOD: OPTIONS and its like, or INVITE: calls that are never ended\n");
		return 2;
	}
	f.method = str_z(argv[1]);
	f.calls = str_eq(f.method, STR("INVITE"));
	f.server.sin_family = AF_INET;
	f.server.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	f.local = argv[4];
	f.exten = argv[5];
	start = wire_now();
	f.run = (uint32_t)(start >> 10);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	if (sock_open(&f.sock, local, 0)) {
		perror("flood");
		return 1;
	}
	run(&f, strtod(argv[6], NULL), strtod(argv[7], NULL));
	report(&f, wire_now() - start);
	sock_close(&f.sock);
	return 0;
}
