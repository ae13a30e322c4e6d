/* AOCMessage: what a call costs, told to a channel. */
#include "manage/manager_private.h"
#include "pbx/aoc.h"
#include "pbx/channel.h"

/* The headers of a message, or of one charged item with all that stand before it. */
struct part {
	struct ami_ctx *a;
	size_t n;
};

/* The last of that name: an item without one has what the item before it had. */
static struct str get(const struct part *p, const char *name)
{
	for (size_t i = p->n; i-- > 0;)
		if (str_ieq(p->a->msg->v[i].name, str_z(name)))
			return p->a->msg->v[i].value;
	return STR_NULL;
}

/* The digits that it begins with. */
static bool scan(struct str s, uint32_t *out)
{
	uint64_t n = 0;
	size_t i = 0;

	s = str_ltrim(s);
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		n = n > UINT32_MAX ? n : n * 10 + (uint64_t)(s.p[i] - '0');
	*out = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	return i > 0;
}

static int name_of(struct str s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && str_ieq(s, str_z(names[i])))
			return (int)i;
	return -1;
}

static bool fail(struct ami_ctx *a, const char *why)
{
	ami_error(a, "%s", why);
	return false;
}

/* ---- money ------------------------------------------------------------------------------------ */

static bool read_money(const struct part *p, struct aoc_money *m, const char *missing)
{
	static const char *const powers[] = { "onethousandth", "onehundredth", "onetenth", "one", "ten", "hundred", "thousand" };
	struct str power = get(p, "CurrencyMultiplier"), name = get(p, "CurrencyName");
	int i = name_of(power, powers, ARRAY_LEN(powers));

	if (!scan(get(p, "CurrencyAmount"), &m->amount))
		return fail(p->a, missing);
	if (!power.n)
		return fail(p->a, "ChargeMultiplier unspecified, ChargeMultiplier is required when ChargeType is Currency.");
	if (i < 0)
		return fail(p->a, "Invalid ChargeMultiplier");
	m->power = (int8_t)(i - 3);
	str_copy(m->currency, sizeof(m->currency), name);
	return true;
}

/* ---- D and E ---------------------------------------------------------------------------------- */

static void read_units(const struct part *p, struct aoc *c)
{
	for (unsigned i = 0; i < AOC_UNITS; i++) {
		struct aoc_unit *u = &c->units[c->nunits];
		char amount[24], type[24];

		snprintf(amount, sizeof(amount), "UnitAmount(%u)", i);
		snprintf(type, sizeof(type), "UnitType(%u)", i);
		u->has_amount = scan(get(p, amount), &u->amount);
		u->has_type = scan(get(p, type), &u->type);
		c->nunits += u->has_amount || u->has_type;
	}
}

/* Whose bill: no phone is told, and a wrong one is refused all the same. */
static bool billing_is_good(const struct part *p, enum aoc_type type)
{
	static const char *const names[] = { "Normal", "ReverseCharge", "CreditCard", "CallFwdUnconditional", "CallFwdBusy",
		"CallFwdNoReply", "CallDeflection", "CallTransfer" };
	struct str id = get(p, "AOCBillingId");
	struct str assoc = get(p, "ChargingAssociationId"), plan = get(p, "ChargingAssociationPlan");
	uint32_t n;

	if (id.n && name_of(id, names, type == AOC_D ? 3 : ARRAY_LEN(names)) < 0)
		return fail(p->a, type == AOC_D ? "Invalid AOC-D AOCBillingId" : "Invalid AOC-E AOCBillingId");
	if (type == AOC_E && assoc.n && !scan(assoc.p[0] == '-' ? str_skip(assoc, 1) : assoc, &n))
		return fail(p->a, "Invalid ChargingAssociationId");
	if (type == AOC_E && plan.n && !scan(plan, &n))
		return fail(p->a, "Invalid ChargingAssociationPlan");
	return true;
}

static bool read_charge(const struct part *p, struct aoc *c)
{
	static const char *const names[] = { [AOC_CHARGE_NA] = "NA", [AOC_CHARGE_FREE] = "Free",
		[AOC_CHARGE_CURRENCY] = "Currency", [AOC_CHARGE_UNIT] = "Unit" };
	struct str type = get(p, "ChargeType");
	int i = name_of(type, names, ARRAY_LEN(names));

	if (i < 0)
		return fail(p->a, type.n ? "Invalid ChargeType" : "ChargeType not specified");
	c->charge = (enum aoc_charge)i;
	if (c->charge == AOC_CHARGE_CURRENCY &&
	    !read_money(p, &c->money, "Invalid CurrencyAmount, CurrencyAmount is a required when ChargeType is Currency"))
		return false;
	if (!billing_is_good(p, c->type))
		return false;
	c->subtotal = c->type == AOC_D && str_ieq(get(p, "TotalType"), STR("subtotal"));
	if (c->charge == AOC_CHARGE_UNIT)
		read_units(p, c);
	return true;
}

/* ---- S ------------------------------------------------------------------------------------------ */

static int scale_of(struct str s)
{
	static const char *const names[] = { [AOC_HUNDREDTH_SECOND] = "onehundredthsecond", [AOC_TENTH_SECOND] = "onetenthsecond",
		[AOC_SECOND] = "second", [AOC_TEN_SECONDS] = "tenseconds", [AOC_MINUTE] = "minute", [AOC_HOUR] = "hour",
		[AOC_DAY] = "day" };

	return name_of(s, names, ARRAY_LEN(names));
}

static bool read_duration(const struct part *p, struct aoc_rate *r)
{
	struct str scale = get(p, "TimeScale"), type = get(p, "ChargingType"), grain = get(p, "GranularityTimeScale");
	int i = scale_of(scale);

	if (i < 0)
		return fail(p->a, scale.n ? "Invalid TimeScale" :
				  "TimeScale unspecified, TimeScale is required when RateType is Duration.");
	r->scale = (enum aoc_scale)i;
	if (!scan(get(p, "Time"), &r->time))
		return fail(p->a, "Invalid Time, Time is a required when RateType is Duration");
	if (get(p, "Granularity").n && !grain.n)
		return fail(p->a, "Invalid GranularityTimeScale, GranularityTimeScale is a required when Granularity is specified");
	if (get(p, "Granularity").n && scale_of(grain) < 0)
		return fail(p->a, "Invalid GranularityTimeScale");
	r->steps = str_ieq(type, STR("stepfunction"));
	if (type.n && !r->steps && !str_ieq(type, STR("continuouscharging")))
		return fail(p->a, "Invalid ChargingType");
	return true;
}

static bool read_volume(const struct part *p)
{
	static const char *const names[] = { "octet", "segment", "message" };
	struct str unit = get(p, "VolumeUnit");

	if (!unit.n)
		return fail(p->a, "VolumeUnit unspecified, VolumeUnit is required when RateType is Volume.");
	return name_of(unit, names, ARRAY_LEN(names)) >= 0 || fail(p->a, "Invalid VolumeUnit");
}

static bool read_item(const struct part *p, struct aoc_rate *r)
{
	static const char *const items[] = { [AOC_ITEM_NA] = "NA", [AOC_ITEM_SPECIAL_ARRANGEMENT] = "SpecialArrangement",
		[AOC_ITEM_BASIC_COMMUNICATION] = "BasicCommunication", [AOC_ITEM_CALL_ATTEMPT] = "CallAttempt",
		[AOC_ITEM_CALL_SETUP] = "CallSetup", [AOC_ITEM_USER_USER_INFO] = "UserUserInfo",
		[AOC_ITEM_SUPPLEMENTARY_SERVICE] = "SupplementaryService" };
	static const char *const types[] = { [AOC_RATE_NA] = "NA", [AOC_RATE_FREE] = "Free",
		[AOC_RATE_FREE_FROM_BEGINNING] = "FreeFromBeginning", [AOC_RATE_DURATION] = "Duration", [AOC_RATE_FLAT] = "Flat",
		[AOC_RATE_VOLUME] = "Volume", [AOC_RATE_SPECIAL_CODE] = "SpecialCode" };
	struct str item = get(p, "ChargedItem"), type = get(p, "RateType");
	int i = name_of(item, items, ARRAY_LEN(items)), t = name_of(type, types, ARRAY_LEN(types));
	uint32_t code;

	if (!item.n || !type.n)
		return fail(p->a, item.n ? "RateType not specified" : "ChargedItem not specified");
	if (i < 0 || t < 0)
		return fail(p->a, i < 0 ? "Invalid ChargedItem" : "Invalid RateType");
	r->item = (enum aoc_item)i;
	r->type = (enum aoc_rate_type)t;
	if (r->type > AOC_RATE_FREE_FROM_BEGINNING &&
	    !read_money(p, &r->money, "Invalid CurrencyAmount, CurrencyAmount is a required when RateType is non-free"))
		return false;
	if (r->type == AOC_RATE_DURATION && !read_duration(p, r))
		return false;
	if (r->type == AOC_RATE_VOLUME && !read_volume(p))
		return false;
	if ((r->item == AOC_ITEM_SPECIAL_ARRANGEMENT || r->type == AOC_RATE_SPECIAL_CODE) && !scan(get(p, "Code"), &code))
		return fail(p->a, "Invalid Code, Code is a required when ChargedItem is SpecialArrangement and when RateType is SpecialCode");
	return true;
}

/* An item ends where the next one begins. */
static bool read_rates(const struct part *all, struct aoc *c)
{
	struct part p = { all->a, 0 };
	struct aoc_rate r;
	bool open = false;

	for (size_t i = 0; i <= all->n; i++) {
		bool next = i < all->n && str_ieq(all->a->msg->v[i].name, STR("ChargedItem"));

		if (open && (next || i == all->n)) {
			p.n = i;
			r = (struct aoc_rate){ 0 };
			if (!read_item(&p, &r))
				return false;
			if (c->nrates < AOC_RATES)
				c->rates[c->nrates++] = r;
		}
		open |= next;
	}
	return true;
}

/* ---- the action ----------------------------------------------------------------------------------- */

static struct channel *find_channel(struct ami_ctx *a)
{
	struct str name = ami_get(a, "Channel"), prefix = ami_get(a, "ChannelPrefix");
	struct channel *ch = name.n ? channel_by_name(a->m->pbx, name) : NULL;
	struct map_walk w = { 0 };

	if (ch || !prefix.n)
		return ch;
	while ((ch = channel_walk_next(a->m->pbx, &w)) && !str_istarts(text_view(&ch->name), prefix))
		;
	map_walk_end(&w);
	return ch;
}

static struct aoc *read_message(struct ami_ctx *a)
{
	static const char *const types[] = { [AOC_S] = "s", [AOC_D] = "d", [AOC_E] = "e" };
	const struct part p = { a, a->msg->n };
	int type = name_of(ami_get(a, "MsgType"), types, ARRAY_LEN(types));
	struct aoc *c;

	if (type < 0) {
		ami_error(a, "Invalid MsgType");
		return NULL;
	}
	c = aoc_new((enum aoc_type)type);
	if (!c)
		ami_error(a, "Message Creation Failed");
	else if (!(c->type == AOC_S ? read_rates(&p, c) : read_charge(&p, c)))
		c = obj_drop(c);
	return c;
}

static void aoc_message(struct ami_ctx *a)
{
	struct channel *ch;
	struct aoc *c;

	if (!ami_get(a, "Channel").n && !ami_get(a, "ChannelPrefix").n) {
		ami_error(a, "Channel and PartialChannel are not specified. Specify at least one of these.");
		return;
	}
	ch = find_channel(a);
	if (!ch) {
		ami_error(a, "No such channel");
		return;
	}
	c = read_message(a);
	if (!c)
		return;
	if (channel_indicate(ch, IND_AOC, c))
		ami_error(a, "Error encoding AOC message, could not queue onto channel");
	else
		ami_ok(a, "AOC Message successfully queued on channel");
	obj_drop(c);
}

static const struct ami_action rows[] = {
	{ "AOCMessage", EV_AOC, "Tell a channel what its call costs", aoc_message, false },
};
const struct ami_table ami_aoc_actions = { rows, ARRAY_LEN(rows) };
