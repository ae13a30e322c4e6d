/* Files of a configuration: read whole, included, found by section and name. What stands in one
 * file is cut up in reader_parse.c. */
#include "config/reader_internal.h"
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

static struct config *new_config(const char *dir)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->arena = arena_new((size_t)256 << 10);
	if (!c->arena) {
		free(c);
		return NULL;
	}
	c->dir = dir ? arena_dup(c->arena, str_z(dir)) : STR_NULL;
	while (c->dir.n > 1 && c->dir.p[c->dir.n - 1] == '/')
		c->dir.n--;
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->files; i++)
		free(c->file[i].text);
	free(c->file);
	free(c->bucket);
	arena_free(c->arena);
	free(c);
}

/* As messages show it: without the directory everybody knows. */
static struct str show_path(const struct config *c, struct str path)
{
	if (c->dir.n && str_starts(path, c->dir) && path.n > c->dir.n && path.p[c->dir.n] == '/')
		return str_skip(path, c->dir.n + 1);
	return path;
}

int add_file(struct load *l, struct str path, char *text, size_t size, uint16_t *f)
{
	struct config *c = l->c;
	struct file *e;

	if (c->files >= FILES_MAX || size > BYTES_MAX - c->bytes) {
		report_add(l->r, REPORT_ERROR, show_path(c, path), 0, "too many files are included, or too large ones");
		free(text);
		return E2BIG;
	}
	if (c->files == c->file_cap) {
		size_t cap = c->file_cap ? c->file_cap * 2 : 4;

		e = realloc(c->file, cap * sizeof(*e));
		if (!e) {
			free(text);
			return ENOMEM;
		}
		c->file = e;
		c->file_cap = cap;
	}
	e = &c->file[c->files];
	*e = (struct file){ .text = text, .size = size };
	e->path = arena_dup(c->arena, path);
	e->shown = show_path(c, e->path);
	e->hash = hash_mem(text, size);
	c->bytes += size;
	*f = (uint16_t)c->files++;
	return 0;
}

/* Read all of `fd`; *text is malloc'ed and has one byte more than *size. */
static int read_whole_file(int fd, size_t hint, char **text, size_t *size)
{
	size_t cap = hint + 1, n = 0;
	char *p = malloc(cap);
	int err = p ? 0 : ENOMEM;

	while (!err) {
		ssize_t got = read(fd, p + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = errno;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n == cap) {
			char *q = cap < BYTES_MAX ? realloc(p, cap * 2) : NULL;

			if (!q)
				err = ENOMEM;
			else
				p = q;
			cap *= 2;
		}
	}
	if (err) {
		free(p);
		return err;
	}
	*text = p;
	*size = n;
	return 0;
}

static int load_path(struct load *l, struct str path, struct config_section **cat)
{
	struct stat st;
	char *text = NULL;
	size_t size = 0;
	uint16_t f = 0;
	int err = 0, fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		err = errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		report_add(l->r, REPORT_WARNING, show_path(l->c, path), 0, "not a regular file, left out");
		err = ENOENT;
		goto out;
	}
	err = read_whole_file(fd, (size_t)st.st_size, &text, &size);
	if (!err)
		err = add_file(l, path, text, size, &f);
	if (err)
		goto out;
	l->c->file[f].mtime = st.st_mtim;
	err = parse_file(l, f, cat);
 out:
	if (fd >= 0)
		close(fd);
	return err;
}

uint64_t hash_names(char *const *v, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = h * 0x9e3779b97f4a7c15ull + hash_str(str_z(v[i])) + (access(v[i], F_OK) == 0);
	return h;
}

static int note_pattern(struct config *c, struct str glob_text, const glob_t *g)
{
	struct pattern *p = arena_alloc(c->arena, sizeof(*p));

	if (!p)
		return ENOMEM;
	*p = (struct pattern){ .next = c->patterns, .glob = glob_text,
		.hash = hash_names(g->gl_pathv, g->gl_pathc) };
	c->patterns = p;
	return 0;
}

int load_files(struct load *l, struct str name, struct config_section **cat)
{
	struct config *c = l->c;
	struct str path;
	size_t count = 0;
	glob_t g = { 0 };
	int err;

	if (!c->dir.n)
		return ENOENT;
	path = name.n && name.p[0] == '/' ? arena_dup(c->arena, name) :
		arena_printf(c->arena, "%.*s/%.*s", STR_ARG(c->dir), STR_ARG(name));
	if (!path.p)
		return ENOMEM;
	err = glob(path.p, GLOB_NOMAGIC | GLOB_BRACE, NULL, &g);
	if (err == GLOB_NOSPACE)
		return ENOMEM;
	err = note_pattern(c, path, &g);
	for (size_t i = 0; !err && i < g.gl_pathc; i++) {
		err = load_path(l, str_z(g.gl_pathv[i]), cat);
		/* One unreadable file of a glob is as missing as none of them. */
		count += err == 0;
		if (err && err != EBADMSG && err != ENOMEM && err != E2BIG) {
			if (err != ENOENT || g.gl_pathc > 1)
				report_add(l->r, err == ENOENT ? REPORT_WARNING : REPORT_ERROR,
					   show_path(c, str_z(g.gl_pathv[i])), 0, "cannot be read: %s",
					   strerror(err));
			if (g.gl_pathc > 1)
				err = 0;
		}
	}
	globfree(&g);
	return err ? err : count ? 0 : ENOENT;
}

int load_command(struct load *l, struct str command, struct config_section **cat)
{
	char *text = NULL, *z = str_dup(command);
	size_t size = 0;
	uint16_t f = 0;
	FILE *p;
	int err, status;

	if (!z)
		return ENOMEM;
	l->c->has_exec = true;
	p = popen(z, "re");
	free(z);
	if (!p)
		return errno;
	err = read_whole_file(fileno(p), 4096, &text, &size);
	status = pclose(p);
	if (!err && status)
		report_add(l->r, REPORT_ERROR, command, 0, "#exec: the command ended with status %d", status);
	if (!err)
		err = add_file(l, command, text, size, &f);
	return err ? err : parse_file(l, f, cat);
}

int config_load(struct config **cp, const struct config_prm *prm, const char *file, struct report *r)
{
	struct config *c = new_config(prm->dir);
	struct load l = { .c = c, .prm = prm, .r = r };
	struct config_section *cat = NULL;
	int err = c ? 0 : ENOMEM;

	if (!err)
		err = load_files(&l, str_z(file), &cat);
	if (!err && arena_failed(c->arena))
		err = ENOMEM;
	if (err)
		config_free(c);
	else
		*cp = c;
	return err;
}

int config_parse(struct config **cp, const struct config_prm *prm, struct str name, struct str text,
		 struct report *r)
{
	struct config *c = new_config(prm->dir);
	struct load l = { .c = c, .prm = prm, .r = r };
	struct config_section *cat = NULL;
	char *copy = malloc(text.n + 1);
	uint16_t f = 0;
	int err = c && copy ? 0 : ENOMEM;

	if (err) {
		free(copy);
		goto out;
	}
	if (text.n)
		memcpy(copy, text.p, text.n);
	err = add_file(&l, name, copy, text.n, &f);
	if (err)
		goto out;
	c->file[f].memory = true;
	err = parse_file(&l, f, &cat);
	if (!err && arena_failed(c->arena))
		err = ENOMEM;
 out:
	if (err)
		config_free(c);
	else
		*cp = c;
	return err;
}

/* Names are few bytes, the table lives for one load: FNV is enough here, since
 * whoever writes the configuration owns the machine anyway. */
static uint32_t name_hash(struct str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		h = (h ^ (ch >= 'A' && ch <= 'Z' ? ch + 32u : ch)) * 16777619u;
	}
	return h;
}

static struct bucket *probe_bucket(const struct config *c, struct str name, uint32_t h)
{
	size_t i = (h ^ h >> 15) & c->bucket_mask;

	while (c->bucket[i].first &&
	       (c->bucket[i].first->hash != h || !str_ieq(c->bucket[i].first->name, name)))
		i = (i + 1) & c->bucket_mask;
	return &c->bucket[i];
}

static int grow_buckets(struct config *c)
{
	size_t old_n = c->bucket ? c->bucket_mask + 1 : 0, n = old_n ? old_n * 2 : 64;
	struct bucket *old = c->bucket;

	c->bucket = calloc(n, sizeof(*c->bucket));
	if (!c->bucket) {
		c->bucket = old;
		return ENOMEM;
	}
	c->bucket_mask = n - 1;
	for (size_t i = 0; i < old_n; i++)
		if (old[i].first)
			*probe_bucket(c, old[i].first->name, old[i].first->hash) = old[i];
	free(old);
	return 0;
}

int add_section(struct config *c, struct config_section *s)
{
	struct bucket *b;

	if (c->buckets * 2 >= (c->bucket ? c->bucket_mask + 1 : 0)) {
		int err = grow_buckets(c);

		if (err)
			return err;
	}
	s->hash = name_hash(s->name);
	b = probe_bucket(c, s->name, s->hash);
	if (b->first)
		b->last->same = s;
	else {
		b->first = s;
		c->buckets++;
	}
	b->last = s;
	if (c->last)
		c->last->next = s;
	else
		c->first = s;
	c->last = c->current = s;
	c->sections++;
	return 0;
}

struct config_section *find_section(const struct config *c, struct str name)
{
	return c->bucket ? probe_bucket(c, name, name_hash(name))->first : NULL;
}

static const struct config_section *skip_templates(const struct config_section *s)
{
	while (s && s->is_template)
		s = s->next;
	return s;
}

const struct config_section *config_first(const struct config *c)
{
	return skip_templates(c->first);
}

const struct config_section *config_all_first(const struct config *c)
{
	return c->first;
}

const struct config_section *config_next(const struct config_section *s)
{
	return skip_templates(s->next);
}

const struct config_section *config_section_get(const struct config *c, struct str name)
{
	const struct config_section *s = find_section(c, name);

	while (s && s->is_template)
		s = s->same;
	return s;
}

size_t config_section_count(const struct config *c)
{
	return c->sections;
}

size_t config_var_count(const struct config *c)
{
	return c->vars;
}

const struct config_var *config_var_get(const struct config_section *s, struct str name)
{
	const struct config_var *found = NULL;

	for (const struct config_var *v = s ? s->first : NULL; v; v = v->next)
		if (str_ieq(v->name, name))
			found = v;
	return found;
}

struct str config_value(const struct config_section *s, struct str name, struct str otherwise)
{
	const struct config_var *v = config_var_get(s, name);

	return v ? v->value : otherwise;
}

struct str config_file_name(const struct config *c, uint16_t file)
{
	return file < c->files ? c->file[file].shown : STR_NULL;
}

void config_fault(const struct config *c, const struct config_var *v, struct report *r,
		  enum report_level level, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	report_add(r, level, v ? config_file_name(c, v->file) : STR_NULL, v ? v->line : 0, "%s", buf_z(&b));
	buf_free(&b);
}
