/* phone/media_sound.c -- what a call sends: tones, files, the echo, silence while it is muted or on hold. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/file.h"
#include <errno.h>
#include <stdlib.h>

/* A file that is looped is told as a list of this length, at most so many times: no gap between them. */
enum { LIST_S = 60, LIST_MOST = 512 };

/* ---- what is sent now */

static enum sidetone_source_type effective(const struct phone_call *c)
{
	/* On hold nobody is to hear what stands before the microphone. */
	if (c->source.type != SIDETONE_NOTHING && (c->muted || c->want != SDP_SENDRECV))
		return SIDETONE_SILENCE;
	return c->source.type;
}

static int play(struct phone_call *c, struct media_session *ms)
{
	const struct sound *snd = c->source.sound;
	struct sound *v[LIST_MOST];
	size_t n = 1;

	if (!snd)               /* it is being read */
		return 0;
	if (c->source.loop && snd->samples)
		n = (size_t)((uint64_t)LIST_S * snd->rate / snd->samples + 1);
	n = n < LIST_MOST ? n : LIST_MOST;
	for (size_t i = 0; i < n; i++)
		v[i] = c->source.sound;
	return media_play_sounds(ms, v, n, ++c->play_tag);
}

static int say(struct phone_call *c, struct media_session *ms, enum sidetone_source_type type)
{
	/* Below what plays lies silence, so that packets do not end with a file. */
	bool below = type == SIDETONE_SILENCE || type == SIDETONE_TONE || type == SIDETONE_FILE;
	int err = media_tone(ms, type == SIDETONE_TONE ? c->source.tone : NULL);

	c->play_tag++;
	err = err ? err : media_play_stop(ms);
	err = err ? err : media_echo(ms, type == SIDETONE_ECHO);
	err = err ? err : media_silence(ms, below);
	phone_pcm_say(c, type == SIDETONE_SOUND);
	return err || type != SIDETONE_FILE ? err : play(c, ms);
}

void phone_sound_apply(struct phone_call *c)
{
	struct media_session *ms = c->agreed ? phone_port(phone_stream(c)) : NULL;
	enum sidetone_source_type type = effective(c);
	int err;

	if (!ms)
		return;
	if (c->on != ms) {
		c->on = ms;
		c->says = -1;
		phone_taps_apply(c, ms);
		phone_pcm_apply(c, ms);
	}
	if (c->says == (int)type)
		return;
	c->says = (int)type;
	err = say(c, ms, type);
	if (err)
		log_error("the source of a call cannot be set: %s", strerror(err));
}

/* ---- files */

struct load {                   /* a file on its way */
	struct phone_call *c;   /* held */
	uint32_t turn;
	char *path;             /* owned */
	struct sound *sound;    /* held */
	int err;
};

/* On a thread of the pool. */
static void load_work(void *arg)
{
	struct load *l = arg;
	struct file_name f;
	char *real = realpath(l->path, NULL);

	l->err = real ? file_find(&f, STR_NULL, str_z(real), STR_NULL, FORMAT_SLIN) : errno;
	/* Its own rate stays. */
	if (!l->err)
		l->err = file_load(&l->sound, &f, FORMAT_SLIN, 0);
	if (!l->err && !l->sound->samples)
		l->err = EBADMSG;
	/* It is there, but of a kind that is not known. */
	if (real && l->err == ENOENT)
		l->err = EBADMSG;
	free(real);
}

static void told_played(struct phone_call *c, int err)
{
	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_PLAYED, .error = err,
		.text = !err ? NULL : err == EBADMSG ? "no sound can be read from it" : strerror(err) });
}

static void load_done(void *arg)
{
	struct load *l = arg;
	struct phone_call *c = l->c;

	if (c->m && l->turn == c->source.turn) {
		c->source.sound = obj_hold(l->sound);
		c->says = -1;
		if (l->err)
			told_played(c, l->err);
		else
			phone_sound_apply(c);
	}
	obj_drop(l->sound);
	obj_drop(c);
	free(l->path);
	free(l);
}

static int load_start(struct phone_call *c)
{
	struct load *l = calloc(1, sizeof(*l));
	int err = ENOMEM;

	if (!l)
		return ENOMEM;
	l->c = obj_hold(c);
	l->turn = c->source.turn;
	l->path = str_dup(text_view(&c->source.path));
	if (l->path)
		err = loop_work(c->m->loop, load_work, load_done, l);
	if (!err)
		return 0;
	obj_drop(l->c);
	free(l->path);
	free(l);
	return err;
}

/* The list is through. */
static void list_ended(struct phone_call *c, const struct media_event *e)
{
	struct media_session *ms = c->agreed ? phone_port(phone_stream(c)) : NULL;

	if (e->tag != c->play_tag || e->err == ECANCELED)
		return;
	if (c->source.loop && ms && !e->err) {
		play(c, ms);
		return;
	}
	/* Not once more after a hold. */
	c->source.sound = obj_drop(c->source.sound);
	told_played(c, e->err);
}

static void tone_ended(struct phone_call *c)
{
	c->source.tone = obj_drop(c->source.tone);
	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_TONE_DONE });
}

void phone_sound_event(struct phone_call *c, const struct media_event *e)
{
	if (e->type == MEDIA_PLAYED)
		list_ended(c, e);
	else if (e->type == MEDIA_TONE_DONE)
		tone_ended(c);
}

/* ---- what the application says */

static void source_clear(struct phone_source *s)
{
	obj_drop(s->tone);
	obj_drop(s->sound);
	text_free(&s->path);
}

void phone_sound_free(struct phone_call *c)
{
	source_clear(&c->source);
}

static int read_tone(struct tone **out, const char *text)
{
	int err = text && text[0] ? tone_parse(out, str_z(text)) : EINVAL;

	return err && err != ENOMEM ? EINVAL : err;
}

static int read_source(struct phone_source *out, const struct sidetone_source *src)
{
	*out = (struct phone_source){ .type = src->type, .loop = src->loop };
	switch (src->type) {
	case SIDETONE_SILENCE:
	case SIDETONE_NOTHING:
	case SIDETONE_ECHO:
	case SIDETONE_SOUND:
		return 0;
	case SIDETONE_TONE:
		return read_tone(&out->tone, src->text);
	case SIDETONE_FILE:
		return !src->text || !src->text[0] ? EINVAL : text_set(&out->path, str_z(src->text));
	}
	return EINVAL;
}

int sidetone_media_source(struct sidetone_media *m, struct sidetone_session *s, const struct sidetone_source *src)
{
	struct phone_source next;
	struct phone_call *c;
	int err = phone_call_want(m, s, &c);

	err = err ? err : read_source(&next, src);
	if (err)
		return err;
	next.turn = c->source.turn + 1;
	source_clear(&c->source);
	c->source = next;
	c->says = -1;
	err = next.type == SIDETONE_FILE ? load_start(c) : 0;
	phone_sound_apply(c);
	return err;
}

int sidetone_media_mute(struct sidetone_media *m, struct sidetone_session *s, bool mute)
{
	struct phone_call *c;
	int err = phone_call_want(m, s, &c);

	if (err)
		return err;
	c->muted = mute;
	phone_sound_apply(c);
	return 0;
}

/* ---- new offers */

/* Before there is a description, the first one says it. The agent may ask for it at once. */
static int offer_again(struct phone_call *c)
{
	return c->neg && neg_count(c->neg) ? c->m->user->reinvite(c->s, NULL, false) : 0;
}

static int hold(struct phone_call *c, enum sdp_dir want)
{
	enum sdp_dir before = c->want;
	int err;

	if (before == want)
		return 0;
	c->want = want;
	err = offer_again(c);
	if (err)
		c->want = before;
	if (c->m)
		phone_sound_apply(c);
	return err;
}

int sidetone_media_hold(struct sidetone_media *m, struct sidetone_session *s, enum sidetone_hold how)
{
	static const enum sdp_dir want[] = { [SIDETONE_HOLD_OFF] = SDP_SENDRECV, [SIDETONE_HOLD_ON] = SDP_SENDONLY,
		[SIDETONE_HOLD_SILENT] = SDP_INACTIVE };
	struct phone_call *c;
	int err;

	if ((unsigned)how >= ARRAY_LEN(want))
		return EINVAL;
	err = phone_call_want(m, s, &c);
	if (err)
		return err;
	obj_hold(c);
	err = hold(c, want[how]);
	obj_drop(c);
	return err;
}

int sidetone_media_renew(struct sidetone_media *m, struct sidetone_session *s)
{
	struct phone_call *c = phone_call_of(m, s);
	int err;

	if (!c || !c->agreed)
		return ENOTCONN;
	obj_hold(c);
	c->renew = true;
	err = offer_again(c);
	if (err)
		c->renew = false;
	obj_drop(c);
	return err;
}
