/* What a member of a bridge says, and who gets it. */
#define LOG_MODULE "bridge"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/t38.h"

static void digit_came(struct member *m, const struct chan_event *e)
{
	struct channel *peer;

	if (m->ch->digits_relayed && !e->aside) {
		peer = bridge_peer(m->ch);
		if (!peer)
			return;
		channel_tell_digit(peer, false, e->digit, 0, "Sent");
		channel_tell_digit(peer, true, e->digit, e->ms, "Sent");
		return;
	}
	if (!bridge_features_digit(m, e->digit, e->ms))
		bridge_pass_digit(m, e->digit, e->ms);
}

static void hold_came(struct member *m, const struct chan_event *e)
{
	struct str music = text_view(&e->text);

	m->on_hold = true;
	bridge_native_update(m->bridge);
	bridge_indicate_others(m, IND_HOLD, music.n ? &music : NULL);
}

static void unhold_came(struct member *m)
{
	m->on_hold = false;
	bridge_indicate_others(m, IND_UNHOLD, NULL);
	bridge_native_update(m->bridge);
}

static void media_came(struct member *m)
{
	channel_path_update(m->ch, true);
	bridge_native_update(m->bridge);
	bridge_mix_update(m->bridge);
	bridge_indicate_others(m, IND_SRCUPDATE, NULL);
}

static void line_came(struct member *m, const struct chan_event *e)
{
	struct channel *peer = bridge_peer(m->ch);

	if (!peer)
		return;
	if (e->type == CE_CONNECTED_LINE && e->party) {
		channel_set_connected(peer, e->party);
	} else if (e->type == CE_REDIRECTING && e->redirecting) {
		redirecting_copy(&peer->redirecting, e->redirecting);
		channel_indicate(peer, IND_REDIRECTING, NULL);
	}
}

static void text_came(struct member *m, const struct chan_event *e)
{
	list_each_safe(l, tmp, &m->bridge->members) {
		struct member *o = container_of(l, struct member, link);

		if (o != m && o->ch->tech->text)
			o->ch->tech->text(o->ch, text_view(&e->text), text_view(&e->text2));
	}
}

static void t38_came(struct member *m, const struct chan_event *e)
{
	const struct t38_parameters *p = t38_of_event(e);

	if (!p)
		return;
	if (p->what != T38_ASK_PARAMETERS)
		m->on_fax = p->what == T38_ASK_NEGOTIATE || p->what == T38_IS_NEGOTIATED;
	bridge_indicate_others(m, IND_T38, p);
}

/* What the others are shown as it is. */
static void show(struct member *m, enum chan_event_type t)
{
	static const struct { enum chan_event_type event; enum indication ind; } rows[] = {
		{ CE_RINGING, IND_RINGING }, { CE_PROGRESS, IND_PROGRESS }, { CE_PROCEEDING, IND_PROCEEDING }, { CE_BUSY, IND_BUSY },
		{ CE_CONGESTION, IND_CONGESTION }, { CE_FLASH, IND_FLASH }, { CE_VIDUPDATE, IND_VIDUPDATE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].event == t)
			bridge_indicate_others(m, rows[i].ind, NULL);
}

static void answer_came(struct member *m)
{
	bridge_indicate_others(m, IND_STOP, NULL);
	bridge_native_update(m->bridge);
	bridge_mix_update(m->bridge);
	fiber_wake(m->bridge->watcher);
}

static void handle(struct member *m, const struct chan_event *e)
{
	switch (e->type) {
	case CE_HANGUP:
		bridge_leave(m, m->ch->cause);
		break;
	case CE_WAKE:
		if (m->ch->async_goto || m->ch->hungup)
			bridge_leave(m, 0);
		break;
	case CE_DTMF_END:
		digit_came(m, e);
		break;
	case CE_HOLD:
		hold_came(m, e);
		break;
	case CE_UNHOLD:
		unhold_came(m);
		break;
	case CE_CONNECTED_LINE:
	case CE_REDIRECTING:
		line_came(m, e);
		break;
	case CE_TEXT:
		text_came(m, e);
		break;
	case CE_ANSWER:
		answer_came(m);
		break;
	case CE_T38:
		t38_came(m, e);
		break;
	case CE_AOC:
		bridge_indicate_others(m, IND_AOC, e->data);
		break;
	case CE_MEDIA:
		media_came(m);
		break;
	case CE_PLAY_DONE:
		bridge_limit_said(m);
		break;
	default:
		show(m, e->type);
		break;
	}
}

void bridge_sink(void *arg, struct channel *ch, struct chan_event *e)
{
	struct member *m = obj_hold(arg);

	(void)ch;
	handle(m, e);
	chan_event_free(e);
	obj_drop(m);
}
