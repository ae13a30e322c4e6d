/* WebSocket frames: however a stream is cut, the same messages come of it, none is longer than allowed,
 * texts are UTF-8, and what we frame is read again. The first byte: who speaks; the second: how it is cut. */
#include "net/ws_frame.h"
#include <stdlib.h>

#define EVENTS 64
#define LONGEST 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct event {
	enum ws_kind kind;
	unsigned code;
	size_t n;
	uint64_t sum;
};

struct run {
	struct event v[EVENTS];
	size_t n;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t sum_of(struct str s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h;
}

static void note(struct run *run, const struct ws_got *got)
{
	must(got->payload.n <= LONGEST);
	must(got->kind != WS_PINGED || got->payload.n <= WS_CONTROL_MAX);
	must((got->kind == WS_BROKEN) == (got->why != NULL));
	if (run->n < EVENTS)
		run->v[run->n++] = (struct event){ got->kind, got->code, got->payload.n, sum_of(got->payload) };
}

/* Reads the stream, of which `step` bytes more are there each time. */
static void read_all(struct run *run, const uint8_t *data, size_t size, bool masked, size_t step)
{
	struct ws_reader r = { .masked = masked, .max = LONGEST };
	size_t used = 0, there = 0;
	char *copy = malloc(size ? size : 1);
	bool over = !copy;

	if (copy && size)
		memcpy(copy, data, size);
	while (!over && there < size) {
		there = step < size - there ? there + step : size;
		for (;;) {
			struct ws_got got;

			ws_read(&r, copy + used, there - used, &got);
			must(got.used <= there - used);
			if (got.kind == WS_NOTHING)
				break;
			must(got.used || got.kind == WS_BROKEN);
			used += got.used;
			note(run, &got);
			over = got.kind == WS_BROKEN || got.kind == WS_CLOSED;
			if (over)
				break;
		}
	}
	free(copy);
	ws_reader_free(&r);
}

static void round_trip(const uint8_t *data, size_t size, bool masked)
{
	static const uint8_t mask[4] = { 0xde, 0xad, 0, 1 };
	struct ws_reader r = { .masked = masked, .max = LONGEST };
	struct str payload = str_mk((const char *)data, size < LONGEST ? size : LONGEST);
	uint8_t head[WS_HEAD_MAX];
	size_t n = ws_frame_head(head, ws_is_utf8(payload) ? WS_TEXT : WS_BINARY, payload.n, masked ? mask : NULL);
	char frame[WS_HEAD_MAX + LONGEST];
	struct ws_got got;

	memcpy(frame, head, n);
	if (payload.n)
		memcpy(frame + n, payload.p, payload.n);
	if (masked)
		ws_mask(frame + n, payload.n, mask);
	ws_read(&r, frame, n + payload.n, &got);
	must(got.kind == WS_MESSAGE && got.used == n + payload.n && str_eq(got.payload, payload));
	ws_reader_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run whole, cut;
	bool masked;

	if (size < 2)
		return 0;
	masked = data[0] & 1;
	whole.n = cut.n = 0;
	read_all(&whole, data + 2, size - 2, masked, size);
	read_all(&cut, data + 2, size - 2, masked, (size_t)data[1] + 1);
	must(whole.n == cut.n);
	for (size_t i = 0; i < whole.n; i++)
		must(whole.v[i].kind == cut.v[i].kind && whole.v[i].code == cut.v[i].code && whole.v[i].n == cut.v[i].n &&
		     whole.v[i].sum == cut.v[i].sum);
	round_trip(data, size, masked);
	return 0;
}
