/* Options of endpoints that are the media's: what its sessions are made with and told, in which the
 * linker lets this program look. */
#include "alice.h"
#include "../unit/tls_stage.h"
#include "media/dtls.h"
#include "media/media.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

int __real_media_session_new(struct media_session **out, struct media *m, const struct media_session_prm *prm);
int __wrap_media_session_new(struct media_session **out, struct media *m, const struct media_session_prm *prm);
int __real_media_session_set(struct media_session *s, const struct media_set *set);
int __wrap_media_session_set(struct media_session *s, const struct media_set *set);

static struct media_session_prm made[2];        /* the newest of sound, of video */
static struct media_set told;                   /* the newest */

int __wrap_media_session_new(struct media_session **out, struct media *m, const struct media_session_prm *prm)
{
	made[prm->type == MEDIA_VIDEO] = *prm;
	return __real_media_session_new(out, m, prm);
}

int __wrap_media_session_set(struct media_session *s, const struct media_set *set)
{
	told = *set;
	return __real_media_session_set(s, set);
}

int __real_dtls_identity_new(struct dtls_identity **out, const struct dtls_identity_prm *prm, struct dtls_cert *own, char why[200]);
int __wrap_dtls_identity_new(struct dtls_identity **out, const struct dtls_identity_prm *prm, struct dtls_cert *own, char why[200]);

static char identity[4][128];           /* certificate, key, authorities: a file, a directory */

int __wrap_dtls_identity_new(struct dtls_identity **out, const struct dtls_identity_prm *prm, struct dtls_cert *own, char why[200])
{
	const struct str files[] = { prm->cert_file, prm->key_file, prm->ca_file, prm->ca_path };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		str_copy(identity[i], sizeof(identity[i]), files[i]);
	return __real_dtls_identity_new(out, prm, own, why);
}

static const char plan[] = "[default]\nexten => up,1,Answer()\n same => n,Wait(600)\n";

#define HEAD WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,h264\nmax_video_streams=1\n"

static void with(const char *lines)
{
	char conf[2048];

	snprintf(conf, sizeof(conf), HEAD "%s\n" ALICE_LINE, lines);
	wire_reload(&t, conf);
	alice_starts_anew();
}

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, HEAD ALICE_LINE);
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static void over(void)
{
	pbx_hangup_all(t.w.pbx, 16);
	world_turn(&t.w);
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 40000);
	t.deaf = false;
	wire_forget(&t);
}

/* A call of hers with `lines`, and another without them. */
static void call(const char *lines, const char *sdp)
{
	made[0] = made[1] = (struct media_session_prm){ 0 };
	told = (struct media_set){ 0 };
	with(lines);
	alice_calls("up");
	alice("ACK", "up", 1, "", "");
	if (*sdp)
		alice("INVITE", "up", 2, "", sdp);
	over();
}

static void classes_of_packets(void **state)
{
	(void)state;
	with("tos_audio=ef\ncos_audio=5\ntos_video=af41\ncos_video=4\n");
	alice("INVITE", "up", 1, "", SDP_VIDEO);
	assert_int_equal(made[0].tos, 184);
	assert_int_equal(made[0].cos, 5);
	assert_int_equal(made[1].tos, 136);
	assert_int_equal(made[1].cos, 4);
	over();
	with("");
	alice("INVITE", "up", 1, "", SDP_VIDEO);
	assert_int_equal(made[0].tos, -1);
	assert_int_equal(made[1].cos, -1);
	over();
}

static void ports_and_addresses(void **state)
{
	char text[SA_TEXT];

	(void)state;
	call("rtp_port_start=31000\nrtp_port_end=31009\nmedia_address=127.0.0.2\nbind_rtp_to_media_address=yes\nrtcp_mux=yes\n", "");
	assert_int_equal(made[0].port_min, 31000);
	assert_int_equal(made[0].port_max, 31009);
	assert_true(made[0].rtcp_mux);
	assert_string_equal(sa_text_bare(&made[0].bind, text), "127.0.0.2");
	call("media_address=127.0.0.2\n", "");
	assert_int_equal(made[0].port_min, 0);
	assert_false(made[0].rtcp_mux);
	assert_string_not_equal(sa_text_bare(&made[0].bind, text), "127.0.0.2");
}

static void of_a_stream(void **state)
{
	(void)state;
	call("rtp_symmetric=yes\nasymmetric_rtp_codec=yes\nrtp_keepalive=7\nrtp_timeout=20\nrtp_timeout_hold=40\n", "");
	assert_true(told.symmetric);
	assert_true(told.asymmetric_codec);
	assert_int_equal(told.keepalive_ms, 7000);
	assert_int_equal(told.timeout_ms, 20000);
	call("rtp_timeout=20\nrtp_timeout_hold=40\n", SDP_ULAW "a=sendonly\r\n");
	assert_false(told.symmetric);
	assert_false(told.asymmetric_codec);
	assert_int_equal(told.keepalive_ms, 0);
	assert_int_equal(told.timeout_ms, 40000);
	call("", "");
	assert_int_equal(told.timeout_ms, 0);
}

static void certificates(void **state)
{
	static const char *const want[] = { "good.pem", "good.key", "ca.pem", "" };
	char lines[1024];
	struct tls_files f;

	(void)state;
	files_start(&f);
	write_cert(&f, "good", &(struct cert_prm){ .cn = "a", .by = &f.ca });
	snprintf(lines, sizeof(lines), "media_encryption=dtls\ndtls_cert_file=%s/good.pem\ndtls_private_key=%s/good.key\n"
		 "dtls_ca_file=%s/ca.pem\ndtls_ca_path=%s\ndtls_verify=yes\n", f.dir, f.dir, f.dir, f.dir);
	with(lines);
	alice("INVITE", "up", 1, "", SDP_HEAD "m=audio 6000 UDP/TLS/RTP/SAVP 0\r\na=setup:actpass\r\n"
	      "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s%s", f.dir, *want[i] ? "/" : "", want[i]);
		assert_string_equal(identity[i], path);
	}
	over();
	with("");
	files_end(&f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(classes_of_packets), T(ports_and_addresses), T(of_a_stream), T(certificates) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
