/* When the network changes (another interface, another address, a route that came or went): connections whose
 * address is no longer the one that leads to their peer are closed, for what is sent by them goes nowhere and comes
 * back never; then who wants to know is told. */
#include "phone/host_private.h"
#include "net/route.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTLE_MS 200   /* an address that changes goes before the other comes */

struct host_network {
	struct sidetone_loop *host;
	uv_poll_t poll;
	int fd;
	struct timer settle;
	void (*fn)(void *arg);
	void *arg;
};

static void on_settled(void *arg)
{
	struct host_network *n = arg;

	host_close_stale(n->host);
	if (n->fn)
		n->fn(n->arg);
}

/* What exactly changed is asked of the kernel later; that something did is enough. */
static bool is_change(const char *p, size_t size)
{
	struct nlmsghdr m;

	for (; size >= sizeof(m); p += NLMSG_ALIGN(m.nlmsg_len), size -= NLMSG_ALIGN(m.nlmsg_len)) {
		memcpy(&m, p, sizeof(m));
		if (m.nlmsg_type == RTM_NEWADDR || m.nlmsg_type == RTM_DELADDR || m.nlmsg_type == RTM_NEWROUTE ||
		    m.nlmsg_type == RTM_DELROUTE || m.nlmsg_type == NLMSG_OVERRUN)
			return true;
		if (m.nlmsg_len < sizeof(m) || NLMSG_ALIGN(m.nlmsg_len) > size)
			break;
	}
	return false;
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct host_network *n = h->data;
	char room[8192];
	bool changed = false;
	ssize_t size;

	(void)status;
	(void)events;
	while ((size = recv(n->fd, room, sizeof(room), 0)) > 0)
		changed |= is_change(room, (size_t)size);
	/* The kernel had no room for all it had to say. */
	changed |= size < 0 && errno == ENOBUFS;
	if (changed)
		timer_start(loop_wheel(n->host->loop), &n->settle, SETTLE_MS, on_settled, n);
}

int host_watch_network(struct sidetone_loop *h)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };
	struct host_network *n = calloc(1, sizeof(*n));

	if (!n)
		return ENOMEM;
	n->host = h;
	n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	/* A place without it (a container may have none) has a network that does not change. */
	if (n->fd < 0 || bind(n->fd, (struct sockaddr *)&at, sizeof(at)) || uv_poll_init(loop_uv(h->loop), &n->poll, n->fd)) {
		if (n->fd >= 0)
			close(n->fd);
		free(n);
		return 0;
	}
	n->poll.data = n;
	uv_poll_start(&n->poll, UV_READABLE, on_readable);
	h->network = n;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct host_network *n = h->data;

	close(n->fd);
	free(n);
}

void host_forget_network(struct sidetone_loop *h)
{
	struct host_network *n = h->network;

	h->network = NULL;
	if (!n)
		return;
	timer_stop(&n->settle);
	uv_close((uv_handle_t *)&n->poll, on_closed);
}

void sidetone_loop_on_network(struct sidetone_loop *h, void (*fn)(void *arg), void *arg)
{
	if (!h->network)
		return;
	h->network->fn = fn;
	h->network->arg = arg;
}
