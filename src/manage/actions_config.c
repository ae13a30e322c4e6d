/* Actions that read configuration files. Whoever has no system privilege is shown no
 * secrets (secret.h). */
#include "manage/manager_private.h"
#include "base/fiber.h"
#include "config/reader.h"
#include "manage/config_path.h"
#include "manage/secret.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* ---- reading on a worker, because files may be slow ------------------- */

struct job {
	struct fiber *fiber;
	char *name, *dir;               /* owned */
	struct config *c;
	int err;
	bool exec, done;
};

static void read_file(void *arg)
{
	struct job *j = arg;
	struct config_prm prm = { .dir = j->dir, .exec_includes = false };
	char path[PATH_MAX];

	j->err = config_path_inside(j->dir, j->name, path);
	if (!j->err)
		j->err = config_load(&j->c, &prm, path, NULL);
}

static void have_read(void *arg)
{
	struct job *j = arg;

	j->done = true;
	fiber_wake(j->fiber);
}

static int load_named(struct ami_ctx *a, struct str name, struct config **c)
{
	struct job *j = calloc(1, sizeof(*j));
	int err = ENOMEM;

	if (!j)
		return err;
	j->fiber = fiber_self();
	j->name = str_dup(name);
	j->dir = str_dup(a->m->conf->astetcdir);
	if (j->name && j->dir)
		err = loop_work(a->m->loop, read_file, have_read, j);
	while (!err && !j->done)
		fiber_wait();
	if (!err)
		err = j->err;
	*c = j->c;
	free(j->name);
	free(j->dir);
	free(j);
	return err;
}

/* NULL: the error is answered. Else unload() it. */
static struct config *load_file(struct ami_ctx *a)
{
	struct str name = str_trim(ami_get(a, "Filename"));
	struct config *c = NULL;
	int err;

	if (!name.n || !a->m->conf) {
		ami_error(a, name.n ? "Config file not found" : "Filename not specified");
		return NULL;
	}
	err = manage_file_begin(a->m);
	if (!err) {
		err = a->s->gone ? ECANCELED : load_named(a, name, &c);
		if (err)
			manage_file_end(a->m);
		manage_step(a->m);
	}
	if (err == EACCES)
		ami_error(a, "File requires escalated privileges");
	else if (err == EBADMSG)
		ami_error(a, "Config file has invalid format");
	else if (err)
		ami_error(a, "Config file not found");
	return c;
}

static void unload(struct ami_ctx *a, struct config *c)
{
	config_free(c);
	manage_file_end(a->m);
}

/* ---- answers ---------------------------------------------------------- */

static struct str shown_value(const struct ami_ctx *a, const struct config_var *v)
{
	return a->s->write & EV_SYSTEM ? v->value : secret_value(v->name, v->value);
}

static bool is_wanted(const struct config_section *s, struct str category)
{
	return !category.n || str_eq(s->name, category);
}

static bool put_category(struct ami_ctx *a, const struct config_section *s, int n)
{
	char key[40];
	int line = 0;

	snprintf(key, sizeof(key), "Category-%06d", n);
	ami_put(a, key, s->name);
	for (const struct config_var *v = s->first; v; v = v->next) {
		snprintf(key, sizeof(key), "Line-%06d-%06d", n, line++);
		ami_printf(a, key, "%.*s=%.*s", STR_ARG(v->name), STR_ARG(shown_value(a, v)));
		if (!ami_line_end(a))
			return false;
	}
	return true;
}

static void get_config(struct ami_ctx *a)
{
	struct config *c = load_file(a);
	struct str category = ami_get(a, "Category");
	bool go_on = true;
	int n = 0;

	if (!c)
		return;
	ami_start(a);
	for (const struct config_section *s = config_first(c); s && go_on; s = config_next(s))
		if (is_wanted(s, category))
			go_on = put_category(a, s, n++);
	if (category.n && !n)
		buf_put(&a->out, STR("No categories found\r\n"));
	ami_end(a);
	unload(a, c);
}

static void json_text(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

static bool put_json(struct ami_ctx *a, const struct config_section *s)
{
	json_text(&a->out, s->name);
	buf_put(&a->out, STR(":{"));
	for (const struct config_var *v = s->first; v; v = v->next) {
		buf_put(&a->out, v == s->first ? STR_NULL : STR(","));
		json_text(&a->out, v->name);
		buf_char(&a->out, ':');
		json_text(&a->out, shown_value(a, v));
		if (!ami_line_end(a))
			return false;
	}
	buf_char(&a->out, '}');
	return true;
}

static void get_config_json(struct ami_ctx *a)
{
	struct config *c = load_file(a);
	struct str category = ami_get(a, "Category");
	bool first = true, go_on = true;

	if (!c)
		return;
	ami_start(a);
	buf_put(&a->out, STR("JSON: {"));
	for (const struct config_section *s = config_first(c); s && go_on; s = config_next(s)) {
		if (!is_wanted(s, category))
			continue;
		buf_put(&a->out, first ? STR_NULL : STR(","));
		first = false;
		go_on = put_json(a, s);
	}
	buf_put(&a->out, STR("}\r\n"));
	ami_end(a);
	unload(a, c);
}

static void list_categories(struct ami_ctx *a)
{
	struct config *c = load_file(a);
	int n = 0;

	if (!c)
		return;
	ami_start(a);
	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		char key[40];

		snprintf(key, sizeof(key), "Category-%06d", n++);
		ami_put(a, key, s->name);
		if (!ami_line_end(a))
			break;
	}
	if (!n)
		ami_put(a, "Error", STR("no categories found"));
	ami_end(a);
	unload(a, c);
}

static const struct ami_action rows[] = {
	{ "GetConfig", EV_SYSTEM | EV_CONFIG, "Read a configuration file", get_config, false },
	{ "GetConfigJSON", EV_SYSTEM | EV_CONFIG, "Read a configuration file, as JSON", get_config_json, false },
	{ "ListCategories", EV_CONFIG, "List a configuration file's sections", list_categories, false },
};
const struct ami_table ami_config_actions = { rows, ARRAY_LEN(rows) };
