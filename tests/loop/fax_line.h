/* tests/loop/fax_line.h -- two far ends of a world that are each other's telephone line: what one channel says,
 * the other hears, as packets over 127.0.0.1. */
#ifndef TESTS_LOOP_FAX_LINE_H
#define TESTS_LOOP_FAX_LINE_H

#include "fake_tech.h"
#include "media/media.h"

/* The session of `to` is where `f` sends. */
static inline void fax_line_to(struct fake *f, const struct media_session *to)
{
	struct media_set set = { .dir = SDP_SENDRECV, .codec = { { .id = FORMAT_ULAW, .pt_rx = 0, .pt_tx = 0 } }, .ncodecs = 1 };

	sa_parse_host(&set.remote, STR("127.0.0.1"), sa_port(media_session_local(to)));
	(void)media_session_set(f->session, &set);
}

static inline void fax_line(struct fake *a, struct fake *b)
{
	fax_line_to(a, b->session);
	fax_line_to(b, a->session);
}

#endif
