/* sidetone.conf: what Asterisk has no file for. */
#include "config/settings_internal.h"
#include <errno.h>

#define ABORT_MIN_MS 1000u

/* The defaults were measured on two cores: docs/architecture.md, "How many threads". */
#define MAX32 4294967295.0
#define S struct own_conf
static const struct option thread_rows[] = {
	OPT_UINT(S, io_threads, "0", 0, 64, "threads", OPT_RESTART, "Threads for the sockets of SIP; 0: the core's own."),
	OPT_UINT(S, media_threads, "1", 0, 64, "threads", OPT_RESTART, "Threads for sound; 0: the core's own."),
};
static const struct option limit_rows[] = {
	OPT_UINT(S, stranger_rate, "200", 0, 100000, "messages/s", OPT_RESTART,
		 "What an address may send that has neither authenticated nor ever answered us; five times as many at "
		 "once. The rest is dropped unread, on a TCP connection with the connection. 0: no limit."),
	OPT_UINT(S, max_share, "90", 50, 100, "percent", OPT_RESTART,
		 "What one endpoint or one source address may hold of transactions, dialogs, calls and media ports while "
		 "nobody else has any. In general: at most N : (100 - N) times what is free, so that whoever holds nothing "
		 "yet finds a place. More gets 503. 100: the first to come may have all."),
	OPT_UINT(S, max_transactions, "50000", 100, MAX32, "transactions", OPT_RESTART,
		 "Requests that wait for their final answer, or INVITEs whose answer waits for its ACK, in all."),
	OPT_UINT(S, transaction_memory, "32", 1, 65536, "MB", OPT_RESTART,
		 "For answered requests, so that a repetition gets the same answer. Over it whoever has most of them loses "
		 "the oldest."),
	OPT_UINT(S, max_dialogs, "100000", 10, MAX32, "dialogs", OPT_RESTART,
		 "Calls and subscriptions that others began, in all."),
	OPT_UINT(S, address_transactions, "0", 0, MAX32, "transactions", OPT_RESTART,
		 "Most of max_transactions for one source address, whatever is free. 0: max_share alone decides."),
	OPT_UINT(S, address_calls, "0", 0, MAX32, "calls", OPT_RESTART,
		 "Most calls that one source address may have begun. 0: max_share alone decides."),
	OPT_UINT(S, endpoint_calls, "0", 0, MAX32, "calls", OPT_RESTART,
		 "Most calls that one endpoint may have begun. 0: max_share alone decides."),
};
static const struct option watchdog_rows[] = {
	OPT_UINT(S, warn_ms, "250", 0, 60000, "ms", OPT_RESTART,
		 "A turn of the core or of a media thread that takes longer is logged with what it does; 0: none is."),
	OPT_UINT(S, abort_ms, "0", 0, 600000, "ms", OPT_RESTART,
		 "One that takes longer than this ends the process with a dump on stderr, for a supervisor to start it "
		 "anew; at least 1000, 10000 is a good value. 0: never."),
};
static const struct option_set sets[] = {
	{ .type = "threads", .file = "sidetone.conf", .rows = thread_rows, .n = ARRAY_LEN(thread_rows), .size = sizeof(S),
	  .help = "How many threads there are." },
	{ .type = "limits", .file = "sidetone.conf", .rows = limit_rows, .n = ARRAY_LEN(limit_rows), .size = sizeof(S),
	  .help = "What one may have of what all need, and what those may do who have proved nothing." },
	{ .type = "watchdog", .file = "sidetone.conf", .rows = watchdog_rows, .n = ARRAY_LEN(watchdog_rows),
	  .size = sizeof(S), .help = "What happens when a thread does not come back from its work." },
};
#undef S

const struct option_set *own_conf_options(unsigned i)
{
	return i < ARRAY_LEN(sets) ? &sets[i] : NULL;
}

static void own_conf_free(void *p)
{
	arena_free(((struct own_conf *)p)->arena);
}

/* Its options would be missed without a word else. */
static void name_unknown(const struct settings_work *w)
{
	for (const struct config_section *s = w->c ? config_first(w->c) : NULL; s; s = config_next(s)) {
		struct str near = STR_NULL;
		unsigned least = 4;     /* letters that differ */
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(sets) && !known; i++) {
			unsigned d = str_distance(s->name, str_z(sets[i].type));

			known = str_ieq(s->name, str_z(sets[i].type));
			if (d < least) {
				least = d;
				near = str_z(sets[i].type);
			}
		}
		if (!known && !s->is_template)
			report_add(w->r, REPORT_ERROR, config_file_name(w->c, s->file), s->line, "unknown section [%.*s]%s%.*s%s", STR_ARG(s->name),
					     near.n ? "; did you mean [" : "", STR_ARG(near), near.n ? "]?" : "");
	}
}

static void judge_watchdog(const struct settings_work *w, struct own_conf *c)
{
	if (!c->abort_ms || c->abort_ms >= ABORT_MIN_MS)
		return;
	report_add(w->r, REPORT_WARNING, STR("sidetone.conf"), 0, "[watchdog] abort_ms: %u is too short for a busy machine; "
		   "%u is used", c->abort_ms, ABORT_MIN_MS);
	c->abort_ms = ABORT_MIN_MS;
}

int own_conf_load(struct own_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct own_conf *c = obj_new(sizeof(*c), own_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "sidetone.conf");
	for (size_t i = 0; !err && i < ARRAY_LEN(sets); i++)
		err = settings_apply(&w, &sets[i], c, str_z(sets[i].type));
	if (!err) {
		name_unknown(&w);
		judge_watchdog(&w, c);
	}
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
