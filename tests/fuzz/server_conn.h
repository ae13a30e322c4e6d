/* tests/fuzz/server_conn.h -- connections of phones over real streams: net/ has one end of a pair of
 * sockets, the harness the other, with frames and TLS of its own. */
#ifndef FUZZ_SERVER_CONN_H
#define FUZZ_SERVER_CONN_H

#include "net/net.h"
#include "server_step.h"

void conn_once(void);                   /* the certificate of the server */
void conn_step_open(const struct step *s);
void conn_step_frame(const struct step *s);
/* The connection that the phone has; false: none. */
bool conn_path(struct net_path *p, unsigned phone);
/* A message of the phone by that connection; false: it is none of these. */
bool conn_say(const struct net_path *p, struct str bytes);
/* The server sends; false: it is none of these. */
bool conn_sent(struct net_path *p, struct net_bytes *bytes);
bool conn_turn(void);                   /* phones read; true: something came */
void conn_close_all(void);              /* before the service ends */

#endif
