/* sidetone.conf: what Asterisk has no file for. */
#include "config/settings_internal.h"
#include <errno.h>

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
static const struct option_set sets[] = {
	{ .type = "threads", .file = "sidetone.conf", .rows = thread_rows, .n = ARRAY_LEN(thread_rows), .size = sizeof(S),
	  .help = "How many threads there are." },
	{ .type = "limits", .file = "sidetone.conf", .rows = limit_rows, .n = ARRAY_LEN(limit_rows), .size = sizeof(S),
	  .help = "What one may have of what all need, and what those may do who have proved nothing." },
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
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
