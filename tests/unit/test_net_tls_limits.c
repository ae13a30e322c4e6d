/* TLS handshakes that are too many: of one address, and in one turn of the loop. */
#include "tls_peer.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static int make_files(void **state)
{
	static struct tls_files f;

	files_start(&f);
	write_cert(&f, "srv", &(struct cert_prm){ .cn = "srv", .by = &f.ca });
	*state = &f;
	return 0;
}

static int drop_files(void **state)
{
	files_end(*state);
	return 0;
}

static size_t ended(const int *fd, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += at_end(fd[i]);
	return count;
}

/* Handshakes of one address are counted like messages until it has proved something. */
static void tls_strangers(void **state)
{
	const struct net_limits limits = { .stranger_rate = 1 };

	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c = { 0 };
		struct sa peer = addr("127.0.0.1:9");
		struct tls_peer p;
		int fd[12];

		tls_world(&w, modes[m], &limits, *state, NULL);
		for (size_t i = 0; i < ARRAY_LEN(fd); i++)
			fd[i] = tcp_client(&w);
		UNTIL(&w, (net_count(w.net, &c), c.dropped_rate) > 0);
		assert_true(c.dropped_rate < ARRAY_LEN(fd) - 3);
		/* Five at once are within the limit, whoever of them came first. */
		UNTIL(&w, ended(fd, ARRAY_LEN(fd)) > 0);
		assert_true(ended(fd, ARRAY_LEN(fd)) <= ARRAY_LEN(fd) - 5);
		for (size_t i = 0; i < ARRAY_LEN(fd); i++)
			close(fd[i]);
		net_trust(w.net, &peer);
		peer_start(&p, *state, NULL);
		for (int i = 0; i < 12; i++)
			assert_true(peer_connect(&p, &w));
		peer_end(&p);
		world_end(&w);
	}
}

/* Many say hello at the same moment: a turn makes some of their handshakes and leaves the rest to
 * the next, and all come to their end. */
static void tls_many_at_once(void **state)
{
	enum { MANY = 60 };

	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c = { 0 };
		struct tls_peer p;
		SSL *ssl[MANY];
		size_t done = 0;

		tls_world(&w, modes[m], NULL, *state, NULL);
		peer_start(&p, *state, NULL);
		for (size_t i = 0; i < MANY; i++) {
			int fd = tcp_client(&w);

			fcntl(fd, F_SETFL, O_NONBLOCK);
			ssl[i] = SSL_new(p.ctx);
			SSL_set_fd(ssl[i], fd);
			SSL_connect(ssl[i]);
		}
		for (uint64_t end = clock_ms(clock_real()) + 10000; done < MANY && clock_ms(clock_real()) < end; ) {
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
			done = 0;
			for (size_t i = 0; i < MANY; i++)
				done += SSL_connect(ssl[i]) == 1;
		}
		assert_int_equal(done, MANY);
		net_count(w.net, &c);
		assert_true(c.shakes_waited > 0);
		assert_int_equal(c.conns, MANY);
		for (size_t i = 0; i < MANY; i++) {
			close(SSL_get_fd(ssl[i]));
			SSL_free(ssl[i]);
		}
		peer_end(&p);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tls_strangers), cmocka_unit_test(tls_many_at_once) };

	return cmocka_run_group_tests(tests, make_files, drop_files);
}
