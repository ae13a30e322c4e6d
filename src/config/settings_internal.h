/* config/settings_internal.h -- what the readers of settings files share. */
#ifndef CONFIG_SETTINGS_INTERNAL_H
#define CONFIG_SETTINGS_INTERNAL_H

#include "config/settings.h"

struct settings_work {
	struct option_ctx ctx;
	struct config *c;       /* held; NULL: no such file */
	struct report *r;
};

int settings_begin(struct settings_work *w, struct arena *arena, struct report *r);
/* The same with an arena of its own, and the file read (settings_file()). Then, whatever
 * came of it, settings_end(). */
int settings_open(struct settings_work *w, struct arena **arena, const struct config_prm *prm, struct report *r,
		  const char *name);
void settings_end(struct settings_work *w);
/* ENOENT is none: everything has its default then. */
int settings_file(struct settings_work *w, const struct config_prm *prm, const char *name);
/* The defaults of `set`, then what the section says. Several sets may fill one
 * struct. A fault costs the option, which keeps its default. */
int settings_apply(struct settings_work *w, const struct option_set *set, void *obj, struct str section);

#endif
