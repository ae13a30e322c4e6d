/* Gosub, Return and their kin: subroutines of the dialplan, with arguments and local variables. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/run.h"
#include <errno.h>

static int run_gosub(struct channel *ch, struct str data)
{
	if (!data.n) {
		log_error("GoSub needs [[context,]extension,]priority[(arguments)]");
		return -1;
	}
	return gosub(ch, data) ? -1 : 0;
}

static int run_gosub_if(struct channel *ch, struct str data)
{
	struct str condition, yes, no, where;

	run_branches(data, &condition, &yes, &no);
	where = str_trim(run_condition(str_trim(condition)) ? yes : no);
	return where.n && gosub(ch, where) ? -1 : 0;
}

static int run_return(struct channel *ch, struct str data)
{
	return gosub_return(ch, data) ? -1 : 0;
}

static int run_stack_pop(struct channel *ch, struct str data)
{
	int err = gosub_pop(ch);

	(void)data;
	if (err)
		log_warning("StackPop on %s, which is in no GoSub of the dialplan's", text_z(&ch->name));
	return err == EPERM ? -1 : 0;
}

const struct app app_gosub = { .name = "Gosub", .synopsis = "Go on elsewhere and come back at Return",
	.run = run_gosub };
const struct app app_gosub_if = { .name = "GosubIf", .synopsis = "GoSub if a condition holds", .run = run_gosub_if };
const struct app app_return = { .name = "Return", .synopsis = "Back to where GoSub was called", .run = run_return };
const struct app app_stack_pop = { .name = "StackPop", .synopsis = "Forget the last GoSub", .run = run_stack_pop };
