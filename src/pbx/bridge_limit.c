/* Time limits: Dial's L() and S(). */
#include "media/media.h"
#include "pbx/bridge_private.h"

static void say(struct channel *ch, const struct text *sound)
{
	struct str name = text_view(sound);

	if (name.n)
		channel_play(ch, &name, 1, text_view(&ch->language), 0);
}

static void limit_end(void *arg)
{
	struct member *m = arg;

	m->limit_came(m);
}

/* The last words get a few seconds, or end the call with CE_PLAY_DONE. */
#define LAST_WORDS_MS 5000

static void limit_over(void *arg)
{
	struct member *m = arg;

	if (!m->f.limit_sound.n || !channel_media(m->ch)) {
		m->limit_came(m);
		return;
	}
	timer_start(m->bridge->pbx->wheel, &m->limit_timer, LAST_WORDS_MS, limit_end, m);
	say(m->ch, &m->f.limit_sound);
}

static void warn(void *arg)
{
	struct member *m = arg;
	uint64_t now = clock_ms(m->bridge->pbx->clock);

	say(m->ch, &m->f.warn_sound);
	if (m->f.warn_every_ms && now + m->f.warn_every_ms < m->limit_at)
		timer_start(m->bridge->pbx->wheel, &m->warn_timer, m->f.warn_every_ms, warn, m);
}

void bridge_limit_start(struct member *m, void (*came)(struct member *m))
{
	struct wheel *w = m->bridge->pbx->wheel;

	if (!m->f.limit_ms)
		return;
	m->limit_came = came;
	m->limit_at = clock_ms(m->bridge->pbx->clock) + m->f.limit_ms;
	timer_start(w, &m->limit_timer, m->f.limit_ms, limit_over, m);
	if (m->f.warn_ms && m->f.warn_ms < m->f.limit_ms)
		timer_start(w, &m->warn_timer, m->f.limit_ms - m->f.warn_ms, warn, m);
}

void bridge_limit_said(struct member *m)
{
	if (m->limit_at && !timer_running(&m->warn_timer) && timer_running(&m->limit_timer) &&
	    clock_ms(m->bridge->pbx->clock) >= m->limit_at)
		m->limit_came(m);
}

void bridge_limit_stop(struct member *m)
{
	timer_stop(&m->limit_timer);
	timer_stop(&m->warn_timer);
}
