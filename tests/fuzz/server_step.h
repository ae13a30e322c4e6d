/* tests/fuzz/server_step.h -- a program: steps of 16 bytes, the first of which says
 * what it does. Any bytes are a program: numbers are taken modulo what there is. */
#ifndef FUZZ_SERVER_STEP_H
#define FUZZ_SERVER_STEP_H

#include "base/buf.h"

enum step_op { STEP_REQUEST, STEP_RESPONSE, STEP_TIME, STEP_PHONE, STEP_SDP, STEP_HEADER, STEP_REPEAT, STEP_RAW,
	STEP_RTP, STEP_RTCP, STEP_DIGIT, STEP_RELOAD, STEP_CONSOLE, STEP_MANAGER, STEP_PEER, STEP_MEMORY, STEP_DISK,
	STEP_NAMES, STEP_WIRE, STEP_RESTART, STEP_OPEN, STEP_FRAME, STEP_ICE, STEP_DTLS, STEP_SRTP, STEP_TRICKLE, STEP_OPS };

enum { STEP_SIZE = 16, STEPS_MAX = 96 };

struct step {
	uint8_t op, a[STEP_SIZE - 1];
};

/* What is in the slots of a request and a response. */
enum { RQ_METHOD, RQ_PHONE, RQ_DIALOG, RQ_EXTEN, RQ_NUMBERS, RQ_AUTH, RQ_SDP, RQ_EDIT, RQ_EDIT_ARG, RQ_HEADERS,
	RQ_MORE, RQ_VALUE, RQ_PATH, RQ_BODY, RQ_FLAGS };
enum { RS_REQUEST, RS_STATUS, RS_CODE, RS_TAG, RS_SDP, RS_EDIT, RS_EDIT_ARG, RS_HEADERS, RS_VALUE, RS_MANGLE,
	RS_PATH };

void program_run(const uint8_t *data, size_t size);
void step_words(const struct step *s, struct buf *out);
uint64_t step_span(const struct step *s);        /* [ms] */
extern const char *const step_name[STEP_OPS];

#endif
