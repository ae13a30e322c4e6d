/* The library as a page uses it: the host is JavaScript (web/src/core.js), which calls the functions
 * of sidetone-ua.h by their names and reads and writes their structures where they lie. What that
 * code counts on, sizes and places, is asserted here. */
#include "sidetone-ua.h"
#include "agent/config.h"
#include "sip/resolve.h"
#include <errno.h>
#include <stdlib.h>

#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name), used))

/* Numbers cross as doubles: a page's 64-bit integers are objects of their own, and slow. */
IMPORT("now") double host_now(void);                     /* [us] */
IMPORT("wall") double host_wall(void);                   /* [us] */
IMPORT("wake") void host_wake(double ms);                /* infinite: not at all */
IMPORT("open") int host_open(const char *uri, uint32_t *conn);
IMPORT("send") int host_send(uint32_t conn, const char *bytes, size_t n);
IMPORT("close") void host_close(uint32_t conn);
IMPORT("hash") int host_hash(int h, const void *bytes, size_t n, uint8_t *out);
IMPORT("event") void host_event(uint32_t agent, const struct sidetone_event *e);

struct sidetone_core *bridge_core_new(void);
struct sidetone_ua *bridge_ua_new(struct sidetone_core *c, uint32_t agent);
const char *bridge_param(uint32_t i);

static uint64_t now(void *arg)
{
	(void)arg;
	return (uint64_t)host_now();
}

static int64_t wall(void *arg)
{
	(void)arg;
	return (int64_t)host_wall();
}

static void wake(void *arg, uint64_t ms)
{
	(void)arg;
	host_wake(ms == UINT64_MAX ? __builtin_inf() : (double)ms);
}

static int open_conn(void *arg, const char *uri, uint32_t *conn)
{
	(void)arg;
	return host_open(uri, conn);
}

static int send_bytes(void *arg, uint32_t conn, const char *bytes, size_t n)
{
	(void)arg;
	return host_send(conn, bytes, n);
}

static void close_conn(void *arg, uint32_t conn)
{
	(void)arg;
	host_close(conn);
}

static int hash(void *arg, enum sidetone_hash h, const void *bytes, size_t n, uint8_t out[32])
{
	(void)arg;
	return host_hash((int)h, bytes, n, out);
}

EXPORT("bridge_core_new") struct sidetone_core *bridge_core_new(void)
{
	static const struct sidetone_host host = { NULL, now, wall, wake, open_conn, send_bytes, close_conn, hash };

	return sidetone_core_new(&host);
}

/* NULL: no more. */
EXPORT("bridge_param") const char *bridge_param(uint32_t i)
{
	const struct agent_param *p = agent_param(i);

	return p ? p->name : NULL;
}

static void on_event(void *arg, const struct sidetone_event *e)
{
	host_event((uint32_t)(uintptr_t)arg, e);
}

/* `agent`: JavaScript's number for it, given back with each event. */
EXPORT("bridge_ua_new") struct sidetone_ua *bridge_ua_new(struct sidetone_core *c, uint32_t agent)
{
	return sidetone_ua_new(c, on_event, (void *)(uintptr_t)agent);
}

/* Every request goes to the one connection: no name is looked up (sip/resolve.c is not here). */
int sip_resolve_start(const struct sip_resolve_prm *prm, struct sip_resolve **out)
{
	(void)prm;
	(void)out;
	return ENOTSUP;
}

void sip_resolve_cancel(struct sip_resolve *r)
{
	(void)r;
}

/* web/src/core.js reads and writes these as words. */
#define WORD(type, field, n) _Static_assert(offsetof(struct type, field) == 4 * (n), #field)
WORD(sidetone_event, type, 0);
WORD(sidetone_event, request, 2);
WORD(sidetone_event, incoming, 3);
WORD(sidetone_event, session, 4);
WORD(sidetone_event, other, 5);
WORD(sidetone_event, subscription, 6);
WORD(sidetone_event, publication, 7);
WORD(sidetone_event, message, 8);
WORD(sidetone_event, status, 9);
WORD(sidetone_event, cause, 10);
WORD(sidetone_event, text, 11);
WORD(sidetone_event, text_n, 12);
WORD(sidetone_request_options, method, 0);
WORD(sidetone_request_options, target, 1);
WORD(sidetone_request_options, headers, 2);
WORD(sidetone_request_options, content_type, 3);
WORD(sidetone_request_options, body, 4);
WORD(sidetone_request_options, body_n, 5);
WORD(sidetone_request_options, from_uri, 6);
WORD(sidetone_request_options, from_display_name, 7);
WORD(sidetone_request_options, from_tag, 8);
WORD(sidetone_request_options, to_uri, 9);
WORD(sidetone_request_options, to_display_name, 10);
WORD(sidetone_request_options, to_tag, 11);
WORD(sidetone_request_options, call_id, 12);
WORD(sidetone_request_options, route_set, 13);
WORD(sidetone_request_options, cseq, 14);
WORD(sidetone_invite_options, request, 0);
_Static_assert(offsetof(struct sidetone_invite_options, anonymous) == 60, "anonymous");
_Static_assert(offsetof(struct sidetone_invite_options, without_sdp) == 61, "without_sdp");
_Static_assert(sizeof(struct sidetone_invite_options) == 64, "sidetone_invite_options");
