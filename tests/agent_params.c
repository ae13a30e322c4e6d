/* The user agent's table of parameters as JSON, one a line, for tools/agent-params. */
#include "agent/config.h"
#include "agent/json.h"
#include <stdio.h>

static void put(struct buf *b, const char *key, const char *value)
{
	buf_puts(b, b->n > 1 ? STR(",\"") : STR("\""), str_z(key), STR("\":"));
	if (value)
		agent_json_write_string(b, str_z(value));
	else
		buf_put(b, STR("null"));
}

int main(void)
{
	const struct agent_param *p;
	struct buf b = BUF_INIT;

	for (size_t i = 0; (p = agent_param(i)); i++) {
		buf_reset(&b);
		buf_char(&b, '{');
		put(&b, "name", p->name);
		put(&b, "later", p->later);
		put(&b, "type", p->type);
		put(&b, "ts", p->ts);
		put(&b, "default", p->def);
		put(&b, "fallback", p->fallback);
		put(&b, "help", p->help);
		put(&b, "where", p->script_only ? "script" : p->browser_only ? "browser" : "");
		puts(buf_z(&b));
		puts("}");
	}
	buf_free(&b);
	return 0;
}
