/* tests/unit/media_net.h -- a media over a network that is the test's own (struct media_net):
 * no socket, no real time. One of each a program. */
#ifndef TESTS_MEDIA_NET_H
#define TESTS_MEDIA_NET_H

#include "base/obj.h"
#include "media/rtp.h"
#include "media_seen.h"

enum { PLACES = 640 };
struct net {
	struct sa at[PLACES];           /* unset: free */
	uint16_t taken[2], but;         /* ports that somebody else has, from .. to, but this one */
	size_t opens, again;            /* tried, and tried before */
	bool tried[65536];
	bool down;                      /* nothing leaves */
	struct media *watched;          /* look at what it is doing whenever something is sent: */
	struct media_watch seen;
	size_t n, nrtcp;                /* packets sent, of either kind */
	struct sent { int place; struct sa to; size_t n; uint8_t b[1500]; } sent[400], rtcp[700];
};

extern struct clock_fake clk;
extern struct net net;
extern struct media *m;
extern struct sa far_x, far_y;          /* the phones of x and y */
enum { SSRC = 9 };                      /* of net_rtp() */

int net_up(void **state);
int net_down(void **state);              /* not 0: a place or an object is left */
struct media_prm net_prm(void);          /* of a media on this network */
size_t net_places(void);                 /* that are open */
/* `x`: where its events are kept. Optional. */
struct media_session *session(struct seen *x);
struct media_set to_phone(const struct sa *far, enum format_id f, uint8_t pt);
/* A packet of noise arrives; true: somebody was there to take it. */
bool net_rtp(const struct sa *local, const struct sa *from, uint16_t seq);
void pass(unsigned ms);

#endif
