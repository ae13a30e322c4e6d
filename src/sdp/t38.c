/* sdp/t38.c -- the attributes of T.38 in SDP. */
#include "sdp/t38.h"
#include "base/poison.h"

static unsigned number(struct str v)
{
	size_t n = 0;
	uint32_t u;

	while (n < v.n && v.p[n] >= '0' && v.p[n] <= '9')
		n++;
	return str_u32(str_sub(v, 0, n), &u) ? 0 : u;
}

static enum sdp_t38_ec error_correction(struct str v)
{
	if (str_ieq(v, STR("t38UDPRedundancy")))
		return SDP_T38_EC_REDUNDANCY;
	return str_ieq(v, STR("t38UDPFEC")) ? SDP_T38_EC_FEC : SDP_T38_EC_OTHER;
}

/* Early T.38 had ":0" and ":1" here. */
static bool is_on(struct str v)
{
	return !str_eq(v, STR("0"));
}

static void read_one(struct sdp_t38 *t, struct str name, struct str v)
{
	if (str_ieq(name, STR("T38FaxVersion"))) {
		t->version = number(v);
	} else if (str_ieq(name, STR("T38MaxBitRate")) || str_ieq(name, STR("T38FaxMaxRate"))) {
		t->bit_rate = number(v);
	} else if (str_ieq(name, STR("T38FaxMaxDatagram")) || str_ieq(name, STR("T38MaxDatagram"))) {
		t->max_datagram = number(v);
	} else if (str_ieq(name, STR("T38FaxFillBitRemoval"))) {
		t->fill_bit_removal = is_on(v);
	} else if (str_ieq(name, STR("T38FaxTranscodingMMR"))) {
		t->transcoding_mmr = is_on(v);
	} else if (str_ieq(name, STR("T38FaxTranscodingJBIG"))) {
		t->transcoding_jbig = is_on(v);
	} else if (str_ieq(name, STR("T38FaxRateManagement"))) {
		t->management_said = str_ieq(v, STR("localTCF")) || str_ieq(v, STR("transferredTCF"));
		t->local_tcf = str_ieq(v, STR("localTCF"));
	} else if (str_ieq(name, STR("T38FaxUdpEC"))) {
		t->ec = error_correction(v);
	}
}

void sdp_t38_read(struct sdp_t38 *t, const struct sdp_media *m)
{
	*t = (struct sdp_t38){ 0 };
	for (size_t i = 0; i < m->nattrs; i++)
		read_one(t, str_trim(m->attrs[i].name), str_trim(m->attrs[i].value));
}

void sdp_t38_write(struct buf *b, const struct sdp_t38 *t)
{
	buf_printf(b, "a=T38FaxVersion:%u\r\na=T38MaxBitRate:%u\r\n", t->version, t->bit_rate);
	if (t->fill_bit_removal)
		buf_put(b, STR("a=T38FaxFillBitRemoval\r\n"));
	if (t->transcoding_mmr)
		buf_put(b, STR("a=T38FaxTranscodingMMR\r\n"));
	if (t->transcoding_jbig)
		buf_put(b, STR("a=T38FaxTranscodingJBIG\r\n"));
	buf_printf(b, "a=T38FaxRateManagement:%s\r\na=T38FaxMaxDatagram:%u\r\n", t->local_tcf ? "localTCF" : "transferredTCF",
		   t->max_datagram);
	if (t->ec == SDP_T38_EC_FEC || t->ec == SDP_T38_EC_REDUNDANCY)
		buf_printf(b, "a=T38FaxUdpEC:%s\r\n", t->ec == SDP_T38_EC_FEC ? "t38UDPFEC" : "t38UDPRedundancy");
}
