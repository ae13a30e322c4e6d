/* media/session.c -- media sessions: the core's calls, turned into commands. */
#define LOG_MODULE "media"
#include "media/core.h"
#include "media/mixer.h"
#include "base/log.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include "base/poison.h"

/* ---- life */

static void stream_free(struct stream *st)
{
	if (st)
		free(st->t38);
	free(st);
}

static void session_free(void *arg)
{
	struct media_session *s = arg;

	stream_free(s->st);
}

static struct core_thread *choose_thread(struct media *m, const struct media_session *near)
{
	struct core_thread *best = m->t[0];

	if (near && near->m == m)
		return near->w->t;
	for (size_t i = 1; i < m->nt; i++)
		if (m->t[i]->load < best->load)
			best = m->t[i];
	return best;
}

static void mark_socket(int fd, bool v6, bool no_checksums, const struct media_session_prm *prm)
{
	const int on = 1;

	/* IPv6 must have one (RFC 8200 section 8.1). */
	if (no_checksums && !v6)
		setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
	if (prm->tos > 0)
		setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &prm->tos, sizeof(prm->tos));
	if (prm->cos > 0)
		setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &prm->cos, sizeof(prm->cos));
}

static void make_cname(char cname[static 17], uint64_t random)
{
	for (int i = 0; i < 16; i++, random >>= 4)
		cname[i] = "0123456789abcdef"[random & 15];
	cname[16] = 0;
}

static struct stream *stream_new(struct media_session *s, uint32_t ssrc)
{
	struct stream *st = calloc(1, sizeof(*st));
	struct media *m = s->m;

	if (st && s->type == MEDIA_IMAGE)
		st->t38 = calloc(1, sizeof(*st->t38));
	if (!st || (s->type == MEDIA_IMAGE && !st->t38)) {
		free(st);
		return NULL;
	}
	if (st->t38)
		st->t38->send = send_udptl;
	st->session = s;
	st->type = s->type;
	st->w = &s->w->w;
	st->tx.ssrc = s->ssrc = ssrc ? ssrc : (uint32_t)core_random(m);
	st->tx.seq = (uint16_t)(core_random(m) & 0x7fff);  /* RFC 3711 wants no early wrap */
	st->tx.ts = (uint32_t)core_random(m);
	str_copy(st->report.cname, sizeof(st->report.cname), str_z(s->cname));
	memset(st->fwd, FWD_SLOW, sizeof(st->fwd));
	return st;
}

static void release_ports(struct media *m, enum media_type type, uint16_t ranged)
{
	if (type == MEDIA_IMAGE)
		ports_release_single(m, ranged);
	else
		ports_release(m, ranged);
}

/* Takes `place`, also when it fails. */
static int make_wire(struct media_session *s, const struct media_session_prm *prm, const int place[2], uint16_t ranged)
{
	struct media *m = s->m;
	struct core_wire *w = calloc(1, sizeof(*w));

	if (!w) {
		place_close(m->prm.net, place[0]);
		place_close(m->prm.net, place[1]);
		release_ports(m, s->type, ranged);
		return ENOMEM;
	}
	for (int i = 0; !m->prm.net && i < 2 && place[i] >= 0; i++)
		mark_socket(place[i], sa_is_v6(&s->local[0]), s->type == MEDIA_IMAGE ? m->prm.udptl.no_checksums : m->prm.no_checksums,
			    prm);
	wire_init(&w->w, m->prm.net, place, &s->local[0]);
	w->w.udptl = s->type == MEDIA_IMAGE;
	/* A fax machine says each thing once: what comes ahead of the answer is heard. */
	w->keep_early = s->type == MEDIA_IMAGE;
	w->m = m;
	w->t = choose_thread(m, prm->near);
	w->ranged = ranged;
	list_init(&w->sessions);
	list_init(&w->held);
	s->w = w;
	return 0;
}

static int open_wire(struct media_session *s, const struct media_session_prm *prm)
{
	struct media *m = s->m;
	const struct sa *bind = sa_is_set(&prm->bind) ? &prm->bind : &m->prm.bind;
	bool own = prm->port_min || prm->port_max;
	int place[2] = { -1, -1 }, err;
	uint16_t ranged;

	if (s->type == MEDIA_IMAGE)
		err = ports_bind_single(m, bind, &place[0], &s->local[0], &ranged);
	else
		err = ports_bind(m, bind, own ? prm->port_min : m->prm.port_min,
				 own ? prm->port_max : m->prm.port_max, place, s->local, &ranged);
	return err ? err : make_wire(s, prm, place, ranged);
}

static int join_wire(struct media_session *s, const struct media_session *of)
{
	if (of->closed || of->m != s->m)
		return ESHUTDOWN;
	if (of->type == MEDIA_IMAGE || s->type == MEDIA_IMAGE)
		return EINVAL;
	s->w = of->w;
	s->local[0] = of->local[0];
	s->local[1] = of->local[1];
	return 0;
}

static void leave_wire(struct media_session *s)
{
	struct core_wire *w = s->w;

	list_remove(&s->wire_link);
	w->t->load--;
	s->w = NULL;
	if (--w->nsessions)
		return;
	release_ports(w->m, s->type, w->ranged);
	core_forget_wire(w);
}

static void enter_wire(struct media_session *s)
{
	list_append(&s->w->sessions, &s->wire_link);
	s->w->nsessions++;
	s->w->nopen++;
	s->w->t->load++;
}

int media_session_new(struct media_session **out, struct media *m, const struct media_session_prm *prm)
{
	struct media_session *s = obj_new(sizeof(*s), session_free);
	int err;

	if (!s)
		return ENOMEM;
	s->m = m;
	s->type = prm->type;
	s->fn = prm->fn;
	s->arg = prm->arg;
	s->dtmf = MEDIA_DTMF_NONE;
	s->born_us = clock_us(m->clock);
	err = prm->on_wire_of ? join_wire(s, prm->on_wire_of) : open_wire(s, prm);
	if (err)
		goto out;
	enter_wire(s);
	/* All that is one peer's has one name, so that it can play sound and picture together. */
	if (prm->near || prm->on_wire_of)
		memcpy(s->cname, (prm->near ? prm->near : prm->on_wire_of)->cname, sizeof(s->cname));
	else
		make_cname(s->cname, core_random(m));
	s->st = stream_new(s, prm->ssrc);
	err = s->st ? core_closing_new(s) : ENOMEM;
	if (err) {
		if (!--s->w->nopen)
			wire_shut(&s->w->w);
		leave_wire(s);
		goto out;
	}
	m->nsessions++;
	list_append(&m->sessions, &s->link);
	obj_hold(s);            /* the stream's, until EV_CLOSED */
 out:
	if (err)
		obj_drop(s);
	else
		*out = s;
	return err;
}

static void close_it(struct media_session *s, struct stats_req *req)
{
	bool last;

	media_unbridge(s);
	s->fn = NULL;
	s->play_turn++;
	s->closed = true;
	last = !--s->w->nopen;
	if (s->added || req || s->w->known) {
		core_close(s, req, last);
		return;
	}
	/* No thread ever heard of it. */
	if (last)
		wire_shut(&s->w->w);
	session_gone(s);
}

void media_session_close(struct media_session *s, media_stats_fn *done, void *arg)
{
	struct stats_req *req = NULL;

	if (!s)
		return;
	/* What its owner had of it is gone already; the reference left is ours. */
	if (s->given_up) {
		log_error("a media session is closed twice");
		return;
	}
	s->given_up = true;
	if (s->m && !s->closed) {
		if (done) {
			req = calloc(1, sizeof(*req));
			if (req)
				*req = (struct stats_req){ .fn = done, .arg = arg };
		}
		close_it(s, req);
	}
	obj_drop(s);
}

void session_abandon(struct media_session *s)
{
	if (!s->closed)
		close_it(s, NULL);
}

void session_gone(struct media_session *s)
{
	struct media *m = s->m;

	core_forget(s);
	leave_wire(s);
	list_remove(&s->link);
	m->nsessions--;
	s->m = NULL;
	stream_free(s->st);
	s->st = NULL;
	obj_drop(s);
}

void session_event(struct media_session *s, const struct media_event *e)
{
	if (s->fn && s->m && !s->m->closing)
		s->fn(s->arg, s, e);
}

void media_session_handler(struct media_session *s, media_event_fn *fn, void *arg)
{
	s->fn = s->closed ? NULL : fn;
	s->arg = arg;
}

const struct sa *media_session_local(const struct media_session *s) { return &s->local[0]; }
const struct sa *media_session_local_rtcp(const struct media_session *s) { return &s->local[1]; }
enum media_type media_session_type(const struct media_session *s) { return s->type; }
uint32_t media_session_ssrc(const struct media_session *s) { return s->ssrc; }
const char *media_session_cname(const struct media_session *s) { return s->cname; }
bool media_session_together(const struct media_session *a, const struct media_session *b) { return a->w && a->w == b->w; }
bool media_session_bridged(const struct media_session *s) { return s->peer != NULL; }

/* ---- what the SDP says */

/* What one of them is sent is in its own packets and rate, unless both speak the same. */
static struct bridge_needs needs_of(const struct media_session *a, const struct media_session *b)
{
	_Static_assert(FORMATS <= 64 && RATE_KINDS <= 8, "a bit each");
	bool varies = (a->speaks | b->speaks) >> FORMAT_OPUS & 1;
	uint8_t rates = a->rates | b->rates;
	struct bridge_needs n = { 0 };

	if (a->type != MEDIA_AUDIO)
		return n;
	n.cut = a->ptime && b->ptime && a->ptime != b->ptime;
	n.rates = a->speaks != b->speaks && (rates & (rates - 1));
	if (n.cut)
		n.room = RTP_MAX;
	if (varies && a->speaks != b->speaks)
		n.room = CODEC_FRAMED * sizeof(int16_t);
	n.any = n.room || n.rates;
	return n;
}

static bool needs_other(const struct bridge_needs *a, const struct bridge_needs *b)
{
	return a->room != b->room || a->cut != b->cut || a->rates != b->rates;
}

static struct smoother *smoother_new(struct media *m, const struct bridge_needs *n)
{
	struct rate_bank *bank = n->rates ? media_rates(m) : NULL;
	struct smoother *sm = n->rates && !bank ? NULL : calloc(1, sizeof(*sm) + n->room);

	if (sm) {
		sm->room = (uint16_t)n->room;
		sm->cut = n->cut;
		sm->conv.bank = bank;
	}
	return sm;
}

static void note_formats(struct media_session *s, const struct stream_cfg *cfg)
{
	s->speaks = 0;
	s->rates = 0;
	for (size_t i = 0; i < cfg->n; i++) {
		const struct codec *row = cfg->codec[i].row;

		s->speaks |= (uint64_t)1 << cfg->codec[i].id;
		if (row && rate_kind(row->rate) >= 0)
			s->rates = (uint8_t)(s->rates | 1 << rate_kind(row->rate));
	}
}

int media_session_set(struct media_session *s, const struct media_set *set)
{
	struct cmd c = { .type = CMD_CFG };
	struct stream_cfg *cfg;
	bool made;
	int err;

	if (s->closed || !s->m)
		return ESHUTDOWN;
	err = cfg_new(&cfg, set);
	if (err)
		return err;
	cfg->fresh_ssrc = (uint32_t)core_random(s->m);
	err = secure_make(s->w, cfg);
	/* What the thread has of it needs no keys, and is freed as it is. */
	explicit_bzero(&cfg->set.secure.tx, sizeof(cfg->set.secure.tx));
	explicit_bzero(&cfg->set.secure.rx, sizeof(cfg->set.secure.rx));
	if (err) {
		cfg_free(cfg);
		return err;
	}
	s->format = set->ncodecs ? (enum format_id)set->codec[0].id : FORMAT_NONE;
	s->ptime = set->ncodecs ? cfg->codec[0].ptime : 0;
	note_formats(s, cfg);
	s->encoder = set->encoder;
	s->dtmf = set->dtmf;
	c.p = cfg;
	made = cfg->srtp || cfg->dtls[0] || (s->w->nsessions == 1 && set->secure.mode == MEDIA_CLEAR);
	if (cfg->dtls[0])
		s->w->keep_early = true;
	err = core_post(s, &c);
	if (err) {
		cfg_free(cfg);
		return err;
	}
	if (made)
		secure_made(s->w, set);
	if (s->hooks_follow)
		s->hooks_follow(s);
	if (s->peer) {
		struct bridge_needs n = needs_of(s, s->peer);

		return needs_other(&n, &s->needs) ? session_bridge(s, s->peer) : 0;
	}
	return 0;
}

/* ---- who hears whom */

int session_bridge(struct media_session *a, struct media_session *b)
{
	/* Told to the one that is on its way to the other's thread: it happens
	 * when both are there. */
	struct media_session *to = a->w->moving && !b->w->moving ? a : b;
	struct cmd c = { .type = CMD_BRIDGE, .peer = to == a ? b->st : a->st };
	struct bridge_needs n = needs_of(a, b);
	int err = a->added ? 0 : core_add(a);

	if (!err && !b->added)
		err = core_add(b);
	if (err)
		return err;
	if (n.any) {
		c.p = smoother_new(a->m, &n);
		c.q = smoother_new(a->m, &n);
	}
	err = n.any && (!c.p || !c.q) ? ENOMEM : core_post(to, &c);
	if (err) {
		free(c.p);
		free(c.q);
	}
	a->needs = b->needs = n;
	return err;
}

/* On one thread, whichever of them may move. */
int session_bring_together(struct media_session *a, struct media_session *b)
{
	if (a->w->t == b->w->t)
		return 0;
	if (!core_is_pinned(b->w, a->w->t, NULL))
		return core_move(b->w, a->w->t);
	return core_is_pinned(a->w, b->w->t, NULL) ? EXDEV : core_move(a->w, b->w->t);
}

int media_bridge(struct media_session *a, struct media_session *b)
{
	int err;

	if (a->closed || b->closed || !a->m || !b->m)
		return ESHUTDOWN;
	if (a == b || a->type != b->type)
		return EINVAL;
	if (a->peer == b)
		return 0;
	media_unbridge(a);
	media_unbridge(b);
	err = a->place || b->place ? ENOMEM : session_bring_together(a, b);
	if (!err)
		err = session_bridge(a, b);
	if (!err) {
		a->peer = b;
		b->peer = a;
	}
	return err;
}

int media_unbridge(struct media_session *s)
{
	struct media_session *p = s->peer;
	/* What still passes for a moment is no news to either of them. */
	struct cmd c = { .type = CMD_UNBRIDGE, .may_wait = true };

	if (s->closed || !s->m)
		return ESHUTDOWN;
	if (!p)
		return s->place ? s->place->leave(s) : 0;
	s->peer = p->peer = NULL;
	/* One that still waits for a move never happens. */
	core_cancel_bridge(s);
	core_cancel_bridge(p);
	return core_post(s, &c);
}

static int send_simple(struct media_session *s, enum cmd_type type, int v)
{
	struct cmd c = { .type = type, .v = v };

	return core_post(s, &c);
}

int media_echo(struct media_session *s, bool on) { return send_simple(s, CMD_ECHO, on); }
int media_silence(struct media_session *s, bool on) { return send_simple(s, CMD_SILENCE, on); }
int media_dtmf_hold(struct media_session *s, bool hold) { return send_simple(s, CMD_DTMF_HOLD, hold); }
int media_dtmf_end(struct media_session *s) { return send_simple(s, CMD_DTMF_END, 0); }

int media_tone(struct media_session *s, struct tone *t)
{
	struct cmd c = { .type = CMD_TONE, .p = obj_hold(t) };
	int err = core_post(s, &c);

	if (err)
		obj_drop(t);
	return err;
}

static int dtmf_post(struct media_session *s, struct str digits, unsigned ms, unsigned gap_ms, uint32_t tag, bool open)
{
	struct cmd c = { .type = CMD_DTMF };
	struct dtmf_job *j;
	int err;

	if (digits.n > DTMF_MAX)
		return E2BIG;
	for (size_t i = 0; i < digits.n; i++)
		if (rtp_event_of(digits.p[i]) < 0 && (open || (digits.p[i] != 'w' && digits.p[i] != 'W')))
			return EINVAL;
	if (s->dtmf == MEDIA_DTMF_NONE)
		return ENOTSUP;
	j = calloc(1, sizeof(*j));
	if (!j)
		return ENOMEM;
	j->ms = num_u16(ms ? ms : 100);
	j->gap_ms = num_u16(gap_ms ? gap_ms : 100);
	j->tag = tag;
	j->open = open;
	memcpy(j->digits, digits.p, digits.n);
	c.p = j;
	err = core_post(s, &c);
	if (err)
		free(j);
	return err;
}

int media_dtmf_send(struct media_session *s, struct str digits, unsigned ms, unsigned gap_ms, uint32_t tag)
{
	return digits.n ? dtmf_post(s, digits, ms, gap_ms, tag, false) : EINVAL;
}

int media_dtmf_begin(struct media_session *s, char digit)
{
	return dtmf_post(s, str_mk(&digit, 1), 0, 0, 0, true);
}

int media_stats(struct media_session *s, media_stats_fn *fn, void *arg)
{
	struct stats_req *req = calloc(1, sizeof(*req));
	struct cmd c = { .type = CMD_STATS, .p = req };
	int err;

	if (!req)
		return ENOMEM;
	*req = (struct stats_req){ .fn = fn, .arg = arg };
	err = core_post(s, &c);
	if (err)
		free(req);
	return err;
}
