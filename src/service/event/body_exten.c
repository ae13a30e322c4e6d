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

static const struct words *words_of(const struct exten_view *v)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(words) && words[i].state != v->state)
		i++;
	return &words[i];
}

/* ---- PIDF -------------------------------------------------------------------------------- */

/* A phone of that maker shows what its user set (CustomPresence). */
static void digium(const struct exten_view *v, struct buf *b)
{
	struct str agent = v->user_agent;
	struct presence p = { 0 };

	if (str_find(agent, STR("digium")) == agent.n && str_find(agent, STR("sangoma")) == agent.n)
		return;
	if (!hint_presence(v->svc->pbx, v->context, v->resource, &p))
		p.state = STR("not_set");
	buf_put(b, STR(" <tuple id=\"digium-presence\">\n  <status>\n   <digium_presence"));
	attribute(b, "type", p.state);
	if (p.subtype.n)
		attribute(b, "subtype", p.subtype);
	buf_char(b, '>');
	xml_text(b, p.message);
	buf_put(b, STR("</digium_presence>\n  </status>\n </tuple>\n"));
}

static int pidf(const struct exten_view *v, struct buf *b)
{
	const struct words *w = words_of(v);

	buf_put(b, STR(PROLOG "<presence entity=\""));
	xml_text(b, v->entity);
	buf_puts(b, STR("\" xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
			"xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\">\n <note>"), str_z(w->note),
		 STR("</note>\n <tuple"));
	attribute(b, "id", v->resource);
	buf_puts(b, STR(">\n  <status>\n   <basic>"), w->line == LINE_CLOSED ? STR("closed") : STR("open"),
		 STR("</basic>\n  </status>\n  <contact priority=\"1\">"));
	xml_text(b, v->contact);
	buf_put(b, STR("</contact>\n </tuple>\n"));
	if (w->activity)
		buf_puts(b, STR(" <dm:person>\n  <rpid:activities>\n   <rpid:"), str_z(w->activity),
			 STR(" />\n  </rpid:activities>\n </dm:person>\n"));
	else
		buf_put(b, STR(" <dm:person />\n"));
	digium(v, b);
	buf_put(b, STR("</presence>\n"));
	return buf_err(b);
}

/* ---- XPIDF -------------------------------------------------------------------------------- */

static int xpidf(const struct exten_view *v, struct buf *b)
{
	static const char *const basic[] = { "open", "inuse", "closed" };
	static const char *const msn[] = { "online", "onthephone", "offline" };
	const struct words *w = words_of(v);
	char atom[SIP_TAG + 1];

	sip_token(v->svc->sip, atom, SIP_TAG);
	buf_put(b, STR(PROLOG "<presence>\n <presentity uri=\""));
	xml_text(b, v->entity);
	buf_put(b, STR(";method=SUBSCRIBE\" />\n <atom"));
	attribute(b, "atomid", str_z(atom));
	attribute(b, "id", v->resource);
	buf_put(b, STR(">\n  <address uri=\""));
	xml_text(b, v->contact);
	buf_puts(b, STR(";user=ip\" priority=\"0.80000\">\n   <status status=\""), str_z(basic[w->line]),
		 STR("\" />\n   <msnsubstatus substatus=\""), str_z(msn[w->line]),
		 STR("\" />\n  </address>\n </atom>\n</presence>\n"));
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
	buf_put(b, STR("\" />\n  </remote>\n"));
}

static void local_party(struct buf *b, const struct exten_view *v, const struct channel *ch)
{
	const struct party *p = ch ? &ch->caller : NULL;

	buf_put(b, STR("  <local>\n"));
	if (p) {
		identity(b, p->name_valid ? text_view(&p->name) : STR_NULL,
			 p->number_valid ? text_view(&p->number) : STR("invalid"), v->host);
	} else {
		buf_put(b, STR("   <identity>"));
		xml_text(b, v->entity);
		buf_put(b, STR("</identity>\n   <target uri=\""));
	}
	xml_text(b, v->entity);
	buf_put(b, STR("\" />\n  </local>\n"));
}

static void early(const struct exten_view *v, struct buf *b)
{
	struct str hint = STR_NULL;
	struct channel *ch;

	(void)hint_state(v->svc->pbx, v->context, v->resource, &hint);
	ch = ringing_at(v->svc, hint);
	if (ch)
		remote_party(b, &ch->connected, v->host);
	local_party(b, v, ch);
}

static int dialog_info(const struct exten_view *v, struct buf *b)
{
	const struct words *w = words_of(v);
	struct str state = str_z(w->dialog);

	if (v->state == (EXTEN_INUSE | EXTEN_RINGING) && v->early_inuse_ringing)
		state = STR("early");
	buf_printf(b, PROLOG "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"%u\" state=\"full\" entity=\"",
		   (*v->version)++);
	xml_text(b, v->entity);
	buf_put(b, STR("\">\n <dialog"));
	attribute(b, "id", v->resource);
	if (str_eq(state, STR("early"))) {
		buf_put(b, STR(" direction=\"recipient\">\n"));
		early(v, b);
	} else {
		buf_put(b, STR(">\n"));
	}
	buf_puts(b, STR("  <state>"), state, STR("</state>\n"));
	if (v->state == EXTEN_ONHOLD) {
		buf_put(b, STR("  <local>\n   <target uri=\""));
		xml_text(b, v->entity);
		buf_put(b, STR("\">\n    <param pname=\"+sip.rendering\" pvalue=\"no\" />\n   </target>\n  </local>\n"));
	}
	buf_put(b, STR(" </dialog>\n</dialog-info>\n"));
	return buf_err(b);
}

/* ---- of whom -------------------------------------------------------------------------------- */

typedef int exten_fn(const struct exten_view *v, struct buf *b);

static const struct {
	struct str type;
	exten_fn *write;
} writers[] = {
	{ STR_INIT("application/pidf+xml"), pidf }, { STR_INIT("application/xpidf+xml"), xpidf },
	{ STR_INIT("application/cpim-pidf+xml"), xpidf }, { STR_INIT("application/dialog-info+xml"), dialog_info },
};

int exten_body(struct str type, const struct exten_view *v, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		if (str_ieq(writers[i].type, type))
			return v ? writers[i].write(v, b) : 0;
	return ENOENT;
}

/* From of the SUBSCRIBE; a From has no port (RFC 3261 19.1.1). */
static void subscriber(struct buf *b, const struct node *leaf)
{
	struct sip_addr a;
	bool v6;

	if (sip_addr_parse(&a, ua_notify_dialog(leaf->sub->notify)->remote))
		return;
	v6 = str_chr(a.uri.host, ':') < a.uri.host.n;
	buf_puts(b, sip_uri_is_sips(&a.uri) ? STR("sips:") : STR("sip:"), a.uri.user, a.uri.user.n ? STR("@") : STR_NULL);
	buf_puts(b, v6 ? STR("[") : STR_NULL, a.uri.host, v6 ? STR("]") : STR_NULL);
}

static int of_node(struct node *leaf, struct buf *b, exten_fn *write)
{
	struct subscription *s = leaf->sub;
	const struct exten_watch *w = leaf->watch;
	struct exten_view v = { .svc = s->svc, .context = exten_context(s->ep), .resource = text_view(&leaf->resource),
		.state = w->state, .user_agent = text_view(&s->user_agent), .version = &leaf->version,
		.early_inuse_ringing = s->ep->notify_early_inuse_ringing };
	char room[2][512];
	struct buf entity, contact;
	struct sip_addr a;
	int err;

	buf_init(&entity, room[0], sizeof(room[0]), 0);
	buf_init(&contact, room[1], sizeof(room[1]), 0);
	node_uri(leaf, &entity);
	subscriber(&contact, leaf);
	v.entity = buf_view(&entity);
	v.contact = buf_view(&contact);
	if (write == dialog_info && !sip_addr_parse(&a, ua_notify_dialog(s->notify)->local))
		v.host = a.uri.host;
	err = write(&v, b);
	buf_free(&entity);
	buf_free(&contact);
	return err;
}

int body_pidf(struct node *leaf, struct buf *b)
{
	return of_node(leaf, b, pidf);
}

int body_xpidf(struct node *leaf, struct buf *b)
{
	return of_node(leaf, b, xpidf);
}

int body_dialog_info(struct node *leaf, struct buf *b)
{
	return of_node(leaf, b, dialog_info);
}
