/* sip/layout.h -- where the lines of a message are, before anything is
 * understood. Private to sip/. Threads: arguments only. */
#ifndef SIP_LAYOUT_H
#define SIP_LAYOUT_H

#include "sip/message.h"

struct layout {
	struct {
		uint32_t from, to;      /* without the line end; folds inside */
		bool folded;
	} line[SIP_MAX_HEADERS + 1];    /* the start line is the first */
	size_t lines;
	bool too_many;                  /* more than fit; the rest has no line[] */
	size_t head;                    /* [bytes] up to and with the blank line, or the last whole line (EAGAIN) */
};

/* `s` starts with the start line. EAGAIN: no blank line yet. EBADMSG. */
int layout_of(struct layout *l, struct str s);
/* The value of Content-Length, capped at UINT64_MAX. EBADMSG: no number. */
int content_length_of(struct str value, uint64_t *n);

#endif
