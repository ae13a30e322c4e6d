/* What the parts of the SIP layer cost, each alone: ns of CPU per message.
 * Not part of `make bench`, which measures whole programs. Usage: micro_parse */
#include "base/obj.h"
#include "sip/digest.h"
#include "sip/message.h"
#include <stdio.h>
#include <time.h>

#define ROUNDS 200000

static const char reg[] =
	"REGISTER sip:127.0.0.1:5060 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-12345-1-3;rport\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:user01234@127.0.0.1>;tag=1\r\n"
	"To: <sip:user01234@127.0.0.1>\r\n"
	"Call-ID: 1-12345@127.0.0.1\r\n"
	"CSeq: 2 REGISTER\r\n"
	"Contact: <sip:user01234@127.0.0.1:5061>\r\n"
	"Expires: 3600\r\n"
	"Authorization: Digest username=\"user01234\",realm=\"asterisk\",cnonce=\"6b8b4567\",nc=00000001,qop=auth,"
	"uri=\"sip:127.0.0.1:5060\",nonce=\"000008b95aa772002a01045333f621b2092c0fe98cb2f91c1f1d4aa0\","
	"response=\"8ca523f5e9506fed4657c9700eebdbec\",algorithm=MD5,opaque=\"a18ca8326369e21a\"\r\n"
	"Content-Length: 0\r\n\r\n";

static const char inv[] =
	"INVITE sip:600@192.0.2.1 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.77:5062;branch=z9hG4bK5c1c9b6a3c5bd4a5;rport\r\n"
	"Contact: <sip:1001-0x5581c0@192.0.2.77:5062;transport=udp>\r\n"
	"Max-Forwards: 70\r\n"
	"To: <sip:600@192.0.2.1>\r\n"
	"From: \"Alice Example\" <sip:1001@192.0.2.1>;tag=a7a8b4b9d9f7d1c4\r\n"
	"Call-ID: 3bb5d3a52f34ba18\r\n"
	"CSeq: 50731 INVITE\r\n"
	"User-Agent: baresip v1.0.0 (x86_64/linux)\r\n"
	"Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,UPDATE,REFER\r\n"
	"Supported: gruu,replaces,norefersub\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 163\r\n\r\n"
	"v=0\r\no=- 3541 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
	"m=audio 10020 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *what, double since)
{
	printf("%-44s %7.0f ns\n", what, (now_ns() - since) / ROUNDS);
}

static struct sip_msg *parsed(struct str text)
{
	struct sip_msg *m = NULL;
	int err = sip_msg_parse(&m, text, true);

	if (err || m->fault) {
		fprintf(stderr, "the benchmark's own message is refused: %d %s\n", err, m ? m->fault_reason : "");
		return NULL;
	}
	sa_parse(&m->from_path.peer, STR("127.0.0.1:5061"));
	return m;
}

static void message_times(const char *name, struct str text)
{
	struct sip_msg *m = parsed(text);
	char label[64], array[2048];
	double t;

	if (!m)
		return;
	t = now_ns();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct sip_msg *k = NULL;

		if (sip_msg_parse(&k, text, true))
			return;
		obj_drop(k);
	}
	snprintf(label, sizeof(label), "parse %s, %zu bytes, %zu headers", name, text.n, m->hdrs);
	report(label, t);
	t = now_ns();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct buf b;

		buf_init(&b, array, sizeof(array), 0);
		sip_write_response(&b, m, 200, STR_NULL, STR("as5f3c8a9b"));
		sip_write_hdr(&b, STR("Contact"), STR("<sip:user01234@127.0.0.1:5061>;expires=3600"));
		sip_write_body(&b, STR_NULL, STR_NULL);
		buf_free(&b);
	}
	snprintf(label, sizeof(label), "write its 200");
	report(label, t);
	t = now_ns();
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t len;

		if (sip_msg_frame(text, &len))
			return;
	}
	snprintf(label, sizeof(label), "frame it");
	report(label, t);
	obj_drop(m);
}

static void digest_times(void)
{
	struct clock_fake clock;        /* 40 us a round: so many used nonces end in time */
	struct digest_ctx *d;
	struct sip_msg *m = parsed(str_z(reg));
	char nonce[DIGEST_NONCE], ha1[DIGEST_HEX], out[DIGEST_HEX];
	struct digest_fields f;
	unsigned refused = 0;
	double t;

	clock_fake_init(&clock, 0);
	d = digest_ctx_new(&clock.c);
	if (!d || !m)
		return;
	t = now_ns();
	for (unsigned i = 0; i < ROUNDS; i++)
		refused += digest_parse(&f, sip_hdr_value(m, SIP_H_AUTHORIZATION)) != 0;
	report("parse Authorization", t);
	for (unsigned a = 0; a < DIGEST_ALGS; a++) {
		char label[64];

		t = now_ns();
		for (unsigned i = 0; i < ROUNDS; i++) {
			digest_ha1(d, a, f.username, f.realm, STR("secret"), ha1);
			digest_response(d, a, str_z(ha1), STR("REGISTER"), &f, STR_NULL, out);
		}
		snprintf(label, sizeof(label), "HA1 and response, %s", digest_alg_name(a).p);
		report(label, t);
	}
	t = now_ns();
	for (unsigned i = 0; i < ROUNDS; i++) {
		clock_fake_add(&clock, 40);
		nonce_make(d, &m->from_path.peer, STR("asterisk"), nonce);
		refused += nonce_check(d, str_z(nonce), &m->from_path.peer, STR("asterisk"), 32, STR("00000001"), false) != NONCE_OK;
		nonce_check(d, str_z(nonce), &m->from_path.peer, STR("asterisk"), 32, STR("00000001"), true);
	}
	report("nonce: make, check, mark", t);
	if (refused)
		fprintf(stderr, "%u refused\n", refused);
	obj_drop(m);
	obj_drop(d);
}

int main(void)
{
	message_times("REGISTER", str_z(reg));
	message_times("INVITE", str_z(inv));
	digest_times();
	return 0;
}
