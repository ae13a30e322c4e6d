/* media/sound_out.h -- a sound file that is written sample by sample: its format by the extension.
 * wav, wav16, WAV and wav49 (GSM in Microsoft's packing), gsm, ulaw ul mu ulw pcm, alaw al alw, g722,
 * sln slin raw, sln12 sln16 sln24 sln32 sln44 sln48. Not: au, g719, g723, g726, g729, h263, h264, ilbc, ogg, siren, vox, sln96, sln192.
 * Threads: one owner; open, put and close block on the disk. */
#ifndef MEDIA_SOUND_OUT_H
#define MEDIA_SOUND_OUT_H

#include "media/codec.h"

struct sound_kind {
	struct str ext;
	enum format_id id;      /* slin of whatever rate: as it is */
	uint32_t rate;          /* [Hz] */
	enum { SOUND_RAW, SOUND_WAV, SOUND_WAV49 } head;
};
/* NULL: nothing that is written here. Case matters: WAV is not wav. */
const struct sound_kind *sound_kind_of(struct str ext);

struct sound_out;
struct sound_out_prm {
	const char *path;
	const struct sound_kind *kind;
	bool append;            /* goes on after what is there; a header that is none is ESPIPE */
	uint16_t channels;      /* interleaved; 0: 1. Others than 1 only of slin */
};
/* Makes the folders of `path` that are missing. errno of mkdir and open; ENOMEM; EINVAL channels. */
int sound_out_open(struct sound_out **out, const struct sound_out_prm *prm);
/* At the kind's rate. errno of write; EFBIG: a WAV file of 4 GiB. */
int sound_out_put(struct sound_out *o, const int16_t *pcm, size_t n);
int sound_out_close(struct sound_out *o);    /* in any case */

#endif
