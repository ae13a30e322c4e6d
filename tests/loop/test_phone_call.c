/* Whole calls of two user agents with media: what the agent asks of media and media of the agent. The agents live in a
 * time of the test's, their media in the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include "agent_net.h"
#include "sidetone-ua-media.h"

static struct agent_net n;

struct phone {
	struct agent_party *party;
	struct sidetone_media *m;
	char digits[16];
	char refused[80];
	unsigned agreed;
};
static struct phone a, b;

/* ---- the application */

static struct phone *phone_of(const struct agent_party *p)
{
	return p == &n.a ? &a : &b;
}

static void on_agent(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_DESCRIBE)
		p->session = e->session;
	if (e->session)
		sidetone_media_handle(phone_of(p)->m, e);
}

static void on_media(void *arg, const struct sidetone_media_event *e)
{
	struct phone *x = arg;
	size_t k = strlen(x->digits);

	x->agreed += e->type == SIDETONE_MEDIA_AGREED;
	if (e->type == SIDETONE_MEDIA_DIGIT_END && k + 1 < sizeof(x->digits)) {
		x->digits[k] = e->digit;
		x->digits[k + 1] = 0;
	}
	if (e->type == SIDETONE_MEDIA_REFUSED)
		strncpy(x->refused, e->text, sizeof(x->refused) - 1);
}

static void begin(struct phone *x, struct agent_party *p, const char *codecs, bool ice)
{
	struct sidetone_media_options o;

	*x = (struct phone){ .party = p };
	sidetone_media_options_init(&o);
	o.address = "127.0.0.1";
	o.codecs = codecs;
	o.encryption = SIDETONE_SDES;
	o.ice = ice;
	assert_int_equal(sidetone_media_new(&x->m, &o, on_media, x, NULL, 0), 0);
	p->late = true;
	p->on_event = on_agent;
	agent_begin(p);
}

/* A turn of everybody. */
static void turn(void)
{
	struct pollfd fd[2] = { { .fd = sidetone_media_fd(a.m), .events = POLLIN }, { .fd = sidetone_media_fd(b.m), .events = POLLIN } };
	uint64_t wa = sidetone_media_wait_ms(a.m), wb = sidetone_media_wait_ms(b.m), wait = wa < wb ? wa : wb;

	poll(fd, 2, wait < 5 ? (int)wait : 5);
	sidetone_media_process(a.m);
	sidetone_media_process(b.m);
	agent_run(&n, 1);
}

/* 20 s at most. What is asked may be true once only. */
#define UNTIL(x) do { \
		uint64_t until_ = clock_ms(clock_real()) + 20000; \
		bool is_ = x; \
		while (!is_ && clock_ms(clock_real()) < until_) { \
			turn(); \
			is_ = x; \
		} \
		assert_true(is_); \
	} while (0)

static bool hears(struct phone *x)
{
	double in, out;

	assert_int_equal(sidetone_media_levels(x->m, x->party->session, &in, &out), 0);
	return in > -20;
}

static struct sidetone_media_state state_of(struct phone *x)
{
	struct sidetone_media_state st;

	sidetone_media_state(x->m, x->party->session, &st);
	return st;
}

static void says(struct phone *x)
{
	assert_int_equal(sidetone_media_source(x->m, x->party->session,
		&(struct sidetone_source){ .type = SIDETONE_TONE, .text = "440" }), 0);
}

static bool is_up(const struct phone *x)
{
	return x->party->session && sidetone_session_status(x->party->session) == SIDETONE_STATUS_CONFIRMED;
}

static bool rings(void)
{
	return n.b.session && sidetone_session_status(n.b.session) == SIDETONE_WAITING_FOR_ANSWER;
}

static void call(bool without_sdp)
{
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" },
					    .without_sdp = without_sdp }, &n.a.session), 0);
	UNTIL(rings());
	assert_int_equal(sidetone_session_accept(n.b.session, NULL), 0);
}

/* ---- the tests */

static int setup(void **state)
{
	(void)state;
	agent_open(&n);
	return 0;
}

static int teardown(void **state)
{
	int err;

	(void)state;
	sidetone_session_free(n.a.session);
	sidetone_session_free(n.b.session);
	sidetone_media_free(a.m);
	sidetone_media_free(b.m);
	err = agent_close(&n);
	a = b = (struct phone){ 0 };
	return err;
}

static void talk(bool ice, bool without_sdp)
{
	begin(&a, &n.a, "opus,ulaw", ice);
	begin(&b, &n.b, "g722,ulaw", ice);
	call(without_sdp);
	UNTIL(is_up(&a) && is_up(&b));
	assert_string_equal(state_of(&a).codec, "ulaw");
	assert_int_equal(state_of(&a).encryption, SIDETONE_SDES);
	says(&a);
	says(&b);
	UNTIL(hears(&a));
	UNTIL(hears(&b));
	assert_int_equal(sidetone_media_digits(a.m, n.a.session, "42#", 0, 0), 0);
	UNTIL(!strcmp(b.digits, "42#"));
	/* Hold, and back. */
	assert_int_equal(sidetone_media_hold(b.m, n.b.session, SIDETONE_HOLD_ON), 0);
	UNTIL(state_of(&b).held && state_of(&a).held_by_peer);
	UNTIL(!hears(&a) && !hears(&b));
	assert_false(state_of(&a).sends || state_of(&b).receives);
	assert_int_equal(sidetone_media_hold(b.m, n.b.session, SIDETONE_HOLD_OFF), 0);
	UNTIL(!state_of(&b).held && !state_of(&a).held_by_peer);
	UNTIL(hears(&a));
	UNTIL(hears(&b));
	/* Another port. */
	assert_int_equal(sidetone_media_renew(a.m, n.a.session), 0);
	UNTIL(a.agreed == 4 && b.agreed == 4);
	hears(&b);
	UNTIL(hears(&b));
	assert_int_equal(sidetone_session_bye(n.a.session, 0, NULL, NULL), 0);
	UNTIL(sidetone_session_status(n.b.session) == SIDETONE_STATUS_TERMINATED);
	assert_int_not_equal(sidetone_media_renew(a.m, n.a.session), 0);
}

static void test_call(void **state) { (void)state; talk(false, false); }
static void test_late_offer(void **state) { (void)state; talk(false, true); }
static void test_ice(void **state) { (void)state; talk(true, false); }

/* Nothing in common: the call is refused with 488, and both know why. */
static void test_refused(void **state)
{
	(void)state;
	begin(&a, &n.a, "opus", false);
	begin(&b, &n.b, "ulaw", false);
	call(false);
	UNTIL(sidetone_session_status(n.a.session) == SIDETONE_STATUS_TERMINATED);
	assert_string_equal(b.refused, "no stream in common");
	assert_non_null(strstr(n.b.sent, " 488"));
}

/* Early media: an answer in a 183, and sound before the call is answered. */
static void test_early(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "rel100", "supported");
	sidetone_ua_set_string(n.b.ua, "rel100", "supported");
	begin(&a, &n.a, "ulaw", false);
	begin(&b, &n.b, "ulaw", false);
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } },
					    &n.a.session), 0);
	UNTIL(rings());
	says(&b);
	assert_int_equal(sidetone_session_progress(n.b.session, 183, NULL, NULL, true), 0);
	UNTIL(a.agreed > 0);
	UNTIL(hears(&a));
	assert_int_not_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_CONFIRMED);
	assert_int_equal(sidetone_session_accept(n.b.session, NULL), 0);
	UNTIL(is_up(&a) && is_up(&b));
	hears(&a);
	UNTIL(hears(&a));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_call), T(test_late_offer), T(test_ice), T(test_refused), T(test_early) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
