/* pbx/aoc.h -- advice of charge: what a call costs, or will (ITU-T Q.956, ETSI TS 183 047), as
 * whoever knows it tells a channel by IND_AOC and CE_AOC. Threads: core. */
#ifndef PBX_AOC_H
#define PBX_AOC_H

#include "base/obj.h"
#include "base/str.h"

enum aoc_type { AOC_S /* rates, before it begins */, AOC_D /* so far */, AOC_E /* in the end */ };
enum aoc_charge { AOC_CHARGE_NA, AOC_CHARGE_FREE, AOC_CHARGE_CURRENCY, AOC_CHARGE_UNIT };
enum aoc_item { AOC_ITEM_NA, AOC_ITEM_SPECIAL_ARRANGEMENT, AOC_ITEM_BASIC_COMMUNICATION, AOC_ITEM_CALL_ATTEMPT,
	AOC_ITEM_CALL_SETUP, AOC_ITEM_USER_USER_INFO, AOC_ITEM_SUPPLEMENTARY_SERVICE };
enum aoc_rate_type { AOC_RATE_NA, AOC_RATE_FREE, AOC_RATE_FREE_FROM_BEGINNING, AOC_RATE_DURATION, AOC_RATE_FLAT,
	AOC_RATE_VOLUME, AOC_RATE_SPECIAL_CODE };
enum aoc_scale { AOC_HUNDREDTH_SECOND, AOC_TENTH_SECOND, AOC_SECOND, AOC_TEN_SECONDS, AOC_MINUTE, AOC_HOUR, AOC_DAY };

#define AOC_CURRENCY 10         /* [bytes] of a currency's name; Q.956 has no room for more */
#define AOC_RATES 10
#define AOC_UNITS 32

struct aoc_money {
	uint32_t amount;                /* times 10^power */
	int8_t power;                   /* -3 to 3 */
	char currency[AOC_CURRENCY + 1];        /* "EUR"; empty: not said */
};

struct aoc_rate {
	enum aoc_item item;
	enum aoc_rate_type type;
	struct aoc_money money;         /* DURATION, FLAT, VOLUME */
	uint32_t time;                  /* DURATION: the money is for so long */
	enum aoc_scale scale;
	bool steps;                     /* else continuously */
};

struct aoc_unit {
	uint32_t amount, type;
	bool has_amount, has_type;
};

struct aoc {                    /* obj; fixed once it was told */
	enum aoc_type type;
	enum aoc_charge charge;         /* of D and E, as what follows */
	bool subtotal;
	struct aoc_money money;
	struct aoc_unit units[AOC_UNITS];
	size_t nunits;
	struct aoc_rate rates[AOC_RATES];       /* of S */
	size_t nrates;
};

static inline struct aoc *aoc_new(enum aoc_type type)
{
	struct aoc *a = obj_new(sizeof(*a), NULL);

	if (a)
		a->type = type;
	return a;
}

#endif
