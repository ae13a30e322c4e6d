/* tests/unit/net_stage.h -- what the tests of sockets stand on: a net with a toy protocol on one
 * loop, and peers that are sockets of loopback. */
#ifndef TESTS_NET_STAGE_H
#define TESTS_NET_STAGE_H

#include "net/net.h"
#include <poll.h>

/* Io threads: each test runs with everything on the core's loop, and with some. */
#define MODES 3
extern const unsigned modes[MODES];

struct net_world {
	struct loop *loop;
	struct net *net;
	size_t live;
	bool echo, unlisten;
	uint32_t id;
	struct sa bound;
	unsigned got, closed, failed;
	int closed_err, failed_err;
	struct net_path from;           /* of the last message */
	char last[256];
	size_t last_n;
	unsigned canary_at;             /* the how-manieth message began with 'c' */
	const char *reply;
};

/* Begins to listen at `at`. A message is a line that ends in LF; "!" cannot be framed, and
 * "?" cannot be parsed. Each is sent back, or `reply` is, while `echo` is set. */
void world_start(struct net_world *w, unsigned threads, const struct net_limits *lim, enum net_proto proto, const char *at);
void world_start_with(struct net_world *w, unsigned threads, const struct net_limits *lim, const struct net_listen_prm *prm);
void world_end(struct net_world *w);     /* an object that is left fails the test */

/* Turn the loop until the condition holds; gives up after ten seconds. */
#define UNTIL(w, cond) do { \
	uint64_t give_up_ = clock_ms(clock_real()) + 10000; \
	while (!(cond)) { \
		uv_run(loop_uv((w)->loop), UV_RUN_NOWAIT); \
		assert_true(clock_ms(clock_real()) < give_up_); \
		poll(NULL, 0, 1); \
	} } while (0)

struct sa addr(const char *z);
bool readable(int fd);
bool at_end(int fd);                     /* the other side closed */
int client(int type, const char *from);
int tcp_client(struct net_world *w);     /* connected to it */
void say(int fd, const char *z);
void expect(struct net_world *w, int fd, const char *z);     /* these bytes come, and no others */

#endif
