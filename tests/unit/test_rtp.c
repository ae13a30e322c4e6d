/* RTP and RTCP: bytes to fields and back, and the counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include "media/rtp.h"

static void test_header(void **state)
{
	uint8_t p[64] = { 0 };
	struct rtp r;

	(void)state;
	rtp_write(p, 101, true, 0xfffe, 0x80000001u, 0xdeadbeef);
	assert_int_equal(rtp_parse(&r, p, 12 + 5), 0);
	assert_int_equal(r.pt, 101);
	assert_true(r.marker);
	assert_int_equal(r.seq, 0xfffe);
	assert_int_equal(r.ts, 0x80000001u);
	assert_int_equal(r.ssrc, 0xdeadbeef);
	assert_int_equal(r.at, 12);
	assert_int_equal(r.n, 5);
	p[0] = 0x82;                    /* two CSRCs */
	assert_int_equal(rtp_parse(&r, p, 25), 0);
	assert_int_equal(r.at, 20);
	assert_int_equal(rtp_parse(&r, p, 19), EBADMSG);
	p[0] = 0x90;                    /* extension of two words */
	p[15] = 2;
	assert_int_equal(rtp_parse(&r, p, 30), 0);
	assert_int_equal(r.at, 24);
	assert_int_equal(rtp_parse(&r, p, 23), EBADMSG);
	assert_int_equal(rtp_parse(&r, p, 15), EBADMSG);
	p[0] = 0xa0;                    /* padding of three */
	p[19] = 3;
	assert_int_equal(rtp_parse(&r, p, 20), 0);
	assert_int_equal(r.n, 5);
	p[19] = 9;
	assert_int_equal(rtp_parse(&r, p, 20), EBADMSG);
	p[19] = 0;
	assert_int_equal(rtp_parse(&r, p, 20), EBADMSG);
	p[0] = 0x40;
	assert_int_equal(rtp_parse(&r, p, 20), EBADMSG);
	assert_int_equal(rtp_parse(&r, p, 11), EBADMSG);
}

static void test_kind(void **state)
{
	static const struct { uint8_t a, b; enum rtp_kind kind; } tv[] = {
		{ 0, 1, RTP_KIND_STUN }, { 3, 0, RTP_KIND_STUN }, { 4, 0, RTP_KIND_JUNK }, { 20, 0, RTP_KIND_DTLS },
		{ 63, 0, RTP_KIND_DTLS }, { 64, 0, RTP_KIND_JUNK }, { 128, 0, RTP_KIND_RTP },
		{ 191, 191, RTP_KIND_RTP }, { 128, 200, RTP_KIND_RTCP }, { 128, 224, RTP_KIND_RTP },
		{ 192, 0, RTP_KIND_JUNK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		uint8_t p[2] = { tv[i].a, tv[i].b };

		assert_int_equal(rtp_kind(p, 2), tv[i].kind);
	}
	assert_int_equal(rtp_kind((const uint8_t *)"\x80", 1), RTP_KIND_JUNK);
}

static void feed(struct rtp_rx *x, uint16_t seq, uint32_t ts, uint64_t now)
{
	struct rtp r = { .seq = seq, .ts = ts, .ssrc = 7 };

	rtp_rx_packet(x, &r, 8000, now);
}

static void test_reception(void **state)
{
	struct rtp_rx x = { 0 };
	uint64_t now = 1000000;

	(void)state;
	/* Over the wrap, one lost, one late, one twice. */
	for (unsigned i = 0; i < 20; i++, now += 20000)
		if (i != 7 && i != 9)
			feed(&x, (uint16_t)(65530 + i), 160 * i, now);
	assert_int_equal(rtp_rx_expected(&x), 20);
	assert_int_equal(rtp_rx_lost(&x), 2);
	assert_int_equal(x.cycles + x.max_seq, 65536 + 13);
	feed(&x, (uint16_t)(65530 + 9), 160 * 9, now);
	assert_int_equal(rtp_rx_lost(&x), 1);
	assert_int_equal(rtp_rx_expected(&x), 20);
	assert_int_equal(rtp_rx_fraction(&x), 256 / 20);
	assert_int_equal(rtp_rx_fraction(&x), 0);
	/* Another SSRC begins anew; so does a jump. */
	feed(&x, 30000, 0, now);
	assert_int_equal(rtp_rx_expected(&x), 1);
	x = (struct rtp_rx){ 0 };
	/* Jitter: packets 20 ms apart that come 10 ms early and late in turn. */
	for (unsigned i = 0; i < 400; i++)
		feed(&x, (uint16_t)i, 160 * i, 1000000 + 20000 * i + (i & 1 ? 10000 : 0));
	assert_in_range(x.jitter16 >> 4, 76, 84);       /* 10 ms at 8000 Hz is 80 */
}

static void test_event(void **state)
{
	struct rtp_event e = { .event = 11, .end = true, .volume = 10, .duration = 1600 }, f;
	uint8_t p[4];

	(void)state;
	rtp_event_write(p, &e);
	assert_memory_equal(p, "\x0b\x8a\x06\x40", 4);
	assert_int_equal(rtp_event_parse(&f, p, 4), 0);
	assert_true(f.event == 11 && f.end && f.volume == 10 && f.duration == 1600);
	assert_int_equal(rtp_event_parse(&f, p, 3), EBADMSG);
	for (const char *d = "0123456789*#ABCD"; *d; d++)
		assert_int_equal(rtp_event_digit((uint8_t)rtp_event_of(*d)), *d);
	assert_int_equal(rtp_event_of('a'), 12);
	assert_int_equal(rtp_event_of('x'), -1);
	assert_int_equal(rtp_event_of(0), -1);
	assert_int_equal(rtp_event_digit(16), 0);
}

static void test_rtcp(void **state)
{
	struct rtcp_out o = { .ssrc = 1, .sender = true, .ntp_sec = 2, .ntp_frac = 3, .ts = 4, .packets = 5, .octets = 6,
		.has_block = true, .block = { .ssrc = 9, .fraction = 10, .lost = -11, .max_seq = 12, .jitter = 13,
					      .lsr = 14, .dlsr = 15 },
		.cname = STR("name@host"), .bye = true };
	uint8_t p[200];
	struct rtcp r;
	size_t n = rtcp_write(p, sizeof(p), &o);

	(void)state;
	assert_int_equal(n, 52 + 20 + 8);
	assert_int_equal(rtcp_parse(&r, p, n, 9), 0);
	assert_true(r.sr && r.bye && !r.rr && r.has_block);
	assert_true(r.ssrc == 1 && r.ntp_sec == 2 && r.ntp_frac == 3 && r.ts == 4 && r.packets == 5 && r.octets == 6);
	assert_true(r.block.fraction == 10 && r.block.lost == -11 && r.block.max_seq == 12 && r.block.jitter == 13 &&
		    r.block.lsr == 14 && r.block.dlsr == 15);
	assert_int_equal(rtcp_parse(&r, p, n, 8), 0);
	assert_false(r.has_block);
	for (size_t i = 0; i < n; i++) {        /* whole packets only, and never past the end */
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, p, i);
		assert_int_equal(rtcp_parse(&r, copy, i, 9), i == 52 || i == 72 ? 0 : EBADMSG);
		free(copy);
	}
	for (size_t max = 0; max < n; max++)
		assert_int_equal(rtcp_write(p, max, &o), 0);
	o.sender = o.has_block = o.bye = false;
	n = rtcp_write(p, sizeof(p), &o);
	assert_int_equal(n, 8 + 20);
	assert_int_equal(rtcp_parse(&r, p, n, 9), 0);
	assert_true(r.rr && !r.sr && !r.bye);
	n = rtcp_write_pli(p, sizeof(p), 1, 2);
	assert_int_equal(rtcp_parse(&r, p, n, 9), 0);
	assert_true(r.pli && !r.fir);
}

/* Of several streams between the same places, each takes what concerns it. */
static void test_rtcp_pair(void **state)
{
	struct rtcp_out o = { .ssrc = 7, .sender = true, .ts = 77, .has_block = true, .cname = STR("x"), .bye = true,
			      .block = { .ssrc = 9, .lost = 3 } };
	static const uint8_t fir[] = { 0x84, 206, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0 };
	const uint32_t seven = 7, eight = 8;
	struct rtcp r;
	uint8_t p[200];
	size_t n = rtcp_write(p, sizeof(p), &o);

	(void)state;
	o.ssrc = 8;
	o.ts = 88;
	o.block.ssrc = 10;
	o.bye = false;
	n += rtcp_write(p + n, sizeof(p) - n, &o);
	assert_int_equal(rtcp_parse_pair(&r, p, n, 9, &seven), 0);
	assert_true(r.sr && r.ssrc == 7 && r.ts == 77 && r.bye && r.has_block && r.block.ssrc == 9);
	assert_int_equal(rtcp_parse_pair(&r, p, n, 9, &eight), 0);
	assert_true(r.sr && r.ssrc == 8 && r.ts == 88 && !r.bye && r.has_block);
	assert_int_equal(rtcp_parse_pair(&r, p, n, 10, NULL), 0);
	assert_true(!r.sr && !r.bye && r.has_block && r.block.ssrc == 10);
	assert_int_equal(rtcp_parse_pair(&r, p, n, 11, &seven), 0);
	assert_true(r.sr && !r.has_block);
	assert_int_equal(rtcp_parse_pair(&r, p, n - 1, 9, &seven), EBADMSG);
	/* Wishes for a picture name whose it is; FIR does so in its entries. */
	n = rtcp_write_pli(p, sizeof(p), 7, 9);
	assert_int_equal(rtcp_parse_pair(&r, p, n, 9, NULL), 0);
	assert_true(r.pli);
	assert_int_equal(rtcp_parse_pair(&r, p, n, 10, NULL), 0);
	assert_false(r.pli);
	assert_int_equal(rtcp_parse_pair(&r, fir, sizeof(fir), 9, NULL), 0);
	assert_true(r.fir);
	assert_int_equal(rtcp_parse_pair(&r, fir, sizeof(fir), 10, NULL), 0);
	assert_false(r.fir);
}

/* Elements of a header extension (RFC 8285 section 4.2); one row a packet. */
static void test_extension(void **state)
{
	static const struct {
		uint8_t b[12];          /* after the twelve bytes of header */
		size_t n;               /* of these */
		uint8_t id;
		const char *want;       /* NULL: it has none */
	} tv[] = {
		{ { 0xbe, 0xde, 0, 1, 0x51, 'a', 'b', 0 }, 8, 5, "ab" },
		{ { 0xbe, 0xde, 0, 1, 0x50, 'a', 0x60, 'b' }, 8, 6, "b" },
		{ { 0xbe, 0xde, 0, 2, 0, 0, 0x50, 'a', 0, 0x60, 'b', 0 }, 12, 6, "b" },         /* padding between */
		{ { 0xbe, 0xde, 0, 1, 0x51, 'a', 'b', 0 }, 8, 6, NULL },
		{ { 0xbe, 0xde, 0, 1, 0x51, 'a', 'b', 0 }, 8, 0, NULL },
		{ { 0xbe, 0xde, 0, 1, 0xf0, 'a', 0x50, 'b' }, 8, 5, NULL },     /* 15 ends the list */
		{ { 0xbe, 0xde, 0, 1, 0x53, 'a', 'b', 'c' }, 8, 5, NULL },      /* longer than there is */
		{ { 0xbe, 0xde, 0, 1, 0, 0, 0, 0x50 }, 8, 5, NULL },
		{ { 0xbe, 0xde, 0, 0 }, 4, 5, NULL },
		/* The two-byte form, with bits of the application's in its mark. */
		{ { 0x10, 0x00, 0, 2, 0, 5, 2, 'a', 'b', 200, 1, 'c' }, 12, 200, "c" },
		{ { 0x10, 0x0f, 0, 2, 0, 5, 2, 'a', 'b', 200, 1, 'c' }, 12, 5, "ab" },
		{ { 0x10, 0x00, 0, 1, 5, 0, 0, 0 }, 8, 5, "" },
		{ { 0x10, 0x00, 0, 1, 5, 3, 'a', 'b' }, 8, 5, NULL },            /* longer than there is */
		{ { 0x10, 0x00, 0, 1, 0, 0, 0, 5 }, 8, 5, NULL },               /* without a length */
		{ { 0x11, 0x00, 0, 1, 5, 1, 'a', 0 }, 8, 5, NULL },             /* neither form */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		uint8_t *p = malloc(12 + tv[i].n);
		struct rtp r;
		struct str s;

		rtp_write(p, 0, false, 1, 1, 1);
		p[0] |= 0x10;
		memcpy(p + 12, tv[i].b, tv[i].n);
		assert_int_equal(rtp_parse(&r, p, 12 + tv[i].n), 0);
		assert_int_equal(rtp_extension(&s, p, r.at, tv[i].id), tv[i].want ? 0 : ENOENT);
		assert_true(!tv[i].want || str_eq(s, str_z(tv[i].want)));
		p[0] &= 0xef;           /* no X bit: it is payload */
		assert_int_equal(rtp_extension(&s, p, 12, tv[i].id), ENOENT);
		free(p);
	}
}

/* What is written is read again; what does not fit its form is refused. */
static void test_extensions_written(void **state)
{
	static const struct rtp_element v[] = { { 3, STR_INIT("ab") }, { 200, STR_INIT("") }, { 7, STR_INIT("0123456789abcdefg") } };
	uint8_t p[12 + 64];
	struct str s;

	(void)state;
	for (int two = 0; two < 2; two++) {
		size_t n = rtp_extensions_write(p + 12, 64, v, two ? 3 : 1, two);

		assert_true(n > 0 && n % 4 == 0);
		p[0] = 0x90;
		for (size_t i = 0; i < (two ? 3u : 1u); i++) {
			assert_int_equal(rtp_extension(&s, p, 12 + n, v[i].id), 0);
			assert_true(str_eq(s, v[i].value));
		}
	}
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(rtp_extensions_write(p, 64, &v[i], 1, false), 0);
	assert_int_equal(rtp_extensions_write(p, 8, v, 1, false), 8);
	assert_int_equal(rtp_extensions_write(p, 7, v, 1, false), 0);
}

static void test_ntp(void **state)
{
	uint32_t sec, frac;

	(void)state;
	ntp_from_us(1500000, &sec, &frac);
	assert_int_equal(sec, 2208988801u);
	assert_int_equal(frac, 0x80000000u);
	assert_int_equal(ntp_middle(0x12345678, 0x9abcdef0), 0x56789abcu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header), cmocka_unit_test(test_kind), cmocka_unit_test(test_reception),
		cmocka_unit_test(test_event), cmocka_unit_test(test_rtcp), cmocka_unit_test(test_ntp),
		cmocka_unit_test(test_rtcp_pair), cmocka_unit_test(test_extension), cmocka_unit_test(test_extensions_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
