/* tests/loop/svc_wire.h -- a service without sockets: what it sends is kept, what
 * comes is written by the test. Time is the world's. */
#ifndef TESTS_LOOP_SVC_WIRE_H
#define TESTS_LOOP_SVC_WIRE_H

#include "fake_tech.h"
#include "net/statsd.h"
#include "service/service.h"

#define WIRE_KEEP 16
/* The transport of a pjsip.conf here. Nothing is bound: the wire is in its place. */
#define WIRE_UDP "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n"

struct wire {
	struct world w;
	struct service *svc;
	struct sip_msg *sent[WIRE_KEEP];        /* held: since wire_forget() */
	struct net_path path[WIRE_KEEP];
	struct net_bytes *newest;       /* held: the bytes of the newest */
	size_t n;
	bool deaf;                      /* keeps nothing more */
	size_t came_by;                 /* which transport of pjsip.conf messages come by; 0: the first */
	struct statsd *stats;           /* wire_open_stats(); NULL */
};

void wire_open(struct wire *t, const char *extensions, const char *pjsip);
void wire_open_media(struct wire *t, const char *extensions, const char *pjsip);     /* with RTP ports */
/* The same, with less to share out. */
void wire_open_shares(struct wire *t, const char *extensions, const char *pjsip, const struct share_limits *shares);
void wire_close(struct wire *t);
void wire_reload(struct wire *t, const char *pjsip);
/* With contacts on disk: fake_disk.h's disk_open(). */
typedef struct contact_store *wire_disk_fn(struct loop *l);
void wire_open_disk(struct wire *t, const char *extensions, const char *pjsip, wire_disk_fn *disk);
/* And with subscriptions and publications: fake_disk.h's disk_kept(). */
typedef void wire_kept_fn(struct service_prm *prm);
void wire_open_kept(struct wire *t, const char *extensions, const char *pjsip, wire_disk_fn *disk, wire_kept_fn *kept);
/* With a client of StatsD, whose datagrams `fn` gets with `t`; channels and endpoints are told too. */
void wire_open_stats(struct wire *t, const char *extensions, const char *pjsip, statsd_send_fn *fn);
/* The newest; NULL: none. */
struct sip_msg *wire_last(struct wire *t);
void wire_forget(struct wire *t);
/* Answer request number `i` of those kept. `headers`: whole lines. */
void wire_answer(struct wire *t, size_t i, unsigned status, const char *headers);
/* The last one is a request of that method; answer it and forget all before. */
void wire_reply(struct wire *t, enum sip_method m, unsigned status, const char *headers);
/* A message from `peer` ("127.0.0.1:5061"). Lines end in \r\n. */
void wire_come(struct wire *t, const char *peer, const char *text);
/* The same by a connection of that number. */
void wire_come_by(struct wire *t, enum net_proto proto, uint64_t conn, const char *peer, const char *text);
/* Value of a header of a message, "" when it is not there; the next call's buffer. */
const char *wire_header(const struct sip_msg *m, const char *name);

#endif
