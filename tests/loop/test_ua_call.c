/* A user agent from its first REGISTER to its last BYE with src/ua alone: how the headers
 * of ua/ are used together. The other end of the wire is played by hand. */
#include "ua_net.h"
#include "ua/refer.h"
#include "ua/register.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

static struct ua_net n;
static struct ua_register *reg;
static struct ua_invite *call;
static bool registered, ringing, up, over;
static unsigned transfer;

static struct node *far_end(void) { return &n.l.b; }

/* ---- what every request of ours has -------------------------------------------------- */

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	(void)arg, (void)rq, (void)path;
	o->contact = STR("<sip:alice@192.0.2.1:5060>");
	if (!o->from.n)
		o->from = STR("<sip:alice@example.com>");
	return 0;
}

/* ---- the registration ------------------------------------------------------------------- */

static void on_registration(void *arg, struct ua_register *r, const struct ua_register_event *e)
{
	(void)arg, (void)r;
	registered = e->state == UA_REGISTER_REGISTERED;
}

static void begin(void)
{
	const struct ua_register_prm prm = { .registrar = STR("sip:192.0.2.2"), .aor = STR("sip:alice@example.com"),
		.max_forwards = 70, .expires_s = 600, .credentials = ua_net_credentials, .credentials_arg = &n,
		.prepare = prepare, .changed = on_registration };

	assert_int_equal(ua_register_new(&reg, &n.ua, &prm), 0);
	assert_int_equal(ua_register_start(reg, 0), 0);
	link_run(&n.l, 5);
}

/* ---- the call ------------------------------------------------------------------------------ */

static int write_sdp(void *arg, struct buf *b) { (void)arg; buf_put(b, STR(SDP)); return 0; }
static unsigned take_sdp(void *arg, struct str body) { (void)arg, (void)body; return 0; }
static void give_up_sdp(void *arg) { (void)arg; }
static void on_progress(void *arg, struct sip_msg *msg) { (void)arg; ringing = msg->status == 180; }
static void on_answered(void *arg, struct sip_msg *msg) { (void)arg, (void)msg; up = true; }
static void on_transfer(void *arg, unsigned status) { (void)arg; transfer = status; }

static void on_ended(void *arg, enum ua_end why, struct sip_msg *msg, int err)
{
	(void)arg, (void)why, (void)msg, (void)err;
	over = true;
}

static const struct ua_invite_user user = { .offer_make = write_sdp, .answer_make = write_sdp, .offer_came = take_sdp,
	.answer_came = take_sdp, .exchange_failed = give_up_sdp, .prepare = prepare, .progress = on_progress,
	.answered = on_answered, .ended = on_ended };

static void dial(const char *uri)
{
	const struct ua_invite_prm prm = { .request = { .credentials = ua_net_credentials, .credentials_arg = &n },
		.allow = STR("Allow: INVITE, ACK, CANCEL, BYE, NOTIFY\r\n"), .supported = STR("timer"), .max_forwards = 70,
		.rel100 = UA_REL100_SUPPORTED, .timers = UA_TIMERS_YES, .timers_expires_s = 1800, .timers_min_s = 90,
		.user = &user };
	struct sip_out *o = GOT(ua_out(&n.ua, SIP_INVITE, str_z(uri)));

	assert_int_equal(ua_invite_new(&call, &n.ua, &prm), 0);
	assert_int_equal(ua_invite_call(call, o, NULL), 0);
	obj_drop(o);
	link_run(&n.l, 5);
}

/* Bob tells alice in the call's dialog that carol answered. */
static void bob_notifies(const struct sip_msg *refer)
{
	struct sip_out *o = link_out(far_end(), SIP_NOTIFY);

	o->ruri = STR("sip:alice@192.0.2.1:5060");
	o->from = sip_out_dup(o, sip_hdr_value(refer, SIP_H_TO));
	o->to = sip_out_dup(o, sip_hdr_value(refer, SIP_H_FROM));
	o->call_id = sip_out_dup(o, refer->call_id);
	sip_out_header(o, STR("Event"), STR("refer"));
	sip_out_header(o, STR("Subscription-State"), STR("terminated;reason=noresource"));
	sip_out_body(o, STR("message/sipfrag"), STR("SIP/2.0 200 OK\r\n"));
	obj_drop(link_send(far_end(), o));
	link_run(&n.l, 5);
}

static void from_register_to_bye(void **state)
{
	(void)state;
	ua_net_open(&n);
	begin();
	ua_net_answer(&n, 401, "WWW-Authenticate: Digest realm=\"example.com\",nonce=\"n\"\r\n");
	ua_net_answer(&n, 200, "Expires: 600\r\n");
	assert_true(registered);
	dial("sip:bob@192.0.2.2");
	ua_net_answer(&n, 180, "Contact: <sip:bob@192.0.2.2>\r\n");
	assert_true(ringing);
	sip_server_tx_respond(far_end()->tx, 200, STR_NULL, STR("Contact: <sip:bob@192.0.2.2>\r\n"),
			      STR("application/sdp"), STR(SDP));
	link_run(&n.l, 5);
	assert_true(up);
	sip_server_tx_acked(far_end()->tx);
	/* Bob is to call carol; when he has, the call is over for alice. */
	assert_int_equal(ua_refer_send(call, STR("<sip:carol@example.com>"), STR_NULL, on_transfer), 0);
	link_run(&n.l, 5);
	ua_net_answer(&n, 202, "");
	bob_notifies(far_end()->msg);
	assert_int_equal(transfer, 200);
	ua_invite_end(call, STR_NULL);
	link_run(&n.l, 5);
	assert_int_equal(far_end()->msg->method, SIP_BYE);
	ua_net_answer(&n, 200, "");
	assert_int_equal(ua_invite_state(call), UA_INVITE_OVER);
	assert_false(over);             /* who ends it is not told */
	obj_drop(call);
	assert_int_equal(ua_register_end(reg, false), 0);
	link_run(&n.l, 5);
	ua_net_answer(&n, 200, "");
	assert_false(registered);
	ua_register_free(reg);
	assert_int_equal(ua_net_close(&n), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(from_register_to_bye) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
