/* A list for each connection that anything depends on. */
#include "service/common/flow.h"
#include <errno.h>
#include <stdlib.h>

struct flow {
	uint64_t conn;
	struct list members;
};

static struct str key_of(const uint64_t *conn)
{
	return str_mk((const char *)conn, sizeof(*conn));
}

struct map *flows_new(void)
{
	return map_new(false);
}

void flows_free(struct map *flows)
{
	map_free(flows);
}

static struct flow *flow_get(struct map *flows, uint64_t conn)
{
	struct flow *f = map_get(flows, key_of(&conn));

	if (f)
		return f;
	f = malloc(sizeof(*f));
	if (!f)
		return NULL;
	f->conn = conn;
	list_init(&f->members);
	if (map_add(flows, key_of(&f->conn), f)) {
		free(f);
		return NULL;
	}
	return f;
}

int flow_join(struct map *flows, struct flow_member *m, uint64_t conn)
{
	struct flow *f;

	if (conn == m->conn)
		return 0;
	flow_leave(flows, m);
	f = conn ? flow_get(flows, conn) : NULL;
	if (!f)
		return conn ? ENOMEM : 0;
	m->conn = conn;
	list_append(&f->members, &m->link);
	return 0;
}

void flow_leave(struct map *flows, struct flow_member *m)
{
	struct flow *f;

	if (!m->conn)
		return;
	list_remove(&m->link);
	f = map_get(flows, key_of(&m->conn));
	m->conn = 0;
	if (f && list_empty(&f->members)) {
		map_del(flows, key_of(&f->conn));
		free(f);
	}
}

struct flow_member *flow_first(const struct map *flows, uint64_t conn)
{
	struct flow *f = map_get(flows, key_of(&conn));

	return f ? container_of(f->members.next, struct flow_member, link) : NULL;
}
