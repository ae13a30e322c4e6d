/* ${...} with every function that touches nothing outside, from any bytes: the
 * first line is put into ${A}, the rest is substituted. */
#include "base/buf.h"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct channel_tech quiet = { .type = "Fuzz", .description = "does nothing" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pbx *p;   /* making one costs more than most inputs */
	char *copy = malloc(size ? size : 1);
	struct pbx_prm prm = { 0 };
	struct channel_new_prm cp = { .tech = &quiet, .stem = STR("x"), .caller_number = STR("100") };
	struct channel *ch;
	struct buf out = { .max = 1 << 16 };
	struct str rest = str_mk(copy, size), line;
	struct args a;

	log_set_mask(0);
	if (!copy || (!p && pbx_new(&p, &prm)))
		abort();
	if (size)
		memcpy(copy, data, size);
	cp.pbx = p;
	if (channel_new(&ch, &cp))
		abort();
	line = str_cut_raw(&rest, '\n');
	(void)pbx_setvar(p, ch, STR("A"), line.p ? line : STR(""));
	pbx_substitute(p, ch, rest, &out);
	buf_reset(&out);
	(void)pbx_setvar(p, ch, str_cut_raw(&rest, '='), rest.p ? rest : STR(""));
	if (!args_split(&a, str_mk(copy, size), ',', 8))
		args_free(&a);
	(void)pbx_option(str_mk(copy, size), 'b', &line);
	channel_destroy(ch);
	vars_free(&p->globals);
	buf_free(&out);
	free(copy);
	return 0;
}
