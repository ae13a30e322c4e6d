/* A buffer that grows up to a limit, and remembers its first error until it is asked. */
#include "base/buf.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_MAX_DEFAULT ((size_t)16 << 20)

void buf_init(struct buf *b, void *array, size_t size, size_t max)
{
	*b = (struct buf){ .p = array, .cap = !array ? 0 : max && max < size ? max : size, .max = max };
}

void buf_free(struct buf *b)
{
	if (b->heap)
		free(b->p);
	*b = (struct buf){ .max = b->max };
}

static size_t limit(const struct buf *b)
{
	return b->max ? b->max : BUF_MAX_DEFAULT;
}

/* `need` is within the limit. */
static int grow(struct buf *b, size_t need)
{
	size_t max = limit(b), cap = b->cap ? b->cap : 256;
	char *p;

	while (cap < need)
		cap = cap > max / 2 ? max : cap * 2;
	if (cap > max)
		cap = max;
	p = realloc(b->heap ? b->p : NULL, cap);
	if (!p)
		return ENOMEM;
	if (!b->heap && b->n)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->cap = cap;
	b->heap = true;
	return 0;
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->err)
		return NULL;
	if (n > limit(b) || b->n > limit(b) - n) {
		b->err = ENOBUFS;
		return NULL;
	}
	if (b->n + n > b->cap)
		b->err = grow(b, b->n + n);
	return b->err ? NULL : b->p + b->n;
}

void buf_putv(struct buf *b, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_put(b, v[i]);
}

void buf_u64(struct buf *b, uint64_t v)
{
	char d[20];
	size_t i = sizeof(d);

	do {
		d[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_mem(b, d + i, sizeof(d) - i);
}

static const char hex[] = "0123456789abcdef";

void buf_hex(struct buf *b, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_mem(b, (char[]){ hex[p[i] >> 4], hex[p[i] & 15] }, 2);
}

/* The text of `k` bytes fills the buffer to its last byte, and printf wants one
 * more for a NUL. */
static void print_last(struct buf *b, size_t k, const char *fmt, va_list ap)
{
	char *text = malloc(k + 1);

	if (!text) {
		b->err = ENOMEM;
		return;
	}
	vsnprintf(text, k + 1, fmt, ap);
	buf_mem(b, text, k);
	free(text);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t have = b->cap - b->n, n;
	va_list again;
	int k;

	if (b->err)
		return;
	va_copy(again, ap);
	k = vsnprintf(have ? b->p + b->n : NULL, have, fmt, ap);
	n = k < 0 ? 0 : (size_t)k;
	if (k < 0) {
		b->err = EINVAL;
	} else if (n < have && n <= limit(b) - b->n) {
		b->n += n;
	} else if (n == limit(b) - b->n) {
		print_last(b, n, fmt, again);
	} else if (buf_room(b, n + 1)) {
		vsnprintf(b->p + b->n, n + 1, fmt, again);
		b->n += n;
	}
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_escape(struct buf *b, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != 0x7f && c != '\\')
			continue;
		buf_mem(b, s.p + from, i - from);
		buf_mem(b, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
		from = i + 1;
	}
	if (s.n > from)
		buf_mem(b, s.p + from, s.n - from);
}

const char *buf_z(struct buf *b)
{
	char *end = buf_room(b, 1);

	if (!end)
		return "";
	*end = 0;
	return b->p;
}

char *buf_take(struct buf *b)
{
	char *p = NULL;

	buf_z(b);
	if (!b->err)
		p = b->heap ? b->p : str_dup(buf_view(b));
	if (!p || !b->heap)
		buf_free(b);
	*b = (struct buf){ .max = b->max };
	return p;
}
