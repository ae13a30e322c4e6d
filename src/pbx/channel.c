/* Channels: born, asked for by technology, ended. Their events are channel_event.c's, what
 * they know of themselves channel_set.c's. */
#define LOG_MODULE "channel"
#include "pbx/channel.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>

static void channel_free(void *o)
{
	struct channel *ch = o;
	struct text *texts[] = { &ch->name, &ch->uniqueid, &ch->linkedid, &ch->context, &ch->exten,
		&ch->macro_app, &ch->app, &ch->appdata, &ch->accountcode, &ch->peeraccount, &ch->language,
		&ch->musicclass, &ch->parkinglot, &ch->userfield, &ch->tonezone, &ch->hangsource,
		&ch->tenantid, &ch->moh_class, &ch->named_call_group, &ch->named_pickup_group };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_free(texts[i]);
	party_free(&ch->caller);
	party_free(&ch->connected);
	party_free(&ch->dialed);
	redirecting_free(&ch->redirecting);
	vars_free(&ch->vars);
	chan_event_free(ch->last_event);
}

static int name_it(struct channel *ch, const struct channel_new_prm *prm)
{
	uint32_t k;
	uint8_t n[4];
	char room[8];
	struct buf b;

	if (prm->name.n)
		return text_set(&ch->name, prm->name);
	k = prm->pbx->next_channel++;
	n[0] = (uint8_t)(k >> 24);
	n[1] = (uint8_t)(k >> 16);
	n[2] = (uint8_t)(k >> 8);
	n[3] = (uint8_t)k;
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_hex(&b, n, sizeof(n));
	return text_cat(&ch->name, str_z(prm->tech->type), STR("/"), prm->stem, STR("-"), buf_view(&b));
}

static int identify(struct channel *ch, const struct channel_new_prm *prm)
{
	struct pbx *p = prm->pbx;
	char room[48];
	struct buf b;
	int err;

	if (prm->uniqueid.n) {
		err = map_get(p->by_uniqueid, prm->uniqueid) ? EEXIST : text_set(&ch->uniqueid, prm->uniqueid);
	} else {
		buf_init(&b, room, sizeof(room), sizeof(room));
		buf_u64(&b, (uint64_t)ch->created);
		buf_char(&b, '.');
		buf_u64(&b, p->next_unique++);
		err = text_cat(&ch->uniqueid, p->systemname, p->systemname.n ? STR("-") : STR_NULL, buf_view(&b));
	}
	if (err)
		return err;
	return text_set(&ch->linkedid, text_view(prm->linked ? &prm->linked->linkedid : &ch->uniqueid));
}

static int fill(struct channel *ch, const struct channel_new_prm *prm)
{
	struct pbx *p = prm->pbx;
	int err;

	ch->pbx = p;
	ch->tech = prm->tech;
	ch->pvt = prm->pvt;
	ch->state = prm->state;
	ch->outgoing = prm->outgoing;
	ch->priority = 1;
	ch->shown = -1;
	ch->amaflags = AMA_DOCUMENTATION;
	ch->forwards = ch->max_forwards = MAX_FORWARDS;
	ch->created = clock_wall_s(p->clock);
	ch->created_us = clock_us(p->clock);
	err = name_it(ch, prm);
	err = err ? err : identify(ch, prm);
	err = err ? err : text_set(&ch->context, prm->context.n ? prm->context : STR("default"));
	err = err ? err : text_set(&ch->exten, prm->exten.n ? prm->exten : STR("s"));
	err = err ? err : text_set(&ch->accountcode, prm->accountcode);
	err = err ? err : text_set(&ch->tenantid, prm->tenantid);
	err = err ? err : text_set(&ch->language, prm->language.n ? prm->language : p->default_language);
	err = err ? err : party_set(&ch->caller, prm->caller_number, prm->caller_name);
	err = err ? err : text_set(&ch->caller.ani, prm->caller_number);
	return err;
}

void channel_inherit_forwards(struct channel *ch, const struct channel *from)
{
	ch->forwards = from->forwards;
	ch->max_forwards = from->max_forwards;
}

int channel_new(struct channel **out, const struct channel_new_prm *prm)
{
	struct pbx *p = prm->pbx;
	struct channel *ch;
	int err;

	if (p->stopping)
		return ESHUTDOWN;
	ch = obj_new(sizeof(*ch), channel_free);
	if (!ch)
		return ENOMEM;
	list_init(&ch->queue);
	list_init(&ch->datastores);
	list_init(&ch->pace.waiting);
	list_init(&ch->vars.head);
	ch->last_event = chan_event_new(CE_HANGUP);
	err = ch->last_event ? fill(ch, prm) : ENOMEM;
	err = err ? err : map_add(p->by_name, text_view(&ch->name), ch);
	if (err)
		goto out;
	err = map_add(p->by_uniqueid, text_view(&ch->uniqueid), ch);
	if (err) {
		map_del(p->by_name, text_view(&ch->name));
		goto out;
	}
	list_append(&p->channels, &ch->link);
	channel_tell_stats(ch, true);
	channel_tell(ch, "Newchannel", EV_CALL);
	channel_tell_device(ch);
 out:
	if (err)
		obj_drop(ch);
	else
		*out = ch;
	return err;
}

/* Its dialler gave up before it saw whom it should take instead: nobody else ends him. */
static void forget_replacement(struct channel *ch)
{
	struct channel *to = ch->replaced_by;

	ch->replaced_by = NULL;
	if (to && !to->dead && !to->bridge) {
		to->owned = false;
		if (!to->fiber)
			channel_destroy_soon(to);
	}
	obj_drop(to);
}

static void part(struct channel *ch)
{
	for (size_t i = 0; ch->pbx->channel_ends && ch->pbx->channel_ends[i]; i++)
		ch->pbx->channel_ends[i](ch);
	ch->player = obj_drop(ch->player);
	forget_replacement(ch);
}

void channel_destroy(struct channel *ch)
{
	if (ch->dead)
		return;
	part(ch);
	ch->hungup = true;
	ch->dead = true;
	if (ch->tech->hangup)
		ch->tech->hangup(ch);
	map_del(ch->pbx->by_name, text_view(&ch->name));
	map_del(ch->pbx->by_uniqueid, text_view(&ch->uniqueid));
	list_remove(&ch->link);
	channel_tell_hangup(ch);
	channel_tell_stats(ch, false);
	channel_tell_device(ch);
	channel_notes_free(ch);
	channel_digits_forget(ch);
	while (!list_empty(&ch->queue)) {
		struct chan_event *e = container_of(ch->queue.next, struct chan_event, link);

		list_remove(&e->link);
		chan_event_free(e);
	}
	fiber_wake(ch->waiter);
	obj_drop(ch);
}

const char channel_rites_key[] = "last rites";

static void reap(void *arg)
{
	struct channel *ch = arg;
	const struct channel_rites *rites = channel_note(ch, channel_rites_key);

	ch->reaped = false;
	/* Somebody may have taken it over meanwhile. */
	if (!ch->fiber && !ch->bridge && !ch->owned && !(rites && !ch->dead && rites->begin(ch)))
		channel_destroy(ch);
	obj_drop(ch);
}

void channel_destroy_soon(struct channel *ch)
{
	if (ch->dead || ch->reaped)
		return;
	ch->reaped = true;
	obj_hold(ch);
	loop_defer_call(ch->pbx->loop, &ch->reap_call, reap, ch);
}

struct channel *channel_by_name(struct pbx *pbx, struct str name)
{
	struct channel *ch = map_get(pbx->by_name, name);

	return ch ? ch : map_get(pbx->by_uniqueid, name);
}

size_t channel_count(const struct pbx *pbx)
{
	return map_count(pbx->by_name);
}

struct channel *channel_walk_next(struct pbx *pbx, struct map_walk *w)
{
	return map_walk_next(pbx->by_uniqueid, w);
}

int channel_rename(struct channel *ch, struct str name)
{
	struct text new_name = { 0 };
	struct event *e;
	int err;

	if (map_get(ch->pbx->by_name, name))
		return EEXIST;
	err = text_set(&new_name, name);
	err = err ? err : map_add(ch->pbx->by_name, text_view(&new_name), ch);
	if (err) {
		text_free(&new_name);
		return err;
	}
	map_del(ch->pbx->by_name, text_view(&ch->name));
	e = ch->pbx->events ? event_new(ch->pbx->events, "Rename", EV_CALL) : NULL;
	event_put(e, "Channel", text_view(&ch->name));
	event_put(e, "Newname", text_view(&new_name));
	event_put(e, "Uniqueid", text_view(&ch->uniqueid));
	if (e)
		event_send(ch->pbx->events, e);
	text_free(&ch->name);
	ch->name = new_name;
	return 0;
}

int channel_request_prm(const struct channel_request *rq, struct str tech_dest, struct channel **out, int *cause)
{
	struct channel_request r = *rq;
	struct str type = str_trim(str_cut_raw(&tech_dest, '/'));
	const struct channel_tech *t = map_get(rq->pbx->techs, type);
	int err, why = CAUSE_NORMAL;

	if (!t || !t->request) {
		log_warning("No technology '%.*s' to make a channel of", STR_ARG(type));
		*cause = 66;
		return ENOENT;
	}
	r.dest = tech_dest;
	err = t->request(&r, out, &why);
	if (err) {
		*cause = why;
		return err;
	}
	(*out)->owned = true;
	(*out)->outgoing = true;
	return 0;
}

int channel_request(struct pbx *pbx, struct str tech_dest, struct channel *requestor, struct channel **out,
		    int *cause)
{
	struct channel_request rq = { .pbx = pbx, .requestor = requestor };

	return channel_request_prm(&rq, tech_dest, out, cause);
}
