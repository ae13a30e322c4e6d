/* CHANNEL(item): what the pbx knows itself; the rest its technology is asked for. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/text.h"
#include "pbx/expression.h"
#include "pbx/pickup.h"
#include "pbx/run.h"
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

/* Items that are a text of the channel. */
static const struct text_item {
	struct str name;
	size_t offset;
	bool writable;
} text_items[] = {
	{ STR_INIT("name"), offsetof(struct channel, name), false },
	{ STR_INIT("uniqueid"), offsetof(struct channel, uniqueid), false },
	{ STR_INIT("linkedid"), offsetof(struct channel, linkedid), false },
	{ STR_INIT("context"), offsetof(struct channel, context), false },
	{ STR_INIT("lastcontext"), offsetof(struct channel, context), false },
	{ STR_INIT("exten"), offsetof(struct channel, exten), false },
	{ STR_INIT("lastexten"), offsetof(struct channel, exten), false },
	{ STR_INIT("appname"), offsetof(struct channel, app), false },
	{ STR_INIT("appdata"), offsetof(struct channel, appdata), false },
	{ STR_INIT("accountcode"), offsetof(struct channel, accountcode), true },
	{ STR_INIT("peeraccount"), offsetof(struct channel, peeraccount), true },
	{ STR_INIT("language"), offsetof(struct channel, language), true },
	{ STR_INIT("musicclass"), offsetof(struct channel, musicclass), true },
	{ STR_INIT("parkinglot"), offsetof(struct channel, parkinglot), true },
	{ STR_INIT("userfield"), offsetof(struct channel, userfield), true },
	{ STR_INIT("tonezone"), offsetof(struct channel, tonezone), true },
	{ STR_INIT("hangupsource"), offsetof(struct channel, hangsource), true },
	{ STR_INIT("tenantid"), offsetof(struct channel, tenantid), true },
	{ STR_INIT("namedcallgroup"), offsetof(struct channel, named_call_group), false },
	{ STR_INIT("namedpickupgroup"), offsetof(struct channel, named_pickup_group), false },
};

static const struct text_item *text_item(struct str item)
{
	for (size_t i = 0; i < ARRAY_LEN(text_items); i++)
		if (str_ieq(item, text_items[i].name))
			return &text_items[i];
	return NULL;
}

/* "1,3-5" and bits */
static void put_groups(struct buf *out, uint64_t groups)
{
	bool any = false;

	for (unsigned i = 0; i < 64; i++) {
		if (!(groups & (1ull << i)))
			continue;
		buf_printf(out, "%s%u", any ? ", " : "", i);
		any = true;
	}
}

/* Who may be picked up by whom. */
static int group_item(struct channel *ch, struct str item, struct str value, bool *known)
{
	*known = true;
	if (str_ieq(item, STR("callgroup")))
		ch->call_group = groups_parse(value);
	else if (str_ieq(item, STR("pickupgroup")))
		ch->pickup_group = groups_parse(value);
	else if (str_ieq(item, STR("namedcallgroup")))
		return named_groups_set(&ch->named_call_group, value);
	else if (str_ieq(item, STR("namedpickupgroup")))
		return named_groups_set(&ch->named_pickup_group, value);
	else
		*known = false;
	return 0;
}

static const struct str ama_names[] = { STR_INIT("NONE"), STR_INIT("OMIT"), STR_INIT("BILLING"),
	STR_INIT("DOCUMENTATION") };

static int ama_of(struct str s)
{
	int64_t n;

	if (s.n && s.p[0] >= '0' && s.p[0] <= '9')
		return text_leading_int(s, &n) && n <= INT_MAX ? (int)n : 0;
	for (size_t i = 0; i < ARRAY_LEN(ama_names); i++)
		if (str_ieq(s, ama_names[i]))
			return (int)i;
	return str_ieq(s, STR("default")) ? 3 : 0;
}

static bool number_item(struct channel *ch, struct str item, struct buf *out)
{
	if (str_ieq(item, STR("amaflags")))
		buf_printf(out, "%d", ch->amaflags);
	else if (str_ieq(item, STR("callgroup")))
		put_groups(out, ch->call_group);
	else if (str_ieq(item, STR("pickupgroup")))
		put_groups(out, ch->pickup_group);
	else if (str_ieq(item, STR("checkhangup")))
		buf_char(out, ch->hungup ? '1' : '0');
	else if (str_ieq(item, STR("onhold")))
		buf_char(out, ch->held ? '1' : '0');
	else if (str_ieq(item, STR("max_forwards")))
		buf_printf(out, "%d", ch->forwards);
	else if (str_ieq(item, STR("creationtime")))
		buf_printf(out, "%lld", (long long)ch->created);
	else if (str_ieq(item, STR("priority")))
		buf_printf(out, "%d", ch->priority);
	else
		return false;
	return true;
}

static bool word_item(struct channel *ch, struct str item, struct buf *out)
{
	if (str_ieq(item, STR("state")))
		buf_put(out, str_z(channel_state_name(ch->state)));
	else if (str_ieq(item, STR("channeltype")))
		buf_put(out, str_z(ch->tech->type));
	else if (str_ieq(item, STR("transfercapability")))
		buf_put(out, STR("SPEECH"));
	else if (str_ieq(item, STR("dtmf_features")))
		(void)pbx_getvar(ch->pbx, ch, STR("BRIDGE_FEATURES"), out);
	else if (str_ieq(item, STR("after_bridge_goto")))
		(void)pbx_getvar(ch->pbx, ch, STR("AFTER_BRIDGE_GOTO"), out);
	else if (str_ieq(item, STR("dialed_number")))
		buf_put(out, text_view(&ch->dialed.number));
	else
		return false;
	return true;
}

static int read_item(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct text_item *t;
	struct str item = args;
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	t = text_item(item);
	if (t) {
		buf_put(out, text_view((const struct text *)(const void *)((const char *)ch + t->offset)));
		return 0;
	}
	if (number_item(ch, item, out) || word_item(ch, item, out))
		return 0;
	err = ch->tech->read ? ch->tech->read(ch, item, out) : ENOENT;
	if (err)
		log_warning("CHANNEL(): %s has no '%.*s'", text_z(&ch->name), STR_ARG(item));
	return err;
}

/* ---- setting */

static int handler_item(struct channel *ch, struct str item, struct str value, bool *known)
{
	*known = true;
	if (str_ieq(item, STR("hangup_handler_push")))
		return hangup_handler_push(ch, value);
	if (str_ieq(item, STR("hangup_handler_pop"))) {
		(void)hangup_handler_pop(ch);
		return value.n ? hangup_handler_push(ch, value) : 0;
	}
	if (str_ieq(item, STR("hangup_handler_wipe"))) {
		hangup_handlers_wipe(ch);
		return value.n ? hangup_handler_push(ch, value) : 0;
	}
	*known = false;
	return 0;
}

static int set_max_forwards(struct channel *ch, struct str value)
{
	int64_t n;

	if (str_i64(str_trim(value), &n) || n < INT_MIN || n > INT_MAX)
		return EINVAL;
	ch->forwards = ch->max_forwards = (int)n;
	return 0;
}

static int write_item(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	const struct text_item *t;
	struct str item = args;
	bool known;
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	t = text_item(item);
	if (t && t->writable) {
		if (str_ieq(item, STR("accountcode"))) {
			channel_set_accountcode(ch, value);
			return 0;
		}
		/* Who hung up first stays. */
		if (str_ieq(item, STR("hangupsource")) && ch->hangsource.n)
			return 0;
		return text_set((struct text *)(void *)((char *)ch + t->offset), value);
	}
	err = handler_item(ch, item, value, &known);
	if (known)
		return err;
	if (str_ieq(item, STR("amaflags"))) {
		ch->amaflags = ama_of(value);
		return 0;
	}
	err = group_item(ch, item, value, &known);
	if (known)
		return err;
	if (str_ieq(item, STR("max_forwards")))
		return set_max_forwards(ch, value);
	if (str_ieq(item, STR("dtmf_features")))
		return pbx_setvar(ch->pbx, ch, STR("BRIDGE_FEATURES"), value);
	if (str_ieq(item, STR("after_bridge_goto")))
		return pbx_setvar(ch->pbx, ch, STR("AFTER_BRIDGE_GOTO"), value);
	err = ch->tech->write ? ch->tech->write(ch, item, value) : ENOENT;
	if (err)
		log_warning("CHANNEL(): '%.*s' of %s cannot be set to '%.*s'", STR_ARG(item), text_z(&ch->name),
			    STR_ARG(value));
	return err;
}

/* CHANNELS([regular expression]): their names. */
static int read_all(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	bool any = false;

	(void)ch;
	list_each(l, &p->channels) {
		struct str name = text_view(&container_of(l, struct channel, link)->name);
		struct regex_match m;

		if (args.n && regex_match(args, name, true, &m))
			continue;
		if (any)
			buf_char(out, ' ');
		buf_put(out, name);
		any = true;
	}
	return 0;
}

static int read_exists(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)ch;
	buf_char(out, args.n && channel_by_name(p, str_trim(args)) ? '1' : '0');
	return 0;
}

const struct func func_channel = { .name = "CHANNEL", .synopsis = "What the channel is and does", .read = read_item,
	.write = write_item };
const struct func func_channels = { .name = "CHANNELS", .synopsis = "Names of all channels", .read = read_all };
const struct func func_channel_exists = { .name = "CHANNEL_EXISTS", .synopsis = "Is there a channel of that name?",
	.read = read_exists };
