/* media/file.h -- sound files: found by name and language, decoded once, shared.
 * A sound is held in memory in the form the leg sends (or linear), so that the
 * media thread copies and never waits for a disk.
 * Formats: ulaw ul mu pcm / alaw al alw / gsm / sln raw sln12 ... sln48 / wav
 * wav16 WAV (inside: PCM 8 and 16, ulaw, alaw, GSM); what libsndfile reads
 * besides is a later row.
 * Lookup of "hello" in language "en": sounds/en/hello.EXT, then (packagers keep
 * voices so) sounds/en_anything/hello.EXT, then sounds/hello.EXT; of "en_GB" also
 * "en". "/abs/path" and names with .. : file_find() says which are taken.
 * Threads: file_find, file_load block on the disk: pool threads or tests; a
 * struct sound is immutable and may be used anywhere. */
#ifndef MEDIA_FILE_H
#define MEDIA_FILE_H

#include "media/codec.h"

struct sound {                          /* obj */
	enum format_id id;              /* ulaw, alaw, slin, slin16 ... */
	uint32_t rate;                  /* [Hz] */
	uint64_t samples;
	const uint8_t *data;            /* owned; slin is host order */
	size_t n;                       /* [bytes] */
};

struct file_name {
	char path[512];
	enum format_id id;              /* what is inside (wav: FORMAT_NONE until read) */
};

/* `dir`: the sounds directory. Chooses what is cheapest to send as `want`.
 * ENOENT; EINVAL: the name leaves `dir` by "..". Absolute names are taken as
 * they are (Asterisk allows them), with or without extension. */
int file_find(struct file_name *out, struct str dir, struct str name, struct str lang, enum format_id want);
/* The same for other trees. LANGUAGE_LAST: "digits/1" in "en" is digits/en/1 (asterisk.conf languageprefix=no);
 * CUSTOM_FIRST: what is in custom/ there comes first (sounds_search_custom_dir). */
enum file_style { FILE_LANGUAGE_LAST = 1, FILE_CUSTOM_FIRST = 2 };
int file_find_as(struct file_name *out, struct str dir, struct str name, struct str lang, enum format_id want,
		 unsigned style);
/* Read it, as `want` when that can be made, else as slin of its own rate. EBADMSG
 * not such a file, EFBIG over `max_bytes` (0: 64 MiB), errno of open and read. */
int file_load(struct sound **out, const struct file_name *f, enum format_id want, size_t max_bytes);
/* The same from bytes already read: wav by its header, else raw `id`. Pure. */
int file_decode(struct sound **out, struct str bytes, enum format_id id, enum format_id want);

/* RIFF header (bounded, chunk by chunk). EBADMSG. */
struct wav_info {
	enum format_id id;              /* slin*, ulaw, alaw, gsm (the wav49 packing) */
	uint32_t rate;
	uint16_t channels, bits;
	bool wav49;
	size_t data_at, data_n;         /* [bytes] */
};
int wav_parse(struct wav_info *w, struct str bytes);
/* The slin format of that rate; FORMAT_NONE: there is none. */
enum format_id sound_slin_id(uint32_t rate);
/* 44 bytes before `data_n` bytes of slin, its channels interleaved. */
void wav_header(uint8_t out[44], uint32_t rate, uint16_t channels, uint32_t data_n);
/* All of it, however many calls that takes. errno of write(2). */
int sound_write_all(int fd, const uint8_t *p, size_t n);

/* Sounds kept under a key of the caller's (what was asked for), least recently
 * used out first. Threads: core. */
struct sound_cache;
struct sound_cache *sound_cache_new(size_t max_bytes);
void sound_cache_free(struct sound_cache *c);
/* Held for the caller; NULL: not there, or put in before `since_us` (a file may
 * have changed since then; the time is the caller's clock). */
struct sound *sound_cache_get(struct sound_cache *c, struct str key, uint64_t since_us);
void sound_cache_put(struct sound_cache *c, struct str key, struct sound *s, uint64_t now_us);
void sound_cache_clear(struct sound_cache *c);
size_t sound_cache_bytes(const struct sound_cache *c);

#endif
