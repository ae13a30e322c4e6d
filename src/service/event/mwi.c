/* Mailboxes whose voicemail is somebody else's: the manager says what is in them. And
 * event message-summary (RFC 3842). */
#include "service/event/private.h"
#include "base/hash.h"
#include "pbx/devstate.h"
#include "pbx/event.h"
#include "store/astdb.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* As res_mwi_external keeps them: /mwi_external/mailboxes/NAME is {"msgs_new":"3","msgs_old":"2"}. */
#define FAMILY STR("mwi_external/mailboxes")
#define REMOTES_MAX 100000      /* mailboxes that other servers have told us of */

struct mailbox {
	struct service *svc;
	struct text name;
	uint32_t own_new, own_old;      /* here */
	uint32_t new_msgs, old_msgs;    /* here and on other servers, together */
	struct list watches;            /* struct mailbox_watch */
	struct list remotes;            /* struct remote */
};

/* What another server has in it. */
struct remote {
	struct list link;               /* in mailbox.remotes */
	struct text eid;
	uint32_t new_msgs, old_msgs;
};

static struct map *boxes(const struct service *svc)
{
	return ((struct subscriptions *)svc->subscriptions)->mailboxes;
}

static uint32_t read_count(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);
	uint32_t n;

	if (json_is_integer(v))
		return (uint32_t)json_integer_value(v);
	return json_is_string(v) && !str_u32(str_z(json_string_value(v)), &n) ? n : 0;
}

static void read_counts(struct str v, uint32_t *new_msgs, uint32_t *old_msgs)
{
	json_t *j = json_loadb(v.p, v.n, 0, NULL);

	*new_msgs = read_count(j, "msgs_new");
	*old_msgs = read_count(j, "msgs_old");
	json_decref(j);
}

bool mailbox_get(struct service *svc, struct str name, uint32_t *new_msgs, uint32_t *old_msgs)
{
	const struct mailbox *m = svc->subscriptions ? map_get(boxes(svc), name) : NULL;
	bool there;
	struct str v;

	*new_msgs = *old_msgs = 0;
	there = svc->pbx->db && astdb_get(svc->pbx->db, FAMILY, name, &v);
	if (there)
		read_counts(v, new_msgs, old_msgs);
	if (m) {
		*new_msgs = m->new_msgs;
		*old_msgs = m->old_msgs;
	}
	return there || (m && !list_empty(&m->remotes));
}

static void add_up(struct mailbox *m)
{
	m->new_msgs = m->own_new;
	m->old_msgs = m->own_old;
	list_each(l, &m->remotes) {
		const struct remote *r = container_of(l, struct remote, link);

		m->new_msgs += r->new_msgs;
		m->old_msgs += r->old_msgs;
	}
}

static struct mailbox *take(struct service *svc, struct str name)
{
	struct mailbox *m = map_get(boxes(svc), name);

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->svc = svc;
	list_init(&m->watches);
	list_init(&m->remotes);
	(void)mailbox_get(svc, name, &m->own_new, &m->own_old);
	add_up(m);
	if (text_set(&m->name, name) || map_add(boxes(svc), text_view(&m->name), m)) {
		text_free(&m->name);
		free(m);
		return NULL;
	}
	return m;
}

static void release(struct mailbox *m)
{
	map_del(boxes(m->svc), text_view(&m->name));
	while (!list_empty(&m->remotes)) {
		struct remote *r = container_of(m->remotes.next, struct remote, link);

		list_remove(&r->link);
		text_free(&r->eid);
		free(r);
	}
	text_free(&m->name);
	free(m);
}

int mailbox_watch(struct service *svc, struct str name, struct mailbox_watch *w)
{
	w->box = take(svc, name);
	if (!w->box)
		return ENOMEM;
	list_append(&w->box->watches, &w->link);
	return 0;
}

void mailbox_unwatch(struct mailbox_watch *w)
{
	struct mailbox *m = w->box;

	if (!m)
		return;
	list_remove(&w->link);
	w->box = NULL;
	if (list_empty(&m->watches) && list_empty(&m->remotes))
		release(m);
}

struct str mailbox_name(const struct mailbox *m)
{
	return text_view(&m->name);
}

void mailbox_counts(const struct mailbox *m, uint32_t *new_msgs, uint32_t *old_msgs)
{
	*new_msgs = m->new_msgs;
	*old_msgs = m->old_msgs;
}

/* ---- changes ------------------------------------------------------------------------------ */

static void tell(struct service *svc, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	struct event *e = event_new(svc->pbx->events, "MessageWaiting", EV_CALL);
	struct mailbox *m = map_get(boxes(svc), name);
	char device[300];
	int n = snprintf(device, sizeof(device), "MWI:%.*s", STR_ARG(name));

	if (e) {
		event_put(e, "Mailbox", name);
		event_put(e, "Waiting", new_msgs ? STR("1") : STR("0"));
		event_printf(e, "Old", "%u", old_msgs);
		event_printf(e, "New", "%u", new_msgs);
		event_send(svc->pbx->events, e);
	}
	device_changed(svc->pbx, str_mk(device, n > 0 && (size_t)n < sizeof(device) ? (size_t)n : 0));
	if (!m)
		return;
	/* A watch may end itself in its turn, and the box with it. */
	for (struct list *l = m->watches.next, *next; l != &m->watches; l = next) {
		struct mailbox_watch *w = container_of(l, struct mailbox_watch, link);
		bool last = l->next == &m->watches;

		next = l->next;
		w->fn(w->arg, w);
		if (last)
			break;
	}
}

static void tell_listeners(struct service *svc, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	list_each(l, &svc->subscriptions->mailbox_listeners) {
		struct mailbox_listener *x = container_of(l, struct mailbox_listener, link);

		x->changed(x->arg, name, new_msgs, old_msgs);
	}
}

static void set_own(struct service *svc, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	struct mailbox *m = map_get(boxes(svc), name);

	tell_listeners(svc, name, new_msgs, old_msgs);
	if (m) {
		m->own_new = new_msgs;
		m->own_old = old_msgs;
		add_up(m);
		new_msgs = m->new_msgs;
		old_msgs = m->old_msgs;
	}
	tell(svc, name, new_msgs, old_msgs);
}

int mailbox_set(struct service *svc, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	char v[80];
	int err;

	snprintf(v, sizeof(v), "{\"msgs_new\":\"%u\",\"msgs_old\":\"%u\"}", new_msgs, old_msgs);
	err = svc->pbx->db ? astdb_put(svc->pbx->db, FAMILY, name, str_z(v)) : 0;
	if (!err)
		set_own(svc, name, new_msgs, old_msgs);
	return err;
}

int mailbox_delete(struct service *svc, struct str name)
{
	uint32_t new_msgs = 0, old_msgs = 0;
	struct str v;
	int err = 0;

	if (svc->pbx->db) {
		if (astdb_get(svc->pbx->db, FAMILY, name, &v))
			read_counts(v, &new_msgs, &old_msgs);
		err = astdb_del(svc->pbx->db, FAMILY, name);
	}
	/* Who watches knows already of one that was empty. */
	if (!err && (!svc->pbx->db || new_msgs || old_msgs))
		set_own(svc, name, 0, 0);
	return err;
}

/* ---- other servers ------------------------------------------------------------------------ */

void mailbox_listen(struct service *svc, struct mailbox_listener *l)
{
	list_append(&svc->subscriptions->mailbox_listeners, &l->link);
}

static int remote_take(struct mailbox *m, struct str eid, struct remote **out)
{
	size_t *n = &m->svc->subscriptions->remote_mailboxes;
	struct remote *r;

	list_each(l, &m->remotes) {
		*out = container_of(l, struct remote, link);
		if (str_eq(text_view(&(*out)->eid), eid))
			return 0;
	}
	if (*n >= REMOTES_MAX)
		return ENOSPC;
	r = calloc(1, sizeof(*r));
	if (!r || text_set(&r->eid, eid)) {
		free(r);
		return ENOMEM;
	}
	(*n)++;
	list_append(&m->remotes, &r->link);
	*out = r;
	return 0;
}

int mailbox_set_remote(struct service *svc, struct str name, struct str eid, uint32_t new_msgs, uint32_t old_msgs)
{
	struct mailbox *m = take(svc, name);
	struct remote *r;
	int err = m ? remote_take(m, eid, &r) : ENOMEM;

	if (!err) {
		r->new_msgs = new_msgs;
		r->old_msgs = old_msgs;
		add_up(m);
		tell(svc, name, m->new_msgs, m->old_msgs);
	} else if (m && list_empty(&m->watches) && list_empty(&m->remotes)) {
		release(m);
	}
	return err;
}

bool mailbox_find(struct service *svc, struct str name, struct mailbox_row *row)
{
	struct str value;

	if (!svc->pbx->db || !astdb_get(svc->pbx->db, FAMILY, name, &value))
		return false;
	row->name = name;
	read_counts(value, &row->new_msgs, &row->old_msgs);
	return true;
}

bool mailbox_next(struct service *svc, struct map_walk *w, struct mailbox_row *row)
{
	struct str path, value;

	if (!svc->pbx->db || !astdb_next(svc->pbx->db, w, FAMILY, STR_NULL, &path, &value))
		return false;
	row->name = str_skip(path, FAMILY.n + 2);
	read_counts(value, &row->new_msgs, &row->old_msgs);
	return true;
}

/* A lamp by "hint,MWI:box". */
static enum device_state device(struct pbx *p, struct str name)
{
	uint32_t n = 0, o;

	if (p->service)
		(void)mailbox_get(p->service, name, &n, &o);
	return n ? DEV_INUSE : DEV_NOT_INUSE;
}

int mwi_start(struct service *svc)
{
	int err = device_add_provider(svc->pbx, "MWI", device);

	return err && err != EEXIST ? err : unasked_rebuild(svc);
}

void mwi_free(struct service *svc)
{
	struct mailbox *m;

	for (size_t it = 0; (m = map_next(boxes(svc), &it)); )
		release(m);
}

/* ---- message-summary ------------------------------------------------------------------------- */

struct messages_watch {         /* node.watch */
	struct node *leaf;
	struct text account;            /* the extension of its voicemail */
	size_t n;
	struct mailbox_watch v[];
};

/* Named itself, or by the extension of its voicemail. NULL. */
static const struct aor *aor_of(const struct snapshot *conf, const struct endpoint *ep, struct str resource)
{
	const struct aor *a = snapshot_aor(conf, resource);

	for (size_t i = 0; !a && i < ep->aor_n; i++)
		if (ep->aor_objs[i]->voicemail_extension.n && str_ieq(ep->aor_objs[i]->voicemail_extension, resource))
			a = ep->aor_objs[i];
	return a;
}

static bool allows(struct service *svc, const struct endpoint *ep, const struct aor *a)
{
	for (size_t i = 0; i < a->mailboxes.n; i++)
		if (!unasked_allows(svc, ep, a->mailboxes.v[i]))
			return false;
	return true;
}

static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	const struct aor *a;

	if (!resource.n) {
		for (size_t i = 0; i < ep->aor_n; i++)
			if (!allows(svc, ep, ep->aor_objs[i]))
				return 500;
		return 200;
	}
	a = aor_of(svc->conf, ep, resource);
	if (!a || !a->mailboxes.n)
		return 404;
	return allows(svc, ep, a) ? 200 : 500;
}

static void on_mailbox(void *arg, struct mailbox_watch *w)
{
	(void)w;
	node_changed(arg, false);
}

static void stop(struct node *leaf)
{
	struct messages_watch *m = leaf->watch;

	for (size_t i = 0; i < m->n; i++) {
		/* First, for the name is the box's. */
		unasked_replace(leaf->sub->svc, leaf->sub->ep->name, mailbox_name(m->v[i].box), false);
		mailbox_unwatch(&m->v[i]);
	}
	text_free(&m->account);
	free(m);
}

static int add(struct messages_watch *m, const struct aor *a)
{
	struct subscription *s = m->leaf->sub;
	int err = 0;

	for (size_t i = 0; !err && i < a->mailboxes.n; i++) {
		struct mailbox_watch *w = &m->v[m->n];

		w->fn = on_mailbox;
		w->arg = m->leaf;
		err = mailbox_watch(s->svc, a->mailboxes.v[i], w);
		if (err)
			break;
		m->n++;
		unasked_replace(s->svc, s->ep->name, a->mailboxes.v[i], true);
	}
	if (!err && !m->account.n)
		err = text_set(&m->account, a->voicemail_extension);
	return err;
}

static int start(struct node *leaf)
{
	struct subscription *s = leaf->sub;
	struct str resource = text_view(&leaf->resource);
	const struct aor *a = resource.n ? aor_of(s->conf, s->ep, resource) : NULL;
	struct messages_watch *m;
	size_t max = a ? a->mailboxes.n : 0;
	int err = 0;

	for (size_t i = 0; !resource.n && i < s->ep->aor_n; i++)
		max += s->ep->aor_objs[i]->mailboxes.n;
	m = calloc(1, sizeof(*m) + max * sizeof(m->v[0]));
	if (!m)
		return ENOMEM;
	leaf->watch = m;
	m->leaf = leaf;
	if (a)
		err = add(m, a);
	for (size_t i = 0; !err && !resource.n && i < s->ep->aor_n; i++)
		err = add(m, s->ep->aor_objs[i]);
	if (!err && !m->account.n)
		err = text_set(&m->account, s->conf->global->default_voicemail_extension);
	return err;
}

void mwi_write_body(struct buf *b, struct str account, uint32_t new_msgs, uint32_t old_msgs)
{
	buf_puts(b, STR("Messages-Waiting: "), new_msgs ? STR("yes\r\n") : STR("no\r\n"));
	if (account.n)
		buf_puts(b, STR("Message-Account: "), account, STR("\r\n"));
	buf_printf(b, "Voice-Message: %u/%u (0/0)\r\n", new_msgs, old_msgs);
}

int body_messages(struct node *leaf, struct buf *b)
{
	const struct messages_watch *m = leaf->watch;
	uint32_t n = 0, o = 0, new_one, old_one;
	char room[300];
	struct buf account;

	for (size_t i = 0; i < m->n; i++) {
		mailbox_counts(m->v[i].box, &new_one, &old_one);
		n += new_one;
		o += old_one;
	}
	buf_init(&account, room, sizeof(room), sizeof(room));
	if (m->account.n)
		buf_puts(&account, subscription_scheme(leaf->sub), STR(":"), text_view(&m->account), STR("@"),
			 text_view(&leaf->sub->host));
	mwi_write_body(b, buf_view(&account), n, o);
	return buf_err(b);
}

const struct package package_messages = { .name = STR_INIT("message-summary"),
	.accept = STR_INIT("application/simple-message-summary"), .kind = BODY_MESSAGES, .may = may, .start = start,
	.stop = stop };

static void replace_unasked(const struct node *n)
{
	const struct messages_watch *m = n->watch;

	for (size_t i = 0; i < n->n; i++)
		replace_unasked(n->child[i]);
	for (size_t i = 0; m && i < m->n; i++)
		unasked_replace(n->sub->svc, n->sub->ep->name, mailbox_name(m->v[i].box), true);
}

void messages_replace_unasked(struct service *svc, struct str endpoint)
{
	list_each(l, &((struct subscriptions *)svc->subscriptions)->all) {
		const struct subscription *s = container_of(l, struct subscription, link);

		if (s->pkg == &package_messages && str_eq(s->ep->name, endpoint))
			replace_unasked(s->root);
	}
}
