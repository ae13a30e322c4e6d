/* service/place/registrar.c -- REGISTER: what a request wants to change, and its answer. How
 * changes are made and kept is location.c's. */
#define LOG_MODULE "registrar"
#include "service/place/registrar.h"
#include "base/log.h"
#include "service/trust/identify.h"
#include "service/trust/security.h"
#include "service/common/nat.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define MAX_CONTACTS_IN_REQUEST 64
#define WAITING_MAX 100         /* REGISTERs of one AOR that wait for the disk; more get 503 */

/* One REGISTER being served; lives until it is answered. */
struct reg {
	struct location_job job;
	struct service *svc;
	struct identity *id;    /* held */
	struct sip_server_tx *tx;     /* held */
	struct sip_msg *msg;    /* held */
	const struct aor *aor;  /* of id->conf */
	struct location *l;     /* while it plans */
	bool refused;
};

struct wanted {
	struct sip_addr addr;
	struct sip_uri uri;     /* what is stored: rewritten perhaps */
	struct text text;       /* held: bytes of `uri` when rewritten */
	uint32_t expires;
	struct contact *have;   /* what it updates or deletes; NULL: a new one */
	bool superseded;        /* a later Contact of the request says what becomes of it */
};

static void reg_free(struct reg *r)
{
	obj_drop(r->id);
	obj_drop(r->tx);
	obj_drop(r->msg);
	free(r);
}

static void refuse_register(struct reg *r, unsigned status, const char *why)
{
	r->refused = true;
	reason_add(r->svc->reasons, REASON_REGISTER, REASON_REFUSED, status, r->id->ep->name,
		   &r->msg->from_path.peer, "%s", why);
	service_reply(r->svc, r->tx, status, status == 503 ? STR(SHARES_RETRY) : STR_NULL);
}

void registrar_test_event(struct service *svc, const char *state, const struct contact *c)
{
	struct event *e = event_test(svc->pbx->events, state, "registrar.c", "apply_one");

	if (!e)
		return;
	event_put(e, "Contact", c->uri);
	event_put(e, "AOR", c->loc ? text_view(&c->loc->aor) : STR_NULL);
	event_printf(e, "Expiration", "%lld", (long long)contact_left_s(c, svc->clock));
	event_put(e, "UserAgent", c->user_agent);
	event_send(svc->pbx->events, e);
}

static uint32_t clamp(const struct aor *a, uint32_t s)
{
	if (!s)
		return 0;
	if (s < a->minimum_expiration)
		s = a->minimum_expiration;
	return s > a->maximum_expiration ? a->maximum_expiration : s;
}

/* By the header, for contacts that say nothing themselves. */
static uint32_t expiry_of_all(const struct reg *r)
{
	uint32_t v;
	int err = sip_hdr_u32(r->msg, SIP_H_EXPIRES, &v);

	if (!err)
		return clamp(r->aor, v);
	return err == ERANGE ? r->aor->maximum_expiration : clamp(r->aor, r->aor->default_expiration);
}

/* ---- the answer ----------------------------------------------------------- */

static void write_contacts(struct reg *r, struct buf *b)
{
	struct location *l = location_get(r->svc, r->aor->name, false);

	if (!l)
		return;
	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);
		struct str uri = c->orig_uri.n ? c->orig_uri : c->uri;

		buf_puts(b, STR("Contact: <"), uri, STR(">"));
		if (c->expires_us) {
			buf_put(b, STR(";expires="));
			buf_u64(b, (uint64_t)contact_left_s(c, r->svc->clock));
		}
		buf_put(b, STR("\r\n"));
	}
}

static void write_date(struct service *svc, struct buf *b)
{
	time_t now = (time_t)clock_wall_s(svc->clock);
	struct tm tm;

	if (svc->names.date_s != now || !svc->names.date[0]) {
		gmtime_r(&now, &tm);
		strftime(svc->names.date, sizeof(svc->names.date), "Date: %a, %d %b %Y %T GMT\r\n", &tm);
		svc->names.date_s = now;
	}
	buf_put(b, str_z(svc->names.date));
}

static void answer_register(struct reg *r)
{
	char room[2048];
	struct buf b;
	struct str path;

	buf_init(&b, room, sizeof(room), 0);
	write_date(r->svc, &b);
	write_contacts(r, &b);
	/* Who has asked so is told so, beside what each contact says. */
	if (sip_hdr(r->msg, SIP_H_EXPIRES))
		buf_printf(&b, "Expires: %u\r\n", expiry_of_all(r));
	path = sip_hdr_value(r->msg, SIP_H_PATH);
	if (r->aor->support_path) {
		buf_put(&b, STR("Supported: path\r\n"));
		if (path.n) {
			struct sip_each e = { 0 };
			struct str v;

			buf_put(&b, STR("Path: "));
			for (bool first = true; sip_each(r->msg, SIP_H_PATH, &e, &v); first = false)
				buf_puts(&b, first ? STR_NULL : STR(","), v);
			buf_put(&b, STR("\r\n"));
		}
	}
	service_reply(r->svc, r->tx, 200, buf_view(&b));
	buf_free(&b);
}

static void reg_done(struct location_job *j, int err)
{
	struct reg *r = container_of(j, struct reg, job);

	if (r->refused || err == ECANCELED) {
		;       /* answered; or the program ends, and the phone asks who comes next */
	} else if (err) {
		/* The phone keeps what it has and asks again: nothing was changed. */
		reason_add(r->svc->reasons, REASON_REGISTER, REASON_REFUSED, 503, r->id->ep->name,
			   &r->msg->from_path.peer, "the contacts could not be written: %s", strerror(err));
		log_error("AOR '%.*s': contacts could not be written to disk: %s", STR_ARG(r->aor->name),
			  strerror(err));
		service_reply(r->svc, r->tx, 503, STR(SHARES_RETRY));
	} else {
		answer_register(r);
	}
	reg_free(r);
}

/* ---- what the request wants ------------------------------------------------ */

static uint32_t expiry_of(const struct reg *r, const struct sip_addr *c)
{
	uint32_t v;
	struct str s;
	int err;

	if (sip_param(c->params, STR("expires"), &s)) {
		err = str_u32(s, &v);
		if (!err)
			return clamp(r->aor, v);
		if (err == ERANGE)
			return r->aor->maximum_expiration;
	}
	return expiry_of_all(r);
}

static bool is_named(const struct wanted *w, size_t n, const struct contact *c)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].have == c)
			return true;
	return false;
}

static int read_one(struct reg *r, struct str value, struct wanted *w)
{
	int err = sip_addr_parse(&w->addr, value);

	if (err)
		return err;
	if (w->addr.star)
		return 0;
	if (!sip_uri_is_sip(&w->addr.uri))
		return EBADMSG;
	w->uri = w->addr.uri;
	if (r->id->ep->rewrite_contact) {
		err = nat_rewrite_uri(&w->addr.uri, &r->msg->from_path, &w->text);
		if (!err && w->text.n)
			err = sip_uri_parse(&w->uri, text_view(&w->text));
	}
	w->expires = expiry_of(r, &w->addr);
	return err;
}

static bool is_same(const struct sip_uri *a, const struct sip_uri *b, bool letter_by_letter)
{
	return str_eq(a->text, b->text) || (!letter_by_letter && sip_uri_eq(a, b));
}

/* The registered contact of w[n]'s URI that no earlier Contact of the request has taken. */
static struct contact *find_registered(struct location *l, const struct wanted *w, size_t n, bool letter_by_letter)
{
	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);
		struct sip_uri u = { .text = c->uri };

		if (c->is_static || is_named(w, n, c) || (!letter_by_letter && sip_uri_parse(&u, c->uri)))
			continue;
		if (is_same(&u, &w[n].uri, letter_by_letter))
			return c;
	}
	return NULL;
}

/* The latest Contact before w[n] for the same URI of which nothing later has decided. */
static struct wanted *find_earlier(struct wanted *w, size_t n, bool deleted, bool letter_by_letter)
{
	for (size_t i = n; i-- > 0; )
		if (!w[i].superseded && !w[i].expires == deleted && is_same(&w[i].uri, &w[n].uri, letter_by_letter))
			return &w[i];
	return NULL;
}

/* Contacts are processed in their order (RFC 3261 10.3, step 7), so the last one for a
 * URI decides. Earlier ones for it are taken out of the sum: each contact is changed
 * once at most. Equality of URIs is not transitive ("a" equals "a;x=1" and "a;x=2"),
 * so one that is the same letter by letter comes first: no two contacts get one URI. */
static void settle_doubles(struct reg *r, struct wanted *w, size_t n)
{
	static const bool letters[] = { true, false };
	struct wanted *earlier = NULL;

	for (size_t i = 0; i < ARRAY_LEN(letters) && !earlier && !w[n].have; i++) {
		earlier = find_earlier(w, n, false, letters[i]);
		if (!earlier)
			w[n].have = find_registered(r->l, w, n, letters[i]);
		if (!earlier && !w[n].have)
			earlier = find_earlier(w, n, true, letters[i]);
	}
	if (earlier) {
		w[n].have = earlier->have;
		earlier->superseded = true;
	}
}

static void wanted_free(struct wanted *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_free(&w[i].text);
}

static struct contact *make_contact(struct reg *r, const struct wanted *w)
{
	const struct sip_msg *m = r->msg;
	struct contact_words words = { .uri = w->uri.text, .orig_uri = w->text.n ? w->addr.uri.text : STR_NULL,
		.user_agent = sip_hdr_value(m, SIP_H_USER_AGENT), .call_id = m->call_id, .via_addr = m->via.host,
		.reg_server = text_view(&r->svc->names.server_id), .endpoint = r->id->ep->name,
		.txp = service_symmetric(r->svc, r->id->conf, &m->from_path) };
	struct buf path = BUF_INIT;
	struct sip_each e = { 0 };
	struct contact *c;
	struct str v;

	while (r->aor->support_path && sip_each(m, SIP_H_PATH, &e, &v))
		buf_puts(&path, path.n ? STR(",") : STR_NULL, v);
	words.path = buf_view(&path);
	sip_param(w->addr.params, STR("+sip.instance"), &words.instance);
	c = buf_err(&path) ? NULL : contact_new(r->svc, r->aor->name, &words, false);
	buf_free(&path);
	if (!c)
		return NULL;
	c->expires_us = clock_wall_us(r->svc->clock) + (int64_t)w->expires * 1000000;
	c->cseq = m->cseq;
	c->flow = m->from_path;
	c->has_flow = true;
	c->outbound = sip_param(w->addr.params, STR("reg-id"), NULL);
	/* A connection that the peer opened cannot be opened again by us; a page listens nowhere. With
	 * rewrite_contact the URI is where the request came from, even if it said so itself. */
	c->prune_on_boot = net_is_stream(m->from_path.proto) &&
		(r->id->ep->rewrite_contact || net_is_websocket(m->from_path.proto));
	c->via_port = m->via.port;
	return c;
}

/* ---- max_contacts ----------------------------------------------------------- */

/* The contact to give way: with remove_unavailable a dead one first, else the
 * one that ends soonest; never one that the request itself names. */
static struct contact *find_victim(struct reg *r, const struct wanted *w, size_t n, struct list *changes,
				   bool dead_only)
{
	struct contact *best = NULL;

	list_each(p, &r->l->contacts) {
		struct contact *c = container_of(p, struct contact, link);
		bool gone = false;

		list_each(q, changes)
			gone |= container_of(q, struct contact_change, link)->old == c;
		if (c->is_static || gone || is_named(w, n, c))
			continue;
		if (dead_only && c->status != CONTACT_UNREACHABLE)
			continue;
		if (!best || c->expires_us < best->expires_us)
			best = c;
	}
	return best;
}

/* Room for the new ones. EDQUOT: too many. */
static int make_room(struct reg *r, const struct wanted *w, size_t n, struct list *changes)
{
	size_t kept = r->l->n - r->l->n_static, added = 0, updated = 0;

	/* Each contact is named once at most, so no more are deleted than there are. */
	for (size_t i = 0; i < n; i++) {
		if (w[i].superseded)
			continue;
		if (!w[i].expires)
			kept -= w[i].have != NULL;
		else if (w[i].have)
			updated++;
		else
			added++;
	}
	if (r->aor->remove_existing) {
		if (updated + added > r->aor->max_contacts)
			return EDQUOT;
	} else if (kept + added > r->aor->max_contacts && !r->aor->remove_unavailable) {
		return EDQUOT;
	}
	for (size_t now = kept + added; now > r->aor->max_contacts; now--) {
		struct contact *c = NULL;

		if (r->aor->remove_unavailable)
			c = find_victim(r, w, n, changes, true);
		if (!c && r->aor->remove_existing)
			c = find_victim(r, w, n, changes, false);
		if (!c)
			return EDQUOT;
		if (contact_change_add(changes, CONTACT_DELETE, r->aor->name, c, NULL))
			return ENOMEM;
		contact_change_why(changes, c->status == CONTACT_UNREACHABLE ? CONTACT_DEACTIVATED : CONTACT_REJECTED);
	}
	return 0;
}

static int collect_changes(struct reg *r, struct wanted *w, size_t n, struct list *changes)
{
	for (size_t i = 0; i < n; i++) {
		struct contact *c;
		int err;

		if (w[i].superseded)
			continue;
		if (!w[i].expires) {
			err = w[i].have ? contact_change_add(changes, CONTACT_DELETE, r->aor->name, w[i].have, NULL) : 0;
		} else {
			c = make_contact(r, &w[i]);
			if (!c)
				return ENOMEM;
			err = contact_change_add(changes, w[i].have ? CONTACT_UPDATE : CONTACT_ADD, r->aor->name, w[i].have, c);
			obj_drop(c);
		}
		if (err)
			return err;
	}
	return make_room(r, w, n, changes);
}

/* Contact: * ; only with Expires 0 and alone (10.2.2). */
static int collect_all(struct reg *r, struct list *changes)
{
	uint32_t expires = 1;

	if (sip_hdr_u32(r->msg, SIP_H_EXPIRES, &expires) || expires)
		return EINVAL;
	list_each(p, &r->l->contacts) {
		struct contact *c = container_of(p, struct contact, link);

		if (!c->is_static && contact_change_add(changes, CONTACT_DELETE, r->aor->name, c, NULL))
			return ENOMEM;
	}
	return 0;
}

static int read_all(struct reg *r, struct wanted *w, size_t max, size_t *n, bool *star)
{
	struct sip_each e = { 0 };
	struct str v;
	int err = 0;

	*n = 0;
	*star = false;
	while (!err && sip_each(r->msg, SIP_H_CONTACT, &e, &v)) {
		if (*n == max)
			return E2BIG;
		w[*n] = (struct wanted){ 0 };
		err = read_one(r, v, &w[*n]);
		*star |= w[*n].addr.star;
		if (!err && !w[*n].addr.star)
			settle_doubles(r, w, *n);
		(*n)++;
	}
	if (!err && *star && *n != 1)
		err = EINVAL;
	return err;
}

static void note_register(struct reg *r, size_t contacts)
{
	char room[24];
	struct buf digits;

	buf_init(&digits, room, sizeof(room), sizeof(room));
	buf_u64(&digits, contacts);
	reason_cat(r->svc->reasons, REASON_REGISTER, REASON_OK, 200, r->id->ep->name, &r->msg->from_path.peer,
		   STR("AOR '"), r->aor->name, STR("': "), buf_view(&digits), STR(" contacts in the request"));
}

static int reg_plan(struct location_job *j, struct location *l, struct list *changes)
{
	struct reg *r = container_of(j, struct reg, job);
	struct wanted w[MAX_CONTACTS_IN_REQUEST];
	size_t n = 0;
	bool star = false;
	int err;

	r->l = l;
	err = read_all(r, w, ARRAY_LEN(w), &n, &star);
	if (!err)
		err = star ? collect_all(r, changes) : collect_changes(r, w, n, changes);
	wanted_free(w, n);
	r->l = NULL;
	if (err && err != ENOMEM)
		security_event(r->svc, SECURITY_FAILED_ACL, r->msg, r->id->ep->name, "ACLName",
			       err == EDQUOT ? STR("registrar_attempt_exceeds_maximum_configured_contacts")
					     : STR("registrar_invalid_contacts_provided"));
	if (err)
		refuse_register(r, err == EDQUOT ? 403 : err == ENOMEM ? 503 : 400,
				err == EDQUOT ? "more contacts than max_contacts of the AOR" :
				err == ENOMEM ? "out of memory" : "Contact or Expires cannot be read");
	else
		note_register(r, n);
	return err;
}

/* ---- entry -------------------------------------------------------------------- */

static const void *get_aor(const struct snapshot *conf, struct str name)
{
	return snapshot_aor(conf, name);
}

static bool lists_aor(const struct endpoint *ep, const struct aor *a)
{
	for (size_t i = 0; a && i < ep->aor_n; i++)
		if (ep->aor_objs[i] == a)
			return true;
	return false;
}

/* By the To user, as identify does by From; or by the user that authenticated
 * when the endpoint is identified so; else the endpoint's only AOR. */
static const struct aor *find_aor(struct service *svc, struct identity *id, const struct sip_msg *msg)
{
	const struct endpoint *ep = id->ep;
	const struct aor *a = NULL;

	for (size_t i = 0; i < ep->identify_by.n; i++) {
		if (ep->identify_by.v[i] == IDENTIFY_AUTH_USERNAME && id->auth_user.n)
			a = identify_by_user(svc, id->conf, msg, text_view(&id->auth_user),
					     msg->to.uri.host, get_aor);
		else
			a = identify_by_user(svc, id->conf, msg, msg->to.uri.user, msg->to.uri.host, get_aor);
		if (lists_aor(ep, a))
			return a;
	}
	return NULL;
}

/* As Asterisk names what is refused, for who watches the manager's security events. */
static void tell_refused(struct service *svc, const struct identity *id, const struct sip_msg *msg, enum security_kind k, const char *what)
{
	security_event(svc, k, msg, id->ep->name, k == SECURITY_FAILED_ACL ? "ACLName" : "RequestType", str_z(what));
}

static unsigned check_request(struct service *svc, struct identity *id, struct sip_msg *msg, const struct aor **aor,
			      const char **why)
{
	if (!sip_uri_is_sip(&msg->to.uri)) {
		*why = "To is neither sip nor sips";
		tell_refused(svc, id, msg, SECURITY_FAILED_ACL, "registrar_invalid_uri_in_to_received");
		return 416;
	}
	if (!id->ep->aor_n) {
		*why = "the endpoint has no aors";
		tell_refused(svc, id, msg, SECURITY_FAILED_ACL, "registrar_attempt_without_configured_aors");
		return 403;
	}
	*aor = find_aor(svc, id, msg);
	if (!*aor) {
		*why = "no AOR of the endpoint fits the To user";
		tell_refused(svc, id, msg, SECURITY_NOT_SUPPORTED, "registrar_requested_aor_not_found");
		return 404;
	}
	if (!(*aor)->max_contacts) {
		*why = "max_contacts of the AOR is 0: nobody may register";
		tell_refused(svc, id, msg, SECURITY_NOT_SUPPORTED, "registrar_attempt_without_registration_permitted");
		return 403;
	}
	if (sip_hdr(msg, SIP_H_PATH) && (*aor)->support_path &&
	    !sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("path"))) {
		*why = "Path without Supported: path";
		return 420;
	}
	return 0;
}

/* One AOR's phone that asks faster than the disk writes waits behind itself, not in
 * everybody's memory. */
static bool waits_enough(struct service *svc, const struct aor *aor)
{
	const struct location *l = location_get(svc, aor->name, false);

	return l && l->waits >= WAITING_MAX;
}

void register_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	const struct aor *aor = NULL;
	const char *why = "";
	unsigned status = check_request(svc, id, msg, &aor, &why);
	struct reg *r;

	if (!status && waits_enough(svc, aor)) {
		shares_refuse(svc, id->ep->name, tx, msg, "too many REGISTERs of this AOR wait for the disk");
		return;
	}
	if (status) {
		reason_add(svc->reasons, REASON_REGISTER, REASON_REFUSED, status, id->ep->name,
			   &msg->from_path.peer, "%s", why);
		log_warning("AOR '%.*s' not found for endpoint '%.*s' (%.*s): %s", STR_ARG(msg->to.uri.user),
			    STR_ARG(id->ep->name), STR_ARG(msg->from.uri_text), why);
		/* RFC 3327 5.3; RFC 3261 8.2.2.3: what the phone does not have is named. */
		service_reply(svc, tx, status, status == 420 ? STR("Unsupported: path\r\n") : STR_NULL);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		return;
	}
	*r = (struct reg){ .job = { .plan = reg_plan, .done = reg_done }, .svc = svc, .id = obj_hold(id), .tx = obj_hold(tx), .msg = obj_hold(msg), .aor = aor };
	location_submit(svc, aor->name, &r->job);
}
