/* The head of an HTTP request, and the answer to it as to a WebSocket's; then the same bytes as an answer. */
#include "base/obj.h"
#include "net/ws_private.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool lies_in(struct str part, struct str whole)
{
	return !part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void look_at(const struct http_head *h, struct str s, size_t len)
{
	must(len >= 4 && len <= s.n && len <= HTTP_HEAD_MAX);
	must(!memcmp(s.p + len - 4, "\r\n\r\n", 4));
	must(h->fields <= HTTP_FIELDS_MAX && h->minor >= 1);
	must(lies_in(h->method, s) && lies_in(h->path, s) && lies_in(h->query, s));
	for (size_t i = 0; i < h->fields; i++) {
		must(h->field[i].name.n && lies_in(h->field[i].name, s) && lies_in(h->field[i].value, s));
		must(str_chr(h->field[i].value, '\r') == h->field[i].value.n && str_chr(h->field[i].value, '\n') == h->field[i].value.n);
	}
}

static void answer(const struct ws_rules *rules, const struct http_head *h)
{
	struct buf b = BUF_INIT;
	struct http_head back;
	size_t len = 0;
	int err = ws_answer(&b, rules, h);

	must(!buf_err(&b));
	must(!http_parse_answer(&back, buf_view(&b), &len));
	must((back.status == 101) == !err && (err || len == b.n));
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct str s = str_mk(copy, size);
	struct ws_rules *rules = ws_rules_new(STR("/ws"), STR("https://a.example, https://b.example"));
	struct http_head h, part;
	struct buf b = BUF_INIT;
	size_t len = 0, less = 0;
	const char *why = NULL;
	int err;

	if (!copy || !rules)
		return 0;
	if (size)
		memcpy(copy, data, size);
	err = http_parse_request(&h, s, &len);
	if (!err) {
		look_at(&h, s, len);
		must(http_parse_request(&part, str_sub(s, 0, len - 1), &less) == EAGAIN);
		answer(NULL, &h);
		answer(rules, &h);
	} else if (err != EAGAIN) {
		ws_answer_unreadable(&b, err);
		must(!http_parse_answer(&part, buf_view(&b), &less));
		buf_free(&b);
	}
	must(err != EAGAIN || s.n < HTTP_HEAD_MAX);
	if (!http_parse_answer(&h, s, &len)) {
		look_at(&h, s, len);
		ws_check_answer(&h, "dGhlIHNhbXBsZSBub25jZQ==", &why);
	}
	obj_drop(rules);
	free(copy);
	return 0;
}
