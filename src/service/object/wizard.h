/* service/object/wizard.h -- pjsip_wizard.conf: one section for all the objects of a phone
 * or a trunk. A wizard becomes sections as pjsip.conf would have them.
 * Threads: any; touches only its arguments. */
#ifndef SERVICE_OBJECT_WIZARD_H
#define SERVICE_OBJECT_WIZARD_H

#include "service/object/object.h"

/* One made section. It lives in the arena; its lines are the wizard's. */
typedef int wizard_section_fn(void *arg, enum object_type t, struct config_section *s);
typedef int wizard_hint_fn(void *arg, struct wizard_hint h);

struct wizard_prm {
	struct option_ctx *ctx;         /* its arena and intern hold the hints */
	struct arena *arena;            /* for the sections: may go when they were read */
	struct report *r;
	wizard_section_fn *section;
	wizard_hint_fn *hint;
	void *arg;
};
/* Errors of the callbacks, ENOMEM; faults of a wizard are reported and cost only what
 * they are about. */
int wizard_expand(const struct wizard_prm *prm, const struct config *c);

extern const struct option_set wizard_options;

#endif
