/* The states of an extension in XML: PIDF (RFC 3863) with the activities of RFC 4480, the
 * older XPIDF, and dialog-info (RFC 4235). */
#include "service/place/endpoint_state.h"
#include "service/event/exten.h"
#include "pbx/presentation.h"
#include "service/call/session.h"
#include <errno.h>
#include <stdlib.h>

#define PROLOG "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void attribute(struct buf *b, const char *name, struct str value)
{
	buf_puts(b, STR(" "), str_z(name), STR("=\""));
	xml_text(b, value);
	buf_char(b, '"');
}

enum line { LINE_OPEN, LINE_INUSE, LINE_CLOSED };

/* What each state is called where. */
static const struct words {
	int state;
	enum line line;
	const char *dialog, *activity, *note;
} words[] = {
	{ EXTEN_RINGING, LINE_INUSE, "early", "on-the-phone", "Ringing" },
	{ EXTEN_INUSE | EXTEN_RINGING, LINE_INUSE, "confirmed", "on-the-phone", "Ringing" },
	{ EXTEN_INUSE, LINE_INUSE, "confirmed", "on-the-phone", "On the phone" },
	{ EXTEN_BUSY, LINE_INUSE, "confirmed", "on-the-phone", "On the phone" },
	{ EXTEN_UNAVAILABLE, LINE_CLOSED, "terminated", NULL, "Unavailable" },
	{ EXTEN_ONHOLD, LINE_INUSE, "confirmed", "on-the-phone", "On hold" },
	{ EXTEN_IDLE, LINE_OPEN, "terminated", NULL, "Ready" },         /* and all else */
};

static const struct words *words_of(const struct node *leaf)
{
	const struct exten_watch *w = leaf->watch;
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(words) && words[i].state != w->state)
		i++;
	return &words[i];
}

static void entity(struct buf *b, const struct node *leaf)
{
	char room[512];
	struct buf uri;

	buf_init(&uri, room, sizeof(room), 0);
	node_uri(leaf, &uri);
	xml_text(b, buf_view(&uri));
	buf_free(&uri);
}

/* From of the SUBSCRIBE; a From has no port (RFC 3261 19.1.1). */
static void subscriber(struct buf *b, const struct node *leaf)
{
	bool v6;
	struct sip_addr a;

	if (sip_addr_parse(&a, ua_notify_dialog(leaf->sub->notify)->remote))
		return;
	v6 = str_chr(a.uri.host, ':') < a.uri.host.n;
	buf_put(b, sip_uri_is_sips(&a.uri) ? STR("sips:") : STR("sip:"));
	xml_text(b, a.uri.user);
	buf_puts(b, a.uri.user.n ? STR("@") : STR_NULL, v6 ? STR("[") : STR_NULL);
	xml_text(b, a.uri.host);
	buf_put(b, v6 ? STR("]") : STR_NULL);
}

/* ---- PIDF -------------------------------------------------------------------------------- */

/* A phone of that maker shows what its user set (CustomPresence). */
static void digium(struct node *leaf, struct buf *b)
{
	struct subscription *s = leaf->sub;
	struct str agent = text_view(&s->user_agent);
	struct presence p = { 0 };

	if (str_find(agent, STR("digium")) == agent.n && str_find(agent, STR("sangoma")) == agent.n)
		return;
	if (!hint_presence(s->svc->pbx, exten_context(s->ep), text_view(&leaf->resource), &p))
		p.state = STR("not_set");
	buf_put(b, STR(" <tuple id=\"digium-presence\">\n  <status>\n   <digium_presence"));
	attribute(b, "type", p.state);
	if (p.subtype.n)
		attribute(b, "subtype", p.subtype);
	buf_char(b, '>');
	xml_text(b, p.message);
	buf_put(b, STR("</digium_presence>\n  </status>\n </tuple>\n"));
}

int body_pidf(struct node *leaf, struct buf *b)
{
	const struct words *w = words_of(leaf);

	buf_put(b, STR(PROLOG "<presence entity=\""));
	entity(b, leaf);
	buf_puts(b, STR("\" xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
			"xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\">\n <note>"), str_z(w->note),
		 STR("</note>\n <tuple"));
	attribute(b, "id", text_view(&leaf->resource));
	buf_puts(b, STR(">\n  <status>\n   <basic>"), w->line == LINE_CLOSED ? STR("closed") : STR("open"),
		 STR("</basic>\n  </status>\n  <contact priority=\"1\">"));
	subscriber(b, leaf);
	buf_put(b, STR("</contact>\n </tuple>\n"));
	if (w->activity)
		buf_puts(b, STR(" <dm:person>\n  <rpid:activities>\n   <rpid:"), str_z(w->activity),
			 STR("/>\n  </rpid:activities>\n </dm:person>\n"));
	else
		buf_put(b, STR(" <dm:person/>\n"));
	digium(leaf, b);
	buf_put(b, STR("</presence>\n"));
	return buf_err(b);
}

/* ---- XPIDF -------------------------------------------------------------------------------- */

int body_xpidf(struct node *leaf, struct buf *b)
{
	static const char *const basic[] = { "open", "inuse", "closed" };
	static const char *const msn[] = { "online", "onthephone", "offline" };
	const struct words *w = words_of(leaf);
	char atom[SIP_TAG + 1];

	sip_token(leaf->sub->svc->sip, atom, SIP_TAG);
	buf_put(b, STR(PROLOG "<presence>\n <presentity uri=\""));
	entity(b, leaf);
	buf_put(b, STR(";method=SUBSCRIBE\"/>\n <atom"));
	attribute(b, "atomid", str_z(atom));
	attribute(b, "id", text_view(&leaf->resource));
	buf_put(b, STR(">\n  <address uri=\""));
	subscriber(b, leaf);
	buf_puts(b, STR(";user=ip\" priority=\"0.80000\">\n   <status status=\""), str_z(basic[w->line]),
		 STR("\"/>\n   <msnsubstatus substatus=\""), str_z(msn[w->line]),
		 STR("\"/>\n  </address>\n </atom>\n</presence>\n"));
	return buf_err(b);
}

/* ---- dialog-info ---------------------------------------------------------------------------- */

static bool is_older(const struct channel *a, const struct channel *b)
{
	return !b || a->created_us < b->created_us;
}

/* The oldest channel that rings at one of the hint's devices. NULL: none that we
 * know; only our own phones have lists of their calls. */
static struct channel *ringing_at(struct service *svc, struct str hint)
{
	struct channel *oldest = NULL;

	hint = str_cut_raw(&hint, ',');
	hint = str_sub(hint, 0, str_chr(hint, '('));      /* what they are called */
	while (hint.n) {
		struct str device = str_trim(str_cut_raw(&hint, '&'));
		struct endpoint_state *state = str_istarts(device, STR("PJSIP/")) ?
			endpoint_state_get(svc, str_skip(device, 6), false) : NULL;

		if (!state)
			continue;
		list_each(l, &state->sessions) {
			struct channel *ch = container_of(l, struct session, by_endpoint)->ch;

			if (ch && ch->state == CHAN_RINGING && is_older(ch, oldest))
				oldest = ch;
		}
	}
	return oldest;
}

static bool is_hidden(int pres)
{
	return (pres & PRES_RESTRICTION) == PRES_PROHIB_NOT_SCREENED;
}

static void identity(struct buf *b, struct str display, struct str number, struct str host)
{
	buf_put(b, STR("   <identity"));
	if (display.n)
		attribute(b, "display", display);
	buf_put(b, STR(">sip:"));
	xml_text(b, number);
	buf_char(b, '@');
	xml_text(b, host);
	buf_put(b, STR("</identity>\n   <target uri=\""));
}

/* Who calls: what the phone would show. */
static void remote_party(struct buf *b, const struct party *p, struct str host)
{
	bool hidden = is_hidden(p->number_pres);
	struct str number = !p->number_valid ? STR("invalid") : hidden ? STR("anonymous") : text_view(&p->number);
	struct str name = !p->name_valid ? STR_NULL : is_hidden(p->name_pres) ? STR("anonymous") : text_view(&p->name);

	if (hidden)
		host = STR("anonymous.invalid");
	buf_put(b, STR("  <remote>\n"));
	identity(b, name, number, host);
	buf_put(b, STR("sip:"));
	xml_text(b, number);
	buf_char(b, '@');
	xml_text(b, host);
	buf_put(b, STR("\"/>\n  </remote>\n"));
}

static void local_party(struct buf *b, const struct node *leaf, const struct channel *ch, struct str host)
{
	const struct party *p = ch ? &ch->caller : NULL;

	buf_put(b, STR("  <local>\n"));
	if (p) {
		identity(b, p->name_valid ? text_view(&p->name) : STR_NULL,
			 p->number_valid ? text_view(&p->number) : STR("invalid"), host);
	} else {
		buf_put(b, STR("   <identity>"));
		entity(b, leaf);
		buf_put(b, STR("</identity>\n   <target uri=\""));
	}
	entity(b, leaf);
	buf_put(b, STR("\"/>\n  </local>\n"));
}

static void early(struct node *leaf, struct buf *b)
{
	struct subscription *s = leaf->sub;
	struct str hint = STR_NULL, host = STR_NULL;
	struct channel *ch;
	struct sip_addr a;

	(void)hint_state(s->svc->pbx, exten_context(s->ep), text_view(&leaf->resource), &hint);
	ch = ringing_at(s->svc, hint);
	if (!sip_addr_parse(&a, ua_notify_dialog(s->notify)->local))
		host = a.uri.host;
	if (ch)
		remote_party(b, &ch->connected, host);
	local_party(b, leaf, ch, host);
}

int body_dialog_info(struct node *leaf, struct buf *b)
{
	const struct exten_watch *watch = leaf->watch;
	const struct words *w = words_of(leaf);
	struct str state = str_z(w->dialog);

	if (watch->state == (EXTEN_INUSE | EXTEN_RINGING) && leaf->sub->ep->notify_early_inuse_ringing)
		state = STR("early");
	buf_printf(b, PROLOG "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"%u\" state=\"full\" entity=\"",
		   leaf->version++);
	entity(b, leaf);
	buf_put(b, STR("\">\n <dialog"));
	attribute(b, "id", text_view(&leaf->resource));
	if (str_eq(state, STR("early"))) {
		buf_put(b, STR(" direction=\"recipient\">\n"));
		early(leaf, b);
	} else {
		buf_put(b, STR(">\n"));
	}
	buf_puts(b, STR("  <state>"), state, STR("</state>\n"));
	if (watch->state == EXTEN_ONHOLD) {
		buf_put(b, STR("  <local>\n   <target uri=\""));
		entity(b, leaf);
		buf_put(b, STR("\">\n    <param pname=\"+sip.rendering\" pvalue=\"no\"/>\n   </target>\n  </local>\n"));
	}
	buf_put(b, STR(" </dialog>\n</dialog-info>\n"));
	return buf_err(b);
}
