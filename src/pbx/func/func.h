/* pbx/func/func.h -- the dialplan's functions: every row of list.h is one
 * `const struct func func_NAME`, defined in a file of this folder. */
#ifndef PBX_FUNC_FUNC_H
#define PBX_FUNC_FUNC_H

#include "base/buf.h"
#include "pbx/dialplan.h"
#include "pbx/pbx.h"

#define FUNC(name) extern const struct func func_##name;
#include "pbx/func/list.h"
#undef FUNC

#endif
