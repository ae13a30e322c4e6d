/* media/play.c -- sounds by name: found and read on a pool thread, kept in the
 * cache, then handed to the stream as a list. */
#define LOG_MODULE "file"
#include "media/core.h"
#include "media/mixer.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* A cached sound older than this is read again: its file may have changed. */
enum { FRESH_US = 30000000, MAX_NAMES = 1024 };

void playlist_free(struct playlist *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		obj_drop(p->sound[i]);
	free(p);
}

/* ---- one media_play() while its files are being read */

struct item {
	char *name;             /* owned */
	char *key;              /* owned; in the cache */
	struct sound *sound;    /* held; NULL: not there (yet) */
	int err;
	bool fresh;             /* read just now */
};

struct job {
	struct media_session *s;        /* held */
	char *dir, *lang;       /* owned */
	enum format_id want;
	unsigned style;         /* enum file_style */
	uint32_t tag, turn;
	struct later *told;     /* owned; memory for the event that always comes */
	size_t n;
	struct item item[];
};

static void job_free(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->item[i].name);
		free(j->item[i].key);
		obj_drop(j->item[i].sound);
	}
	free(j->told);
	free(j->dir);
	free(j->lang);
	obj_drop(j->s);
	free(j);
}

static char *key_of(enum format_id want, struct str lang, struct str name)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%d/", (int)want);
	buf_puts(&b, lang, STR("//"), name);
	return buf_take(&b);
}

static struct job *job_new(struct media_session *s, const struct str *names, size_t n, struct str lang, uint32_t tag)
{
	struct job *j = calloc(1, sizeof(*j) + n * sizeof(j->item[0]));
	bool ok = j != NULL;

	if (!j)
		return NULL;
	j->s = obj_hold(s);
	j->tag = tag;
	j->turn = s->play_turn;
	j->want = codec_get(s->format) ? s->format : FORMAT_SLIN;
	j->style = s->m->prm.sound_style;
	j->dir = str_dup(str_z(s->m->sounds));
	j->lang = str_dup(lang);
	j->told = later_new();
	ok = j->dir && j->lang && j->told;
	for (; j->n < n; j->n++) {
		j->item[j->n].name = str_dup(names[j->n]);
		j->item[j->n].key = key_of(j->want, lang, names[j->n]);
		ok = ok && j->item[j->n].name && j->item[j->n].key;
	}
	if (!ok) {
		job_free(j);
		return NULL;
	}
	return j;
}

/* Any thread: reads what is missing. */
static void job_work(void *arg)
{
	struct job *j = arg;

	for (size_t i = 0; i < j->n; i++) {
		struct item *it = &j->item[i];
		struct file_name f;

		if (it->sound)
			continue;
		it->err = file_find_as(&f, str_z(j->dir), str_z(it->name), str_z(j->lang), j->want, j->style);
		if (!it->err)
			it->err = file_load(&it->sound, &f, j->want, 0);
		it->fresh = !it->err;
	}
}

static void tell_played(struct job *j, int err, size_t missing)
{
	struct media_event e = { .type = MEDIA_PLAYED, .err = err, .tag = j->tag, .missing = (uint16_t)missing };

	if (j->s->closed || !j->s->m)
		return;
	core_later(j->s, j->told, &e);
	j->told = NULL;
}

static size_t note_missing(struct job *j)
{
	size_t missing = 0;

	for (size_t i = 0; i < j->n; i++) {
		struct item *it = &j->item[i];

		if (it->sound)
			continue;
		missing++;
		if (it->err == ENOENT || it->err == EINVAL)
			log_warning("no sound file \"%s\" for language \"%s\" under %s", it->name, j->lang, j->dir);
		else
			log_warning("sound file \"%s\": %s", it->name, strerror(it->err));
	}
	return missing;
}

/* The filters are at hand when some sound has a rate that the leg may not. false: ENOMEM. */
static bool list_rates(struct playlist *p, const struct media_session *s)
{
	const struct codec *c = codec_get(s->format);
	bool other = !c || rate_kind(c->rate) < 0 || s->rates != 1u << rate_kind(c->rate);

	for (size_t i = 0; i < p->n; i++)
		other = other || !c || p->sound[i]->rate != c->rate;
	p->conv.bank = other ? media_rates(s->m) : NULL;
	return !other || p->conv.bank;
}

static struct playlist *job_list(const struct job *j, size_t missing)
{
	struct playlist *p = calloc(1, sizeof(*p) + (j->n - missing) * sizeof(p->sound[0]));

	if (!p)
		return NULL;
	p->tag = j->tag;
	p->missing = (uint16_t)missing;
	for (size_t i = 0; i < j->n; i++)
		if (j->item[i].sound)
			p->sound[p->n++] = obj_hold(j->item[i].sound);
	if (!list_rates(p, j->s)) {
		playlist_free(p);
		return NULL;
	}
	return p;
}

static void job_done(void *arg)
{
	struct job *j = arg;
	struct media_session *s = j->s;
	size_t missing;

	if (s->closed || !s->m) {
		job_free(j);
		return;
	}
	for (size_t i = 0; i < j->n; i++)
		if (j->item[i].fresh)
			sound_cache_put(s->m->cache, str_z(j->item[i].key), j->item[i].sound, clock_us(s->m->clock));
	missing = note_missing(j);
	if (s->play_turn != j->turn) {
		tell_played(j, ECANCELED, missing);
	} else if (missing == j->n) {
		/* No file was found: stop the previous sound and play nothing. */
		media_play_stop(s);
		tell_played(j, ENOENT, missing);
	} else {
		struct playlist *p = job_list(j, missing);
		struct cmd c = { .type = CMD_PLAY, .p = p };

		if (!p || core_post(s, &c)) {
			playlist_free(p);
			tell_played(j, ENOMEM, missing);
		}
	}
	job_free(j);
}

int media_play(struct media_session *s, const struct str *names, size_t n, struct str lang, uint32_t tag)
{
	uint64_t now, since;
	struct job *j;
	bool all = true;

	if (s->closed || !s->m)
		return ESHUTDOWN;
	if (!n || n > MAX_NAMES)
		return EINVAL;
	s->play_turn++;
	j = job_new(s, names, n, lang, tag);
	if (!j)
		return ENOMEM;
	now = clock_us(s->m->clock);
	since = now > FRESH_US ? now - FRESH_US : 0;
	for (size_t i = 0; i < n; i++) {
		j->item[i].sound = sound_cache_get(s->m->cache, str_z(j->item[i].key), since);
		all = all && j->item[i].sound;
	}
	if (!all && s->m->prm.core && !loop_work(s->m->prm.core, job_work, job_done, j))
		return 0;
	/* All at hand, or (tests) nobody to wait for. */
	job_work(j);
	job_done(j);
	return 0;
}

int media_play_sounds(struct media_session *s, struct sound *const *v, size_t n, uint32_t tag)
{
	struct cmd c = { .type = CMD_PLAY };
	struct playlist *p;
	int err;

	if (!n || n > MAX_NAMES)
		return EINVAL;
	p = calloc(1, sizeof(*p) + n * sizeof(p->sound[0]));
	if (!p)
		return ENOMEM;
	*p = (struct playlist){ .tag = tag, .n = n };
	for (size_t i = 0; i < n; i++)
		p->sound[i] = obj_hold(v[i]);
	if (s->m && !s->closed && !list_rates(p, s)) {
		playlist_free(p);
		return ENOMEM;
	}
	c.p = p;
	s->play_turn++;
	err = core_post(s, &c);
	if (err)
		playlist_free(p);
	return err;
}

int media_play_stop(struct media_session *s)
{
	struct cmd c = { .type = CMD_PLAY_STOP };

	s->play_turn++;
	return core_post(s, &c);
}

bool media_sound_exists(struct media *m, struct str name, struct str lang)
{
	struct file_name f;

	return file_find_as(&f, str_z(m->sounds), name, lang, FORMAT_ULAW, m->prm.sound_style) == 0;
}
