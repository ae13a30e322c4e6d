#include "pbx/app/app.h"

/* Answer([delay in ms]) */
static int run(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	uint32_t ms = 0;

	if (ch->hungup)
		return -1;
	pbx_args(data, v, ARRAY_LEN(v));
	if (v[0].n && str_u32(v[0], &ms))
		ms = 0;
	if (channel_answer(ch))
		return -1;
	return ms && channel_sleep(ch, ms) ? -1 : 0;
}

const struct app app_answer = { .name = "Answer", .synopsis = "Answer the call", .run = run };
