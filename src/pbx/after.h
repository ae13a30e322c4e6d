/* pbx/after.h -- a command of the shell when something is done, and files that go after it.
 * Threads: core; nothing waits for the command. */
#ifndef PBX_AFTER_H
#define PBX_AFTER_H

#include "base/str.h"
#include <sys/types.h>

enum { AFTER_REMOVE = 3 };

struct after_prm {
	struct str command;     /* by /bin/sh -c; empty: none */
	struct str remove[AFTER_REMOVE];        /* paths; empty: none */
	size_t nremove;
};
/* Begins a command that the caller waits for. errno. */
int after_spawn(pid_t *pid, char *command);
void after_run(const struct after_prm *prm);         /* what fails is in the log */

#endif
