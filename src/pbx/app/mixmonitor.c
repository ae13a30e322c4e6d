/* MixMonitor, StopMixMonitor. */
#include "pbx/app/app.h"
#include "pbx/mixmonitor.h"

/* MixMonitor(file[,options[,command]]) */
static int run_start(struct channel *ch, struct str data)
{
	return mixmonitor_start(ch, data) ? -1 : 0;
}

/* StopMixMonitor([id]) */
static int run_stop(struct channel *ch, struct str data)
{
	(void)mixmonitor_stop(ch, str_trim(data));
	return 0;
}

const struct app app_mixmonitor = { .name = "MixMonitor", .synopsis = "Record a call", .run = run_start };
const struct app app_stop_mixmonitor = { .name = "StopMixMonitor", .synopsis = "End a recording; its files are complete then",
	.run = run_stop };
