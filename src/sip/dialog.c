/* Dialogs (RFC 3261 12): made by a request or a response, found by tags, their next requests. */
#define LOG_MODULE "sip"
#include "base/log.h"
#include "sip/stack_private.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

static void free_word(struct str *word)
{
	free((char *)(uintptr_t)word->p);
	*word = STR_NULL;
}

static void dialog_free(void *arg)
{
	struct sip_dialog *d = arg;
	struct str *words[] = { &d->call_id, &d->local_tag, &d->remote_tag, &d->local, &d->remote, &d->target, &d->route, &d->contact,
				&d->via_host, &d->user_agent };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		free_word(words[i]);
	obj_unpoint(d->user.owner);
}

static void set_user(struct sip_dialog *d, const struct sip_dialog_user *user)
{
	d->user = *user;
	obj_point(d->user.owner);
}

/* A word of the dialog's own; `s` may be a view into the one before. */
static int set_word(struct str *word, struct str s)
{
	char *p = s.n ? str_dup(s) : NULL;

	if (s.n && !p)
		return ENOMEM;
	free_word(word);
	*word = str_mk(p, s.n);
	return 0;
}

static int insert_dialog(struct sip_dialog *d)
{
	struct sip_dialog *first = map_get(d->stack->dialogs, d->local_tag);
	int err = 0;

	if (first) {            /* forks of one INVITE share our tag */
		d->fork_next = first->fork_next;
		first->fork_next = d;
	} else {
		err = map_add(d->stack->dialogs, d->local_tag, d);
	}
	if (err)
		return err;
	d->in_map = true;
	list_append(&d->stack->dialog_all, &d->link);
	obj_hold(d);
	return 0;
}

void sip_dialog_close(struct sip_dialog *d)
{
	struct sip_dialog *first;

	obj_unpoint(d->user.owner);
	d->user = (struct sip_dialog_user){ 0 };
	if (!d->in_map)
		return;
	d->in_map = false;
	first = map_get(d->stack->dialogs, d->local_tag);
	if (first == d) {
		map_del(d->stack->dialogs, d->local_tag);
		if (d->fork_next && map_add(d->stack->dialogs, d->fork_next->local_tag, d->fork_next))
			log_error("out of memory: forks of a dialog are lost");
	} else {
		for (; first; first = first->fork_next) {
			if (first->fork_next == d) {
				first->fork_next = d->fork_next;
				break;
			}
		}
	}
	d->fork_next = NULL;
	list_remove(&d->link);
	obj_drop(d);
}

void sip_dialog_free_all(struct sip_stack *s)
{
	list_each_safe(l, next, &s->dialog_all)
		sip_dialog_close(container_of(l, struct sip_dialog, link));
}

/* A From or To value without its tag parameter. */
static void write_untagged(struct buf *b, const struct sip_addr *a, struct str value)
{
	struct str params = a->params;

	if (!a->params.n) {
		buf_put(b, str_trim(value));
		return;
	}
	buf_put(b, str_rtrim(str_mk(value.p, (size_t)(a->params.p - value.p) - 1)));
	while (params.n) {
		struct str one = str_trim(str_cut(&params, ';')), rest = one;

		if (one.n && !str_ieq(str_trim(str_cut(&rest, '=')), STR("tag")))
			buf_puts(b, STR(";"), one);
	}
}

static int set_untagged(struct str *word, const struct sip_addr *a, struct str value)
{
	char room[256];
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	write_untagged(&b, a, str_trim(value));
	err = buf_err(&b);
	if (!err)
		err = set_word(word, buf_view(&b));
	buf_free(&b);
	return err;
}

/* The value's own view inside a parsed header, so that a->params points into it. */
static struct str value_of(const struct sip_msg *m, enum sip_hdr_id id)
{
	return sip_hdr_value(m, id);
}

static int set_contact_target(struct sip_dialog *d, const struct sip_msg *msg)
{
	struct sip_each e = { 0 };
	struct str v;
	struct sip_addr a;

	if (!sip_each(msg, SIP_H_CONTACT, &e, &v) || sip_addr_parse(&a, v) || a.star)
		return ENOENT;
	return set_word(&d->target, sip_uri_as_target(&a.uri));
}

/* Record-Route as route set: in order for the UAS, reversed for the UAC (12.1). */
static int set_routes(struct sip_dialog *d, const struct sip_msg *msg, bool reverse)
{
	struct str list[64], v;
	struct buf b = BUF_INIT;
	struct sip_each e = { 0 };
	size_t n = 0;
	int err;

	while (n < ARRAY_LEN(list) && sip_each(msg, SIP_H_RECORD_ROUTE, &e, &v))
		list[n++] = v;
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_put(&b, STR(", "));
		buf_put(&b, list[reverse ? n - 1 - i : i]);
	}
	err = buf_err(&b);
	if (!err)
		err = set_word(&d->route, buf_view(&b));
	buf_free(&b);
	return err;
}

int sip_dialog_new_uas(struct sip_dialog **out, struct sip_server_tx *tx, struct str contact,
		       const struct sip_dialog_user *user)
{
	struct sip_dialog *d = obj_new(sizeof(*d), dialog_free);
	const struct sip_msg *m = tx->req;
	int err;

	if (!d)
		return ENOMEM;
	d->stack = tx->stack;
	set_user(d, user);
	d->path = m->from_path;
	d->secure = sip_uri_is_sips(&m->ruri) && net_is_secure(m->from_path.proto);     /* 12.1.1 */
	d->remote_cseq = m->cseq;
	d->remote_cseq_set = true;
	d->local_cseq = 0;
	err = set_word(&d->call_id, m->call_id);
	if (!err)
		err = set_word(&d->local_tag, str_z(tx->to_tag));
	if (!err)
		err = set_word(&d->remote_tag, m->from.tag);
	if (!err)
		err = set_untagged(&d->local, &m->to, value_of(m, SIP_H_TO));
	if (!err)
		err = set_untagged(&d->remote, &m->from, value_of(m, SIP_H_FROM));
	if (!err)
		err = set_word(&d->contact, contact);
	if (!err)
		err = set_routes(d, m, false);
	if (!err && set_contact_target(d, m)) {
		d->use_path = true;     /* nothing to send to but where it came from */
		err = set_word(&d->target, sip_uri_as_target(&m->from.uri));
	}
	if (!err)
		err = insert_dialog(d);
	if (err) {
		obj_drop(d);
		return err;
	}
	*out = d;
	return 0;
}

/* ---- from a process before this one ----------------------------------------------------------- */

static int set_kept(struct sip_dialog *d, const struct sip_dialog_kept *k)
{
	int err = set_word(&d->call_id, k->call_id);

	err = err ? err : set_word(&d->local_tag, k->local_tag);
	err = err ? err : set_word(&d->remote_tag, k->remote_tag);
	err = err ? err : set_word(&d->local, k->local);
	err = err ? err : set_word(&d->remote, k->remote);
	err = err ? err : set_word(&d->contact, k->contact);
	err = err ? err : set_word(&d->route, k->route);
	return err ? err : set_word(&d->target, k->target);
}

int sip_dialog_restore(struct sip_dialog **out, struct sip_stack *s, const struct sip_dialog_kept *k,
		       const struct sip_dialog_user *user)
{
	struct sip_dialog *d;
	int err;

	if (!sip_dialog_can_stand(k))
		return EBADMSG;
	if (sip_dialog_find(s, k->call_id, k->local_tag, k->remote_tag))
		return EEXIST;
	d = obj_new(sizeof(*d), dialog_free);
	if (!d)
		return ENOMEM;
	d->stack = s;
	set_user(d, user);
	d->path = k->path;
	if (net_is_stream(d->path.proto))       /* nobody listens at the other end of what was a connection */
		d->path = (struct net_path){ 0 };
	else
		d->use_path = k->use_path;
	d->secure = k->secure;
	d->local_cseq = k->local_cseq;
	d->remote_cseq = k->remote_cseq;
	d->remote_cseq_set = true;
	err = set_kept(d, k);
	err = err ? err : insert_dialog(d);
	if (err)
		obj_drop(d);
	else
		*out = d;
	return err;
}

static struct str with_tag(struct sip_out *o, struct str value, struct str tag)
{
	return tag.n ? arena_cat(o->arena, value, STR(";tag="), tag) :
	       sip_out_dup(o, value);
}

static void fill_request(struct sip_dialog *d, struct sip_out *o)
{
	o->from = with_tag(o, d->local, d->local_tag);
	o->to = with_tag(o, d->remote, d->remote_tag);
	o->call_id = sip_out_dup(o, d->call_id);
	o->contact = sip_out_dup(o, d->contact);
	o->via_host = sip_out_dup(o, d->via_host);
	if (d->user_agent.n)
		o->user_agent = sip_out_dup(o, d->user_agent);
}

int sip_dialog_new_uac(struct sip_dialog **out, struct sip_stack *s, struct sip_out *req, struct str local,
		       struct str remote, struct str contact, const struct sip_dialog_user *user)
{
	struct sip_dialog *d = obj_new(sizeof(*d), dialog_free);
	char tag[SIP_TAG + 1], id[33];
	int err;

	if (!d)
		return ENOMEM;
	d->stack = s;
	set_user(d, user);
	d->uac = true;
	d->secure = str_istarts(req->ruri, STR("sips:"));        /* 12.1.2 */
	sip_token(s, tag, SIP_TAG);
	sip_token(s, id, 32);
	d->local_cseq = 1;
	err = set_word(&d->call_id, str_z(id));
	if (!err)
		err = set_word(&d->local_tag, str_z(tag));
	if (!err)
		err = set_word(&d->local, local);
	if (!err)
		err = set_word(&d->remote, remote);
	if (!err)
		err = set_word(&d->contact, contact);
	if (!err)
		err = set_word(&d->target, req->ruri);
	if (!err)
		err = set_word(&d->route, req->route);
	if (!err)
		err = set_word(&d->via_host, req->via_host);
	if (!err)
		err = insert_dialog(d);
	if (err) {
		obj_drop(d);
		return err;
	}
	fill_request(d, req);
	req->cseq = d->local_cseq;
	*out = d;
	return 0;
}

static int fork_new(const struct sip_dialog *d, const struct sip_dialog_user *user, struct sip_dialog **out)
{
	struct sip_dialog *f = obj_new(sizeof(*f), dialog_free);
	int err;

	if (!f)
		return ENOMEM;
	f->stack = d->stack;
	set_user(f, user);
	f->uac = true;
	f->local_cseq = d->local_cseq;
	f->path = d->path;
	f->secure = d->secure;
	err = set_word(&f->call_id, d->call_id);
	if (!err)
		err = set_word(&f->local_tag, d->local_tag);
	if (!err)
		err = set_word(&f->local, d->local);
	if (!err)
		err = set_word(&f->remote, d->remote);
	if (!err)
		err = set_word(&f->contact, d->contact);
	if (!err)
		err = set_word(&f->target, d->target);
	if (!err)
		err = set_word(&f->via_host, d->via_host);
	if (!err)
		err = sip_dialog_set_agent(f, d->user_agent);
	if (!err)
		err = insert_dialog(f);
	if (err) {
		obj_drop(f);
		return err;
	}
	*out = f;
	return 0;
}

static int take_response(struct sip_dialog *d, const struct sip_msg *msg)
{
	int err = 0;

	if (!d->remote_tag.n) {
		err = set_word(&d->remote_tag, msg->to.tag);
		if (!err)
			err = set_untagged(&d->remote, &msg->to, value_of(msg, SIP_H_TO));
	}
	/* The route set is fixed by the 2xx; before, each provisional may bring its own (13.2.2.4). */
	if (!err && !d->confirmed)
		err = set_routes(d, msg, true);
	if (!err) {
		set_contact_target(d, msg);
		d->path = msg->from_path;
		if (msg->status >= 200)
			d->confirmed = true;
	}
	return err;
}

int sip_dialog_response(struct sip_dialog *d, const struct sip_msg *msg, struct sip_dialog **fork)
{
	struct sip_dialog *f;
	bool known;
	int err;

	if (!d->remote_tag.n || str_eq(d->remote_tag, msg->to.tag))
		return take_response(d, msg);
	if (!fork)
		return EEXIST;
	f = obj_hold(sip_dialog_find(d->stack, d->call_id, d->local_tag, msg->to.tag));
	known = f;
	if (!known) {
		err = fork_new(d, &d->user, &f);
		if (err)
			return err;
	}
	err = take_response(f, msg);
	if (!err) {
		*fork = f;
		return 0;
	}
	if (!known)
		sip_dialog_close(f);    /* nobody else knows of it */
	obj_drop(f);
	return err;
}

int sip_dialog_learn(struct sip_dialog *d, const struct sip_msg *request)
{
	int err = set_word(&d->remote_tag, request->from.tag);

	if (!err)
		err = set_routes(d, request, false);
	if (err)
		return err;
	set_contact_target(d, request);
	d->path = request->from_path;
	d->remote_cseq = request->cseq;
	d->remote_cseq_set = d->confirmed = true;
	return 0;
}

int sip_dialog_new_fork(struct sip_dialog **out, const struct sip_dialog *d, const struct sip_msg *request,
			const struct sip_dialog_user *user)
{
	struct sip_dialog *f;
	int err = fork_new(d, user, &f);

	if (err)
		return err;
	err = sip_dialog_learn(f, request);
	if (err) {
		sip_dialog_close(f);
		obj_drop(f);
	} else {
		*out = f;
	}
	return err;
}

/* R-URI and Route from target and route set, for loose and strict routers (12.2.1.1). */
static void set_destination(struct sip_dialog *d, struct sip_out *o)
{
	struct str rest = d->route, first;
	struct sip_addr a;

	o->ruri = sip_out_dup(o, d->target);
	if (!d->route.n)
		return;
	first = str_trim(str_cut_addr(&rest, ','));
	if (sip_addr_parse(&a, first) || sip_uri_param(&a.uri, STR("lr"), NULL)) {
		o->route = sip_out_dup(o, d->route);
		return;
	}
	o->ruri = sip_out_dup(o, a.uri_text);
	o->strict_route = true;
	rest = str_trim(rest);
	o->route = rest.n ? arena_cat(o->arena, rest, STR(", <"), d->target, STR(">")) :
		   arena_cat(o->arena, STR("<"), d->target, STR(">"));
}

struct sip_out *sip_dialog_request(struct sip_dialog *d, enum sip_method m)
{
	struct sip_out *o = sip_out_new(m);

	if (!o)
		return NULL;
	fill_request(d, o);
	set_destination(d, o);
	/* A first request of ours starts at a number of our own (12.2.1.1). */
	o->cseq = ++d->local_cseq;
	if (m == SIP_BYE || m == SIP_PRACK || m == SIP_INFO || m == SIP_MESSAGE)
		o->contact = STR_NULL;
	return o;
}

struct sip_out *sip_dialog_ack(struct sip_dialog *d, uint32_t invite_cseq)
{
	struct sip_out *o = sip_out_new(SIP_ACK);

	if (!o)
		return NULL;
	fill_request(d, o);
	set_destination(d, o);
	o->cseq = invite_cseq;
	o->contact = STR_NULL;
	return o;
}

int sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *msg)
{
	d->path = msg->from_path;
	return set_contact_target(d, msg);
}

int sip_dialog_set_target(struct sip_dialog *d, struct str uri)
{
	return set_word(&d->target, uri);
}

int sip_dialog_set_via(struct sip_dialog *d, struct str sent_by)
{
	return set_word(&d->via_host, sent_by);
}

int sip_dialog_set_agent(struct sip_dialog *d, struct str agent)
{
	return set_word(&d->user_agent, agent);
}

int sip_dialog_set_route(struct sip_dialog *d, struct str route)
{
	return set_word(&d->route, route);
}

struct sip_dialog *sip_dialog_find(struct sip_stack *s, struct str call_id, struct str local_tag,
				   struct str remote_tag)
{
	struct sip_dialog *d;

	for (d = map_get(s->dialogs, local_tag); d; d = d->fork_next)
		if (str_eq(d->call_id, call_id) && str_eq(d->remote_tag, remote_tag))
			return d;
	return NULL;
}

struct sip_dialog *sip_dialog_sibling(struct sip_stack *s, struct str call_id, struct str local_tag)
{
	struct sip_dialog *d;

	for (d = map_get(s->dialogs, local_tag); d; d = d->fork_next)
		if (str_eq(d->call_id, call_id))
			return d;
	return NULL;
}

/* 12.2.2: a number lower than the last is refused with 500; ACK and CANCEL carry
 * an INVITE's number and are not counted. */
static bool in_order(struct sip_dialog *d, const struct sip_msg *msg)
{
	if (d->remote_cseq_set && msg->cseq < d->remote_cseq)
		return false;
	d->remote_cseq = msg->cseq;
	d->remote_cseq_set = true;
	return true;
}

bool sip_dialog_receive(struct sip_stack *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sip_dialog *d = sip_dialog_find(s, msg->call_id, msg->to.tag, msg->from.tag);

	/* The peer's first request may reach us before its response did (13.2.2.4
	 * leaves a dialog without remote tag): the tag is then learnt here. */
	if (!d && !msg->from.tag.n)
		/* Nor does everybody say a tag each time, as in RFC 2543. Ours is secret enough. */
		d = sip_dialog_sibling(s, msg->call_id, msg->to.tag);
	if (!d) {
		d = map_get(s->dialogs, msg->to.tag);
		if (!d || d->remote_tag.n || !str_eq(d->call_id, msg->call_id))
			return false;
		if (set_word(&d->remote_tag, msg->from.tag))
			return false;
	}
	sip_proven(s, msg);
	obj_hold(d);
	if (!tx) {
		if (d->user.ack)
			d->user.ack(d->user.arg, d, msg);
	} else if (!in_order(d, msg)) {
		sip_server_tx_reply(tx, 500);
	} else if (d->user.request) {
		d->user.request(d->user.arg, d, tx, msg);
	} else {
		sip_server_tx_reply(tx, 481);
	}
	obj_drop(d);
	return true;
}
