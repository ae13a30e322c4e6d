/* NAME=VALUE, a parameter of the user agent and its JSON: what is taken comes back as JSON that gives the same again,
 * and what is refused says why. */
#include "agent/config.h"
#include "agent/json.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void fill(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 7, n);
}

/* Text that goes into header lines has no line end, whatever was put in. */
static void check_line(const struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		must((unsigned char)t->p[i] >= 0x20);
}

static void check_lines(const struct agent_config *c)
{
	const struct text *lines[] = { &c->uri, &c->registrar_server, &c->display_name, &c->authorization_user, &c->user_agent_string,
				       &c->instance_id, &c->contact_name, &c->contact_transport, &c->user, &c->host, &c->via_host,
				       &c->option_tags };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		check_line(lines[i]);
	for (size_t i = 0; i < c->n_servers; i++) {
		check_line(&c->servers[i].ws_uri);
		check_line(&c->servers[i].sip_uri);
	}
}

/* What was taken can be taken again, and the agent can start with it. */
static void check_taken(struct agent_config *c, struct str name)
{
	struct text out = { 0 }, again = { 0 };

	must(!agent_config_get_json(c, name, &out));
	must(!agent_config_check_json(name, text_view(&out), &again));
	must(str_eq(text_view(&out), text_view(&again)));
	if (!agent_config_finish(c, fill, NULL, NULL)) {
		must(c->uri.n && c->user.n && c->host.n && c->registrar_server.n && c->via_host.n && c->n_servers);
		check_lines(c);
	}
	text_free(&out);
	text_free(&again);
}

/* The tree reads as it is written. */
static void check_tree(struct str s)
{
	struct arena *a = arena_new(0);
	const struct agent_json *v;
	struct buf b = BUF_INIT, again = BUF_INIT;

	if (!agent_json_parse(a, s, &v)) {
		agent_json_write(&b, v);
		if (b.n <= AGENT_JSON_BYTES) {
			must(!agent_json_parse(a, buf_view(&b), &v));
			agent_json_write(&again, v);
			must(str_eq(buf_view(&b), buf_view(&again)));
		}
	}
	buf_free(&b);
	buf_free(&again);
	arena_free(a);
}

/* Is it a name of the table, in its present form? */
static const struct agent_param *find_param(struct str name)
{
	const struct agent_param *p;

	for (size_t i = 0; (p = agent_param(i)); i++)
		if (str_eq(name, str_z(p->name)))
			return p;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = str_mk((const char *)data, size), name = str_cut_raw(&value, '=');
	const struct agent_param *p = find_param(name);
	struct text why = { 0 };
	struct agent_config c;
	int err;

	check_tree(value);
	must(!agent_config_init(&c));
	err = agent_config_set_json(&c, name, value, &why);
	must(!err || ((err == EINVAL || err == ENOENT) && why.n));
	must(!p || (err == ENOENT) == p->script_only);
	if (!err)
		check_taken(&c, name);
	err = agent_config_set_word(&c, name, value, &why);
	must(!err || ((err == EINVAL || err == ENOENT) && why.n));
	agent_config_free(&c);
	text_free(&why);
	return 0;
}
