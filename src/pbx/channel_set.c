/* What a channel knows of itself: its state, its parties, its place; changed and told. */
#include "pbx/channel_private.h"
#include "pbx/event.h"

void channel_set_state(struct channel *ch, enum channel_state s)
{
	if (ch->state == s)
		return;
	ch->state = s;
	if (s == CHAN_UP && !ch->answered_us)
		ch->answered_us = clock_us(ch->pbx->clock);
	channel_tell(ch, "Newstate", EV_CALL);
	channel_tell_device(ch);
	if (s == CHAN_UP && ch->recordings)
		ch->pbx->path_changed(ch->pbx);
}

static bool same_text(bool valid, const struct text *a, bool other, const struct text *b)
{
	return str_eq(valid ? text_view(a) : STR(""), other ? text_view(b) : STR(""));
}

/* As events show it: whether it may be shown elsewhere is nothing that they tell. */
static bool shown_same(const struct party *a, const struct party *b)
{
	return same_text(a->number_valid, &a->number, b->number_valid, &b->number) &&
	       same_text(a->name_valid, &a->name, b->name_valid, &b->name);
}

void channel_set_caller_party(struct channel *ch, const struct party *p)
{
	bool same = shown_same(&ch->caller, p);

	party_copy(&ch->caller, p);
	if (!same)
		channel_tell_caller(ch);
}

void channel_set_caller(struct channel *ch, struct str number, struct str name)
{
	struct party p = { 0 };

	if (!party_copy(&p, &ch->caller) && !party_set(&p, number, name))
		channel_set_caller_party(ch, &p);
	party_free(&p);
}

void channel_put_connected(struct channel *ch, const struct party *p)
{
	bool same = shown_same(&ch->connected, p);

	party_copy(&ch->connected, p);
	if (!same)
		channel_tell(ch, "NewConnectedLine", EV_CALL);
}

void channel_tell_account(struct channel *ch, struct str old)
{
	struct event *e = ch->pbx->events ? event_new(ch->pbx->events, "NewAccountCode", EV_CALL) : NULL;

	if (!e)
		return;
	event_channel(e, "", ch);
	event_put(e, "OldAccountCode", old);
	event_send(ch->pbx->events, e);
}

void channel_set_accountcode(struct channel *ch, struct str code)
{
	struct text old = ch->accountcode;

	if (str_eq(text_view(&old), code))
		return;
	ch->accountcode = (struct text){ 0 };
	if (text_set(&ch->accountcode, code)) {
		ch->accountcode = old;
		return;
	}
	channel_tell_account(ch, text_view(&old));
	text_free(&old);
}

void channel_set_exten(struct channel *ch, struct str context, struct str exten, int priority)
{
	if (context.n)
		text_set(&ch->context, context);
	if (exten.n)
		text_set(&ch->exten, exten);
	ch->priority = priority;
}
