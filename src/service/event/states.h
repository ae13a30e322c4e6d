/* service/event/states.h -- states of devices and mailboxes that servers share by PUBLISH (events
 * asterisk-devicestate and asterisk-mwi; bodies in JSON). Threads: core. */
#ifndef SERVICE_EVENT_STATES_H
#define SERVICE_EVENT_STATES_H

#include "service/common/service.h"

/* What another server says, as the asterisk-publication section of that name takes it. 0; ENOENT: there is none
 * such; EBADMSG: it says nothing that is understood; ENOSPC, ENOMEM. */
int states_take(struct service *svc, struct str section, bool mailboxes, struct str type, struct str body);

#endif
