/* media/tap_wav.c -- a tap's sink that writes a WAV file. align.c brings both directions together. */
#include "media/tap.h"
#include "media/align.h"
#include "media/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/poison.h"

/* OUT_BYTES: written at once. Header and data fit into 32 bits. */
enum { OUT_BYTES = 32768, HEADER = 44 };
#define DATA_MAX (UINT32_MAX - 4096u)

struct tap_wav {
	uint32_t rate;
	bool stereo;
	char *path;             /* owned */
	int fd;                 /* -1: not open */
	struct align *align;    /* owned */
	uint64_t written;       /* [bytes] of data */
	size_t n;               /* [bytes] in out */
	uint8_t out[OUT_BYTES];
};

/* ---- the file */

static int flush_samples(struct tap_wav *w)
{
	size_t n = w->n;
	int err = sound_write_all(w->fd, w->out, n);

	w->n = 0;
	w->written += err ? 0 : n;
	return err;
}

static int put_sample(struct tap_wav *w, int32_t v)
{
	int err = 0;

	if (w->n == OUT_BYTES)
		err = w->written > DATA_MAX - 2 * OUT_BYTES ? EFBIG : flush_samples(w);
	if (err)
		return err;
	v = v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v;
	w->out[w->n++] = (uint8_t)v;
	w->out[w->n++] = (uint8_t)((uint32_t)v >> 8);
	return 0;
}

static int put_block(void *arg, const struct align_block *b)
{
	struct tap_wav *w = arg;
	int err = 0;

	for (size_t i = 0; i < b->n && !err; i++) {
		if (!w->stereo) {
			err = put_sample(w, b->pcm[TAP_IN][i] + b->pcm[TAP_OUT][i]);
			continue;
		}
		err = put_sample(w, b->pcm[TAP_IN][i]);
		if (!err)
			err = put_sample(w, b->pcm[TAP_OUT][i]);
	}
	return err;
}

static int begin_file(void *arg, uint64_t now_us)
{
	struct tap_wav *w = arg;
	uint8_t head[HEADER];
	int err;

	w->fd = open(w->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0640);
	if (w->fd < 0)
		return errno;
	align_begin(w->align, now_us);
	/* A length of 0 says that it is still being written. */
	wav_header(head, w->rate, w->stereo ? 2 : 1, 0);
	err = sound_write_all(w->fd, head, sizeof(head));
	if (err) {
		close(w->fd);
		w->fd = -1;
	}
	return err;
}

static int write_frame(void *arg, const struct tap_frame *f)
{
	return align_put(((struct tap_wav *)arg)->align, f);
}

static int end_file(void *arg, uint64_t now_us)
{
	struct tap_wav *w = arg;
	uint8_t head[HEADER];
	int err = align_end(w->align, now_us), late = flush_samples(w);

	err = err ? err : late;
	wav_header(head, w->rate, w->stereo ? 2 : 1, (uint32_t)w->written);
	if (pwrite(w->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) && !err)
		err = errno;
	if (close(w->fd) && !err)
		err = errno;
	w->fd = -1;
	return err;
}

/* ---- life */

static void free_wav(void *arg)
{
	struct tap_wav *w = arg;

	if (!w)
		return;
	align_free(w->align);
	free(w->path);
	free(w);
}

int tap_wav_new(struct tap_sink *out, const struct tap_wav_prm *prm)
{
	struct align_prm ap = { .rate = prm->rate, .bank = prm->bank, .out = put_block };
	struct tap_wav *w;
	int err;

	if (rate_kind(prm->rate) < 0)
		return EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return ENOMEM;
	w->rate = prm->rate;
	w->stereo = prm->stereo;
	w->fd = -1;
	w->path = str_dup(prm->path);
	ap.arg = w;
	err = w->path ? align_new(&w->align, &ap) : ENOMEM;
	if (err) {
		free_wav(w);
		return err;
	}
	*out = (struct tap_sink){ .arg = w, .begin = begin_file, .frame = write_frame, .end = end_file,
		.free = free_wav };
	return 0;
}
