#include "base/text.h"
#include "base/buf.h"
#include <errno.h>
#include <stdlib.h>

int text_set(struct text *t, struct str s)
{
	char *p = NULL;

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
	struct buf b = BUF_INIT;
	va_list ap;
	size_t n;
	char *p;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	n = b.n;
	p = buf_take(&b);
	if (!p)
		return ENOMEM;
	free(t->p);
	t->p = p;
	t->n = n;
	return 0;
}

void text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}
