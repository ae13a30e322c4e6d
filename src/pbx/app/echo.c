/* Echo: what is said comes back. */
#include "base/obj.h"
#include "media/media.h"
#include "pbx/app/app.h"
#include "pbx/channel_private.h"

struct echo {
	struct channel *ch;
	struct channel *end;            /* held: whose session echoes */
	struct media_session *session;
};

static void stop(struct echo *e)
{
	if (e->end && !e->end->dead && channel_media(e->end) == e->session)
		media_echo(e->session, false);
	e->end = obj_drop(e->end);
	e->session = NULL;
}

static void start(struct echo *e)
{
	struct channel *end = channel_media_end(e->ch);
	struct media_session *s = end ? channel_media(end) : NULL;

	if (end == e->end && s == e->session)
		return;
	stop(e);
	if (s && !media_echo(s, true)) {
		e->end = obj_hold(end);
		e->session = s;
		channel_news(e->ch, CHAN_NEWS_ANSWERED);        /* it hears itself */
	}
}

/* Echo(): until # or the end. */
static int run(struct channel *ch, struct str data)
{
	struct echo e = { .ch = ch };
	struct chan_event *ev;
	bool pound = false;

	(void)data;
	start(&e);
	while (!pound && !channel_next(ch, UINT64_MAX, &ev)) {
		if (ev->type == CE_MEDIA || ev->type == CE_PATH)
			start(&e);
		else if (ev->type == CE_DTMF_END && ev->digit == '#')
			pound = true;
		else if (ev->type == CE_DTMF_END && !ch->digits_in_media)
			channel_digit(ch, ev->digit, ev->ms);
		chan_event_free(ev);
	}
	stop(&e);
	return pound ? 0 : -1;
}

const struct app app_echo = { .name = "Echo", .synopsis = "Send back what is heard, until #", .run = run };
