/* Configuration text: the reader, every object's parser, and what a reload keeps. */
#include "config/settings.h"
#include "service/object/settings.h"
#include "service/object/wizard.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void manager(struct str text)
{
	struct manager_conf *m = NULL;

	if (!manager_conf_parse(&m, text, NULL, NULL))
		obj_drop(m);
}

static int section(void *arg, enum object_type t, struct config_section *s)
{
	(void)arg;
	return s && t < OBJECT_TYPES ? 0 : 1;
}

static int hint(void *arg, struct wizard_hint h)
{
	(void)arg, (void)h;
	return 0;
}

static void wizard(struct str text)
{
	struct arena *a = arena_new(0);
	struct option_ctx ctx = { .arena = a, .intern = intern_new(a) };
	struct wizard_prm prm = { .ctx = &ctx, .arena = a, .section = section, .hint = hint };
	struct config_prm none = { 0 };
	struct config *c = NULL;

	if (!config_parse(&c, &none, STR("w"), text, NULL))
		wizard_expand(&prm, c);
	config_free(c);
	intern_free(ctx.intern);
	arena_free(a);
}

/* The second half as a reload of the first: bad objects are then copied. */
static void reload(struct str text)
{
	struct snapshot *a = NULL, *b = NULL;
	struct report *r = report_new();
	size_t cut = text.n / 2;

	if (!snapshot_parse(&a, text, str_skip(text, cut), NULL, r) &&
	    !snapshot_parse(&b, str_skip(text, cut), text, a, r))
		obj_drop(b);
	obj_drop(a);
	report_free(r);
}

static void show_all(struct str text)
{
	struct snapshot *s = NULL;
	struct buf b = BUF_INIT;

	if (snapshot_parse(&s, text, STR(""), NULL, NULL))
		return;
	for (size_t t = 0; t < OBJECT_TYPES; t++)
		for (size_t i = 0; i < s->list[t].n; i++)
			option_each(o, object_options((enum object_type)t))
				option_write(&b, o, s->list[t].v[i], true);
	buf_free(&b);
	obj_drop(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t before = obj_live();
	char *exact;

	if (size > 20000)
		return 0;
	/* A block of exactly this size, so that reading one byte more is seen. */
	exact = malloc(size ? size : 1);
	if (!exact)
		return 0;
	if (size)
		memcpy(exact, data, size);
	show_all(str_mk(exact, size));
	reload(str_mk(exact, size));
	manager(str_mk(exact, size));
	wizard(str_mk(exact, size));
	free(exact);
	if (obj_live() != before)
		abort();
	return 0;
}
