/* logger.conf: which messages go where. Its lines are channels, not options. */
#include "config/settings_internal.h"
#include <errno.h>

#define G struct logger_conf
static const struct option_choice rotates[] = {
	{ "sequential", ROTATE_SEQUENTIAL }, { "rotate", ROTATE_ROTATE }, { "timestamp", ROTATE_TIMESTAMP },
	{ "none", ROTATE_NONE }, { NULL, 0 } };
static const struct option logger_rows[] = {
	OPT_STR(G, dateformat, "%b %e %T", 0, "Form of the time (strftime, and %q for fractions)."),
	OPT_BOOL(G, appendhostname, "no", 0, "Add the host's name to log files' names."),
	{ .name = "display_callids", .aliases = "use_callids", .kind = OPTION_BOOL,
	  .offset = OPT_AT(G, display_callids, bool), .def = "yes", .help = "Show which call a line is about." },
	OPT_BOOL(G, queue_log, "yes", 0, "Write the queue log: what QueueLog() and the manager's QueueLog say, and when the server starts and reads its logs' configuration."),
	OPT_BOOL(G, queue_log_to_file, "no", OPT_VOID, "Write it to a file although it goes to a database: there is none, so it always goes to the file."),
	OPT_BOOL(G, queue_log_realtime_use_gmt, "no", OPT_VOID, "Times in its database in GMT: there is none."),
	OPT_STR(G, queue_log_name, "queue_log", 0, "Name of that file, in the log directory."),
	OPT_NONE("queue_adaptive_realtime", "no", OPT_VOID, "Whether the fields of the queue log are columns of their own in its database: there is none."),
	OPT_ENUM(G, rotatestrategy, rotates, "sequential", 0, "What `logger rotate` makes of FILE: sequential: the next FILE.N; rotate: FILE.0, and each FILE.N (or .gz, .bz2, .Z of it) becomes N + 1; "
		"timestamp: FILE.SECONDS; none: it stays."),
	OPT_STR(G, exec_after_rotate, NULL, 0, "Command of the shell that is run for each file then; ${filename} is its new name."),
	OPT_UINT(G, logger_queue_limit, "1000", 10, 1000000, "lines", OPT_VOID, "Lines that may wait to be written; here none waits."),
	OPT_LIST(G, custom_levels, NULL, 0, "More levels, by name, 16 at most: for Log(), and for lines of [logfiles]."),
};
static const struct option_set logger_set = {
	.type = "general", .file = "logger.conf", .rows = logger_rows, .n = ARRAY_LEN(logger_rows), .size = sizeof(G),
	.help = "Logs. The section [logfiles] has a line a log: NAME => LEVELS.",
};

const struct option_set *logger_conf_options(void)
{
	return &logger_set;
}

static void logger_conf_free(void *p)
{
	arena_free(((struct logger_conf *)p)->arena);
}

static bool parse_level_word(struct logger_channel *ch, struct str word)
{
	static const struct {
		struct str name;
		uint32_t bit;
	} levels[] = {
		{ STR_INIT("error"), 1u << LOG_ERROR }, { STR_INIT("warning"), 1u << LOG_WARNING },
		{ STR_INIT("notice"), 1u << LOG_NOTICE }, { STR_INIT("verbose"), 1u << LOG_VERBOSE },
		{ STR_INIT("debug"), 1u << LOG_DEBUG }, { STR_INIT("security"), 1u << LOG_SECURITY },
		{ STR_INIT("dtmf"), 1u << LOG_DTMF }, { STR_INIT("trace"), LOGGER_TRACE },
		{ STR_INIT("fax"), LOGGER_FAX },
	};
	uint32_t n;

	if (str_eq(word, STR("*"))) {
		ch->levels = UINT32_MAX;
		return true;
	}
	if (str_istarts(word, STR("verbose("))) {
		word = str_skip(word, 8);
		if (str_u32(str_trim(str_cut_raw(&word, ')')), &n) || n > 99)
			return false;
		ch->verbosity = (int32_t)n;
		ch->levels |= 1u << LOG_VERBOSE;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (str_ieq(word, levels[i].name)) {
			ch->levels |= levels[i].bit;
			return true;
		}
	}
	return false;
}

int logger_levels_parse(struct logger_channel *ch, struct str components, struct str *bad)
{
	size_t open = str_chr(components, '['), close = str_chr(components, ']');
	struct str wrong = STR_NULL;

	ch->levels = 0;
	ch->verbosity = -1;
	ch->format = LOGGER_DEFAULT;
	if (open < close && close < components.n) {
		struct str format = str_trim(str_sub(components, open + 1, close - open - 1));

		if (str_ieq(format, STR("json")))
			ch->format = LOGGER_JSON;
		else if (str_ieq(format, STR("plain")))
			ch->format = LOGGER_PLAIN;
		else if (!str_ieq(format, STR("default")))
			wrong = format;
		components = str_skip(components, close + 1);
	}
	while (components.n) {
		struct str word = str_trim(str_cut_raw(&components, ','));

		if (word.n && !parse_level_word(ch, word) && !wrong.p)
			wrong = word;
	}
	if (bad)
		*bad = wrong;
	return wrong.p ? EBADMSG : 0;
}

static void name_channel(struct logger_channel *ch)
{
	struct str name = ch->name;

	if (str_ieq(name, STR("console"))) {
		/* The console's verbosity is its user's to set. */
		ch->kind = LOGGER_CONSOLE;
		ch->verbosity = -1;
		ch->levels |= 1u << LOG_VERBOSE;
	} else if (str_istarts(name, STR("syslog"))) {
		size_t dot = str_chr(name, '.');

		ch->kind = LOGGER_SYSLOG;
		ch->facility = dot < name.n ? str_skip(name, dot + 1) : STR("local0");
	} else {
		ch->kind = LOGGER_FILE;
		ch->file = name;
	}
}

static bool is_custom(const struct logger_conf *c, struct str word)
{
	for (size_t i = 0; i < c->custom_levels.n; i++)
		if (str_ieq(word, c->custom_levels.v[i]))
			return true;
	return false;
}

/* The first word that is no level; custom_levels are. */
static bool has_wrong_level(const struct logger_conf *c, struct logger_channel *ch, struct str value, struct str *bad)
{
	if (!logger_levels_parse(ch, value, bad))
		return false;
	if (!is_custom(c, *bad))
		return true;
	while (value.n) {
		struct str rest = STR_NULL, word = str_trim(str_cut_raw(&value, ','));
		struct logger_channel one = { 0 };

		if (!is_custom(c, word) && logger_levels_parse(&one, word, &rest)) {
			*bad = rest;
			return true;
		}
	}
	return false;
}

static void add_custom_levels(const struct logger_conf *c, struct logger_channel *ch, struct str value)
{
	size_t close = str_chr(value, ']');

	if (close < value.n)
		value = str_skip(value, close + 1);
	while (value.n) {
		struct str word = str_trim(str_cut_raw(&value, ','));

		for (size_t i = 0; i < c->custom_levels.n && i < LOGGER_CUSTOM_MAX; i++)
			if (str_ieq(word, c->custom_levels.v[i]))
				ch->levels |= 1u << (LOGGER_CUSTOM + i);
	}
}

static int read_channels(struct logger_conf *c, struct settings_work *w)
{
	const struct config_section *s = w->c ? config_section_get(w->c, STR("logfiles")) : NULL;
	struct logger_channel *v;
	size_t n = 0;
	int err = 0;

	for (const struct config_var *x = s ? s->first : NULL; x; x = x->next)
		n++;
	v = arena_alloc(c->arena, (n + 1) * sizeof(*v));
	if (!v)
		return ENOMEM;
	c->channel = v;
	if (!w->c) {
		v->name = STR("console");
		logger_levels_parse(v, STR("error,warning,notice,verbose"), NULL);
		name_channel(v);
		c->channels = 1;
	}
	for (const struct config_var *x = s ? s->first : NULL; !err && x; x = x->next, v++) {
		struct str bad;

		v->name = intern_str(w->ctx.intern, x->name, &err);
		v->line = x->line;
		if (has_wrong_level(c, v, x->value, &bad))
			config_fault(w->c, x, w->r, REPORT_ERROR, "[logfiles] %.*s: '%.*s' is not error, warning, notice, "
				     "verbose, verbose(N), debug, dtmf, security or *", STR_ARG(x->name), STR_ARG(bad));
		add_custom_levels(c, v, x->value);
		name_channel(v);
		c->channels++;
	}
	return err;
}

int logger_conf_load(struct logger_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct logger_conf *c = obj_new(sizeof(*c), logger_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "logger.conf");
	if (!err)
		err = settings_apply(&w, &logger_set, c, STR("general"));
	if (!err)
		err = read_channels(c, &w);
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
