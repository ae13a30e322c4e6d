/* ICE of phones: what SDP says of it both ways, checks and answers. */
#include "server_secure.h"
#include "media/dtls_int.h"
#include "net/address.h"
#include "server_hooks.h"
#include "server_media.h"
#include "server_world.h"
#include "service/common/ice.h"
#include <stdio.h>
#include <stdlib.h>

#define PWD "passwordofthephonesofthefuzzer"
#define WAITING 24

static struct secure_far far[SECURE_PLACES];

static struct {
	unsigned generation;    /* of our credentials of ICE */
	unsigned print;         /* which certificate */
	unsigned answers;       /* how checks of the server are answered */
	bool active;            /* our last a=setup said so */
	struct { int place; struct sa to; size_t n; uint8_t p[1600]; } q[WAITING];
	size_t nq;
} now;

static struct {
	struct stun_hash hash;
	struct secure_own own[SECURE_OWN];
	struct rtp_conf *conf;
} shared;

const struct secure_own *secure_own(unsigned n)
{
	return &shared.own[n % SECURE_OWN];
}

void secure_once(void)
{
	struct config_prm prm = { .dir = media_net_dir().p };
	static const char text[] = "[general]\nicesupport=yes\nstun_blacklist=192.0.2.0/24\n[ice_host_candidates]\n10.0.0.101=203.0.113.9,include_local_address\n";

	media_net_file("rtp.conf", text, sizeof(text) - 1, 0);
	for (unsigned i = 0; i < SECURE_OWN; i++) {
		struct dtls_cert *c = NULL;

		if (dtls_cert_new(&c) || !dtls_fingerprint_of(&shared.own[i].print, CRYPTO_SHA256, c->cert))
			abort();
		shared.own[i].cert = c->cert;
		shared.own[i].key = c->key;
		shared.own[i].made = c;
	}
	if (stun_hash_openssl(&shared.hash) || rtp_conf_load(&shared.conf, &prm, NULL))
		abort();
	dtls_once();
}

int secure_attach(struct service *svc)
{
	return service_ice_set(svc, shared.conf, NULL, NULL);
}

void phones_forget(void)
{
	for (unsigned i = 0; i < SECURE_PLACES; i++)
		dtls_end(&far[i]);
	memset(far, 0, sizeof(far));
	memset(&now, 0, sizeof(now));
	dtls_forget();
}

/* ---- our SDP --------------------------------------------------------------- */

static void put_ice(struct buf *b, unsigned phone, unsigned port)
{
	buf_printf(b, "a=ice-ufrag:fuzz%u\r\na=ice-pwd:" PWD "\r\na=ice-options:trickle\r\na=rtcp-mux\r\n", now.generation);
	if (port)
		buf_printf(b, "a=candidate:1 1 UDP 2130706431 10.0.0.%u %u typ host\r\n", phone + 1, port);
}

static void put_dtls(struct buf *b, const char *setup)
{
	buf_printf(b, "a=setup:%s\r\na=fingerprint:", setup);
	crypto_fingerprint_write(b, &secure_own(now.print)->print);
	buf_put(b, STR("\r\n"));
	now.active = !strcmp(setup, "active");
}

#define KEY_80 "AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define KEY_OTHER "AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY_32 "AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"
#define KEY_GCM "AEAD_AES_128_GCM inline:MTIzNDU2Nzg5MEFCQ0RFRjAxMjM0NTY3ODlhYg=="
#define KEY_256 "AES_256_CM_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MEFCQ0RFRjAxMjM0NTY3ODlhYjEyMzQ1Njc4OTBBQkNERUYwMTIzNDU="

static const char *const wrong[] = {
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", "a=crypto:0 AES_CM_128_HMAC_SHA1_80 inline:\r\na=crypto:\r\n",
	"a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n", "a=setup:holdconn\r\n", "a=setup:x\r\na=fingerprint:md5 00\r\n",
	"a=ice-ufrag:x\r\na=ice-pwd:short\r\n", "a=ice-ufrag:abcd\r\n", "a=candidate:1 1 UDP 1\r\na=candidate:\r\n", "a=ice-mismatch\r\n",
	"a=remote-candidates:1 10.0.0.100 9\r\na=end-of-candidates\r\n", "a=mid:\r\na=bundle-only\r\n", "a=ice-options:\r\na=ice-lite\r\n",
};

static void put_candidates(struct buf *b, unsigned phone)
{
	buf_printf(b, "a=candidate:2 1 UDP 1694498815 203.0.113.%u 7000 typ srflx raddr 10.0.0.%u rport 6000\r\n"
		   "a=candidate:3 1 tcp 1518280447 10.0.0.%u 9 typ host tcptype active\r\n"
		   "a=candidate:4 1 udp 2113937151 3d9a6d3e-1.local 6000 typ host\r\na=candidate:5 2 udp 2 10.0.0.%u 6001 typ host\r\n"
		   "a=candidate:6 1 udp 1 2001:db8::7 6000 typ relay raddr :: rport 0 generation 0\r\na=end-of-candidates\r\n",
		   phone, phone + 1, phone + 1, phone + 1);
}

void secure_write(struct buf *b, unsigned which, unsigned phone, unsigned port)
{
	static const char *const setups[] = { "actpass", "active", "passive" };

	which %= SECURE_EXTRAS;
	if (which == 5)
		now.generation++;
	if (which == 6)
		now.print ^= 1;
	if (which <= 2 || which == 5 || which == 6 || which == 11)
		put_ice(b, phone, port);
	if (which == 3 || which == 10)
		put_ice(b, phone, port);
	if (which == 4 || which == 14)
		put_ice(b, phone, 0);
	if (which <= 2)
		put_dtls(b, setups[which]);
	if ((which >= 4 && which <= 7) || which == 11 || which == 14 || which == 15)
		put_dtls(b, which == 15 ? "active" : "actpass");
	if (which == 8)
		buf_put(b, STR("a=crypto:1 " KEY_80 "|2^20\r\na=crypto:2 " KEY_GCM "\r\na=crypto:3 " KEY_256 "\r\na=crypto:4 F8 inline:x\r\n"));
	if (which == 9)
		buf_put(b, STR("a=crypto:1 " KEY_OTHER "\r\n"));
	if (which == 10 || which == 16)
		buf_put(b, STR("a=crypto:1 " KEY_80 "\r\n"));
	if (which == 11)
		put_candidates(b, phone);
	if (which == 12)
		buf_put(b, str_z(wrong[port % ARRAY_LEN(wrong)]));
	if (which == 13)
		buf_put(b, STR("a=crypto:7 " KEY_32 "|2^31|1:4 UNENCRYPTED_SRTCP\r\na=crypto:8 " KEY_32 "|1:1\r\na=crypto:9 " KEY_32 " WSH=64\r\n"));
	if (which == 14)
		buf_put(b, STR("a=bundle-only\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-rsize\r\n"
			       "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=msid:s t\r\na=ssrc:7 cname:x\r\n"));
	if (which == 17)
		buf_printf(b, "a=crypto:1 " KEY_32 "\r\na=rtcp-mux\r\n");
}

/* [0] dialog, [1] what is wrong, [2] how many candidates, [3] their port */
void secure_fragment(struct buf *b, const struct step *s, unsigned phone)
{
	unsigned how = s->a[1] % 8, n = s->a[2] % 16;

	buf_printf(b, "a=ice-ufrag:fuzz%u\r\na=ice-pwd:%s\r\n", now.generation + (how == 1), how == 2 ? "other" PWD : PWD);
	if (how == 3)
		buf_put(b, STR("a=ice-ufrag:second\r\n\r\nx\r\n"));
	buf_printf(b, "m=audio 9 RTP/AVP 0\r\na=mid:%u\r\n", how == 4 ? 7u : s->a[4] % 3u);
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "a=candidate:%u 1 UDP %u 10.0.0.%u %u typ host\r\n", i, 1000 - i, phone + 1, 6000u + s->a[3] + i);
	if (how == 5)
		put_candidates(b, phone);
	if (how == 6)
		buf_put(b, STR("m=video 9 RTP/AVP 96\r\na=mid:1\r\na=candidate:9 1 UDP 5 10.0.0.1 6002 typ host\r\na=end-of-candidates\r\n"));
	if (how != 7)
		buf_put(b, STR("a=end-of-candidates\r\n"));
}

/* ---- theirs ------------------------------------------------------------------- */

struct secure_far *secure_far_of(int place)
{
	return place >= 0 && place < SECURE_PLACES && far[place].port ? &far[place] : NULL;
}

static void take_line(struct secure_far *f, struct str line)
{
	struct str rest;
	const char *why;

	if (str_starts(line, STR("a=ice-ufrag:"))) {
		str_copy(f->ufrag, sizeof(f->ufrag), str_skip(line, 12));
		f->ice = true;
	} else if (str_starts(line, STR("a=ice-pwd:"))) {
		str_copy(f->pwd, sizeof(f->pwd), str_skip(line, 10));
	} else if (str_starts(line, STR("a=setup:"))) {
		rest = str_skip(line, 8);
		f->dtls = true;
		f->client = str_eq(rest, STR("passive"));
		f->either = str_eq(rest, STR("actpass"));
	} else if (str_starts(line, STR("a=crypto:")) && !f->theirs.suite) {
		crypto_parse(&f->theirs, str_skip(line, 9), &why);
	}
}

static void learn_line(const struct secure_far *said)
{
	int place = media_net_place_of(said->port);
	struct secure_far *f = place >= 0 ? &far[place] : NULL;
	bool restarted;

	if (!f)
		return;
	restarted = strcmp(f->ufrag, said->ufrag) != 0;
	memcpy(f->ufrag, said->ufrag, sizeof(f->ufrag));
	memcpy(f->pwd, said->pwd, sizeof(f->pwd));
	f->port = said->port;
	f->ice = said->ice;
	f->phone = said->phone;
	f->client = said->client;
	f->either = said->either;
	f->checks = said->ice && (restarted || !f->ssl);
	f->dtls = said->dtls && !f->ssl;
	if (said->theirs.suite) {
		const char *why;

		/* Ours is what answers in the same suite, as far as extras have one. */
		f->theirs = said->theirs;
		crypto_parse(&f->tx, said->theirs.suite == CRYPTO_AES_CM_128_HMAC_SHA1_32 ? STR("1 " KEY_32) : STR("1 " KEY_80), &why);
	}
	if (!sa_is_set(&f->us)) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%u:%u", f->phone + 1u, 6000u + 2u * said->line);
		sa_parse(&f->us, str_z(text));
	}
}

void secure_learn(struct str body, unsigned phone)
{
	struct secure_far session = { .phone = (uint8_t)phone }, said = session;
	struct str line;
	uint8_t lines = 0;

	while (str_line(&body, &line)) {
		if (!str_starts(line, STR("m="))) {
			take_line(said.port ? &said : &session, line);
			continue;
		}
		if (said.port)
			learn_line(&said);
		said = session;
		said.line = lines++;
		said.port = (uint16_t)atoi(line.p + str_chr(line, ' ') + 1);
	}
	if (said.port)
		learn_line(&said);
}

/* ---- packets --------------------------------------------------------------------- */

void secure_sent(int place, const struct sa *to, const uint8_t *p, size_t n)
{
	if (!n || p[0] >= 64 || now.nq == WAITING || n > sizeof(now.q[0].p) || place >= SECURE_PLACES)
		return;
	now.q[now.nq].place = place;
	now.q[now.nq].to = *to;
	now.q[now.nq].n = n;
	memcpy(now.q[now.nq++].p, p, n);
}

void secure_deliver(int place, unsigned who, const uint8_t *p, size_t n)
{
	struct secure_far *f = &far[place];
	struct sa from = f->us;

	if (!sa_is_set(&from) || who)
		media_net_phone(place, who, &from);
	media_net_deliver(place, &from, p, n);
}

static void put_check(struct stun_out *o, const struct secure_far *f, const struct step *s)
{
	char name[160];
	unsigned how = s->a[1] % 16;

	snprintf(name, sizeof(name), "%s%s:fuzz%u", how == 4 ? "x" : "", f->ufrag, now.generation);
	stun_put(o, STUN_USERNAME, str_z(name));
	stun_put_u32(o, STUN_PRIORITY, 1862270975u - s->a[4]);
	stun_put_u64(o, how == 2 ? STUN_ICE_CONTROLLED : STUN_ICE_CONTROLLING, s->a[3] * 0x0101010101010101u);
	if (how == 0 || how >= 3)
		stun_put_flag(o, STUN_USE_CANDIDATE);
	if (how == 7)
		stun_put(o, (enum stun_attr)0x7f01, STR("abc"));
}

static size_t write_check(uint8_t *p, size_t max, struct secure_far *f, const struct step *s, uint8_t id[STUN_ID])
{
	static const enum stun_class classes[] = { STUN_SUCCESS, STUN_ERROR, STUN_INDICATION };
	unsigned how = s->a[1] % 16;
	enum stun_class cls = how >= 9 && how <= 11 ? classes[how - 9] : STUN_REQUEST;
	const char *key = cls == STUN_REQUEST ? f->pwd : PWD;
	struct stun_out o;

	stun_begin(&o, p, max, cls, STUN_BINDING, id);
	if (cls == STUN_SUCCESS)
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &f->us);
	else if (cls == STUN_ERROR)
		stun_put_error(&o, 400 + s->a[5], STR("x"));
	else
		put_check(&o, f, s);
	if (how != 5)
		stun_put_integrity(&o, &shared.hash, s->a[6] & 1 ? STUN_HASH_SHA256 : STUN_HASH_SHA1, how == 3 ? STR("wrong") : str_z(key));
	stun_put_fingerprint(&o);
	return stun_end(&o);
}

/* [0] place, [1] what: 0 right and nominates, 1 right, 2 as controlled, 3 wrong password, 4 wrong name, 5 no
 * integrity, 6 a changed byte, 7 an unknown attribute, 8 cut, 9 to 11 an answer, an error, an indication, 12 a
 * channel of TURN, 13 how the server's checks are answered from now on; [2] from elsewhere, [3] tie-breaker */
void secure_step_ice(const struct step *s)
{
	uint8_t p[600], id[STUN_ID] = { s->a[7], 1, 2, 3 };
	int place = media_net_nth(s->a[0]);
	struct secure_far *f;
	size_t n;

	if (s->a[1] % 16 == 13)
		now.answers = s->a[2];
	if (place < 0 || world.dead || s->a[1] % 16 == 13)
		return;
	f = &far[place];
	if (s->a[1] % 16 >= 9 && s->a[1] % 16 <= 10)
		memcpy(id, f->asked, sizeof(id));
	n = write_check(p, sizeof(p), f, s, id);
	if (s->a[1] % 16 == 6 && n)
		p[s->a[5] * n / 256] ^= (uint8_t)(1 + s->a[6]);
	if (s->a[1] % 16 == 8)
		n = s->a[5] * n / 256;
	if (s->a[1] % 16 == 12) {
		stun_channel_header(p, (uint16_t)(STUN_CHANNEL_MIN + s->a[5]), s->a[6]);
		n = STUN_CHANNEL_HEADER + s->a[7] % 64u;
	}
	secure_deliver(place, s->a[2], p, n);
}

/* ---- by themselves --------------------------------------------------------------- */

static void answer_check(int place, const struct sa *to, const struct stun_msg *m)
{
	struct secure_far *f = &far[place];
	unsigned how = now.answers % 6;
	struct stun_out o;
	uint8_t p[300];
	struct sa at;

	memcpy(f->asked, m->id, sizeof(f->asked));
	if (how == 1)
		return;
	media_net_at(place, &at);
	sa_parse_host(&at, STR("10.0.0.100"), sa_port(&at));
	stun_begin(&o, p, sizeof(p), how == 2 || how == 3 ? STUN_ERROR : STUN_SUCCESS, STUN_BINDING, m->id);
	if (how == 2 || how == 3)
		stun_put_error(&o, how == 2 ? 487 : 401, STR("no"));
	else if (how == 4)
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, to);
	else
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &at);
	f->checked |= how == 0;
	stun_put_integrity(&o, &shared.hash, STUN_HASH_SHA1, how == 5 ? STR("wrong") : STR(PWD));
	stun_put_fingerprint(&o);
	media_net_deliver(place, to, p, stun_end(&o));
}

static bool begin_media(int place)
{
	static const struct step plain = { .a = { 0 } };
	struct secure_far *f = &far[place];
	uint8_t p[600], id[STUN_ID] = { 9, (uint8_t)place };

	if (f->checks) {
		f->checks = false;
		secure_deliver(place, 0, p, write_check(p, sizeof(p), f, &plain, id));
		return true;
	}
	/* Before it has a pair the server takes nothing else. */
	if (f->dtls && (f->client || (f->either && now.active)) && (f->checked || !f->ice)) {
		f->dtls = false;
		dtls_begin(place, true, now.print);
		return true;
	}
	return false;
}

bool secure_turn(void)
{
	bool any = now.nq > 0;
	struct stun_msg m;

	for (size_t i = 0; i < now.nq && !world.dead; i++) {
		int place = now.q[i].place;
		static uint8_t p[sizeof(now.q[0].p)];
		size_t n = now.q[i].n;

		if (!media_net_is_open(place))
			continue;
		memcpy(p, now.q[i].p, n);
		far[place].us = now.q[i].to;
		if (p[0] >= 20)
			dtls_take(place, p, n);
		else if (!stun_parse(&m, p, n) && m.cls == STUN_REQUEST)
			answer_check(place, &now.q[i].to, &m);
	}
	now.nq = 0;
	for (int i = 0; i < SECURE_PLACES && world.media && !world.dead; i++)
		if (far[i].port && media_net_is_open(i))
			any |= begin_media(i);
	return any;
}
