/* Calls with several streams on one transport: the ports, ICE and keys behind what the SDP says (RFC 8843). The
 * SDP alone is in test_bundle.c. */
#include "ice_alice.h"
#include "base/obj.h"
#include "media/ice_media.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

static const char conf[] =
	WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,vp8\nwebrtc=yes\nmax_video_streams=2\n"
	ALICE_LINE BOB_LINE;

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, conf);
	alice_begins();
	rtp_conf("[general]\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

/* ---- what they say ---------------------------------------------------------- */

#define PRINT "a=fingerprint:sha-256 8B:41:6E:27:93:0C:D5:1A:7F:60:E2:3D:94:58:BB:02:CF:79:1E:A4:36:D8:85:4C:F1:0B:67:92:DE:23:5A:C8\r\n"
#define ICE(ufrag) "a=ice-ufrag:" ufrag "\r\na=ice-pwd:0123456789012345678901\r\na=ice-options:trickle\r\n"
#define WAY(ufrag) ICE(ufrag) PRINT
#define SOUND(port) "m=audio " port " UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n"
#define VIDEO(port) "m=video " port " UDP/TLS/RTP/SAVPF 100\r\na=rtpmap:100 VP8/90000\r\na=rtcp-mux\r\n"
#define CANDIDATE(port) "a=candidate:1 1 UDP 2130706431 127.0.0.1 " port " typ host\r\n"
#define AP "a=setup:actpass\r\n"
#define GROUP(names) SDP_HEAD "a=group:BUNDLE " names "\r\n"
/* One transport, whose lines stand with the first stream alone. */
#define BOTH(ufrag) GROUP("a v") SOUND("6000") "a=mid:a\r\n" AP WAY(ufrag) CANDIDATE("6000") VIDEO("6000") "a=mid:v\r\n"

/* ---- what is there ----------------------------------------------------------- */

static struct session *session_of(const char *endpoint)
{
	list_each(l, &t.svc->calls.all) {
		struct session *s = container_of(l, struct session, link);

		if (str_eq(s->ep->name, str_z(endpoint)))
			return s;
	}
	fail_msg("no session of %s", endpoint);
	return NULL;
}

static struct media_session *media_of(const char *endpoint, size_t i)
{
	struct neg_stream *st = neg_stream(session_of(endpoint)->neg, i);

	return st ? session_stream_media(st) : NULL;
}

static bool together(const char *endpoint)
{
	return media_session_together(media_of(endpoint, 0), media_of(endpoint, 1));
}

enum { STREAMS_MAX = 16 };

/* Transports of all calls; and each of their streams has one session, none is left over. */
static unsigned ports(void)
{
	struct media_session *v[STREAMS_MAX];
	struct media_counters c;
	unsigned n = 0, wires = 0;

	list_each(l, &t.svc->calls.all) {
		struct session *s = container_of(l, struct session, link);

		for (size_t i = 0; s->neg && i < neg_count(s->neg); i++) {
			struct media_session *m = session_stream_media(neg_stream(s->neg, i));
			bool known = false;

			for (unsigned k = 0; m && k < n; k++)
				known = known || media_session_together(v[k], m);
			wires += m && !known;
			assert_true(n < STREAMS_MAX);
			v[n] = m;
			n += m != NULL;
		}
	}
	world_turn(&t.w);
	media_count(t.w.media, &c);
	assert_int_equal(c.sessions, n);
	return wires;
}

static unsigned times(struct str body, const char *what)
{
	unsigned n = 0;

	for (struct str line; str_line(&body, &line); )
		n += str_starts(line, str_z(what));
	return n;
}

static unsigned port_of(struct str body, size_t line)
{
	struct sdp *sdp = NULL;
	unsigned port;

	assert_int_equal(sdp_parse(&sdp, body), 0);
	assert_true(line < sdp->nmedia);
	port = sdp->media[line].port;
	obj_drop(sdp);
	return port;
}

static struct str offered_again(unsigned cseq, const char *sdp)
{
	wire_forget(&t);
	alice("INVITE", "up", cseq, "", sdp);
	alice("ACK", "up", cseq, "", "");
	return answered();
}

/* ---- their offers ------------------------------------------------------------- */

static void one_transport(void **state)
{
	struct str body;

	(void)state;
	alice("INVITE", "up", 1, "", BOTH("abcd"));
	body = answered();
	assert_int_equal(times(body, "a=ice-ufrag:"), 1);
	assert_int_equal(times(body, "a=fingerprint:"), 1);
	assert_true(times(body, "a=candidate:") >= 1);
	assert_int_equal(port_of(body, 0), port_of(body, 1));
	assert_true(together("alice"));
	assert_true(media_ice_is_on(media_of("alice", 1)));
	assert_int_equal(ports(), 1);
	assert_int_equal(times(body, "a=ssrc:"), 2);
	learn_tag();
	alice("ACK", "up", 1, "", "");
}

/* Streams come and go: the transport is the same one, with its port, its ICE and its keys. */
static void streams_come_and_go(void **state)
{
	struct str body;
	unsigned port;
	char ufrag[32];

	(void)state;
	alice("INVITE", "up", 1, "", BOTH("abcd"));
	port = port_of(answered(), 0);
	str_copy(ufrag, sizeof(ufrag), str_z(media_ice_own(media_of("alice", 0))->ufrag));
	learn_tag();
	alice("ACK", "up", 1, "", "");
	/* A second picture, without a transport of its own. */
	body = offered_again(2, GROUP("a v w") SOUND("6000") "a=mid:a\r\n" AP WAY("abcd") CANDIDATE("6000") VIDEO("6000") "a=mid:v\r\n"
			     VIDEO("0") "a=bundle-only\r\na=mid:w\r\n");
	assert_int_equal(port_of(body, 2), port);
	assert_int_equal(ports(), 1);
	/* The tagged one goes; the next carries on where it was. */
	body = offered_again(3, GROUP("v w") SOUND("0") VIDEO("6000") "a=mid:v\r\n" AP WAY("abcd") CANDIDATE("6000") VIDEO("6000") "a=mid:w\r\n");
	assert_int_equal(port_of(body, 0), 0);
	assert_int_equal(port_of(body, 1), port);
	assert_int_equal(port_of(body, 2), port);
	assert_true(has(body, ufrag));
	assert_int_equal(ports(), 1);
	/* It comes back, and as the tagged one. */
	body = offered_again(4, GROUP("a v w") SOUND("6000") "a=mid:a\r\n" AP WAY("abcd") CANDIDATE("6000") VIDEO("6000") "a=mid:v\r\n"
			     VIDEO("6000") "a=mid:w\r\n");
	assert_int_equal(ports(), 1);
	assert_int_equal(port_of(body, 0), port_of(body, 1));
	assert_true(together("alice"));
	assert_true(media_ice_is_on(media_of("alice", 0)));
}

/* A restart is the transport's, whichever stream is the tagged one. */
static void restart(void **state)
{
	char ufrag[32];
	struct str body;
	unsigned port;

	(void)state;
	alice("INVITE", "up", 1, "", BOTH("abcd"));
	port = port_of(answered(), 0);
	str_copy(ufrag, sizeof(ufrag), str_z(media_ice_own(media_of("alice", 0))->ufrag));
	learn_tag();
	alice("ACK", "up", 1, "", "");
	body = offered_again(2, GROUP("v a") SOUND("6000") "a=mid:a\r\n" VIDEO("6000") "a=mid:v\r\n" AP WAY("abcd") CANDIDATE("6000"));
	assert_int_equal(port_of(body, 1), port);
	assert_true(has(body, ufrag));
	assert_true(together("alice"));
	body = offered_again(3, GROUP("v a") SOUND("6000") "a=mid:a\r\n" VIDEO("6000") "a=mid:v\r\n" AP WAY("efgh") CANDIDATE("6000"));
	assert_int_equal(port_of(body, 1), port);
	assert_false(has(body, ufrag));
	assert_int_equal(times(body, "a=ice-ufrag:"), 1);
	assert_int_equal(ports(), 1);
}

/* The group is taken apart: who opened the ports keeps them, the other one gets some. */
static void split(void **state)
{
	struct str body;
	unsigned port;

	(void)state;
	alice("INVITE", "up", 1, "", BOTH("abcd"));
	port = port_of(answered(), 0);
	learn_tag();
	alice("ACK", "up", 1, "", "");
	body = offered_again(2, SDP_HEAD SOUND("6000") "a=mid:a\r\n" AP WAY("abcd") CANDIDATE("6000") VIDEO("6002") "a=mid:v\r\n" AP WAY("ijkl")
			     CANDIDATE("6002"));
	assert_int_equal(port_of(body, 0), port);
	assert_int_not_equal(port_of(body, 1), port);
	assert_int_equal(times(body, "a=ice-ufrag:"), 2);
	assert_int_equal(times(body, "a=fingerprint:"), 2);
	assert_false(together("alice"));
	assert_true(media_ice_is_on(media_of("alice", 0)) && media_ice_is_on(media_of("alice", 1)));
	assert_int_equal(ports(), 2);
	/* And put together again. */
	body = offered_again(3, BOTH("abcd"));
	assert_int_equal(port_of(body, 1), port);
	assert_int_equal(ports(), 1);
}

/* ---- ours ----------------------------------------------------------------------- */

static struct str offer_to_bob(void)
{
	alice("INVITE", "bob", 1, "", BOTH("abcd"));
	world_turn(&t.w);
	return requested(SIP_INVITE, BOB)->body;
}

#define HIS(s) s "a=setup:active\r\n"

static void offer(void **state)
{
	struct str body = offer_to_bob();

	(void)state;
	assert_true(has(body, "a=group:BUNDLE audio-0 video-1\r\n"));
	assert_int_equal(times(body, "a=ice-ufrag:"), 2);
	assert_int_equal(times(body, "a=fingerprint:"), 2);
	assert_int_not_equal(port_of(body, 0), port_of(body, 1));
	assert_int_equal(ports(), 3);
}

/* He takes all of it: one transport is left, and our sources are those that the offer named. */
static void all_taken(void **state)
{
	struct media_session *moved;
	uint32_t ssrc;
	char want[64];
	unsigned port = port_of(offer_to_bob(), 0);

	(void)state;
	ssrc = media_session_ssrc(media_of("bob", 1));
	/* Early, and once more: what has moved stays where it is, and counts on. */
	answer(SIP_INVITE, BOB, 183, "", GROUP("audio-0 video-1") HIS(SOUND("7000") "a=mid:audio-0\r\n" WAY("bobs") CANDIDATE("7000"))
	       VIDEO("7000") "a=mid:video-1\r\n");
	moved = media_of("bob", 1);
	assert_true(together("bob"));
	snprintf(want, sizeof(want), "a=ssrc:%u cname:", ssrc);
	assert_true(has(requested(SIP_INVITE, BOB)->body, want));
	answer(SIP_INVITE, BOB, 200, "", GROUP("audio-0 video-1") HIS(SOUND("7000") "a=mid:audio-0\r\n" WAY("bobs") CANDIDATE("7000"))
	       VIDEO("7000") "a=mid:video-1\r\n");
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(together("bob"));
	assert_ptr_equal(media_of("bob", 1), moved);
	assert_int_equal(sa_port(media_session_local(media_of("bob", 1))), port);
	assert_int_equal(media_session_ssrc(media_of("bob", 1)), ssrc);
	assert_true(media_ice_is_on(media_of("bob", 1)));
	assert_true(media_session_bridged(media_of("bob", 1)));
	assert_int_equal(ports(), 2);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
}

/* He takes none: each stream has its own transport, with ICE and keys. */
static void none_taken(void **state)
{
	(void)state;
	offer_to_bob();
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD HIS(SOUND("7000") WAY("bobs") CANDIDATE("7000")) HIS(VIDEO("7002") WAY("more") CANDIDATE("7002")));
	assert_int_equal(status(SIP_INVITE), 200);
	assert_false(together("bob"));
	assert_true(media_ice_is_on(media_of("bob", 0)) && media_ice_is_on(media_of("bob", 1)));
	assert_int_equal(neg_stream(session_of("bob")->neg, 1)->secure.mode, NEG_DTLS);
	assert_true(media_session_bridged(media_of("bob", 1)));
	assert_int_equal(ports(), 3);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
}

/* He refuses the tagged one: the picture goes over the transport that it had in our offer. */
static void tagged_one_refused(void **state)
{
	unsigned port = port_of(offer_to_bob(), 1);

	(void)state;
	answer(SIP_INVITE, BOB, 200, "", GROUP("video-1") SOUND("0") HIS(VIDEO("7002") "a=mid:video-1\r\n" WAY("more") CANDIDATE("7002")));
	assert_int_equal(status(SIP_INVITE), 200);
	assert_null(media_of("bob", 0));
	assert_int_equal(sa_port(media_session_local(media_of("bob", 1))), port);
	assert_true(media_ice_is_on(media_of("bob", 1)));
	assert_int_equal(ports(), 2);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
}

/* ---- trickled: a candidate of any of the group is the transport's ---------------- */

static unsigned info(unsigned cseq, const char *mid, unsigned port)
{
	char body[512], text[1024];

	snprintf(body, sizeof(body), "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n%s"
		 "a=candidate:1 1 UDP 2130706431 127.0.0.1 %u typ host\r\n", mid, port);
	snprintf(text, sizeof(text),
		 "INFO sip:up@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKinfo%u%u\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:up@127.0.0.1>;tag=%s\r\nCall-ID: c%u\r\nCSeq: %u INFO\r\n"
		 "Max-Forwards: 70\r\nInfo-Package: trickle-ice\r\nContent-Type: application/trickle-ice-sdpfrag\r\n"
		 "Content-Length: %zu\r\n\r\n%s", call_number, cseq, tag, call_number, cseq, strlen(body), body);
	wire_come(&t, ALICE, text);
	return status(SIP_INFO);
}

static bool is_asked(int fd)
{
	uint8_t p[512];
	bool any = false;

	world_pass(&t.w, 200);
	while (recv(fd, p, sizeof(p), MSG_DONTWAIT) > 0)
		any = true;
	return any;
}

static void trickled(void **state)
{
	static const char *const mids[] = { "a=mid:a\r\n", "a=mid:v\r\n", "", "a=mid:w\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mids); i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		socklen_t n = sizeof(at);

		assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
		getsockname(fd, (struct sockaddr *)&at, &n);
		alice("INVITE", "up", 1, "Supported: trickle-ice\r\n", GROUP("a v") SOUND("9") "c=IN IP4 0.0.0.0\r\na=mid:a\r\n" AP WAY("abcd") VIDEO("9")
		      "a=mid:v\r\n");
		learn_tag();
		alice("ACK", "up", 1, "", "");
		assert_false(is_asked(fd));
		assert_int_equal(info(2, mids[i], ntohs(at.sin_port)), 200);
		assert_int_equal(is_asked(fd), i < 3);          /* w is none of hers */
		close(fd);
		wire_forget(&t);
		alice("BYE", "up", 3, "", "");
		alice_starts_anew();
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_transport), T(streams_come_and_go), T(restart), T(split), T(offer), T(all_taken), T(none_taken),
		T(tagged_one_refused), T(trickled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
