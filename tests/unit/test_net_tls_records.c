/* Records of a TLS connection that are there at once, and what OpenSSL holds back of them. */
#include "tls_peer.h"
#include "base/obj.h"
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <cmocka.h>

static int make_files(void **state)
{
	static struct tls_files f;

	files_start(&f);
	write_cert(&f, "srv", &(struct cert_prm){ .cn = "srv", .san = "DNS:sip.example.com", .by = &f.ca });
	*state = &f;
	return 0;
}

static int drop_files(void **state)
{
	files_end(*state);
	return 0;
}

/* Many records in one turn: what OpenSSL holds back wakes no socket, and is read all the same. */
static void tls_pending(void **state)
{
	enum { CONNS = 24, LINES = 160 };
	static char lines[LINES * 100 + 1];
	struct tls_peer p[CONNS];
	struct net_world w;

	memset(lines, 'x', sizeof(lines) - 1);
	for (size_t i = 1; i <= LINES; i++)
		lines[i * 100 - 1] = '\n';
	tls_world(&w, 0, NULL, *state, NULL);
	for (size_t i = 0; i < CONNS; i++) {
		peer_start(&p[i], *state, NULL);
		assert_true(peer_connect(&p[i], &w));
	}
	w.echo = false;
	w.got = 0;
	for (size_t i = 0; i < CONNS; i++)
		assert_int_equal(SSL_write(p[i].ssl, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	UNTIL(&w, w.got == CONNS * LINES);
	for (size_t i = 0; i < CONNS; i++)
		peer_end(&p[i]);
	world_end(&w);
}

/* So many messages of a record each, all of them there when the world looks for the first time. */
static void look_at_records(struct net_world *w, struct tls_peer *p, void *files, unsigned n)
{
	int left;

	tls_world(w, 0, NULL, files, NULL);
	peer_start(p, files, NULL);
	assert_true(peer_connect(p, w));
	assert_int_equal(setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)), 0);
	w->echo = false;
	w->got = 0;
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(SSL_write(p->ssl, "hello\n", 6), 6);
	while (!ioctl(p->fd, TIOCOUTQ, &left) && left)
		poll(NULL, 0, 1);
	UNTIL(w, w->got > 0);
}

/* Small messages have a record each: they are read in one turn, as those of a TCP connection are. A loop whose
 * turns take long would else get further behind with each of them. */
static void tls_records_of_a_turn(void **state)
{
	struct net_world w;
	struct tls_peer p;

	look_at_records(&w, &p, *state, 40);
	assert_int_equal(w.got, 40);
	peer_end(&p);
	world_end(&w);
}

/* Who sends many takes a part of a turn, and is read to the end all the same: what OpenSSL has taken from
 * the socket wakes nobody. */
static void tls_records_of_several_turns(void **state)
{
	struct net_world w;
	struct tls_peer p;

	look_at_records(&w, &p, *state, 300);
	assert_true(w.got < 300);
	UNTIL(&w, w.got == 300);
	peer_end(&p);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_pending), cmocka_unit_test(tls_records_of_a_turn),
		cmocka_unit_test(tls_records_of_several_turns),
	};

	return cmocka_run_group_tests(tests, make_files, drop_files);
}
