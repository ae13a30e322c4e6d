/* Managers and consoles without sockets: peers that speak, read or do not, and go.
 * Stands in place of manage/client.c. */
#include "server_hooks.h"
#include "base/fiber.h"
#include "base/obj.h"
#include "manage/client.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct client {                 /* obj */
	const struct client_ops *ops;
	void *arg;
	bool started, open, paused, reads, local;
	size_t queued, limit;
	struct fiber *waiter;
};

struct client_listener {
	client_accept_fn *fn;
	void *arg;
};

int __wrap_client_listen_tcp(struct client_listener **out, struct loop *l, const struct sa *bind,
			     client_accept_fn *fn, void *arg, struct sa *bound);
int __wrap_client_listen_unix(struct client_listener **out, struct loop *l, const char *path, unsigned mode,
			      client_accept_fn *fn, void *arg);
void __wrap_client_unlisten(struct client_listener *sl);
void __wrap_client_start(struct client *s, const struct client_ops *ops, void *arg);
void __wrap_client_limits(struct client *s, size_t limit, uint32_t stall_ms);
void __wrap_client_pause(struct client *s, bool pause);
int __wrap_client_send(struct client *s, struct str bytes);
size_t __wrap_client_queued(const struct client *s);
int __wrap_client_drain(struct client *s, size_t low);
bool __wrap_client_is_open(const struct client *s);
struct sa __wrap_client_peer(const struct client *s);
void __wrap_client_close(struct client *s);

static struct client_listener listener[STREAMS_KINDS];
static size_t alive;
static bool echo;

static int listen_on(int kind, struct client_listener **out, client_accept_fn *fn, void *arg)
{
	listener[kind] = (struct client_listener){ fn, arg };
	*out = &listener[kind];
	return 0;
}

int __wrap_client_listen_tcp(struct client_listener **out, struct loop *l, const struct sa *bind,
			     client_accept_fn *fn, void *arg, struct sa *bound)
{
	(void)l;
	if (bound)
		*bound = *bind;
	return listen_on(STREAMS_MANAGER, out, fn, arg);
}

int __wrap_client_listen_unix(struct client_listener **out, struct loop *l, const char *path, unsigned mode,
			      client_accept_fn *fn, void *arg)
{
	(void)l, (void)path, (void)mode;
	return listen_on(STREAMS_CONSOLE, out, fn, arg);
}

void __wrap_client_unlisten(struct client_listener *sl)
{
	if (sl)
		sl->fn = NULL;
}

void __wrap_client_start(struct client *s, const struct client_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
	s->started = s->open = true;
}

void __wrap_client_limits(struct client *s, size_t limit, uint32_t stall_ms)
{
	(void)stall_ms;
	s->limit = limit;
}

void __wrap_client_pause(struct client *s, bool pause)
{
	s->paused = pause;
}

static void shut(struct client *s)
{
	s->open = false;
	if (s->waiter)
		fiber_wake(s->waiter);
	s->waiter = NULL;
}

static void lost(struct client *s, int err)
{
	bool was = s->open;

	obj_hold(s);
	shut(s);
	if (was)
		s->ops->closed(s->arg, err);
	obj_drop(s);
}

int __wrap_client_send(struct client *s, struct str bytes)
{
	if (!s->open)
		return EPIPE;
	if (echo)
		printf("%.*s", STR_ARG(bytes));
	if (s->reads)
		return 0;
	s->queued += bytes.n;
	if (s->queued <= s->limit)
		return 0;
	lost(s, EPIPE);
	return EPIPE;
}

size_t __wrap_client_queued(const struct client *s)
{
	return s->queued;
}

int __wrap_client_drain(struct client *s, size_t low)
{
	bool open;

	obj_hold(s);
	while (s->open && s->queued > low) {
		s->waiter = fiber_self();
		fiber_wait();
		s->waiter = NULL;
	}
	open = s->open;
	obj_drop(s);
	return open ? 0 : EPIPE;
}

bool __wrap_client_is_open(const struct client *s)
{
	return s->open;
}

struct sa __wrap_client_peer(const struct client *s)
{
	struct sa a = { 0 };

	if (!s->local)
		sa_parse(&a, STR("10.0.0.50:4444"));
	return a;
}

void __wrap_client_close(struct client *s)
{
	shut(s);
}

static void stream_free(void *arg)
{
	(void)arg;
	alive--;
}

struct client *streams_connect(int kind)
{
	struct client *s;

	if (!listener[kind].fn)
		return NULL;
	s = obj_new(sizeof(*s), stream_free);
	alive++;
	s->local = kind == STREAMS_CONSOLE;
	s->reads = true;
	s->limit = 4u << 20;
	hooks_library(true);
	listener[kind].fn(listener[kind].arg, obj_hold(s));
	hooks_library(false);
	return s;
}

void streams_say(struct client *s, struct str bytes)
{
	if (!s->open || s->paused)
		return;
	obj_hold(s);
	hooks_library(true);
	s->ops->data(s->arg, bytes);
	hooks_library(false);
	obj_drop(s);
}

void streams_read(struct client *s, bool on)
{
	s->reads = on;
	if (!on)
		return;
	s->queued = 0;
	if (s->waiter)
		fiber_wake(s->waiter);
}

void streams_hangup(struct client *s)
{
	hooks_library(true);
	if (s->started)
		lost(s, 0);
	hooks_library(false);
	obj_drop(s);
}

void streams_echo(bool on)
{
	echo = on;
}

size_t streams_alive(void)
{
	return alive;
}
