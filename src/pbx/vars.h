/* pbx/vars.h -- variables of a channel, a GoSub frame or the globals.
 * Names fold no case. A leading _ (inherited once) or __ (always) belongs to
 * the stored name; a lookup names the variable without it. Threads: core. */
#ifndef PBX_VARS_H
#define PBX_VARS_H

#include "base/list.h"
#include "base/str.h"

struct vars {
	struct list head;       /* of struct var, newest first; zeroed is empty */
};
struct var {
	struct list link;
	struct str name;        /* with its underscores; views into this allocation */
	struct str value;
	char bytes[];
};
struct str vars_bare(struct str name);       /* without what says how it is inherited */
/* False: not set. The view lives until the variable changes. */
bool vars_get(const struct vars *v, struct str name, struct str *value);
int vars_set(struct vars *v, struct str name, struct str value);     /* value.p NULL: unset the newest; an empty one stays set */
int vars_push(struct vars *v, struct str name, struct str value);    /* shadows (LOCAL) */
void vars_free(struct vars *v);
/* Copy what a new channel inherits from its maker (_ and __). */
int vars_inherit(struct vars *to, const struct vars *from);

#endif
