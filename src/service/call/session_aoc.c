/* Advice of charge (ETSI TS 183 047, 3GPP TS 24.647), told to a phone whose endpoint has send_aoc:
 *
 *   AOC-S  rates: to a caller in the responses to his INVITE, to whoever is up or was called by INFO
 *   AOC-D  what it costs so far: by INFO; the last one is the total in the BYE, or in the answer to theirs
 *   AOC-E  what it cost: the same, in place of that */
#define LOG_MODULE "aoc"
#include "base/log.h"
#include "pbx/aoc.h"
#include "service/call/session.h"
#include "service/common/xml.h"
#include <errno.h>

#define TYPE STR("application/vnd.etsi.aoc+xml")

/* ---- XML ------------------------------------------------------------------------------------- */

/* An element on a line of its own, as deep as many blanks; its content stands behind. */
static void line(struct buf *b, unsigned depth, const char *text)
{
	buf_printf(b, "\n%*s%s", (int)depth, "", text);
}

static void element(struct buf *b, unsigned depth, const char *name, struct str content)
{
	buf_printf(b, "\n%*s<%s>", (int)depth, "", name);
	xml_text(b, content);
	buf_printf(b, "</%s>", name);
}

static void number(struct buf *b, unsigned depth, const char *name, uint32_t n)
{
	char room[16];

	element(b, depth, name, str_mk(room, (size_t)snprintf(room, sizeof(room), "%u", n)));
}

static void currency(struct buf *b, unsigned depth, const struct aoc_money *m)
{
	static const uint64_t powers[] = { 1, 10, 100, 1000 };
	char room[32];
	int n;

	if (m->currency[0])
		element(b, depth, "currency-id", str_z(m->currency));
	if (m->power >= 0)
		n = snprintf(room, sizeof(room), "%llu", (unsigned long long)(m->amount * powers[m->power]));
	else
		n = snprintf(room, sizeof(room), "%llu.%0*llu", (unsigned long long)(m->amount / powers[-m->power]),
			     -m->power, (unsigned long long)(m->amount % powers[-m->power]));
	element(b, depth, "currency-amount", str_mk(room, (size_t)n));
}

static void open_aoc(struct buf *b)
{
	buf_put(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<aoc xmlns=\"http://uri.etsi.org/ngn/params/xml/simservs/aoc\">"));
}

static void write_charge(const struct aoc *a, struct buf *b)
{
	switch (a->charge) {
	case AOC_CHARGE_FREE:
		line(b, 3, "<free-charge />");
		return;
	case AOC_CHARGE_NA:
		line(b, 3, "<not-available />");
		return;
	case AOC_CHARGE_CURRENCY:
		line(b, 3, "<recorded-currency-units>");
		currency(b, 4, &a->money);
		break;
	case AOC_CHARGE_UNIT:
		line(b, 3, "<recorded-currency-units>");
		element(b, 4, "currency-id", STR("UNIT"));
		if (a->nunits)
			number(b, 4, "currency-amount", a->units[0].amount);
		break;
	}
	line(b, 3, "</recorded-currency-units>");
}

static void write_charges(const struct aoc *a, bool subtotal, struct buf *b)
{
	const char *name = a->type == AOC_D ? "aoc-d" : "aoc-e";

	open_aoc(b);
	buf_printf(b, "\n <%s>", name);
	if (a->type == AOC_D)
		element(b, 2, "charging-info", subtotal ? STR("subtotal") : STR("total"));
	line(b, 2, "<recorded-charges>");
	write_charge(a, b);
	line(b, 2, "</recorded-charges>");
	buf_printf(b, "\n </%s>\n</aoc>", name);
}

static void write_price(const struct aoc_rate *r, struct buf *b)
{
	static const char *const scales[] = { [AOC_HUNDREDTH_SECOND] = "one-hundredth-second",
		[AOC_TENTH_SECOND] = "one-tenth-second", [AOC_SECOND] = "one-second", [AOC_TEN_SECONDS] = "ten-seconds",
		[AOC_MINUTE] = "one-minute", [AOC_HOUR] = "one-hour", [AOC_DAY] = "twenty-four-hours" };

	line(b, 4, "<price-time>");
	currency(b, 5, &r->money);
	line(b, 5, "<length-time-unit>");
	number(b, 6, "time-unit", r->time);
	element(b, 6, "scale", str_z(scales[r->scale]));
	line(b, 5, "</length-time-unit>");
	element(b, 5, "charging-type", r->steps ? STR("step-function") : STR("continuous"));
	line(b, 4, "</price-time>");
}

/* NULL: ETSI's schema has no word for it. */
static const char *item_name(enum aoc_item item)
{
	static const char *const names[] = { [AOC_ITEM_BASIC_COMMUNICATION] = "basic",
		[AOC_ITEM_CALL_ATTEMPT] = "communication-attempt", [AOC_ITEM_CALL_SETUP] = "communication-setup" };

	return (size_t)item < ARRAY_LEN(names) ? names[item] : NULL;
}

/* Has the schema a word for this rate of that item? */
static bool rate_is_known(const struct aoc_rate *r)
{
	return r->type == AOC_RATE_FREE || r->type == AOC_RATE_FLAT ||
	       (r->type == AOC_RATE_DURATION && r->item == AOC_ITEM_BASIC_COMMUNICATION);
}

static void write_rate(const struct aoc_rate *r, const char *item, struct buf *b)
{
	if (!rate_is_known(r)) {
		buf_printf(b, "\n   <%s />", item);
		return;
	}
	buf_printf(b, "\n   <%s>", item);
	if (r->type == AOC_RATE_FREE) {
		line(b, 4, "<free-charge />");
	} else if (r->type == AOC_RATE_FLAT) {
		line(b, 4, "<flat-rate>");
		currency(b, 5, &r->money);
		line(b, 4, "</flat-rate>");
	} else {
		write_price(r, b);
	}
	buf_printf(b, "\n   </%s>", item);
}

static void write_rates(const struct aoc *a, struct buf *b)
{
	bool any = false;

	open_aoc(b);
	line(b, 1, "<aoc-s>");
	for (size_t i = 0; i < a->nrates; i++) {
		const char *item = item_name(a->rates[i].item);

		if (!item)
			continue;
		if (!any)
			line(b, 2, "<charged-items>");
		any = true;
		write_rate(&a->rates[i], item, b);
	}
	line(b, 2, any ? "</charged-items>" : "<charged-items />");
	buf_put(b, STR("\n </aoc-s>\n</aoc>"));
}

/* ---- to the phone ------------------------------------------------------------------------------ */

static int keep(struct text *to, struct buf *b)
{
	return buf_err(b) ? ENOMEM : text_set(to, buf_view(b));
}

static int send_info(struct session *s, struct buf *b)
{
	struct sip_dialog *d = session_dialog(s);
	struct sip_out *o;
	int err;

	/* Nobody has answered our INVITE yet: there is no dialog to tell it in. */
	if (!d || !d->remote_tag.n)
		return ENOTCONN;
	if (buf_err(b))
		return ENOMEM;
	o = sip_dialog_request(d, SIP_INFO);
	if (!o)
		return ENOMEM;
	sip_out_body(o, TYPE, buf_view(b));
	err = ua_invite_send(s->iv, o, NULL);
	obj_drop(o);
	return err;
}

static int tell_rates(struct session *s, const struct aoc *a, struct buf *b)
{
	write_rates(a, b);
	return s->incoming && !session_is_up(s) ? keep(&s->aoc.rates, b) : send_info(s, b);
}

static int tell_charges(struct session *s, const struct aoc *a, struct buf *b)
{
	int err;

	write_charges(a, a->subtotal, b);
	if (a->type == AOC_E)
		return keep(&s->aoc.end, b);
	err = send_info(s, b);
	buf_reset(b);
	write_charges(a, false, b);
	return keep(&s->aoc.total, b) ? ENOMEM : err;
}

int session_aoc_tell(struct session *s, const struct aoc *a)
{
	struct buf b = BUF_INIT;
	int err;

	if (!s->ep->send_aoc || !a)
		return 0;
	err = a->type == AOC_S ? tell_rates(s, a, &b) : tell_charges(s, a, &b);
	if (err)
		log_notice("advice of charge for '%.*s' is not sent: %s", STR_ARG(s->ep->name), strerror(err));
	buf_free(&b);
	return err;
}

size_t session_aoc_parts(const struct session *s, enum ua_invite_message kind, unsigned status, struct ua_part *p)
{
	const struct text *t = NULL;

	if (kind == UA_INVITE_BYE || kind == UA_INVITE_BYE_RESPONSE)
		t = s->aoc.end.n ? &s->aoc.end : &s->aoc.total;
	else if (kind == UA_INVITE_RESPONSE && (status == 180 || status == 183 || status == 200))
		t = &s->aoc.rates;
	if (!t || !t->n)
		return 0;
	*p = (struct ua_part){ .type = TYPE, .body = text_view(t) };
	return 1;
}
