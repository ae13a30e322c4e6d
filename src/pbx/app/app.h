/* pbx/app/app.h -- the applications: every row of list.h is one
 * `const struct app app_NAME`, defined in a file of this folder. */
#ifndef PBX_APP_APP_H
#define PBX_APP_APP_H

#include "pbx/dialplan.h"
#include "pbx/pbx.h"

#define APP(name) extern const struct app app_##name;
#include "pbx/app/list.h"
#undef APP

/* Digits, w and W (half a second, a second) and f (flash) to TO, as long as MS with GAP between them, while CH waits
 * on its fiber. -1: CH is to hang up. */
int app_send_digits(struct channel *ch, struct channel *to, struct str digits, uint32_t gap, uint32_t ms);

#endif
