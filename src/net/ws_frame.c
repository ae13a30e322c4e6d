/* WebSocket frames: bytes into messages and back. Who sends and receives them is in ws.c. */
#include "net/ws_frame.h"
#include <errno.h>

static bool is_known(unsigned op)
{
	return op <= WS_BINARY || (op >= WS_CLOSE && op <= WS_PONG);
}

static bool is_control(enum ws_op op)
{
	return op >= WS_CLOSE;
}

/* 5.2: the shortest form, and never more than 63 bits. */
static int parse_length(struct str data, size_t *head, uint64_t *len)
{
	unsigned short_len = (unsigned char)data.p[1] & 127, more = short_len == 126 ? 2 : short_len == 127 ? 8 : 0;
	uint64_t n = 0;

	if (data.n < 2 + more)
		return EAGAIN;
	for (unsigned i = 0; i < more; i++)
		n = n << 8 | (unsigned char)data.p[2 + i];
	if ((more == 2 && n < 126) || (more == 8 && (n < 65536 || n >> 63)))
		return EPROTO;
	*len = more ? n : short_len;
	*head = 2 + more;
	return 0;
}

int ws_frame_parse(struct ws_frame *f, struct str data, bool masked, size_t max)
{
	unsigned char first;
	uint64_t len;
	int err;

	*f = (struct ws_frame){ 0 };
	if (data.n < 2)
		return EAGAIN;
	first = (unsigned char)data.p[0];
	f->fin = first & 0x80;
	f->op = first & 15;
	f->masked = (unsigned char)data.p[1] & 0x80;
	if (first & 0x70 || !is_known(first & 15) || f->masked != masked)
		return EPROTO;
	if (is_control(f->op) && (!f->fin || ((unsigned char)data.p[1] & 127) > WS_CONTROL_MAX))
		return EPROTO;
	err = parse_length(data, &f->head, &len);
	if (err)
		return err;
	if (len > max)
		return EMSGSIZE;
	f->len = (size_t)len;
	if (!masked)
		return 0;
	if (data.n < f->head + 4)
		return EAGAIN;
	memcpy(f->mask, data.p + f->head, 4);
	f->head += 4;
	return 0;
}

size_t ws_frame_head(uint8_t out[WS_HEAD_MAX], enum ws_op op, size_t len, const uint8_t *mask)
{
	unsigned more = len < 126 ? 0 : len < 65536 ? 2 : 8;
	size_t n = 2;

	out[0] = (uint8_t)(0x80 | op);
	out[1] = (uint8_t)((mask ? 0x80 : 0) | (more == 8 ? 127 : more == 2 ? 126 : (unsigned)len));
	for (unsigned i = 0; i < more; i++)
		out[n++] = (uint8_t)((uint64_t)len >> 8 * (more - 1 - i));
	if (!mask)
		return n;
	memcpy(out + n, mask, 4);
	return n + 4;
}

void ws_mask(char *p, size_t n, const uint8_t mask[4])
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(p[i] ^ mask[i & 3]);
}

/* How many bytes follow this first one, and the least code point in so many; 4: it is none. */
static unsigned utf8_more(unsigned char c, uint32_t *bits, uint32_t *least)
{
	static const uint32_t leasts[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned more = c < 0x80 ? 0 : c >> 5 == 6 ? 1 : c >> 4 == 14 ? 2 : c >> 3 == 30 ? 3 : 4;

	if (more == 4)
		return 4;
	*bits = more ? c & (0x3fu >> more) : c;
	*least = leasts[more];
	return more;
}

/* RFC 3629: no longer form than needed, no halves of UTF-16, nothing over 10FFFF. */
bool ws_is_utf8(struct str s)
{
	for (size_t i = 0; i < s.n; ) {
		uint32_t bits = 0, least = 0;
		unsigned more = utf8_more((unsigned char)s.p[i++], &bits, &least);

		if (more == 4 || more > s.n - i)
			return false;
		for (; more; more--, i++) {
			if (((unsigned char)s.p[i] & 0xc0) != 0x80)
				return false;
			bits = bits << 6 | ((unsigned char)s.p[i] & 0x3f);
		}
		if (bits < least || bits > 0x10ffff || (bits >= 0xd800 && bits <= 0xdfff))
			return false;
	}
	return true;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void broken(struct ws_got *got, unsigned code, const char *why)
{
	*got = (struct ws_got){ .kind = WS_BROKEN, .used = got->used, .code = code, .why = why };
}

/* 7.4: those that may stand in a frame. */
static bool is_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static void take_close(struct ws_got *got, struct str payload)
{
	unsigned code = WS_CODE_NO_STATUS;

	if (payload.n >= 2)
		code = (unsigned)(unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
	if (payload.n == 1 || (payload.n && !is_close_code(code))) {
		broken(got, WS_CODE_PROTOCOL, "a close frame without a valid code");
		return;
	}
	if (!ws_is_utf8(str_skip(payload, 2))) {
		broken(got, WS_CODE_NOT_UTF8, "the reason of a close frame is not UTF-8");
		return;
	}
	got->kind = WS_CLOSED;
	got->code = code;
	got->payload = str_skip(payload, 2);
}

static void finish_message(struct ws_got *got, bool text, struct str whole)
{
	if (text && !ws_is_utf8(whole)) {
		broken(got, WS_CODE_NOT_UTF8, "a text that is not UTF-8");
		return;
	}
	got->kind = WS_MESSAGE;
	got->payload = whole;
}

static void take_fragment(struct ws_reader *r, struct ws_got *got, const struct ws_frame *f, struct str payload)
{
	if (!r->inside) {
		r->inside = true;
		r->text = f->op == WS_TEXT;
		buf_reset(&r->message);
	}
	if (payload.n > r->max - r->message.n) {
		broken(got, WS_CODE_TOO_BIG, "a message that is too long");
		return;
	}
	buf_put(&r->message, payload);
	if (buf_err(&r->message)) {
		broken(got, WS_CODE_TOO_BIG, "no memory for a message");
		return;
	}
	got->kind = WS_PART;
	if (!f->fin)
		return;
	r->inside = false;
	finish_message(got, r->text, buf_view(&r->message));
}

static void take_data(struct ws_reader *r, struct ws_got *got, const struct ws_frame *f, struct str payload)
{
	if ((f->op == WS_CONTINUATION) != r->inside)
		broken(got, WS_CODE_PROTOCOL, r->inside ? "a new message inside of a fragmented one" :
		       "a continuation of no message");
	else if (f->fin && !r->inside)
		finish_message(got, f->op == WS_TEXT, payload);
	else
		take_fragment(r, got, f, payload);
}

void ws_read(struct ws_reader *r, char *data, size_t n, struct ws_got *got)
{
	struct ws_frame f;
	struct str payload;
	int err = ws_frame_parse(&f, str_mk(data, n), r->masked, r->max);

	*got = (struct ws_got){ .kind = WS_NOTHING };
	if (!r->inside && r->message.cap)
		buf_free(&r->message);
	if (err == EPROTO)
		broken(got, WS_CODE_PROTOCOL, "a frame that breaks the protocol");
	else if (err == EMSGSIZE)
		broken(got, WS_CODE_TOO_BIG, "a frame that is too long");
	if (err || n - f.head < f.len)
		return;
	payload = str_mk(data + f.head, f.len);
	if (f.masked)
		ws_mask(data + f.head, f.len, f.mask);
	got->used = f.head + f.len;
	if (f.op == WS_CLOSE) {
		take_close(got, payload);
	} else if (f.op == WS_PING) {
		got->kind = WS_PINGED;
		got->payload = payload;
	} else if (f.op == WS_PONG) {
		got->kind = WS_PONGED;
	} else {
		take_data(r, got, &f, payload);
	}
}

void ws_reader_free(struct ws_reader *r)
{
	buf_free(&r->message);
}
