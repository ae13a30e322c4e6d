/* Bytes as a datagram and as the front of a stream: parsed, walked, answered.
 * What we answer must itself parse, with the same Call-ID, CSeq and branch. */
#include "base/obj.h"
#include "sip/digest.h"
#include "sip/message.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const struct sip_msg *m, struct str s)
{
	must(!s.n || (s.p >= m->bytes.p && s.p + s.n <= m->bytes.p + m->bytes.n));
}

static void walk(const struct sip_msg *m)
{
	struct arena *a = arena_new(0);
	struct sip_addr addr;
	struct sip_via via;
	struct digest_fields f;
	struct str v, part;
	uint32_t n;

	inside(m, m->body);
	inside(m, m->call_id);
	inside(m, m->from.tag);
	inside(m, m->via.branch);
	for (size_t i = 0; i < m->hdrs; i++) {
		inside(m, m->hdr[i].value);
		must(!memchr(m->hdr[i].value.p, '\n', m->hdr[i].value.n));
		sip_unfold(a, m->hdr[i].value);
	}
	for (unsigned id = 0; id < SIP_H_IDS; id++) {
		sip_hdr_u32(m, id, &n);
		for (struct sip_each e = { 0 }; sip_each(m, id, &e, &v);) {
			inside(m, v);
			must(v.n > 0);
			if (!sip_addr_parse(&addr, v))
				sip_uri_eq(&addr.uri, &m->ruri);
			sip_via_parse(&via, v);
			digest_parse(&f, v);
		}
	}
	if (sip_body(m, STR("application/sdp"), &part) || sip_body(m, STR("text/plain"), &part))
		inside(m, part);
	arena_free(a);
}

static void answer(struct sip_msg *m)
{
	struct buf b = BUF_INIT;
	struct sip_msg *r = NULL;
	size_t len;

	must(!sa_parse(&m->from_path.peer, STR("[2001:db8::7]:5061")));
	sip_write_response(&b, m, m->fault ? m->fault : 200, STR_NULL, STR("ourtag"));
	sip_write_body(&b, STR("text/plain"), STR("body"));
	must(!buf_err(&b));
	if (!m->fault) {
		must(!sip_msg_parse(&r, buf_view(&b), true) && !r->fault);
		must(str_eq(r->call_id, m->call_id) && r->cseq == m->cseq && str_eq(r->via.branch, m->via.branch));
		must(str_eq(r->from.tag, m->from.tag) && r->to.tag.n);
		must(!sip_msg_frame(buf_view(&b), &len) && len == b.n);
	}
	obj_drop(r);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_mk((const char *)data, size);

	for (unsigned datagram = 0; datagram < 2; datagram++) {
		struct sip_msg *m = NULL;
		size_t len = 0;

		if (!sip_msg_frame(bytes, &len))
			must(len > 0 && len <= size);
		if (sip_msg_parse(&m, bytes, datagram))
			continue;
		walk(m);
		if (m->request)
			answer(m);
		obj_drop(m);
	}
	must(obj_live() == 0);
	return 0;
}
