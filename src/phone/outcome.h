/* phone/outcome.h -- how a call or a request ended, in words for scripts, and the exit code of each.
 * Threads: touches only its arguments. */
#ifndef PHONE_OUTCOME_H
#define PHONE_OUTCOME_H

#include "base/str.h"

enum outcome {
	OUTCOME_NONE,           /* it is not over */
	OUTCOME_ANSWERED,
	OUTCOME_ACCEPTED,
	OUTCOME_REGISTERED,
	OUTCOME_NOTIFIED,
	OUTCOME_BUSY,
	OUTCOME_DECLINED,
	OUTCOME_NO_ANSWER,
	OUTCOME_UNAVAILABLE,
	OUTCOME_NOT_FOUND,
	OUTCOME_INCOMPATIBLE,
	OUTCOME_REDIRECTED,
	OUTCOME_UNAUTHORIZED,
	OUTCOME_CANCELED,
	OUTCOME_DISCONNECTED,
	OUTCOME_FAILED,
	OUTCOMES
};

/* Codes that are no outcome's. */
#define EXIT_EXPECTED 0
#define EXIT_USAGE 2
#define EXIT_UNEXPECTED 20      /* not what --expect said */
#define EXIT_INTERRUPTED 130

struct outcome_row {
	const char *word;
	int exit_code;
	const char *help;
};
const struct outcome_row *outcome_row(enum outcome o);       /* OUTCOME_NONE: of no use */
/* By the final status if there was one, else by the cause in SIP.js's words. */
enum outcome outcome_of(unsigned status, const char *cause);
/* Does `expected`, a word or a status such as "486", say what came? */
bool outcome_is(enum outcome o, unsigned status, struct str expected);
bool outcome_is_known(struct str expected);  /* a word of ours, or a status */

#endif
