/* core show ...: the process, its channels, applications and functions. */
#include "manage/command.h"
#include "manage/pjsip_view.h"
#include "base/fiber.h"
#include "base/log.h"
#include "pbx/bridge.h"
#include "pbx/channel.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static const char *es(uint64_t n) { return n == 1 ? "" : "s"; }

static enum command_result version(struct command_ctx *c)
{
	struct utsname u = { 0 };

	uname(&u);
	command_printf(c, "Asterisk " MANAGE_ASTERISK_VERSION " compatible: Sidetone %s on a %s running %s\n", text_z(&c->m->version),
		       u.machine, u.sysname);
	return COMMAND_OK;
}

/* ---- times ------------------------------------------------------------ */

static void span(struct command_ctx *c, const char *name, int64_t since_us, bool seconds)
{
	int64_t s = (clock_wall_us(c->m->clock) - since_us) / 1000000;

	command_printf(c, "%s: ", name);
	if (seconds)
		command_printf(c, "%lld", (long long)s);
	else
		manage_write_span(&c->out, s > 0 ? s : 0);
	command_put(c, STR("\n"));
}

static enum command_result uptime(struct command_ctx *c)
{
	bool seconds = str_ieq(command_arg(c, 0), STR("seconds"));

	if (c->args > 1 || (c->args && !seconds))
		return COMMAND_USAGE;
	span(c, "System uptime", c->m->started_us, seconds);
	span(c, "Last reload", c->m->reloaded_us, seconds);
	return COMMAND_OK;
}

/* ---- channels --------------------------------------------------------- */

/* A call is a channel that runs the dialplan by itself. */
static size_t calls(const struct pbx *p)
{
	size_t n = 0;

	list_each(l, &p->channels)
		n += container_of(l, struct channel, link)->fiber != NULL;
	return n;
}

static void print_totals(struct command_ctx *c)
{
	const struct pbx *p = c->m->pbx;
	size_t n = calls(p);

	if (p->calls_max)
		command_printf(c, "%zu of %u max active call%s (%5.2f%% of capacity)\n", n, p->calls_max, es(n),
			       100.0 * (double)n / p->calls_max);
	else
		command_printf(c, "%zu active call%s\n", n, es(n));
	command_printf(c, "%llu call%s processed\n", (unsigned long long)p->calls_total, es(p->calls_total));
}

static enum command_result show_calls(struct command_ctx *c)
{
	print_totals(c);
	if (str_ieq(command_arg(c, 0), STR("uptime")))
		span(c, "System uptime", c->m->started_us, str_ieq(command_arg(c, 1), STR("seconds")));
	return COMMAND_OK;
}

static void row_short(struct command_ctx *c, const struct channel *ch)
{
	char where[64] = "(None)", app[64] = "(None)";

	if (ch->context.n && ch->exten.n)
		snprintf(where, sizeof(where), "%s@%s:%d", text_z(&ch->exten), text_z(&ch->context), ch->priority);
	if (ch->app.n)
		snprintf(app, sizeof(app), "%.30s(%.30s)", text_z(&ch->app), text_z(&ch->appdata));
	command_printf(c, "%-64.64s %-32.32s %-7.7s %-30.30s\n", text_z(&ch->name), where,
		       channel_state_name(ch->state), app);
}

static int64_t channel_age(const struct command_ctx *c, const struct channel *ch)
{
	return clock_wall_s(c->m->clock) - ch->created;
}

static void row_verbose(struct command_ctx *c, const struct channel *ch)
{
	int64_t s = channel_age(c, ch);
	char when[16];

	snprintf(when, sizeof(when), "%02d:%02d:%02d", (int)(s / 3600), (int)(s % 3600 / 60), (int)(s % 60));
	command_printf(c, "%-80.80s %-24.24s %-24.24s %4d %-7.7s %-12.12s %-25.25s %-15.15s %8.8s %-11.11s "
		       "%-11.11s %-20.*s\n", text_z(&ch->name), text_z(&ch->context), text_z(&ch->exten), ch->priority,
		       channel_state_name(ch->state), ch->app.n ? ch->app.p : "(None)",
		       ch->appdata.n ? ch->appdata.p : "(Empty)", text_z(&ch->caller.number), when,
		       text_z(&ch->accountcode), text_z(&ch->peeraccount),
		       STR_ARG(ch->bridge ? str_sub(bridge_id(ch->bridge), 0, 20) : STR_NULL));
}

static void row_concise(struct command_ctx *c, const struct channel *ch)
{
	command_printf(c, "%s!%s!%s!%d!%s!%s!%s!%s!%s!%s!%d!%lld!%.*s!%s\n", text_z(&ch->name), text_z(&ch->context),
		       text_z(&ch->exten), ch->priority, channel_state_name(ch->state),
		       ch->app.n ? ch->app.p : "(None)", text_z(&ch->appdata), text_z(&ch->caller.number),
		       text_z(&ch->accountcode), text_z(&ch->peeraccount), ch->amaflags, (long long)channel_age(c, ch),
		       STR_ARG(ch->bridge ? bridge_id(ch->bridge) : STR_NULL), text_z(&ch->uniqueid));
}

static void each_channel(struct command_ctx *c, void (*row)(struct command_ctx *, const struct channel *))
{
	struct map_walk w = { 0 };
	struct channel *ch;

	while ((ch = channel_walk_next(c->m->pbx, &w))) {
		row(c, ch);
		if (!command_row(c))
			break;
	}
	map_walk_end(&w);
}

static enum command_result channels(struct command_ctx *c)
{
	struct str how = command_arg(c, 0);
	size_t n;

	if (c->args > 1)
		return COMMAND_USAGE;
	if (str_ieq(how, STR("concise"))) {
		each_channel(c, row_concise);
		return COMMAND_OK;
	}
	if (str_ieq(how, STR("verbose"))) {
		command_printf(c, "%-80.80s %-24.24s %-24.24s %-4.4s %-7.7s %-12.12s %-25.25s %-15.15s %8.8s %-11.11s "
			       "%-11.11s %-20.20s\n", "Channel", "Context", "Extension", "Priority", "State",
			       "Application", "Data", "CallerID", "Duration", "Accountcode", "PeerAccount", "BridgeID");
		each_channel(c, row_verbose);
	} else if (!how.n) {
		command_printf(c, "%-64.64s %-32.32s %-7.7s %-30.30s\n", "Channel", "Location", "State",
			       "Application(Data)");
		each_channel(c, row_short);
	} else if (!str_ieq(how, STR("count"))) {
		return COMMAND_USAGE;
	}
	n = channel_count(c->m->pbx);
	command_printf(c, "%zu active channel%s\n", n, es(n));
	print_totals(c);
	return COMMAND_OK;
}

static const char *or_na(const struct text *t, bool valid) { return valid && t->n ? t->p : "(N/A)"; }

static void print_channel(struct command_ctx *c, struct channel *ch, const char *name, const char *key)
{
	struct buf b = BUF_INIT;

	if (ch->tech && ch->tech->read)
		ch->tech->read(ch, str_z(key), &b);
	command_printf(c, "%s: %s\n", name, buf_z(&b));
	buf_free(&b);
}

static void print_stream(struct command_ctx *c, struct channel *ch, const char *type, unsigned *n)
{
	struct buf key = BUF_INIT, b = BUF_INIT;

	buf_printf(&key, "%snativeformat", type);
	if (ch->tech && ch->tech->read && !ch->tech->read(ch, buf_view(&key), &b) && b.n && !str_eq(buf_view(&b), STR("(nothing)"))) {
		command_printf(c, "Name: %s-%u\n    Type: %s\n    State: sendrecv\n    Group: -1\n    Formats: %s\n    Metadata:\n",
			       type, *n, type, buf_z(&b));
		++*n;
	}
	buf_free(&key);
	buf_free(&b);
}

static void print_streams(struct command_ctx *c, struct channel *ch)
{
	unsigned n = 0;

	command_put(c, STR(" -- Streams --\n"));
	print_stream(c, ch, "audio", &n);
	print_stream(c, ch, "video", &n);
}

static enum command_result channel(struct command_ctx *c)
{
	struct channel *ch = c->args == 1 ? channel_by_name(c->m->pbx, c->arg[0]) : NULL;
	int64_t s;

	if (c->args != 1)
		return COMMAND_USAGE;
	if (!ch) {
		command_printf(c, "%.*s is not a known channel\n", STR_ARG(c->arg[0]));
		return COMMAND_OK;
	}
	s = channel_age(c, ch);
	command_printf(c, " -- General --\n           Name: %s\n           Type: %s\n       UniqueID: %s\n"
		       "       LinkedID: %s\n      Caller ID: %s\n Caller ID Name: %s\nConnected Line ID: %s\n"
		       "Connected Line ID Name: %s\nEff. Connected Line ID: %s\nEff. Connected Line ID Name: %s\n    DNID Digits: %s\n       Language: %s\n          State: %s (%u)\n",
		       text_z(&ch->name), ch->tech->type, text_z(&ch->uniqueid), text_z(&ch->linkedid),
		       or_na(&ch->caller.number, ch->caller.number_valid), or_na(&ch->caller.name, ch->caller.name_valid),
		       or_na(&ch->connected.number, ch->connected.number_valid),
		       or_na(&ch->connected.name, ch->connected.name_valid), or_na(&ch->connected.number, ch->connected.number_valid),
		       or_na(&ch->connected.name, ch->connected.name_valid), or_na(&ch->dialed.number, true),
		       text_z(&ch->language), channel_state_name(ch->state), (unsigned)ch->state);
	print_channel(c, ch, "  NativeFormats", "audionativeformat");
	print_channel(c, ch, "    WriteFormat", "audiowriteformat");
	print_channel(c, ch, "     ReadFormat", "audioreadformat");
	/* What a channel reads and writes is what its peer speaks: others are translated to where they are joined. */
	command_printf(c, " WriteTranscode: No \n  ReadTranscode: No \n Time to Hangup: %lld\n   Elapsed Time: %dh%dm%ds\n      Bridge ID: %.*s\n --   PBX   --\n"
		       "        Context: %s\n      Extension: %s\n       Priority: %d\n     Call Group: %llu\n   Pickup Group: %llu\n"
		       "    Application: %s\n           Data: %s\n Call Identifier: (None)\n      Variables:\n",
		       (long long)view_hangup_time(c->m, ch), (int)(s / 3600),
		       (int)(s % 3600 / 60), (int)(s % 60), STR_ARG(ch->bridge ? bridge_id(ch->bridge) : STR("(Not bridged)")),
		       text_z(&ch->context), text_z(&ch->exten), ch->priority, (unsigned long long)ch->call_group,
		       (unsigned long long)ch->pickup_group, or_na(&ch->app, true),
		       ch->appdata.n ? ch->appdata.p : "(Empty)");
	for (struct list *l = ch->vars.head.next; l && l != &ch->vars.head; l = l->next) {
		const struct var *v = container_of(l, struct var, link);

		command_printf(c, "%.*s=%.*s\n", STR_ARG(v->name), STR_ARG(v->value));
	}
	print_streams(c, ch);
	return COMMAND_OK;
}

/* ---- registries ------------------------------------------------------- */

static enum command_result applications(struct command_ctx *c)
{
	size_t n = 0, shown = 0;
	void **v = map_sorted(c->m->pbx->apps, &n);
	bool like = str_ieq(command_arg(c, 0), STR("like")) && c->args == 2;

	command_printf(c, "    -= %s Asterisk Applications =-\n", like ? "Matching" : "Registered");
	for (size_t i = 0; v && i < n; i++) {
		const struct app *a = v[i];

		if (like && str_ifind(str_z(a->name), c->arg[1]) == strlen(a->name) &&
		    !str_istarts(str_z(a->name), c->arg[1]))
			continue;
		command_printf(c, "  %20s: %s\n", a->name, a->synopsis ? a->synopsis : "");
		shown++;
	}
	command_printf(c, "    -= %zu Applications %s =-\n", shown, like ? "Matching" : "Registered");
	free(v);
	return COMMAND_OK;
}

static enum command_result application(struct command_ctx *c)
{
	const struct app *a;

	if (!c->args)
		return COMMAND_USAGE;
	a = map_get(c->m->pbx->apps, c->arg[0]);
	if (!a)
		command_printf(c, "Your application(s) is (are) not registered\n");
	else
		command_printf(c, "\n  -= Info about application '%s' =- \n\n[Synopsis]\n%s\n", a->name,
			       a->synopsis ? a->synopsis : "Not available");
	return COMMAND_OK;
}

static enum command_result functions(struct command_ctx *c)
{
	size_t n = 0, shown = 0;
	void **v = map_sorted(c->m->pbx->funcs, &n);
	bool like = str_ieq(command_arg(c, 0), STR("like")) && c->args == 2;

	command_printf(c, "%s Custom Functions:\n"
		       "--------------------------------------------------------------------------------\n",
		       like ? "Matching" : "Installed");
	for (size_t i = 0; v && i < n; i++) {
		const struct func *f = v[i];

		if (like && str_find(str_z(f->name), c->arg[1]) == strlen(f->name))
			continue;
		command_printf(c, "%-20.20s  %s\n", f->name, f->synopsis ? f->synopsis : "");
		shown++;
	}
	command_printf(c, "%zu %scustom functions installed.\n", shown, like ? "matching " : "");
	free(v);
	return COMMAND_OK;
}

static enum command_result function(struct command_ctx *c)
{
	const struct func *f;

	if (c->args != 1)
		return COMMAND_USAGE;
	f = map_get(c->m->pbx->funcs, c->arg[0]);
	if (!f)
		command_printf(c, "No function by that name registered.\n");
	else
		command_printf(c, "\n  -= Info about function '%s' =- \n\n[Synopsis]\n%s\n\n[Access]\n%s%s\n", f->name,
			       f->synopsis ? f->synopsis : "Not available", f->read ? "read " : "",
			       f->write ? "write" : "");
	return COMMAND_OK;
}

static enum command_result channeltypes(struct command_ctx *c)
{
	size_t n = 0;
	void **v = map_sorted(c->m->pbx->techs, &n);

	command_printf(c, "%-15.15s  %-40.40s %-13.13s %-13.13s %-13.13s %-13.13s\n", "Type", "Description", "Devicestate",
		       "Presencestate", "Indications", "Transfer");
	command_printf(c, "%-15.15s  %-40.40s %-13.13s %-13.13s %-13.13s %-13.13s\n", "-------------", "-------------",
		       "-------------", "-------------", "-------------", "-------------");
	for (size_t i = 0; v && i < n; i++) {
		const struct channel_tech *t = v[i];

		command_printf(c, "%-15.15s  %-40.40s %-13.13s %-13.13s %-13.13s %-13.13s\n", t->type,
			       t->description ? t->description : "", t->device_state ? "yes" : "no", "no",
			       t->indicate ? "yes" : "no", t->transfer ? "yes" : "no");
	}
	command_printf(c, "----------\n%zu channel drivers registered.\n", n);
	free(v);
	return COMMAND_OK;
}

/* ---- the process ------------------------------------------------------ */

static enum command_result settings(struct command_ctx *c)
{
	const struct asterisk_conf *f = c->m->conf;

	command_printf(c, "\nPBX Core settings\n-----------------\n");
	command_printf(c, "  Version:                     %s\n", text_z(&c->m->version));
	if (!f)
		return COMMAND_OK;
	command_printf(c, "  Maximum calls:               %u\n", f->maxcalls);
	command_printf(c, "  Verbosity:                   %d\n", log_verbose_level());
	command_printf(c, "  Debug level:                 %d\n", log_debug_level());
	command_printf(c, "  System name:                 %.*s\n", STR_ARG(f->systemname));
	command_printf(c, "  Entity ID:                   %.*s\n", STR_ARG(c->m->pbx->entityid));
	command_printf(c, "  Default language:            %.*s\n", STR_ARG(f->defaultlanguage));
	command_printf(c, "\n* Directories\n  -------------\n");
	command_printf(c, "  Configuration directory:     %.*s\n", STR_ARG(f->astetcdir));
	command_printf(c, "  Data directory:              %.*s\n", STR_ARG(f->astdatadir));
	command_printf(c, "  Spool directory:             %.*s\n", STR_ARG(f->astspooldir));
	command_printf(c, "  Log directory:               %.*s\n", STR_ARG(f->astlogdir));
	command_printf(c, "  Run directory:               %.*s\n", STR_ARG(f->astrundir));
	command_printf(c, "  Control socket:              %s\n\n", text_z(&c->m->socket));
	return COMMAND_OK;
}

static enum command_result sysinfo_show(struct command_ctx *c)
{
	struct sysinfo si;
	struct rusage ru;

	if (sysinfo(&si) || getrusage(RUSAGE_SELF, &ru))
		return COMMAND_FAILED;
	command_printf(c, "\nSystem Statistics\n-----------------\n");
	command_printf(c, "  System Uptime:             %ld hours\n", si.uptime / 3600);
	command_printf(c, "  Total RAM:                 %lu KiB\n", si.totalram / 1024 * si.mem_unit);
	command_printf(c, "  Free RAM:                  %lu KiB\n", si.freeram / 1024 * si.mem_unit);
	command_printf(c, "  Number of Processes:       %d\n", si.procs);
	command_printf(c, "  Peak memory of the server: %ld KiB\n", ru.ru_maxrss);
	command_printf(c, "  CPU time of the server:    %ld.%02ld s\n\n", ru.ru_utime.tv_sec + ru.ru_stime.tv_sec,
		       (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) % 1000000 / 10000);
	return COMMAND_OK;
}

static enum command_result threads(struct command_ctx *c)
{
	command_printf(c, "%zu fibers, %zu timers; longest turn of the loop %llu us\n", fiber_count(),
		       wheel_count(c->m->wheel), (unsigned long long)loop_longest_us(c->m->loop));
	return COMMAND_OK;
}

/* There are none; scripts that look for a queue that grows find the header and 0. */
static enum command_result taskprocessors(struct command_ctx *c)
{
	command_printf(c, "\n%-70s %10s %10s %10s %10s %10s\n\n0 taskprocessors\n\n", "Processor", "Processed",
		       "In Queue", "Max Depth", "Low water", "High water");
	return COMMAND_OK;
}

static enum command_result locks(struct command_ctx *c)
{
	command_printf(c, "Nothing is locked: the core is one thread.\n");
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "core show version", NULL, "Show the version", version, true, NULL },
	{ "core show uptime", "[seconds]", "Show how long the server runs", uptime, true, NULL },
	{ "core show calls", "[uptime [seconds]]", "Show how many calls there are and were", show_calls, false, NULL },
	{ "core show channels", "[concise|verbose|count]", "List channels", channels, false, NULL },
	{ "core show channel", "<channel>", "Show all about a channel", channel, false, NULL },
	{ "core show applications", "[like <text>]", "List the dialplan's applications", applications, false, NULL },
	{ "core show application", "<name>", "Show an application", application, false, NULL },
	{ "core show functions", "[like <text>]", "List the dialplan's functions", functions, false, NULL },
	{ "core show function", "<name>", "Show a function", function, false, NULL },
	{ "core show channeltypes", NULL, "List channel technologies", channeltypes, false, NULL },
	{ "core show settings", NULL, "Show settings of the process", settings, true, NULL },
	{ "core show sysinfo", NULL, "Show memory and CPU time", sysinfo_show, true, NULL },
	{ "core show threads", NULL, "Show fibers and the loop", threads, true, NULL },
	{ "core show taskprocessors", NULL, "Show task queues (there are none)", taskprocessors, true, NULL },
	{ "core show locks", NULL, "Show locks (there are none)", locks, true, NULL },
};
const struct command_table commands_show = { rows, ARRAY_LEN(rows) };
