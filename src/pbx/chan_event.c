/* An event of a channel, from its making until it is freed. */
#include "base/obj.h"
#include "pbx/channel_private.h"
#include <stdlib.h>

struct chan_event *chan_event_new(enum chan_event_type t)
{
	struct chan_event *e = calloc(1, sizeof(*e));

	if (e)
		e->type = t;
	return e;
}

void chan_event_free(struct chan_event *e)
{
	if (!e)
		return;
	text_free(&e->text);
	text_free(&e->text2);
	if (e->party) {
		party_free(e->party);
		free(e->party);
	}
	if (e->redirecting) {
		redirecting_free(e->redirecting);
		free(e->redirecting);
	}
	obj_drop(e->data);
	free(e);
}

/* Without it a call would stay as it is for ever. */
bool chan_event_decides(enum chan_event_type t)
{
	return t <= CE_INCOMPLETE || t == CE_FORWARD || t == CE_PLAY_DONE || t == CE_WAKE;
}
