/* net/http.h -- the head of one HTTP/1.1 request or answer (RFC 9110, 9112), strict: lines end with CRLF,
 * nothing is folded, no byte stands where the grammar has none. Requests of HTTP/1.0 are read too.
 * Data:    views into the bytes that were parsed; nothing is allocated.
 * Bounds:  HTTP_HEAD_MAX bytes, HTTP_FIELDS_MAX fields.
 * Threads: touches only its arguments. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/str.h"

#define HTTP_HEAD_MAX 8192
#define HTTP_FIELDS_MAX 64

struct http_field {
	struct str name, value;         /* value: trimmed */
};

struct http_head {
	struct str method, path, query; /* of a request: "/ws?a" is path "/ws", query "a" */
	struct str authority;           /* of a request for "http://a:80/ws": "a:80"; else empty */
	unsigned status;                /* of an answer */
	unsigned minor;                 /* HTTP/1.minor */
	struct http_field field[HTTP_FIELDS_MAX];
	size_t fields;
};

/* 0: *len bytes are the head, with the empty line at its end. EAGAIN: more bytes are needed;
 * EBADMSG: no HTTP (400); EMSGSIZE: over a bound (431); ENOTSUP: another version of HTTP (505). An answer of
 * HTTP/1.0 is such a one, a request is none: its `minor` is 0. */
int http_parse_request(struct http_head *h, struct str data, size_t *len);
int http_parse_answer(struct http_head *h, struct str data, size_t *len);
/* How many fields have this name; *value: of the first one. */
size_t http_field(const struct http_head *h, struct str name, struct str *value);
/* Is `token` in the lists of all fields of that name, without regard to case? */
bool http_has_token(const struct http_head *h, struct str name, struct str token);

#endif
