/* What the dialplan tells people and managers. */
#define LOG_MODULE "dialplan"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/app/judge.h"
#include "pbx/channel.h"
#include "pbx/event.h"
#include <stdlib.h>

static int run_verbose(struct channel *ch, struct str data)
{
	struct str v[2];
	uint32_t level = 0;

	(void)ch;
	if (pbx_args(data, v, 2) < 2)
		v[1] = v[0];
	else if (str_u32(str_trim(v[0]), &level) || level > 10)
		log_warning("'%.*s' is no verbosity level", STR_ARG(v[0]));
	log_verbose((int)(level > 10 ? 0 : level), "%.*s", STR_ARG(v[1]));
	return 0;
}

/* A level of logger.conf's custom_levels? */
static bool log_custom(struct channel *ch, struct str level, struct str text)
{
	const struct pbx_logs *l = &ch->pbx->logs;
	struct buf b = BUF_INIT;
	bool known;

	buf_printf(&b, "Ext. %s@%s:%d: %.*s", text_z(&ch->exten), text_z(&ch->context), ch->priority, STR_ARG(text));
	known = l->custom && !l->custom(l->arg, level, buf_view(&b));
	buf_free(&b);
	return known;
}

static int run_log(struct channel *ch, struct str data)
{
	static const struct {
		struct str name;
		enum log_level level;
	} levels[] = {
		{ STR_INIT("ERROR"), LOG_ERROR }, { STR_INIT("WARNING"), LOG_WARNING },
		{ STR_INIT("NOTICE"), LOG_NOTICE }, { STR_INIT("VERBOSE"), LOG_VERBOSE },
		{ STR_INIT("DEBUG"), LOG_DEBUG }, { STR_INIT("DTMF"), LOG_DTMF },
	};
	struct str level = str_trim(str_cut_raw(&data, ','));

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (!str_ieq(level, levels[i].name))
			continue;
		log_write(levels[i].level, LOG_MODULE, 0, "Ext. %s@%s:%d: %.*s", text_z(&ch->exten),
			  text_z(&ch->context), ch->priority, STR_ARG(data));
		return 0;
	}
	if (log_custom(ch, level, data))
		return 0;
	log_error("Log: there is no level '%.*s'", STR_ARG(level));
	return 0;
}

/* "Key: value" of an event: the key must not be able to make a header of its own. */
static void put_pair(struct event *e, struct str pair)
{
	bool whole = str_chr(pair, ':') < pair.n;
	struct str key = str_trim(str_cut_raw(&pair, ':'));
	char *z;

	if (!whole || !key.n)
		return;
	for (size_t i = 0; i < key.n; i++)
		if ((unsigned char)key.p[i] < ' ')
			return;
	z = str_dup(key);
	if (z)
		event_put(e, z, str_trim(pair));
	free(z);
}

static int run_user_event(struct channel *ch, struct str data)
{
	struct event *e;
	struct args a;

	if (args_split(&a, data, ',', ARGS_MAX))
		return 0;
	if (!a.n) {
		log_warning("UserEvent needs the event's name");
		args_free(&a);
		return -1;
	}
	e = event_new(ch->pbx->events, "UserEvent", EV_USER);
	event_channel(e, "", ch);
	event_put(e, "UserEvent", a.v[0]);
	for (size_t i = 1; i < a.n; i++)
		put_pair(e, a.v[i]);
	event_send(ch->pbx->events, e);
	args_free(&a);
	return 0;
}

/* QueueLog(queue,call,agent,event[,more]): for who counts; there are no queues here. */
static int run_queue_log(struct channel *ch, struct str data)
{
	const struct pbx_logs *l = &ch->pbx->logs;
	struct str v[5];

	if (pbx_args(data, v, 5) < 4 || !v[0].n || !v[1].n || !v[2].n || !v[3].n) {
		log_warning("QueueLog requires arguments (queuename,uniqueid,agent,event[,additionalinfo])");
		return -1;
	}
	if (l->queue)
		l->queue(l->arg, &(struct queue_event){ .queue = v[0], .id = v[1], .agent = v[2], .event = v[3], .info = v[4] });
	return 0;
}

const char *judge_queue_log(struct str data)
{
	struct str v[5];

	return pbx_args(data, v, 5) < 4 ? "needs a queue, the call's id, an agent and an event" : NULL;
}

const struct app app_queue_log = { .name = "QueueLog", .synopsis = "Write to the queue log", .run = run_queue_log };
const struct app app_verbose = { .name = "Verbose", .synopsis = "Write to the console", .run = run_verbose };
const struct app app_log = { .name = "Log", .synopsis = "Write to the log at a level", .run = run_log };
const struct app app_user_event = { .name = "UserEvent", .synopsis = "Send an event to the managers",
	.run = run_user_event };
