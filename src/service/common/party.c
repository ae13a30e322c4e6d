/* A From or To as the dialplan and managers see it. */
#include "service/common/party.h"

void service_put_party(struct buf *b, const struct sip_addr *a, struct str value)
{
	static const struct str none[] = { STR_INIT("transport"), STR_INIT("method"), STR_INIT("ttl"), STR_INIT("maddr"), STR_INIT("lr") };
	size_t from = (size_t)(a->uri_text.p - value.p);
	struct str params = a->uri.params, tail = a->params;

	if (!a->uri.host.n || from > value.n) {
		buf_put(b, value);
		return;
	}
	buf_puts(b, a->display, a->display.n ? STR(" ") : STR_NULL, STR("<"), a->uri.scheme, STR(":"),
		 str_mk(a->uri.user.p, a->uri.user.n ? (size_t)(a->uri.host.p - a->uri.user.p) : 0), a->uri.host);
	while (params.n) {
		struct str one = str_trim(str_cut(&params, ';')), rest = one, name = str_trim(str_cut(&rest, '='));
		bool kept = one.n;

		for (size_t i = 0; i < ARRAY_LEN(none); i++)
			kept &= !str_ieq(name, none[i]);
		if (kept)
			buf_puts(b, STR(";"), one);
	}
	buf_char(b, '>');
	if (a->tag.n)
		buf_puts(b, STR(";tag="), a->tag);
	while (tail.n) {
		struct str one = str_trim(str_cut(&tail, ';')), rest = one;

		if (one.n && !str_ieq(str_trim(str_cut(&rest, '=')), STR("tag")))
			buf_puts(b, STR(";"), one);
	}
}
