/* Bridges: who is in one, what passes between its members, and its end. */
#define LOG_MODULE "bridge"
#include "pbx/bridge.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/t38.h"
#include <errno.h>
#include <sys/random.h>

static void bridge_free(void *o)
{
	struct bridge *b = o;

	if (map_get(b->pbx->bridges, text_view(&b->id)) == b)
		map_del(b->pbx->bridges, text_view(&b->id));
	text_free(&b->id);
	text_free(&b->type);
	text_free(&b->name);
	text_free(&b->creator);
}

static void member_free(void *o)
{
	struct member *m = o;

	text_free(&m->f.after_context);
	text_free(&m->f.after_exten);
	text_free(&m->f.warn_sound);
	text_free(&m->f.limit_sound);
	free(m->dynamic.v);
	obj_drop(m->dynamic.map);
	obj_drop(m->ch);
	obj_drop(m->bridge);
}

/* ---- events */

static void tell(const struct bridge *b, const char *name, const struct channel *ch, const struct channel *swap)
{
	struct event *e = b->pbx->events ? event_new(b->pbx->events, name, EV_CALL) : NULL;

	if (!e)
		return;
	bridge_headers(e, "", b);
	if (ch)
		event_channel(e, "", ch);
	if (swap)
		event_put(e, "SwapUniqueid", text_view(&swap->uniqueid));
	event_send(b->pbx->events, e);
}

/* RFC 9562 section 5.4. */
static int uuid(struct text *t)
{
	uint8_t r[16];
	char room[36];
	struct buf b;

	if (getrandom(r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
		return EAGAIN;
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_hex(&b, r, 4);
	for (size_t i = 4; i < 10; i += 2) {
		buf_char(&b, '-');
		buf_hex(&b, r + i, 2);
	}
	buf_char(&b, '-');
	buf_hex(&b, r + 10, 6);
	return text_set(t, buf_view(&b));
}

int bridge_new(struct bridge **out, struct pbx *pbx, struct str type)
{
	struct bridge *b = obj_new(sizeof(*b), bridge_free);
	int err;

	if (!b)
		return ENOMEM;
	b->pbx = pbx;
	list_init(&b->members);
	err = uuid(&b->id);
	err = err ? err : text_set(&b->type, type);
	err = err ? err : map_add(pbx->bridges, text_view(&b->id), b);
	if (err) {
		obj_drop(b);
		return err;
	}
	tell(b, "BridgeCreate", NULL, NULL);
	*out = b;
	return 0;
}

/* ---- coming and going */

static int features_copy(struct bridge_features *to, const struct bridge_features *from)
{
	struct text z = { 0 };
	int err;

	*to = *from;
	to->after_context = to->after_exten = to->warn_sound = to->limit_sound = z;
	err = text_set(&to->after_context, text_view(&from->after_context));
	err = err ? err : text_set(&to->after_exten, text_view(&from->after_exten));
	err = err ? err : text_set(&to->warn_sound, text_view(&from->warn_sound));
	err = err ? err : text_set(&to->limit_sound, text_view(&from->limit_sound));
	return err;
}

/* The seconds of "systemname-seconds.counter", then the counter: who is older. */
static bool older(struct str a, struct str b)
{
	uint64_t sa, sb, na, nb;
	size_t da = str_rchr(a, '.'), db = str_rchr(b, '.');
	size_t ha = str_rchr(str_sub(a, 0, da), '-'), hb = str_rchr(str_sub(b, 0, db), '-');
	struct str ta = ha < da ? str_sub(a, ha + 1, da - ha - 1) : str_sub(a, 0, da);
	struct str tb = hb < db ? str_sub(b, hb + 1, db - hb - 1) : str_sub(b, 0, db);

	if (str_u64(ta, &sa) || str_u64(tb, &sb) || str_u64(str_skip(a, da + 1), &na) ||
	    str_u64(str_skip(b, db + 1), &nb))
		return false;
	return sa < sb || (sa == sb && na < nb);
}

/* Calls that were joined are told as one from then on. */
static void link_ids(struct bridge *b, struct channel *ch)
{
	struct member *o = bridge_other(b, ch);

	if (!o || str_eq(text_view(&o->ch->linkedid), text_view(&ch->linkedid)))
		return;
	if (older(text_view(&o->ch->linkedid), text_view(&ch->linkedid))) {
		text_set(&ch->linkedid, text_view(&o->ch->linkedid));
		return;
	}
	list_each(l, &b->members)
		text_set(&container_of(l, struct member, link)->ch->linkedid, text_view(&ch->linkedid));
}

static void tell_techs(struct bridge *b)
{
	list_each_safe(l, tmp, &b->members) {
		struct channel *ch = container_of(l, struct member, link)->ch;

		if (ch->tech->bridged)
			ch->tech->bridged(ch, bridge_peer(ch));
	}
}

/* BRIDGEPEER of each: all others. */
static void name_peers(struct bridge *b)
{
	list_each_safe(l, tmp, &b->members) {
		struct channel *ch = container_of(l, struct member, link)->ch;
		struct buf names = BUF_INIT;

		list_each(k, &b->members) {
			if (k == l)
				continue;
			if (names.n)
				buf_char(&names, ',');
			buf_put(&names, text_view(&container_of(k, struct member, link)->ch->name));
		}
		if (!buf_err(&names))
			pbx_setvar(ch->pbx, ch, STR("BRIDGEPEER"), buf_view(&names));
		buf_free(&names);
	}
}

/* Who is in the bridge changed. */
static void settle(struct bridge *b)
{
	b->native = false;
	list_each_safe(l, tmp, &b->members) {
		struct channel *ch = container_of(l, struct member, link)->ch;

		channel_path_update(ch, false);
		if (b->count == 2)
			break;          /* both ends were seen to */
	}
	bridge_mix_update(b);
	tell_techs(b);
	bridge_native_update(b);
	if (b->count > 1)
		name_peers(b);
}

/* What was queued before the bridge listened. */
static void drain(struct channel *ch)
{
	while (ch->sink && !list_empty(&ch->queue)) {
		struct chan_event *e = container_of(ch->queue.next, struct chan_event, link);

		list_remove(&e->link);
		ch->queued--;
		ch->sink(ch->sink_arg, ch, e);
	}
}

void bridge_resume(struct member *m)
{
	m->ch->sink = bridge_sink;
	m->ch->sink_arg = m;
	bridge_heard_anew(m->ch);
	drain(m->ch);
}

void bridge_dissolve_by(struct member *m)
{
	struct bridge *b = obj_hold(m->bridge);

	list_remove(&m->link);
	list_prepend(&b->members, &m->link);
	bridge_dissolve(b, CAUSE_NORMAL);
	obj_drop(b);
}

/* One that nobody hears of is the end of whoever was called. */
static void limit_came(struct member *m)
{
	struct bridge *b = m->bridge;

	if (m->f.warn_ms || m->f.limit_sound.n) {
		bridge_dissolve_by(m);
		return;
	}
	obj_hold(b);
	bridge_dissolve(b, CAUSE_NORMAL);
	obj_drop(b);
}

/* Whoever was transferred or forwarded has arrived. */
static void forget_transfer(struct channel *ch)
{
	static const struct str names[] = { STR_INIT("BLINDTRANSFER"), STR_INIT("ATTENDEDTRANSFER"), STR_INIT("FORWARDERNAME") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)pbx_setvar(ch->pbx, ch, names[i], STR_NULL);
}

static void leave(struct member *m, bool kept);

/* For whoever enters in its place; nothing can keep that one out any more. */
static void make_place(struct channel *out)
{
	struct member *m = bridge_member(out);

	leave(m, true);
	obj_drop(m);
}

static int enter(struct bridge *b, struct channel *ch, const struct bridge_features *f, struct channel *swap)
{
	struct member *m = obj_new(sizeof(*m), member_free);
	int err;

	if (!m)
		return ENOMEM;
	m->ch = obj_hold(ch);
	m->bridge = obj_hold(b);
	err = f ? features_copy(&m->f, f) : 0;
	err = err ? err : bridge_features_begin(m);
	if (err) {
		obj_drop(m);
		return err;
	}
	channel_unlink_early(ch);
	if (swap)
		make_place(swap);
	list_append(&b->members, &m->link);
	b->count++;
	ch->bridge = b;
	ch->sink = bridge_sink;
	ch->sink_arg = m;
	ch->owned = false;
	link_ids(b, ch);
	tell(b, "BridgeEnter", ch, swap);
	forget_transfer(ch);
	channel_news(ch, CHAN_NEWS_ANSWERED);
	bridge_limit_start(m, limit_came);
	log_verbose(3, "Channel %s joined '%s' %s-bridge <%s>", text_z(&ch->name),
		    b->native ? "native_rtp" : "simple_bridge", text_z(&b->type), text_z(&b->id));
	return 0;
}

/* BRIDGE_PLAY_SOUND: what a member hears as soon as it is in, once (features.conf's pickupsound). */
static void greet(struct channel *ch)
{
	static const struct str name = STR_INIT("BRIDGE_PLAY_SOUND");
	struct str sound;

	if (!vars_get(&ch->vars, name, &sound) || !sound.n)
		return;
	channel_play(ch, &sound, 1, text_view(&ch->language), 0);
	pbx_setvar(ch->pbx, ch, name, STR(""));
}

int bridge_add(struct bridge *b, struct channel *ch, const struct bridge_features *f)
{
	int err;

	if (ch->bridge)
		return EBUSY;
	/* Who was hung up and has no event left that says so would never leave again. */
	if (ch->dead || ch->hungup || b->dissolved)
		return ESHUTDOWN;
	err = enter(b, ch, f, NULL);
	if (err)
		return err;
	settle(b);
	greet(ch);
	drain(ch);
	return 0;
}

static void orphan(struct member *m)
{
	struct channel *ch = m->ch;

	if (ch->fiber || ch->owned || ch->dead)
		return;
	if (m->f.after_h && !pbx_start_h(ch, text_view(&m->f.after_context)))
		return;
	if (m->f.after_priority && !ch->hungup) {
		channel_set_exten(ch, text_view(&m->f.after_context), text_view(&m->f.after_exten),
				  m->f.after_priority);
		if (!pbx_start(ch))
			return;
	}
	channel_destroy_soon(ch);
}

/* To everybody but `m`. */
void bridge_indicate_others(struct member *m, enum indication ind, const void *data)
{
	list_each_safe(l, tmp, &m->bridge->members) {
		struct member *o = container_of(l, struct member, link);

		if (o != m)
			channel_indicate(o->ch, ind, data);
	}
}

void bridge_pass_digit(struct member *m, char digit, unsigned ms)
{
	list_each_safe(l, tmp, &m->bridge->members) {
		struct member *o = container_of(l, struct member, link);

		if (o != m)
			channel_digit(o->ch, digit, ms);
	}
}

/* Those who stay go back to sound, and so does who goes. */
static void end_fax(struct member *m)
{
	static const struct t38_parameters over = { .what = T38_IS_TERMINATED };

	list_each_safe(l, tmp, &m->bridge->members) {
		struct member *o = container_of(l, struct member, link);

		if (o == m ? m->ch->t38_active : m->on_fax)
			channel_t38_indicate(o->ch, &over);
	}
	m->on_fax = false;
}

/* `kept`: somebody else decides what becomes of the channel. */
static void leave(struct member *m, bool kept)
{
	struct bridge *b = m->bridge;
	struct channel *ch = m->ch;

	timer_stop(&m->digit_timer);
	m->ndigits = 0;
	bridge_limit_stop(m);
	if (m->on_hold)
		bridge_indicate_others(m, IND_UNHOLD, NULL);
	/* What held it stays here, and its music with it. */
	if (ch->held)
		channel_indicate(ch, IND_UNHOLD, NULL);
	end_fax(m);
	list_remove(&m->link);
	b->count--;
	ch->bridge = NULL;
	if (ch->sink_arg == m) {
		ch->sink = NULL;
		ch->sink_arg = NULL;
	}
	b->native = false;
	bridge_mix_leave(b, ch);
	tell(b, "BridgeLeave", ch, NULL);
	(void)pbx_setvar(ch->pbx, ch, STR("BRIDGEPEER"), STR_NULL);
	log_verbose(3, "Channel %s left bridge <%s>", text_z(&ch->name), text_z(&b->id));
	channel_path_update(ch, false);
	if (ch->tech->bridged)
		ch->tech->bridged(ch, NULL);
	/* Their peers are to send to us again, whatever comes next. */
	if (ch->tech->direct && !ch->dead)
		ch->tech->direct(ch, NULL);
	bridge_native_update(b);
	fiber_wake(m->waiter);
	fiber_wake(b->watcher);
	if (!kept)
		orphan(m);
}

/* After somebody left: a basic bridge is not for one. */
static void close_if_over(struct bridge *b, int cause)
{
	if (b->moving)
		return;
	if (!b->dissolved && b->count)
		settle(b);
	if (!b->dissolved && (!b->count || (b->count < 2 && str_eq(text_view(&b->type), STR("basic")))))
		bridge_dissolve(b, cause);
}

static void leave_and_close(struct member *m, int cause, bool kept)
{
	struct bridge *b = obj_hold(m->bridge);
	bool ends = m->f.dissolve_on_leave;

	leave(m, kept);
	obj_drop(m);
	if (ends)
		bridge_dissolve(b, cause);
	close_if_over(b, cause);
	obj_drop(b);
}

void bridge_leave(struct member *m, int cause)
{
	leave_and_close(m, cause, false);
}

int bridge_remove(struct channel *ch)
{
	struct member *m = bridge_member(ch);

	if (!m)
		return ENOENT;
	leave_and_close(m, CAUSE_NORMAL, true);
	return 0;
}

void bridge_let_go(struct channel *ch)
{
	(void)bridge_remove(ch);
}

void bridge_dissolve(struct bridge *b, int cause)
{
	if (b->dissolved)
		return;
	b->dissolved = true;
	obj_hold(b);
	while (!list_empty(&b->members)) {
		struct member *m = container_of(b->members.next, struct member, link);

		/* Who was answered has a cause already, and keeps it whatever ended the other's call. */
		if (!m->ch->hungup && !m->ch->cause)
			m->ch->cause = cause ? cause : CAUSE_NORMAL;
		leave(m, false);
		obj_drop(m);
	}
	bridge_mix_update(b);
	tell(b, "BridgeDestroy", NULL, NULL);
	obj_drop(b);
}

int bridge_swap(struct channel *in, struct channel *out)
{
	struct member *mo = bridge_member(out), *mi = bridge_member(in);
	struct bridge_features f = { 0 };
	struct bridge *b, *from = NULL;
	bool b_moves, from_moves = false;
	int err;

	if (!mo || (mi && mi->bridge == mo->bridge))
		return EINVAL;
	if (in->dead || in->hungup)
		return ESHUTDOWN;
	b = obj_hold(mo->bridge);
	b_moves = b->moving;
	b->moving = true;
	f = mo->f;
	if (mi) {
		from = obj_hold(mi->bridge);
		from_moves = from->moving;
		from->moving = true;
		f.hangup_star |= mi->f.hangup_star;
		f.blind_transfer |= mi->f.blind_transfer;
		f.attended_transfer |= mi->f.attended_transfer;
		leave(mi, true);
		obj_drop(mi);
	}
	f.limit_ms = f.warn_ms = 0;     /* the clock that runs is the member's who had it */
	err = enter(b, in, &f, out);
	b->moving = b_moves;
	settle(b);
	if (!err)
		drain(in);
	if (from) {
		from->moving = from_moves;
		close_if_over(from, CAUSE_NORMAL);
		obj_drop(from);
	}
	close_if_over(b, CAUSE_NORMAL);
	obj_drop(b);
	return err;
}

void bridge_wait(struct channel *ch)
{
	struct member *m;

	while ((m = bridge_member(ch)) || ch->away || ch->worked_on) {
		if (m)
			m->waiter = fiber_self();
		fiber_wait();
	}
}

int bridge_call(struct channel *caller, struct channel *peer, const struct bridge_features *caller_f,
		const struct bridge_features *peer_f)
{
	struct bridge *b;
	int err = bridge_new(&b, caller->pbx, STR("basic"));

	if (err)
		return err;
	peer->owned = false;
	err = bridge_add(b, peer, peer_f);
	if (!err && b->count)
		err = bridge_add(b, caller, caller_f);
	if (b->count < 2)
		bridge_dissolve(b, CAUSE_NORMAL);
	if (err && !peer->fiber && !peer->bridge)
		channel_destroy_soon(peer);
	bridge_wait(caller);
	obj_drop(b);
	return err;
}
