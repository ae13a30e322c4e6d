/* Session descriptions: parsed, written, parsed again, answered, taken as answer. */
#include <stdlib.h>
#include "base/obj.h"
#include "sdp/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct neg *side(bool offer)
{
	struct neg_prm prm = { .session = STR("fuzz"), .id = 1, .max_audio = 3, .max_video = 3, .telephone_event = true,
			       .use_received_transport = true, .bundle = true, .rtcp_mux = true, .use_ptime = true, .use_avpf = true,
			       .t38 = true };
	struct buf b = BUF_INIT;
	struct neg *g = NULL;
	size_t i;

	formats_edit(&prm.formats, STR("all"), true, NULL);
	if (neg_new(&g, &prm))
		abort();
	if (!offer)
		return g;
	neg_stream_add(g, MEDIA_AUDIO, &prm.formats, &i);
	sa_parse(&neg_stream(g, i)->local, STR("192.0.2.1:4000"));
	neg_stream_add(g, MEDIA_VIDEO, &prm.formats, &i);
	sa_parse(&neg_stream(g, i)->local, STR("192.0.2.1:4002"));
	if (neg_offer_out(g, &b))
		abort();
	buf_free(&b);
	return g;
}

static void reparse(const struct buf *b)
{
	struct sdp *s = NULL;

	/* What we write, we can read. */
	if (!buf_err(b) && sdp_parse(&s, buf_view(b)))
		abort();
	obj_drop(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct sdp *s = NULL;
	struct buf b = BUF_INIT;
	enum neg_verdict why;
	struct neg *g;

	if (n)
		memcpy(copy, data, n);
	if (sdp_parse(&s, str_mk(copy, n)))
		goto out;
	for (size_t i = 0; i < s->nmedia; i++)
		sdp_t38_read(&(struct sdp_t38){ 0 }, &s->media[i]);
	sdp_write(&b, s);
	if (b.n <= SDP_MAX_TEXT)
		reparse(&b);
	g = side(false);
	if (!neg_offer_in(g, s, NULL, &why)) {
		for (size_t i = 0; i < neg_count(g); i++)
			sa_parse(&neg_stream(g, i)->local, STR("[2001:db8::1]:4000"));
		buf_reset(&b);
		if (!neg_answer_out(g, &b))
			reparse(&b);
		buf_reset(&b);
		if (!neg_offer_out(g, &b))
			neg_rollback(g);
	}
	obj_drop(g);
	g = side(true);
	neg_answer_in(g, s, &why);
	neg_answer_in(g, s, &why);
	obj_drop(g);
 out:
	buf_free(&b);
	obj_drop(s);
	free(copy);
	return 0;
}
