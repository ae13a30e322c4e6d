/* A URI: its parts lie inside it and put together again parse to the same. */
#include "sip/uri.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void rebuild(struct buf *b, const struct sip_uri *u)
{
	buf_puts(b, u->scheme, STR(":"), u->opaque, u->user);
	if (u->password.p)
		buf_puts(b, STR(":"), u->password);
	if (u->user.n && sip_uri_is_sip(u))
		buf_char(b, '@');
	buf_put(b, u->host);
	if (u->port) {
		buf_char(b, ':');
		buf_u64(b, u->port);
	}
	if (u->params.n)
		buf_puts(b, STR(";"), u->params);
	if (u->headers.n)
		buf_puts(b, STR("?"), u->headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct sip_uri u, again;

	if (!sip_uri_parse(&u, str_mk((const char *)data, size))) {
		struct str raw = sip_unescape(a, u.user);

		must(sip_uri_eq(&u, &u));
		rebuild(&b, &u);
		must(!sip_uri_parse(&again, buf_view(&b)));
		must(sip_uri_eq(&u, &again) && sip_uri_eq(&again, &u));
		/* Escaping what was unescaped gives the same user. A literal %00
		 * stays as it is on the way in, so it does not come back. */
		if (str_find(raw, STR("%")) == raw.n) {
			buf_reset(&b);
			sip_escape_user(&b, raw);
			must(str_eq(sip_unescape(a, buf_view(&b)), raw));
		}
	}
	buf_free(&b);
	arena_free(a);
	return 0;
}
