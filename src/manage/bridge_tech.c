/* Technologies of bridges: a table for what managers and consoles ask of them. */
#include "manage/bridge_tech.h"
#include <errno.h>

static const struct bridge_tech rows[] = {
	{ "native_rtp", "Native", 90, true }, { "holding_bridge", "Holding", 50, false }, { "simple_bridge", "1to1Mix", 50, false },
};

const struct bridge_tech *bridge_tech_at(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct bridge_tech *bridge_tech_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(name, str_z(rows[i].name)))
			return &rows[i];
	return NULL;
}

bool bridge_tech_suspended(const struct pbx *p, const struct bridge_tech *t)
{
	return t->may_rest && p->native_suspended;
}

int bridge_tech_suspend(struct pbx *p, const struct bridge_tech *t, bool yes)
{
	if (!t->may_rest)
		return yes ? ENOTSUP : 0;
	p->native_suspended = yes;
	return 0;
}
