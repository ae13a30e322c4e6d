/* Keeps the faults of a configuration in their order and writes them as lines. */
#define LOG_MODULE "config"
#include "config/report.h"
#include "base/arena.h"
#include "base/log.h"
#include <stdlib.h>

/* A directory full of broken objects must not become a gigabyte of text. */
#define KEEP 2000

struct report {
	struct arena *arena;            /* held */
	struct report_entry *v;         /* held, malloc */
	size_t n, cap, dropped, errors;
};

struct report *report_new(void)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->arena = arena_new(0);
	if (!r->arena) {
		free(r);
		return NULL;
	}
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	arena_free(r->arena);
	free(r->v);
	free(r);
}

static struct report_entry *grow_report(struct report *r)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 16;
		struct report_entry *v = realloc(r->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		r->v = v;
		r->cap = cap;
	}
	return &r->v[r->n];
}

void report_add(struct report *r, enum report_level level, struct str file, uint32_t line,
		const char *fmt, ...)
{
	struct report_entry *e;
	struct buf b = BUF_INIT;
	va_list ap;

	if (!r)
		return;
	r->errors += level == REPORT_ERROR;
	e = r->n < KEEP ? grow_report(r) : NULL;
	if (!e) {
		r->dropped++;
		return;
	}
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	*e = (struct report_entry){ .level = level, .line = line,
		.file = arena_dup(r->arena, file), .text = arena_dup(r->arena, buf_view(&b)) };
	r->n++;
	buf_free(&b);
}

size_t report_count(const struct report *r)
{
	return r->n;
}

const struct report_entry *report_at(const struct report *r, size_t i)
{
	return i < r->n ? &r->v[i] : NULL;
}

size_t report_errors(const struct report *r)
{
	return r->errors;
}

size_t report_warnings(const struct report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].level == REPORT_WARNING;
	return n;
}

static size_t file_rank(const struct report *r, struct str file)
{
	size_t i = 0;

	while (i < r->n && !str_eq(r->v[i].file, file))
		i++;
	return i;
}

/* Insertion sort: stable, at most 2000 of them, mostly in order already. */
void report_sort(struct report *r)
{
	size_t *rank = calloc(r->n + 1, sizeof(*rank));

	if (!rank)
		return;
	for (size_t i = 0; i < r->n; i++)
		rank[i] = file_rank(r, r->v[i].file);
	for (size_t i = 1; i < r->n; i++) {
		struct report_entry e = r->v[i];
		size_t w = rank[i], k = i;

		for (; k && (rank[k - 1] > w || (rank[k - 1] == w && r->v[k - 1].line > e.line)); k--) {
			r->v[k] = r->v[k - 1];
			rank[k] = rank[k - 1];
		}
		r->v[k] = e;
		rank[k] = w;
	}
	free(rank);
}

void report_write(struct buf *b, const struct report_entry *e)
{
	if (e->file.n) {
		buf_escape(b, e->file);
		if (e->line)
			buf_printf(b, ":%u", e->line);
		buf_put(b, STR(": "));
	}
	buf_escape(b, e->text);
}

void report_print(const struct report *r, FILE *out)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->n; i++) {
		buf_reset(&b);
		report_write(&b, &r->v[i]);
		fprintf(out, "%s\n", buf_z(&b));
	}
	if (r->dropped)
		fprintf(out, "... and %zu more\n", r->dropped);
	buf_free(&b);
}

void report_log(const struct report *r)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->n; i++) {
		enum report_level l = r->v[i].level;

		buf_reset(&b);
		report_write(&b, &r->v[i]);
		log_write(l == REPORT_ERROR ? LOG_ERROR : l == REPORT_WARNING ? LOG_WARNING : LOG_NOTICE,
			  LOG_MODULE, 0, "%s", buf_z(&b));
	}
	if (r->dropped)
		log_warning("%zu more faults were left out", r->dropped);
	buf_free(&b);
}
