/* main/server_private.h -- what server.c, media.c and reload.c share. */
#ifndef MAIN_SERVER_PRIVATE_H
#define MAIN_SERVER_PRIVATE_H

#include "base/entity.h"
#include "main/memory.h"
#include "main/server.h"
#include "main/watchdog.h"
#include "manage/manage.h"
#include "media/media.h"
#include "net/dns.h"
#include "net/statsd.h"
#include "service/service.h"
#include "store/astdb.h"
#include "store/contact.h"
#include "store/publication.h"
#include "store/store.h"
#include "store/subscription.h"

#define SERVER_SIGNALS 4

struct server {
	struct server_prm prm;
	struct report *report;          /* of the start; NULL once up */
	struct asterisk_conf *conf;     /* held */
	struct own_conf *own;           /* held */
	struct config_prm cprm;
	struct loop *loop;
	struct logger *logger;
	struct manage *manage;
	struct store *store;
	struct astdb *db;
	struct contact_store *contacts;
	struct subscription_store *kept;
	struct publication_store *kept_publications;
	struct media *media;
	struct rtp_conf *rtp;           /* held; in force */
	struct udptl_conf *udptl;       /* the same */
	struct dns *dns;
	struct statsd *statsd;
	struct pbx *pbx;
	struct service *service;
	struct watchdog *watchdog;      /* from the boot until the stop; NULL: not wanted */
	struct text socket, sounds;
	char entity[ENTITY_ID + 1];     /* our own id, where asterisk.conf has none */
	size_t port_pairs;              /* in the range of rtp.conf */
	uint32_t silence_threshold;     /* dsp.conf */
	uint64_t started_us;
	uv_signal_t signals[SERVER_SIGNALS];
	struct timer stop_timer;
	struct memory_watch memory;
	enum manage_stop stop_how;
	uint64_t stop_by_ms;
	bool stopping, restart, reloading;
	bool leaving;                   /* stopping, and the last call is gone */
};

void server_stop(struct server *s, enum manage_stop how, bool restart);
int server_media_reload(struct server *s);
void server_udptl(struct server *s);          /* what udptl.conf says of calls */
int server_ice_reload(struct server *s);
void server_share(struct server *s);          /* what there is of ports and calls, among those who want them */

#endif
