/* tests/fuzz/server_media.h -- the network of RTP in memory, and who sends there. */
#ifndef FUZZ_SERVER_MEDIA_H
#define FUZZ_SERVER_MEDIA_H

#include "media/media.h"
#include "server_step.h"

struct media *media_net_open(struct loop *l);        /* NULL: no memory */
void media_net_reload(unsigned how);
void media_net_close(struct media *m);
void media_net_sounds(void);            /* once: a directory of sounds to play */
struct str media_net_dir(void);
/* A file there: `head`, and `n` bytes of sound after it. */
void media_net_file(const char *name, const void *head, size_t head_n, unsigned n);
void media_net_folder(const char *name);
size_t media_net_places(void);          /* open now */
void media_step_rtp(const struct step *s);
void media_step_rtcp(const struct step *s);
void media_step_digit(const struct step *s);
/* For those who send there: the n-th place that is open, by its number or by its port; -1: none. */
int media_net_nth(unsigned n);
int media_net_place_of(uint16_t port);
bool media_net_is_open(int place);
void media_net_at(int place, struct sa *at);
/* Where phone `who` has its end of that place. */
void media_net_phone(int place, unsigned who, struct sa *from);
void media_net_deliver(int place, const struct sa *from, const uint8_t *p, size_t n);
/* The next RTP header of that place: 12 bytes. */
void media_net_head(uint8_t *p, int place, uint8_t pt, uint8_t gap, uint32_t samples);
/* What the library gave to a pool thread; true: there was some. */
bool work_turn(void);

#endif
