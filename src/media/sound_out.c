/* media/sound_out.c -- writing sound files. Reading them is file.c's. */
#include "media/sound_out.h"
#include "media/codec_rows.h"
#include "media/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/poison.h"

/* PIECE: samples that are encoded at once, whole frames of all kinds. */
enum { OUT_BYTES = 32768, HEADER = 44, HEADER49 = 60, PIECE = 320, BLOCK49 = 65 };
#define DATA_MAX (UINT32_MAX - 4096u)

struct sound_out {
	const struct sound_kind *kind;
	uint16_t channels;
	int fd;
	const struct codec *codec;      /* NULL: linear */
	void *state;            /* owned: of the encoder */
	uint64_t written;       /* [bytes] of data, with what was there */
	int16_t pcm[PIECE];     /* until it is a piece */
	size_t npcm;
	size_t n;               /* [bytes] in out */
	uint8_t out[OUT_BYTES];
};

static const struct sound_kind kinds[] = {
	{ STR_INIT("wav"), FORMAT_SLIN, 8000, SOUND_WAV }, { STR_INIT("wav16"), FORMAT_SLIN16, 16000, SOUND_WAV },
	{ STR_INIT("WAV"), FORMAT_GSM, 8000, SOUND_WAV49 }, { STR_INIT("wav49"), FORMAT_GSM, 8000, SOUND_WAV49 },
	{ STR_INIT("gsm"), FORMAT_GSM, 8000, SOUND_RAW }, { STR_INIT("g722"), FORMAT_G722, 16000, SOUND_RAW },
	{ STR_INIT("pcm"), FORMAT_ULAW, 8000, SOUND_RAW }, { STR_INIT("ulaw"), FORMAT_ULAW, 8000, SOUND_RAW },
	{ STR_INIT("ul"), FORMAT_ULAW, 8000, SOUND_RAW }, { STR_INIT("mu"), FORMAT_ULAW, 8000, SOUND_RAW },
	{ STR_INIT("ulw"), FORMAT_ULAW, 8000, SOUND_RAW }, { STR_INIT("alaw"), FORMAT_ALAW, 8000, SOUND_RAW },
	{ STR_INIT("al"), FORMAT_ALAW, 8000, SOUND_RAW }, { STR_INIT("alw"), FORMAT_ALAW, 8000, SOUND_RAW },
	{ STR_INIT("sln"), FORMAT_SLIN, 8000, SOUND_RAW }, { STR_INIT("slin"), FORMAT_SLIN, 8000, SOUND_RAW },
	{ STR_INIT("raw"), FORMAT_SLIN, 8000, SOUND_RAW }, { STR_INIT("sln12"), FORMAT_SLIN12, 12000, SOUND_RAW },
	{ STR_INIT("sln16"), FORMAT_SLIN16, 16000, SOUND_RAW }, { STR_INIT("sln24"), FORMAT_SLIN24, 24000, SOUND_RAW },
	{ STR_INIT("sln32"), FORMAT_SLIN32, 32000, SOUND_RAW }, { STR_INIT("sln44"), FORMAT_SLIN44, 44100, SOUND_RAW },
	{ STR_INIT("sln48"), FORMAT_SLIN48, 48000, SOUND_RAW },
};

const struct sound_kind *sound_kind_of(struct str ext)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(ext, kinds[i].ext))
			return &kinds[i];
	return NULL;
}

/* ---- bytes */

static int flush_out(struct sound_out *o)
{
	size_t n = o->n;
	int err = sound_write_all(o->fd, o->out, n);

	o->n = 0;
	o->written += err ? 0 : n;
	return err;
}

/* Room for `n` bytes more. */
static int make_room(struct sound_out *o, size_t n)
{
	if (o->n + n <= OUT_BYTES)
		return 0;
	if (o->kind->head != SOUND_RAW && o->written > DATA_MAX - 2 * OUT_BYTES)
		return EFBIG;
	return flush_out(o);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Two frames of GSM a block of 65 bytes; the chunk "fact" says the number of samples. */
static void wav49_header(uint8_t out[HEADER49], uint32_t data_n)
{
	static const uint8_t head[HEADER49] = "RIFF\0\0\0\0WAVEfmt \24\0\0\0\x31\0\1\0\x40\x1f\0\0\x59\6\0\0\x41\0\0\0"
		"\2\0\x40\1fact\4\0\0\0\0\0\0\0data";

	memcpy(out, head, HEADER49);
	put32(out + 4, data_n + HEADER49 - 8);
	put32(out + 48, data_n / BLOCK49 * PIECE);
	put32(out + 56, data_n);
}

static size_t header(const struct sound_out *o, uint8_t out[HEADER49])
{
	if (o->kind->head == SOUND_RAW)
		return 0;
	if (o->kind->head == SOUND_WAV49) {
		wav49_header(out, (uint32_t)o->written);
		return HEADER49;
	}
	wav_header(out, o->kind->rate, o->channels, (uint32_t)o->written);
	return HEADER;
}

/* ---- samples */

static int encode_piece(struct sound_out *o, const int16_t *pcm, size_t n)
{
	int err = make_room(o, n * sizeof(*pcm));

	if (err)
		return err;
	if (o->kind->head == SOUND_WAV49) {
		codec_gsm_wav49_block(o->state, pcm, o->out + o->n);
		o->n += BLOCK49;
	} else if (o->codec) {
		o->n += o->codec->encode(o->state, pcm, n, o->out + o->n, OUT_BYTES - o->n);
	} else {
		for (size_t i = 0; i < n; i++) {
			o->out[o->n++] = (uint8_t)pcm[i];
			o->out[o->n++] = (uint8_t)((uint16_t)pcm[i] >> 8);
		}
	}
	return 0;
}

int sound_out_put(struct sound_out *o, const int16_t *pcm, size_t n)
{
	int err = 0;

	while (n && !err) {
		size_t k = PIECE - o->npcm < n ? PIECE - o->npcm : n;

		memcpy(o->pcm + o->npcm, pcm, k * sizeof(*pcm));
		o->npcm += k;
		pcm += k;
		n -= k;
		if (o->npcm < PIECE)
			break;
		o->npcm = 0;
		err = encode_piece(o, o->pcm, PIECE);
	}
	return err;
}

/* What is no whole frame is filled up with silence. */
static int put_rest(struct sound_out *o)
{
	size_t unit = o->kind->head == SOUND_WAV49 ? PIECE : o->codec ? o->codec->frame_samples : 1;
	size_t n = (o->npcm + unit - 1) / unit * unit;

	memset(o->pcm + o->npcm, 0, (PIECE - o->npcm) * sizeof(o->pcm[0]));
	o->npcm = 0;
	return n ? encode_piece(o, o->pcm, n) : 0;
}

/* ---- open and close */

static void make_folders(const char *path)
{
	char *dir = str_dup(str_z(path));

	for (char *p = dir ? strchr(dir + 1, '/') : NULL; p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(dir, 0777);       /* what fails shows when the file is opened */
		*p = '/';
	}
	free(dir);
}

/* Goes on after what is there, if the header is one of ours. */
static int go_on(struct sound_out *o)
{
	uint8_t want[HEADER49], is[HEADER49];
	size_t n = header(o, want);
	off_t end = lseek(o->fd, 0, SEEK_END);

	if (end < 0)
		return errno;
	if (end == 0)
		return sound_write_all(o->fd, want, n);
	if ((uint64_t)end < n || (n && pread(o->fd, is, n, 0) != (ssize_t)n))
		return ESPIPE;
	if (n && (memcmp(is, want, 4) || memcmp(is + 8, want + 8, 28)))
		return ESPIPE;
	o->written = (uint64_t)end - n;
	return o->kind->head != SOUND_RAW && o->written > DATA_MAX ? EFBIG : 0;
}

static int encoder(struct sound_out *o)
{
	const struct codec *c = codec_get(o->kind->id);
	bool linear = format_get(o->kind->id)->id == sound_slin_id(o->kind->rate);

	if (o->channels != 1 && !linear)
		return EINVAL;
	if (linear)
		return 0;
	if (o->kind->head == SOUND_WAV49) {
		o->state = codec_gsm_wav49_encoder();
		return o->state ? 0 : ENOMEM;
	}
	o->codec = c;
	if (c->state_new)
		o->state = c->state_new(CODEC_ENCODER, NULL);
	return c->state_new && !o->state ? ENOMEM : 0;
}

static void out_free(struct sound_out *o)
{
	const struct codec *c = codec_get(o->kind->id);

	if (o->state && c->state_free)
		c->state_free(o->state);
	if (o->fd >= 0)
		close(o->fd);
	free(o);
}

int sound_out_open(struct sound_out **out, const struct sound_out_prm *prm)
{
	struct sound_out *o = calloc(1, sizeof(*o));
	uint8_t head[HEADER49];
	int err;

	if (!o)
		return ENOMEM;
	o->kind = prm->kind;
	o->channels = prm->channels ? prm->channels : 1;
	o->fd = -1;
	err = encoder(o);
	if (!err) {
		make_folders(prm->path);
		o->fd = open(prm->path, (prm->append ? O_RDWR : O_WRONLY | O_TRUNC) | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
		err = o->fd < 0 ? errno : prm->append ? go_on(o) : sound_write_all(o->fd, head, header(o, head));
	}
	if (err)
		out_free(o);
	else
		*out = o;
	return err;
}

int sound_out_close(struct sound_out *o)
{
	uint8_t head[HEADER49];
	int err = put_rest(o), late = flush_out(o);
	size_t n = header(o, head);

	err = err ? err : late;
	if (n && pwrite(o->fd, head, n, 0) != (ssize_t)n && !err)
		err = errno;
	if (close(o->fd) && !err)
		err = errno;
	o->fd = -1;
	out_free(o);
	return err;
}
