/* media/tap.h -- decoded sound on its way from media threads to a file or whatever
 * else takes it: a bounded ring a tap, and one writer thread that empties the rings
 * of all taps into their sinks. A media thread only copies into the ring: it takes
 * no lock, makes no system call and never waits. A ring that is full drops frames and
 * counts them. A sink that fails ends its tap, with the reason, and nothing else.
 * Threads: said at each function. "Producer": the one thread that has the tap now. */
#ifndef MEDIA_TAP_H
#define MEDIA_TAP_H

#include "base/str.h"
#include "media/rate.h"

enum tap_dir { TAP_IN /* what the peer says */, TAP_OUT /* what it is sent */, TAP_DIRS };

struct tap_frame {
	enum tap_dir dir;
	uint32_t rate;          /* [Hz] */
	uint64_t now_us;        /* when it passed, by the media's clock */
	uint64_t at;            /* [samples] place in its stream; a frame that is missing is a gap here */
	size_t n;
	const int16_t *pcm;     /* view, until frame() returns */
};

/* What takes the sound. All but free() run on the writer thread and may block. */
struct tap_sink {
	void *arg;
	int (*begin)(void *arg, uint64_t now_us);       /* before the first frame; errno ends the tap */
	int (*frame)(void *arg, const struct tap_frame *f);     /* errno ends the tap */
	/* Once if begin() went well, also after an error of frame(), then with a time of 0. */
	int (*end)(void *arg, uint64_t now_us);
	void (*free)(void *arg);                        /* on the core, last of all */
};

struct tap_result {
	int err;                /* of the sink; 0: all is well */
	uint64_t frames;        /* handed to the sink */
	uint64_t dropped;       /* frames that found the ring full */
};
typedef void tap_done_fn(void *arg, const struct tap_result *r);

/* ---- the writer. Threads: core */

struct tap_writer;
/* Starts the thread. `notify`: tap_writer_results() has something to tell; any
 * thread. NULL: the caller looks by itself. ENOMEM, errno of pthread_create(). */
int tap_writer_new(struct tap_writer **out, void (*notify)(void *arg), void *arg);
/* All taps are finished: what they hold is written and told, then the thread is joined. */
void tap_writer_free(struct tap_writer *w);
/* Tells what has ended since the last call; frees taps that are over. */
void tap_writer_results(struct tap_writer *w);

/* ---- a tap */

struct tap;
struct tap_prm {
	struct tap_sink sink;
	size_t ring_bytes;      /* 0: 64 KiB, that is 2 s of both directions at 8 kHz */
	uint64_t now_us;        /* the time that it begins at */
	/* Once: when the sink fails, else when all was written. From tap_writer_results(). */
	tap_done_fn *done;
	void *arg;
};
/* Core. Takes the sink in any case. ENOMEM. The tap goes by itself after tap_finish(). */
int tap_new(struct tap **out, struct tap_writer *w, const struct tap_prm *prm);
/* Producer. false: dropped. At most TAP_MAX samples. */
enum { TAP_MAX = 12288 };
bool tap_put(struct tap *t, const struct tap_frame *f);
/* Producer: the sink has failed, there is no use in going on. */
bool tap_failed(const struct tap *t);
/* Producer: its last word. */
void tap_finish(struct tap *t, uint64_t now_us);

/* ---- a sink that writes a WAV file: 16 bits, both directions mixed into one
 * channel or side by side. What comes stands at its time; where nothing came there
 * is silence, from begin to end. A length over 4 GiB is EFBIG. */

struct tap_wav_prm {
	struct str path;        /* made anew, with mode 0640 */
	uint32_t rate;          /* has a rate_kind() */
	bool stereo;            /* left: TAP_IN, right: TAP_OUT */
	struct rate_bank *bank; /* takes a reference; NULL (media_rates() found no memory): ENOMEM */
};
int tap_wav_new(struct tap_sink *out, const struct tap_wav_prm *prm);        /* EINVAL rate, ENOMEM */

#endif
