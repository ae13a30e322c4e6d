/* Bridges: who leaves takes the other along, transfers, replacing, limits. */
#include "fake_tech.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => bob,1,Dial(Fake/bob,20)\n"
	"exten => carl,1,Dial(Fake/carl,20)\n"
	"exten => opts,1,Dial(Fake/bob,20,gtTHh)\n"
	" same => n,Wait(60)\n"
	"exten => 9,1,Dial(Fake/carl,20)\n"
	"exten => keep,1,Dial(Fake/bob,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => place,1,Wait(60)\n"
	"exten => echo,1,Answer()\n"
	" same => n,Echo()\n"
	"exten => ring,1,Dial(Fake/carl,20)\n"
	" same => n,Wait(60)\n";

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_open(&w, plan);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static struct fake *talking(const char *caller, const char *exten, const char *callee)
{
	struct fake *a = world_call_in(&w, caller, "100", "default", exten);

	fake_event(world_fake(&w, callee), CE_ANSWER);
	assert_ptr_equal(bridge_peer(a->ch), world_fake(&w, callee)->ch);
	return a;
}

static void headers_of_its_events(void **state)
{
	struct fake *a = talking("alice", "bob", "bob");
	char line[128];

	(void)state;
	assert_int_equal(world_events(&w, "BridgeCreate", "BridgeNumChannels: 0"), 1);
	assert_int_equal(world_events(&w, "BridgeEnter", "BridgeNumChannels: 2"), 1);
	assert_int_equal(world_events(&w, "BridgeEnter", "BridgeType: basic"), 2);
	assert_int_equal(world_events(&w, "BridgeEnter", "BridgeTechnology: simple_bridge"), 2);
	assert_int_equal(world_events(&w, "BridgeEnter", "BridgeCreator: <unknown>"), 2);
	assert_int_equal(world_events(&w, "BridgeEnter", "BridgeVideoSourceMode: none"), 2);
	snprintf(line, sizeof(line), "BridgeUniqueid: %.*s", STR_ARG(bridge_id(a->ch->bridge)));
	assert_int_equal(bridge_id(a->ch->bridge).n, 36);
	assert_int_equal(world_events(&w, "BridgeEnter", line), 2);
	assert_string_equal(text_z(&world_fake(&w, "bob")->ch->linkedid), text_z(&a->ch->uniqueid));
}

static void blind_transfer_of_the_caller(void **state)
{
	struct fake *a = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(bridge_blind_transfer(b->ch, &(struct blind_transfer){ STR("nowhere"), STR("default"), .external = true }), ENOENT);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	assert_int_equal(bridge_blind_transfer(b->ch, &(struct blind_transfer){ STR("carl"), STR("default"), .external = true }), 0);
	world_turn(&w);
	assert_null(b->ch);
	assert_non_null(a->ch);
	assert_non_null(world_fake(&w, "carl"));
	assert_int_equal(world_events(&w, "BlindTransfer", "Extension: carl"), 1);
	fake_event(world_fake(&w, "carl"), CE_ANSWER);
	assert_ptr_equal(bridge_peer(a->ch), world_fake(&w, "carl")->ch);
}

static void blind_transfer_of_the_callee(void **state)
{
	struct fake *a = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(bridge_blind_transfer(a->ch, &(struct blind_transfer){ STR("carl"), STR("default"), .external = true }), 0);
	world_turn(&w);
	assert_null(a->ch);
	assert_non_null(b->ch);
	fake_event(world_fake(&w, "carl"), CE_ANSWER);
	assert_ptr_equal(bridge_peer(b->ch), world_fake(&w, "carl")->ch);
}

static void attended_transfer_of_two_bridges(void **state)
{
	struct fake *first = talking("alice", "bob", "bob"), *second = talking("alice", "carl", "carl");
	struct fake *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	channel_set_caller(b->ch, STR("200"), STR("Bob"));
	channel_set_caller(c->ch, STR("300"), STR("Carl"));
	fake_event(first, CE_HOLD);
	assert_int_equal(bridge_attended_transfer(first->ch, second->ch), 0);
	world_turn(&w);
	assert_null(first->ch);
	assert_null(second->ch);
	assert_ptr_equal(bridge_peer(b->ch), c->ch);
	assert_true(fake_was_told(b, "unhold"));
	assert_true(fake_was_told(b, "line:300"));
	assert_true(fake_was_told(c, "line:200"));
	assert_int_equal(world_events(&w, "AttendedTransfer", "DestType: Bridge"), 1);
	assert_int_equal(world_events(&w, "AttendedTransfer", "Result: Success"), 1);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(c->ch);
}

static void attended_transfer_into_an_application(void **state)
{
	struct fake *first = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");
	struct fake *second = world_call_in(&w, "alice", "100", "default", "echo");

	(void)state;
	assert_int_equal(bridge_attended_transfer(first->ch, second->ch), 0);
	world_turn(&w);
	assert_null(first->ch);
	assert_null(second->ch);
	assert_non_null(b->ch);
	assert_true(fake_was_told(b, "moved"));
	assert_string_equal(text_z(&b->ch->app), "Echo");
	assert_memory_equal(text_z(&b->ch->name), "Fake/bob-", 9);
	assert_ptr_equal(channel_by_name(w.pbx, text_view(&b->ch->name)), b->ch);
	assert_int_equal(world_events(&w, "AttendedTransfer", "DestApp: Echo"), 1);
	assert_int_equal(channel_count(w.pbx), 1);
}

static void attended_transfer_while_it_rings(void **state)
{
	struct fake *first = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");
	struct fake *second = world_call_in(&w, "alice", "100", "default", "ring"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(c, CE_RINGING);
	assert_int_equal(bridge_attended_transfer(first->ch, second->ch), 0);
	world_turn(&w);
	assert_null(first->ch);
	assert_null(second->ch);
	assert_non_null(c->ch);
	fake_event(c, CE_ANSWER);
	assert_ptr_equal(bridge_peer(b->ch), c->ch);
	fake_hangup(c, CAUSE_NORMAL);
	assert_null(b->ch);
}

static void replaced_in_the_bridge(void **state)
{
	struct fake *a = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");
	struct fake *d = world_call_in(&w, "dora", "400", "default", "place");

	(void)state;
	assert_non_null(b->ch);
	assert_non_null(d->ch);
	assert_int_equal(channel_replace(d->ch, b->ch), 0);
	world_turn(&w);
	assert_null(b->ch);
	assert_ptr_equal(bridge_peer(a->ch), d->ch);
	assert_true(fake_was_told(a, "line:400"));
	assert_int_equal(world_events(&w, "BridgeEnter", NULL), 3);
	/* The place is free before it is taken. */
	assert_int_equal(world_events(&w, "BridgeEnter", "BridgeNumChannels: 3"), 0);
	assert_int_equal(world_events(&w, "BridgeLeave", "BridgeNumChannels: 1"), 1);
}

static void redirected_out_of_the_bridge(void **state)
{
	struct fake *a = talking("alice", "keep", "bob"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(pbx_async_goto(a->ch, STR("default"), STR("place"), 1), 0);
	world_turn(&w);
	assert_null(b->ch);
	assert_string_equal(text_z(&a->ch->exten), "place");
	assert_string_equal(text_z(&a->ch->app), "Wait");
}

static void redirected_callee(void **state)
{
	struct fake *a = talking("alice", "keep", "bob"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(pbx_async_goto(b->ch, STR("default"), STR("place"), 1), 0);
	world_turn(&w);
	assert_string_equal(text_z(&b->ch->app), "Wait");
	assert_string_equal(text_z(&a->ch->app), "Wait");       /* option g */
}

static void digits_wait_for_their_code(void **state)
{
	struct features_conf *c;
	struct fake *a, *b;

	(void)state;
	assert_int_equal(features_new(&c), 0);
	text_set(&c->disconnect, STR("*0"));
	features_set(w.pbx, c);
	a = talking("alice", "opts", "bob");
	b = world_fake(&w, "bob");
	fake_digit(a, '*');
	assert_false(fake_was_told(b, "digit:*"));
	fake_digit(a, '5');                     /* no code begins so: both are passed, in order */
	assert_true(fake_was_told(b, "digit:*"));
	assert_true(fake_was_told(b, "digit:5"));
	fake_digit(a, '*');
	world_pass(&w, 1100);
	assert_int_equal(fake_told_times(b, "digit:*"), 2);
	fake_digit(a, '*');
	fake_digit(a, '0');
	assert_null(a->ch->bridge);
	assert_null(b->ch);
}

/* alice calls bob and has *2 for transfers that she attends to. */
static struct fake *consulting(void)
{
	struct features_conf *c;
	struct fake *a;

	assert_int_equal(features_new(&c), 0);
	text_set(&c->atxfer, STR("*2"));
	text_set(&c->disconnect, STR(""));
	features_set(w.pbx, c);
	a = talking("alice", "opts", "bob");
	fake_digit(a, '*');
	fake_digit(a, '2');
	assert_true(fake_was_told(world_fake(&w, "bob"), "hold"));
	fake_digit(a, '9');
	world_pass(&w, 3100);
	assert_non_null(world_fake(&w, "carl"));
	return a;
}

static void attended_by_digits_and_handed_over(void **state)
{
	struct fake *a = consulting(), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(c, CE_ANSWER);
	assert_ptr_equal(bridge_peer(a->ch), c->ch);
	assert_non_null(b->ch);
	assert_true(b->ch->moh);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_ptr_equal(bridge_peer(b->ch), c->ch);
	assert_false(b->ch->moh);
	assert_int_equal(world_events(&w, "AttendedTransfer", "Result: Success"), 1);
	fake_hangup(c, CAUSE_NORMAL);
	assert_null(b->ch);
	assert_int_equal(channel_count(w.pbx), 0);
}

static void attended_by_digits_and_come_back(void **state)
{
	struct fake *a = consulting(), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(c, CE_ANSWER);
	fake_hangup(c, CAUSE_NORMAL);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	assert_false(b->ch->moh);
	fake_digit(a, '5');
	assert_true(fake_was_told(b, "digit:5"));
	fake_hangup(b, CAUSE_NORMAL);
	assert_int_equal(channel_count(w.pbx), 1);      /* option g */
}

static void attended_by_digits_and_refused(void **state)
{
	struct fake *a = consulting(), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_hangup(c, CAUSE_BUSY);
	world_pass(&w, 11000);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	assert_false(b->ch->moh);
	fake_digit(a, '5');
	assert_true(fake_was_told(b, "digit:5"));
}

static void attended_by_digits_left_ringing(void **state)
{
	struct fake *a = consulting(), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(c, CE_RINGING);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_non_null(b->ch);
	assert_non_null(c->ch);
	fake_event(c, CE_ANSWER);
	assert_ptr_equal(bridge_peer(b->ch), c->ch);
	fake_hangup(b, CAUSE_NORMAL);
	assert_int_equal(channel_count(w.pbx), 0);
}

static void attended_by_digits_and_nobody_left(void **state)
{
	struct fake *a = consulting(), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(c, CE_ANSWER);
	fake_hangup(b, CAUSE_NORMAL);
	assert_ptr_equal(bridge_peer(a->ch), c->ch);
	fake_hangup(c, CAUSE_NORMAL);
	world_turn(&w);
	assert_int_equal(channel_count(w.pbx), 1);      /* a goes on in the dialplan */
}

static void hung_up_from_outside(void **state)
{
	struct fake *a = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");

	(void)state;
	channel_hangup(b->ch, CAUSE_NORMAL);
	world_turn(&w);
	assert_null(a->ch);
	assert_null(b->ch);
	assert_int_equal(world_events(&w, "SoftHangupRequest", "Cause: 32"), 1);
}

static void text_goes_to_the_other(void **state)
{
	struct fake *a = talking("alice", "bob", "bob"), *b = world_fake(&w, "bob");
	struct chan_event *e = GOT(chan_event_new(CE_TEXT));

	(void)state;
	text_set(&e->text, STR("hello"));
	channel_event(a->ch, e);
	assert_true(fake_was_told(b, "text:hello"));
}

/* Its dialplan has read that it was hung up: no event is left that could take it out again. */
static void one_that_has_ended_is_not_let_in(void **state)
{
	struct fake *a = talking("alice", "bob", "bob"), *c = world_call_in(&w, "carl", "300", "default", "place");
	struct channel *in = c->ch, *b = world_fake(&w, "bob")->ch;

	(void)state;
	in->hungup = true;
	assert_true(list_empty(&in->queue));
	assert_int_equal(bridge_add(a->ch->bridge, in, NULL), ESHUTDOWN);
	assert_null(in->bridge);
	assert_int_equal(bridge_swap(in, b), ESHUTDOWN);
	assert_ptr_equal(b->bridge, a->ch->bridge);
	assert_int_equal(bridge_count(a->ch->bridge), 2);
	in->hungup = false;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(headers_of_its_events), T(blind_transfer_of_the_caller), T(blind_transfer_of_the_callee),
		T(attended_transfer_of_two_bridges), T(attended_transfer_into_an_application),
		T(attended_transfer_while_it_rings), T(replaced_in_the_bridge), T(redirected_out_of_the_bridge),
		T(attended_by_digits_and_handed_over), T(attended_by_digits_and_come_back),
		T(attended_by_digits_and_refused), T(attended_by_digits_left_ringing),
		T(attended_by_digits_and_nobody_left), T(redirected_callee), T(digits_wait_for_their_code), T(hung_up_from_outside),
		T(text_goes_to_the_other), T(one_that_has_ended_is_not_let_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
