/* service/call/channel_tech.h -- PJSIP as a channel technology. */
#ifndef SERVICE_CALL_CHANNEL_TECH_H
#define SERVICE_CALL_CHANNEL_TECH_H

#include "service/call/session.h"

int channel_tech_register(struct pbx *p);
void channel_tech_setup(struct session *s);
/* The user of our Contact in an INVITE of ours. */
struct str channel_tech_contact_user(struct session *s);
void channel_tech_to_header(struct session *s, struct sip_out *o);

#endif
