/* bench/load.h -- the load generator: one process, one thread, one epoll loop.
 * Each engine (registrations, calls, media) starts work as its rate or
 * concurrency asks for it and reports what came of it. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "meter.h"
#include "wire.h"
#include <stdio.h>

/* What carries messages of registrations. */
enum carrier { CARRIER_UDP, CARRIER_TCP, CARRIER_TLS, CARRIER_WS, CARRIER_WSS };

/* What the command line asks for. Rates are per second, 0: as fast as
 * `concurrency` outstanding units allow. */
struct options {
	struct sockaddr_in server;
	struct in_addr local;
	struct str local_text;          /* the same, as it stands in Via and Contact */
	struct str domain;              /* of From, To and request URIs */
	struct str user_prefix, password_prefix, tag;
	struct str caller, exten;
	uint32_t users, first;          /* users named PREFIX<first> and on */
	double rate, call_rate;
	uint32_t concurrency, calls;
	uint64_t count;                 /* 0: until `seconds` is over */
	double seconds, warmup, drain;
	uint32_t hold_ms, payload;
	uint16_t uac_port, uas_port;
	const char *contacts;           /* file for what was answered 200 */
	enum carrier carrier;
	double arrivals;                /* new connections a second, of users beyond `users` */
	int srtp;                       /* enum srtp_suite */
	bool dtls;
	bool progress;                  /* a line on stderr each 100 ms */
};

#define STATUS_LIMIT 700

/* What became of one kind of work. */
struct tally {
	uint64_t started, done, failed, busy;   /* busy: nothing was free when the rate wanted more */
	uint64_t status[STATUS_LIMIT];          /* final answers that were not wanted */
	struct hist delay;
};

/* Starts units at a rate; both 0 until pace_start(). */
struct pace {
	uint64_t t0;
	uint64_t started;
};

struct registrar_load;
struct call_load;
struct rtp_load;

struct load {
	struct options opt;
	struct meter meter;
	struct timers timers_uac, timers_uas;
	struct sock uac, uas;
	int epoll;
	uint64_t now, start;            /* [ns] */
	uint32_t run_id;
	bool stopping;                  /* no new units, wait for those under way */
};

/* How many more units are due now. `inflight` bounds the closed loop. */
uint64_t pace_due(struct pace *p, const struct load *l, double rate, uint64_t inflight);
void load_watch(struct load *l, int fd, void *data);

/* Engines: NULL when out of memory (a message is printed). */
struct registrar_load *register_new(struct load *l);
void register_tick(struct registrar_load *r);                   /* starts what is due */
/* Over connections: all users open theirs and register once. False: that is not done yet. */
bool register_ready(const struct registrar_load *r);
bool register_owns(const struct registrar_load *r, const void *data);
void register_read(struct registrar_load *r, void *data);
void register_mark(struct registrar_load *r);                   /* delays are counted from now on, and others arrive */
uint64_t register_lost(const struct registrar_load *r);         /* connections */
void register_report(const struct registrar_load *r, FILE *out);
void register_answer(struct registrar_load *r, const struct msg *m);
bool register_timeout(struct registrar_load *r, struct tx *tx); /* false: not one of ours */
uint64_t register_inflight(const struct registrar_load *r);
struct tally *register_tally(struct registrar_load *r);
void register_free(struct registrar_load *r);                   /* writes the contacts file out */

struct call_load *call_new(struct load *l, struct rtp_load *rtp);
void call_tick(struct call_load *c);
void call_answer(struct call_load *c, const struct msg *m);
void call_request(struct call_load *c, const struct sockaddr_in *from, const struct msg *m);
bool call_timeout(struct call_load *c, struct tx *tx);
void call_uas_timeout(struct call_load *c, struct tx *tx);
uint64_t call_inflight(const struct call_load *c);
uint64_t call_legs(const struct call_load *c);                  /* towards the callee, without a BYE yet */
uint64_t call_up(const struct call_load *c);
void call_hang_up_all(struct call_load *c);
struct tally *call_tally(struct call_load *c);
void call_report(const struct call_load *c, FILE *out);
bool call_owns(const struct call_load *c, const void *data);    /* a handshake's socket */
void call_read(struct call_load *c, void *data);
void call_mark(struct call_load *c);                            /* delays are counted from now on */
void call_free(struct call_load *c);

/* Two legs a call: 2i sends as the caller, 2i+1 as the callee. */
struct rtp_load *rtp_new(struct load *l, uint32_t calls);
uint16_t rtp_port(const struct rtp_load *r, uint32_t leg);
void rtp_peer(struct rtp_load *r, uint32_t leg, const struct sockaddr_in *peer);
const uint8_t *rtp_master(const struct rtp_load *r, uint32_t leg);      /* our key of SRTP there */
bool rtp_peer_master(struct rtp_load *r, uint32_t leg, const uint8_t *master);
void rtp_start(struct rtp_load *r);
void rtp_tick(struct rtp_load *r, bool sending);
bool rtp_owns(const struct rtp_load *r, const void *data);
void rtp_read(struct rtp_load *r, void *data);
void rtp_mark(struct rtp_load *r);      /* counts and delays begin here */
void rtp_report(const struct rtp_load *r, FILE *out);
uint64_t rtp_relayed(const struct rtp_load *r);         /* received since the mark */
void rtp_free(struct rtp_load *r);

void tally_status(struct tally *t, int status);
void report_tally(FILE *out, const char *name, const struct tally *t, double seconds);
void report_hist(FILE *out, const char *name, const struct hist *h);

#endif
