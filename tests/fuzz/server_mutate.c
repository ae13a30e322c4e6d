/* A mutator that knows where steps begin: it inserts, drops, doubles, moves and
 * mixes whole steps and changes single slots, so that what a program reached is
 * mostly still reached by its children. libFuzzer's own mutations come besides. */
#include "server_conf.h"
#include "server_sdp.h"
#include "server_step.h"
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t an, const uint8_t *b, size_t bn, uint8_t *out, size_t max,
				 unsigned seed);

#define HEAD 1          /* the configuration */

static uint64_t state;

static unsigned pick(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n ? (unsigned)(state >> 20) % n : 0;
}

/* How often each kind comes as a new step; requests and time most of all. */
static const uint8_t weights[STEP_OPS] = { [STEP_REQUEST] = 40, [STEP_RESPONSE] = 24, [STEP_TIME] = 20, [STEP_PHONE] = 8,
	[STEP_SDP] = 6, [STEP_HEADER] = 6, [STEP_REPEAT] = 3, [STEP_RAW] = 1, [STEP_RTP] = 8, [STEP_RTCP] = 4, [STEP_DIGIT] = 8,
	[STEP_RELOAD] = 5, [STEP_CONSOLE] = 5, [STEP_MANAGER] = 8, [STEP_PEER] = 2, [STEP_MEMORY] = 3, [STEP_DISK] = 6,
	[STEP_NAMES] = 3, [STEP_WIRE] = 2, [STEP_RESTART] = 1, [STEP_OPEN] = 4, [STEP_FRAME] = 5,
	[STEP_ICE] = 8, [STEP_DTLS] = 5, [STEP_SRTP] = 6, [STEP_TRICKLE] = 3 };

static uint8_t pick_op(void)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < STEP_OPS; i++)
		sum += weights[i];
	at = pick(sum);
	for (unsigned i = 0; i < STEP_OPS; i++) {
		if (at < weights[i])
			return (uint8_t)i;
		at -= weights[i];
	}
	return STEP_REQUEST;
}

/* Most slots zero: that is the right value of the place they fill. */
static void random_step(uint8_t *s)
{
	unsigned n = pick(5);

	memset(s, 0, STEP_SIZE);
	s[0] = pick_op();
	for (unsigned i = 0; i < n; i++)
		s[1 + pick(STEP_SIZE - 1)] = (uint8_t)pick(pick(2) ? 256 : 12);
	if (s[0] == STEP_REQUEST) {
		s[1 + RQ_METHOD] = (uint8_t)pick(pick(3) ? 13 : 16);
		s[1 + RQ_PHONE] = (uint8_t)pick(10);
		s[1 + RQ_DIALOG] = (uint8_t)(pick(3) ? 1 + pick(6) : 0);
		s[1 + RQ_EXTEN] = (uint8_t)pick(80);
		s[1 + RQ_AUTH] = (uint8_t)(pick(4) ? 1 : pick(8));
		if (s[1 + RQ_METHOD] == 0 || s[1 + RQ_METHOD] == 6)
			s[1 + RQ_SDP] = (uint8_t)pick(pick(2) ? 5 : SDP_PRESETS);
	} else if (s[0] == STEP_RESPONSE) {
		s[1 + RS_REQUEST] = (uint8_t)pick(pick(2) ? 2 : 8);
		s[1 + RS_STATUS] = (uint8_t)pick(pick(2) ? 7 : 54);
		if (pick(2))
			s[1 + RS_SDP] = (uint8_t)pick(pick(2) ? 5 : SDP_PRESETS);
	} else if (s[0] == STEP_RAW) {
		s[1] = 0;
	} else {
		s[1] = (uint8_t)pick(32);
		s[2] = (uint8_t)pick(256);
	}
}

static size_t insert(uint8_t *d, size_t n, size_t max, unsigned steps, unsigned from, bool fresh)
{
	unsigned at = pick(steps + 1);
	uint8_t s[STEP_SIZE];

	if (n + STEP_SIZE > max)
		return n;
	if (fresh)
		random_step(s);
	else
		memcpy(s, d + HEAD + from * STEP_SIZE, STEP_SIZE);
	memmove(d + HEAD + (at + 1) * STEP_SIZE, d + HEAD + at * STEP_SIZE, n - HEAD - at * STEP_SIZE);
	memcpy(d + HEAD + at * STEP_SIZE, s, STEP_SIZE);
	return n + STEP_SIZE;
}

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t t[STEP_SIZE];

	memcpy(t, a, STEP_SIZE);
	memmove(a, b, STEP_SIZE);
	memcpy(b, t, STEP_SIZE);
}

static void change_slot(uint8_t *s)
{
	unsigned at = pick(8) ? 1 + pick(STEP_SIZE - 1) : 0;

	switch (pick(4)) {
	case 0:
		s[at] = (uint8_t)(s[at] ^ (1u << pick(8)));
		break;
	case 1:
		s[at] = (uint8_t)(s[at] + (pick(2) ? 1 : 255));
		break;
	case 2:
		s[at] = 0;
		break;
	default:
		s[at] = at ? (uint8_t)pick(256) : pick_op();
		break;
	}
}

static size_t mutate_once(uint8_t *d, size_t n, size_t max)
{
	unsigned steps = (unsigned)((n - HEAD) / STEP_SIZE), i = pick(steps);
	uint8_t *s = d + HEAD + i * STEP_SIZE;

	if (!steps)
		return insert(d, n, max, 0, 0, true);
	switch (pick(12)) {
	case 0:
	case 1:
	case 2:
		return insert(d, n, max, steps, i, true);
	case 3:
		return insert(d, n, max, steps, i, false);
	case 4:
	case 5: {
		unsigned gone = pick(3) ? 1 : 1 + pick(steps - i);

		memmove(s, s + gone * STEP_SIZE, n - HEAD - (i + gone) * STEP_SIZE);
		return n - gone * STEP_SIZE;
	}
	case 6:
		swap(s, d + HEAD + pick(steps) * STEP_SIZE);
		return n;
	case 7:
		if (!pick(4))
			d[0] = (uint8_t)pick(CONF_PJSIP);
		return n;
	default:
		change_slot(s);
		return n;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	unsigned times;

	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (max < HEAD + STEP_SIZE)
		return LLVMFuzzerMutate(data, size, max);
	if (!size)
		data[size++] = 0;
	if (!pick(16))
		return LLVMFuzzerMutate(data, size, max);
	times = 1 + pick(pick(2) ? 2 : 6);
	while (times--)
		size = mutate_once(data, size, max);
	return size;
}

/* The begin of one and the end of the other, cut between steps. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t an, const uint8_t *b, size_t bn, uint8_t *out, size_t max,
				 unsigned seed)
{
	unsigned as = an ? (unsigned)((an - HEAD) / STEP_SIZE) : 0, bs = bn ? (unsigned)((bn - HEAD) / STEP_SIZE) : 0;
	size_t n = 0, head, tail, from;

	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (!an || !bn || max < HEAD)
		return 0;
	head = HEAD + pick(as + 1) * STEP_SIZE;
	from = HEAD + pick(bs + 1) * STEP_SIZE;
	tail = bn - from;
	if (head > max)
		head = HEAD;
	memcpy(out, a, head);
	n = head;
	if (tail > max - n)
		tail = (max - n) / STEP_SIZE * STEP_SIZE;
	memcpy(out + n, b + from, tail);
	return n + tail;
}
