/* TIMEOUT(absolute|digit|response) [s] */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/func/text.h"
#include "pbx/run.h"
#include <errno.h>

static int read_timeout(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct run *r = ch ? run_get(ch) : NULL;
	struct str what = str_trim(args);

	if (!r || !what.n)
		return ENOENT;
	if ((what.p[0] | 32) == 'a' && !timer_running(&r->absolute))
		buf_char(out, '0');
	else if ((what.p[0] | 32) == 'a')
		buf_printf(out, "%.3f", (double)timer_left_ms(p->wheel, &r->absolute) / 1000);
	else if ((what.p[0] | 32) == 'r')
		buf_printf(out, "%.3f", (double)r->response_ms / 1000);
	else if ((what.p[0] | 32) == 'd')
		buf_printf(out, "%.3f", (double)r->digit_ms / 1000);
	else
		return EINVAL;
	return 0;
}

/* To T, or to e, or the end. */
static void over(void *arg)
{
	struct channel *ch = ((struct run *)arg)->ch;
	struct str context = text_view(&ch->context), caller = run_caller(ch);

	if (ch->hungup || ch->dead)
		return;
	log_verbose(3, "The absolute timeout of %s is over", text_z(&ch->name));
	if (!dialplan_exists(ch->pbx, context, STR("T"), 1, caller) ||
	    pbx_async_goto(ch, context, STR("T"), 1))
		channel_soft_hangup(ch, 0, SOFT_TIMEOUT);
}

static int write_timeout(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct run *r = ch ? run_get(ch) : NULL;
	struct str what = str_trim(args);
	double s;
	uint64_t ms;

	if (!r || !what.n)
		return ENOENT;
	if (!text_leading_number(value, &s) || s < 0 || s > 1e7) {
		log_warning("TIMEOUT needs a number of seconds, not '%.*s'", STR_ARG(value));
		return EINVAL;
	}
	ms = (uint64_t)(s * 1000);
	if ((what.p[0] | 32) == 'a') {
		timer_stop(&r->absolute);
		if (ms && p->wheel)
			timer_start(p->wheel, &r->absolute, ms, over, r);
	} else if ((what.p[0] | 32) == 'r') {
		r->response_ms = ms;
	} else if ((what.p[0] | 32) == 'd') {
		r->digit_ms = ms;
	} else {
		return EINVAL;
	}
	return 0;
}

const struct func func_timeout = { .name = "TIMEOUT", .synopsis = "How long the channel waits for digits, and at all",
	.read = read_timeout, .write = write_timeout };
