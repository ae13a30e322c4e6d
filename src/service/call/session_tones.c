/* service/call/session_tones.c -- what is listened for in a caller's sound: digits, where they come
 * as tones (dtmf_mode), and a fax machine that calls (fax_detect). */
#define LOG_MODULE "chan_pjsip"
#include "base/log.h"
#include "base/num.h"
#include "media/media.h"
#include "pbx/dialplan.h"
#include "service/call/channel_tech.h"
#include "service/call/session.h"
#include <errno.h>

static bool digits_are_tones(const struct session *s, const struct neg_stream *st)
{
	return s->dtmf_mode == DTMF_INBAND || (s->dtmf_mode == DTMF_AUTO && !st->nevents);
}

unsigned session_tones_wanted(const struct session *s, const struct neg_stream *st)
{
	if (st->type != MEDIA_AUDIO)
		return 0;
	return (digits_are_tones(s, st) ? MEDIA_LISTEN_DIGITS : 0u) | (s->ep->fax_detect && !s->fax.over ? MEDIA_LISTEN_CNG : 0u);
}

static void stop_fax(struct session *s)
{
	struct neg_stream *st = s->neg ? neg_first(s->neg, MEDIA_AUDIO) : NULL;
	struct media_session *m = st ? session_stream_media(st) : NULL;

	timer_stop(&s->fax.timer);
	s->fax.over = true;
	if (m)
		media_listen(m, session_tones_wanted(s, st));
}

static void fax_timeout(void *arg)
{
	stop_fax(arg);
}

void session_tones_up(struct session *s)
{
	const struct endpoint *ep = s->ep;

	if (ep->fax_detect && ep->fax_detect_timeout && !s->fax.over && !timer_running(&s->fax.timer) && s->svc->wheel)
		timer_start(s->svc->wheel, &s->fax.timer, num_ms_of_s(ep->fax_detect_timeout), fax_timeout, s);
}

void session_tones_event(struct session *s, const struct media_event *e)
{
	struct channel *ch = s->ch;
	struct str context, number;

	if (e->type != MEDIA_CNG || s->fax.over || !ch)
		return;
	stop_fax(s);
	if (str_eq(text_view(&ch->exten), STR("fax")))
		return;
	context = text_view(&ch->context);
	number = ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;
	if (!dialplan_exists(ch->pbx, context, STR("fax"), 1, number)) {
		log_notice("FAX CNG detected on '%s' but no fax extension in '%.*s'", text_z(&ch->name), STR_ARG(context));
		return;
	}
	log_verbose(2, "Redirecting '%s' to fax extension due to CNG detection", text_z(&ch->name));
	pbx_setvar(ch->pbx, ch, STR("FAXEXTEN"), text_view(&ch->exten));
	if (pbx_async_goto(ch, context, STR("fax"), 1))
		log_error("Failed to async goto '%s' into fax extension in '%.*s'", text_z(&ch->name), STR_ARG(context));
}
