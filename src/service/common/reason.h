/* service/common/reason.h -- why things went as they did. Each choice and refusal is
 * a record in a ring: the log line, the security event, the counter and the answer of
 * `pjsip explain` come from it. Threads: core. */
#ifndef SERVICE_COMMON_REASON_H
#define SERVICE_COMMON_REASON_H

#include "base/clock.h"
#include "net/address.h"

enum reason_step { REASON_PARSE, REASON_IDENTIFY, REASON_ACL, REASON_AUTH, REASON_ROUTE, REASON_REGISTER,
	REASON_SESSION, REASON_CODEC, REASON_TRANSPORT, REASON_OVERLOAD, REASON_STEPS };
enum reason_verdict { REASON_OK, REASON_CHALLENGED, REASON_REFUSED, REASON_DROPPED, REASON_VERDICTS };

struct reasons;
/* Remembers `slots` of usual length. NULL: ENOMEM. */
struct reasons *reasons_new(const struct clock *c, size_t slots);
void reasons_free(struct reasons *r);
void reason_add(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
		struct str endpoint, const struct sa *peer, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
/* The same for what every request passes: its words are joined, not printed. */
#define reason_cat(r, step, verdict, status, endpoint, peer, ...) \
	reason_catv((r), (step), (verdict), (status), (endpoint), (peer), (const struct str[]){ __VA_ARGS__ }, \
		    sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))
void reason_catv(struct reasons *r, enum reason_step step, enum reason_verdict verdict, unsigned status,
		 struct str endpoint, const struct sa *peer, const struct str *words, size_t n);
/* The newest first that are about `what`: an endpoint's name or an address
 * (with or without port); empty: all. At most `max` lines. */
void reasons_explain(const struct reasons *r, struct str what, size_t max, struct buf *out);
/* The newest `max` as lines to `fd`, for a process that dies: allocates nothing and
 * takes no lock. */
void reasons_dump(const struct reasons *r, size_t max, int fd);
uint64_t reasons_count(const struct reasons *r, enum reason_step step, enum reason_verdict verdict);
const char *reason_step_name(enum reason_step s);
const char *reason_verdict_name(enum reason_verdict v);

#endif
