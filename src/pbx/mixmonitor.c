/* Recordings of calls: begun, followed from session to session, ended. Their arguments are mixmonitor_prm.c's. */
#define LOG_MODULE "mixmonitor"
#include "pbx/mixmonitor.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/mixer.h"
#include "pbx/after.h"
#include "pbx/bridge.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/sound.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct tapping {                /* a tap of a recording */
	struct mixmonitor *m;   /* held */
	struct media_tap *tap;
};

static void mixmonitor_free(void *o)
{
	struct mixmonitor *m = o;

	for (int i = 0; i < RECORD_FILES; i++)
		text_free(&m->file[i]);
	text_free(&m->id);
	text_free(&m->command);
	text_free(&m->mailboxes);
	obj_drop(m->record);
}

/* ---- the end */

static void after(struct mixmonitor *m)
{
	struct after_prm prm = { .command = text_view(&m->command), .nremove = m->remove ? RECORD_FILES : 0 };

	for (int i = 0; i < RECORD_FILES; i++)
		prm.remove[i] = text_view(&m->file[i]);
	if (m->command.n)
		log_verbose(2, "Executing [%s]", text_z(&m->command));
	if (m->mailboxes.n)
		log_warning("MixMonitor: there is no voicemail here to copy the recording to (%s)", text_z(&m->mailboxes));
	after_run(&prm);
}

/* All files are complete, or as complete as they will be. */
static void complete(struct mixmonitor *m)
{
	int err = record_close(m->record);

	if (err)
		log_error("A recording has ended before its call: %s: %s", text_z(&m->file[m->file[0].n ? 0 : m->file[1].n ? 1 : 2]),
			  strerror(err));
	if (m->pbx)
		list_remove(&m->link);
	after(m);
	log_verbose(2, "End MixMonitor Recording %s", text_z(&m->id));
	m->done = true;
	fiber_wake(m->waiter);
	obj_drop(m);
}

static void tell(struct channel *ch, const char *name, int err)
{
	struct event *e = channel_event_begin(ch, name, EV_CALL);

	if (!e)
		return;
	if (err)
		event_put(e, "Reason", str_z(strerror(err)));
	event_send(ch->pbx->events, e);
}

/* The channel knows it no more; what has come until now is written. `ends`: the channel itself does. */
static void let_go(struct mixmonitor *m, bool ends)
{
	struct channel *ch = m->ch;

	if (m->stopping)
		return;
	m->stopping = true;
	m->ch = NULL;
	timer_stop(&m->beep);
	ch->recordings--;
	if (!ends)
		channel_heard_anew(ch);
	record_finish(m->record);
	if (m->tap)
		media_tap_stop(m->tap);
	m->tap = NULL;
	if (!m->taps)
		complete(m);
}

/* ---- the session that it is on */

static void follow(struct mixmonitor *m);

static void tap_done(void *arg, const struct tap_result *r)
{
	struct tapping *t = arg;
	struct mixmonitor *m = t->m;
	struct channel *ch = m->ch;

	m->taps--;
	if (m->tap == t->tap) {
		m->tap = NULL;
		m->on = NULL;
	}
	if (r->dropped)
		log_warning("A recording lacks %" PRIu64 " pieces: the disk was too slow (%s)", r->dropped, text_z(&m->id));
	if (r->err && ch) {
		/* A full disk ends the recording and not the call. */
		tell(ch, "MixMonitorStop", r->err);
		let_go(m, false);
	} else if (ch) {
		follow(m);
	} else if (!m->taps && !m->done) {
		complete(m);
	}
	obj_drop(m);
	free(t);
}

static int start_tap(struct mixmonitor *m, struct media_session *s)
{
	struct media_tap_prm prm = { .sink = record_sink(m->record), .done = tap_done };
	struct tapping *t = calloc(1, sizeof(*t));
	int err;

	if (!t) {
		prm.sink.free(prm.sink.arg);
		return ENOMEM;
	}
	prm.arg = t;
	t->m = obj_hold(m);
	err = media_tap_start(&t->tap, s, &prm);
	if (err) {
		obj_drop(m);
		free(t);
		return err;
	}
	m->tap = t->tap;
	m->on = s;
	m->taps++;
	return 0;
}

/* To the session that the channel's sound goes through now. */
static void follow(struct mixmonitor *m)
{
	struct media_session *s = channel_media(m->ch);
	int err;

	if (m->only_bridged)
		record_pause(m->record, !m->ch->bridge, clock_us(m->ch->pbx->clock));
	if (s == m->on)
		return;
	if (m->tap)
		media_tap_stop(m->tap);
	m->tap = NULL;
	m->on = NULL;
	err = s ? start_tap(m, s) : 0;
	if (err && err != ESHUTDOWN)
		log_error("A recording does not go on: %s: %s", text_z(&m->ch->name), strerror(err));
}

void mixmonitors_follow(struct pbx *p)
{
	list_each_safe(l, tmp, &p->recordings) {
		struct mixmonitor *m = container_of(l, struct mixmonitor, link);

		if (m->ch && !m->ch->dead)
			follow(m);
	}
}

void mixmonitor_channel_ends(struct channel *ch)
{
	if (!ch->recordings)
		return;
	list_each_safe(l, tmp, &ch->pbx->recordings) {
		struct mixmonitor *m = container_of(l, struct mixmonitor, link);

		if (m->ch == ch)
			let_go(m, true);
	}
}

void mixmonitor_moved(struct channel *from, struct channel *to)
{
	if (!from->recordings)
		return;
	list_each(l, &from->pbx->recordings) {
		struct mixmonitor *m = container_of(l, struct mixmonitor, link);

		if (m->ch == from)
			m->ch = to;
	}
	to->recordings += from->recordings;
	from->recordings = 0;
}

void mixmonitors_forget(struct pbx *p)
{
	list_each_safe(l, tmp, &p->recordings) {
		list_remove(l);
		container_of(l, struct mixmonitor, link)->pbx = NULL;
	}
}

/* ---- beeps */

static void beep_on(struct channel *ch)
{
	static const struct str name = STR_INIT("beep");

	channel_play(ch, &name, 1, text_view(&ch->language), 0);
}

static void beep_now(void *arg)
{
	struct mixmonitor *m = arg;
	struct channel *peer = bridge_peer(m->ch);

	beep_on(m->ch);
	if (peer)
		beep_on(peer);
	timer_start(m->pbx->wheel, &m->beep, m->beep_ms, beep_now, m);
}

/* In Asterisk a PERIODIC_HOOK() of the channel makes them. */
static void beeps_begin(struct mixmonitor *m)
{
	struct event *e = event_test(m->pbx->events, "PERIODIC_HOOK_ENABLED", "mixmonitor.c", "beeps_begin");

	timer_start(m->pbx->wheel, &m->beep, m->beep_ms, beep_now, m);
	if (!e)
		return;
	event_put(e, "Exten", STR("beep"));
	event_put(e, "Channel", text_view(&m->ch->name));
	event_printf(e, "Interval", "%llu", (unsigned long long)(m->beep_ms / 1000));
	event_send(m->pbx->events, e);
}

/* ---- begin */

static int make_id(struct text *to, struct pbx *p)
{
	/* Looks as Asterisk's does, and tells nothing of our memory. */
	return text_printf(to, "0x%012" PRIx64, UINT64_C(0x550000000000) + (uint64_t)++p->next_recording * 0x40);
}

static int make_record(struct mixmonitor *m, struct pbx *p, struct record_prm *prm)
{
	struct rate_bank *own = NULL;
	int err;

	/* A pbx without sound makes files without any. */
	if (!p->media && rate_bank_new(&own))
		return ENOMEM;
	prm->bank = p->media ? media_rates(p->media) : own;
	err = record_new(&m->record, prm);
	obj_drop(own);
	return err;
}

static int new_from(struct mixmonitor **out, struct channel *ch, struct mixmonitor_prm *prm)
{
	struct mixmonitor *m = obj_new(sizeof(*m), mixmonitor_free);
	int err = m ? make_id(&m->id, ch->pbx) : ENOMEM;

	err = err ? err : make_record(m, ch->pbx, &prm->record);
	if (err) {
		obj_drop(m);
		return err;
	}
	for (int i = 0; i < RECORD_FILES; i++) {
		m->file[i] = prm->file[i];
		prm->file[i] = (struct text){ 0 };
	}
	m->command = prm->command;
	m->mailboxes = prm->mailboxes;
	prm->command = prm->mailboxes = (struct text){ 0 };
	m->only_bridged = prm->only_bridged;
	m->beep_at_end = prm->beep_at_end;
	m->remove = prm->remove;
	m->beep_ms = prm->beep_ms;
	m->pbx = ch->pbx;
	m->ch = ch;
	*out = m;
	return 0;
}

static int begin(struct channel *ch, struct mixmonitor_prm *prm)
{
	struct mixmonitor *m;
	int err;

	if (prm->file[RECORD_MIXED].n)
		pbx_setvar(ch->pbx, ch, STR("MIXMONITOR_FILENAME"), text_view(&prm->file[RECORD_MIXED]));
	if (prm->beep_at_start && ch->fiber && ch->fiber == fiber_self())
		sound_play(ch, STR("beep"), STR_NULL, NULL);
	else if (prm->beep_at_start)
		beep_on(ch);
	if (ch->dead || (ch->hungup && ch->fiber != fiber_self()))
		return ESHUTDOWN;
	err = new_from(&m, ch, prm);
	if (err)
		return err;
	/* The latest first. */
	list_prepend(&ch->pbx->recordings, &m->link);
	ch->recordings++;
	if (prm->id_variable.n)
		pbx_setvar(ch->pbx, ch, text_view(&prm->id_variable), text_view(&m->id));
	log_verbose(2, "Begin MixMonitor Recording %s", text_z(&ch->name));
	follow(m);
	channel_heard_anew(ch);
	if (m->beep_ms && ch->pbx->wheel)
		beeps_begin(m);
	tell(ch, "MixMonitorStart", 0);
	return 0;
}

int mixmonitor_start(struct channel *ch, struct str data)
{
	struct mixmonitor_prm prm;
	int err = mixmonitor_parse(&prm, ch, data);

	if (!err)
		err = begin(ch, &prm);
	mixmonitor_prm_free(&prm);
	return err;
}

/* ---- from outside */

struct mixmonitor *mixmonitor_find(struct channel *ch, struct str id)
{
	if (!ch->recordings)
		return NULL;
	list_each(l, &ch->pbx->recordings) {
		struct mixmonitor *m = container_of(l, struct mixmonitor, link);

		if (m->ch == ch && (!id.n || str_ieq(id, text_view(&m->id))))
			return m;
	}
	return NULL;
}

int mixmonitor_stop(struct channel *ch, struct str id)
{
	struct mixmonitor *m = obj_hold(mixmonitor_find(ch, id));

	if (!m)
		return ENOENT;
	let_go(m, false);
	tell(ch, "MixMonitorStop", 0);
	if (m->beep_at_end)
		beep_on(ch);
	/* The dialplan may use the file in its next step. */
	while (!m->done && fiber_self()) {
		m->waiter = fiber_self();
		fiber_wait();
	}
	m->waiter = NULL;
	obj_drop(m);
	return 0;
}

int mixmonitor_mute(struct channel *ch, struct str id, bool in, bool out, bool mute, unsigned *count)
{
	uint64_t now = clock_us(ch->pbx->clock);

	*count = 0;
	if (!mixmonitor_find(ch, id))
		return ENOENT;
	list_each(l, &ch->pbx->recordings) {
		struct mixmonitor *m = container_of(l, struct mixmonitor, link);

		if (m->ch != ch || (id.n && !str_ieq(id, text_view(&m->id))))
			continue;
		if (in)
			record_mute(m->record, TAP_IN, mute, now);
		if (out)
			record_mute(m->record, TAP_OUT, mute, now);
		++*count;
	}
	return 0;
}

void mixmonitor_tell_mute(struct channel *ch, struct str direction, bool on)
{
	struct event *e = channel_event_begin(ch, "MixMonitorMute", EV_CALL);

	if (!e)
		return;
	event_put(e, "Direction", direction);
	event_put(e, "State", on ? STR("1") : STR("0"));
	event_send(ch->pbx->events, e);
}
