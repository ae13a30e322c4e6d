/* service/event/exten.h -- what exten.c knows and body_exten.c writes. */
#ifndef SERVICE_EVENT_EXTEN_H
#define SERVICE_EVENT_EXTEN_H

#include "pbx/devstate.h"
#include "service/event/private.h"

struct exten_watch {            /* node.watch */
	struct hint_watch *hint;        /* held */
	int state;                      /* as last told */
};

/* An extension and who is told of it. Views live as long as the call. */
struct exten_view {
	struct service *svc;
	struct str context, resource;
	int state;                      /* as enum EXTEN_* */
	struct str entity;              /* URI that is told about */
	struct str contact;             /* URI of who is told */
	struct str host;                /* that the parties of a call are at */
	struct str user_agent;          /* of who is told, lower case; empty: not known */
	bool early_inuse_ringing;       /* busy and ringing is "early" */
	uint32_t *version;              /* of dialog-info; counted on */
};
/* ENOENT: no such content type; `v` NULL asks just that. */
int exten_body(struct str type, const struct exten_view *v, struct buf *b);

#endif
