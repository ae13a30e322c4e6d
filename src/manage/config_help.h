/* manage/config_help.h -- what `config show help` prints, and docs/options.md.
 * Threads: any. */
#ifndef MANAGE_CONFIG_HELP_H
#define MANAGE_CONFIG_HELP_H

#include "base/buf.h"

/* `config show help [MODULE [TYPE [OPTION]]]`; empty views: not given. Text for the
 * console, also when nothing of that name is there. ENOENT then, else 0. */
int config_help(struct buf *b, struct str module, struct str type, struct str option);
/* The whole of docs/options.md. */
void config_markdown(struct buf *b);

#endif
