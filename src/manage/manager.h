/* manage/manager.h -- the manager interface (AMI): peers on TCP that send
 * actions and get events. Threads: core. */
#ifndef MANAGE_MANAGER_H
#define MANAGE_MANAGER_H

#include "manage/manage.h"

#define AMI_VERSION "11.0.0"

int manager_new(struct manager **out, struct manage *m);
void manager_stop(struct manager *mgr);      /* NULL is fine */
int manager_set_conf(struct manager *mgr, struct manager_conf *conf, struct report *r);
void manager_listen_events(struct manager *mgr);     /* manage->pbx is there now */
/* Where it listens; unset: nowhere. */
struct sa manager_bound(const struct manager *mgr);

struct web;
/* Served by `web` too, or no longer. ENOMEM. */
int manager_set_web(struct manager *mgr, struct web *web);

#endif
