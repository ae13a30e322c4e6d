/* net/statsd.h -- numbers told to a StatsD server, one datagram each, sent and forgotten:
 *
 *   [prefix.]name:value|type[|@rate]
 *
 * Nothing blocks: a datagram that the kernel does not take is lost, and what is told while the
 * server's name is being looked up waits, up to 64 KB. Every function but statsd_new() takes
 * NULL: there is nobody to tell. Threads: core. */
#ifndef NET_STATSD_H
#define NET_STATSD_H

#include "net/dns.h"

enum statsd_type { STATSD_COUNTER, STATSD_GAUGE, STATSD_TIMER, STATSD_SET, STATSD_METER };
/* "c", "g", "ms", "s"; a meter, which not every server knows, has no word in a dialplan. EINVAL. */
int statsd_type_of(enum statsd_type *out, struct str word);

struct statsd_prm {
	bool enabled;
	bool add_newline;               /* behind each */
	bool meter_support;             /* false: a meter goes as a counter named NAME_meter */
	struct str server;              /* host[:port], an address or a name; port 8125 */
	struct str prefix;              /* empty: none */
};

/* What `server` says: an address, or a name (*host a view into it, *a unset). EINVAL. */
int statsd_server(struct str server, struct sa *a, struct str *host, uint16_t *port);

struct statsd;
/* In place of the socket, in tests. An errno: it is lost. */
typedef int statsd_send_fn(void *arg, const struct sa *to, struct str bytes);
/* Tells nobody until statsd_configure(). `d` NULL: no names, addresses only. ENOMEM. */
int statsd_new(struct statsd **out, struct loop *l, struct dns *d, statsd_send_fn *send, void *arg);
void statsd_free(struct statsd *s);
/* Copied. EINVAL: `server` is neither an address nor a name, and nobody is told anything; ENOMEM, or
 * errno of the socket: the same. */
int statsd_configure(struct statsd *s, const struct statsd_prm *prm);
bool statsd_enabled(const struct statsd *s);

/* `rate`: from 1 on always, to 0 never, between them so often by chance, which the server is told. */
void statsd_send(struct statsd *s, enum statsd_type t, struct str name, struct str value, double rate);
/* "+1", "-1" of a gauge whose name has two parts. */
void statsd_step(struct statsd *s, const char *group, const char *name, const char *value);
void statsd_number(struct statsd *s, enum statsd_type t, struct str name, int64_t value);

#endif
