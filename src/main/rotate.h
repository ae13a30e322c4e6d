/* main/rotate.h -- what becomes of a log file when a new one begins (logger.conf rotatestrategy).
 * Threads: core; renames block for as long as the disk takes. */
#ifndef MAIN_ROTATE_H
#define MAIN_ROTATE_H

#include "base/text.h"
#include "config/settings.h"

/* Moves the file at `path` away; *now is where it is (the same with ROTATE_NONE). `wall_s`: seconds since 1970.
 * SEQUENTIAL: to the first PATH.N that is free. ROTATE: to PATH.0, when each PATH.N, and what was packed of it, has
 * become N + 1. TIMESTAMP: to PATH.SECONDS. errno; ENOENT: there was none. */
int rotate_file(const char *path, enum logger_rotate how, int64_t wall_s, struct text *now);
/* exec_after_rotate with ${filename}, by the shell, beside the server. */
void rotate_exec(struct str command, struct str filename);

#endif
