/* What tests of STIR calls stand on: see stir_calls.h. */
#include "stir_calls.h"
#include "base/obj.h"
#include "media/media.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => 600,1,Set(GLOBAL(N)=${STIR_SHAKEN(count)})\n same => n,Set(GLOBAL(RESULT)=${STIR_SHAKEN(0,verify_result)})\n"
	" same => n,Set(GLOBAL(LEVEL)=${STIR_SHAKEN(0, attestation)})\n same => n,Set(GLOBAL(IDENTITY)=${STIR_SHAKEN(0,identity)})\n"
	" same => n,Set(GLOBAL(BAD)=${STIR_SHAKEN(1,identity)}${STIR_SHAKEN(0)}${STIR_SHAKEN(0,x)}${STIR_SHAKEN()})\n"
	" same => n,Answer()\n same => n,Wait(600)\n"
	"exten => 601,1,Ringing()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => 700,1,Set(CALLERID(num)=+1 800 555-1212)\n same => n,Dial(PJSIP/600@bob)\n"
	"exten => 701,1,Set(CALLERID(num)=18005551212)\n same => n,Dial(PJSIP/600@bob,,b(default^no^1))\n"
	"exten => 702,1,Set(CALLERID(num)=18005551212)\n same => n,Dial(PJSIP/600@bob,,b(default^own^1))\n"
	"exten => 703,1,Set(CALLERID(num)=1)\n same => n,Dial(PJSIP/600@bob)\n"
	"exten => 704,1,Set(CALLERID(num)=18005551212)\n same => n,Set(CALLERID(num-pres)=prohib)\n same => n,Dial(PJSIP/600@bob)\n"
	"exten => 705,1,Set(CALLERID(num)=18005551212)\n same => n,Dial(PJSIP/carl)\n"
	"exten => no,1,Set(STIR_SHAKEN_ATTESTATION(suppress)=yes)\n same => n,Return()\n"
	"exten => own,1,Set(PJSIP_HEADER(add,Identity)=mine)\n same => n,Return()\n";

static const char pjsip[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\nfrom_domain=home\n"
	"[alice](phone)\naors=alice\nstir_shaken_profile=in\ntrust_id_inbound=yes\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n"
	"[calls]\ntype=identify\nendpoint=alice\nmatch=127.0.0.1\n"
	"[bob](phone)\naors=bob\nstir_shaken_profile=out\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"
	"[carl](phone)\naors=carl\nstir_shaken_profile=out\nmedia_encryption=dtls\ndtls_auto_generate_cert=yes\n"
	"[carl]\ntype=aor\ncontact=sip:carl@127.0.0.1:5063\n";

struct pki pki;
struct stir_job *jobs[STIR_JOBS];
size_t njobs;
int submit_err;

static int on_submit(void *arg, struct stir_job *j)
{
	(void)arg;
	if (submit_err || njobs == ARRAY_LEN(jobs))
		return ENOBUFS;
	jobs[njobs++] = obj_hold(j);
	return 0;
}

/* The oldest job, which is of that kind, is done. */
void job_done(enum stir_job_kind kind)
{
	struct stir_job *j = jobs[0];

	assert_true(njobs > 0);
	assert_int_equal(j->kind, kind);
	memmove(jobs, jobs + 1, --njobs * sizeof(struct stir_job *));
	if (j->done)
		j->done(j);
	obj_drop(j);
	world_turn(&t.w);
}

void job_gives(enum stir_job_kind kind, long status, struct str body)
{
	assert_true(njobs > 0);
	jobs[0]->status = status;
	jobs[0]->err = status ? 0 : ENOENT;
	oom_pause(true);
	buf_put(&jobs[0]->body, body);
	oom_pause(false);
	job_done(kind);
}

void put_conf(const char *profile)
{
	struct buf b = BUF_INIT;
	struct stir_conf_prm prm = { 0 };
	struct stir_conf *c = NULL;

	oom_pause(true);
	buf_printf(&b, "[verification]\nca_file=%s/ca.pem\ncert_cache_dir=%s\n"
		   "[attestation]\nprivate_key_file=%s/key.pem\npublic_cert_url=" X5U "\n"
		   "[" NUMBER "]\ntype=tn\nattest_level=A\n[out]\ntype=profile\nendpoint_behavior=attest\n"
		   "[in]\ntype=profile\nendpoint_behavior=verify\n%s\n", pki.dir, pki.dir, pki.dir, profile);
	assert_int_equal(stir_conf_parse(&c, buf_view(&b), &prm, NULL), 0);
	buf_free(&b);
	oom_pause(false);
	assert_int_equal(stir_set_conf(t.svc, c), 0);
	obj_drop(c);
}

int stir_setup_all(void **state)
{
	(void)state;
	pki_make(&pki);
	pki_files(&pki, NULL);
	return 0;
}

int stir_teardown_all(void **state)
{
	(void)state;
	pki_free(&pki);
	return 0;
}

int stir_setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, pjsip);
	alice_begins();
	stir_set_submit(t.svc, on_submit, NULL);
	put_conf("");
	submit_err = 0;
	njobs = 0;
	return 0;
}

int stir_teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	while (njobs)
		obj_drop(jobs[--njobs]);
	wire_close(&t);
	return 0;
}

/* ---- a call of hers ---------------------------------------------------------------------------- */

/* `date`, `identity`: NULL for none. */
void calls_as(const char *number, const char *exten, const char *date, const char *identity)
{
	char room[4096];

	snprintf(room, sizeof(room), "%s%s%s%s%s%s%s", number ? "P-Asserted-Identity: <sip:" : "", number ? number : "",
		 number ? "@home>\r\n" : "", date ? date : "", identity ? "Identity: " : "", identity ? identity : "",
		 identity ? "\r\n" : "");
	alice("INVITE", exten, 1, room, SDP_ULAW);
}

void calls(const char *exten, const char *date, const char *identity)
{
	calls_as("+1%208005551212", exten, date, identity);
}

const char *good(void)
{
	return pki_identity(&pki, &(struct identity_of){ .x5u = X5U, .orig = NUMBER });
}

struct str good_pem(void)
{
	return pki_leaf(&pki, &(struct leaf){ 0 });
}

/* The dialplan has run, and her call is answered. */
void assert_result(const char *result)
{
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	assert_string_equal(global("N"), "1");
	if (strcmp(global("RESULT"), result))
		fail_msg("%s, not %s", global("RESULT"), result);
}

