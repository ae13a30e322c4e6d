/* The pbx as a whole: its start and its end. */
#include "base/fiber.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/devstate_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/fax.h"
#include "pbx/features.h"
#include "pbx/func/func.h"
#include "pbx/local.h"
#include "pbx/mixmonitor.h"
#include <errno.h>
#include <stdlib.h>

#define APP(name) &app_##name,
static const struct app *const apps[] = {
#include "pbx/app/list.h"
	NULL
};
#undef APP

#define FUNC(name) &func_##name,
static const struct func *const funcs[] = {
#include "pbx/func/list.h"
	NULL
};
#undef FUNC

enum { SILENCE_THRESHOLD = 256 };        /* without a dsp.conf */

static channel_end_fn *const channel_ends[] = { channel_follow_ends, mixmonitor_channel_ends, bridge_let_go, channel_unlink_early, channel_moh_stop,
	NULL };

static int register_rows(struct pbx *p)
{
	int err = 0;

	for (size_t i = 0; apps[i] && !err; i++)
		err = pbx_add_app(p, apps[i]);
	for (size_t i = 0; funcs[i] && !err; i++)
		err = pbx_add_func(p, funcs[i]);
	return err;
}

int pbx_new(struct pbx **out, const struct pbx_prm *prm)
{
	struct pbx *p = calloc(1, sizeof(*p));
	int err = ENOMEM;

	if (!p)
		return ENOMEM;
	list_init(&p->channels);
	list_init(&p->recordings);
	p->path_changed = mixmonitors_follow;
	p->heard_anew = bridge_heard_anew;
	p->loop = prm->loop;
	if (prm->loop) {
		p->wheel = loop_wheel(prm->loop);
		p->clock = loop_clock(prm->loop);
	}
	p->clock = p->clock ? p->clock : clock_real();
	p->media = prm->media;
	p->db = prm->db;
	p->systemname = prm->systemname;
	p->entityid = prm->entityid;
	p->default_language = prm->default_language.n ? prm->default_language : STR("en");
	p->sounds_dir = prm->sounds_dir;
	p->spool_dir = prm->spool_dir;
	p->mindtmfduration = prm->mindtmfduration;
	p->silence_threshold = SILENCE_THRESHOLD;
	p->started = clock_wall_s(p->clock);
	p->channel_ends = channel_ends;
	p->events = events_new();
	p->by_name = map_new(true);
	p->by_uniqueid = map_new_ordered();
	p->bridges = map_new_ordered();
	p->apps = map_new(true);
	p->funcs = map_new(true);
	p->techs = map_new(true);
	p->builtins = map_new(false);
	p->fax = faxes_new();
	if (!p->fax || !p->events || !p->by_name || !p->by_uniqueid || !p->bridges || !p->apps || !p->funcs || !p->techs ||
	    !p->builtins)
		goto out;
	err = devstates_new(p);
	err = err ? err : hints_new(p);
	err = err ? err : features_new(&p->features);
	err = err ? err : register_rows(p);
	err = err ? err : pbx_add_tech(p, &local_tech);
 out:
	if (err)
		pbx_free(p);
	else
		*out = p;
	return err;
}

void pbx_free(struct pbx *p)
{
	if (!p)
		return;
	mixmonitors_forget(p);
	hints_free(p);
	devstates_free(p);
	p->plan = obj_drop(p->plan);
	p->added = obj_drop(p->added);
	map_free(p->by_name);
	map_free(p->by_uniqueid);
	map_free(p->bridges);
	map_free(p->apps);
	map_free(p->funcs);
	map_free(p->techs);
	map_free(p->builtins);
	p->features = obj_drop(p->features);
	p->moh = obj_drop(p->moh);
	faxes_free(p->fax);
	vars_free(&p->globals);
	vars_free(&p->constants);
	events_free(p->events);
	free(p);
}

/* Ending one channel may end others at once, so the walk goes on from one that is
 * still there, and begins anew when it is not. */
void pbx_hangup_all(struct pbx *p, int cause)
{
	struct list *l = p->channels.next;

	while (l != &p->channels) {
		struct channel *ch = obj_hold(container_of(l, struct channel, link));

		if (!ch->hungup)
			channel_soft_hangup(ch, cause, SOFT_SHUTDOWN);
		l = ch->dead ? p->channels.next : ch->link.next;
		obj_drop(ch);
	}
}

/* A channel that ends may begin another: the next message, a call that goes elsewhere. */
void pbx_stop(struct pbx *p)
{
	p->stopping = true;
	pbx_hangup_all(p, CAUSE_NORMAL);
	fiber_run_ready();
}
