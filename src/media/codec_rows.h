/* media/codec_rows.h -- the rows of codec.c's table that have files of their own. */
#ifndef MEDIA_CODEC_ROWS_H
#define MEDIA_CODEC_ROWS_H

#include "media/codec.h"

extern const struct codec codec_row_gsm;
extern const struct codec codec_row_g722;
extern const struct codec codec_row_opus;
extern const struct codec codec_row_codec2;

/* All of a wav's GSM data to samples (owned by the caller). ENOMEM. */
int codec_gsm_wav49(struct str bytes, int16_t **out, size_t *n, uint32_t *rate);
/* The other way: an encoder (its end is the row's state_free), and two frames by it. */
void *codec_gsm_wav49_encoder(void);
void codec_gsm_wav49_block(void *st, const int16_t pcm[320], uint8_t out[65]);

#endif
