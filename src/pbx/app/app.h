/* pbx/app/app.h -- the applications: every row of list.h is one
 * `const struct app app_NAME`, defined in a file of this folder. */
#ifndef PBX_APP_APP_H
#define PBX_APP_APP_H

#include "pbx/dialplan.h"
#include "pbx/pbx.h"

#define APP(name) extern const struct app app_##name;
#include "pbx/app/list.h"
#undef APP

/* send.c: digits to `to`, `ms` long and `gap` apart, with w, W and f among them; `ch` waits. 0, or -1: it has gone. */
int app_send_digits(struct channel *ch, struct channel *to, struct str digits, uint32_t gap, uint32_t ms);

#endif
