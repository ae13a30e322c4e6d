/* What this machine charges for the least that a server does, so that figures of
 * other runs and machines can be read beside it:
 *
 *   floor datagram   one datagram of G.711 sent over loopback and received, by one
 *                    thread: CPU in us each, of the best and the worst of ten rounds
 *   floor relay      a relay with nothing in it but epoll_wait, recvfrom and sendto,
 *                    between as many sockets and at the rate that bench.py loads a
 *                    server with: CPU in us a packet
 *
 * Each prints one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 10
#define DATAGRAMS 20000
#define SIZE 172                        /* RTP header and 20 ms of G.711 */
#define LEGS 400                        /* of 200 calls */
#define SLOTS 20                        /* in a packet time, as in rtp.c */
#define SLOT_NS 1000000u
#define WARMUP_NS 1000000000u
#define RELAY_NS 4000000000u
#define EVENTS 256

struct leg {
	struct sockaddr_in at;
	int fd;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_bound(struct leg *g)
{
	socklen_t len = sizeof(g->at);

	g->at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	g->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (g->fd < 0 || bind(g->fd, (struct sockaddr *)&g->at, len) || getsockname(g->fd, (struct sockaddr *)&g->at, &len))
		return errno;
	return 0;
}

/* ---- one datagram ------------------------------------------------------ */

static int round_trip(const struct leg *from, const struct leg *to, double *us)
{
	char packet[SIZE] = { 0 };
	uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	for (int i = 0; i < DATAGRAMS; i++)
		if (sendto(from->fd, packet, sizeof(packet), 0, (const struct sockaddr *)&to->at, sizeof(to->at)) < 0 ||
		    recvfrom(to->fd, packet, sizeof(packet), 0, NULL, NULL) < 0)
			return errno;
	*us = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - began) / 1e3 / DATAGRAMS;
	return 0;
}

static int datagram(void)
{
	struct leg a, b;
	double best = 1e9, worst = 0, us = 0;
	int err = open_bound(&a);

	if (!err)
		err = open_bound(&b);
	for (int i = 0; i < ROUNDS && !err; i++) {
		err = round_trip(&a, &b, &us);
		best = us < best ? us : best;
		worst = us > worst ? us : worst;
	}
	if (!err)
		printf("{\"best\": %.3f, \"worst\": %.3f}\n", best, worst);
	return err;
}

/* ---- a relay ----------------------------------------------------------- */

static struct leg phone[LEGS], relay[LEGS];

static int watch_all(const struct leg *g)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (uint32_t i = 0; i < LEGS; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, g[i].fd, &e))
			return -1;
	}
	return epoll;
}

/* All legs send a packet each 20 ms, spread over its slots, and read what comes. */
static void be_phones(void)
{
	struct epoll_event ev[EVENTS];
	char packet[SIZE] = { 0 };
	int epoll = watch_all(phone);
	uint64_t start = clock_ns(CLOCK_MONOTONIC);

	for (uint64_t slot = 0;;) {
		for (; start + slot * SLOT_NS <= clock_ns(CLOCK_MONOTONIC); slot++)
			for (uint32_t i = (uint32_t)(slot % SLOTS); i < LEGS; i += SLOTS)
				sendto(phone[i].fd, packet, sizeof(packet), 0, (struct sockaddr *)&relay[i].at,
				       sizeof(relay[i].at));
		for (int n = epoll_wait(epoll, ev, EVENTS, 1); n > 0; n--)
			while (recv(phone[ev[n - 1].data.u32].fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
				;
	}
}

/* The way of a packet: the leg beside it. */
static bool pass(uint32_t leg)
{
	char packet[2048];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(relay[leg].fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n <= 0)
		return false;
	sendto(relay[leg ^ 1].fd, packet, (size_t)n, 0, (struct sockaddr *)&phone[leg ^ 1].at, sizeof(phone[leg ^ 1].at));
	return true;
}

/* CPU in us a packet, over TIME_NS. */
static double run_relay(int epoll, uint64_t time_ns)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + time_ns, began = clock_ns(CLOCK_PROCESS_CPUTIME_ID), done = 0;
	struct epoll_event ev[EVENTS];

	while (clock_ns(CLOCK_MONOTONIC) < until)
		for (int n = epoll_wait(epoll, ev, EVENTS, 100); n > 0; n--)
			done += pass(ev[n - 1].data.u32);
	return done ? (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - began) / 1e3 / (double)done : 0;
}

static int relayed(void)
{
	struct rlimit files = { 2 * LEGS + 64, 2 * LEGS + 64 };
	int err = 0, epoll;
	pid_t child;

	setrlimit(RLIMIT_NOFILE, &files);
	for (uint32_t i = 0; i < LEGS && !err; i++) {
		err = open_bound(&phone[i]);
		if (!err)
			err = open_bound(&relay[i]);
	}
	if (err)
		return err;
	child = fork();
	if (child < 0)
		return errno;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_phones();
	}
	epoll = watch_all(relay);
	run_relay(epoll, WARMUP_NS);
	printf("{\"relay\": %.3f}\n", run_relay(epoll, RELAY_NS));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	int err = EINVAL;

	if (argc == 2 && !strcmp(argv[1], "datagram"))
		err = datagram();
	else if (argc == 2 && !strcmp(argv[1], "relay"))
		err = relayed();
	if (err)
		fprintf(stderr, "floor datagram|relay: %s\n", strerror(err));
	return err ? 1 : 0;
}
