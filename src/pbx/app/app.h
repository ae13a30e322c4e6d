/* pbx/app/app.h -- the applications: every row of list.h is one
 * `const struct app app_NAME`, defined in a file of this folder. */
#ifndef PBX_APP_APP_H
#define PBX_APP_APP_H

#include "pbx/dialplan.h"
#include "pbx/pbx.h"

#define APP(name) extern const struct app app_##name;
#include "pbx/app/list.h"
#undef APP

#endif
