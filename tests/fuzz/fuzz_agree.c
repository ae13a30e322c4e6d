/* A list of security mechanisms: what is written of each is read as the same one again. */
#include "ua/agree.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(struct str text, const struct ua_mechanism *m)
{
	struct buf b = BUF_INIT;
	struct ua_mechanism n;
	struct str rest = text;

	if (!ua_mechanism_next(&rest, &n) || rest.n || !str_eq(n.name, m->name))
		abort();
	ua_mechanism_write(&b, &n);
	if (!str_eq(buf_view(&b), text))
		abort();
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str list = str_mk((const char *)data, size);
	struct ua_mechanism m;

	while (ua_mechanism_next(&list, &m)) {
		struct buf b = BUF_INIT;

		ua_mechanism_write(&b, &m);
		again(buf_view(&b), &m);
		buf_free(&b);
	}
	return 0;
}
