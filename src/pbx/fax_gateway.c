/* A T.38 gateway between a channel and its bridge peer: who asks whom, and what is made of the answers. What media does
 * meanwhile is fax_gate.c's. */
#define LOG_MODULE "fax"
#include "pbx/fax_gateway.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge.h"
#include "pbx/channel_private.h"
#include "pbx/fax_gate.h"
#include "pbx/fax_t38.h"
#include <errno.h>

enum { LOOK_MS = 100, ACTIVITY_MS = 10000 };

/* A note of the channel. */
static const char key[] = "fax-gateway";
struct fax_gateway {            /* obj */
	struct channel *ch;             /* view: the gateway goes before it */
	struct fax_details *d;          /* held */
	struct fax_gate *gate;          /* owned */
	enum t38_state state;           /* of the talk about T.38; UNAVAILABLE: nobody has begun */
	bool bridged;                   /* has been */
	bool heard;                     /* a fax machine */
	uint64_t timeout_ms, since_ms;  /* since 0: no time is running */
	struct timer look;
};

static uint64_t now_ms(const struct fax_gateway *g)
{
	return clock_ms(g->ch->pbx->clock);
}

static struct channel *peer_of(const struct fax_gateway *g)
{
	return g->ch->bridge ? bridge_peer(g->ch) : NULL;
}

/* Takes itself away; `result` NULL: what there is stays. */
static void leave(struct fax_gateway *g, const char *result, const char *resultstr, const char *error)
{
	struct channel *ch = g->ch;

	obj_hold(g);
	if (result)
		fax_result(g->d, result, resultstr, error);
	fax_gate_end(g->gate, g->d);
	fax_variables(ch, g->d);
	channel_t38_between_clear(ch, g);
	channel_note_set(ch, key, NULL);
	obj_drop(g);
}

static void expect_activity(struct fax_gateway *g)
{
	g->since_ms = now_ms(g);
	g->timeout_ms = ACTIVITY_MS;
	g->d->t38 = false;
}

/* ---- what is said */

/* `to` is the channel itself or its peer. */
static void say(struct fax_gateway *g, struct channel *to, const struct t38_parameters *p)
{
	if (to == g->ch)
		(void)channel_t38_indicate_past(to, p);
	else
		(void)channel_t38_indicate(to, p);
}

static void say_ours(struct fax_gateway *g, struct channel *to, enum t38_what what)
{
	const struct t38_parameters p = fax_t38_ours(what);

	say(g, to, &p);
}

static void say_theirs(struct fax_gateway *g, struct channel *to, enum t38_what what)
{
	const struct fax_t38 *t = &g->d->theirs;
	const struct t38_parameters p = { .what = what, .version = t->version, .max_ifp = t->max_ifp, .rate = T38_14400,
		.management = t->local_tcf ? T38_LOCAL_TCF : T38_TRANSFERRED_TCF, .fill_bit_removal = t->fill_bit_removal,
		.transcoding_mmr = t->mmr, .transcoding_jbig = t->jbig };

	say(g, to, &p);
}

/* From here on packets of `t38` are made sound for `sound`, and back. */
static void stand_between(struct fax_gateway *g, struct channel *t38, struct channel *sound)
{
	log_debug(1, "T.38 gateway for T.38 channel %s and G.711 channel %s", text_z(&t38->name), text_z(&sound->name));
	g->state = T38_NEGOTIATED;
	g->since_ms = 0;
	g->d->t38 = g->ch == t38;
	fax_gate_begin(g->gate, t38, sound);
	fax_tell_status(g->ch, g->d, "FAX Transmission In Progress");
	fax_tell_status(g->ch, g->d, "T.38 Negotiated");
}

/* ---- what is heard of T.38. Each: true, it goes no further. */

static bool is_asked(struct fax_gateway *g, struct channel *active, struct channel *other, const struct t38_parameters *p)
{
	switch (channel_t38_state(other)) {
	case T38_UNKNOWN:
		/* It can speak for itself; if it says no, there is still the gateway. */
		fax_t38_theirs(g->d, p);
		g->state = T38_UNKNOWN;
		expect_activity(g);
		return false;
	case T38_UNAVAILABLE:
	case T38_REJECTED:
		fax_t38_theirs(g->d, p);
		stand_between(g, active, other);
		say_ours(g, active, T38_IS_NEGOTIATED);
		return true;
	case T38_NEGOTIATING:
	case T38_NEGOTIATED:
		break;
	}
	if (g->state == T38_NEGOTIATING) {
		/* We have asked the other one already: as if that had been this wish. */
		fax_t38_theirs(g->d, p);
		g->state = T38_UNKNOWN;
		expect_activity(g);
		return true;
	}
	if (g->state == T38_NEGOTIATED) {
		/* Both have it now. */
		say_theirs(g, active, T38_IS_NEGOTIATED);
		g->d->t38 = true;
		leave(g, "SUCCESS", "no gateway necessary", "NATIVE_T38");
		return true;
	}
	log_warning("%s is attempting to negotiate T.38 while %s is in an unsupported state", text_z(&active->name), text_z(&other->name));
	return false;
}

static bool is_refused(struct fax_gateway *g, struct channel *active, struct channel *other)
{
	enum t38_state state_other = channel_t38_state(other);

	if (g->state != T38_NEGOTIATING) {
		/* It does not want what the other one has asked for. */
		stand_between(g, other, active);
		say_ours(g, other, T38_IS_NEGOTIATED);
		return true;
	}
	g->d->t38 = false;
	if (state_other == T38_UNKNOWN)
		g->state = T38_UNAVAILABLE;     /* that one may still ask */
	else if (state_other != T38_NEGOTIATING)
		leave(g, "FAILED", "unable to negotiate T.38", "T38_NEG_ERROR");
	return true;
}

static bool is_negotiated(struct fax_gateway *g, struct channel *active, struct channel *other, const struct t38_parameters *p)
{
	if (g->state == T38_NEGOTIATED)
		return true;            /* what we have said comes back */
	if (g->state == T38_NEGOTIATING) {
		fax_t38_theirs(g->d, p);
		stand_between(g, active, other);
		return true;
	}
	log_debug(1, "T.38 successfully negotiated between %s and %s, no gateway necessary", text_z(&active->name), text_z(&other->name));
	g->d->t38 = true;
	leave(g, "SUCCESS", "no gateway necessary", "NATIVE_T38");
	return false;
}

static bool is_ended(struct fax_gateway *g, struct channel *active, enum t38_what what)
{
	if (what == T38_ASK_TERMINATE && g->state == T38_NEGOTIATING)
		return false;
	g->state = T38_REJECTED;
	g->d->t38 = false;
	if (what == T38_ASK_TERMINATE)
		say_ours(g, active, T38_IS_TERMINATED);
	leave(g, NULL, NULL, NULL);
	return true;
}

static bool on_t38(void *arg, struct channel *ch, bool came, const struct t38_parameters *p)
{
	struct fax_gateway *g = arg;
	struct channel *peer = peer_of(g), *active = came ? ch : peer, *other = came ? peer : ch;

	if (!peer)
		return false;
	switch (p->what) {
	case T38_ASK_NEGOTIATE:
		return is_asked(g, active, other, p);
	case T38_IS_REFUSED:
		return g->state != T38_REJECTED && is_refused(g, active, other);
	case T38_IS_NEGOTIATED:
		return is_negotiated(g, active, other, p);
	case T38_ASK_TERMINATE:
	case T38_IS_TERMINATED:
		return is_ended(g, active, p->what);
	case T38_ASK_PARAMETERS:
		break;
	}
	return false;
}

/* ---- what is heard in the sound */

/* The one who speaks is called, so it is for the other one to change; FAXOPT(negotiate_both): both are asked. */
static void on_fax(void *arg, bool from_channel)
{
	struct fax_gateway *g = arg;
	struct channel *peer = peer_of(g), *active = from_channel ? g->ch : peer, *other = from_channel ? peer : g->ch;
	const struct fax_details *of_active;
	enum t38_state state_active, state_other;

	if (!peer || g->heard || g->state != T38_UNAVAILABLE)
		return;
	g->heard = true;
	of_active = fax_find(active);
	state_active = channel_t38_state(active);
	state_other = channel_t38_state(other);
	log_debug(1, "detected v21 preamble from %s", text_z(&active->name));
	if (state_active != T38_UNKNOWN && state_other != T38_UNKNOWN)
		return;
	g->state = T38_NEGOTIATING;
	expect_activity(g);
	if (of_active && of_active->negotiate_both && state_active == T38_UNKNOWN)
		say_ours(g, active, T38_ASK_NEGOTIATE);
	if (state_other == T38_UNKNOWN)
		say_ours(g, other, T38_ASK_NEGOTIATE);
}

/* ---- time */

static void look(void *arg);

static void look_later(struct fax_gateway *g)
{
	timer_start(g->ch->pbx->wheel, &g->look, LOOK_MS, look, g);
}

/* false: it has gone. */
static bool meet_peer(struct fax_gateway *g, struct channel *peer)
{
	if (channel_t38_state(g->ch) == T38_UNAVAILABLE && channel_t38_state(peer) == T38_UNAVAILABLE) {
		log_debug(1, "no gateway for %s and %s; neither channel supports T.38", text_z(&g->ch->name), text_z(&peer->name));
		g->d->t38 = false;
		leave(g, "FAILED", "neither channel supports T.38", "T38_NEG_ERROR");
		return false;
	}
	g->bridged = true;
	if (g->timeout_ms)
		g->since_ms = now_ms(g);
	fax_gate_meet(g->gate, peer);
	return true;
}

static bool is_late(struct fax_gateway *g)
{
	char text[64];

	if (!g->bridged || !g->since_ms || now_ms(g) - g->since_ms <= g->timeout_ms)
		return false;
	snprintf(text, sizeof(text), "no fax activity after %u ms", (unsigned)g->timeout_ms);
	log_debug(1, "%s: %s, disabling gateway", text_z(&g->ch->name), text);
	g->d->t38 = false;
	leave(g, "FAILED", text, "TIMEOUT");
	return true;
}

static void look(void *arg)
{
	struct fax_gateway *g = arg;
	struct channel *peer = peer_of(g);

	if (peer && !g->bridged && !g->ch->hungup && !peer->hungup && !meet_peer(g, peer))
		return;
	if (peer && is_late(g))
		return;
	/* Silence while T.38 is talked about, so that the machines do not go on by sound. */
	fax_gate_look(g->gate, peer, g->state == T38_UNAVAILABLE && !g->heard,
		      g->state == T38_UNKNOWN || g->state == T38_NEGOTIATING || g->state == T38_NEGOTIATED);
	look_later(g);
}

/* ---- coming and going */

static void gateway_free(void *arg)
{
	struct fax_gateway *g = arg;

	timer_stop(&g->look);
	fax_gate_free(g->gate);
	obj_drop(g->d);
}

/* The channel ends. */
static void on_gone(void *arg)
{
	struct fax_gateway *g = arg;

	timer_stop(&g->look);
	fax_gate_end(g->gate, g->d);
}

static int begin(struct channel *ch, struct fax_details *d, uint64_t timeout_ms)
{
	struct fax_gateway *g = obj_new(sizeof(*g), gateway_free);
	int err;

	if (!g)
		return ENOMEM;
	g->ch = ch;
	g->d = obj_hold(d);
	g->timeout_ms = timeout_ms;
	g->gate = fax_gate_new(ch, d, on_fax, g);
	err = g->gate ? channel_t38_between(ch, on_t38, on_gone, g) : ENOMEM;
	if (err) {
		obj_drop(g);
		return err;
	}
	err = channel_note_set(ch, key, g);
	if (err)
		channel_t38_between_clear(ch, g);
	else
		look_later(g);
	return err;
}

int fax_gateway_attach(struct channel *ch, struct fax_details *d, uint64_t timeout_ms)
{
	int err;

	if (fax_gateway_is_on(ch))
		return EALREADY;
	if (ch->pbx->fax->debug)
		d->debug = true;
	d->kind = FAX_KIND_GATEWAY;
	fax_result(d, "SUCCESS", "gateway operation started successfully", "NO_ERROR");
	fax_variables(ch, d);
	err = begin(ch, d, timeout_ms);
	if (err) {
		d->t38 = false;
		fax_result(d, "FAILED", "error initializing gateway session", "INIT_ERROR");
		fax_variables(ch, d);
		fax_tell_status(ch, d, "No Available Resource");
	}
	return err;
}

void fax_gateway_detach(struct channel *ch)
{
	struct fax_gateway *g = channel_note(ch, key);

	if (g)
		leave(g, NULL, NULL, NULL);
}

bool fax_gateway_is_on(struct channel *ch)
{
	return channel_note(ch, key) != NULL;
}
