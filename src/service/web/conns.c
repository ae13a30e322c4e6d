/* Connections of the server of HTTP: how many there may be, and which request each has. */
#define LOG_MODULE "http"
#include "service/web/private.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/obj.h"
#include <stdlib.h>

static struct str id_key(const uint64_t *id)
{
	return str_mk((const char *)id, sizeof(*id));
}

struct web_conn *web_conn_of(const struct web *w, uint64_t id)
{
	return map_get(w->conns, id_key(&id));
}

/* Nothing more is said to its peer. */
static void lose_call(struct web_call *c)
{
	c->web = NULL;
	c->state = WEB_ENDED;
	if (c->waiter)
		fiber_wake(c->waiter);
}

void web_call_over(struct web_call *c)
{
	struct web *w = c->web;
	struct web_conn *conn = w ? web_conn_of(w, c->path.conn) : NULL;

	c->state = WEB_ENDED;
	c->web = NULL;
	if (!conn || conn->call != c)
		return;
	conn->call = NULL;
	list_append(&w->idle, &conn->link);
	obj_drop(c);            /* whoever answered it has one of its own */
}

size_t web_connections(const struct web *w)
{
	return map_count(w->conns);
}

void web_forget(struct web *w, struct web_conn *conn)
{
	struct web_call *c = conn->call;

	map_del(w->conns, id_key(&conn->id));
	list_remove(&conn->link);
	conn->call = NULL;
	free(conn);
	if (c)
		lose_call(c);
	obj_drop(c);
}

/* sessionlimit. One that asks for nothing makes room, so that nobody holds all places by being there. */
static bool make_room(struct web *w)
{
	struct web_conn *oldest;
	uint64_t id;

	if (!w->conf || map_count(w->conns) < w->conf->sessionlimit)
		return true;
	if (list_empty(&w->idle))
		return false;
	oldest = container_of(w->idle.next, struct web_conn, link);
	id = oldest->id;
	web_forget(w, oldest);
	net_disconnect(w->net, id);
	return true;
}

struct unwanted {
	struct web *web;                /* held */
	uint64_t conn;
};

static void end_unwanted(void *arg)
{
	struct unwanted *u = arg;

	if (!u->web->stopped)
		net_disconnect(u->web->net, u->conn);
	obj_drop(u->web);
	free(u);
}

/* At the end of this turn, for it is not there yet while it is told of. Without memory it goes with its first
 * request. */
static void end_later(struct web *w, uint64_t conn)
{
	struct unwanted *u = malloc(sizeof(*u));

	if (!u)
		return;
	*u = (struct unwanted){ obj_hold(w), conn };
	if (loop_defer(w->loop, end_unwanted, u)) {
		obj_drop(w);
		free(u);
	}
}

void web_opened(struct web *w, const struct net_path *path)
{
	struct web_conn *conn;

	if (!w)
		return;
	if (!make_room(w)) {
		log_warning("HTTP session count exceeded %u sessions.", w->conf->sessionlimit);
		end_later(w, path->conn);
		return;
	}
	conn = calloc(1, sizeof(*conn));
	if (conn)
		conn->id = path->conn;
	if (!conn || map_add(w->conns, id_key(&conn->id), conn)) {
		free(conn);
		end_later(w, path->conn);
		return;
	}
	list_append(&w->idle, &conn->link);
}

void web_room(struct web *w, uint64_t id)
{
	struct web_conn *conn = w ? web_conn_of(w, id) : NULL;

	if (!conn || !conn->call)
		return;
	conn->call->full = false;
	conn->call->waiting = 0;
	if (conn->call->waiter)
		fiber_wake(conn->call->waiter);
}

void web_closed(struct web *w, const struct net_path *path)
{
	struct web_conn *conn = w ? web_conn_of(w, path->conn) : NULL;

	if (conn)
		web_forget(w, conn);
}
