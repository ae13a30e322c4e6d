/* base/buf.h -- the bounded writer: grows up to a limit, errors stick.
 * Write freely, look at buf_err() once at the end. After an error nothing more
 * is written. Threads: one owner at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"
#include <stdarg.h>

struct buf {
	char *p;        /* owned heap, or the caller's array while !heap */
	size_t n, cap;
	size_t max;     /* [bytes] refuse to grow past this; 0: 16 MiB */
	int err;        /* 0, ENOMEM or ENOBUFS */
	bool heap;
};

#define BUF_INIT { 0 }

/* Start in `array`; growing past it moves to the heap. */
void buf_init(struct buf *b, void *array, size_t size, size_t max);
void buf_free(struct buf *b);
static inline void buf_reset(struct buf *b) { b->n = 0; b->err = 0; }
static inline struct str buf_view(const struct buf *b) { return str_mk(b->p, b->n); }
static inline int buf_err(const struct buf *b) { return b->err; }

/* Make room for n more bytes; gives where to write them or NULL. */
char *buf_room(struct buf *b, size_t n);
static inline void buf_mem(struct buf *b, const void *p, size_t n)
{
	char *to = n && !b->err && n <= b->cap - b->n ? b->p + b->n : n ? buf_room(b, n) : NULL;

	if (to) {
		memcpy(to, p, n);
		b->n += n;
	}
}
static inline void buf_put(struct buf *b, struct str s) { buf_mem(b, s.p, s.n); }
static inline void buf_char(struct buf *b, char c) { buf_mem(b, &c, 1); }
void buf_u64(struct buf *b, uint64_t v);
void buf_hex(struct buf *b, const uint8_t *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);
/* Several views: buf_puts(b, STR("a"), s, STR("b")) */
#define buf_puts(b, ...) buf_putv((b), (const struct str[]){ __VA_ARGS__ }, \
	sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))
void buf_putv(struct buf *b, const struct str *v, size_t n);
/* Control bytes, DEL and \ as \xNN: for logs and the console. UTF-8 stays. */
void buf_escape(struct buf *b, struct str s);
/* Terminate without counting the NUL; gives b->p, "" on error. */
const char *buf_z(struct buf *b);
/* The heap string itself, terminated, now the caller's to free(); NULL on error. */
char *buf_take(struct buf *b);

#endif
