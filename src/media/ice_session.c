/* media/ice_session.c -- ICE for the core: makes the agent of a wire and hands it down, keeps what the
 * SDP needs to know of it, and turns the calls of ice_media.h into runs on the wire's thread. */
#define LOG_MODULE "ice"
#include "media/ice_media.h"
#include "media/core.h"
#include "media/wire_ice.h"
#include "base/log.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/poison.h"

/* ---- what the core remembers */

static struct core_ice *ice_of(const struct media_session *s)
{
	return s->w ? s->w->ice : NULL;
}

bool media_ice_is_on(const struct media_session *s) { return ice_of(s) != NULL; }

const struct ice_own *media_ice_own(const struct media_session *s)
{
	return ice_of(s) ? &ice_of(s)->own : NULL;
}

size_t media_ice_locals(const struct media_session *s) { return ice_of(s) ? ice_of(s)->nlocal : 0; }
bool media_ice_gathered(const struct media_session *s) { return ice_of(s) && ice_of(s)->gathered; }
enum ice_state media_ice_state(const struct media_session *s) { return ice_of(s) ? ice_of(s)->state : ICE_IDLE; }

const struct ice_candidate *media_ice_local(const struct media_session *s, size_t i)
{
	return i < media_ice_locals(s) ? &ice_of(s)->local[i] : NULL;
}

bool media_ice_relay(const struct media_session *s, unsigned component, struct sa *at)
{
	const struct core_ice *c = ice_of(s);

	for (size_t i = 0; c && c->state == ICE_CONNECTED && c->relayed && i < c->nlocal; i++)
		if (c->local[i].type == CANDIDATE_RELAY && c->local[i].component == component && sa_is_v6(&c->local[i].addr) == c->v6) {
			*at = c->local[i].addr;
			return true;
		}
	return false;
}

bool media_ice_is_other(const struct media_session *s, struct str ufrag, struct str pwd)
{
	const struct core_ice *c = ice_of(s);

	return c && c->rufrag[0] && (!str_eq(ufrag, str_z(c->rufrag)) || !str_eq(pwd, str_z(c->rpwd)));
}

bool media_ice_knows(const struct media_session *s, struct str ufrag)
{
	const struct core_ice *c = ice_of(s);

	return c && str_eq(ufrag, str_z(c->rufrag));
}

/* ---- runs on the thread */

enum ice_ask_kind { ASK_START, ASK_REMOTE, ASK_MORE, ASK_RESTART, ASK_UNDO, ASK_STOP };

struct ice_ask {
	struct run run;
	enum ice_ask_kind kind;
	struct ice_wire *ice;           /* held: to be put on the wire, or taken off it */
	enum ice_role role;
	struct ice_own own;
	bool mux, done, lite;
	char ufrag[ICE_CREDENTIAL_MAX + 1], pwd[ICE_CREDENTIAL_MAX + 1];
	size_t n;
	struct ice_candidate c[ICE_MAX_CANDIDATES];
};

static void ask_back(struct run *r)
{
	struct ice_ask *a = container_of(r, struct ice_ask, run);

	obj_drop(a->ice);
	explicit_bzero(&a->own, sizeof(a->own));
	explicit_bzero(a->pwd, sizeof(a->pwd));
	free(a);
}

static void add_candidates(struct ice_wire *i, const struct ice_ask *a, uint64_t now_us)
{
	for (size_t k = 0; k < a->n; k++) {
		struct candidate c;

		ice_candidate_describe(&a->c[k], &c);
		ice_add_remote(i->agent, &c, now_us);
	}
	if (a->done)
		ice_remote_done(i->agent);
}

static void ask_of_agent(struct ice_wire *i, struct ice_ask *a, uint64_t now_us)
{
	struct ice_remote r = { .ufrag = str_z(a->ufrag), .pwd = str_z(a->pwd), .lite = a->lite, .done = a->done,
				.now_us = now_us };

	switch (a->kind) {
	case ASK_REMOTE:
		if (a->mux)
			ice_one_component(i->agent, now_us);
		if (!ice_set_remote(i->agent, &r))
			add_candidates(i, a, now_us);
		break;
	case ASK_MORE:
		add_candidates(i, a, now_us);
		break;
	case ASK_RESTART:
		ice_restart(i->agent, a->role, &a->own, now_us);
		break;
	default:
		ice_restart_undo(i->agent);
		break;
	}
	ice_wire_due(i);
}

static void ask_run(struct stream *s, struct run *r)
{
	struct ice_ask *a = container_of(r, struct ice_ask, run);
	struct wire *w = s->w;

	if (a->kind == ASK_START && !w->ice) {
		ice_wire_put(w, a->ice);
		a->ice = NULL;
	} else if (a->kind == ASK_STOP) {
		a->ice = ice_wire_take(w);
	} else if (w->ice) {
		ask_of_agent(ice_wire_of(w), a, s->t->now_us);
	}
	mthread_give(s->t, EV_RUN, s, r, 0);
}

static struct ice_ask *ask_new(enum ice_ask_kind kind)
{
	struct ice_ask *a = calloc(1, sizeof(*a));

	if (a) {
		a->kind = kind;
		a->run = (struct run){ .fn = ask_run, .back = ask_back };
	}
	return a;
}

/* Takes `a`. */
static int ask_post(struct media_session *s, struct ice_ask *a)
{
	struct cmd c = { .type = CMD_RUN, .p = &a->run };
	int err = core_post(s, &c);

	if (err)
		ask_back(&a->run);
	return err;
}

/* ---- making */

void ice_random_system(void *arg, void *p, size_t n)
{
	(void)arg;
	/* Without chance nobody may guess right: better no ICE than one that can be guessed. */
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

static void no_send(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n)
{
	(void)arg, (void)component, (void)base, (void)to, (void)p, (void)n;
}

static void wire_ice_free(void *arg)
{
	ice_wire_streams_free(arg);
	obj_drop(((struct ice_wire *)arg)->agent);
}

/* Both sockets of the wire are bound alike: to this address, or to all of its family. */
static bool serves(const struct sa *bound, const struct sa *host)
{
	if (!sa_is_any(bound))
		return sa_eq_host(bound, host);
	return sa_is_v6(bound) || !sa_is_v6(host);
}

/* A socket for all addresses asks from one of them, so one that may is enough. */
static void mark_servers(struct ice *agent, const struct media_ice_prm *prm)
{
	bool may[2] = { false, false };

	for (size_t i = 0; i < prm->nhosts; i++)
		may[sa_is_v6(&prm->host[i].addr)] |= !prm->host[i].no_servers;
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned rtcp = 0; !may[v6] && rtcp < 2; rtcp++)
			ice_base_no_servers(agent, wire_ice_base(rtcp, v6));
}

static int add_hosts(const struct media_session *s, struct ice *agent, const struct media_ice_prm *prm)
{
	for (size_t i = 0; i < prm->nhosts; i++) {
		if (!serves(&s->local[0], &prm->host[i].addr))
			continue;
		for (unsigned k = 0; k < prm->components; k++) {
			struct sa addr = prm->host[i].addr, shown = prm->host[i].shown;
			int err;

			sa_set_port(&addr, sa_port(&s->local[k]));
			if (sa_is_set(&shown))
				sa_set_port(&shown, sa_port(&s->local[k]));
			err = ice_add_host(agent, k + 1, wire_ice_base(k, sa_is_v6(&addr)), &addr, sa_is_set(&shown) ? &shown : NULL);
			if (err && err != EEXIST && err != ENOSPC)
				return err;
		}
	}
	return ice_locals(agent) ? 0 : EINVAL;
}

static int add_servers(struct ice *agent, const struct media_ice_prm *prm)
{
	int err;

	mark_servers(agent, prm);
	err = sa_is_set(&prm->stun) ? ice_add_server(agent, ICE_STUN, &prm->stun, STR_NULL, STR_NULL) : 0;
	if (!err && sa_is_set(&prm->turn))
		err = ice_add_server(agent, prm->turn_kind ? prm->turn_kind : ICE_TURN, &prm->turn, prm->turn_user,
				     prm->turn_password);
	return err;
}

static int agent_new(const struct media_session *s, const struct media_ice_prm *prm, struct ice **out)
{
	struct ice_prm ip = { .ops = { .send = no_send, .random = ice_random_system }, .role = prm->role,
			      .components = prm->components, .software = prm->software, .now_us = clock_us(s->m->clock) };
	struct ice *agent = NULL;
	int err = stun_hash_openssl(&ip.hash);

	if (err)
		return err;
	err = ice_new(&agent, &ip);
	obj_drop(ip.hash.arg);
	if (!err)
		err = add_hosts(s, agent, prm);
	if (!err)
		err = add_servers(agent, prm);
	if (err)
		obj_drop(agent);
	else
		*out = agent;
	return err;
}

static struct core_ice *core_ice_new(const struct ice *agent)
{
	struct core_ice *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	str_copy(c->own.ufrag, sizeof(c->own.ufrag), ice_ufrag(agent));
	str_copy(c->own.pwd, sizeof(c->own.pwd), ice_pwd(agent));
	for (; c->nlocal < ice_locals(agent); c->nlocal++)
		c->local[c->nlocal] = *ice_local(agent, c->nlocal);
	return c;
}

int media_ice_start(struct media_session *s, const struct media_ice_prm *prm)
{
	struct ice_ask *a = NULL;
	struct ice *agent = NULL;
	struct core_ice *c;
	int err;

	if (s->closed || !s->m)
		return ESHUTDOWN;
	if (s->w->ice)
		return EEXIST;
	err = agent_new(s, prm, &agent);
	if (err)
		return err;
	a = ask_new(ASK_START);
	c = core_ice_new(agent);
	if (a)
		a->ice = obj_new(sizeof(*a->ice), wire_ice_free);
	if (!a || !c || !a->ice ||
	    (sa_is_set(&prm->turn) && prm->turn_kind != ICE_TURN_UDP && !s->w->w.net && ice_wire_streams(a->ice))) {
		obj_drop(agent);
		free(c);
		if (a)
			ask_back(&a->run);
		return ENOMEM;
	}
	a->ice->agent = agent;
	c->gathered = !sa_is_set(&prm->stun) && !sa_is_set(&prm->turn);
	/* Before it is posted: inline, its events come at once. */
	s->w->ice = c;
	err = ask_post(s, a);
	if (err) {
		s->w->ice = NULL;
		free(c);
	}
	return err;
}

/* ---- the peer */

/* What of its candidates we could use, by value. */
static void take_candidates(struct ice_ask *a, const struct candidate *c, size_t n)
{
	for (size_t i = 0; i < n && a->n < ICE_MAX_CANDIDATES; i++) {
		struct ice_candidate *o = &a->c[a->n];

		if (!candidate_usable(&c[i]) || c[i].component > ICE_COMPONENTS)
			continue;
		*o = (struct ice_candidate){ .type = c[i].type, .component = (uint8_t)c[i].component, .addr = c[i].addr,
					     .related = c[i].related, .priority = c[i].priority };
		str_copy(o->foundation, sizeof(o->foundation), c[i].foundation);
		a->n++;
	}
}

int media_ice_remote(struct media_session *s, const struct ice_remote *r, bool mux, const struct candidate *c, size_t n)
{
	struct core_ice *k = ice_of(s);
	struct ice_ask *a;
	int err = ice_ufrag_check(r->ufrag);

	if (!k)
		return EINVAL;
	if (!err)
		err = ice_pwd_check(r->pwd);
	if (err)
		return err;
	if (media_ice_is_other(s, r->ufrag, r->pwd))
		return EPROTO;
	a = ask_new(ASK_REMOTE);
	if (!a)
		return ENOMEM;
	str_copy(a->ufrag, sizeof(a->ufrag), r->ufrag);
	str_copy(a->pwd, sizeof(a->pwd), r->pwd);
	a->lite = r->lite;
	a->done = r->done;
	a->mux = mux;
	take_candidates(a, c, n);
	err = ask_post(s, a);
	if (!err) {
		str_copy(k->rufrag, sizeof(k->rufrag), r->ufrag);
		str_copy(k->rpwd, sizeof(k->rpwd), r->pwd);
		k->restarted = false;
	}
	return err;
}

int media_ice_more(struct media_session *s, struct str ufrag, const struct candidate *c, size_t n, bool done)
{
	struct core_ice *k = ice_of(s);
	struct ice_ask *a;

	if (!k)
		return EINVAL;
	if (!str_eq(ufrag, str_z(k->rufrag)))
		return ESTALE;
	a = ask_new(ASK_MORE);
	if (!a)
		return ENOMEM;
	a->done = done;
	take_candidates(a, c, n);
	return ask_post(s, a);
}

/* ---- restart, end */

int media_ice_restart(struct media_session *s, enum ice_role role)
{
	struct ice_ops ops = { .random = ice_random_system };
	struct core_ice *k = ice_of(s);
	struct ice_own own;
	struct ice_ask *a;
	int err;

	if (!k)
		return EINVAL;
	a = ask_new(ASK_RESTART);
	if (!a)
		return ENOMEM;
	ice_draw(&ops, &a->own);
	a->role = role;
	own = a->own;
	err = ask_post(s, a);
	if (err)
		return err;
	if (!k->restarted) {
		k->before = k->own;
		str_copy(k->rufrag_before, sizeof(k->rufrag_before), str_z(k->rufrag));
		str_copy(k->rpwd_before, sizeof(k->rpwd_before), str_z(k->rpwd));
	}
	k->own = own;
	k->restarted = true;
	k->rufrag[0] = k->rpwd[0] = '\0';
	return 0;
}

int media_ice_forget_remote(struct media_session *s)
{
	struct core_ice *k = ice_of(s);
	struct ice_ask *a;
	int err;

	if (!k)
		return EINVAL;
	a = ask_new(ASK_RESTART);
	if (!a)
		return ENOMEM;
	a->own = k->own;
	a->role = ICE_CONTROLLING;      /* the offerer */
	err = ask_post(s, a);
	if (!err)
		k->rufrag[0] = k->rpwd[0] = '\0';
	return err;
}

int media_ice_undo(struct media_session *s)
{
	struct core_ice *k = ice_of(s);
	struct ice_ask *a;
	int err;

	if (k && !k->restarted && !k->rufrag[0])
		return media_ice_stop(s);
	if (!k || !k->restarted)
		return 0;
	a = ask_new(ASK_UNDO);
	err = a ? ask_post(s, a) : ENOMEM;
	if (!err) {
		k->own = k->before;
		str_copy(k->rufrag, sizeof(k->rufrag), str_z(k->rufrag_before));
		str_copy(k->rpwd, sizeof(k->rpwd), str_z(k->rpwd_before));
		k->restarted = false;
	}
	return err;
}

int media_ice_stop(struct media_session *s)
{
	struct ice_ask *a;
	int err;

	if (!ice_of(s))
		return 0;
	a = ask_new(ASK_STOP);
	err = a ? ask_post(s, a) : ENOMEM;
	if (!err) {
		free(s->w->ice);
		s->w->ice = NULL;
	}
	return err;
}
