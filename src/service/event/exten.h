/* service/event/exten.h -- what exten.c knows and body_exten.c writes. */
#ifndef SERVICE_EVENT_EXTEN_H
#define SERVICE_EVENT_EXTEN_H

#include "pbx/devstate.h"
#include "service/event/private.h"

struct exten_watch {            /* node.watch */
	struct hint_watch *hint;        /* held */
	int state;                      /* as last told */
};

#endif
