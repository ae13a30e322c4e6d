/* manage/check_private.h -- parts of `sidetone check`. */
#ifndef MANAGE_CHECK_PRIVATE_H
#define MANAGE_CHECK_PRIVATE_H

#include "config/report.h"

struct dialplan;
void check_apps(struct dialplan *d, struct report *r);

#endif
