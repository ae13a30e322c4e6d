/* RTCP and RTP headers by themselves: fast, and what is accepted stays in bounds. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct rtp_event e;
	struct rtcp c;
	struct rtp r;
	struct str mid;
	uint32_t peer = 0x05060708;

	if (n)
		memcpy(copy, data, n);
	(void)rtp_kind(copy, n);
	(void)rtcp_parse(&c, copy, n, 0x01020304);
	(void)rtcp_parse_pair(&c, copy, n, 0x01020304, &peer);
	if (!rtp_parse(&r, copy, n)) {
		if ((size_t)r.at + r.n > n)
			abort();
		if (!rtp_extension(&mid, copy, r.at, 1) && mid.p + mid.n > (char *)copy + r.at)
			abort();
		(void)rtp_event_parse(&e, copy + r.at, r.n);
	}
	if (n && n <= UINT16_MAX)
		show(copy, n);
	free(copy);
	return 0;
}
