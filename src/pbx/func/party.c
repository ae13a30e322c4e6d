/* Who calls, who answers, who sent the call elsewhere: CALLERID(), CONNECTEDLINE(),
 * REDIRECTING(). Their fields are party_field.c's. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include "pbx/func/party.h"
#include <errno.h>

/* ---- CALLERID() */

static int other_read(struct str cid, const struct party_path *f, struct buf *out)
{
	struct buf name = BUF_INIT, number = BUF_INIT;
	int err = callerid_split(cid, &name, &number);

	if (f->n > 1)
		err = EINVAL;
	else if (str_ieq(party_part(f, 0), STR("all")))
		buf_puts(out, STR("\""), buf_view(&name), STR("\" <"), buf_view(&number), STR(">"));
	else if (str_ieq(party_part(f, 0), STR("name")))
		buf_put(out, buf_view(&name));
	else if (party_is_number(party_part(f, 0)))
		buf_put(out, buf_view(&number));
	else
		err = EINVAL;
	buf_free(&name);
	buf_free(&number);
	return err;
}

/* DNID: a number and a subaddress. */
static int dialled_read(struct channel *ch, const struct party_path *f, struct buf *out)
{
	struct party_path rest = party_below(f, f->n > 1 ? 2 : 1);

	if (f->n > 1 && str_istarts(party_part(f, 1), STR("subaddr")))
		return party_read_subaddress(&ch->dialed, &rest, out);
	if (f->n > 1 && !party_is_number(party_part(f, 1)))
		return EINVAL;
	if (!rest.n)
		buf_put(out, ch->dialed.number.n ? text_view(&ch->dialed.number) : text_view(&ch->caller.dnid));
	else if (rest.n == 1 && str_ieq(party_part(&rest, 0), STR("plan")))
		buf_printf(out, "%d", ch->dialed.ton);
	else
		return EINVAL;
	return 0;
}

static int dialled_write(struct channel *ch, const struct party_path *f, struct str value)
{
	struct party_path rest = party_below(f, f->n > 1 ? 2 : 1);

	if (f->n > 1 && str_istarts(party_part(f, 1), STR("subaddr")))
		return party_write_subaddress(&ch->dialed, &rest, value);
	if ((f->n > 1 && !party_is_number(party_part(f, 1))) || (rest.n && !str_ieq(party_part(&rest, 0), STR("plan"))))
		return EINVAL;
	return party_write_number(&ch->dialed, &rest, value);
}

static int caller_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2], first;
	struct party_path f;
	size_t n = pbx_args(args, v, 2);

	(void)p;
	f = party_path(v[0]);
	first = party_part(&f, 0);
	if (n > 1)
		return other_read(v[1], &f, out);
	if (!ch)
		return ENOENT;
	if (str_ieq(first, STR("rdnis")))
		buf_put(out, ch->redirecting.from.number_valid ? text_view(&ch->redirecting.from.number) : STR_NULL);
	else if (str_ieq(first, STR("dnid")))
		return dialled_read(ch, &f, out);
	else if (str_ieq(first, STR("ani2")) && f.n == 1)
		buf_printf(out, "%d", ch->caller.ani2);
	else if (str_ieq(first, STR("ani")))
		buf_put(out, f.n == 1 || party_is_number(party_part(&f, 1)) ? text_view(&ch->caller.ani) : STR_NULL);
	else
		return party_own_read(&ch->caller, f, out);
	return 0;
}

/* Of the number that is paid for, the number itself is kept. */
static int ani_write(struct party *c, const struct party_path *f, struct str value)
{
	struct text name = { 0 };
	int err = 0;

	if (f->n == 2 && str_ieq(party_part(f, 1), STR("all")))
		err = party_set_both(&name, &c->ani, value);
	else if (f->n == 1 || (f->n == 2 && party_is_number(party_part(f, 1))))
		err = text_set(&c->ani, str_rtrim(value));
	text_free(&name);
	return err;
}

static int caller_write_to(struct channel *ch, struct party *c, const struct party_path *f, struct str value)
{
	struct str first = party_part(f, 0);

	if (str_ieq(first, STR("rdnis")) && f->n == 1) {
		ch->redirecting.from.number_valid = true;
		return text_set(&ch->redirecting.from.number, value);
	}
	if (str_ieq(first, STR("dnid")))
		return dialled_write(ch, f, value);
	if (str_ieq(first, STR("ani2")) && f->n == 1)
		return party_whole(value, &c->ani2);
	if (str_ieq(first, STR("ani")))
		return ani_write(c, f, value);
	return party_own_write(c, *f, value);
}

static int unknown(const char *func, struct str args, int err)
{
	if (err == EINVAL)
		log_error("%s() knows no '%.*s', or not that value of it", func, STR_ARG(args));
	return err;
}

static int caller_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct party c = { 0 };
	struct party_path f = party_path(args);
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	err = party_copy(&c, &ch->caller);
	err = err ? err : caller_write_to(ch, &c, &f, str_ltrim(value));
	if (!err)
		channel_set_caller_party(ch, &c);
	party_free(&c);
	return unknown("CALLERID", args, err);
}

/* ---- CONNECTEDLINE() */

/* By their numbers; an old name of one comes last. */
static const struct str sources[] = {
	STR_INIT("unknown"), STR_INIT("answer"), STR_INIT("diversion"), STR_INIT("transfer_active"),
	STR_INIT("transfer_alerting"), STR_INIT("transfer"),
};

static int source_of(struct str s, uint8_t *out)
{
	int n;

	if (!party_whole(s, &n)) {
		*out = (uint8_t)n;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (str_ieq(str_trim(s), sources[i])) {
			*out = (uint8_t)(i == ARRAY_LEN(sources) - 1 ? 3 : i);
			return 0;
		}
	return EINVAL;
}

static int line_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2];
	struct party_path f;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = party_path(v[0]);
	if (str_ieq(party_part(&f, 0), STR("source")) && f.n == 1) {
		buf_put(out, ch->connected.source < ARRAY_LEN(sources) ? sources[ch->connected.source] : STR("not-known"));
		return 0;
	}
	return party_own_read(&ch->connected, f, out);
}

/* Option i: nobody is told yet. */
static int line_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct party c = { 0 };
	struct str v[2];
	struct party_path f;
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = party_path(v[0]);
	err = party_copy(&c, &ch->connected);
	if (!err)
		err = str_ieq(party_part(&f, 0), STR("source")) && f.n == 1 ? source_of(value, &c.source) :
			party_own_write(&c, f, str_ltrim(value));
	if (!err && pbx_option(v[1], 'i', NULL))
		channel_put_connected(ch, &c);
	else if (!err)
		channel_set_connected(ch, &c);
	party_free(&c);
	return unknown("CONNECTEDLINE", args, err);
}

/* ---- REDIRECTING() */

static const struct str reasons[] = {
	STR_INIT("unknown"), STR_INIT("cfb"), STR_INIT("cfnr"), STR_INIT("unavailable"), STR_INIT("cfu"),
	STR_INIT("time_of_day"), STR_INIT("dnd"), STR_INIT("deflection"), STR_INIT("follow_me"),
	STR_INIT("out_of_order"), STR_INIT("away"), STR_INIT("cf_dte"), STR_INIT("send_to_vm"),
};

static void put_reason(struct buf *out, int reason, const struct text *text)
{
	if (text && text->n)
		buf_put(out, text_view(text));
	else
		buf_put(out, reason >= 0 && (size_t)reason < ARRAY_LEN(reasons) ? reasons[reason] : STR("not-known"));
}

static int reason_of(struct str s, int *out)
{
	static const struct {
		struct str name;
		int reason;
	} others[] = {
		{ STR_INIT("user-busy"), 1 }, { STR_INIT("no-answer"), 2 }, { STR_INIT("unconditional"), 4 },
		{ STR_INIT("time-of-day"), 5 }, { STR_INIT("do-not-disturb"), 6 }, { STR_INIT("follow-me"), 8 },
		{ STR_INIT("out-of-service"), 9 },
	};

	s = str_trim(s);
	if (!party_whole(s, out))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_ieq(s, others[i].name)) {
			*out = others[i].reason;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_ieq(s, reasons[i])) {
			*out = (int)i;
			return 0;
		}
	return EINVAL;
}

/* "from", "to" or "orig", perhaps after "priv"; taken off the path. */
static struct party *redirecting_party(struct redirecting *r, struct party_path *f, bool *private)
{
	struct str first = party_part(f, 0);
	struct party *p;

	*private = str_ieq(first, STR("priv"));
	if (*private) {
		*f = party_below(f, 1);
		first = party_part(f, 0);
	}
	p = str_ieq(first, STR("from")) ? &r->from : str_ieq(first, STR("to")) ? &r->to :
		str_ieq(first, STR("orig")) ? &r->orig : NULL;
	if (p)
		*f = party_below(f, 1);
	return p;
}

static int redirecting_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2];
	const struct party *who;
	struct party_path f;
	bool private;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = party_path(v[0]);
	if (str_ieq(party_part(&f, 0), STR("reason")) && f.n == 1) {
		put_reason(out, ch->redirecting.reason, &ch->redirecting.reason_text);
		return 0;
	}
	if (str_ieq(party_part(&f, 0), STR("count")) && f.n == 1) {
		buf_printf(out, "%d", ch->redirecting.count);
		return 0;
	}
	if (str_ieq(party_part(&f, 0), STR("orig")) && str_ieq(party_part(&f, 1), STR("reason")) && f.n == 2) {
		put_reason(out, ch->redirecting.orig_reason, &ch->redirecting.orig_reason_text);
		return 0;
	}
	who = redirecting_party(&ch->redirecting, &f, &private);
	if (!who)
		return EINVAL;
	return private ? party_private_read(who, &f, out) : party_field_read(who, &f, out);
}

static int write_reason(struct redirecting *r, struct str value, bool orig)
{
	int n;

	bool known = !reason_of(value, &n);

	*(orig ? &r->orig_reason : &r->reason) = known ? n : 0;
	return text_set(orig ? &r->orig_reason_text : &r->reason_text, known ? STR("") : str_trim(value));
}

static int redirecting_write_to(struct redirecting *r, struct party_path *f, struct str value)
{
	struct party *who;
	bool private;

	if (str_ieq(party_part(f, 0), STR("reason")) && f->n == 1)
		return write_reason(r, value, false);
	if (str_ieq(party_part(f, 0), STR("orig")) && str_ieq(party_part(f, 1), STR("reason")) && f->n == 2)
		return write_reason(r, value, true);
	if (str_ieq(party_part(f, 0), STR("count")) && f->n == 1)
		return party_whole(value, &r->count);
	who = redirecting_party(r, f, &private);
	if (!who)
		return EINVAL;
	return private ? party_private_write(who, f, value) : party_field_write(who, f, value);
}

static int redirecting_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str v[2];
	struct party_path f;
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = party_path(v[0]);
	err = redirecting_write_to(&ch->redirecting, &f, str_ltrim(value));
	if (!err && !pbx_option(v[1], 'i', NULL))
		channel_indicate(ch, IND_REDIRECTING, NULL);
	return unknown("REDIRECTING", args, err);
}

const struct func func_callerid = { .name = "CALLERID", .synopsis = "Who calls", .read = caller_read,
	.write = caller_write };
const struct func func_connectedline = { .name = "CONNECTEDLINE", .synopsis = "Who is at the other end",
	.read = line_read, .write = line_write };
const struct func func_redirecting = { .name = "REDIRECTING", .synopsis = "Who sent the call elsewhere, and why",
	.read = redirecting_read, .write = redirecting_write };
