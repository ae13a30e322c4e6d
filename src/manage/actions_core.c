/* Actions about the process: status, settings, reload, modules, log files. */
#include "manage/manager_private.h"
#include "service/web/web.h"
#include "manage/health.h"
#include "pbx/bridge.h"
#include "pbx/channel.h"
#include "pbx/local.h"
#include <errno.h>
#include <time.h>

#define MAP_DEPTH 32            /* Local channels in a row */

static size_t calls(const struct pbx *p)
{
	size_t n = 0;

	list_each(l, &p->channels)
		n += container_of(l, struct channel, link)->fiber != NULL;
	return n;
}

static void put_time(struct ami_ctx *a, const char *key, const char *fmt, int64_t wall_us)
{
	time_t t = (time_t)(wall_us / 1000000);
	char out[32] = "";
	struct tm tm;

	localtime_r(&t, &tm);
	if (!strftime(out, sizeof(out), fmt, &tm))
		out[0] = 0;
	ami_put(a, key, str_z(out));
}

static void core_status(struct ami_ctx *a)
{
	ami_start(a);
	put_time(a, "CoreStartupDate", "%Y-%m-%d", a->m->started_us);
	put_time(a, "CoreStartupTime", "%H:%M:%S", a->m->started_us);
	put_time(a, "CoreReloadDate", "%Y-%m-%d", a->m->reloaded_us);
	put_time(a, "CoreReloadTime", "%H:%M:%S", a->m->reloaded_us);
	ami_printf(a, "CoreCurrentCalls", "%zu", calls(a->m->pbx));
	ami_printf(a, "CoreProcessedCalls", "%llu", (unsigned long long)a->m->pbx->calls_total);
	ami_end(a);
}

static void core_settings(struct ami_ctx *a)
{
	const struct asterisk_conf *f = a->m->conf;

	ami_start(a);
	ami_put(a, "AMIversion", STR(AMI_VERSION));
	ami_put(a, "AsteriskVersion", STR(MANAGE_ASTERISK_VERSION));
	ami_put(a, "SystemName", a->m->pbx->systemname);
	ami_printf(a, "CoreMaxCalls", "%u", a->m->pbx->calls_max);
	ami_printf(a, "CoreMaxLoadAvg", "%f", f ? f->maxload : 0.0);
	ami_put(a, "CoreRunUser", f ? f->runuser : STR_NULL);
	ami_put(a, "CoreRunGroup", f ? f->rungroup : STR_NULL);
	ami_printf(a, "CoreMaxFilehandles", "%u", f ? f->maxfiles : 0);
	ami_put(a, "CoreRealTimeEnabled", STR("No"));
	ami_put(a, "CoreCDRenabled", STR("No"));
	ami_put(a, "CoreHTTPenabled", a->m->web && web_conf(a->m->web) && web_conf(a->m->web)->enabled ? STR("Yes") : STR("No"));
	ami_put(a, "SoundsSearchCustomDir", f && f->sounds_search_custom_dir ? STR("Yes") : STR("No"));
	ami_end(a);
}

static bool put_channel(struct ami_ctx *a, const struct channel *ch)
{
	int64_t s = clock_wall_s(a->m->clock) - ch->created;

	ami_event(a, "CoreShowChannel");
	ami_channel(a, ch);
	ami_put(a, "Application", text_view(&ch->app));
	ami_put(a, "ApplicationData", text_view(&ch->appdata));
	ami_printf(a, "Duration", "%02d:%02d:%02d", (int)(s / 3600), (int)(s % 3600 / 60), (int)(s % 60));
	ami_put(a, "BridgeId", ch->bridge ? bridge_id(ch->bridge) : STR_NULL);
	return ami_item_end(a);
}

static void core_show_channels(struct ami_ctx *a)
{
	struct map_walk w = { 0 };
	struct channel *ch;

	ami_list_start(a, "Channels will follow");
	while ((ch = channel_walk_next(a->m->pbx, &w)) && put_channel(a, ch))
		;
	map_walk_end(&w);
	ami_list_end(a, "CoreShowChannelsComplete");
}

/* Everybody in a channel's bridge, and behind Local halves in it. */
static void map_bridge(struct ami_ctx *a, struct str name, const struct channel *ch, unsigned depth)
{
	if (!ch->bridge || depth > MAP_DEPTH)
		return;
	list_each(l, &ch->bridge->members) {
		const struct channel *other = container_of(l, struct member, link)->ch, *twin;

		if (other == ch)
			continue;
		twin = local_twin(other);
		for (int i = 0; i < (twin ? 2 : 1); i++) {
			ami_event(a, "CoreShowChannelMap");
			ami_put(a, "Channel", name);
			ami_put(a, "ConnectedChannel", text_view(i ? &twin->name : &other->name));
			ami_end(a);
			a->items++;
		}
		if (twin)
			map_bridge(a, name, twin, depth + 1);
	}
}

static void core_show_channel_map(struct ami_ctx *a)
{
	struct channel *ch = ami_get_channel(a, "Channel", "CoreShowChannelMap requires a channel.",
					     "Could not get channel snapshot");

	if (!ch)
		return;
	ami_list_start(a, "Channel map will follow");
	map_bridge(a, text_view(&ch->name), ch, 0);
	ami_list_end(a, "CoreShowChannelMapComplete");
}

/* ---- reload ----------------------------------------------------------- */

static void answer_reload(struct ami_ctx *a, int err, const char *done, const char *unknown)
{
	if (!err || err == EALREADY)
		ami_ok(a, "%s", done);
	else if (err == ENOENT)
		ami_error(a, "%s", unknown);
	else if (err == EBUSY)
		ami_error(a, "A reload is in progress");
	else
		ami_error(a, "An unknown error occurred");
}

static int reload_module(struct ami_ctx *a, struct str module)
{
	struct report *r = report_new();
	int err;

	ami_release(a);
	err = manage_reload(a->m, module, r);
	if (r)
		report_log(r);
	report_free(r);
	a->s->hold = true;
	return err;
}

/* As QueueLog() of the dialplan. */
static void queue_log(struct ami_ctx *a)
{
	const struct pbx_logs *l = &a->m->pbx->logs;
	struct queue_event e = { .queue = ami_get(a, "Queue"), .id = ami_get(a, "Uniqueid"), .agent = ami_get(a, "Interface"),
		.event = ami_get(a, "Event"), .info = ami_get(a, "Message") };

	if (!e.queue.n || !e.event.n) {
		ami_error(a, "Need 'Queue' and 'Event' parameters.");
		return;
	}
	if (!e.id.n)
		e.id = STR("NONE");
	if (!e.agent.n)
		e.agent = STR("NONE");
	if (l->queue)
		l->queue(l->arg, &e);
	ami_ok(a, "Event added successfully");
}

static void reload_action(struct ami_ctx *a)
{
	answer_reload(a, reload_module(a, ami_get(a, "Module")), "Module Reloaded", "No such module");
}

static void module_load(struct ami_ctx *a)
{
	struct str module = ami_get(a, "Module"), how = ami_get(a, "LoadType");

	if (str_ieq(how, STR("reload")))
		answer_reload(a, reload_module(a, module), module.n ? "Module reloaded." : "All modules reloaded", "Module not found.");
	else if (!how.n)
		ami_error(a, "Incomplete ModuleLoad action.");
	else if (!module.n)
		ami_error(a, "Need module name");
	else if (str_ieq(how, STR("load")))
		ami_error(a, manage_has_module(a->m, module) ? "Could not load module." : "Module not found.");
	else if (str_ieq(how, STR("unload")))
		ami_error(a, "Could not unload module.");
	else if (str_ieq(how, STR("refresh")))
		ami_error(a, "Could not refresh module.");
	else
		ami_error(a, "Incomplete ModuleLoad action.");
}

static void module_check(struct ami_ctx *a)
{
	if (!manage_has_module(a->m, ami_get(a, "Module"))) {
		ami_error(a, "Module not loaded");
		return;
	}
	ami_start(a);
	ami_put(a, "Version", STR_NULL);
	ami_end(a);
}

static void logger_rotate(struct ami_ctx *a)
{
	if (!a->m->hooks.logger_rotate || a->m->hooks.logger_rotate(a->m->hooks.arg))
		ami_error(a, "Failed to reload the logger and rotate log files");
	else
		ami_ok(a, "Reloaded the logger and rotated log files");
}

static void put_health(void *arg, const char *key, const char *name, uint64_t value, const char *unit)
{
	(void)name;
	(void)unit;
	ami_printf(arg, key, "%llu", (unsigned long long)value);
}

/* Asterisk has none; the names are ours. */
static void core_health(struct ami_ctx *a)
{
	ami_start(a);
	health_each(a->m, put_health, a);
	ami_end(a);
}

static const struct ami_action rows[] = {
	{ "CoreStatus", EV_SYSTEM | EV_REPORTING, "When the server started and how many calls it had", core_status, false },
	{ "CoreHealth", EV_SYSTEM | EV_REPORTING, "Is everything served in time?", core_health, true },
	{ "CoreSettings", EV_SYSTEM | EV_REPORTING, "Version and limits", core_settings, false },
	{ "CoreShowChannels", EV_SYSTEM | EV_REPORTING, "List all channels", core_show_channels, false },
	{ "CoreShowChannelMap", EV_SYSTEM | EV_REPORTING, "List who hears a channel", core_show_channel_map, false },
	{ "QueueLog", EV_AGENT, "Write to the queue log", queue_log, false },
	{ "Reload", EV_CONFIG | EV_SYSTEM, "Read configuration files again", reload_action, false },
	{ "ModuleLoad", EV_SYSTEM, "Reload a module", module_load, false },
	{ "ModuleCheck", EV_SYSTEM, "Is a module there", module_check, false },
	{ "LoggerRotate", EV_SYSTEM | EV_REPORTING, "Begin new log files", logger_rotate, false },
};
const struct ami_table ami_core_actions = { rows, ARRAY_LEN(rows) };
