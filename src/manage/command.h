/* manage/command.h -- console commands. One row a command; commands of one
 * group share a file manage/cmd_*.c, whose table is listed in command.c.
 * A command runs on a fiber of the core thread: it may wait, and listings let others
 * run between rows. Threads: core. */
#ifndef MANAGE_COMMAND_H
#define MANAGE_COMMAND_H

#include "manage/manage.h"
#include "manage/pattern.h"

#define COMMAND_WORDS 32        /* a line with more is refused */
#define COMMAND_LINE 4096       /* [bytes] */
#define COMMAND_OUT (64u << 20) /* [bytes] of output between two pauses */
#define COMMAND_ROWS 100        /* rows between two flushes */
#define COMMAND_FLUSH (64u << 10)       /* [bytes] the same */

struct command_ctx;

enum command_result { COMMAND_OK, COMMAND_USAGE /* prints the usage */, COMMAND_FAILED };

struct command {
	const char *words;      /* "pjsip show endpoints" */
	const char *args;       /* "[like <regex>]"; NULL: none */
	const char *summary;    /* one line for `core show help` */
	enum command_result (*run)(struct command_ctx *c);
	bool early;             /* works before the boot is over: pbx and service may be NULL */
	const char *help;       /* more lines for `core show help CMD`; NULL: the summary */
};

struct command_table {
	const struct command *v;
	size_t n;
};

/* Takes the output so far; on a fiber, may wait until the reader has room.
 * EPIPE: the reader has gone, give up. */
typedef int command_flush_fn(void *arg, struct str text);

struct command_ctx {
	struct manage *m;
	const struct command *cmd;
	struct str line;                /* as given */
	struct str arg[COMMAND_WORDS];  /* what follows the command's own words; unquoted views */
	size_t args;
	struct str rest[COMMAND_WORDS]; /* from arg[i] to the end of the line, as written */
	struct buf out;
	command_flush_fn *flush;
	void *flush_arg;
	unsigned rows;
	bool gone;
};

/* Run `line` on the calling fiber. Output, errors too, goes to `flush`. */
enum command_result command_run(struct manage *m, struct str line, command_flush_fn *flush, void *arg);

void command_printf(struct command_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void command_put(struct command_ctx *c, struct str s);
/* After each row of a listing: waits until this one may go on (pace.h). False: the
 * reader has gone. Objects that are not held may be gone when it returns. */
bool command_row(struct command_ctx *c);
int command_flush(struct command_ctx *c);
static inline struct str command_arg(const struct command_ctx *c, size_t i)
{
	return i < c->args ? c->arg[i] : STR_NULL;
}

/* All rows, sorted by words; free() the array. */
const struct command **command_sorted(size_t *n);
/* Split at blanks; "quoted words" are one, \ escapes inside and outside. Writes
 * the unquoted bytes into `mem` (at least line.n). Gives the count; SIZE_MAX: too many. */
size_t command_split(struct str line, char *mem, struct str *word, struct str *rest, size_t max);

extern const struct command_table commands_core, commands_show, commands_module, commands_dialplan, commands_pjsip,
	commands_pjsip_do, commands_counters, commands_database, commands_channel, commands_bridge, commands_state,
	commands_manager, commands_logger, commands_subscription, commands_health, commands_rtp, commands_udptl, commands_http, commands_mixmonitor, commands_moh,
	commands_stir, commands_geoloc, commands_fax, commands_publication, commands_history, commands_pjsip_show, commands_codec,
	commands_manager_event;

/* "like REGEX" filters: cmd_*.c share it. `c->arg[at]` is "like". 0, EINVAL. */
struct command_filter {
	bool on;
	regex_t re;
};
enum command_result command_filter_init(struct command_filter *f, struct command_ctx *c, size_t at);
bool command_filter_has(const struct command_filter *f, struct str name);
void command_filter_free(struct command_filter *f);

/* A report after a reload: one line an entry. */
void command_report(struct command_ctx *c, const struct report *r);

#endif
