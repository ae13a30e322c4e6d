/* config/modules.c -- modules.conf, of which one thing counts here: what must not be there. */
#include "config/reader.h"
#include "config/settings.h"
#include "base/poison.h"

bool modules_conf_noload(const struct config_prm *prm, struct str module)
{
	struct config *c = NULL;
	const struct config_section *s;
	bool off = false;

	if (config_load(&c, prm, "modules.conf", NULL))
		return false;
	s = config_section_get(c, STR("modules"));
	for (const struct config_var *v = s ? s->first : NULL; v; v = v->next)
		off = off || (str_ieq(v->name, STR("noload")) && str_ieq(str_trim(v->value), module));
	config_free(c);
	return off;
}
