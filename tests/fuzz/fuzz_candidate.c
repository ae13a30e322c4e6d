/* Candidates and fragments of trickle ICE: what is read is written, and read again the same. */
#include <stdlib.h>
#include "sdp/candidate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void again(const struct candidate *c)
{
	struct buf b = BUF_INIT, b2 = BUF_INIT;
	struct candidate d;

	candidate_write(&b, c);
	if (candidate_parse(&d, buf_view(&b)))
		abort();
	if (d.component != c->component || d.priority != c->priority || d.type != c->type || d.transport != c->transport ||
	    candidate_usable(&d) != candidate_usable(c))
		abort();
	if (sa_is_set(&c->addr) && !sa_eq(&c->addr, &d.addr))
		abort();
	candidate_write(&b2, &d);
	if (!str_eq(buf_view(&b), buf_view(&b2)))
		abort();
	(void)candidate_ext(c, STR("tcptype"));
	(void)candidate_is_mdns(c);
	buf_free(&b);
	buf_free(&b2);
}

static void fragment(struct str body)
{
	struct sdpfrag f, g;
	struct candidate c;
	struct buf b = BUF_INIT;

	if (sdpfrag_parse(&f, body))
		return;
	sdpfrag_write_head(&b, f.ufrag, f.pwd);
	for (size_t i = 0; i < f.nmedia; i++) {
		struct str rest = f.media[i].lines;

		while (sdpfrag_candidate(&rest, &c))
			again(&c);
		if (!f.ufrag.n)         /* each part has its own: written with these */
			sdpfrag_write_head(&b, f.media[i].ufrag, f.media[i].pwd);
		sdpfrag_write_media(&b, f.media[i].m, f.media[i].mid, NULL, 0, f.media[i].end_of_candidates);
	}
	if (f.ufrag.n && !ice_ufrag_check(f.ufrag) && !ice_pwd_check(f.pwd) && b.n <= SDPFRAG_MAX_TEXT) {
		if (sdpfrag_parse(&g, buf_view(&b)) || g.nmedia != f.nmedia)
			abort();
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct str s = str_mk(copy, n), rest = s;
	struct candidate c;
	uint16_t number;
	struct sa a;

	if (n)
		memcpy(copy, data, n);
	if (!candidate_parse(&c, s))
		again(&c);
	while (!ice_remote_candidate(&rest, &number, &a))
		;
	fragment(s);
	free(copy);
	return 0;
}
