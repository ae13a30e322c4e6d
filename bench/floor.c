/* What this machine charges for the least that a server does: one datagram of
 * G.711 sent over loopback and received. Figures of other runs and machines are
 * read beside it. One line of JSON: CPU in us a datagram, of the best and of the
 * worst of ten rounds. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 10
#define DATAGRAMS 20000
#define SIZE 172                        /* RTP header and 20 ms of G.711 */

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int open_bound(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)at, len) || getsockname(fd, (struct sockaddr *)at, &len)) {
		perror("floor");
		return -1;
	}
	return fd;
}

static int round_trip(int from, int to, const struct sockaddr_in *at, double *us)
{
	char packet[SIZE] = { 0 };
	double began = cpu_us();

	for (int i = 0; i < DATAGRAMS; i++)
		if (sendto(from, packet, sizeof(packet), 0, (const struct sockaddr *)at, sizeof(*at)) < 0 ||
		    recvfrom(to, packet, sizeof(packet), 0, NULL, NULL) < 0)
			return errno;
	*us = (cpu_us() - began) / DATAGRAMS;
	return 0;
}

int main(void)
{
	struct sockaddr_in a, b;
	int from = open_bound(&a), to = open_bound(&b);
	double best = 1e9, worst = 0, us = 0;

	if (from < 0 || to < 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		int err = round_trip(from, to, &b, &us);

		if (err) {
			fprintf(stderr, "floor: %s\n", strerror(err));
			return 1;
		}
		best = us < best ? us : best;
		worst = us > worst ? us : worst;
	}
	printf("{\"best\": %.3f, \"worst\": %.3f}\n", best, worst);
	close(from);
	close(to);
	return 0;
}
