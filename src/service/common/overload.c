/* service/common/overload.c -- the loop's lag, by a timer that knows when it was due, and that of media threads. */
#include "service/common/overload.h"
#include "service/common/service.h"

enum { IDLE_MS = 2000 };

static void start(struct service *svc, uint64_t now);

static void on_probe(void *arg)
{
	struct service *svc = arg;
	struct overload *o = &svc->overload;
	uint64_t now = clock_ms(svc->clock), late = now - o->due_ms;

	o->late = late >= (o->late ? OVERLOAD_LOW_MS : OVERLOAD_HIGH_MS);
	if (o->late || now - o->asked_ms < IDLE_MS)
		start(svc, now);
}

static void start(struct service *svc, uint64_t now)
{
	svc->overload.due_ms = now + OVERLOAD_PROBE_MS;
	timer_start(svc->wheel, &svc->overload.probe, OVERLOAD_PROBE_MS, on_probe, svc);
}

void overload_stop(struct overload *o)
{
	timer_stop(&o->probe);
}

/* A thread that is at one turn for so long sends no sound meanwhile. */
static bool media_lags(const struct service *svc, uint64_t now_ms)
{
	struct media_watch w;

	for (size_t i = 0; svc->media && media_watch(svc->media, i, &w); i++)
		if (w.began_us && now_ms > w.began_us / 1000 + OVERLOAD_HIGH_MS)
			return true;
	return false;
}

const char *overload_why(struct service *svc)
{
	struct overload *o = &svc->overload;
	uint8_t trigger = svc->conf->global->taskprocessor_overload_trigger;
	uint64_t now = clock_ms(svc->clock);

	if (trigger == OVERLOAD_NONE)
		return NULL;
	o->asked_ms = now;
	if (!timer_running(&o->probe))
		start(svc, now);
	/* The timer may be behind this request in the very turn that takes too long. */
	if (o->late || now > o->due_ms + OVERLOAD_HIGH_MS)
		return "this server lags behind";
	return trigger == OVERLOAD_GLOBAL && media_lags(svc, now) ? "a media thread lags behind" : NULL;
}
