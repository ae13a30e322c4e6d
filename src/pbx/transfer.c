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

/* ---- to an extension */

static void tell_blind(struct channel *transferer, struct channel *transferee, struct bridge *b,
		       struct str exten, struct str context, const char *result)
{
	struct pbx *p = transferer->pbx;
	struct event *e = p->events ? event_new(p->events, "BlindTransfer", EV_CALL) : NULL;

	if (!e)
		return;
	event_put(e, "Result", str_z(result));
	event_channel(e, "Transferer", transferer);
	if (transferee)
		event_channel(e, "Transferee", transferee);
	if (b)
		bridge_headers(e, "", b);
	event_put(e, "IsExternal", STR("Yes"));
	event_put(e, "Context", context);
	event_put(e, "Extension", exten);
	event_send(p->events, e);
}

static struct str number_of(const struct channel *ch)
{
	return ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;
}

int bridge_blind_transfer(struct channel *transferer, struct str exten, struct str context)
{
	struct channel *transferee = bridge_peer(transferer);
	int err;

	if (!transferee || !dialplan_exists(transferer->pbx, context, exten, 1, number_of(transferee))) {
		tell_blind(transferer, transferee, transferer->bridge, exten, context, "Invalid");
		/* Of both, that the extension is not there is said first. */
		return !transferee && dialplan_exists(transferer->pbx, context, exten, 1, number_of(transferer)) ? EINVAL : ENOENT;
	}
	obj_hold(transferee);
	obj_hold(transferer);
	pbx_setvar(transferee->pbx, transferee, STR("BLINDTRANSFER"), text_view(&transferer->name));
	tell_blind(transferer, transferee, transferer->bridge, exten, context, "Success");
	log_verbose(3, "%s sends %s to %.*s@%.*s", text_z(&transferer->name), text_z(&transferee->name),
		    STR_ARG(exten), STR_ARG(context));
	if (bridge_member(transferee)->on_hold)
		channel_event_simple(transferee, CE_UNHOLD);
	if (!transferee->fiber)
		bridge_remove(transferee);
	err = pbx_async_goto(transferee, context, exten, 1);
	if (err && !transferee->fiber)
		channel_destroy_soon(transferee);
	obj_drop(transferer);
	obj_drop(transferee);
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
	event_put(e, "IsExternal", a->internal ? STR("No") : STR("Yes"));
	event_put(e, "DestType", str_z(type));
	if (dest.n)
		event_put(e, str_eq(str_z(type), STR("App")) ? "DestApp" : "DestBridgeUniqueid", dest);
	event_send(p->events, e);
}

void transfer_introduce(struct channel *a, struct channel *b)
{
	channel_set_connected(a, &b->caller);
	channel_set_connected(b, &a->caller);
}

static void end_leg(struct channel *ch)
{
	if (!ch->dead && !ch->bridge && !ch->fiber)
		channel_destroy_soon(ch);
}

static int join_bridges(struct attended *a)
{
	int err;

	transfer_tell_attended(a, "Success", "Bridge", bridge_id(a->second_bridge));
	if (bridge_member(a->first)->on_hold)
		channel_indicate(a->transferee, IND_UNHOLD, NULL);
	err = bridge_swap(a->transferee, a->second);
	if (err)
		return err;
	transfer_introduce(a->transferee, a->target);
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
	if (a->transferee && a->target)
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

static const char ten[] = "0123456789*#";

/* One attempt: digits until the number is whole, # or a pause ends it. 0, ECANCELED, ETIMEDOUT (none came), ENOENT. */
static int ask_once(struct channel *ch, struct str context, char first, char *exten, size_t size)
{
	char digit = first;
	size_t n = 0;
	int err = 0;

	exten[0] = '\0';
	while (!err || err == ENOENT) {
		if (digit == '#')
			break;
		if (digit && n + 1 < size) {
			exten[n++] = digit;
			exten[n] = '\0';
		}
		if (n && dialplan_exists(ch->pbx, context, str_z(exten), 1, number_of(ch)) &&
		    !dialplan_can_grow(ch->pbx, context, str_z(exten), number_of(ch)))
			return 0;
		err = sound_digit(ch, features_of(ch)->transfer_digit_timeout_ms, &digit);
	}
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
