/* SRTP and DTLS of a wire against whatever comes: [length][how] datagram, again and again.
 * How: bit 0 RTCP's place, bit 1 a stranger, bits 2-3: as it is, sealed first with the right
 * keys, sealed and one byte changed, sealed and new keys after it; bits 4-6 the suite,
 * bit 7 to the wire with DTLS. Nothing that was not sealed may come out. */
#include <stdlib.h>
#include "base/obj.h"
#include "media/core.h"
#include "media/dtls.h"
#include "media/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct clock_fake clk;
static struct dtls_cert *cert;
static struct dtls_identity *identity;

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	int *next = arg;

	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + 2 * *next));
	*place = (*next)++;
	return 0;
}

static void net_close(void *arg, int place)
{
	(void)arg;
	(void)place;
}

static int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	uint8_t seen[WIRE_DATAGRAM];

	(void)arg;
	(void)place;
	if (!sa_is_set(to) || n > sizeof(seen))
		abort();
	memcpy(seen, p, n);
	return 0;
}

static void once(void)
{
	struct dtls_identity_prm prm = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256 };
	char why[200];

	if (cert)
		return;
	if (srtp_setup() || dtls_cert_new(&cert) || dtls_identity_new(&identity, &prm, cert, why))
		abort();
}

static struct media_set set_of(unsigned keys, bool dtls)
{
	struct media_set set = { .dir = SDP_SENDRECV, .ncodecs = 1, .symmetric = true };

	sa_parse(&set.remote, STR("127.0.0.1:9"));
	set.codec[0] = (struct media_codec){ .id = FORMAT_ULAW };
	if (dtls) {
		set.secure = (struct media_secure){ .mode = MEDIA_DTLS, .identity = identity, .setup = SETUP_PASSIVE,
						    .fingerprint = *dtls_identity_fingerprint(identity) };
		return set;
	}
	set.secure.mode = MEDIA_SDES;
	set.secure.tx.suite = set.secure.rx.suite = (uint8_t)(1 + keys % (CRYPTO_SUITES - 1));
	memset(set.secure.tx.key, 1, sizeof(set.secure.tx.key));
	memset(set.secure.rx.key, 2 + (int)(keys & 0x7f), sizeof(set.secure.rx.key));
	return set;
}

static struct srtp *peer_of(const struct media_set *set)
{
	struct srtp_prm prm = { .tx = set->secure.rx, .rx = set->secure.tx, .replay = true };
	struct srtp *s = NULL;

	if (srtp_new(&s, &prm))
		abort();
	return s;
}

static void one(struct media *m, struct media_session *v[2], struct srtp **peer, unsigned *keys, uint8_t how, uint8_t *p,
		size_t n)
{
	struct media_session *s = v[how >> 7];
	const struct sa *local = how & 1 ? media_session_local_rtcp(s) : media_session_local(s);
	bool rtcp = n > 1 && rtp_kind(p, n) == RTP_KIND_RTCP;
	struct sa from;

	sa_parse(&from, how & 2 ? STR("127.0.0.2:7") : how & 1 ? STR("127.0.0.1:10") : STR("127.0.0.1:9"));
	if (how & 12 && n > 12 && n < 300 && p[0] >> 6 == 2)
		(void)!srtp_seal(*peer, rtcp, p, &n, 400);
	if ((how & 12) == 8 && n)
		p[n - 1] ^= 1;
	if ((how & 12) == 12) {
		struct media_set set = set_of(*keys = how >> 4, false);

		if (media_session_set(v[0], &set))
			abort();
		obj_drop(*peer);
		*peer = peer_of(&set);
	}
	media_deliver(m, local, &from, p, n);
	clock_fake_add(&clk, 20000);
	media_poll(m, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int places = 0;
	struct media_net net = { &places, net_open, net_close, net_send };
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 500, .net = &net, .srtp_replay = true };
	struct media_session_prm sp = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_session *v[2];
	struct media *m = NULL;
	struct media_set set;
	struct srtp *peer;
	unsigned keys = n ? data[0] >> 4 : 0;
	_Alignas(8) uint8_t room[400];

	once();
	clock_fake_init(&clk, 1700000000);
	clk.mono = 1000000;
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	if (media_new(&m, &prm))
		abort();
	for (int i = 0; i < 2; i++) {
		set = set_of(keys, i);
		if (media_session_new(&v[i], m, &sp) || media_session_set(v[i], &set) || media_echo(v[i], true))
			abort();
	}
	set = set_of(keys, false);
	peer = peer_of(&set);
	for (size_t at = 1; at + 2 <= n; ) {
		size_t len = data[at], left = n - at - 2;
		uint8_t how = data[at + 1];

		len = len < left ? len : left;
		memcpy(room, data + at + 2, len);
		one(m, v, &peer, &keys, how, room, len);
		at += 2 + len;
	}
	obj_drop(peer);
	for (int i = 0; i < 2; i++)
		media_session_close(v[i], NULL, NULL);
	media_close(m);
	return 0;
}
