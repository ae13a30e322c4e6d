/* The body of an HTTP request, read as it comes: Content-Length and chunks. */
#include "net/http_body.h"
#include <errno.h>

#define SIZE_DIGITS 8           /* of a chunk */
#define LINES_MAX 8192          /* [bytes] of size lines, their extensions and trailers, in one body */

static int begin_sized(struct http_body *b, struct str value)
{
	uint64_t n;

	if (str_u64(value, &n))
		return EBADMSG;
	if (n > HTTP_BODY_MAX)
		return EMSGSIZE;
	b->left = (size_t)n;
	b->state = n ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
	return 0;
}

int http_body_begin(struct http_body *b, const struct http_head *h)
{
	struct str coding, length;
	size_t codings = http_field(h, STR("Transfer-Encoding"), &coding);
	size_t lengths = http_field(h, STR("Content-Length"), &length);

	*b = (struct http_body){ .data = { .max = HTTP_BODY_MAX + 1 } };
	/* Two views of where a request ends are how one is hidden in another (RFC 9112 6.3). */
	if (lengths > 1 || (lengths && codings) || codings > 1)
		return EBADMSG;
	if (lengths)
		return begin_sized(b, length);
	if (!codings || str_ieq(coding, STR("identity")))
		return 0;
	if (!str_ieq(coding, STR("chunked")))
		return ENOTSUP;
	if (!h->minor)
		return EBADMSG;
	b->state = HTTP_BODY_CHUNK_SIZE;
	return 0;
}

void http_body_free(struct http_body *b)
{
	buf_free(&b->data);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bytes of a line that is no data. 0: it is over, with CRLF; EAGAIN: it goes on. */
static int take_line_byte(struct http_body *b, char c)
{
	bool after_cr = b->cr;

	if (++b->lines > LINES_MAX)
		return EMSGSIZE;
	b->cr = c == '\r';
	if (after_cr)
		return c == '\n' ? 0 : EBADMSG;
	if (b->cr)
		return EAGAIN;
	if (c == '\n' || !c)
		return EBADMSG;
	b->line++;
	return EAGAIN;
}

static void begin_line(struct http_body *b, enum http_body_state state)
{
	b->state = state;
	b->line = b->digits = b->left = 0;
	b->extension = b->cr = false;
}

static int take_size_byte(struct http_body *b, char c)
{
	int digit = hex_digit(c);
	int err = take_line_byte(b, c);

	if (!err) {
		size_t n = b->left;

		if (!b->digits)
			return EBADMSG;
		begin_line(b, n ? HTTP_BODY_CHUNK : HTTP_BODY_TRAILERS);
		b->left = n;
		return n > HTTP_BODY_MAX - b->data.n ? EMSGSIZE : EAGAIN;
	}
	if (err != EAGAIN || b->cr || b->extension)
		return err;
	if (digit < 0) {
		b->extension = c == ';' || c == ' ' || c == '\t';
		return b->extension && b->digits ? EAGAIN : EBADMSG;
	}
	if (++b->digits > SIZE_DIGITS)
		return EMSGSIZE;
	b->left = b->left * 16 + (size_t)digit;
	return EAGAIN;
}

static int take_end_byte(struct http_body *b, char c)
{
	int err = take_line_byte(b, c);

	if (!err)
		begin_line(b, HTTP_BODY_CHUNK_SIZE);
	return err && (err != EAGAIN || b->line) ? EBADMSG : EAGAIN;
}

static int take_trailer_byte(struct http_body *b, char c)
{
	int err = take_line_byte(b, c);

	if (err)
		return err;
	if (!b->line) {
		b->state = HTTP_BODY_NONE;
		return 0;
	}
	begin_line(b, HTTP_BODY_TRAILERS);
	return EAGAIN;
}

/* Data, as much of it as there is. */
static int take_data(struct http_body *b, struct str data, size_t *used)
{
	struct str part = str_sub(data, 0, b->left);

	buf_put(&b->data, part);
	if (buf_err(&b->data))
		return ENOMEM;
	b->left -= part.n;
	*used += part.n;
	if (b->left)
		return EAGAIN;
	if (b->state == HTTP_BODY_CHUNK) {
		begin_line(b, HTTP_BODY_CHUNK_END);
		return EAGAIN;
	}
	b->state = HTTP_BODY_NONE;
	return 0;
}

int http_body_read(struct http_body *b, struct str data, size_t *used)
{
	int err = b->state == HTTP_BODY_NONE ? 0 : EAGAIN;

	*used = 0;
	while (err == EAGAIN && *used < data.n) {
		if (b->state == HTTP_BODY_SIZED || b->state == HTTP_BODY_CHUNK) {
			err = take_data(b, str_skip(data, *used), used);
			continue;
		}
		if (b->state == HTTP_BODY_CHUNK_SIZE)
			err = take_size_byte(b, data.p[*used]);
		else if (b->state == HTTP_BODY_CHUNK_END)
			err = take_end_byte(b, data.p[*used]);
		else
			err = take_trailer_byte(b, data.p[*used]);
		++*used;
	}
	return err;
}
