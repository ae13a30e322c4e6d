/* service/channel_tech.h -- PJSIP as a channel technology. */
#ifndef SERVICE_CHANNEL_TECH_H
#define SERVICE_CHANNEL_TECH_H

#include "service/session.h"

int channel_tech_register(struct pbx *p);
extern const struct channel_tech pjsip_tech;

#endif
