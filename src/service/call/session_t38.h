/* service/call/session_t38.h -- a call that becomes a fax call over T.38 and goes back: its state, who asked for
 * it, and what both sides have said (pbx/t38.h is the channel's side of it).
 *
 *                  IND_T38 negotiate               2xx with an image stream
 *   DISABLED, ─────────────────────────▶ LOCAL ─────────────────────────────▶ ENABLED
 *   REJECTED  ◀───────────────────────────┘ any other: CE_T38 refused           ▲ │
 *      │ ▲                                                                      │ │ IND_T38 terminate: a re-INVITE to
 *      │ └───────────────── IND_T38 refused, 5 s: 488 ──────────────────┐       │ │ sound; the peer's: CE_T38 terminated
 *      │ their re-INVITE to image: CE_T38 negotiate                     │       │ ▼
 *      └──────────────────────────────────────────────────────────▶ PEER ──────┘ DISABLED
 *                                                                        IND_T38 negotiate: 200
 * Threads: core. */
#ifndef SERVICE_CALL_SESSION_T38_H
#define SERVICE_CALL_SESSION_T38_H

#include "service/call/session.h"

struct t38_parameters;
struct media_set;

enum session_t38_state { SESSION_T38_DISABLED, SESSION_T38_LOCAL, SESSION_T38_PEER, SESSION_T38_ENABLED, SESSION_T38_REJECTED };

/* Of this session, made when first needed; NULL: ENOMEM. */
struct session_t38 *session_t38_get(struct session *s);

/* session_t38.c: what the channel asks and is asked. */
int session_t38_indicate(struct session *s, const struct t38_parameters *p);         /* IND_T38 */
int session_t38_channel_state(const struct session *s);                              /* enum t38_state */
const char *session_t38_name(const struct session *s);                               /* CHANNEL(pjsip,t38state) */
struct media_session *session_t38_media(struct session *s);                          /* NULL: not ENABLED */
/* Their offer with an image stream was taken: true: it waits until the other side has said what it thinks. `without`: what
 * the offer comes to without T.38: 0, or the status to refuse it with. */
bool session_t38_must_wait(struct session *s, unsigned (*without)(struct session *s));
void session_t38_settle(struct session *s);          /* an answer, ours or theirs, is in force */
void session_t38_refreshed(struct session *s, const struct sip_msg *msg);    /* our re-INVITE is over; NULL: without an answer */
void session_t38_failed(struct session *s);          /* the exchange under way came to nothing */
void session_t38_end(struct session *s);
void session_t38_free(struct session *s);

/* session_t38_sdp.c: what it makes of offers, answers and ports. */
/* May an image stream of this offer be taken? */
bool session_t38_fits(const struct session *s, const struct sdp *offer);
/* Our next offer is about fax, or leads back to sound: true, and its streams are set. `all`: formats of the endpoint,
 * for a call that had no sound. *err */
bool session_t38_offer(struct session *s, const struct formats *all, int *err);
void session_t38_keep(struct session *s);            /* their offer comes: what is in force may be needed again */
void session_t38_read(struct session *s);            /* what their SDP has said */
void session_t38_write(struct session *s);           /* what our next one says */
unsigned session_t38_far_max_ifp(struct session *s); /* [bytes] */
void session_t38_set(struct session *s, struct media_set *set);
/* Where UDPTL is bound and shown. */
void session_t38_bind(struct session *s, const struct sa *shown, struct sa *bind);

#endif
