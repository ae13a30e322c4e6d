/* Sounds on a channel, and digits that stop them. */
#define LOG_MODULE "sound"
#include "pbx/sound.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/file.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { NAMES_MAX = 64 };

struct play {
	struct channel *ch;
	const struct str *names;
	size_t n;
	struct str stop;
	struct channel *end;            /* held: whose session plays; NULL: only time passes */
	struct media_session *session;  /* to compare */
	uint32_t tag;
	uint64_t ends;                  /* [ms] when the sounds will have lasted */
	const struct sound_until *until;        /* NULL: only by `stop` */
	struct sound_result *r;
};

static bool find(struct channel *ch, struct str name, struct file_name *fn)
{
	return !file_find(fn, ch->pbx->sounds_dir, name, text_view(&ch->language), FORMAT_SLIN);
}

bool sound_exists(struct channel *ch, struct str name)
{
	struct file_name fn;

	if (ch->pbx->media)
		return media_sound_exists(ch->pbx->media, name, text_view(&ch->language));
	return find(ch, name, &fn);
}

/* From the size alone: nobody hears it, so a header more or less is no matter. */
static uint64_t lasts_ms(const struct file_name *fn)
{
	static const struct {
		enum format_id id;
		unsigned bytes_per_s;
	} rows[] = { { FORMAT_ULAW, 8000 }, { FORMAT_ALAW, 8000 }, { FORMAT_GSM, 1650 }, { FORMAT_SLIN, 16000 },
		{ FORMAT_SLIN16, 32000 }, { FORMAT_G722, 8000 }, { FORMAT_NONE, 16000 } };
	struct stat st;

	if (stat(fn->path, &st))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].id == fn->id)
			return (uint64_t)st.st_size * 1000 / rows[i].bytes_per_s;
	return (uint64_t)st.st_size * 1000 / 16000;
}

static void play_by_time(struct play *p)
{
	uint64_t ms = 0;

	p->r->played = p->r->missing = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct file_name fn;

		if (!find(p->ch, p->names[i], &fn)) {
			log_warning("No sound '%.*s' in language '%s' for %s", STR_ARG(p->names[i]),
				    text_z(&p->ch->language), text_z(&p->ch->name));
			p->r->missing++;
			continue;
		}
		p->r->played++;
		ms += lasts_ms(&fn);
	}
	p->ends = clock_ms(p->ch->pbx->clock) + ms;
}

static void let_go(struct play *p, bool stop)
{
	if (p->end && p->end->player == p->ch && p->end->play_tag == p->tag) {
		p->end->player = obj_drop(p->end->player);
		if (stop && !p->end->dead && channel_media(p->end))
			media_play_stop(channel_media(p->end));
	}
	p->end = obj_drop(p->end);
	p->session = NULL;
}

/* The manager's TestEvent: what starts to play where. */
static void tell_playback(struct play *p)
{
	struct events *events = p->ch->pbx->events;

	for (size_t i = 0; i < p->n && events; i++) {
		struct event *e = event_test(events, "PLAYBACK", "sound.c", "sound_play");

		if (!e)
			return;
		event_put(e, "Message", p->names[i]);
		event_put(e, "Channel", text_view(&p->ch->name));
		event_send(events, e);
	}
}

/* To whoever hears the channel now. */
static int begin(struct play *p)
{
	struct channel *end = channel_media_end(p->ch);
	struct pbx *pbx = p->ch->pbx;
	int err;

	let_go(p, false);
	if (!end) {
		play_by_time(p);
		return p->r->played ? 0 : ENOENT;
	}
	p->tag = ++pbx->next_play ? pbx->next_play : ++pbx->next_play;
	p->end = obj_hold(end);
	p->session = channel_media(end);
	p->ends = UINT64_MAX;
	channel_take_player(end, p->ch, p->tag);
	err = channel_play(p->ch, p->names, p->n, text_view(&p->ch->language), p->tag);
	if (err)
		let_go(p, false);
	return err;
}

/* The way to the listener changed: start again with the new one. */
static int again(struct play *p)
{
	struct channel *end = channel_media_end(p->ch);

	if (end == p->end && (!end || channel_media(end) == p->session))
		return 0;
	return begin(p);
}

/* True: it is over, with *err. */
static bool step(struct play *p, struct chan_event *e, int *err)
{
	switch (e->type) {
	case CE_PLAY_DONE:
		if (!p->end || e->tag != p->tag)
			return false;
		if (e->cause == EBUSY) {
			let_go(p, false);
			play_by_time(p);
			return false;
		}
		p->r->played = e->count;
		p->r->missing = e->missing;
		*err = e->cause == ENOENT ? ENOENT : 0;
		let_go(p, false);
		return true;
	case CE_DTMF_END:
		if (str_chr(p->stop, e->digit) == p->stop.n)
			return false;
		p->r->digit = e->digit;
		*err = 0;
		return true;
	case CE_MEDIA:
	case CE_PATH:
		*err = again(p);
		return *err != 0;
	default:
		return false;
	}
}

static int run_play(struct play *p)
{
	struct channel *ch = p->ch;
	int err;

	*p->r = (struct sound_result){ 0 };
	if (!p->n)
		return 0;
	tell_playback(p);
	err = begin(p);
	while (!err) {
		uint64_t now = clock_ms(ch->pbx->clock);
		struct chan_event *e = NULL;
		bool over;

		err = channel_next(ch, p->ends == UINT64_MAX ? p->ends : p->ends > now ? p->ends - now : 0, &e);
		if (err)
			break;
		over = step(p, e, &err) || (p->until && p->until->over(p->until->arg, e));
		chan_event_free(e);
		if (over)
			break;
	}
	let_go(p, true);
	return err == ETIMEDOUT ? 0 : err;
}

int sound_play_result(struct channel *ch, const struct str *names, size_t n, struct str stop,
		      struct sound_result *r)
{
	return run_play(&(struct play){ .ch = ch, .names = names, .n = n, .stop = stop, .r = r });
}

int sound_play_until(struct channel *ch, struct str name, const struct sound_until *u, struct sound_result *r)
{
	return run_play(&(struct play){ .ch = ch, .names = &name, .n = 1, .until = u, .r = r });
}

int sound_play_list(struct channel *ch, const struct str *names, size_t n, struct str stop, char *digit)
{
	struct sound_result r;
	int err = sound_play_result(ch, names, n, stop, &r);

	if (digit)
		*digit = r.digit;
	return err;
}

int sound_play(struct channel *ch, struct str names, struct str stop, char *digit)
{
	struct str v[NAMES_MAX];
	size_t n = 0;

	while (names.n && n < NAMES_MAX) {
		struct str one = str_trim(str_cut_raw(&names, '&'));

		if (one.n)
			v[n++] = one;
	}
	return sound_play_list(ch, v, n, stop, digit);
}

/* ---- digits */

static bool pending(struct channel *ch, char *digit)
{
	size_t n = strnlen(ch->dtmf_pending, sizeof(ch->dtmf_pending));

	if (!n)
		return false;
	*digit = ch->dtmf_pending[0];
	memmove(ch->dtmf_pending, ch->dtmf_pending + 1, n);
	ch->dtmf_pending[n - 1] = '\0';
	return true;
}

int sound_digit(struct channel *ch, uint64_t timeout_ms, char *digit)
{
	uint64_t end = timeout_ms == UINT64_MAX ? timeout_ms : clock_ms(ch->pbx->clock) + timeout_ms;

	if (pending(ch, digit))
		return 0;
	for (;;) {
		uint64_t now = clock_ms(ch->pbx->clock);
		struct chan_event *e = NULL;
		int err = channel_next(ch, end == UINT64_MAX ? end : end > now ? end - now : 0, &e);
		bool got;

		if (err)
			return err;
		got = e->type == CE_DTMF_END;
		*digit = e->digit;
		chan_event_free(e);
		if (got)
			return 0;
	}
}

int sound_digits(struct channel *ch, char *out, size_t size, size_t max, uint64_t timeout_ms, struct str term)
{
	size_t n = strnlen(out, size);
	int err = 0;

	while (n < max && n + 1 < size) {
		char d;

		err = sound_digit(ch, timeout_ms, &d);
		if (err || str_chr(term, d) < term.n)
			break;
		out[n++] = d;
		out[n] = '\0';
	}
	return err;
}

int sound_tone(struct channel *ch, struct str name)
{
	struct media_session *s = channel_media(ch);
	struct tone *t;
	int err;

	if (!s)
		return 0;
	ch->tone = false;
	if (!name.n)
		return media_tone(s, NULL);
	err = tone_named(&t, name, text_view(&ch->tonezone));
	if (err)
		return err;
	err = media_tone(s, t);
	ch->tone = !err;
	obj_drop(t);
	return err;
}

bool sound_silence(struct channel *ch, bool on)
{
	if (!on) {
		(void)sound_tone(ch, STR_NULL);
		return false;
	}
	if (!ch->pbx->transmit_silence || ch->state != CHAN_UP || ch->tone || ch->moh || ch->sounds || ch->bridge || !channel_media(ch))
		return false;
	return !sound_tone(ch, STR("0"));
}
