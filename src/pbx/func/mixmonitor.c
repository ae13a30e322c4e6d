/* MIXMONITOR(id,filename) */
#define LOG_MODULE "mixmonitor"
#include "base/log.h"
#include "pbx/func/func.h"
#include "pbx/mixmonitor.h"
#include <errno.h>

static int read_mixmonitor(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2] = { { 0 } };
	struct mixmonitor *m;

	(void)p;
	pbx_args(args, v, ARRAY_LEN(v));
	if (!ch || !v[0].n || !v[1].n) {
		log_warning("MIXMONITOR wants an id and a key, as in MIXMONITOR(${ID},filename)");
		return EINVAL;
	}
	m = mixmonitor_find(ch, v[0]);
	if (!m) {
		log_warning("Could not find MixMonitor with ID %.*s", STR_ARG(v[0]));
		return ENOENT;
	}
	if (!str_ieq(v[1], STR("filename"))) {
		log_warning("MIXMONITOR knows no '%.*s', only filename", STR_ARG(v[1]));
		return EINVAL;
	}
	buf_put(out, text_view(&m->file[RECORD_MIXED]));
	return 0;
}

const struct func func_mixmonitor = { .name = "MIXMONITOR", .synopsis = "What a recording of the channel is", .read = read_mixmonitor };
