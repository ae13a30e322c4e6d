/* What takes longer than a turn of the loop: work on libuv's pool of threads, and fibers that
 * sleep. */
#include "net/loop.h"
#include "base/fiber.h"
#include <errno.h>
#include <stdlib.h>

/* ---- work on the pool ------------------------------------------------- */

struct work {
	uv_work_t req;
	loop_fn *work, *done;
	void *arg;
};

static void on_work(uv_work_t *req)
{
	struct work *w = req->data;

	w->work(w->arg);
}

static void on_work_done(uv_work_t *req, int status)
{
	struct work *w = req->data;

	(void)status;
	w->done(w->arg);
	free(w);
}

int loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
	struct work *w = malloc(sizeof(*w));
	int err;

	if (!w)
		return ENOMEM;
	*w = (struct work){ .work = work, .done = done, .arg = arg };
	w->req.data = w;
	err = uv_queue_work(loop_uv(l), &w->req, on_work, on_work_done);
	if (err)
		free(w);
	return err ? -err : 0;
}

/* ---- fibers ----------------------------------------------------------- */

struct sleeper {
	struct timer timer;
	struct fiber *fiber;
	bool fired;
};

static void on_slept(void *arg)
{
	struct sleeper *s = arg;

	s->fired = true;
	fiber_wake(s->fiber);
}

int fiber_sleep(struct wheel *w, uint64_t ms)
{
	struct sleeper s = { .fiber = fiber_self() };

	timer_start(w, &s.timer, ms, on_slept, &s);
	fiber_wait();
	timer_stop(&s.timer);
	return s.fired ? 0 : EINTR;
}
