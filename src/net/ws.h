/* net/ws.h -- what a WebSocket transport asks of those who connect (RFC 6455, RFC 7118).
 * Data:    an obj; not changed once it is made. Threads: any. */
#ifndef NET_WS_H
#define NET_WS_H

#include "base/buf.h"
#include "net/http.h"

struct ws_rules;
/* `path`: what must be asked for; empty: any. `origins`: between commas, the pages
 * ("https://example.com") whose scripts may connect; empty: any. NULL: ENOMEM. */
struct ws_rules *ws_rules_new(struct str path, struct str origins);
/* Writes the answer to a request: 101 and 0 when the connection is a WebSocket from then on; else
 * a refusal, which closes it, and EACCES. `rules` NULL: none. */
int ws_answer(struct buf *out, const struct ws_rules *rules, const struct http_head *request);

#endif
