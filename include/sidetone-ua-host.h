/* sidetone-ua-host.h -- the host of the user agent library over real sockets: UDP, TCP, TLS and
 * WebSockets with and without TLS, names by DNS, time, hashes. It comes with its core.
 *
 *	sidetone_loop_new(&loop, NULL, why, sizeof(why));
 *	ua = sidetone_ua_new(sidetone_loop_core(loop), on_event, NULL);
 *	... sidetone_ua_start(ua);
 *	sidetone_loop_run(loop);
 *
 * It has a loop of its own, or lives on the application's: wait until sidetone_loop_fd() is
 * readable, for sidetone_loop_timeout() at most, and call sidetone_loop_process(). Any number of
 * agents share one core, and with it one host.
 *
 * Addresses of servers: "ws://host[:80]/path?query", "wss://host[:443]/path" (a "user@" before
 * the host is passed over), and "udp:host", "tcp:host", "tls:host" with or without "//" and a
 * port; without a port these three are looked up by SRV (RFC 3263). A name may have several
 * addresses; they are tried in order until one connects.
 *
 * Threads: everything on the one that turns the loop, but for sidetone_loop_stop(). */
#ifndef SIDETONE_UA_HOST_H
#define SIDETONE_UA_HOST_H

#include "sidetone-ua.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sidetone_loop;
struct sidetone_timer;          /* of sidetone_loop_after() */

/* NULL, false: the default. Strings are copied. */
struct sidetone_loop_options {
	const char *ca_list_file, *ca_list_path;  /* PEM: whose signature makes a server's certificate good; the system's */
	const char *cert_file, *priv_key_file;       /* PEM: our own certificate, for servers that ask for one */
	bool no_verify;                 /* take any certificate: whoever is in between can read all */
	const char *from;               /* the address to connect from: "192.0.2.7" */
	const char *nameserver;         /* "192.0.2.53" or "192.0.2.53@5353"; those of /etc/resolv.conf */
	/* Lines about sockets, TLS and DNS, for whoever looks for a fault; nothing. level: 0 error .. 3 debug.
	 * It is the process's: the last loop that was made with one has it, until that loop is freed. */
	void (*log)(void *arg, int level, const char *category, const char *text);
	void *log_arg;
};

/* 0: *out, with its core. EINVAL, EACCES, EBADMSG, ENOMEM: `why` (of `why_n` bytes) says what is wrong with what. */
int sidetone_loop_new(struct sidetone_loop **out, const struct sidetone_loop_options *o, char *why, size_t why_n);
/* The core too: every agent was freed before. */
void sidetone_loop_free(struct sidetone_loop *l);
struct sidetone_core *sidetone_loop_core(struct sidetone_loop *l);

void sidetone_loop_run(struct sidetone_loop *l);             /* until sidetone_loop_stop() */
void sidetone_loop_stop(struct sidetone_loop *l);            /* any thread, or a handler of signals */

/* On another loop. */
int sidetone_loop_fd(struct sidetone_loop *l);               /* wait until it is readable ... */
int sidetone_loop_timeout(struct sidetone_loop *l);          /* ... or [ms] have passed; -1: no limit. Ask before each wait */
void sidetone_loop_process(struct sidetone_loop *l);         /* what is due, without waiting */

/* Media lives on this loop (sidetone-ua-media.h), which waits for it and calls sidetone_media_process(). NULL: it has
 * left, which is said before it is freed. ENOMEM. */
struct sidetone_media;
int sidetone_loop_media(struct sidetone_loop *l, struct sidetone_media *m);

/* fn(arg) when addresses or routes of this machine changed. Connections that lead nowhere since then are closed
 * before, so that their agents connect anew by themselves; one that has no connection and waits for better times is
 * told by sidetone_ua_network_changed() that they may have come. Media: sidetone_media_renew(). NULL: nobody. */
void sidetone_loop_on_network(struct sidetone_loop *l, void (*fn)(void *arg), void *arg);

/* fn(arg) once, in `ms`, not before this returns. ENOMEM. */
int sidetone_loop_after(struct sidetone_loop *l, uint64_t ms, void (*fn)(void *arg), void *arg, struct sidetone_timer **out);
void sidetone_timer_cancel(struct sidetone_timer *t);        /* before it has fired; NULL: nothing */

#ifdef __cplusplus
}
#endif
#endif
