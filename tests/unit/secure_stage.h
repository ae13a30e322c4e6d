/* tests/unit/secure_stage.h -- two sessions that call each other encrypted, over a network of
 * the test's, and a plain phone behind each. */
#ifndef TESTS_SECURE_STAGE_H
#define TESTS_SECURE_STAGE_H

#include "wire_stage.h"
#include "media/dtls.h"
#include "media/srtp.h"

/* ---- the network brings what is sent to whoever is there */

static struct {
	size_t plain, to_phone;         /* RTP that left as it was made; what reached a phone */
	uint8_t payload;                /* of the last of these */
	size_t sealed, dtls, longest;
	unsigned flip;                  /* change the n-th DTLS datagram; 0: none */
	bool cut;                       /* DTLS is lost */
	bool flip_rtp;                  /* a bit of each RTP packet is changed on the way */
	const struct sa *from;          /* whatever is sent comes from here; NULL: from where it does */
	const struct sa *nat;           /* `behind` is seen at this address; NULL: nobody is */
	struct media_session *behind;
} seen;

static inline void look_at(const struct sent *s)
{
	bool inside = sa_port(&s->to) >= 20000;

	if (s->b[0] >= 20 && s->b[0] <= 63) {
		seen.dtls++;
		seen.longest = s->n > seen.longest ? s->n : seen.longest;
		return;
	}
	if (rtp_kind(s->b, s->n) != RTP_KIND_RTP)
		return;
	if (!inside) {
		seen.to_phone++;
		seen.payload = s->b[12];
	} else if (s->n == 172 && s->b[12] == s->b[13] && s->b[13] == s->b[14]) {
		seen.plain++;
	} else {
		seen.sealed++;
	}
}

static inline void carry(struct sent *s)
{
	bool dtls = s->b[0] >= 20 && s->b[0] <= 63;
	const struct sa *from = seen.from ? seen.from : &net.at[s->place];

	look_at(s);
	if (seen.nat && sa_eq(&s->to, seen.nat))
		s->to = *media_session_local(seen.behind);
	if (seen.nat && sa_eq(from, media_session_local(seen.behind)))
		from = seen.nat;
	if (sa_port(&s->to) < 20000 || (dtls && seen.cut))
		return;
	if (dtls && seen.flip && !--seen.flip)
		s->b[s->n - 1] ^= 1;
	if (!dtls && seen.flip_rtp)
		s->b[s->n - 1] ^= 1;
	media_deliver(m, &s->to, from, s->b, s->n);
}

static inline void settle(void)
{
	static struct sent now[KEEP];

	for (int i = 0; i < 40; i++) {
		size_t n = net.n;

		memcpy(now, net.sent, n * sizeof(now[0]));
		net.n = 0;
		for (size_t k = 0; k < n; k++)
			carry(&now[k]);
		media_poll(m, 0);
	}
}

static inline void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		settle();
	}
}

/* ---- the stage */

static struct media_session *a, *b, *phone_a, *phone_b;        /* phone_a -- a ==== b -- phone_b */
static struct dtls_cert *cert;
static size_t secured, refused, guests_refused;

static inline void on_secure(void *arg, struct media_session *s, const struct media_event *e)
{
	(void)arg;
	(void)s;
	secured += e->type == MEDIA_SECURE && !e->err;
	refused += e->type == MEDIA_SECURE && e->err == EACCES;
	guests_refused += e->type == MEDIA_SECURE && e->err && e->guest;
}

static inline struct media_session *member(void)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_secure };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

static inline int call_up(void **state)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .net = &fake, .srtp_replay = true, .dtls_mtu = 700,
				 .rtcp_ms = 5000 };
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	live = obj_live();
	memset(&net, 0, sizeof(net));
	memset(&seen, 0, sizeof(seen));
	secured = refused = guests_refused = 0;
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	far_a = addr("192.0.2.1:4000");
	set.remote = far_a;
	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	if (media_new(&m, &prm) || dtls_cert_new(&cert))
		return 1;
	a = member();
	b = member();
	phone_a = member();
	phone_b = member();
	media_session_set(phone_a, &set);
	media_session_set(phone_b, &set);
	return 0;
}

static inline int call_down(void **state)
{
	(void)state;
	media_session_close(a, NULL, NULL);
	media_session_close(b, NULL, NULL);
	close_pair(phone_a, phone_b);
	media_close(m);
	obj_drop(cert);
	return net_places() || obj_live() != live;
}

static inline struct media_set to(struct media_session *peer, const struct media_secure *sec)
{
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	set.remote = *media_session_local(peer);
	set.secure = *sec;
	return set;
}

static inline struct media_secure sdes(enum crypto_suite suite, uint8_t tx, uint8_t rx)
{
	struct media_secure sec = { .mode = MEDIA_SDES, .tx.suite = (uint8_t)suite, .rx.suite = (uint8_t)suite };

	memset(sec.tx.key, tx, crypto_key_bytes(suite));
	memset(sec.rx.key, rx, crypto_key_bytes(suite));
	return sec;
}

static inline void agree(const struct media_secure *of_a, const struct media_secure *of_b)
{
	struct media_set set = to(b, of_a);

	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	settle();
}

/* Each phone says something; how many of the two packets reach the other? */
static inline size_t talk(uint8_t what)
{
	size_t before = seen.to_phone, heard;
	uint8_t p[172];

	next_seq++;
	rtp_write(p, 0, false, next_seq, 160u * next_seq, 0x1234);
	memset(p + 12, what, 160);
	assert_true(media_deliver(m, media_session_local(phone_a), &far_a, p, sizeof(p)));
	settle();
	heard = seen.to_phone - before;
	if (heard)
		assert_int_equal(seen.payload, what);
	assert_true(media_deliver(m, media_session_local(phone_b), &far_a, p, sizeof(p)));
	settle();
	return seen.to_phone - before;
}

static inline enum crypto_suite suite_of(struct media_session *s)
{
	return stats(s)->suite;
}

#define T(f) cmocka_unit_test_setup_teardown(f, call_up, call_down)

#endif
