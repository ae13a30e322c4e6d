/* manage/check_options.h -- which options of a configuration are set and change nothing: those whose behaviour is
 * not there yet, and those that stand for something this program does not have. Blocks. */
#ifndef MANAGE_CHECK_OPTIONS_H
#define MANAGE_CHECK_OPTIONS_H

#include "config/reader.h"
#include <stdio.h>

/* At most one line for each of the two; faults of the files are not told here. */
void check_options(const struct config_prm *prm, FILE *out);

#endif
