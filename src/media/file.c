/* media/file.c -- sound files: found, read, brought into the form to send. */
#include "media/file.h"
#include "base/num.h"
#include "base/obj.h"
#include "media/codec_rows.h"
#include "media/rate.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/poison.h"

/* A sound in memory has at most so many samples: over two hours at 8 kHz. A small
 * file of a slow rate would else become gigabytes at a fast one. */
enum { MAX_BYTES = 64 << 20, MAX_SAMPLES = 64 << 20 };

static const struct {
	const char *ext;
	enum format_id id;      /* FORMAT_NONE: the header tells */
} exts[] = {
	{ "ulaw", FORMAT_ULAW }, { "ul", FORMAT_ULAW }, { "mu", FORMAT_ULAW }, { "pcm", FORMAT_ULAW },
	{ "alaw", FORMAT_ALAW }, { "al", FORMAT_ALAW }, { "alw", FORMAT_ALAW }, { "gsm", FORMAT_GSM },
	{ "g722", FORMAT_G722 }, { "sln", FORMAT_SLIN }, { "raw", FORMAT_SLIN }, { "sln12", FORMAT_SLIN12 },
	{ "sln16", FORMAT_SLIN16 }, { "sln24", FORMAT_SLIN24 }, { "sln32", FORMAT_SLIN32 },
	{ "sln44", FORMAT_SLIN44 }, { "sln48", FORMAT_SLIN48 }, { "wav", FORMAT_NONE }, { "wav16", FORMAT_NONE },
	{ "WAV", FORMAT_NONE }, { "wav49", FORMAT_NONE },
};

/* What it takes to send `id` as `want`; UINT_MAX: cannot be done. */
static unsigned cost_of_format(enum format_id id, enum format_id want)
{
	const struct codec *from = codec_get(id == FORMAT_NONE ? FORMAT_SLIN : id), *to = codec_get(want);
	unsigned c;

	if (id == want)
		return 0;
	if (!from)
		return UINT32_MAX;
	c = 2u * from->cost + (to ? to->cost : 0) + (id == FORMAT_NONE);
	/* Resampling costs, and narrow sound on a wide leg is a loss: the narrower, the more. */
	if (to && from->rate != to->rate)
		c += from->rate < to->rate ? 40 + (to->rate - from->rate) / 500 : 20;
	return c;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* "dir/name.EXT" with the cheapest extension there is. */
static bool find_ext(struct file_name *out, struct str base, enum format_id want)
{
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < ARRAY_LEN(exts); i++) {
		struct file_name f = { .id = exts[i].id };
		unsigned c = cost_of_format(f.id, want);
		int n = snprintf(f.path, sizeof(f.path), "%.*s.%s", STR_ARG(base), exts[i].ext);

		if (n < 0 || (size_t)n >= sizeof(f.path) || c >= best || !is_file(f.path))
			continue;
		best = c;
		*out = f;
	}
	return best != UINT32_MAX;
}

/* A whole path with its extension. */
static bool find_exact(struct file_name *out, struct str path)
{
	struct str ext = str_skip(path, str_rchr(path, '.') + 1);

	for (size_t i = 0; i < ARRAY_LEN(exts); i++)
		if (str_eq(ext, str_z(exts[i].ext)) && path.n < sizeof(out->path)) {
			str_copy(out->path, sizeof(out->path), path);
			out->id = exts[i].id;
			return is_file(out->path);
		}
	return false;
}

static bool find_in(struct file_name *out, struct str dir, struct str sub, struct str name, enum format_id want)
{
	char base[512];
	int n = snprintf(base, sizeof(base), "%.*s%s%.*s/%.*s", STR_ARG(dir), sub.n ? "/" : "", STR_ARG(sub),
			 STR_ARG(name));

	return n > 0 && (size_t)n < sizeof(base) && find_ext(out, str_mk(base, (size_t)n), want);
}

/* Packages put a language's voices beside it: en_US_f_Allison for en. The
 * first by name wins, so that it is the same one every time. */
static bool find_voice(struct file_name *out, struct str dir, struct str lang, struct str name, enum format_id want)
{
	char path[512], best[256] = "";
	struct file_name f;
	struct dirent *e;
	DIR *d;

	str_copy(path, sizeof(path), dir);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		struct str sub = str_z(e->d_name);

		if (!str_starts(sub, lang) || sub.n <= lang.n || sub.p[lang.n] != '_' || sub.n >= sizeof(best))
			continue;
		if ((!best[0] || str_cmp(sub, str_z(best)) < 0) && find_in(&f, dir, sub, name, want)) {
			str_copy(best, sizeof(best), sub);
			*out = f;
		}
	}
	if (d)
		closedir(d);
	return best[0];
}

static bool climbs_out(struct str name)
{
	while (name.n)
		if (str_eq(str_cut_raw(&name, '/'), STR("..")))
			return true;
	return false;
}

static bool find_with(struct file_name *out, struct str dir, struct str lang, struct str name, enum format_id want,
		      unsigned style)
{
	size_t slash = str_rchr(name, '/');
	char path[512];
	int n;

	if (!(style & FILE_LANGUAGE_LAST))
		return find_in(out, dir, lang, name, want) || find_voice(out, dir, lang, name, want);
	if (slash == name.n)
		return find_in(out, dir, lang, name, want);
	n = snprintf(path, sizeof(path), "%.*s/%.*s/%.*s", STR_ARG(str_sub(name, 0, slash)), STR_ARG(lang),
		     STR_ARG(str_skip(name, slash + 1)));
	return n > 0 && (size_t)n < sizeof(path) && find_in(out, dir, STR_NULL, str_mk(path, (size_t)n), want);
}

static bool find_below(struct file_name *out, struct str dir, struct str name, struct str lang, enum format_id want,
		       unsigned style)
{
	for (;;) {
		size_t cut;

		if (lang.n && find_with(out, dir, lang, name, want, style))
			return true;
		cut = str_rchr(lang, '_');
		if (cut == lang.n)
			break;
		lang = str_sub(lang, 0, cut);
	}
	return find_in(out, dir, STR_NULL, name, want);
}

int file_find_as(struct file_name *out, struct str dir, struct str name, struct str lang, enum format_id want,
		 unsigned style)
{
	char custom[512];
	int n;

	if (!name.n || climbs_out(name) || climbs_out(lang) || str_chr(lang, '/') < lang.n ||
	    memchr(name.p, 0, name.n))
		return EINVAL;
	if (name.p[0] == '/')
		return find_ext(out, name, want) || find_exact(out, name) ? 0 : ENOENT;
	n = style & FILE_CUSTOM_FIRST ? snprintf(custom, sizeof(custom), "custom/%.*s", STR_ARG(name)) : 0;
	if (n > 0 && (size_t)n < sizeof(custom) && find_below(out, dir, str_mk(custom, (size_t)n), lang, want, style))
		return 0;
	return find_below(out, dir, name, lang, want, style) ? 0 : ENOENT;
}

int file_find(struct file_name *out, struct str dir, struct str name, struct str lang, enum format_id want)
{
	return file_find_as(out, dir, name, lang, want, 0);
}

/* ---- bytes to a sound */

struct pcm {
	int16_t *v;             /* owned */
	size_t n;
	uint32_t rate;
};

static void sound_free(void *arg)
{
	struct sound *s = arg;

	free((void *)(uintptr_t)s->data);
}

/* Takes `data` over, whatever happens. */
static int sound_make(struct sound **out, enum format_id id, uint8_t *data, size_t n, uint64_t samples)
{
	struct sound *s = obj_new(sizeof(*s), sound_free);

	if (!s) {
		free(data);
		return ENOMEM;
	}
	s->id = id;
	s->rate = format_get(id)->rate;
	s->samples = samples;
	s->data = data;
	s->n = n;
	*out = s;
	return 0;
}

static int pcm_from_codec(struct pcm *p, const struct codec *c, struct str bytes)
{
	size_t max = num_div(bytes.n, c->frame_bytes, 0) * c->frame_samples;
	void *st;

	if (max > MAX_SAMPLES)
		return EFBIG;
	st = codec_state(c, CODEC_DECODER, NULL);
	p->v = malloc((max + 1) * sizeof(*p->v));
	if (!p->v || (c->state_new && !st)) {
		if (st)
			c->state_free(st);
		return ENOMEM;
	}
	p->n = c->decode(st, (const uint8_t *)bytes.p, bytes.n, p->v, max);
	p->rate = c->rate;
	if (st)
		c->state_free(st);
	return 0;
}

/* Little-endian PCM of a file, channels mixed to one. */
static int pcm_from_le(struct pcm *p, struct str bytes, uint16_t channels, uint16_t bits, uint32_t rate)
{
	size_t width = bits / 8u, n = num_div(bytes.n, width * channels, 0);
	const uint8_t *b = (const uint8_t *)bytes.p;

	p->v = malloc((n + 1) * sizeof(*p->v));
	if (!p->v)
		return ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int32_t sum = 0;

		for (unsigned c = 0; c < channels; c++, b += width)
			sum += width == 2 ? (int16_t)(b[0] | b[1] << 8) : (b[0] - 128) * 256;
		p->v[i] = (int16_t)(sum / channels);
	}
	p->n = n;
	p->rate = rate;
	return 0;
}

static int pcm_resample(struct pcm *p, uint32_t rate)
{
	static const int16_t silence[RATE_PAST];
	size_t n = (size_t)num_muldiv(p->n, rate, p->rate, 0), late, k;
	struct rate_filter *f;
	struct rate r;
	int16_t *v;

	if (p->rate == rate)
		return 0;
	if (n > MAX_SAMPLES)
		return EFBIG;
	f = rate_filter_new(p->rate, rate);
	late = f ? (size_t)num_muldiv(rate_delay(f), rate, p->rate, 0) : 0;
	v = f ? malloc((n + late + 8) * sizeof(*v)) : NULL;
	if (!v) {
		rate_filter_free(f);
		return ENOMEM;
	}
	/* What the filter is late is taken off the front, and silence brings out the end. */
	rate_use(&r, f);
	k = rate_run(&r, p->v, p->n, v, n + late);
	k += rate_run(&r, silence, rate_delay(f), v + k, n + late - k);
	rate_filter_free(f);
	p->n = k > late ? k - late : 0;
	memmove(v, v + late, p->n * sizeof(*v));
	p->rate = rate;
	free(p->v);
	p->v = v;
	return 0;
}

static int encode_sound(struct sound **out, const struct codec *c, const struct pcm *p)
{
	size_t frames = (p->n + c->frame_samples - 1) / c->frame_samples;
	size_t padded = frames * c->frame_samples, max = frames * c->frame_bytes;
	void *st = codec_state(c, CODEC_ENCODER, NULL);
	int16_t *in = calloc(padded + 1, sizeof(*in));
	uint8_t *bytes = malloc(max + 1);
	size_t n = 0;
	int err = !in || !bytes || (c->state_new && !st) ? ENOMEM : 0;

	if (!err) {
		memcpy(in, p->v, p->n * sizeof(*in));
		n = c->encode(st, in, padded, bytes, max);
		err = sound_make(out, c->id, bytes, n, padded);
	} else {
		free(bytes);
	}
	free(in);
	if (st)
		c->state_free(st);
	return err;
}

static bool is_slin(enum format_id id)
{
	return id >= FORMAT_SLIN && id <= FORMAT_SLIN192;
}

/* As `want`, or linear at a rate that has a name: also for a codec whose packets vary,
 * which are made as they are sent. */
static int pcm_to_sound(struct sound **out, struct pcm *p, enum format_id want)
{
	const struct codec *c = codec_get(want);
	enum format_id id = sound_slin_id(p->rate);
	uint8_t *bytes;
	int err;

	if (c && !c->frame_bytes)
		c = NULL;
	if (c && !is_slin(want)) {
		err = pcm_resample(p, c->rate);
		return err ? err : encode_sound(out, c, p);
	}
	err = pcm_resample(p, c ? c->rate : id != FORMAT_NONE ? p->rate : 8000);
	if (err)
		return err;
	bytes = (uint8_t *)p->v;
	p->v = NULL;
	return sound_make(out, sound_slin_id(p->rate), bytes, p->n * sizeof(int16_t), p->n);
}

static int decode_wav(struct pcm *p, struct str bytes)
{
	struct wav_info w;
	int err = wav_parse(&w, bytes);

	if (err)
		return err;
	bytes = str_sub(bytes, w.data_at, w.data_n);
	if (w.wav49 && bytes.n / 65 > MAX_SAMPLES / 320)
		return EFBIG;
	if (w.wav49)
		return codec_gsm_wav49(bytes, &p->v, &p->n, &p->rate);
	return w.id == FORMAT_SLIN ? pcm_from_le(p, bytes, w.channels, w.bits, w.rate) :
				     pcm_from_codec(p, codec_get(w.id), bytes);
}

int file_decode(struct sound **out, struct str bytes, enum format_id id, enum format_id want)
{
	const struct codec *c = codec_get(id);
	struct pcm p = { 0 };
	uint8_t *copy;
	size_t frames;
	int err;

	if (id == want && c && !is_slin(id)) {
		copy = malloc(bytes.n + 1);
		if (!copy)
			return ENOMEM;
		memcpy(copy, bytes.p, bytes.n);
		frames = num_div(bytes.n, c->frame_bytes, 0);
		return sound_make(out, id, copy, frames * c->frame_bytes, frames * c->frame_samples);
	}
	if (id == FORMAT_NONE)
		err = decode_wav(&p, bytes);
	else if (is_slin(id))
		err = pcm_from_le(&p, bytes, 1, 16, format_get(id)->rate);
	else
		err = c ? pcm_from_codec(&p, c, bytes) : ENOTSUP;
	if (!err)
		err = pcm_to_sound(out, &p, want);
	free(p.v);
	return err;
}

static int read_all(struct str *out, const char *path, size_t max)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = 0;
	char *p = NULL;
	size_t n = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		err = EBADMSG;
	else if ((uint64_t)st.st_size > max)
		err = EFBIG;
	else if (!(p = malloc((size_t)st.st_size + 1)))
		err = ENOMEM;
	while (!err && n < (size_t)st.st_size) {
		ssize_t k = read(fd, p + n, (size_t)st.st_size - n);

		if (k < 0 && errno != EINTR)
			err = errno;
		if (k == 0)
			break;
		n += k > 0 ? (size_t)k : 0;
	}
	close(fd);
	if (err)
		free(p);
	else
		*out = str_mk(p, n);
	return err;
}

int file_load(struct sound **out, const struct file_name *f, enum format_id want, size_t max_bytes)
{
	struct str bytes;
	int err = read_all(&bytes, f->path, max_bytes ? max_bytes : MAX_BYTES);

	if (err)
		return err;
	err = file_decode(out, bytes, f->id, want);
	free((void *)(uintptr_t)bytes.p);
	return err;
}
