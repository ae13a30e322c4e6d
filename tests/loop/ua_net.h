/* tests/loop/ua_net.h -- a user-agent core on one end of a sip_link, with a network of one
 * transport, "udp", on which every address leads to the other end. */
#ifndef TESTS_LOOP_UA_NET_H
#define TESTS_LOOP_UA_NET_H

#include "sip_link.h"
#include "ua/request.h"

struct ua_net {
	struct link l;
	struct digest_ctx *digest;      /* held */
	struct ua ua;                   /* of l.a */
	bool gone;                      /* connections are */
	const char *password;           /* of "alice"; NULL: there is none */
	struct sip_lookup lookup;
	dns_fn *resolved;               /* of a name that is looked up: the test answers; NULL: none is */
	void *resolved_arg;
	unsigned lookups;
	size_t objects;                 /* before */
};

void ua_net_open(struct ua_net *n);
/* 0, or a leak. */
int ua_net_close(struct ua_net *n);
/* A ua_credentials_fn with MD5 and SHA-256; `arg` is the net. None for "elsewhere". */
bool ua_net_credentials(void *arg, struct str realm, struct ua_credentials *out);
/* The other side answers what came last, and 5 ms pass. `headers`: whole lines. */
void ua_net_answer(struct ua_net *n, unsigned status, const char *headers);
/* The name that was asked for has these addresses. */
void ua_net_give(struct ua_net *n, const char *const *hosts, size_t count);

#endif
