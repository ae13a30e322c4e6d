/* Keeps the events and the statistics that media sessions give. */
#include "media_seen.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "media/file.h"

const uint8_t noise[160] = { 1, 2, 3, 200, 201, 202 };
struct media_stats got;
int got_n;

void on_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct seen *x = arg;

	(void)s;
	assert_true(x->n < ARRAY_LEN(x->e));
	x->e[x->n++] = *e;
}

size_t count(const struct seen *x, enum media_event_type t)
{
	size_t k = 0;

	for (size_t i = 0; i < x->n; i++)
		k += x->e[i].type == t;
	return k;
}

const struct media_event *last(const struct seen *x, enum media_event_type t)
{
	for (size_t i = x->n; i-- > 0; )
		if (x->e[i].type == t)
			return &x->e[i];
	return NULL;
}

void on_stats(void *arg, const struct media_stats *st)
{
	(void)arg;
	if (st)
		got = *st;
	got_n++;
}

struct sound *ulaw_sound(size_t samples, uint8_t byte)
{
	char *raw = malloc(samples);
	struct sound *s = NULL;

	memset(raw, byte, samples);
	assert_int_equal(file_decode(&s, str_mk(raw, samples), FORMAT_ULAW, FORMAT_ULAW), 0);
	free(raw);
	return s;
}
