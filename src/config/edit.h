/* config/edit.h -- changes to the text of a configuration file that leave its comments and its
 * layout alone. Only what stands in the file itself is changed: what it includes is not.
 * Positions count the variables of a section as Asterisk does: those of its templates first, then
 * its own, from 0. Threads: touches only its arguments. */
#ifndef CONFIG_EDIT_H
#define CONFIG_EDIT_H

#include "config/reader.h"

struct edit;

/* `text`: the file. `c`: what config_load() or config_parse() read of it; file number 0. ENOMEM. */
int edit_new(struct edit **out, struct str text, const struct config *c);
void edit_free(struct edit *e);
/* The whole file as it is now. */
int edit_write(const struct edit *e, struct buf *b);

/* Which sections: by name (case folded); of the same name those whose `filter` fits (terms NAME=VALUE
 * joined by commas, compared whole; TEMPLATES=include, restrict), without one those that are no templates. */
struct edit_where {
	struct str section, filter;
};

/* All: 0; ENOENT no such section; ESRCH no such variable (or place); EEXIST; EINVAL a name or a value that
 * no line can hold; ENOMEM. */
struct edit_section {
	struct str name, before;        /* before: the section it comes in front of; empty: at the end */
	const struct str *bases;        /* of which it inherits */
	size_t nbases;
	bool is_template, again;        /* again: although there is one of that name */
};
int edit_section_add(struct edit *e, const struct edit_section *s);  /* EDOM: a base is no template */
int edit_section_rename(struct edit *e, const struct edit_where *w, struct str name);
int edit_section_delete(struct edit *e, const struct edit_where *w);
int edit_section_empty(struct edit *e, const struct edit_where *w);
/* The first of the name whose value is `match` (case folded; empty: any). */
int edit_set(struct edit *e, const struct edit_where *w, struct str name, struct str value, struct str match, bool arrow);
/* All of the name (whose value is `match`), or, with `at` >= 0, the one of that place. */
int edit_delete(struct edit *e, const struct edit_where *w, struct str name, struct str match, long at);
int edit_append(struct edit *e, const struct edit_where *w, struct str name, struct str value, bool arrow);
int edit_insert(struct edit *e, const struct edit_where *w, struct str name, struct str value, long at);

#endif
