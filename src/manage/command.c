/* Finding a command, running it, and passing its output on. */
#define LOG_MODULE "console"
#include "manage/command.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

/* A new group of commands is a file and a line here. */
static const struct command_table *const tables[] = {
	&commands_core, &commands_show, &commands_module, &commands_dialplan, &commands_pjsip, &commands_pjsip_do,
	&commands_counters, &commands_subscription, &commands_database, &commands_channel, &commands_bridge, &commands_state, &commands_manager,
	&commands_logger, &commands_health, &commands_rtp, &commands_udptl, &commands_http, &commands_mixmonitor, &commands_moh, &commands_stir,
	&commands_geoloc, &commands_fax, &commands_publication, &commands_history, &commands_pjsip_show, &commands_codec,
	&commands_manager_event,
};

/* ---- words ------------------------------------------------------------ */

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

size_t command_split(struct str line, char *mem, struct str *word, struct str *rest, size_t max)
{
	size_t n = 0, i = 0;

	for (;;) {
		char *start = mem;
		bool quoted = false;

		while (i < line.n && blank(line.p[i]))
			i++;
		if (i == line.n)
			return n;
		if (n == max)
			return SIZE_MAX;
		rest[n] = str_rtrim(str_skip(line, i));
		for (; i < line.n && (quoted || !blank(line.p[i])); i++) {
			if (line.p[i] == '\\' && i + 1 < line.n)
				*mem++ = line.p[++i];
			else if (line.p[i] == '"')
				quoted = !quoted;
			else
				*mem++ = line.p[i];
		}
		word[n++] = str_mk(start, (size_t)(mem - start));
	}
}

/* How many words of `cmd` the line has in front: all of them, or 0. */
static size_t count_matching(const struct command *cmd, const struct str *word, size_t n)
{
	struct str rest = str_z(cmd->words);
	size_t i = 0;

	while (rest.n) {
		struct str w = str_cut_raw(&rest, ' ');

		if (i == n || !str_ieq(w, word[i]))
			return 0;
		i++;
	}
	return i;
}

/* The row with the most words that the line begins with. */
static const struct command *find_command(const struct str *word, size_t n, size_t *used)
{
	const struct command *best = NULL;

	*used = 0;
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			size_t got = count_matching(&tables[t]->v[i], word, n);

			if (got > *used) {
				*used = got;
				best = &tables[t]->v[i];
			}
		}
	}
	return best;
}

static int by_words(const void *a, const void *b)
{
	const struct command *const *x = a, *const *y = b;

	return strcmp((*x)->words, (*y)->words);
}

const struct command **command_sorted(size_t *n)
{
	const struct command **v;
	size_t count = 0;

	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		count += tables[t]->n;
	v = calloc(count + 1, sizeof(*v));
	*n = 0;
	if (!v)
		return NULL;
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			v[(*n)++] = &tables[t]->v[i];
	qsort(v, *n, sizeof(*v), by_words);
	return v;
}

/* ---- output ----------------------------------------------------------- */

void command_put(struct command_ctx *c, struct str s)
{
	buf_put(&c->out, s);
}

void command_printf(struct command_ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&c->out, fmt, ap);
	va_end(ap);
}

int command_flush(struct command_ctx *c)
{
	int err = 0;

	if (!c->gone && c->out.n)
		err = c->flush(c->flush_arg, buf_view(&c->out));
	if (err || buf_err(&c->out))
		c->gone = true;
	buf_reset(&c->out);
	return c->gone ? EPIPE : 0;
}

bool command_row(struct command_ctx *c)
{
	if (++c->rows % COMMAND_ROWS == 0 || c->out.n >= COMMAND_FLUSH)
		command_flush(c);
	manage_step(c->m);
	return !c->gone && !c->m->stopping;
}

void command_report(struct command_ctx *c, const struct report *r)
{
	for (size_t i = 0; i < report_count(r); i++) {
		report_write(&c->out, report_at(r, i));
		buf_char(&c->out, '\n');
	}
}

/* ---- filters ---------------------------------------------------------- */

enum command_result command_filter_init(struct command_filter *f, struct command_ctx *c, size_t at)
{
	*f = (struct command_filter){ 0 };
	if (c->args == at)
		return COMMAND_OK;
	if (c->args != at + 2 || !str_ieq(c->arg[at], STR("like")))
		return COMMAND_USAGE;
	if (pattern_compile(&f->re, c->arg[at + 1])) {
		command_printf(c, "Not a regular expression: %.*s\n", STR_ARG(c->arg[at + 1]));
		return COMMAND_FAILED;
	}
	f->on = true;
	return COMMAND_OK;
}

bool command_filter_has(const struct command_filter *f, struct str name)
{
	return !f->on || pattern_has(&f->re, name);
}

void command_filter_free(struct command_filter *f)
{
	if (f->on)
		regfree(&f->re);
	f->on = false;
}

/* ---- running ---------------------------------------------------------- */

static void usage(struct command_ctx *c)
{
	command_printf(c, "Usage: %s%s%s\n       %s\n", c->cmd->words, c->cmd->args ? " " : "",
		       c->cmd->args ? c->cmd->args : "", c->cmd->help ? c->cmd->help : c->cmd->summary);
}

static enum command_result run_line(struct command_ctx *c, char *mem)
{
	struct str word[COMMAND_WORDS], rest[COMMAND_WORDS];
	size_t n = command_split(c->line, mem, word, rest, COMMAND_WORDS), used;
	enum command_result res;

	if (n == SIZE_MAX) {
		command_printf(c, "Too many words\n");
		return COMMAND_FAILED;
	}
	if (!n)
		return COMMAND_OK;
	c->cmd = find_command(word, n, &used);
	if (!c->cmd) {
		command_printf(c, "No such command '%.*s' (type 'core show help %.*s' for other possible commands)\n",
			       STR_ARG(str_trim(c->line)), STR_ARG(word[0]));
		return COMMAND_FAILED;
	}
	c->args = n - used;
	memcpy(c->arg, word + used, c->args * sizeof(word[0]));
	memcpy(c->rest, rest + used, c->args * sizeof(rest[0]));
	if (!c->cmd->early && manage_wait_booted(c->m)) {
		command_printf(c, "The server is stopping\n");
		return COMMAND_FAILED;
	}
	res = c->cmd->run(c);
	if (res == COMMAND_USAGE)
		usage(c);
	else if (res == COMMAND_FAILED)
		command_printf(c, "Command '%.*s' failed.\n", STR_ARG(str_trim(c->line)));
	return res;
}

enum command_result command_run(struct manage *m, struct str line, command_flush_fn *flush, void *arg)
{
	struct command_ctx *c;
	enum command_result res;
	char *mem;

	if (line.n > COMMAND_LINE) {
		flush(arg, STR("The line is too long\n"));
		return COMMAND_FAILED;
	}
	/* On the heap: fibers have small stacks. */
	c = calloc(1, sizeof(*c));
	mem = malloc(line.n + 1);
	if (!c || !mem) {
		free(c);
		free(mem);
		return COMMAND_FAILED;
	}
	c->m = obj_hold(m);
	c->line = line;
	c->out.max = COMMAND_OUT;
	c->flush = flush;
	c->flush_arg = arg;
	res = run_line(c, mem);
	command_flush(c);
	buf_free(&c->out);
	obj_drop(c->m);
	free(mem);
	free(c);
	return res;
}
