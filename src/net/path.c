/* The names of the protocols, and bytes to send. */
#include "net/path.h"
#include "base/obj.h"

static const struct {
	const char *upper, *lower;
} names[NET_PROTOS] = {
	[NET_UDP] = { "UDP", "udp" }, [NET_TCP] = { "TCP", "tcp" }, [NET_TLS] = { "TLS", "tls" },
	[NET_WS] = { "WS", "ws" }, [NET_WSS] = { "WSS", "wss" },
};

const char *net_proto_name(enum net_proto p) { return (unsigned)p < NET_PROTOS ? names[p].upper : "?"; }
const char *net_proto_lower(enum net_proto p) { return (unsigned)p < NET_PROTOS ? names[p].lower : "?"; }

struct net_bytes *net_bytes_new(struct str s)
{
	struct net_bytes *b = obj_new(sizeof(*b) + s.n + 1, NULL);

	if (!b)
		return NULL;
	b->n = s.n;
	if (s.n)
		memcpy(b->p, s.p, s.n);
	return b;
}
