/* manage/check.h -- `sidetone check DIR`: judge a whole configuration and start
 * nothing. Blocks. */
#ifndef MANAGE_CHECK_H
#define MANAGE_CHECK_H

#include <stdio.h>

/* `dir`: a configuration directory (its asterisk.conf may point elsewhere for the
 * other directories). One line a fault, then a summary. 0: no fault; 1: some. */
int check_run(const char *dir, FILE *out);

#endif
