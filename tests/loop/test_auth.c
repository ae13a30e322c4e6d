/* Who may ask for something, and what somebody learns who guesses. */
#include "svc_wire.h"
#include "sip/digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PHONE "192.0.2.1:5070"
#define OTHER "192.0.2.2:5070"

static const char conf[] =
	"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n"
	"[one](!)\ntype=endpoint\nallow=!all,ulaw\n[pw](!)\ntype=auth\nauth_type=userpass\n[aor](!)\ntype=aor\nmax_contacts=5\n"
	"[alice](one)\nauth=alice\naors=alice\n[alice](aor)\n[alice](pw)\nusername=alice\npassword=wonder\n"
	"[bob](one)\nauth=bob\naors=bob\n[bob](aor)\n[bob](pw)\nusername=bob\npassword=build\n";

static struct wire t;
static struct digest_ctx *digest;
static unsigned cseq;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, "", conf);
	digest = GOT(digest_ctx_new(t.svc->clock));
	assert_non_null(digest);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	obj_drop(digest);
	wire_close(&t);
	return 0;
}

static unsigned send_register(const char *peer, const char *user, const char *authorization)
{
	char text[2048];

	wire_forget(&t);
	cseq++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa%u\r\n"
		 "From: <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: r\r\nCSeq: %u REGISTER\r\n"
		 "Max-Forwards: 70\r\n%sContact: <sip:%s@%s>\r\nContent-Length: 0\r\n\r\n",
		 peer, cseq, user, user, cseq, authorization, user, peer);
	wire_come(&t, peer, text);
	world_turn(&t.w);
	return wire_last(&t)->status;
}

/* The status of a REGISTER that answers a fresh challenge with this password. */
static unsigned log_in(const char *peer, const char *user, const char *password)
{
	char challenge[512], line[1024];
	struct digest_fields f;
	struct digest_answer_prm prm = { .challenge = &f, .username = str_z(user), .password = str_z(password),
		.method = STR("REGISTER"), .uri = STR("sip:127.0.0.1"), .nc = 1 };
	struct buf b;

	assert_int_equal(send_register(peer, user, ""), 401);
	snprintf(challenge, sizeof(challenge), "%s", wire_header(wire_last(&t), "WWW-Authenticate"));
	assert_int_equal(digest_parse(&f, str_z(challenge)), 0);
	buf_init(&b, line, sizeof(line), sizeof(line));
	buf_put(&b, STR("Authorization: "));
	assert_int_equal(digest_answer(digest, &prm, &b), 0);
	buf_put(&b, STR("\r\n"));
	assert_int_equal(buf_err(&b), 0);
	line[b.n] = '\0';
	return send_register(peer, user, line);
}

static void passwords(void **state)
{
	(void)state;
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 200);
	assert_int_equal(log_in(PHONE, "alice", "Wonder"), 401);
	assert_int_equal(log_in(PHONE, "alice", "build"), 401);
	assert_int_equal(log_in(PHONE, "bob", "build"), 200);
	assert_int_equal(log_in(PHONE, "nobody", "build"), 401);
}

/* Ten at once, then one in six seconds; for this address and this endpoint only. */
static void guesses(void **state)
{
	char word[16];

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(word, sizeof(word), "word%d", i);
		assert_int_equal(log_in(PHONE, "alice", word), 401);
	}
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 200);
	assert_int_equal(log_in(PHONE, "alice", "word9"), 401);
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 401);
	assert_int_equal(log_in(OTHER, "alice", "wonder"), 200);
	assert_int_equal(log_in(PHONE, "bob", "build"), 200);
	world_pass(&t.w, 5000);
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 401);
	world_pass(&t.w, 1001);
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 200);
	/* Right ones cost nothing. */
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 200);
	assert_int_equal(log_in(PHONE, "alice", "word10"), 401);
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 401);
}

/* Challenges alone are no guesses: a phone asks without credentials each time. */
static void challenges_cost_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(send_register(PHONE, "alice", ""), 401);
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(passwords, setup, teardown),
		cmocka_unit_test_setup_teardown(guesses, setup, teardown),
		cmocka_unit_test_setup_teardown(challenges_cost_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
