/* The parts of a C library whose common forms are large, in forms that are enough here: memory, printf
 * without its rarer half, numbers by way of JavaScript's own. A page loads this file with every visit. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <arpa/inet.h>

#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))

/* ---- memory: lists of free blocks, one a size -------------------------------------------------- */

/* Sizes are 16, 24, 32, 48, 64, ... so that at most a third of a block is unused. What was freed is
 * used again for the same size and never joined: a page's agent asks for the same sizes again and again. */
#define CLASSES 52
#define PAGE 65536u

struct block {
	uint32_t kind;                  /* of its size */
	uint32_t size;                  /* [bytes] that were asked for, for realloc */
	struct block *next;             /* free: the next one; in use: the first bytes handed out */
};
#define HEAD offsetof(struct block, next)

extern unsigned char __heap_base;
static struct block *free_blocks[CLASSES];
static uintptr_t brk_at, brk_end;

static size_t class_size(unsigned kind)
{
	return (size_t)(kind & 1 ? 24 : 16) << (kind / 2);
}

static unsigned class_of(size_t n)
{
	unsigned kind = 0;

	if (n > 16) {
		unsigned bits = 32 - (unsigned)__builtin_clz((uint32_t)(n - 1));        /* 2^bits >= n */

		kind = 2 * (bits - 4);
		if (class_size(kind - 1) >= n)
			kind--;
	}
	return kind;
}

static void *take_fresh(size_t n)
{
	uintptr_t at;

	if (!brk_at) {
		brk_at = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
		brk_end = __builtin_wasm_memory_size(0) * PAGE;
	}
	if (n > brk_end - brk_at) {
		size_t pages = (n - (brk_end - brk_at) + PAGE - 1) / PAGE;

		if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
			return NULL;
		brk_end += pages * PAGE;
	}
	at = brk_at;
	brk_at += n;
	return (void *)at;
}

void *malloc(size_t n)
{
	unsigned kind = class_of(n);
	struct block *b;

	if (n > 1u << 30) {
		errno = ENOMEM;
		return NULL;
	}
	b = free_blocks[kind];
	if (b)
		free_blocks[kind] = b->next;
	else
		b = take_fresh(class_size(kind) + HEAD);
	if (!b) {
		errno = ENOMEM;
		return NULL;
	}
	b->kind = kind;
	b->size = (uint32_t)n;
	return (char *)b + HEAD;
}

void free(void *p)
{
	struct block *b;

	if (!p)
		return;
	b = (void *)((char *)p - HEAD);
	b->next = free_blocks[b->kind];
	free_blocks[b->kind] = b;
}

void *calloc(size_t k, size_t n)
{
	size_t all;
	void *p;

	if (__builtin_mul_overflow(k, n, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	p = malloc(all);
	if (p)
		memset(p, 0, all);
	return p;
}

void *realloc(void *p, size_t n)
{
	struct block *b = p ? (void *)((char *)p - HEAD) : NULL;
	void *to;

	if (b && n <= class_size(b->kind)) {
		b->size = (uint32_t)n;
		return p;
	}
	to = malloc(n);
	if (to && p) {
		memcpy(to, p, b->size);
		free(p);
	}
	return to;
}

/* One instruction each. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	return __builtin_memmove(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
	return __builtin_memmove(to, from, n);
}

void *memset(void *to, int c, size_t n)
{
	return __builtin_memset(to, c, n);
}

/* ---- numbers ----------------------------------------------------------------------------------- */

/* The number at the beginning of `s`; how long it is. */
IMPORT("number") double host_number(const char *s, size_t *n);
/* The shortest text that is this number; how long it is. */
IMPORT("digits") size_t host_digits(double v, char *to, size_t room);

double strtod(const char *s, char **end)
{
	size_t n = 0;
	double v = host_number(s, &n);

	if (end)
		*end = (char *)(uintptr_t)s + n;
	return v;
}

/* ---- printf: %s %c %d %u %x %p %g, with l, ll, z, widths, zeros and precisions of strings ------------ */

struct out {
	char *to;
	size_t room, n;
};

struct spec {
	bool zeros, minus;
	int width, precision;
	unsigned longs;                 /* how many l; z is one */
};

static void put(struct out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, o->n++)
		if (o->n + 1 < o->room)
			o->to[o->n] = s[i];
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t n)
{
	size_t pad = s->width > 0 && (size_t)s->width > n ? (size_t)s->width - n : 0;

	for (size_t i = 0; i < pad && !s->minus; i++)
		put(o, s->zeros ? "0" : " ", 1);
	put(o, text, n);
	for (size_t i = 0; i < pad && s->minus; i++)
		put(o, " ", 1);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, bool negative, unsigned base, bool upper)
{
	char text[24], *p = text + sizeof(text);

	do {
		*--p = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
		v /= base;
	} while (v);
	if (negative)
		*--p = '-';
	put_padded(o, s, p, (size_t)(text + sizeof(text) - p));
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t n = 0;

	text = text ? text : "(null)";
	while ((s->precision < 0 || n < (size_t)s->precision) && text[n])
		n++;
	put_padded(o, s, text, n);
}

/* A number after a % or a point: digits, or * for an argument. */
static int read_count(const char **f, va_list *ap)
{
	int v = 0;

	if (**f == '*') {
		++*f;
		return va_arg(*ap, int);
	}
	for (; **f >= '0' && **f <= '9'; ++*f)
		v = v * 10 + (**f - '0');
	return v;
}

static void read_spec(const char **f, va_list *ap, struct spec *s)
{
	*s = (struct spec){ .precision = -1 };
	for (; **f == '0' || **f == '-'; ++*f) {
		s->zeros = s->zeros || **f == '0';
		s->minus = s->minus || **f == '-';
	}
	s->width = read_count(f, ap);
	if (**f == '.') {
		++*f;
		s->precision = read_count(f, ap);
	}
	for (; **f == 'l' || **f == 'z' || **f == 'h'; ++*f)
		s->longs += **f == 'l';
}

static void put_argument(struct out *o, const struct spec *s, char kind, va_list *ap)
{
	char text[32];
	int64_t d;

	switch (kind) {
	case 'd':
	case 'i':
		d = s->longs > 1 ? va_arg(*ap, int64_t) : va_arg(*ap, int);
		put_number(o, s, d < 0 ? 0 - (uint64_t)d : (uint64_t)d, d < 0, 10, false);
		break;
	case 'u':
	case 'x':
	case 'X':
		put_number(o, s, s->longs > 1 ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned), false, kind == 'u' ? 10 : 16, kind == 'X');
		break;
	case 'p':
		put_number(o, s, (uintptr_t)va_arg(*ap, void *), false, 16, false);
		break;
	case 'c':
		text[0] = (char)va_arg(*ap, int);
		put_padded(o, s, text, 1);
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	case 'g':
		put(o, text, host_digits(va_arg(*ap, double), text, sizeof(text)));
		break;
	default:                        /* %% and what nobody here writes */
		put(o, &kind, 1);
	}
}

int vsnprintf(char *to, size_t room, const char *f, va_list given)
{
	struct out o = { to, to ? room : 0, 0 };
	struct spec s;
	va_list ap;

	va_copy(ap, given);
	while (*f) {
		const char *from = f;

		while (*f && *f != '%')
			f++;
		put(&o, from, (size_t)(f - from));
		if (!*f++)
			break;
		read_spec(&f, &ap, &s);
		if (*f)
			put_argument(&o, &s, *f++, &ap);
	}
	va_end(ap);
	if (o.room)
		to[o.n < o.room ? o.n : o.room - 1] = 0;
	return (int)o.n;
}

int snprintf(char *to, size_t room, const char *f, ...)
{
	va_list ap;
	int n;

	va_start(ap, f);
	n = vsnprintf(to, room, f, ap);
	va_end(ap);
	return n;
}

/* ---- text ------------------------------------------------------------------------------------------- */

/* The names of all errors are 2 KB, and nobody but a developer reads them. */
char *strerror(int err)
{
	static char text[16];

	snprintf(text, sizeof(text), "error %d", err);
	return text;
}

void *memmem(const void *in, size_t n, const void *what, size_t k)
{
	for (const char *p = in; k <= n; p++, n--)
		if (!memcmp(p, what, k))
			return (void *)(uintptr_t)p;
	return NULL;
}

/* ---- addresses: RFC 4291 2.2, of IPv6 alone ------------------------------------------------------------ */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "192.0.2.1" at the end of an address; 0: it is none. */
static int read_v4(const char *s, uint16_t out[2])
{
	uint32_t all = 0;

	for (int part = 0; part < 4; part++) {
		unsigned v = 0, digits = 0;

		/* No zero before others: some read such a part as octal. */
		for (; *s >= '0' && *s <= '9' && digits < 3 && (v || !digits); s++, digits++)
			v = v * 10 + (unsigned)(*s - '0');
		if (!digits || v > 255 || *s != (part < 3 ? '.' : 0))
			return 0;
		s++;
		all = all << 8 | v;
	}
	out[0] = (uint16_t)(all >> 16);
	out[1] = (uint16_t)all;
	return 1;
}

/* The groups before the end or "::", at most `room`. -1: no address. */
static int read_groups(const char **s, uint16_t *out, int room)
{
	int n = 0;

	while (**s && **s != ':' && n < room) {
		const char *from = *s;
		unsigned v = 0, digits = 0;

		for (int d; (d = hex_digit(**s)) >= 0 && digits < 4; ++*s, digits++)
			v = v << 4 | (unsigned)d;
		if (**s == '.' && n + 2 <= room && read_v4(from, out + n)) {
			*s += strlen(*s);
			return n + 2;
		}
		if (!digits || (**s && **s != ':') || (**s == ':' && !(*s)[1]))
			return -1;
		out[n++] = (uint16_t)v;
		if (**s == ':')
			++*s;
	}
	return n;
}

int inet_pton(int family, const char *restrict text, void *restrict to)
{
	const char *s = text;
	uint16_t head[8], tail[8] = { 0 };
	unsigned char *p = to;
	int n = 0, m = 0;

	(void)family;
	if (*s != ':')
		n = read_groups(&s, head, 8);
	else if (*++s != ':')
		return 0;
	if (n < 0 || (n == 8 && *s))
		return 0;
	if (n < 8 && *s != ':')
		return 0;
	if (n < 8) {
		++s;
		m = read_groups(&s, tail, 7 - n);
		if (m < 0 || *s)
			return 0;
	}
	for (int i = 0; i < 8; i++) {
		uint16_t v = i < n ? head[i] : i >= 8 - m ? tail[i - (8 - m)] : 0;

		*p++ = (unsigned char)(v >> 8);
		*p++ = (unsigned char)v;
	}
	return 1;
}

/* RFC 5952: the first longest run of zeros, of two groups or more, is "::". */
const char *inet_ntop(int family, const void *restrict from, char *restrict to, socklen_t room)
{
	const unsigned char *p = from;
	int best = -1, most = 1, n = 0;

	(void)family;
	for (int i = 0, run = 0; i < 8; i++) {
		run = p[2 * i] | p[2 * i + 1] ? 0 : run + 1;
		if (run > most) {
			most = run;
			best = i - run + 1;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			n += snprintf(to + n, room - (size_t)n, i ? ":" : "::");
			i += most - 1;
			if (i == 7)
				break;
			continue;
		}
		n += snprintf(to + n, room - (size_t)n, i < 7 ? "%x:" : "%x", (unsigned)p[2 * i] << 8 | p[2 * i + 1]);
	}
	return to;
}

/* ---- order: a heap, which needs no room ------------------------------------------------------------- */

static void swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

static void sink(char *v, size_t n, size_t size, size_t at, int (*cmp)(const void *, const void *))
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && cmp(v + child * size, v + (child + 1) * size) < 0)
			child++;
		if (cmp(v + at * size, v + child * size) >= 0)
			return;
		swap(v + at * size, v + child * size, size);
	}
}

void qsort(void *list, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	for (size_t i = n / 2; i-- > 0;)
		sink(list, n, size, i, cmp);
	for (size_t i = n; i-- > 1;) {
		swap(list, (char *)list + i * size, size);
		sink(list, i, size, 0, cmp);
	}
}
