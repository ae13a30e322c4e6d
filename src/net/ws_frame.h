/* net/ws_frame.h -- WebSocket frames (RFC 6455 5), and the messages and control frames that they make.
 *
 * Data:    a struct ws_reader holds the fragments of one message, at most `max` bytes; all else are
 *          views into what it is given.
 * States:  between messages, or inside of a fragmented one. After WS_CLOSED and WS_BROKEN
 *          nothing more is to be read.
 * Threads: touches only its arguments. */
#ifndef NET_WS_FRAME_H
#define NET_WS_FRAME_H

#include "base/buf.h"

#define WS_HEAD_MAX 14
#define WS_CONTROL_MAX 125

enum ws_op { WS_CONTINUATION, WS_TEXT, WS_BINARY, WS_CLOSE = 8, WS_PING, WS_PONG };
/* RFC 6455 7.4.1 */
enum ws_code { WS_CODE_NORMAL = 1000, WS_CODE_PROTOCOL = 1002, WS_CODE_NO_STATUS = 1005, WS_CODE_NOT_UTF8 = 1007,
	WS_CODE_TOO_BIG = 1009 };

struct ws_frame {
	enum ws_op op;
	bool fin, masked;
	uint8_t mask[4];
	size_t head;            /* [bytes] before the payload */
	size_t len;             /* [bytes] of payload */
};

/* The frame at the start of `data`; its payload need not be there yet. `masked`: must it be? A client's
 * must, a server's must not. EAGAIN; EPROTO; EMSGSIZE: longer than `max`. */
int ws_frame_parse(struct ws_frame *f, struct str data, bool masked, size_t max);
/* Gives the length of the head. `mask` NULL: not masked. */
size_t ws_frame_head(uint8_t out[WS_HEAD_MAX], enum ws_op op, size_t len, const uint8_t *mask);
void ws_mask(char *p, size_t n, const uint8_t mask[4]);      /* there and back */
bool ws_is_utf8(struct str s);

struct ws_reader {
	bool masked;            /* what comes must be */
	size_t max;             /* [bytes] of a message */
	bool inside, text;      /* of a fragmented message */
	struct buf message;     /* its fragments */
};

enum ws_kind { WS_NOTHING /* more bytes are needed */, WS_PART /* a fragment was taken */, WS_MESSAGE, WS_PINGED, WS_PONGED,
	WS_CLOSED, WS_BROKEN };

struct ws_got {
	enum ws_kind kind;
	size_t used;            /* [bytes] of the data */
	struct str payload;     /* MESSAGE, PINGED, CLOSED (its reason); good until the next call */
	unsigned code;          /* CLOSED: theirs, or WS_CODE_NO_STATUS; BROKEN: ours */
	const char *why;        /* BROKEN */
};

/* Takes one frame off `data`, which is unmasked in place. */
void ws_read(struct ws_reader *r, char *data, size_t n, struct ws_got *got);
void ws_reader_free(struct ws_reader *r);

#endif
