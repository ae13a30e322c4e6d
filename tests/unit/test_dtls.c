/* A call encrypted by DTLS-SRTP: both roles, certificates that are not the peer's, new keys,
 * files that cannot serve. Strangers are test_dtls_strangers.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "media/dtls_int.h"
#include <openssl/pem.h>
#include "dtls_stage.h"

/* OpenSSL's timers have a clock of their own: this one, in place of libc's. */
static time_t openssl_late_s;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*tv = (struct timeval){ .tv_sec = now.tv_sec + openssl_late_s, .tv_usec = now.tv_nsec / 1000 };
	return 0;
}

static void test_dtls(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct dtls_identity_prm sha1 = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA1 };
	struct dtls_identity *y = identity(sha1, cert);

	(void)state;
	assert_int_equal(dtls_identity_fingerprint(x)->n, 32);
	assert_int_equal(dtls_identity_fingerprint(y)->n, 20);
	for (int first = 0; first < 2; first++) {
		struct media_secure of_a = dtls(x, y, first ? SETUP_ACTIVE : SETUP_PASSIVE);
		struct media_secure of_b = dtls(y, x, first ? SETUP_PASSIVE : SETUP_ACTIVE);

		secured = 0;
		/* Before the keys are there, nothing leaves. */
		seen.cut = true;
		agree(&of_a, &of_b);
		assert_int_equal(talk(1), first ? 2 : 0);      /* the keys of the first round still hold */
		seen.cut = false;
		clock_fake_add(&clk, 10000);
		settle();
		openssl_late_s++;
		pass(3000);
		assert_int_equal(secured, 2);
		for (uint8_t k = 2; k < 20; k++)
			assert_int_equal(talk(k), 2);
		assert_int_equal(suite_of(a), CRYPTO_AEAD_AES_128_GCM);
		assert_int_equal(suite_of(b), CRYPTO_AEAD_AES_128_GCM);
	}
	assert_int_equal(seen.plain, 0);
	assert_true(seen.longest <= 700);
	obj_drop(x);
	obj_drop(y);
}

/* The peer's certificate is not the one that its SDP named: no keys, whoever begins. */
static void test_wrong_fingerprint(void **state)
{
	struct dtls_cert *other = NULL;
	struct dtls_identity *x = identity(by_print, cert), *y, *z;

	(void)state;
	assert_int_equal(dtls_cert_new(&other), 0);
	y = identity(by_print, other);
	z = identity((struct dtls_identity_prm){ .verify = DTLS_CHECK_NOTHING, .hash = CRYPTO_SHA256 }, cert);
	for (int active = 0; active < 2; active++) {
		struct media_secure of_a = dtls(x, x, active ? SETUP_ACTIVE : SETUP_PASSIVE);
		struct media_secure of_b = dtls(y, x, active ? SETUP_PASSIVE : SETUP_ACTIVE);

		refused = secured = 0;
		agree(&of_a, &of_b);
		pass(1000);
		assert_true(refused > 0);
		assert_int_equal(guests_refused, 0);
		assert_int_equal(suite_of(a), CRYPTO_NONE);
		assert_int_equal(talk(1), 0);
	}
	/* dtls_verify=no takes anybody. */
	{
		struct media_secure of_a = dtls(z, z, SETUP_ACTIVE), of_b = dtls(y, z, SETUP_PASSIVE);

		agree(&of_a, &of_b);
		pass(3000);
		assert_int_equal(talk(1), 2);
	}
	assert_int_equal(seen.plain, 0);
	obj_drop(x);
	obj_drop(y);
	obj_drop(z);
	obj_drop(other);
}

/* Without rtcp-mux each of the two ports has keys of its own, and RTCP is sealed by its. */
static void test_two_associations(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE), of_b = dtls(x, x, SETUP_PASSIVE);
	struct media_set set = to(b, &of_a);
	uint64_t before;

	(void)state;
	set.rtcp_mux = false;
	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, &of_b);
	set.rtcp_mux = false;
	assert_int_equal(media_session_set(b, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	pass(1000);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_UP);
	assert_int_equal(dtls_state(a->w->w.dtls[1]), DTLS_UP);
	assert_int_equal(dtls_state(b->w->w.dtls[1]), DTLS_UP);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	before = stats(b)->rtcp_rx;
	pass(11000);
	assert_true(stats(b)->rtcp_rx > before);
	assert_true(stats(a)->rtcp_rx > 0);
	assert_int_equal(numbers.dropped_bad, 0);
	obj_drop(x);
}

/* The peer's ClientHello comes before the answer that says whose it is, and waits in the
 * socket, however long the answer takes. */
static void test_early(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure sec = dtls(x, x, SETUP_PASSIVE);
	struct media_prm prm = { .clock = &clk.c, .strict = true };
	static const uint8_t rtp[172] = { 0x80 };
	struct media_session_prm sp = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_session *caller = NULL;
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);
	struct media *real = NULL;
	struct sent hello;
	struct sa at = addr("127.0.0.1:0");
	socklen_t len = sizeof(at);
	uint8_t back[2048];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)state;
	/* A ClientHello of somebody's. */
	sec.setup = SETUP_ACTIVE;
	set.secure = sec;
	assert_int_equal(media_session_set(a, &set), 0);
	media_poll(m, 0);
	hello = net.sent[0];
	net.n = 0;
	prm.bind = at;
	assert_int_equal(media_new(&real, &prm), 0);
	assert_int_equal(media_session_new(&caller, real, &sp), 0);
	assert_int_equal(bind(fd, &at.u.s, sa_len(&at)), 0);
	assert_int_equal(getsockname(fd, &at.u.s, &len), 0);
	assert_true(sendto(fd, rtp, sizeof(rtp), 0, &media_session_local(caller)->u.s, sa_len(&at)) > 0);
	assert_true(sendto(fd, hello.b, hello.n, 0, &media_session_local(caller)->u.s, sa_len(&at)) > 0);
	clock_fake_add(&clk, 5000000);
	sec.setup = SETUP_PASSIVE;
	set.secure = sec;
	set.remote = at;
	assert_int_equal(media_session_set(caller, &set), 0);
	for (int i = 0; i < 3; i++)
		media_poll(real, 100);
	assert_true(recv(fd, back, sizeof(back), 0) > 0);
	assert_int_equal(back[0], 22);
	assert_int_equal(back[13], 3);          /* HelloVerifyRequest */
	media_session_close(caller, NULL, NULL);
	media_close(real);
	close(fd);
	obj_drop(x);
}

/* What an identity's options change. */
static void test_options_of_handshakes(void **state)
{
	struct dtls_identity_prm prm = by_print;
	struct dtls_identity *x = identity(prm, cert), *y;
	struct media_secure of_a, of_b;

	(void)state;
	/* srtp_tag_32, on the side that asks. */
	prm.tag_32 = true;
	y = identity(prm, cert);
	of_a = dtls(y, y, SETUP_ACTIVE);
	of_b = dtls(y, y, SETUP_PASSIVE);
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(suite_of(a), CRYPTO_AES_CM_128_HMAC_SHA1_32);
	assert_int_equal(talk(1), 2);
	obj_drop(y);
	/* Ciphers that have nothing in common: no keys. */
	prm.tag_32 = false;
	prm.cipher = STR("ECDHE-ECDSA-AES256-GCM-SHA384");
	y = identity(prm, cert);
	prm.cipher = STR("ECDHE-ECDSA-AES128-GCM-SHA256");
	obj_drop(x);
	x = identity(prm, cert);
	secured = 0;
	of_a = dtls(x, y, SETUP_ACTIVE);
	of_b = dtls(y, x, SETUP_PASSIVE);
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 0);
	obj_drop(x);
	obj_drop(y);
	/* A chain that no authority has signed. */
	x = identity((struct dtls_identity_prm){ .verify = DTLS_CHECK_CHAIN, .hash = CRYPTO_SHA256 }, cert);
	of_a = dtls(x, x, SETUP_ACTIVE);
	of_b = dtls(x, x, SETUP_PASSIVE);
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 0);
	assert_true(refused > 0);
	obj_drop(x);
}

/* A handshake that is disturbed goes on; new keys by dtls_rekey; a new association by a
 * new fingerprint. */
static void test_dtls_goes_on(void **state)
{
	struct dtls_identity_prm often = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256, .rekey_s = 10 };
	struct dtls_cert *other = NULL;
	struct dtls_identity *x = identity(often, cert), *y;
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE), of_b = dtls(x, x, SETUP_PASSIVE);

	(void)state;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	pass(11000);
	assert_true(secured >= 4);
	assert_int_equal(talk(2), 2);
	/* Whoever sends something else to it changes nothing. */
	{
		uint8_t junk[40] = { 22, 254, 253 };

		for (int i = 0; i < 100; i++)
			media_deliver(m, media_session_local(a), media_session_local(b), junk, sizeof(junk));
		settle();
	}
	assert_int_equal(talk(3), 2);
	assert_int_equal(dtls_cert_new(&other), 0);
	y = identity(by_print, other);
	of_a = dtls(x, y, SETUP_ACTIVE);
	of_b = dtls(y, x, SETUP_PASSIVE);
	secured = 0;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(4), 2);
	/* holdconn: no handshake, and no sound without one. */
	of_a.setup = of_b.setup = SETUP_HOLDCONN;
	secured = seen.dtls = 0;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 0);
	assert_int_equal(seen.dtls, 0);
	assert_int_equal(seen.plain, 0);
	obj_drop(x);
	obj_drop(y);
	obj_drop(other);
}

/* The peer's address changes before it has answered: what is sent again goes there. */
static void test_peer_moves(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE), of_b = dtls(x, x, SETUP_PASSIVE);
	struct media_set set = to(b, &of_a);

	(void)state;
	set.remote = far_a;
	assert_int_equal(media_session_set(a, &set), 0);
	settle();
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_SHAKING);
	agree(&of_a, &of_b);
	assert_int_equal(secured, 0);
	openssl_late_s++;
	clock_fake_add(&clk, 1000000);
	settle();
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

/* New keys are asked for, and nobody answers any more: the old ones stay, and the thread rests. */
static void test_rekey_unanswered(void **state)
{
	struct dtls_identity_prm often = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256, .rekey_s = 10 };
	struct dtls_identity *x = identity(often, cert);
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE), of_b = dtls(x, x, SETUP_PASSIVE);
	const struct mthread *t;

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(secured, 2);
	seen.cut = true;
	clock_fake_add(&clk, 11000000);
	settle();
	for (int i = 0; i < 20; i++) {
		openssl_late_s += 4;
		clock_fake_add(&clk, 4000000);
		settle();
	}
	t = a->w->w.t;
	list_each(l, &t->tickers)
		assert_true(container_of(l, struct ticker, link)->next_us > t->now_us + 100000);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_UP);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

/* dtls_ca_file and dtls_ca_path: whom they hold is believed, and nobody else. */
static void with_authority(const char *file, const char *path, bool believed)
{
	struct dtls_identity_prm prm = { .verify = DTLS_CHECK_CHAIN, .hash = CRYPTO_SHA256, .ca_file = str_z(file),
					 .ca_path = str_z(path) };
	struct dtls_identity *x = identity(prm, cert);
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE), of_b = dtls(x, x, SETUP_PASSIVE);

	secured = refused = 0;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured > 0, believed);
	assert_int_equal(refused > 0, !believed);
	obj_drop(x);
}

static void put_certificate(const char *path, const struct dtls_cert *c)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->cert), 1);
	fclose(f);
}

static void test_authorities(void **state)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX", ours[64], other[64], hashed[64];
	struct dtls_cert *stranger = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(dtls_cert_new(&stranger), 0);
	snprintf(ours, sizeof(ours), "%s/ours.pem", dir);
	snprintf(other, sizeof(other), "%s/other.pem", dir);
	snprintf(hashed, sizeof(hashed), "%s/%08lx.0", dir, X509_subject_name_hash(cert->cert));
	put_certificate(ours, cert);
	put_certificate(other, stranger);
	put_certificate(hashed, cert);
	with_authority(ours, "", true);
	with_authority(other, "", false);
	with_authority("", dir, true);
	assert_int_equal(unlink(hashed), 0);
	with_authority("", dir, false);
	unlink(ours);
	unlink(other);
	rmdir(dir);
	obj_drop(stranger);
}

/* Files that cannot serve are refused with a reason. */
static void test_identity_faults(void **state)
{
	struct dtls_identity *d = NULL;
	struct dtls_identity_prm prm = by_print;
	char why[200];

	(void)state;
	assert_int_equal(dtls_identity_new(&d, &prm, NULL, why), EINVAL);
	assert_non_null(strstr(why, "dtls_auto_generate_cert"));
	prm.cert_file = STR("/nowhere/cert.pem");
	assert_int_equal(dtls_identity_new(&d, &prm, cert, why), EINVAL);
	assert_non_null(strstr(why, "/nowhere/cert.pem"));
	prm.cert_file = STR_NULL;
	prm.cipher = STR("NO-SUCH-CIPHER");
	assert_int_equal(dtls_identity_new(&d, &prm, cert, why), EINVAL);
	assert_non_null(strstr(why, "dtls_cipher"));
	prm.cipher = STR_NULL;
	prm.ca_file = STR("/nowhere/ca.pem");
	assert_int_equal(dtls_identity_new(&d, &prm, cert, why), EINVAL);
	assert_non_null(strstr(why, "dtls_ca_file"));
	assert_null(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dtls), T(test_wrong_fingerprint), T(test_two_associations),
		T(test_early), T(test_options_of_handshakes), T(test_dtls_goes_on), T(test_identity_faults),
		T(test_authorities), T(test_rekey_unanswered), T(test_peer_moves),
	};

	(void)up;
	(void)down;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
