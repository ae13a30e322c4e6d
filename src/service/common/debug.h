/* service/common/debug.h -- what whoever looks for a fault in media has asked to see: `rtp set debug`,
 * `rtcp set debug`, `rtcp set stats`, `stun set debug`, and the categories of `core set debug
 * category`. Packets come from media/trace.h. Threads: core. */
#ifndef SERVICE_COMMON_DEBUG_H
#define SERVICE_COMMON_DEBUG_H

#include "base/log.h"
#include "net/address.h"

struct service;

/* Named as in Asterisk, whose logger knows more of them. */
enum debug_category { DEBUG_RTP, DEBUG_RTP_PACKET, DEBUG_RTCP, DEBUG_RTCP_PACKET, DEBUG_DTLS, DEBUG_DTLS_PACKET, DEBUG_ICE,
	DEBUG_STUN, DEBUG_STUN_PACKET, DEBUG_CATEGORIES };
enum { DEBUG_ALL_LEVELS = 255 };

struct service_debug {
	uint8_t level[DEBUG_CATEGORIES];        /* lines up to it are shown; 0: off */
	bool stats;                     /* rtcp set stats on */
	bool reports;                   /* a manager hears RTCPSent and RTCPReceived */
	bool udptl_packets;             /* udptl set debug on */
	struct sa rtp, rtcp, udptl;     /* only packets from and to there; unset: all */
};

struct str debug_category_name(enum debug_category c);
/* DEBUG_CATEGORIES: there is none of that name. */
enum debug_category debug_category_of(struct str name);
/* What svc->debug says goes to the media threads. ENOMEM: they stay as they are. */
int service_debug_apply(struct service *svc);
/* Managers that come and go decide whether reports are told of. */
void service_debug_start(struct service *svc);
void service_debug_stop(struct service *svc);

/* A line of a category: shown when that is on, or else by `core set debug`. */
#define debug_line(svc, category, n, ...) \
	do { if ((svc)->debug.level[category] >= (n)) log_write(LOG_DEBUG, LOG_MODULE, 0, __VA_ARGS__); \
	     else log_debug((n), __VA_ARGS__); } while (0)

#endif
