/* Who may ask for something, and what somebody learns who guesses. */
#include "svc_wire.h"
#include "base/log.h"
#include "service/common/reason.h"
#include "service/common/hash_openssl.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PHONE "192.0.2.1:5070"
#define OTHER "192.0.2.2:5070"

/* MD5 of oauthp:asterisk:word */
#define OAUTHP_PW "a75c8e7346f87a529f0c7a701aada8b4"

static const char conf[] =
	WIRE_UDP
	"[one](!)\ntype=endpoint\nallow=!all,ulaw\n[pw](!)\ntype=auth\nauth_type=userpass\n[aor](!)\ntype=aor\nmax_contacts=5\n"
	"[alice](one)\nauth=alice\naors=alice\n[alice](aor)\n[alice](pw)\nusername=alice\npassword=wonder\n"
	"[bob](one)\nauth=bob\naors=bob\n[bob](aor)\n[bob](pw)\nusername=bob\npassword=build\n"
	/* Names of six letters, so that what is said of them is as long. */
	"[plains](one)\nauth=plains\naors=plains\n[plains](aor)\n[plains](pw)\nusername=plains\npassword=p\n"
	"[hashed](one)\nauth=hashed\naors=hashed\n[hashed](aor)\n[hashed](pw)\nusername=hashed\n"
	"md5_cred=0123456789abcdef0123456789abcdef\n"
	"[walled](one)\nauth=plains\naors=walled\ndeny=0.0.0.0/0\n[walled](aor)\n"
	"[fenced](one)\nauth=plains\naors=fenced\ncontact_deny=0.0.0.0/0\n[fenced](aor)\n"
	"[opened](one)\naors=opened\ndeny=0.0.0.0/0\n[opened](aor)\n"
	"[locked](one)\nauth=missing\naors=locked\n[locked](aor)\n"
	"[oauths](one)\nauth=oauths\naors=oauths\n[oauths](aor)\n[oauths]\ntype=auth\nauth_type=google_oauth\n"
	"username=oauths\nrefresh_token=r\noauth_clientid=c\noauth_secret=o\nsupported_algorithms_uas=MD5\n"
	"[oauthp](one)\nauth=oauthp\naors=oauthp\n[oauthp](aor)\n[oauthp]\ntype=auth\nauth_type=google_oauth\n"
	"username=oauthp\nrefresh_token=r\noauth_clientid=c\noauth_secret=o\nsupported_algorithms_uas=SHA-256,MD5\n"
	"md5_cred=" OAUTHP_PW "\n"
	"[hashes](one)\nauth=hashes\naors=hashes\n[hashes](aor)\n[hashes](pw)\nusername=hashes\n"
	"password_digest=MD5:b048b2c43ffb65a5eb3e7be430634251\n"
	"[briefs](one)\nauth=briefs\naors=briefs\n[briefs](aor)\n[briefs](pw)\nusername=briefs\npassword=p\nnonce_lifetime=5\n"
	"[either](one)\nauth=oauths,either\naors=either\n[either](aor)\n[either](pw)\nusername=either\npassword=p\n";

static struct wire t;
static struct digest_ctx *digest;
static unsigned cseq;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, "", conf);
	digest = GOT(digest_openssl_new(t.svc->clock));
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

/* An Authorization line for a fresh challenge. */
static void answer_challenge(char line[1024], const char *peer, const char *user, const char *password)
{
	char challenge[512];
	struct digest_fields f;
	struct digest_answer_prm prm = { .challenge = &f, .username = str_z(user), .password = str_z(password),
		.method = STR("REGISTER"), .uri = STR("sip:127.0.0.1"), .nc = 1 };
	struct buf b;

	assert_int_equal(send_register(peer, user, ""), 401);
	snprintf(challenge, sizeof(challenge), "%s", wire_header(wire_last(&t), "WWW-Authenticate"));
	assert_int_equal(digest_parse(&f, str_z(challenge)), 0);
	assert_int_equal(digest_alg_of(f.algorithm, &prm.alg), 0);
	buf_init(&b, line, 1024, 1024);
	buf_put(&b, STR("Authorization: "));
	assert_int_equal(digest_answer(digest, &prm, &b), 0);
	buf_put(&b, STR("\r\n"));
	assert_int_equal(buf_err(&b), 0);
	line[b.n] = '\0';
}

/* The status of a REGISTER that answers a fresh challenge with this password. */
static unsigned log_in(const char *peer, const char *user, const char *password)
{
	char line[1024];

	answer_challenge(line, peer, user, password);
	return send_register(peer, user, line);
}

static void by_its_digest(void **state)
{
	(void)state;
	assert_int_equal(log_in(PHONE, "hashes", "word"), 200);
	assert_int_equal(log_in(PHONE, "hashes", "Word"), 401);
}

static void nonces_end(void **state)
{
	char line[1024];

	(void)state;
	for (int brief = 0; brief < 2; brief++) {
		answer_challenge(line, PHONE, brief ? "briefs" : "plains", "p");
		world_pass(&t.w, 7000);
		assert_int_equal(send_register(PHONE, brief ? "briefs" : "plains", line), brief ? 401 : 200);
	}
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

/* An auth object without a secret takes no secret, not even an empty one. */
static void no_secret_no_entry(void **state)
{
	static const char *const words[] = { "", "r", "o", "c", "x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_int_equal(log_in(PHONE, "oauths", words[i]), 401);
		assert_int_equal(log_in(PHONE, "locked", words[i]), 401);
		assert_int_equal(log_in(PHONE, "oauthp", words[i]), 401);
	}
	/* With a digest it is as good as any, for the algorithm of that digest. */
	assert_int_equal(log_in(OTHER, "oauthp", "word"), 200);
	/* Beside one that can prove something it does not count. */
	assert_int_equal(log_in(OTHER, "either", ""), 401);
	assert_int_equal(log_in(OTHER, "either", "p"), 200);
	assert_int_equal(log_in(OTHER, "oauths", "p"), 401);
}

/* Names that are looked for only where some endpoint asks for it. */
static void other_ways_to_be_known(void **state)
{
	static const char head[] = WIRE_UDP;
	char text[1024], line[1024];

	(void)state;
	assert_int_equal(send_register(PHONE, "stranger", ""), 401);
	/* 403: known, but without an AOR. */
	snprintf(text, sizeof(text), "%s[anonymous]\ntype=endpoint\n", head);
	wire_reload(&t, text);
	assert_int_equal(send_register(PHONE, "stranger", ""), 403);
	snprintf(text, sizeof(text), "%s[anonymous@127.0.0.1]\ntype=endpoint\n", head);
	wire_reload(&t, text);
	assert_int_equal(send_register(PHONE, "stranger", ""), 403);
	snprintf(text, sizeof(text), "%s[anonymous@elsewhere]\ntype=endpoint\n", head);
	wire_reload(&t, text);
	assert_int_equal(send_register(PHONE, "stranger", ""), 401);
	snprintf(text, sizeof(text), "%s%s", head, "[alice]\ntype=endpoint\nidentify_by=auth_username\nauth=alice\n"
		 "aors=alice\n[alice]\ntype=auth\nusername=alice\npassword=wonder\n[alice]\ntype=aor\nmax_contacts=1\n");
	wire_reload(&t, text);
	answer_challenge(line, PHONE, "alice", "wonder");
	assert_int_equal(send_register(PHONE, "stranger", line), 200);
	answer_challenge(line, PHONE, "alice", "other");
	assert_int_equal(send_register(PHONE, "stranger", line), 401);
	wire_reload(&t, conf);
	answer_challenge(line, PHONE, "alice", "wonder");
	assert_int_equal(send_register(PHONE, "stranger", line), 401);
	/* The From decides, and the credentials are another's. */
	answer_challenge(line, PHONE, "alice", "wonder");
	assert_int_equal(send_register(PHONE, "bob", line), 401);
	answer_challenge(line, PHONE, "alice", "wonder");
	assert_int_equal(send_register(PHONE, "alice", line), 200);
}

/* ---- by address --------------------------------------------------------------- */

/* The identify section by which an OPTIONS from `peer` was taken; "" when by none. */
static const char *section_for(const char *peer, const char *header)
{
	static char name[64];
	char text[1024];
	struct buf b;
	struct str all, rule;

	snprintf(text, sizeof(text), "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKn%u\r\n"
		 "From: <sip:x@127.0.0.1>;tag=a\r\nTo: <sip:127.0.0.1>\r\nCall-ID: n%u\r\nCSeq: %u OPTIONS\r\n"
		 "Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n", peer, cseq, cseq, cseq, header);
	cseq++;
	wire_come(&t, peer, text);
	world_turn(&t.w);
	buf_init(&b, NULL, 0, 0);
	reasons_explain(t.svc->reasons, str_z(peer), 1, &b);
	all = buf_view(&b);
	rule = str_skip(all, str_find(all, STR("by ")));
	(void)str_cut_raw(&rule, '\'');
	str_copy(name, sizeof(name), str_cut_raw(&rule, '\''));
	buf_free(&b);
	return name;
}

static void sections_by_address(void **state)
{
	static const char head[] = WIRE_UDP
		"[e]\ntype=endpoint\nallow=ulaw\n[i](!)\ntype=identify\nendpoint=e\n";
	char text[4096];

	(void)state;
	snprintf(text, sizeof(text), "%s%s", head,
		 "[host](i)\nmatch=192.0.2.7\n[port](i)\nmatch=192.0.2.8:5070\n[not](i)\nmatch=!192.0.2.9\n"
		 "match=192.0.2.0/28\n[wide](i)\nmatch=192.0.2.0/24\nmatch=2001:db8::/32\n[later](i)\nmatch=192.0.2.200\n"
		 "[head](i)\nmatch_header=X-Who: me\n[re](i)\nmatch_header=X-Who: /^y.*u$/\n"
		 "[lost]\ntype=identify\nendpoint=nobody\nmatch=198.51.100.1\n");
	wire_reload(&t, text);
	assert_string_equal(section_for("192.0.2.7:5060", ""), "host");
	assert_string_equal(section_for("192.0.2.8:5070", ""), "port");
	assert_string_equal(section_for("192.0.2.8:5071", ""), "not");
	assert_string_equal(section_for("192.0.2.9:5060", ""), "wide");
	assert_string_equal(section_for("192.0.2.10:5060", ""), "not");
	/* The first section that fits, not the narrowest. */
	assert_string_equal(section_for("192.0.2.200:5060", ""), "wide");
	assert_string_equal(section_for("[2001:db8::1]:5060", ""), "wide");
	assert_string_equal(section_for("198.51.100.1:5060", ""), "");
	assert_string_equal(section_for("203.0.113.1:5060", "X-Who: me\r\n"), "head");
	assert_string_equal(section_for("203.0.113.1:5060", "X-Who: yonder u\r\n"), "re");
	assert_string_equal(section_for("203.0.113.1:5060", "X-Who: him\r\n"), "");
}

/* ---- known and unknown ----------------------------------------------------- */

/* What one request costs, and all that its sender sees. */
struct cost {
	unsigned status, port, notices, reasons, events;
	uint64_t hashes;
	char answer[1024];      /* without nonce and tag */
};

static unsigned notices;
static char notice[512];

static void keep_notice(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	(void)arg;
	(void)module;
	(void)verbosity;
	if (level == LOG_NOTICE) {
		notices++;
		str_copy(notice, sizeof(notice), line);
	}
}

static unsigned reasons_all(void)
{
	uint64_t n = 0;

	for (int s = 0; s < REASON_STEPS; s++)
		for (int v = 0; v < REASON_VERDICTS; v++)
			n += reasons_count(t.svc->reasons, (enum reason_step)s, (enum reason_verdict)v);
	return (unsigned)n;
}

static unsigned events_all(void)
{
	unsigned n = 0;

	list_each(p, &t.w.events)
		n++;
	return n;
}

/* Each header and how long it is; challenges word for word but for the nonce. */
static void write_form(char out[1024], const struct sip_msg *m)
{
	size_t at = 0;

	for (size_t i = 0; i < m->hdrs; i++) {
		struct digest_fields f;
		bool challenge = m->hdr[i].id == SIP_H_WWW_AUTHENTICATE;

		at += (size_t)snprintf(out + at, 1024 - at, "%.*s %zu\n", STR_ARG(m->hdr[i].name), m->hdr[i].value.n);
		assert_true(at < 1024);
		if (!challenge)
			continue;
		assert_int_equal(digest_parse(&f, m->hdr[i].value), 0);
		at += (size_t)snprintf(out + at, 1024 - at, "%.*s %.*s %.*s %zu %d\n", STR_ARG(f.realm),
				       STR_ARG(f.algorithm), STR_ARG(f.qop), f.nonce.n, f.stale);
		assert_true(at < 1024);
	}
}

static void measure(struct cost *c, const char *peer, const char *user, const char *authorization)
{
	unsigned notices_before = notices, reasons_before = reasons_all(), events_before = events_all();
	uint64_t hashes_before = digest_hashes(t.svc->digest);

	memset(c, 0, sizeof(*c));
	c->status = send_register(peer, user, authorization);
	c->port = sa_port(&t.path[t.n - 1].peer);
	c->notices = notices - notices_before;
	c->reasons = reasons_all() - reasons_before;
	c->events = events_all() - events_before;
	c->hashes = digest_hashes(t.svc->digest) - hashes_before;
	write_form(c->answer, wire_last(&t));
}

#define STEPS 24

/* Without credentials until it is logged, wrong passwords until none is looked at,
 * and what cannot be judged at all. */
static void probe(struct cost c[STEPS], const char *name)
{
	char line[1024], *nonce;
	int i = 0;

	while (i < 8)
		measure(&c[i++], PHONE, name, "");
	while (i < 20) {
		answer_challenge(line, PHONE, name, "guess");
		measure(&c[i++], PHONE, name, line);
	}
	answer_challenge(line, PHONE, "plains", "p");   /* another's, and right for that one */
	measure(&c[i++], PHONE, name, line);
	answer_challenge(line, PHONE, name, "guess");
	nonce = strstr(line, "nonce=\"");
	assert_non_null(nonce);
	nonce[8] = nonce[8] == '0' ? '1' : '0';
	measure(&c[i++], PHONE, name, line);
	measure(&c[i++], PHONE, name, "Authorization: Digest username=\"x\", realm=\"elsewhere\", nonce=\"1\", "
		"uri=\"sip:127.0.0.1\", response=\"00000000000000000000000000000000\"\r\n");
	measure(&c[i++], PHONE, name, "Authorization: Digest username=\r\n");
	assert_int_equal(i, STEPS);
}

static void probe_alone(struct cost c[STEPS], const char *name)
{
	wire_open(&t, "", conf);
	digest = GOT(digest_openssl_new(t.svc->clock));
	assert_non_null(digest);
	log_set_sink(keep_notice, NULL);
	cseq = 0;       /* what it says is as long each time */
	probe(c, name);
	log_set_sink(NULL, NULL);
	digest = obj_drop(digest);
	wire_close(&t);
}

/* Who exists cannot be told by the answer, nor by the work, nor by what is logged. */
static void unknown_costs_what_known_does(void **state)
{
	static const char *const names[] = { "plains", "hashed", "walled", "fenced", "opened", "locked", "oauths" };
	static struct cost unknown[STEPS], known[STEPS];

	(void)state;
	probe_alone(unknown, "nobody");
	assert_int_equal(unknown[0].notices, 0);
	assert_int_equal(unknown[4].notices, 1);
	assert_int_equal(unknown[5].notices, 0);
	assert_int_equal(unknown[8].notices, 1);
	assert_int_equal(unknown[19].notices, 1);
	assert_int_equal(unknown[8].hashes, 3);
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		probe_alone(known, names[k]);
		for (size_t i = 0; i < STEPS; i++) {
			/* Its own right credentials, if they fit, are no secret to it. */
			if (known[i].status == 200)
				assert_string_equal(names[k], "plains");
			else if (memcmp(&known[i], &unknown[i], sizeof(known[i])) != 0)
				fail_msg("'%s' is told from nobody by step %zu: status %u %u, port %u %u, notices %u %u, "
					 "reasons %u %u, events %u %u, hashes %u %u\n%s\n%s", names[k], i, known[i].status,
					 unknown[i].status, known[i].port, unknown[i].port, known[i].notices,
					 unknown[i].notices, known[i].reasons, unknown[i].reasons, known[i].events,
					 unknown[i].events, (unsigned)known[i].hashes, (unsigned)unknown[i].hashes,
					 known[i].answer, unknown[i].answer);
		}
	}
}

/* Behind a NAT without rport: endpoints answer to the source (force_rport), so nobody does. */
static void answers_go_to_the_source(void **state)
{
	static const char *const names[] = { "plains", "nobody", "walled" };
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		wire_forget(&t);
		snprintf(text, sizeof(text), "REGISTER sip:127.0.0.1 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5099;branch=z9hG4bKn%zu\r\nFrom: <sip:%s@127.0.0.1>;tag=a\r\n"
			 "To: <sip:%s@127.0.0.1>\r\nCall-ID: n\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
			 "Content-Length: 0\r\n\r\n", i, names[i], names[i]);
		wire_come(&t, PHONE, text);
		world_turn(&t.w);
		assert_int_equal(wire_last(&t)->status, 401);
		assert_int_equal(sa_port(&t.path[t.n - 1].peer), 5070);
	}
}

/* fail2ban's filter reads these lines to their ends. */
static void failures_are_logged(void **state)
{
	static const struct { const char *name, *words; } rows[] = {
		{ "nobody", "- No matching endpoint found" }, { "plains", "- Failed to authenticate" },
		{ "locked", "- Failed to authenticate" }, { "walled", "- Not match Endpoint ACL" },
		{ "fenced", "- Not match Endpoint Contact ACL" },
	};

	(void)state;
	log_set_sink(keep_notice, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char want[256];
		struct str got;

		notice[0] = '\0';
		log_in(PHONE, rows[i].name, "guess");
		snprintf(want, sizeof(want), "[r] Request 'REGISTER' from 'sip:%s@127.0.0.1' failed for '" PHONE
			 "' (callid: r) %s", rows[i].name, rows[i].words);
		got = str_z(notice);
		assert_int_equal(got.n, strlen(want));
		assert_string_equal(notice, want);
	}
	log_set_sink(NULL, NULL);
}

static void refusals_are_events(void **state)
{
	static const struct { const char *name, *first, *wrong, *account; } rows[] = {
		{ "nobody", "ChallengeSent", "InvalidAccountID", "AccountID: <unknown>" },
		{ "plains", "ChallengeSent", "ChallengeResponseFailed", "AccountID: plains" },
		{ "walled", "FailedACL", "FailedACL", "AccountID: walled" },
		{ "fenced", "FailedACL", "FailedACL", "AccountID: fenced" },
	};
	char line[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		world_forget_events(&t.w);
		answer_challenge(line, PHONE, rows[i].name, "guess");
		assert_int_equal(world_events(&t.w, rows[i].first, rows[i].account), 1);
		world_forget_events(&t.w);
		assert_int_equal(send_register(PHONE, rows[i].name, line), 401);
		assert_int_equal(world_events(&t.w, rows[i].wrong, rows[i].account), 1);
		assert_int_equal(events_all(), 1);
	}
}

/* unidentified_request_count requests in unidentified_request_period, whoever is named;
 * one that comes in clears the address. */
static void many_without_credentials(void **state)
{
	(void)state;
	log_set_sink(keep_notice, NULL);
	notices = 0;
	for (int i = 0; i < 4; i++)
		send_register(PHONE, i & 1 ? "nobody" : "alice", "");
	assert_int_equal(notices, 0);
	send_register(PHONE, "alice", "");
	assert_int_equal(notices, 1);
	assert_non_null(strstr(notice, "- Sends no credentials"));
	/* One line a second for each address, however many come. */
	for (int i = 0; i < 20; i++)
		send_register(PHONE, "nobody", "");
	assert_int_equal(notices, 1);
	world_pass(&t.w, 1000);
	for (int i = 0; i < 20; i++)
		send_register(PHONE, "nobody", "");
	assert_int_equal(notices, 2);
	assert_non_null(strstr(notice, "- No matching endpoint found"));
	send_register(OTHER, "nobody", "");
	assert_int_equal(notices, 2);
	assert_int_equal(log_in(PHONE, "alice", "wonder"), 200);
	notices = 0;
	for (int i = 0; i < 4; i++)
		send_register(PHONE, "alice", "");
	assert_int_equal(notices, 0);
	world_pass(&t.w, 5000);
	for (int i = 0; i < 4; i++)
		send_register(PHONE, "alice", "");
	assert_int_equal(notices, 0);
	log_set_sink(NULL, NULL);
}

/* 1: each; a period of 0: none. A reload that leaves them alone forgets nothing. */
static void many_as_configured(void **state)
{
	static const struct { const char *global; unsigned step_ms, of_ten; } rows[] = {
		{ "unidentified_request_count=1\n", 1000, 10 }, { "unidentified_request_count=0\n", 1000, 10 },
		{ "unidentified_request_count=1\n", 0, 1 },
		{ "unidentified_request_count=9\nunidentified_request_period=1000\n", 1000, 2 },
		{ "unidentified_request_count=9\nunidentified_request_period=1\n", 1000, 0 },
		{ "unidentified_request_count=4\nunidentified_request_period=30\n", 0, 1 },
		{ "unidentified_request_period=0\n", 0, 0 },
		{ "unidentified_request_count=4294967295\nunidentified_request_period=4294967295\n", 0, 0 },
		{ "unidentified_request_count=1\nunidentified_request_period=4294967295\n", 1000, 10 },
	};
	char text[8192];

	(void)state;
	log_set_sink(keep_notice, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text), "%s[global]\ntype=global\n%s", conf, rows[i].global);
		wire_reload(&t, text);
		notices = 0;
		for (int k = 0; k < 10; k++) {
			char peer[32];

			if (k == 5)
				wire_reload(&t, text);
			/* From an address for each row, of which no line was written yet. */
			snprintf(peer, sizeof(peer), "192.0.2.%zu:5070", 10 + i);
			world_pass(&t.w, rows[i].step_ms);
			send_register(peer, k & 1 ? "alice" : "nobody", "");
		}
		if (notices != rows[i].of_ten)
			fail_msg("%s: %u", rows[i].global, notices);
	}
	log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(passwords, setup, teardown),
		cmocka_unit_test_setup_teardown(by_its_digest, setup, teardown),
		cmocka_unit_test_setup_teardown(nonces_end, setup, teardown),
		cmocka_unit_test_setup_teardown(guesses, setup, teardown),
		cmocka_unit_test_setup_teardown(sections_by_address, setup, teardown),
		cmocka_unit_test_setup_teardown(challenges_cost_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(no_secret_no_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(other_ways_to_be_known, setup, teardown),
		cmocka_unit_test(unknown_costs_what_known_does),
		cmocka_unit_test_setup_teardown(answers_go_to_the_source, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_are_logged, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals_are_events, setup, teardown),
		cmocka_unit_test_setup_teardown(many_without_credentials, setup, teardown),
		cmocka_unit_test_setup_teardown(many_as_configured, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
