/* config/modules.c -- modules.conf, of which two things count here: what must not be there, and what
 * is there only when it is named. */
#include "config/reader.h"
#include "config/settings.h"
#include "base/poison.h"

/* "res_srtp.so", "res_srtp" */
static bool is_module(struct str a, struct str b)
{
	a = str_trim(a);
	if (str_ends(a, STR(".so")))
		a.n -= 3;
	if (str_ends(b, STR(".so")))
		b.n -= 3;
	return str_ieq(a, b);
}

static bool says(const struct config_prm *prm, const struct str *words, size_t n, struct str module)
{
	struct config *c = NULL;
	const struct config_section *s;
	bool found = false;

	if (config_load(&c, prm, "modules.conf", NULL))
		return false;
	s = config_section_get(c, STR("modules"));
	for (const struct config_var *v = s ? s->first : NULL; v; v = v->next)
		for (size_t i = 0; i < n; i++)
			found = found || (str_ieq(v->name, words[i]) && is_module(v->value, module));
	config_free(c);
	return found;
}

bool modules_conf_noload(const struct config_prm *prm, struct str module)
{
	const struct str word = STR_INIT("noload");

	return says(prm, &word, 1, module);
}

bool modules_conf_load(const struct config_prm *prm, struct str module)
{
	static const struct str words[] = { STR_INIT("load"), STR_INIT("preload"), STR_INIT("require"),
		STR_INIT("preload-require") };

	return says(prm, words, ARRAY_LEN(words), module) && !modules_conf_noload(prm, module);
}
