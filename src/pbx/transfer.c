/* Transfers: blind, attended, by Replaces, and the digits that ask for one. Consulting first
 * is atxfer.c's. */
#define LOG_MODULE "transfer"
#include "pbx/transfer.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/run.h"
#include "pbx/sound.h"
#include <errno.h>
#include <stdlib.h>

/* ---- who sent them */

void transfer_set_variables(struct channel *ch, struct str who, bool attended)
{
	(void)pbx_setvar(ch->pbx, ch, attended ? STR("ATTENDEDTRANSFER") : STR("BLINDTRANSFER"), who);
	(void)pbx_setvar(ch->pbx, ch, attended ? STR("BLINDTRANSFER") : STR("ATTENDEDTRANSFER"), STR_NULL);
}

/* Each in the bridge learns who transferred, and that one whom it talked to. */
static void note_transferer(struct channel *transferer, struct bridge *b, bool attended)
{
	struct text name = { 0 };
	struct str peer = STR_NULL;

	/* A view into a variable would not outlive the next one. */
	(void)vars_get(&transferer->vars, STR("BRIDGEPEER"), &peer);
	if (text_set(&name, peer))
		return;
	list_each_safe(l, tmp, &b->members) {
		struct channel *ch = container_of(l, struct member, link)->ch;

		transfer_set_variables(ch, text_view(ch == transferer ? &name : &transferer->name), attended);
	}
	text_free(&name);
}

/* ---- to an extension */

struct blind {
	const struct blind_transfer *t;
	struct channel *transferer, *transferee;        /* held; transferee NULL: there are several */
	struct bridge *bridge;                          /* held; NULL: in none */
};

static void tell_blind(const struct blind *bl, const char *result)
{
	struct pbx *p = bl->transferer->pbx;
	struct event *e = p->events ? event_new(p->events, "BlindTransfer", EV_CALL) : NULL;

	if (!e)
		return;
	event_put(e, "Result", str_z(result));
	event_channel(e, "Transferer", bl->transferer);
	if (bl->transferee)
		event_channel(e, "Transferee", bl->transferee);
	if (bl->bridge)
		bridge_headers(e, "", bl->bridge);
	event_put(e, "IsExternal", bl->t->external ? STR("Yes") : STR("No"));
	event_put(e, "Context", bl->t->context);
	event_put(e, "Extension", bl->t->exten);
	event_send(p->events, e);
}

static struct str number_of(const struct channel *ch)
{
	return ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;
}

static void note_blind(const struct blind *bl, struct channel *sent)
{
	if (bl->t->note)
		bl->t->note(bl->t->arg, sent);
}

/* One other: it goes itself. */
static int send_one(const struct blind *bl)
{
	struct channel *transferee = bl->transferee;
	int err;

	note_blind(bl, transferee);
	tell_blind(bl, "Success");
	log_verbose(3, "%s sends %s to %.*s@%.*s", text_z(&bl->transferer->name), text_z(&transferee->name),
		    STR_ARG(bl->t->exten), STR_ARG(bl->t->context));
	if (bridge_member(transferee)->on_hold)
		channel_event_simple(transferee, CE_UNHOLD);
	if (!transferee->fiber)
		bridge_remove(transferee);
	err = pbx_async_goto(transferee, bl->t->context, bl->t->exten, 1);
	if (err && !transferee->fiber)
		channel_destroy_soon(transferee);
	return err;
}

static void end_leg(struct channel *ch)
{
	if (!ch->dead && !ch->bridge && !ch->fiber)
		channel_destroy_soon(ch);
}

/* Several: they stay together, and a Local channel to the extension takes the transferer's place. */
static int send_all(const struct blind *bl)
{
	struct text dest = { 0 };
	struct channel *local;
	int cause, err = text_printf(&dest, "Local/%.*s@%.*s", STR_ARG(bl->t->exten), STR_ARG(bl->t->context));

	err = err ? err : channel_request(bl->transferer->pbx, text_view(&dest), bl->transferer, &local, &cause);
	text_free(&dest);
	if (err)
		return err;
	obj_hold(local);
	transfer_set_variables(local, text_view(&bl->transferer->name), false);
	note_blind(bl, local);
	err = local->tech->call(local, 0);
	err = err ? err : bridge_swap(local, bl->transferer);
	if (err)
		channel_destroy_soon(local);
	else
		end_leg(bl->transferer);
	tell_blind(bl, err ? "Fail" : "Success");
	obj_drop(local);
	return err;
}

static int blind(const struct blind *bl)
{
	struct channel *ch = bl->transferer, *from = bl->transferee ? bl->transferee : ch;
	bool there = dialplan_exists(ch->pbx, bl->t->context, bl->t->exten, 1, number_of(from));

	if (!there || !bl->bridge || bl->bridge->count < 2) {
		tell_blind(bl, "Invalid");
		/* Of both, that the extension is not there is said first. */
		return there ? EINVAL : ENOENT;
	}
	note_transferer(ch, bl->bridge, false);
	return bl->transferee ? send_one(bl) : send_all(bl);
}

int bridge_blind_transfer(struct channel *transferer, const struct blind_transfer *t)
{
	struct blind bl = { t, obj_hold(transferer), obj_hold(bridge_peer(transferer)), obj_hold(transferer->bridge) };
	int err = blind(&bl);

	obj_drop(bl.bridge);
	obj_drop(bl.transferee);
	obj_drop(bl.transferer);
	return err;
}

/* ---- to a call that is there already */

void transfer_tell_attended(const struct attended *a, const char *result, const char *type, struct str dest)
{
	struct pbx *p = a->first->pbx;
	struct event *e = p->events ? event_new(p->events, "AttendedTransfer", EV_CALL) : NULL;

	if (!e)
		return;
	event_put(e, "Result", str_z(result));
	event_channel(e, "OrigTransferer", a->first);
	if (a->first_bridge)
		bridge_headers(e, "Orig", a->first_bridge);
	event_channel(e, "SecondTransferer", a->second);
	if (a->second_bridge)
		bridge_headers(e, "Second", a->second_bridge);
	if (a->transferee)
		event_channel(e, "Transferee", a->transferee);
	if (a->target)
		event_channel(e, "TransferTarget", a->target);
	/* Of attended ones Asterisk says so whoever asked, and its users' programs are used to it. */
	event_put(e, "IsExternal", STR("No"));
	event_put(e, "DestType", str_z(type));
	if (dest.n)
		event_put(e, str_eq(str_z(type), STR("App")) ? "DestApp" : "DestBridgeUniqueid", dest);
	if (str_eq(str_z(type), STR("Threeway")))
		event_put(e, "DestTransfererChannel", text_view(&a->second->name));
	event_send(p->events, e);
}

void transfer_introduce(struct channel *a, struct channel *b)
{
	channel_set_connected(a, &b->caller);
	channel_set_connected(b, &a->caller);
}

static int move(struct member *m, struct bridge *to)
{
	struct channel *ch = obj_hold(m->ch);
	int err;

	obj_hold(m);
	m->f.limit_ms = m->f.warn_ms = 0;
	bridge_remove(ch);
	err = bridge_add(to, ch, &m->f);
	/* Hung up in the same turn, it has nobody who would end it there. */
	if (err && !ch->fiber)
		channel_destroy_soon(ch);
	obj_drop(m);
	obj_drop(ch);
	return err;
}

static void tell_merge(struct bridge *to, struct bridge *from)
{
	struct event *e = to->pbx->events ? event_new(to->pbx->events, "BridgeMerge", EV_CALL) : NULL;

	if (!e)
		return;
	bridge_headers(e, "To", to);
	bridge_headers(e, "From", from);
	event_send(to->pbx->events, e);
}

int transfer_merge(struct bridge *to, struct bridge *from, const struct channel *stays)
{
	bool to_moves = to->moving, from_moves = from->moving;
	int err = 0;

	tell_merge(to, from);
	to->moving = from->moving = true;
	list_each_safe(l, tmp, &from->members) {
		struct member *m = container_of(l, struct member, link);

		if (m->ch != stays && !err)
			err = move(m, to);
	}
	to->moving = to_moves;
	from->moving = from_moves;
	return err;
}

/* Of the two legs that transferred, what is heard when it is done. */
static void play_complete(const struct attended *a)
{
	struct str name = STR("ATTENDED_TRANSFER_COMPLETE_SOUND"), sound;

	if ((vars_get(&a->second->vars, name, &sound) && sound.n) || (vars_get(&a->first->vars, name, &sound) && sound.n))
		channel_play(a->target, &sound, 1, text_view(&a->target->language), 0);
}

static int join_bridges(struct attended *a)
{
	int err;

	transfer_tell_attended(a, "Success", "Bridge", bridge_id(a->second_bridge));
	if (bridge_member(a->first)->on_hold)
		bridge_indicate_others(bridge_member(a->first), IND_UNHOLD, NULL);
	if (a->transferee) {
		err = bridge_swap(a->transferee, a->second);
	} else {
		err = transfer_merge(a->second_bridge, a->first_bridge, a->first);
		bridge_remove(a->second);
		bridge_remove(a->first);
	}
	if (err)
		return err;
	if (a->transferee && a->target) {
		transfer_introduce(a->transferee, a->target);
		play_complete(a);
	}
	channel_tell_soft_hangup(a->second, SOFT_DEVICE);
	end_leg(a->second);
	end_leg(a->first);
	return 0;
}

/* Whom `ch` calls just now, if it does, sees somebody else from now on. */
static void tell_called(struct channel *ch)
{
	struct chan_event *e = chan_event_new(CE_CONNECTED_LINE);

	if (e)
		e->party = calloc(1, sizeof(*e->party));
	if (e && e->party && !party_copy(e->party, &ch->caller))
		channel_event(ch, e);
	else
		chan_event_free(e);
}

/* `app` runs an application (or dials): `party` takes its place there. */
static int join_application(struct attended *a, struct channel *party, struct channel *leg, struct channel *app)
{
	int err;

	transfer_tell_attended(a, "Success", "App", text_view(&app->app));
	if (bridge_member(leg)->on_hold)
		channel_indicate(party, IND_UNHOLD, NULL);
	bridge_remove(party);
	err = channel_exchange(app, party);
	if (err == ENOSYS) {
		/* The application starts again for the other caller. */
		err = pbx_async_goto(party, text_view(&app->context), text_view(&app->exten), app->priority);
		channel_event_hangup(app, CAUSE_NORMAL);
		return err;
	}
	if (err)
		return err;
	/* Who runs it now, and whom that one talks to. */
	run_tell_step(app);
	channel_indicate(app, IND_CONNECTED_LINE, NULL);
	tell_called(app);
	/* What is left in `party` is the transferer's leg. */
	if (party->fiber)
		channel_event_hangup(party, CAUSE_NORMAL);
	else
		channel_destroy_soon(party);
	return 0;
}

static int attended(struct attended *a)
{
	struct bridge *b = a->first_bridge ? a->first_bridge : a->second_bridge;

	if (b && b->count > 1)
		note_transferer(a->first, b, true);
	if (a->first_bridge && a->second_bridge && a->first_bridge != a->second_bridge && a->first_bridge->count > 1 &&
	    a->second_bridge->count > 1)
		return join_bridges(a);
	if (a->transferee && !a->second_bridge && a->second->fiber)
		return join_application(a, a->transferee, a->first, a->second);
	if (a->target && !a->first_bridge && a->first->fiber)
		return join_application(a, a->target, a->second, a->first);
	transfer_tell_attended(a, "Fail", "Fail", STR_NULL);
	return EINVAL;
}

int bridge_attended_transfer(struct channel *to_transferee, struct channel *to_target)
{
	struct attended a = {
		.first = obj_hold(to_transferee), .second = obj_hold(to_target),
		.transferee = obj_hold(bridge_peer(to_transferee)), .target = obj_hold(bridge_peer(to_target)),
		.first_bridge = obj_hold(to_transferee->bridge), .second_bridge = obj_hold(to_target->bridge),
	};
	int err = attended(&a);

	obj_drop(a.first_bridge);
	obj_drop(a.second_bridge);
	obj_drop(a.transferee);
	obj_drop(a.target);
	obj_drop(a.first);
	obj_drop(a.second);
	return err;
}

int channel_replace(struct channel *to, struct channel *from)
{
	int err;

	if (from->bridge) {
		struct channel *peer = bridge_peer(from);

		obj_hold(from);
		err = bridge_swap(to, from);
		if (!err && peer)
			transfer_introduce(peer, to);
		if (!err)
			end_leg(from);
		obj_drop(from);
		return err;
	}
	/* Between its answer and the bridge its dialler looks for nobody else any more. */
	if (from->owned && !from->fiber && from->state == CHAN_UP)
		return EBUSY;
	if (from->owned && !from->fiber) {      /* ringing: its dialler takes the new one */
		to->owned = true;
		obj_drop(from->replaced_by);
		from->replaced_by = obj_hold(to);
		channel_event_simple(from, CE_WAKE);
		return 0;
	}
	if (!from->fiber)
		return EINVAL;
	err = channel_exchange(from, to);
	if (!err && !to->fiber)
		channel_destroy_soon(to);       /* the leg that was replaced */
	return err;
}

/* ---- by digits */

void transfer_hold(struct member *m, bool on)
{
	if (on)
		channel_tell_hold(m->ch, STR_NULL);
	else
		channel_tell(m->ch, "Unhold", EV_CALL);
	bridge_indicate_others(m, on ? IND_HOLD : IND_UNHOLD, NULL);
}

static const char ten[] = "0123456789*#";

/* One attempt: digits until the number is whole, # or a pause ends it. 0, ECANCELED, ETIMEDOUT (none came), ENOENT. */
static int ask_once(struct channel *ch, struct str context, char first, char *exten, size_t size)
{
	char digit = first;
	size_t n = 0;
	int err = 0;

	exten[0] = '\0';
	sound_tone(ch, STR("dial"));
	while (!err) {
		if (digit == '#')
			break;
		if (digit && n + 1 < size) {
			sound_tone(ch, STR_NULL);
			exten[n++] = digit;
			exten[n] = '\0';
		}
		if (n && !dialplan_can_grow(ch->pbx, context, str_z(exten), number_of(ch)))
			break;
		err = sound_digit(ch, features_of(ch)->transfer_digit_timeout_ms, &digit);
	}
	sound_tone(ch, STR_NULL);
	if (err == ECANCELED)
		return err;
	if (n && dialplan_exists(ch->pbx, context, str_z(exten), 1, number_of(ch)))
		return 0;
	return n ? ENOENT : ETIMEDOUT;
}

static int ask_often(struct channel *ch, const struct features_conf *f, struct str context, char *exten, size_t size)
{
	char digit = 0;
	int err = f->transferannouncesound.n ? sound_play(ch, text_view(&f->transferannouncesound), str_z(ten), &digit) : 0;

	if (err == ECANCELED)
		return err;
	for (uint32_t attempt = 1;; attempt++) {
		bool again = attempt < f->transfer_dial_attempts;
		struct str sound = text_view(again ? &f->transferretrysound : &f->transferinvalidsound);

		err = ask_once(ch, context, digit, exten, size);
		if (!err || err == ECANCELED)
			return err;
		digit = 0;
		if (sound.n && sound_play(ch, sound, STR_NULL, NULL) == ECANCELED)
			return ECANCELED;
		if (!again)
			return err;
	}
}

/* TRANSFER_EXTEN says where to, when it leads somewhere. */
static bool ask_variable(struct channel *ch, struct str context, char *exten, size_t size)
{
	struct buf b = BUF_INIT;
	bool there = pbx_getvar(ch->pbx, ch, STR("TRANSFER_EXTEN"), &b) && b.n && b.n < size &&
		dialplan_exists(ch->pbx, context, buf_view(&b), 1, number_of(ch));

	if (there)
		str_copy(exten, size, buf_view(&b));
	else if (b.n)
		log_warning("Override extension '%.*s' does not exist in context '%.*s'", STR_ARG(buf_view(&b)), STR_ARG(context));
	buf_free(&b);
	return there;
}

int transfer_ask(struct channel *ch, char *exten, size_t size, struct text *context)
{
	struct features_conf *f;
	struct buf b = BUF_INIT;
	int err;

	if (pbx_getvar(ch->pbx, ch, STR("TRANSFER_CONTEXT"), &b) && b.n)
		text_set(context, buf_view(&b));
	else
		text_set(context, text_view(&ch->context));
	buf_free(&b);
	if (ask_variable(ch, text_view(context), exten, size))
		return 0;
	f = obj_hold((void *)(uintptr_t)features_of(ch));
	err = ask_often(ch, f, text_view(context), exten, size);
	obj_drop(f);
	return err;
}
