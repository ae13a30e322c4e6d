/* extensions.conf from any bytes: read, searched, shown. */
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/dialplan.h"
#include "pbx/devstate.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fault(void *arg, struct str file, unsigned line, struct str text)
{
	(void)arg, (void)file, (void)line, (void)text;
}

static void search(struct pbx *p)
{
	static const struct str names[] = { STR_INIT("100"), STR_INIT("1"), STR_INIT("_X."), STR_INIT("s"),
		STR_INIT(""), STR_INIT("1-2") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)dialplan_exists(p, STR("c"), names[i], 1, STR("200"));
		(void)dialplan_can_grow(p, STR("c"), names[i], STR_NULL);
		(void)dialplan_label(p, STR("c"), names[i], STR("l"), STR_NULL);
		(void)hint_state(p, STR("c"), names[i], NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_prm cp = { .dir = NULL };
	struct pbx_prm prm = { 0 };
	char *copy = malloc(size ? size : 1);
	struct vars globals = { 0 };
	struct dialplan *d = NULL;
	struct config *cfg = NULL;
	struct buf out = BUF_INIT;
	struct pbx *p;

	log_set_mask(0);
	if (!copy || pbx_new(&p, &prm))
		abort();
	if (size)
		memcpy(copy, data, size);
	if (!config_parse(&cfg, &cp, STR("extensions.conf"), str_mk(copy, size), NULL)) {
		if (!dialplan_build(&d, cfg, &globals, fault, NULL)) {
			config_free(cfg);
			cfg = NULL;
			dialplan_install(p, d, &globals);
			search(p);
			dialplan_show(p, STR(""), &out);
			dialplan_show(p, STR("100@c"), &out);
		}
		config_free(cfg);
	}
	vars_free(&globals);
	pbx_free(p);
	buf_free(&out);
	free(copy);
	return 0;
}
