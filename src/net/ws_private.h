/* net/ws_private.h -- what the files of WebSocket connections share and nobody else includes.
 *
 *   http.c          the head of a request or an answer
 *   ws_upgrade.c    judges a request, makes and checks answers: no socket
 *   ws_frame.c      frames and messages: no socket
 *   ws.c            the row of conn_ops, over that of TCP or of TLS */
#ifndef NET_WS_PRIVATE_H
#define NET_WS_PRIVATE_H

#include "base/buf.h"
#include "net/http.h"
#include "net/ws.h"

#define WS_KEY 24       /* bytes of Sec-WebSocket-Key */

/* As server. The answer to what could not be parsed; `err` as http_parse_request() gave it. */
void ws_answer_unreadable(struct buf *out, int err);
/* As client. Writes a request for `target` ("/ws?x=y") to `host` ("example.com:8088"), with a key of ours. */
void ws_request(struct buf *out, const char key[WS_KEY + 1], struct str host, struct str target);
int ws_new_key(char key[WS_KEY + 1]);
/* Is this the answer to a request with that key? EPROTO: no, and *why says so. */
int ws_check_answer(const struct http_head *answer, const char key[WS_KEY + 1], const char **why);

#endif
