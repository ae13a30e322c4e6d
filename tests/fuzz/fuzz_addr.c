/* name-addr and Via values; and a display name survives writing and reading. */
#include "sip/message.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = str_mk((const char *)data, size), param;
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct sip_addr addr, again;
	struct sip_via via;

	if (!sip_addr_parse(&addr, value) && !addr.star) {
		struct str display = sip_unquote(a, addr.display);

		must(!addr.tag.n || sip_param(addr.params, STR("TAG"), &param));
		sip_write_addr(&b, display, addr.uri_text);
		must(!sip_addr_parse(&again, buf_view(&b)));
		must(sip_uri_eq(&addr.uri, &again.uri) && again.bracketed);
	}
	if (!sip_via_parse(&via, value)) {
		must(via.host.n && via.protocol.n);
		must(!via.branch.n || sip_param(via.params, STR("branch"), &param));
	}
	/* Any bytes at all as a name. */
	buf_reset(&b);
	sip_write_addr(&b, value, STR("sip:x"));
	must(!sip_addr_parse(&again, buf_view(&b)));
	must(again.display.n >= value.n);
	buf_free(&b);
	arena_free(a);
	return 0;
}
