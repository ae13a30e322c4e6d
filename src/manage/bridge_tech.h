/* manage/bridge_tech.h -- inside manage/: the ways in which a bridge can join its members, under the names
 * that Asterisk has for them. Threads: core. */
#ifndef MANAGE_BRIDGE_TECH_H
#define MANAGE_BRIDGE_TECH_H

#include "pbx/pbx.h"

struct bridge_tech {
	const char *name, *type;
	unsigned priority;
	bool may_rest;          /* the others do without it: bridge_tech_suspend() */
};
const struct bridge_tech *bridge_tech_at(size_t i);          /* NULL: no more */
const struct bridge_tech *bridge_tech_named(struct str name);        /* NULL: none */
bool bridge_tech_suspended(const struct pbx *p, const struct bridge_tech *t);
/* From now on, or no longer; calls that are joined so stay until something of them changes.
 * ENOTSUP: no other one could join them in its place. */
int bridge_tech_suspend(struct pbx *p, const struct bridge_tech *t, bool yes);

#endif
