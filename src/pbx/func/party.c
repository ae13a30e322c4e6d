/* Who calls, who answers, who sent the call elsewhere: CALLERID(), CONNECTEDLINE(),
 * REDIRECTING(). All three name a field by parts joined with -: "from-name-pres". */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include "pbx/func/party.h"
#include <errno.h>

static bool truth(struct str s)
{
	int64_t n;

	return !str_i64(str_trim(s), &n) && n != 0;
}

/* ---- the path of a field */

struct path {
	struct str part[4];
	size_t n;
};

static struct str part(const struct path *p, size_t i)
{
	return i < p->n ? p->part[i] : STR("");
}

static struct path path_of(struct str s)
{
	struct path p = { .n = 0 };

	s = str_trim(s);
	while (s.n && p.n < ARRAY_LEN(p.part))
		p.part[p.n++] = str_cut_raw(&s, '-');
	return p;
}

static struct path below(const struct path *p, size_t skip)
{
	struct path q = { .n = p->n - skip };

	for (size_t i = 0; i < q.n; i++)
		q.part[i] = p->part[i + skip];
	return q;
}

static bool is_number(struct str s) { return str_istarts(s, STR("num")); }
static bool is_presentation(struct str s) { return str_istarts(s, STR("pres")); }

/* ---- reading */

static void put_bool(struct buf *out, bool v) { buf_char(out, v ? '1' : '0'); }

static int read_name(const struct party *p, const struct path *f, struct buf *out)
{
	struct str sub = part(f, 0);

	if (!sub.n)
		buf_put(out, p->name_valid ? text_view(&p->name) : STR_NULL);
	else if (str_ieq(sub, STR("valid")))
		put_bool(out, p->name_valid);
	else if (str_ieq(sub, STR("charset")))
		buf_put(out, STR("iso8859-1"));
	else if (is_presentation(sub))
		buf_put(out, presentation_word(p->name_pres));
	else
		return EINVAL;
	return 0;
}

static int read_number(const struct party *p, const struct path *f, struct buf *out)
{
	struct str sub = part(f, 0);

	if (!sub.n)
		buf_put(out, p->number_valid ? text_view(&p->number) : STR_NULL);
	else if (str_ieq(sub, STR("valid")))
		put_bool(out, p->number_valid);
	else if (str_ieq(sub, STR("plan")))
		buf_printf(out, "%d", p->ton);
	else if (is_presentation(sub))
		buf_put(out, presentation_word(p->number_pres));
	else
		return EINVAL;
	return 0;
}

static int read_subaddress(const struct party *p, const struct path *f, struct buf *out)
{
	struct str sub = part(f, 0);

	if (!sub.n)
		buf_put(out, text_view(&p->subaddress));
	else if (str_ieq(sub, STR("valid")))
		put_bool(out, p->subaddress.n > 0);
	else if (str_ieq(sub, STR("type")) || str_ieq(sub, STR("odd")))
		buf_char(out, '0');
	else
		return EINVAL;
	return 0;
}

static int party_field_read(const struct party *p, const struct path *f, struct buf *out)
{
	struct str first = part(f, 0);
	struct path rest = f->n ? below(f, 1) : *f;

	if (str_ieq(first, STR("all")))
		buf_printf(out, "\"%s\" <%s>", p->name_valid ? text_z(&p->name) : "",
			   p->number_valid ? text_z(&p->number) : "");
	else if (str_ieq(first, STR("name")))
		return read_name(p, &rest, out);
	else if (is_number(first))
		return read_number(p, &rest, out);
	else if (str_istarts(first, STR("subaddr")))
		return read_subaddress(p, &rest, out);
	else if (str_ieq(first, STR("tag")))
		buf_put(out, text_view(&p->tag));
	else if (str_ieq(first, STR("ton")))
		buf_printf(out, "%d", p->ton);
	else if (is_presentation(first))
		buf_put(out, presentation_word(party_presentation(p)));
	else
		return EINVAL;
	return 0;
}

/* ---- writing */

static int write_name(struct party *p, const struct path *f, struct str value)
{
	struct str sub = part(f, 0);

	if (!sub.n) {
		p->name_valid = true;
		return text_set(&p->name, str_rtrim(value));
	}
	if (str_ieq(sub, STR("valid")))
		p->name_valid = truth(value);
	else if (is_presentation(sub))
		return presentation_of(value, &p->name_pres);
	else if (!str_ieq(sub, STR("charset")))
		return EINVAL;
	return 0;
}

static int write_number(struct party *p, const struct path *f, struct str value)
{
	struct str sub = part(f, 0);
	uint32_t n;

	if (!sub.n) {
		p->number_valid = true;
		return text_set(&p->number, str_rtrim(value));
	}
	if (str_ieq(sub, STR("valid"))) {
		p->number_valid = truth(value);
	} else if (is_presentation(sub)) {
		return presentation_of(value, &p->number_pres);
	} else if (str_ieq(sub, STR("plan"))) {
		if (str_u32(str_trim(value), &n) || n > 255)
			return EINVAL;
		p->ton = (int)n;
	} else {
		return EINVAL;
	}
	return 0;
}

static int write_all(struct party *p, struct str value)
{
	struct str name, number;
	int err;

	callerid_split(value, &name, &number);
	p->name_valid = p->number_valid = true;
	err = text_set(&p->name, name);
	return err ? err : text_set(&p->number, number);
}

static int party_field_write(struct party *p, const struct path *f, struct str value)
{
	struct path plan = { .part = { STR_INIT("plan") }, .n = 1 };
	struct str first = part(f, 0);
	struct path rest = f->n ? below(f, 1) : *f;
	int err;

	if (str_ieq(first, STR("all")))
		return write_all(p, value);
	if (str_ieq(first, STR("name")))
		return write_name(p, &rest, value);
	if (is_number(first))
		return write_number(p, &rest, value);
	if (str_istarts(first, STR("subaddr")))
		return rest.n ? 0 : text_set(&p->subaddress, str_rtrim(value));
	if (str_ieq(first, STR("tag")))
		return text_set(&p->tag, str_rtrim(value));
	if (str_ieq(first, STR("ton")))
		return write_number(p, &plan, value);
	if (!is_presentation(first))
		return EINVAL;
	err = presentation_of(value, &p->name_pres);
	if (!err)
		p->number_pres = p->name_pres;
	return err;
}

/* The private identity has a name and a number of its own, no more. */
static int private_read(const struct party *p, const struct path *f, struct buf *out)
{
	struct party view = { .name = p->priv_name, .number = p->priv_number, .name_valid = p->priv_valid,
		.number_valid = p->priv_valid };

	return party_field_read(&view, f, out);
}

static int private_write(struct party *p, const struct path *f, struct str value)
{
	struct str name, number;
	int err;

	p->priv_valid = true;
	if (str_ieq(part(f, 0), STR("all"))) {
		callerid_split(value, &name, &number);
		err = text_set(&p->priv_name, name);
		return err ? err : text_set(&p->priv_number, number);
	}
	if (f->n == 1 && str_ieq(part(f, 0), STR("name")))
		return text_set(&p->priv_name, str_rtrim(value));
	if (f->n == 1 && is_number(part(f, 0)))
		return text_set(&p->priv_number, str_rtrim(value));
	return f->n > 1 && is_presentation(part(f, 1)) ? 0 : EINVAL;
}

/* A field, or one of the private identity after "priv-". */
static int own_read(const struct party *p, struct path f, struct buf *out)
{
	bool private = str_ieq(part(&f, 0), STR("priv")) && f.n > 1;

	if (!private)
		return party_field_read(p, &f, out);
	f = below(&f, 1);
	return private_read(p, &f, out);
}

static int own_write(struct party *p, struct path f, struct str value)
{
	bool private = str_ieq(part(&f, 0), STR("priv")) && f.n > 1;

	if (!private)
		return party_field_write(p, &f, value);
	f = below(&f, 1);
	return private_write(p, &f, value);
}

/* ---- CALLERID() */

static int other_read(struct str cid, const struct path *f, struct buf *out)
{
	struct str name, number;

	callerid_split(cid, &name, &number);
	if (str_ieq(part(f, 0), STR("all")))
		buf_puts(out, STR("\""), name, STR("\" <"), number, STR(">"));
	else if (str_ieq(part(f, 0), STR("name")))
		buf_put(out, name);
	else if (is_number(part(f, 0)))
		buf_put(out, number);
	else
		return EINVAL;
	return 0;
}

static int caller_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2], first;
	struct path f;

	(void)p;
	pbx_args(args, v, 2);
	f = path_of(v[0]);
	first = part(&f, 0);
	if (v[1].n)
		return other_read(v[1], &f, out);
	if (!ch)
		return ENOENT;
	if (str_ieq(first, STR("rdnis")))
		buf_put(out, ch->redirecting.from.number_valid ? text_view(&ch->redirecting.from.number) : STR_NULL);
	else if (str_ieq(first, STR("dnid")))
		buf_put(out, ch->dialed.number.n ? text_view(&ch->dialed.number) : text_view(&ch->caller.dnid));
	else if (str_ieq(first, STR("ani2")))
		buf_printf(out, "%d", ch->caller.ani2);
	else if (str_ieq(first, STR("ani")))
		buf_put(out, f.n == 1 || is_number(part(&f, 1)) ? text_view(&ch->caller.ani) : STR_NULL);
	else
		return own_read(&ch->caller, f, out);
	return 0;
}

static int caller_write_to(struct channel *ch, struct party *c, const struct path *f, struct str value)
{
	struct str first = part(f, 0), name, number;
	uint32_t n;

	if (str_ieq(first, STR("rdnis"))) {
		ch->redirecting.from.number_valid = true;
		return text_set(&ch->redirecting.from.number, str_trim(value));
	}
	if (str_ieq(first, STR("dnid"))) {
		ch->dialed.number_valid = true;
		return text_set(&ch->dialed.number, str_trim(value));
	}
	if (str_ieq(first, STR("ani2"))) {
		if (str_u32(str_trim(value), &n) || n > 99)
			return EINVAL;
		c->ani2 = (int)n;
		return 0;
	}
	if (str_ieq(first, STR("ani"))) {
		callerid_split(value, &name, &number);
		return text_set(&c->ani, str_ieq(part(f, 1), STR("all")) ? number : str_trim(value));
	}
	return own_write(c, *f, value);
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
	struct path f = path_of(args);
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	err = party_copy(&c, &ch->caller);
	err = err ? err : caller_write_to(ch, &c, &f, value);
	if (!err)
		channel_set_caller_party(ch, &c);
	party_free(&c);
	return unknown("CALLERID", args, err);
}

/* ---- CONNECTEDLINE() */

static int line_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2];
	struct path f;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = path_of(v[0]);
	if (str_ieq(part(&f, 0), STR("source"))) {
		buf_put(out, STR("unknown"));
		return 0;
	}
	return own_read(&ch->connected, f, out);
}

/* Option i: nobody is told yet. */
static int line_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct party c = { 0 };
	struct str v[2];
	struct path f;
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = path_of(v[0]);
	err = party_copy(&c, &ch->connected);
	if (!err && !str_ieq(part(&f, 0), STR("source")))
		err = own_write(&c, f, str_ltrim(value));
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
		buf_put(out, reasons[reason >= 0 && (size_t)reason < ARRAY_LEN(reasons) ? reason : 0]);
}

static int reason_of(struct str s, int *out)
{
	uint32_t n;

	s = str_trim(s);
	if (!str_u32(s, &n) && n < ARRAY_LEN(reasons)) {
		*out = (int)n;
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
static struct party *redirecting_party(struct redirecting *r, struct path *f, bool *private)
{
	struct str first = part(f, 0);
	struct party *p;

	*private = str_ieq(first, STR("priv"));
	if (*private) {
		*f = below(f, 1);
		first = part(f, 0);
	}
	p = str_ieq(first, STR("from")) ? &r->from : str_ieq(first, STR("to")) ? &r->to :
		str_ieq(first, STR("orig")) ? &r->orig : NULL;
	if (p)
		*f = below(f, 1);
	return p;
}

static int redirecting_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2];
	const struct party *who;
	struct path f;
	bool private;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = path_of(v[0]);
	if (str_ieq(part(&f, 0), STR("reason"))) {
		put_reason(out, ch->redirecting.reason, &ch->redirecting.reason_text);
		return 0;
	}
	if (str_ieq(part(&f, 0), STR("count"))) {
		buf_printf(out, "%d", ch->redirecting.count);
		return 0;
	}
	if (str_ieq(part(&f, 0), STR("orig")) && str_ieq(part(&f, 1), STR("reason"))) {
		put_reason(out, ch->redirecting.orig_reason, NULL);
		return 0;
	}
	who = redirecting_party(&ch->redirecting, &f, &private);
	if (!who)
		return EINVAL;
	return private ? private_read(who, &f, out) : party_field_read(who, &f, out);
}

static int write_reason(struct redirecting *r, struct str value, bool orig)
{
	int n;

	if (!reason_of(value, &n)) {
		*(orig ? &r->orig_reason : &r->reason) = n;
		if (!orig)
			text_free(&r->reason_text);
		return 0;
	}
	if (orig || !str_trim(value).n)
		return EINVAL;
	r->reason = 0;
	return text_set(&r->reason_text, str_trim(value));
}

static int redirecting_write_to(struct redirecting *r, struct path *f, struct str value)
{
	struct party *who;
	bool private;
	uint32_t n;

	if (str_ieq(part(f, 0), STR("reason")))
		return write_reason(r, value, false);
	if (str_ieq(part(f, 0), STR("orig")) && str_ieq(part(f, 1), STR("reason")))
		return write_reason(r, value, true);
	if (str_ieq(part(f, 0), STR("count"))) {
		if (str_u32(str_trim(value), &n) || n > 1000)
			return EINVAL;
		r->count = (int)n;
		return 0;
	}
	who = redirecting_party(r, f, &private);
	if (!who)
		return EINVAL;
	return private ? private_write(who, f, value) : party_field_write(who, f, value);
}

static int redirecting_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str v[2];
	struct path f;
	int err;

	(void)p;
	if (!ch)
		return ENOENT;
	pbx_args(args, v, 2);
	f = path_of(v[0]);
	err = redirecting_write_to(&ch->redirecting, &f, value);
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
