/* net/http_body.h -- the body of one HTTP request (RFC 9112 6, 7): sized by Content-Length or in chunks.
 * Bounds:  HTTP_BODY_MAX bytes; a chunk's size line and all trailers are bounded too, and thrown away.
 * Threads: touches only its arguments. */
#ifndef NET_HTTP_BODY_H
#define NET_HTTP_BODY_H

#include "base/buf.h"
#include "net/http.h"

#define HTTP_BODY_MAX 40960     /* [bytes] as many as Asterisk takes */

enum http_body_state {
	HTTP_BODY_NONE,
	HTTP_BODY_SIZED,
	HTTP_BODY_CHUNK_SIZE,           /* a line that says how long the chunk is */
	HTTP_BODY_CHUNK,
	HTTP_BODY_CHUNK_END,            /* CRLF behind it */
	HTTP_BODY_TRAILERS,             /* lines up to an empty one */
};

struct http_body {
	enum http_body_state state;
	size_t left;                    /* [bytes] of this body, or of this chunk */
	size_t line, lines;             /* [bytes] of this line of a chunked body; of all its lines that are no data */
	size_t digits;                  /* of a size line, read so far */
	bool extension, cr;             /* of a size line: its digits are over; the last byte of a line was CR */
	struct buf data;
};

/* What follows this head. 0; EBADMSG: it contradicts itself (400); ENOTSUP: in a coding that is not known (501);
 * EMSGSIZE: longer than HTTP_BODY_MAX (413). `b` is zeroed; http_body_free() it. */
int http_body_begin(struct http_body *b, const struct http_head *h);
/* Takes bytes, *used of them. 0: the body is whole; EAGAIN: all are used, more are needed; EBADMSG, EMSGSIZE as
 * above; ENOMEM. */
int http_body_read(struct http_body *b, struct str data, size_t *used);
void http_body_free(struct http_body *b);

#endif
