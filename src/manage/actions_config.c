/* Actions that read configuration files. */
#include "manage/manager_private.h"
#include "base/fiber.h"
#include "config/reader.h"
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

/* Only files below the configuration directory, links followed. */
static int inside(const char *dir, const char *name)
{
	char want[PATH_MAX], real_dir[PATH_MAX], real[PATH_MAX];
	int n = snprintf(want, sizeof(want), "%s%s%s", name[0] == '/' ? "" : dir, name[0] == '/' ? "" : "/", name);

	if (n < 0 || (size_t)n >= sizeof(want) || !realpath(dir, real_dir) || !realpath(want, real))
		return ENOENT;
	n = (int)strlen(real_dir);
	return !strncmp(real, real_dir, (size_t)n) && real[n] == '/' ? 0 : EACCES;
}

static void read_file(void *arg)
{
	struct job *j = arg;
	struct config_prm prm = { .dir = j->dir, .exec_includes = false };

	j->err = inside(j->dir, j->name);
	if (!j->err)
		j->err = config_load(&j->c, &prm, j->name, NULL);
}

static void have_read(void *arg)
{
	struct job *j = arg;

	j->done = true;
	fiber_wake(j->fiber);
}

/* NULL: the error is answered. */
static struct config *load(struct ami_ctx *a)
{
	struct str name = str_trim(ami_get(a, "Filename"));
	struct job *j;
	struct config *c = NULL;
	int err = ENOMEM;

	if (!name.n || !a->m->conf) {
		ami_error(a, name.n ? "Config file not found" : "Filename not specified");
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (j) {
		j->fiber = fiber_self();
		j->name = str_dup(name);
		j->dir = str_dup(a->m->conf->astetcdir);
		if (j->name && j->dir)
			err = loop_work(a->m->loop, read_file, have_read, j);
		while (!err && !j->done)
			fiber_wait();
		if (!err)
			err = j->err;
		c = j->c;
		free(j->name);
		free(j->dir);
		free(j);
	}
	if (err == EACCES)
		ami_error(a, "File requires escalated privileges");
	else if (err == EBADMSG)
		ami_error(a, "Config file has invalid format");
	else if (err)
		ami_error(a, "Config file not found");
	return c;
}

/* ---- answers ---------------------------------------------------------- */

static bool wanted(const struct config_section *s, struct str category)
{
	return !category.n || str_eq(s->name, category);
}

static void get_config(struct ami_ctx *a)
{
	struct config *c = load(a);
	struct str category = ami_get(a, "Category");
	int n = 0;

	if (!c)
		return;
	a->out.max = 64u << 20;
	ami_start(a);
	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		char key[40];
		int line = 0;

		if (!wanted(s, category))
			continue;
		snprintf(key, sizeof(key), "Category-%06d", n);
		ami_put(a, key, s->name);
		for (const struct config_var *v = s->first; v; v = v->next) {
			snprintf(key, sizeof(key), "Line-%06d-%06d", n, line++);
			ami_printf(a, key, "%.*s=%.*s", STR_ARG(v->name), STR_ARG(v->value));
		}
		n++;
	}
	if (category.n && !n)
		buf_put(&a->out, STR("No categories found\r\n"));
	ami_end(a);
	config_free(c);
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

static void get_config_json(struct ami_ctx *a)
{
	struct config *c = load(a);
	struct str category = ami_get(a, "Category");
	bool first = true;

	if (!c)
		return;
	a->out.max = 64u << 20;
	ami_start(a);
	buf_put(&a->out, STR("JSON: {"));
	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		if (!wanted(s, category))
			continue;
		buf_put(&a->out, first ? STR_NULL : STR(","));
		first = false;
		json_text(&a->out, s->name);
		buf_put(&a->out, STR(":{"));
		for (const struct config_var *v = s->first; v; v = v->next) {
			buf_put(&a->out, v == s->first ? STR_NULL : STR(","));
			json_text(&a->out, v->name);
			buf_char(&a->out, ':');
			json_text(&a->out, v->value);
		}
		buf_char(&a->out, '}');
	}
	buf_put(&a->out, STR("}\r\n"));
	ami_end(a);
	config_free(c);
}

static void list_categories(struct ami_ctx *a)
{
	struct config *c = load(a);
	int n = 0;

	if (!c)
		return;
	ami_start(a);
	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		char key[40];

		snprintf(key, sizeof(key), "Category-%06d", n++);
		ami_put(a, key, s->name);
	}
	if (!n)
		ami_put(a, "Error", STR("no categories found"));
	ami_end(a);
	config_free(c);
}

static const struct ami_action rows[] = {
	{ "GetConfig", EV_SYSTEM | EV_CONFIG, "Read a configuration file", get_config, false },
	{ "GetConfigJSON", EV_SYSTEM | EV_CONFIG, "Read a configuration file, as JSON", get_config_json, false },
	{ "ListCategories", EV_CONFIG, "List a configuration file's sections", list_categories, false },
};
const struct ami_table ami_config_actions = { rows, ARRAY_LEN(rows) };
