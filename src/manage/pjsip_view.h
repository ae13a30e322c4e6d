/* manage/pjsip_view.h -- what the console and the manager show of SIP objects:
 * the pieces that both need. Threads: core. */
#ifndef MANAGE_PJSIP_VIEW_H
#define MANAGE_PJSIP_VIEW_H

#include "manage/manage.h"
#include "service/place/location.h"
#include "service/service.h"

/* All objects of a type by name; n of them, free() the array. They live as long
 * as the snapshot is held. NULL with n 0: none. */
const struct object **view_sorted(struct manage *m, const struct snapshot *conf, enum object_type t, size_t *n);
/* All contacts by id, each held; view_contacts_free(). Both sort in steps, so what is
 * not held may be gone after them. */
struct contact **view_contacts(struct manage *m, size_t *n);
struct contact **view_aor_contacts_held(struct service *svc, struct str aor, size_t *n);      /* of one AOR */
void view_contacts_free(struct contact **v, size_t n);

/* identify objects by the endpoint they name. Sorts in steps, too; `conf` is held. */
struct view_identifies;
struct view_identifies *view_identifies_new(struct manage *m, const struct snapshot *conf);
void view_identifies_free(struct view_identifies *v);
/* for (i = 0; (id = view_identify(v, ep, i)); i++) */
const struct identify_conf *view_identify(const struct view_identifies *v, struct str endpoint, size_t i);

const char *view_device_state(struct service *svc, struct str endpoint);     /* "Not in use" */
unsigned view_channels(struct service *svc, struct str endpoint);            /* how many it has now */
/* "aor/uri,aor/uri" (with `tail` also a comma at the end, as EndpointList has). */
void view_aor_contacts(struct service *svc, struct str aor, bool tail, struct buf *b);
/* True: the option of this object is shown to users. */
bool view_shown(const struct option *o, const struct object *obj);
/* An option of an object as text; secrets only with `reveal`. AOR contacts come from `svc`. */
void view_option(struct service *svc, const struct option *o, const struct object *obj, bool reveal, struct buf *b);
/* TIMEOUT(absolute) as a time of the day [s]; 0: none. */
int64_t view_hangup_time(struct manage *m, struct channel *ch);
void view_hms(struct buf *b, int64_t seconds);                               /* "00:01:02" */

/* An outbound registration now: "Registered", "Unregistered", "Rejected", ...; *left:
 * [s] until the next attempt; 0: none is planned. */
const char *view_registration(struct service *svc, struct str name, int64_t *left);

void view_qualify_aor(struct service *svc, struct str aor);

/* Into or out of maintenance: 1 it changed, 0 it was so, -ENOMEM. */
int view_set_maintenance(struct service *svc, struct str endpoint, bool on);
bool view_maintenance(const struct service *svc, struct str endpoint);
void view_maintenance_free(struct service *svc);     /* all of them out, before the service goes */
/* PJSIPMaintenanceStatus to all managers. */
void view_tell_maintenance(struct service *svc, struct str endpoint, bool on);

#endif
