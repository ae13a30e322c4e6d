/* service/subscription/exten.h -- what exten.c knows and body_exten.c writes. */
#ifndef SERVICE_SUBSCRIPTION_EXTEN_H
#define SERVICE_SUBSCRIPTION_EXTEN_H

#include "pbx/devstate.h"
#include "service/subscription/private.h"

struct exten_watch {            /* node.watch */
	struct hint_watch *hint;        /* held */
	int state;                      /* as last told */
};

#endif
