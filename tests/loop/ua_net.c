/* A user agent's network for tests: one transport, and names that the test answers. */
#include "ua_net.h"
#include "service/common/hash_openssl.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int route(void *arg, struct net_path *path, struct str transport, const struct ua_target *to)
{
	const struct ua_net *n = arg;

	if (transport.n && !str_eq(transport, STR("udp")))
		return ENOENT;
	if (to->proto != NET_UDP)
		return ENETUNREACH;
	*path = (struct net_path){ .transport = 1, .proto = to->proto, .local = n->l.a.addr, .peer = to->peer };
	return 0;
}

static int reach(void *arg, struct str transport, struct ua_reach *out)
{
	(void)arg;
	if (transport.n && !str_eq(transport, STR("udp")))
		return ENOENT;
	out->fixed = transport.n != 0;
	out->proto = NET_UDP;
	out->can_v4[NET_UDP] = true;
	return 0;
}

static bool usable(void *arg, const struct net_path *path)
{
	(void)path;
	return !((struct ua_net *)arg)->gone;
}

static int look_up(void *arg, struct str name, enum dns_type t, dns_fn *fn, void *fn_arg, struct dns_query **query)
{
	struct ua_net *n = arg;

	(void)t;
	if (str_eq(name, STR("nobody.knows")))
		return EIO;
	n->lookups++;
	n->resolved = fn;
	n->resolved_arg = fn_arg;
	*query = (struct dns_query *)(void *)n;
	return 0;
}

static void look_up_no_more(void *arg, struct dns_query *query)
{
	struct ua_net *n = arg;

	(void)query;
	n->resolved = NULL;
}

static const struct ua_ways ways = { route, reach, usable };

void ua_net_open(struct ua_net *n)
{
	*n = (struct ua_net){ .password = "wonder", .objects = obj_live() };
	link_init(&n->l, NET_UDP);
	n->lookup = (struct sip_lookup){ .arg = n, .start = look_up, .cancel = look_up_no_more };
	n->digest = GOT(digest_openssl_new(&n->l.clock.c));
	ua_init(&n->ua, n->l.a.sip, n->digest, &ways, n, &n->lookup);
}

int ua_net_close(struct ua_net *n)
{
	assert_true(list_empty(&n->ua.requests));
	link_free(&n->l);
	obj_drop(n->digest);
	return obj_live() != n->objects;
}

bool ua_net_credentials(void *arg, struct str realm, struct ua_credentials *out)
{
	struct ua_net *n = arg;

	if (!n->password || str_eq(realm, STR("elsewhere")))
		return false;
	out->username = STR("alice");
	out->password = str_z(n->password);
	out->supports[DIGEST_MD5] = out->supports[DIGEST_SHA256] = true;
	return true;
}

void ua_net_answer(struct ua_net *n, unsigned status, const char *headers)
{
	assert_non_null(n->l.b.tx);
	sip_server_tx_respond(n->l.b.tx, status, STR_NULL, str_z(headers), STR_NULL, STR_NULL);
	link_run(&n->l, 5);
}

void ua_net_give(struct ua_net *n, const char *const *hosts, size_t count)
{
	struct dns_record v[8];

	assert_non_null(n->resolved);
	for (size_t i = 0; i < count; i++) {
		v[i] = (struct dns_record){ .ttl = 60 };
		sa_parse(&v[i].u.addr, str_z(hosts[i]));
	}
	n->resolved(n->resolved_arg, 0, v, count);
}
