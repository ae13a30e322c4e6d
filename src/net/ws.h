/* net/ws.h -- what a WebSocket transport asks of those who connect (RFC 6455, RFC 7118).
 * Data:    an obj; not changed once it is made. Threads: any. */
#ifndef NET_WS_H
#define NET_WS_H

#include "base/str.h"

struct ws_rules;
/* `path`: what must be asked for; empty: any. `origins`: between commas, the pages
 * ("https://example.com") whose scripts may connect; empty: any. NULL: ENOMEM. */
struct ws_rules *ws_rules_new(struct str path, struct str origins);

#endif
