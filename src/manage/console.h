/* manage/console.h -- the local socket that `sidetone -r` and `-rx` connect to.
 * Protocol, one line from the client first:
 *   "x COMMAND\n"    its output comes, then the end of the stream
 *   "c LEVEL\n"      a console: then commands, a line each; output and log lines
 *                    up to verbosity LEVEL come, a NUL byte after each command
 * Threads: core, where not said otherwise. */
#ifndef MANAGE_CONSOLE_H
#define MANAGE_CONSOLE_H

#include "base/log.h"
#include "manage/manage.h"

int console_start(struct console **out, struct manage *m, const char *path);
void console_stop(struct console *c);        /* NULL is fine */
/* Any thread, while the console lives. */
void console_log(struct console *c, enum log_level level, int verbosity, struct str line);

/* The client: its own process, blocking. Prints to stdout; gives the exit code.
 * `cmd` NULL: interactive, shows the log up to `verbose`. */
int console_client_run(const char *socket, const char *cmd, int verbose, bool shell /* "!" runs one */);
/* "!" and a command of the shell, or "!" alone: the shell itself. False: the line is for the server. */
bool console_shell(struct str line, bool allowed);

#endif
