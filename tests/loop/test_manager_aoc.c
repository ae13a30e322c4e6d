/* AOCMessage: what a manager says of costs, and what he is told when he says it wrong. */
#include "manager_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct peer p;
static struct fake *f;

static int up(void **state)
{
	int err = manager_up(state);

	p = login("admin");
	f = world_call_in(&t.w, "alice", "100", "default", "wait");
	return err;
}

static int down(void **state)
{
	hang_up(&p);
	return manager_down(state);
}

static void aoc(const char *lines)
{
	char text[1024];

	snprintf(text, sizeof(text), "Action: AOCMessage\r\nChannel: %s\r\n%s", text_z(&f->ch->name), lines);
	ask(&p, text);
}

static void test_charges(void **state)
{
	(void)state;
	aoc("MsgType: d\r\nChargeType: Currency\r\nCurrencyAmount: 150\r\nCurrencyName: EUR\r\n"
	    "CurrencyMultiplier: OneHundredth\r\nTotalType: SubTotal");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nMessage: AOC Message successfully queued on channel\r\n\r\n");
	assert_true(fake_was_told(f, "aoc:D/sub/2:150*10^-2EUR"));
	aoc("MsgType: E\r\nChargeType: Currency\r\nCurrencyAmount: 2 or so\r\nCurrencyMultiplier: thousand\r\n"
	    "TotalType: SubTotal\r\nAOCBillingId: CallTransfer\r\nChargingAssociationId: -3");
	assert_true(fake_was_told(f, "aoc:E/2:2*10^3"));
	aoc("MsgType: e\r\nChargeType: Unit\r\nUnitAmount(3): 7\r\nUnitType(3): 1");
	assert_true(fake_was_told(f, "aoc:E/3:7"));
	aoc("MsgType: d\r\nChargeType: free");
	assert_true(fake_was_told(f, "aoc:D/1:0"));
}

static void test_rates(void **state)
{
	(void)state;
	/* The second item has the currency and the power of the first one. */
	aoc("MsgType: s\r\nChargedItem: BasicCommunication\r\nRateType: Duration\r\nCurrencyAmount: 20\r\nCurrencyName: EUR\r\n"
	    "CurrencyMultiplier: OneHundredth\r\nTime: 1\r\nTimeScale: Minute\r\nChargedItem: CallSetup\r\nRateType: Flat\r\n"
	    "CurrencyAmount: 5");
	HAS(&p, "Message: AOC Message successfully queued on channel\r\n");
	assert_true(fake_was_told(f, "aoc:S/2"));
	aoc("MsgType: s");
	assert_true(fake_was_told(f, "aoc:S/0"));
	/* Q.956 has room for ten. */
	aoc("MsgType: s\r\nRateType: Free"
	    "\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA"
	    "\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA\r\nChargedItem: NA");
	assert_true(fake_was_told(f, "aoc:S/10"));
}

static void test_whom(void **state)
{
	(void)state;
	ask(&p, "Action: AOCMessage\r\nMsgType: d\r\nChargeType: Free");
	HAS(&p, "Message: Channel and PartialChannel are not specified. Specify at least one of these.\r\n");
	ask(&p, "Action: AOCMessage\r\nChannel: Fake/none\r\nMsgType: d\r\nChargeType: Free");
	HAS(&p, "Message: No such channel\r\n");
	ask(&p, "Action: AOCMessage\r\nChannel: Fake/none\r\nChannelPrefix: fake/ali\r\nMsgType: d\r\nChargeType: Free");
	HAS(&p, "Message: AOC Message successfully queued on channel\r\n");
	assert_true(fake_was_told(f, "aoc:D/1:0"));
}

static void test_faults(void **state)
{
	static const struct { const char *lines, *says; } tv[] = {
		{ "MsgType: x", "Invalid MsgType" },
		{ "MsgType: d", "ChargeType not specified" },
		{ "MsgType: d\r\nChargeType: Much", "Invalid ChargeType" },
		{ "MsgType: d\r\nChargeType: Currency\r\nCurrencyMultiplier: one",
		  "Invalid CurrencyAmount, CurrencyAmount is a required when ChargeType is Currency" },
		{ "MsgType: d\r\nChargeType: Currency\r\nCurrencyAmount: 1",
		  "ChargeMultiplier unspecified, ChargeMultiplier is required when ChargeType is Currency." },
		{ "MsgType: d\r\nChargeType: Currency\r\nCurrencyAmount: 1\r\nCurrencyMultiplier: two", "Invalid ChargeMultiplier" },
		{ "MsgType: d\r\nChargeType: Free\r\nAOCBillingId: CallFwdBusy", "Invalid AOC-D AOCBillingId" },
		{ "MsgType: e\r\nChargeType: Free\r\nAOCBillingId: x", "Invalid AOC-E AOCBillingId" },
		{ "MsgType: e\r\nChargeType: Free\r\nChargingAssociationId: x", "Invalid ChargingAssociationId" },
		{ "MsgType: e\r\nChargeType: Free\r\nChargingAssociationPlan: x", "Invalid ChargingAssociationPlan" },
		{ "MsgType: s\r\nChargedItem: NA", "RateType not specified" },
		{ "MsgType: s\r\nChargedItem: x\r\nRateType: NA", "Invalid ChargedItem" },
		{ "MsgType: s\r\nChargedItem: NA\r\nRateType: x", "Invalid RateType" },
		{ "MsgType: s\r\nChargedItem: CallSetup\r\nRateType: Flat",
		  "Invalid CurrencyAmount, CurrencyAmount is a required when RateType is non-free" },
#define MONEY "MsgType: s\r\nChargedItem: BasicCommunication\r\nCurrencyAmount: 1\r\nCurrencyMultiplier: one\r\nRateType: "
		{ MONEY "Duration", "TimeScale unspecified, TimeScale is required when RateType is Duration." },
		{ MONEY "Duration\r\nTimeScale: week", "Invalid TimeScale" },
		{ MONEY "Duration\r\nTimeScale: day", "Invalid Time, Time is a required when RateType is Duration" },
		{ MONEY "Duration\r\nTimeScale: day\r\nTime: 1\r\nChargingType: x", "Invalid ChargingType" },
		{ MONEY "Duration\r\nTimeScale: day\r\nTime: 1\r\nGranularity: 1",
		  "Invalid GranularityTimeScale, GranularityTimeScale is a required when Granularity is specified" },
		{ MONEY "Duration\r\nTimeScale: day\r\nTime: 1\r\nGranularity: 1\r\nGranularityTimeScale: x",
		  "Invalid GranularityTimeScale" },
		{ MONEY "Volume", "VolumeUnit unspecified, VolumeUnit is required when RateType is Volume." },
		{ MONEY "Volume\r\nVolumeUnit: litre", "Invalid VolumeUnit" },
		{ MONEY "SpecialCode", "Invalid Code, Code is a required when ChargedItem is SpecialArrangement and when RateType is SpecialCode" },
	};
	char says[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		aoc(tv[i].lines);
		snprintf(says, sizeof(says), "Response: Error\r\nActionID: 9\r\nMessage: %s\r\n\r\n", tv[i].says);
		HAS(&p, says);
	}
	assert_false(fake_was_told(f, "aoc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_charges, up, down),
		cmocka_unit_test_setup_teardown(test_rates, up, down),
		cmocka_unit_test_setup_teardown(test_whom, up, down),
		cmocka_unit_test_setup_teardown(test_faults, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
