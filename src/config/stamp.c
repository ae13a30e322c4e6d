/* Did the files of a configuration change since it was read? By size and time, else by contents. */
#include "config/reader_internal.h"
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

struct seen_file {
	struct str path;
	size_t size;
	uint64_t hash;
	struct timespec mtime;
};

struct config_stamp {
	struct arena *arena;            /* held */
	struct seen_file *file;
	size_t files;
	struct pattern *patterns;
	bool never;                     /* #exec may say something else each time */
};

struct config_stamp *config_stamp_new(const struct config *c)
{
	struct config_stamp *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->arena = arena_new(0);
	s->file = s->arena ? arena_alloc(s->arena, c->files * sizeof(*s->file)) : NULL;
	if (!s->file) {
		config_stamp_free(s);
		return NULL;
	}
	s->never = c->has_exec;
	for (size_t i = 0; i < c->files; i++) {
		const struct file *f = &c->file[i];
		struct seen_file *e = &s->file[s->files];

		if (f->memory)
			continue;
		*e = (struct seen_file){ arena_dup(s->arena, f->path), f->size, f->hash, f->mtime };
		s->never |= !e->path.p;
		s->files++;
	}
	for (const struct pattern *p = c->patterns; p; p = p->next) {
		struct pattern *q = arena_alloc(s->arena, sizeof(*q));

		if (!q) {
			s->never = true;
			break;
		}
		*q = (struct pattern){ .next = s->patterns, .glob = arena_dup(s->arena, p->glob), .hash = p->hash };
		s->patterns = q;
	}
	return s;
}

void config_stamp_free(struct config_stamp *s)
{
	if (!s)
		return;
	arena_free(s->arena);
	free(s);
}

static bool same_bytes(const struct seen_file *f)
{
	int fd = open(f->path.p, O_RDONLY | O_CLOEXEC);
	char *p = malloc(f->size + 1);
	size_t n = 0;
	bool same = false;

	while (fd >= 0 && p && n < f->size + 1) {
		ssize_t got = read(fd, p + n, f->size + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (p)
		same = n == f->size && hash_mem(p, n) == f->hash;
	if (fd >= 0)
		close(fd);
	free(p);
	return same;
}

static bool file_holds(const struct seen_file *f)
{
	struct stat st;

	if (stat(f->path.p, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != f->size)
		return false;
	if (st.st_mtim.tv_sec == f->mtime.tv_sec && st.st_mtim.tv_nsec == f->mtime.tv_nsec)
		return true;
	return same_bytes(f);
}

bool config_stamp_holds(const struct config_stamp *s)
{
	if (!s || s->never)
		return false;
	for (const struct pattern *p = s->patterns; p; p = p->next) {
		glob_t g = { 0 };
		bool same;

		glob(p->glob.p, GLOB_NOMAGIC | GLOB_BRACE, NULL, &g);
		same = hash_names(g.gl_pathv, g.gl_pathc) == p->hash;
		globfree(&g);
		if (!same)
			return false;
	}
	for (size_t i = 0; i < s->files; i++)
		if (!file_holds(&s->file[i]))
			return false;
	return true;
}
