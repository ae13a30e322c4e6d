/* RTCP and RTP headers by themselves: fast, and what is accepted stays in bounds; feedback that goes on to
 * another leg is RTCP again. */
#include <stdlib.h>
#include "media/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What `rtp set debug` and its like would say of these bytes. */
static void show(const uint8_t *p, size_t n)
{
	struct media_trace t = { .n = (uint16_t)n, .kept = (uint16_t)(n < sizeof(t.p) ? n : sizeof(t.p)), .clock = 8000 };
	struct buf b = BUF_INIT;

	memcpy(t.p, p, t.kept);
	t.event = !rtp_parse(&t.rtp, p, n);
	for (unsigned i = 0; i < 8; i++) {
		t.kind = (uint8_t)(i & 3);
		t.out = i & 4;
		media_trace_write(&b, &t);
	}
	buf_free(&b);
}

static void map_feedback(const uint8_t *p, size_t n)
{
	static const struct rtcp_map map = { .about = 0x01020304, .sender = 1, .media = 2, .numbered = true, .seq_off = 7, .counted = true,
					     .cc_off = 9 };
	uint8_t out[RTP_MAX];
	struct rtcp c;
	size_t made = rtcp_map_feedback(out, sizeof(out), p, n, &map);

	if (made > sizeof(out) || made > n + 16 || (made && rtcp_parse(&c, out, made, 2)))
		abort();
}

/* Found at any number, and written again in the long form, it is found again. */
static void walk_extensions(const uint8_t *p, const struct rtp *r)
{
	for (unsigned id = 0; id < 256; id++) {
		uint8_t again[12 + 4 + 2 + 255 + 3] = { 0x90 };
		struct rtp_element e = { .id = (uint8_t)id };
		struct str found;
		size_t len;

		if (rtp_extension(&e.value, p, r->at, e.id))
			continue;
		if (e.value.p < (const char *)p + 12 || e.value.p + e.value.n > (const char *)p + r->at)
			abort();
		len = rtp_extensions_write(again + 12, sizeof(again) - 12, &e, 1, true);
		if (!len || rtp_extension(&found, again, 12 + len, e.id) || !str_eq(found, e.value))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct rtp_event e;
	struct rtcp c;
	struct rtp r;
	uint32_t peer = 0x05060708;

	if (n)
		memcpy(copy, data, n);
	(void)rtp_kind(copy, n);
	(void)rtcp_parse(&c, copy, n, 0x01020304);
	(void)rtcp_parse_pair(&c, copy, n, 0x01020304, &peer);
	map_feedback(copy, n);
	if (!rtp_parse(&r, copy, n)) {
		if ((size_t)r.at + r.n > n)
			abort();
		walk_extensions(copy, &r);
		(void)rtp_event_parse(&e, copy + r.at, r.n);
	}
	if (n && n <= UINT16_MAX)
		show(copy, n);
	free(copy);
	return 0;
}
