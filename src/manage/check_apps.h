/* manage/check_apps.h -- inside `check`. Threads: touches only its arguments. */
#ifndef MANAGE_CHECK_APPS_H
#define MANAGE_CHECK_APPS_H

#include "config/report.h"

struct dialplan;

/* Each fault of extensions.conf becomes a line of `r`. */
void check_apps(struct dialplan *d, struct report *r);

#endif
