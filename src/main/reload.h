/* main/reload.h -- reading configuration again while calls go on. Files are
 * read and objects built on a pool thread; the core only swaps pointers. */
#ifndef MAIN_RELOAD_H
#define MAIN_RELOAD_H

#include "main/server_private.h"

struct manage_hooks server_hooks(struct server *s);
/* At the start, on the core, before it serves: may block. */
int server_dialplan_reload(struct server *s);
int server_manager_reload(struct server *s);
int server_notify_reload(struct server *s);
int server_stir_reload(struct server *s);
int server_geolocation_reload(struct server *s);
int server_codecs_reload(struct server *s);
int server_statsd_start(struct server *s);
int server_dns_start(struct server *s);
void server_dns_stop(struct server *s);
/* SIGHUP */
void server_reload_in_background(struct server *s);

#endif
