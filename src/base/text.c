/* Text that owns its bytes. */
#include "base/text.h"
#include "base/buf.h"
#include <errno.h>
#include <stdlib.h>

int text_set(struct text *t, struct str s)
{
	char *p = NULL;

	/* Most values take the room of the last one. */
	if (s.n && s.n <= t->n) {
		memmove(t->p, s.p, s.n);
		t->p[s.n] = 0;
		t->n = s.n;
		return 0;
	}
	if (s.n) {
		p = str_dup(s);
		if (!p)
			return ENOMEM;
	}
	free(t->p);
	t->p = p;
	t->n = s.n;
	return 0;
}

int text_printf(struct text *t, const char *fmt, ...)
{
	char room[256];
	struct buf b;
	va_list ap;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	err = buf_err(&b) ? ENOMEM : text_set(t, buf_view(&b));
	buf_free(&b);
	return err;
}

int text_catv(struct text *t, const struct str *v, size_t n)
{
	char room[256];
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	buf_putv(&b, v, n);
	err = buf_err(&b) ? ENOMEM : text_set(t, buf_view(&b));
	buf_free(&b);
	return err;
}

void text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}
