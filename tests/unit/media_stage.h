/* tests/unit/media_stage.h -- what the tests of media over real sockets stand on: a media
 * on 127.0.0.1 under a clock of the test's, and three phones. One of each a program. */
#ifndef TESTS_MEDIA_STAGE_H
#define TESTS_MEDIA_STAGE_H

#include "base/obj.h"
#include "media/rtp.h"
#include "media_seen.h"

/* ---- a phone: two sockets and what came in by them */

enum { KEEP = 400 };

struct phone {
	int fd[2];
	struct sa at;
	uint16_t seq;
	uint32_t ts, ssrc;
	struct rtp rx[KEEP];
	uint8_t pay[KEEP][400];
	size_t n;
};

int sock_bind(struct sa *at);            /* on 127.0.0.1, a port of the kernel's choice */
void phone_open(struct phone *p);
void phone_close(struct phone *p);
void phone_raw(struct phone *p, struct media_session *to, const void *pkt, size_t n);
void phone_send(struct phone *p, struct media_session *to, uint8_t pt, const void *pay, size_t n, uint32_t ticks);
void phone_event(struct phone *p, struct media_session *to, uint8_t pt, uint8_t event, uint16_t dur, bool end);
void phone_drop(struct phone *p);        /* what came is not looked at */
void phone_collect(struct phone *p);

/* ---- the stage */

extern struct clock_fake clk;
extern struct media *m;
extern struct phone a, b, c;
extern size_t live;                     /* objects before the test */

int media_up(void **state);
int media_up_with(unsigned min, unsigned max);       /* ... with this range of ports */
int media_up_threads(unsigned threads, uint32_t rtcp_ms);    /* ... in real time; `rtcp_ms` 0: as it is */
int media_down(void **state);            /* not 0: an object is left */
/* `x`: where its events are kept. Optional. */
struct media_session *session(struct seen *x);
struct media_set to_phone(const struct phone *p, enum format_id f, uint8_t pt, uint8_t te /* 0: no events */);
void settle(void);                       /* all that is on its way arrives */
void pass(unsigned ms);
/* A sound of three packets, "beep.ulaw", in a new directory. */
struct beep {
	char dir[32], path[64];
};
void beep_make(struct beep *f, uint8_t byte);
void beep_remove(struct beep *f);

#endif
