#include "pbx/app/app.h"

/* Answer([delay in ms][,i]); i: at once, without waiting for sound. */
static int run(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	uint32_t ms = 0;

	if (ch->hungup)
		return -1;
	pbx_args(data, v, ARRAY_LEN(v));
	if (v[0].n && str_u32(v[0], &ms))
		ms = 0;
	if (str_eq(v[1], STR("i")))
		return channel_answer(ch) ? -1 : 0;
	return channel_answer_settled(ch, ms) ? -1 : 0;
}

const struct app app_answer = { .name = "Answer", .synopsis = "Answer the call", .run = run };
