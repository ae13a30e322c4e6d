/* Advice of charge as phones with send_aoc hear it: in responses, by INFO, in the BYE. */
#include "alice.h"
#include "pbx/aoc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define XML STR("application/vnd.etsi.aoc+xml")

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => hold,1,Wait(1)\n same => n,Ringing()\n same => n,Wait(1)\n same => n,Progress()\n same => n,Wait(1)\n"
	" same => n,Answer()\n same => n,Wait(600)\n";

#define CONF(lines) WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" lines \
	ALICE_LINE BOB_LINE

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, CONF("send_aoc=yes\n"));
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

static void tell(struct channel *ch, struct aoc *a)
{
	assert_non_null(a);
	channel_indicate(ch, IND_AOC, a);
	obj_drop(a);
	world_turn(&t.w);
}

static struct aoc *costs(enum aoc_type type, bool subtotal)
{
	struct aoc *a = aoc_new(type);

	assert_non_null(a);
	a->charge = AOC_CHARGE_CURRENCY;
	a->subtotal = subtotal;
	a->money = (struct aoc_money){ .amount = 1005, .power = -2, .currency = "EUR" };
	return a;
}

static struct aoc *rates(void)
{
	struct aoc *a = aoc_new(AOC_S);

	assert_non_null(a);
	a->rates[a->nrates++] = (struct aoc_rate){ .item = AOC_ITEM_BASIC_COMMUNICATION, .type = AOC_RATE_DURATION,
		.money = { .amount = 20, .power = -1, .currency = "A&B" }, .time = 1, .scale = AOC_MINUTE, .steps = true };
	a->rates[a->nrates++] = (struct aoc_rate){ .item = AOC_ITEM_CALL_SETUP, .type = AOC_RATE_FLAT,
		.money = { .amount = 3, .power = 3 } };
	a->rates[a->nrates++] = (struct aoc_rate){ .item = AOC_ITEM_CALL_ATTEMPT, .type = AOC_RATE_FREE };
	a->rates[a->nrates++] = (struct aoc_rate){ .item = AOC_ITEM_USER_USER_INFO, .type = AOC_RATE_FREE };
	return a;
}

static void assert_body(struct str body, const char *want)
{
	assert_int_equal(body.n, strlen(want));
	assert_memory_equal(body.p, want, body.n);
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<aoc xmlns=\"http://uri.etsi.org/ngn/params/xml/simservs/aoc\">\n"
#define CHARGES "  <recorded-charges>\n   <recorded-currency-units>\n    <currency-id>EUR</currency-id>\n" \
	"    <currency-amount>10.05</currency-amount>\n   </recorded-currency-units>\n  </recorded-charges>\n"
#define SO_FAR(word) HEAD " <aoc-d>\n  <charging-info>" word "</charging-info>\n" CHARGES " </aoc-d>\n</aoc>"
#define RATES HEAD " <aoc-s>\n  <charged-items>\n" \
	"   <basic>\n    <price-time>\n     <currency-id>A&amp;B</currency-id>\n     <currency-amount>2.0</currency-amount>\n" \
	"     <length-time-unit>\n      <time-unit>1</time-unit>\n      <scale>one-minute</scale>\n     </length-time-unit>\n" \
	"     <charging-type>step-function</charging-type>\n    </price-time>\n   </basic>\n" \
	"   <communication-setup>\n    <flat-rate>\n     <currency-amount>3000</currency-amount>\n    </flat-rate>\n" \
	"   </communication-setup>\n   <communication-attempt>\n    <free-charge />\n   </communication-attempt>\n" \
	"  </charged-items>\n </aoc-s>\n</aoc>"

static void test_so_far(void **state)
{
	struct sip_msg *m;

	(void)state;
	alice_talks("up");
	tell(only_channel(), costs(AOC_D, true));
	m = requested(SIP_INFO, 5061);
	assert_true(str_eq(m->content_type, XML));
	assert_body(m->body, SO_FAR("subtotal"));
	answer(SIP_INFO, 5061, 200, "", "");
	/* What it cost so far is all that it cost, when nothing else was said. */
	wire_forget(&t);
	alice("BYE", "up", 2, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	assert_true(str_eq(response(SIP_BYE)->content_type, XML));
	assert_body(response(SIP_BYE)->body, SO_FAR("total"));
}

static void test_at_the_end(void **state)
{
	struct sip_msg *m;

	(void)state;
	alice_talks("up");
	tell(only_channel(), costs(AOC_D, false));
	answer(SIP_INFO, 5061, 200, "", "");
	wire_forget(&t);
	tell(only_channel(), costs(AOC_E, false));
	assert_int_equal(t.n, 0);
	channel_hangup(only_channel(), CAUSE_NORMAL);
	world_turn(&t.w);
	m = requested(SIP_BYE, 5061);
	assert_true(str_eq(m->content_type, XML));
	assert_body(m->body, HEAD " <aoc-e>\n" CHARGES " </aoc-e>\n</aoc>");
	answer(SIP_BYE, 5061, 200, "", "");
}

static void test_other_charges(void **state)
{
	static const struct { enum aoc_charge charge; size_t units; const char *says; } tv[] = {
		{ AOC_CHARGE_FREE, 0, "   <free-charge />\n" }, { AOC_CHARGE_NA, 0, "   <not-available />\n" },
		{ AOC_CHARGE_UNIT, 1, "   <recorded-currency-units>\n    <currency-id>UNIT</currency-id>\n"
				      "    <currency-amount>9</currency-amount>\n   </recorded-currency-units>\n" },
		{ AOC_CHARGE_UNIT, 0, "   <recorded-currency-units>\n    <currency-id>UNIT</currency-id>\n"
				      "   </recorded-currency-units>\n" },
	};

	(void)state;
	alice_talks("up");
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct aoc *a = aoc_new(AOC_D);
		char want[512];

		assert_non_null(a);
		a->charge = tv[i].charge;
		a->nunits = tv[i].units;
		a->units[0].amount = 9;
		tell(only_channel(), a);
		snprintf(want, sizeof(want), HEAD " <aoc-d>\n  <charging-info>total</charging-info>\n  <recorded-charges>\n%s"
			 "  </recorded-charges>\n </aoc-d>\n</aoc>", tv[i].says);
		assert_body(requested(SIP_INFO, 5061)->body, want);
		answer(SIP_INFO, 5061, 200, "", "");
		wire_forget(&t);
	}
}

/* The rates go with every response that says that the call goes on, as a part beside its SDP. */
static void test_rates_to_a_caller(void **state)
{
	struct str part;

	(void)state;
	alice("INVITE", "hold", 1, "", SDP_ULAW);
	tell(only_channel(), rates());
	world_pass(&t.w, 1100);
	learn_tag();
	assert_int_equal(status(SIP_INVITE), 180);
	assert_true(sip_body(response(SIP_INVITE), XML, &part));
	assert_body(part, RATES);
	assert_false(sip_body(response(SIP_INVITE), STR("application/sdp"), &part));
	world_pass(&t.w, 1100);
	assert_int_equal(status(SIP_INVITE), 183);
	assert_true(sip_body(response(SIP_INVITE), STR("application/sdp"), &part));
	assert_true(str_starts(part, STR("v=0\r\n")) && str_find(part, STR("m=audio")) < part.n);
	assert_true(sip_body(response(SIP_INVITE), XML, &part));
	world_pass(&t.w, 1100);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(sip_body(response(SIP_INVITE), XML, &part));
	assert_body(part, RATES);
	alice("ACK", "hold", 1, "", "");
	wire_forget(&t);
	/* She is up: other rates come by INFO. */
	tell(only_channel(), rates());
	assert_body(requested(SIP_INFO, 5061)->body, RATES);
	answer(SIP_INFO, 5061, 200, "", "");
}

/* What ETSI's schema has no word for. */
static void test_rates_without_words(void **state)
{
	struct aoc *a = aoc_new(AOC_S);

	(void)state;
	assert_non_null(a);
	alice_talks("up");
	a->rates[a->nrates++] = (struct aoc_rate){ .item = AOC_ITEM_USER_USER_INFO, .type = AOC_RATE_FREE };
	tell(only_channel(), a);
	assert_body(requested(SIP_INFO, 5061)->body, HEAD " <aoc-s>\n  <charged-items />\n </aoc-s>\n</aoc>");
	answer(SIP_INFO, 5061, 200, "", "");
	wire_forget(&t);
	a = aoc_new(AOC_S);
	assert_non_null(a);
	a->rates[a->nrates++] = (struct aoc_rate){ .item = AOC_ITEM_CALL_SETUP, .type = AOC_RATE_VOLUME };
	tell(only_channel(), a);
	assert_body(requested(SIP_INFO, 5061)->body,
		    HEAD " <aoc-s>\n  <charged-items>\n   <communication-setup />\n  </charged-items>\n </aoc-s>\n</aoc>");
	answer(SIP_INFO, 5061, 200, "", "");
}

static void test_rates_to_a_called(void **state)
{
	(void)state;
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	/* He has not said a word: there is no dialog yet. */
	tell(channel_at(1), rates());
	assert_true(request(SIP_INFO, BOB) == SIZE_MAX);
	answer(SIP_INVITE, BOB, 180, "", "");
	tell(channel_at(1), rates());
	assert_body(requested(SIP_INFO, BOB)->body, RATES);
	answer(SIP_INFO, BOB, 200, "", "");
}

static void test_off(void **state)
{
	(void)state;
	wire_reload(&t, CONF("send_aoc=no\n"));
	alice_starts_anew();
	alice_talks("up");
	tell(only_channel(), costs(AOC_D, true));
	tell(only_channel(), costs(AOC_E, true));
	tell(only_channel(), rates());
	assert_true(request(SIP_INFO, 5061) == SIZE_MAX);
	alice("BYE", "up", 2, "", "");
	assert_int_equal(response(SIP_BYE)->body.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_so_far, setup, teardown),
		cmocka_unit_test_setup_teardown(test_at_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_charges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rates_to_a_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rates_without_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rates_to_a_called, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
