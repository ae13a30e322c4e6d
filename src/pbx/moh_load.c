/* musiconhold.conf: classes of music, and their files. */
#define LOG_MODULE "moh"
#include "base/hash.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/reader.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/moh.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

enum { FILES_MAX = 256 };

struct music {
	struct list link;
	struct text name, dir;
	struct str *files;      /* owned, as each string: absolute, without extension */
	size_t n;
};

struct moh {                    /* obj */
	struct list classes;
};

static void music_free(struct music *m)
{
	for (size_t i = 0; i < m->n; i++)
		free((char *)(uintptr_t)m->files[i].p);
	free(m->files);
	text_free(&m->name);
	text_free(&m->dir);
	free(m);
}

static void moh_free(void *o)
{
	struct moh *moh = o;

	while (!list_empty(&moh->classes)) {
		struct list *l = moh->classes.next;

		list_remove(l);
		music_free(container_of(l, struct music, link));
	}
}

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool has(const struct music *m, struct str file)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->files[i], file))
			return true;
	return false;
}

/* One piece may lie there in several formats: its name counts once. */
static int add_file(struct music *m, struct str dir, struct str file)
{
	struct buf b = BUF_INIT;
	struct str s = str_sub(file, 0, str_rchr(file, '.'));
	char *p;

	if (file.n == s.n || !s.n || s.p[0] == '.' || m->n >= FILES_MAX)
		return 0;
	buf_puts(&b, dir, STR("/"), s);
	if (has(m, buf_view(&b))) {
		buf_free(&b);
		return 0;
	}
	s.n = b.n;
	p = buf_take(&b);
	if (!p)
		return ENOMEM;
	m->files[m->n++] = str_mk(p, s.n);
	return 0;
}

static int scan(struct music *m, struct str dir)
{
	char path[512];
	struct dirent *d;
	DIR *dp;
	int err = 0;

	m->files = calloc(FILES_MAX, sizeof(*m->files));
	if (!m->files)
		return ENOMEM;
	dp = opendir(str_copy(path, sizeof(path), dir));
	if (!dp) {
		log_warning("Music class '%s': cannot read the directory %s", text_z(&m->name), path);
		return 0;
	}
	while (!err && (d = readdir(dp)))
		err = add_file(m, dir, str_z(d->d_name));
	closedir(dp);
	if (m->n)
		qsort(m->files, m->n, sizeof(*m->files), compare);
	return err;
}

static int add_class(struct moh *moh, const struct config_section *s, struct str datadir)
{
	struct str mode = STR_NULL, dir = STR_NULL;
	struct buf b = BUF_INIT;
	struct music *m;
	int err;

	for (const struct config_var *v = s->first; v; v = v->next) {
		if (str_ieq(v->name, STR("mode")))
			mode = v->value;
		else if (str_ieq(v->name, STR("directory")))
			dir = v->value;
	}
	if (!str_ieq(mode, STR("files")) || !dir.n)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return ENOMEM;
	list_append(&moh->classes, &m->link);
	if (dir.p[0] != '/')
		buf_puts(&b, datadir, STR("/"));
	buf_put(&b, dir);
	err = text_set(&m->name, s->name);
	err = err ? err : text_set(&m->dir, buf_view(&b));
	err = err ? err : scan(m, buf_view(&b));
	buf_free(&b);
	return err;
}

int moh_load(struct pbx *p, const struct config *cfg, struct str datadir)
{
	struct moh *moh = obj_new(sizeof(*moh), moh_free);
	int err = 0;

	if (!moh)
		return ENOMEM;
	list_init(&moh->classes);
	for (const struct config_section *s = config_first(cfg); s && !err; s = config_next(s))
		if (!str_ieq(s->name, STR("general")))
			err = add_class(moh, s, datadir);
	if (err) {
		obj_drop(moh);
		return err;
	}
	obj_drop(p->moh);
	p->moh = moh;
	return 0;
}

static const struct music *find(const struct pbx *p, struct str name)
{
	if (!p->moh)
		return NULL;
	list_each(l, &p->moh->classes) {
		const struct music *m = container_of(l, struct music, link);

		if (str_ieq(text_view(&m->name), name))
			return m;
	}
	return NULL;
}

bool moh_class_at(const struct pbx *p, size_t i, struct moh_class *out)
{
	if (!p->moh)
		return false;
	list_each(l, &p->moh->classes) {
		const struct music *m = container_of(l, struct music, link);

		if (!i--) {
			*out = (struct moh_class){ text_view(&m->name), text_view(&m->dir), m->files, m->n };
			return true;
		}
	}
	return false;
}

bool moh_has(const struct pbx *p, struct str music_class)
{
	return find(p, music_class) != NULL;
}

int moh_play(struct channel *ch, struct str music_class)
{
	const struct music *m = find(ch->pbx, music_class);
	struct channel *end = channel_media_end(ch);
	struct pbx *p = ch->pbx;

	if (!end)
		return 0;
	if (!m || !m->n)
		return ENOENT;
	p->next_play += p->next_play == UINT32_MAX ? 2 : 1;
	channel_take_player(end, ch, p->next_play);
	ch->moh_tag = p->next_play;
	/* No channel_play(): ch->moh says that it sounds. */
	return media_play(channel_media(ch), m->files, m->n, text_view(&ch->language), p->next_play);
}
