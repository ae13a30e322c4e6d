/* agent/config_private.h -- what the files of the configuration share: a row of the table, and how
 * values of each kind are read and written. */
#ifndef AGENT_CONFIG_PRIVATE_H
#define AGENT_CONFIG_PRIVATE_H

#include "agent/config.h"
#include "agent/json.h"

struct agent_row;

/* One value on its way in. */
struct agent_reading {
	struct agent_config *c;
	const struct agent_row *row;
	struct arena *a;                /* for what does not outlive the reading */
	struct text *why;               /* NULL: whoever asks wants no words */
};

/* EINVAL: no value of this kind; the caller finds the words. Else 0 or ENOMEM. `v` is no null, "" or []. */
typedef int agent_read_fn(struct agent_reading *r, void *field, const struct agent_json *v);
typedef void agent_write_fn(struct buf *b, const struct agent_row *row, const struct agent_config *c);

struct agent_row {
	struct agent_param param;
	agent_read_fn *read;            /* NULL: JavaScript's */
	agent_write_fn *write;
	size_t offset;                  /* of its field */
	uint32_t least;                 /* of a number */
	bool secret;                    /* not shown in errors */
};

static inline const void *agent_row_field(const struct agent_row *row, const struct agent_config *c)
{
	return (const char *)c + row->offset;
}

/* ---- config.c */
const struct agent_row *agent_row(size_t i);                 /* NULL: no more */
size_t agent_row_number(const struct agent_row *row);

/* ---- config_value.c: one value in one field. Names end as their kind does. */
agent_read_fn agent_read_bool, agent_read_whole, agent_read_line, agent_read_quotable, agent_read_secret,
	agent_read_token, agent_read_host, agent_read_uri, agent_read_registrar, agent_read_instance, agent_read_user,
	agent_read_supported, agent_read_dtmf, agent_read_log, agent_read_tags;
agent_write_fn agent_write_bool, agent_write_whole, agent_write_text, agent_write_line, agent_write_host,
	agent_write_supported, agent_write_dtmf, agent_write_log, agent_write_tags;

/* ---- config_finish.c */
agent_write_fn agent_write_contact_transport;

/* A host name, an IPv4 address, or an IPv6 address in brackets. */
bool agent_is_host(struct str s);

/* ---- config_server.c: wsServers */
agent_read_fn agent_read_servers;
agent_write_fn agent_write_servers;
void agent_servers_free(struct agent_config *c);

/* ---- config_set.c */
agent_read_fn agent_read_transport;
agent_write_fn agent_write_transport;

#endif
