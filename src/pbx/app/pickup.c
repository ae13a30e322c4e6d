/* Pickup and PickupChan: whom an argument means. What picking up does is pbx/pickup.c's. */
#define LOG_MODULE "pickup"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/pickup.h"

/* What is looked for. */
struct wish {
	struct str exten, context;      /* or */
	struct str mark;                /* the variable PICKUPMARK; or */
	struct str prefix;              /* of the channel's name; or */
	struct str uniqueid;
};

static bool meets(const struct channel *c, const struct wish *w)
{
	struct str mark = STR_NULL;

	if (w->mark.n)
		return vars_get(&c->vars, STR("PICKUPMARK"), &mark) && str_ieq(mark, w->mark);
	if (w->prefix.n)
		return str_istarts(text_view(&c->name), w->prefix);
	if (w->uniqueid.n)
		return str_ieq(text_view(&c->uniqueid), w->uniqueid);
	return str_ieq(text_view(&c->exten), w->exten) && str_ieq(text_view(&c->context), w->context);
}

/* The one that has been called longest. */
static struct channel *find(struct channel *ch, const struct wish *w)
{
	list_each(l, &ch->pbx->channels) {
		struct channel *c = container_of(l, struct channel, link);

		if (c != ch && meets(c, w) && pickup_possible(c))
			return c;
	}
	return NULL;
}

static bool take(struct channel *ch, struct channel *target)
{
	return target && !pickup_take(ch, target);
}

static bool take_exten(struct channel *ch, struct str one)
{
	struct wish w = { 0 };

	w.exten = str_cut_raw(&one, '@');
	if (str_ieq(one, STR("PICKUPMARK")))
		w.mark = w.exten;
	else
		w.context = one.n ? one : text_view(&ch->context);
	if (take(ch, find(ch, &w)))
		return true;
	log_notice("No target channel found for %.*s@%.*s.", STR_ARG(w.exten), STR_ARG(w.mark.n ? one : w.context));
	return false;
}

/* Pickup([exten[@context][&...]]): without an argument by group. After it the channel carries the leg that rang,
 * so its dialplan ends. */
static int run_pickup(struct channel *ch, struct str data)
{
	if (!data.n)
		return take(ch, pickup_find_group(ch)) ? -1 : 0;
	while (data.n) {
		struct str one = str_cut_raw(&data, '&');

		if (one.n && take_exten(ch, one))
			return -1;
	}
	return 0;
}

/* ---- by the name of a channel */

/* Without a '-' it is a name but for its number: PJSIP/bob is not PJSIP/bobby. */
static bool take_channel(struct channel *ch, struct str name, bool partial)
{
	struct text whole = { 0 };
	struct wish w = { .prefix = name };
	struct channel *target;

	if (!partial && str_chr(name, '-') == name.n) {
		if (text_cat(&whole, name, STR("-")))
			return false;
		w.prefix = text_view(&whole);
	}
	target = find(ch, &w);
	if (!target) {
		w = (struct wish){ .uniqueid = name };
		target = find(ch, &w);
	}
	text_free(&whole);
	if (take(ch, target))
		return true;
	log_notice("No target channel found for %.*s.", STR_ARG(name));
	return false;
}

/* PickupChan(channel[&channel...][,p]) */
static int run_pickup_chan(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	bool partial;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("PickupChan needs the name of a channel, such as PickupChan(PJSIP/alice)");
		return 0;
	}
	partial = str_chr(v[1], 'p') < v[1].n;
	while (v[0].n) {
		struct str one = str_cut_raw(&v[0], '&');

		if (one.n && take_channel(ch, one, partial))
			return -1;
	}
	return 0;
}

const struct app app_pickup = { .name = "Pickup", .synopsis = "Take a call that rings elsewhere", .run = run_pickup };
const struct app app_pickup_chan = { .name = "PickupChan", .synopsis = "Take the call that a channel rings for",
	.run = run_pickup_chan };
