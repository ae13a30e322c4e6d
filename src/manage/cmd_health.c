/* core show health, and the rows that CoreHealth shares with it. */
#include "manage/command.h"
#include "base/fiber.h"
#include "manage/health.h"
#include "manage/pace.h"
#include "service/service.h"

static void core_rows(struct manage *m, health_fn *fn, void *arg)
{
	struct loop_health h;

	loop_health(m->loop, &h);
	fn(arg, "Turns", "turns of the core", h.turns, "");
	fn(arg, "LongestTurn", "longest turn of the core", h.longest_ms, "ms");
	fn(arg, "RecentLongestTurn", "longest since the last look", h.recent_ms, "ms");
	fn(arg, "TurnsOver50ms", "turns over 50 ms", h.over_50, "");
	if (h.warn_ms)
		fn(arg, "TurnsOverWarn", "turns over warn_ms", h.over_warn, "");
	fn(arg, "WarnMs", "warn_ms (sidetone.conf)", h.warn_ms, "ms");
	fn(arg, "Fibers", "fibers", fiber_count(), "");
	fn(arg, "ManagersWaiting", "managers and consoles that wait for their turn", pace_waiting(m->pace), "");
}

/* What the watchdog saw: it looks now and then, so a short turn may be missed. */
static void thread_rows(struct manage *m, health_fn *fn, void *arg)
{
	struct manage_thread t;

	for (size_t i = 1; m->hooks.thread && m->hooks.thread(m->hooks.arg, i, &t); i++) {
		char key[3][40], name[3][64];
		static const char *const keys[] = { "Turns", "TurnsOverWarn", "LongestTurnSeen" };
		static const char *const names[] = { "turns", "turns seen over warn_ms", "longest turn seen" };

		for (size_t k = 0; k < 3; k++) {
			snprintf(key[k], sizeof(key[k]), "Media%zu%s", i - 1, keys[k]);
			snprintf(name[k], sizeof(name[k]), "%s: %s", t.name, names[k]);
		}
		fn(arg, key[0], name[0], t.turns, "");
		fn(arg, key[1], name[1], t.slow, "");
		fn(arg, key[2], name[2], t.longest_ms, "ms");
	}
}

static void store_rows(struct manage *m, health_fn *fn, void *arg)
{
	struct store_counters s;

	if (!m->hooks.store || !m->hooks.store(m->hooks.arg, &s))
		return;
	fn(arg, "StoreWaiting", "changes that wait for the disk", s.waiting, "");
	fn(arg, "StoreWorstCommit", "longest commit since the last look", s.worst_us / 1000, "ms");
	fn(arg, "StoreFailed", "changes that the disk refused", s.failed, "");
	fn(arg, "StoreRefused", "changes refused, too many waited", s.refused, "");
}

static void dropped_rows(struct manage *m, health_fn *fn, void *arg)
{
	struct net_counters net = { 0 };
	struct media_counters media;
	struct sip_counters sip;

	if (m->service) {
		if (m->service->net)
			net_count(m->service->net, &net);
		sip_stack_count(m->service->sip, &sip);
		fn(arg, "DroppedParse", "messages dropped, not SIP", net.dropped_parse, "");
		fn(arg, "DroppedRate", "messages dropped, of strangers over stranger_rate", net.dropped_rate, "");
		fn(arg, "DroppedQueue", "messages dropped, queue full", net.dropped_ring, "");
		fn(arg, "SendErrors", "messages that could not be sent", net.tx_errors, "");
		fn(arg, "RefusedTransactions", "requests refused, too many transactions", sip.refused_full, "");
	}
	if (m->pbx && m->pbx->media) {
		media_count(m->pbx->media, &media);
		fn(arg, "MediaEventsDropped", "media events dropped, queue full", media.events_dropped, "");
		fn(arg, "MediaPortsExhausted", "calls without a port left", media.ports_exhausted, "");
	}
}

void health_each(struct manage *m, health_fn *fn, void *arg)
{
	core_rows(m, fn, arg);
	thread_rows(m, fn, arg);
	store_rows(m, fn, arg);
	dropped_rows(m, fn, arg);
}

static void print_row(void *arg, const char *key, const char *name, uint64_t value, const char *unit)
{
	(void)key;
	command_printf(arg, "  %-52s %14llu %s\n", name, (unsigned long long)value, unit);
}

static enum command_result health(struct command_ctx *c)
{
	if (c->args)
		return COMMAND_USAGE;
	health_each(c->m, print_row, c);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "core show health", NULL, "Is everything served in time?", health, true,
	  "How long turns of the threads took, what waits, and what was dropped. Nothing should be over 50 ms." },
};
const struct command_table commands_health = { rows, ARRAY_LEN(rows) };
