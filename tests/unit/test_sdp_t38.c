/* The attributes of T.38 in SDP, as gateways write them, and as we do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/obj.h"
#include "sdp/t38.h"

static void read_lines(struct sdp_t38 *t, const char *lines)
{
	struct buf b = BUF_INIT;
	struct sdp *s = NULL;

	buf_printf(&b, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=image 4000 udptl t38\r\n%s", lines);
	assert_int_equal(sdp_parse(&s, buf_view(&b)), 0);
	sdp_t38_read(t, &s->media[0]);
	obj_drop(s);
	buf_free(&b);
}

static void test_read(void **state)
{
	static const struct { const char *lines; struct sdp_t38 want; } tv[] = {
		{ "", { 0 } },
		{ "a=T38FaxVersion:3\r\na=T38MaxBitRate:33600\r\na=T38FaxRateManagement:localTCF\r\n",
		  { .version = 3, .bit_rate = 33600, .management_said = true, .local_tcf = true } },
		{ "a=t38faxversion: 0\r\na=T38FaxMaxRate:9600\r\na=t38faxratemanagement:transferredTCF\r\n",
		  { .bit_rate = 9600, .management_said = true } },
		{ "a=T38FaxMaxDatagram:238\r\na=T38FaxMaxBuffer:1024\r\na=T38VendorInfo:0 0 0\r\n", { .max_datagram = 238 } },
		{ "a=T38MaxDatagram:400x\r\na=T38FaxUdpEC:T38udpREDUNDANCY\r\n",
		  { .max_datagram = 400, .ec = SDP_T38_EC_REDUNDANCY } },
		{ "a=T38FaxMaxDatagram:99999999999\r\na=T38FaxUdpEC:t38UDPFEC\r\n", { .ec = SDP_T38_EC_FEC } },
		{ "a=T38FaxMaxDatagram:-5\r\na=T38FaxUdpEC:t38UDPNoEC\r\n", { .ec = SDP_T38_EC_OTHER } },
		{ "a=T38FaxFillBitRemoval\r\na=T38FaxTranscodingMMR:1\r\na=T38FaxTranscodingJBIG:\r\n",
		  { .fill_bit_removal = true, .transcoding_mmr = true, .transcoding_jbig = true } },
		{ "a=T38FaxFillBitRemoval:0\r\na=T38FaxTranscodingMMR: 0\r\na=T38FaxTranscodingJBIG:0 \r\n", { 0 } },
		{ "a=T38FaxRateManagement:whatever\r\n", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sdp_t38 t;

		read_lines(&t, tv[i].lines);
		assert_int_equal(t.version, tv[i].want.version);
		assert_int_equal(t.bit_rate, tv[i].want.bit_rate);
		assert_int_equal(t.max_datagram, tv[i].want.max_datagram);
		assert_int_equal(t.fill_bit_removal, tv[i].want.fill_bit_removal);
		assert_int_equal(t.transcoding_mmr, tv[i].want.transcoding_mmr);
		assert_int_equal(t.transcoding_jbig, tv[i].want.transcoding_jbig);
		assert_int_equal(t.management_said, tv[i].want.management_said);
		assert_int_equal(t.local_tcf, tv[i].want.local_tcf);
		assert_int_equal(t.ec, tv[i].want.ec);
	}
}

static void test_written(void **state)
{
	struct sdp_t38 t = { .version = 1, .bit_rate = 14400, .max_datagram = 400, .fill_bit_removal = true, .transcoding_mmr = true,
		.transcoding_jbig = true, .local_tcf = true, .ec = SDP_T38_EC_FEC };
	struct buf b = BUF_INIT;
	struct sdp_t38 again;

	(void)state;
	sdp_t38_write(&b, &t);
	assert_string_equal(buf_z(&b), "a=T38FaxVersion:1\r\na=T38MaxBitRate:14400\r\na=T38FaxFillBitRemoval\r\na=T38FaxTranscodingMMR\r\n"
			    "a=T38FaxTranscodingJBIG\r\na=T38FaxRateManagement:localTCF\r\na=T38FaxMaxDatagram:400\r\n"
			    "a=T38FaxUdpEC:t38UDPFEC\r\n");
	read_lines(&again, buf_z(&b));
	assert_int_equal(again.ec, SDP_T38_EC_FEC);
	assert_true(again.fill_bit_removal && again.transcoding_mmr && again.transcoding_jbig && again.local_tcf);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_written) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
