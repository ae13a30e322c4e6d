/* Alice with ICE: an agent of media/ice.h over a real socket on loopback, driven by the test's clock. */
#include "ice_alice.h"
#include "base/obj.h"
#include <errno.h>
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
	"exten => late,1,Ringing()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

static const char conf[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\nice_support=yes\n"
	ALICE_LINE
	BOB_LINE;

/* ---- alice's agent, on a socket of hers */

struct ice_peer peer;

static void peer_send(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n)
{
	(void)arg, (void)component, (void)base;
	sendto(peer.fd, p, n, 0, &to->u.s, sa_len(to));
}

static void peer_event(void *arg, const struct ice_event *e)
{
	(void)arg;
	if (e->type == ICE_EV_STATE)
		peer.state = e->state;
}

static void peer_random(void *arg, void *p, size_t n)
{
	(void)arg;
	assert_int_equal(getentropy(p, n), 0);
}

static void peer_begins(void)
{
	struct ice_prm prm = { .ops = { .send = peer_send, .event = peer_event, .random = peer_random },
			       .role = ICE_CONTROLLING, .components = 1, .now_us = t.w.clock.mono };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	peer.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(peer.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(peer.fd, (struct sockaddr *)&a, &n);
	sa_from(&peer.at, (struct sockaddr *)&a, n);
	assert_int_equal(stun_hash_openssl(&peer.hash), 0);
	prm.hash = peer.hash;
	assert_int_equal(ice_new(&peer.ice, &prm), 0);
	assert_int_equal(ice_add_host(peer.ice, 1, 0, &peer.at, NULL), 0);
	peer.state = ICE_IDLE;
	peer.data = 0;
}

static void peer_ends(void)
{
	if (!peer.ice)
		return;
	obj_drop(peer.ice);
	obj_drop(peer.hash.arg);
	close(peer.fd);
	peer.ice = NULL;
}

static void peer_turn(void)
{
	uint8_t p[2048];
	ssize_t got;

	while ((got = recv(peer.fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
		struct sockaddr_storage ss;
		struct sa from = { 0 }, who;
		size_t n = (size_t)got;
		struct media_session *m = session_audio(SESSION_OF(only_channel()));

		(void)ss;
		/* All that comes is of the one call there is. */
		sa_parse_host(&from, STR("127.0.0.1"), sa_port(media_session_local(m)));
		peer.data += ice_datagram(peer.ice, t.w.clock.mono, 0, &from, p, &n, &who) == ICE_DATA;
	}
	ice_tick(peer.ice, t.w.clock.mono);
}

void pass_with_peer(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		world_pass(&t.w, 10);
		peer_turn();
	}
}

/* Her SDP, with `more` lines; by her agent when `lines`. */
char sdp_text[2048];

const char *her_sdp(const char *ufrag, const char *pwd, const char *candidate)
{
	snprintf(sdp_text, sizeof(sdp_text),
		 SDP_HEAD "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp-mux\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
		 "a=candidate:%s\r\n", sa_port(&peer.at), ufrag, pwd, candidate);
	return sdp_text;
}

const char *agents_sdp(void)
{
	char line[128];

	snprintf(line, sizeof(line), "1 1 UDP 2130706431 127.0.0.1 %u typ host", sa_port(&peer.at));
	return her_sdp(ice_ufrag(peer.ice).p, ice_pwd(peer.ice).p, line);
}

struct media_session *media(void)
{
	return session_audio(SESSION_OF(only_channel()));
}

/* ---- what rtp.conf says */

void rtp_conf(const char *text)
{
	char dir[] = "/tmp/ice-test-XXXXXX", path[64];
	struct config_prm prm = { .dir = dir };
	struct rtp_conf *rc = NULL;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/rtp.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rtp_conf_load(&rc, &prm, NULL), 0);
	unlink(path);
	rmdir(dir);
	assert_int_equal(service_ice_set(t.svc, rc, NULL, NULL), 0);
	obj_drop(rc);
}

int ice_setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, conf);
	alice_begins();
	rtp_conf("[general]\n");
	peer_begins();
	return 0;
}

int ice_teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	peer_ends();
	wire_close(&t);
	return 0;
}

struct str answered(void)
{
	assert_int_equal(status(SIP_INVITE), 200);
	return response(SIP_INVITE)->body;
}

/* The server's lines, into alice's agent. */
void describe_to_peer(struct str body)
{
	struct ice_remote r = { .done = true, .now_us = t.w.clock.mono };
	struct candidate c;
	struct ice_desc d;
	struct sdp *s = NULL;
	size_t it = 0;

	assert_int_equal(sdp_parse(&s, body), 0);
	assert_int_equal(ice_desc_read(&d, s, &s->media[0]), 0);
	r.ufrag = d.ufrag;
	r.pwd = d.pwd;
	assert_int_equal(ice_set_remote(peer.ice, &r), 0);
	while (ice_candidate_next(&s->media[0], &it, &c))
		ice_add_remote(peer.ice, &c, t.w.clock.mono);
	obj_drop(s);
}
