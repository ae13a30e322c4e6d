/* The head of an HTTP request, and the answer to it as to a WebSocket's; its body, parameters and cookies, however
 * the bytes are cut; the same bytes as an answer, and as what the manager says. */
#include "base/obj.h"
#include "manage/manager_page.h"
#include "net/http_body.h"
#include "net/ws_private.h"
#include "service/web/web.h"
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
	must(h->fields <= HTTP_FIELDS_MAX && (h->minor >= 1 || h->method.n));
	must(lies_in(h->method, s) && (str_eq(h->path, STR("/")) || lies_in(h->path, s)) && lies_in(h->query, s) && lies_in(h->authority, s));
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

/* The bytes behind a head, so many at a time. *used: of `data`. */
static int read_body(struct http_body *b, const struct http_head *h, struct str data, size_t step, size_t *used)
{
	int err = http_body_begin(b, h);

	*used = 0;
	if (err || b->state == HTTP_BODY_NONE)
		return err;
	err = EAGAIN;
	while (err == EAGAIN && *used < data.n) {
		size_t n = 0;

		err = http_body_read(b, str_sub(data, *used, step), &n);
		must(n <= step && (n == str_sub(data, *used, step).n || err != EAGAIN));
		*used += n;
		must(b->data.n <= HTTP_BODY_MAX);
	}
	must(err || b->state == HTTP_BODY_NONE);
	return err;
}

static void body(const struct http_head *h, struct str rest)
{
	struct http_body whole, bits;
	size_t used, again;
	int err = read_body(&whole, h, rest, rest.n + 1, &used);

	for (size_t step = 1; step < 8; step += 3) {
		must(read_body(&bits, h, rest, step, &again) == err);
		must(again == used && str_eq(buf_view(&bits.data), buf_view(&whole.data)));
		http_body_free(&bits);
	}
	http_body_free(&whole);
}

static void params(const struct http_head *h, struct str encoded)
{
	static const char *const names[] = { "a", "mansession_id" };
	struct web_params p = { .n = 0 };
	int err = web_params_parse(&p, encoded);

	must(!err || err == E2BIG);
	must(p.n <= WEB_PARAMS);
	for (size_t i = 0; i < p.n; i++)
		must(lies_in(p.v[i].name, buf_view(&p.text)) && lies_in(p.v[i].value, buf_view(&p.text)));
	web_params_free(&p);
	for (size_t i = 0; h && i < ARRAY_LEN(names); i++)
		must(web_cookie(h, str_z(names[i])).n < HTTP_HEAD_MAX);
}

static void page(enum ami_format f, struct str text, size_t step, struct buf *out)
{
	struct ami_page p;

	ami_page_init(&p, f, str_sub(text, 0, 9), str_sub(text, 3, 7));
	ami_page_begin(&p, out);
	for (size_t i = 0; i < text.n; i += step)
		ami_page_put(&p, str_sub(text, i, step), out);
	ami_page_end(&p, out);
	must(!p.err && !p.in_message && !p.in_data);
	ami_page_free(&p);
}

/* However it is cut, it is the same page, in which nothing of ours is a tag of theirs. */
static void pages(struct str text)
{
	for (enum ami_format f = AMI_RAW; f <= AMI_XML; f++) {
		struct buf whole = BUF_INIT, bits = BUF_INIT;
		size_t tags = 0, responses = 0;

		page(f, text, text.n + 1, &whole);
		page(f, text, 3, &bits);
		must(str_eq(buf_view(&whole), buf_view(&bits)));
		for (size_t i = 0; f == AMI_XML && i < whole.n; i++) {
			tags += whole.p[i] == '<';
			responses += str_starts(str_skip(buf_view(&whole), i), STR("<response "));
		}
		must(f != AMI_XML || tags == 2 + 3 * responses);
		buf_free(&whole);
		buf_free(&bits);
	}
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
		body(&h, str_skip(s, len));
		params(&h, h.query);
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
	params(NULL, s);
	pages(s);
	obj_drop(rules);
	free(copy);
	return 0;
}
