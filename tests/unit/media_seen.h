/* tests/unit/media_seen.h -- what a test of media sessions is told, kept to be looked at, and
 * the sound it gives them. */
#ifndef TESTS_MEDIA_SEEN_H
#define TESTS_MEDIA_SEEN_H

#include "media/media.h"

struct seen {
	struct media_event e[64];
	size_t n;
};

extern const uint8_t noise[160];        /* of a packet */
extern struct media_stats got;          /* what on_stats() was last told ... */
extern int got_n;                       /* ... and how often it was called */

/* The handler of a session whose `arg` is a struct seen. */
void on_event(void *arg, struct media_session *s, const struct media_event *e);
void on_stats(void *arg, const struct media_stats *st);
size_t count(const struct seen *x, enum media_event_type t);
const struct media_event *last(const struct seen *x, enum media_event_type t);      /* NULL: none came */
struct sound *ulaw_sound(size_t samples, uint8_t byte);

#endif
