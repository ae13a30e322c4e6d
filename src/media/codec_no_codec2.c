/* media/codec_no_codec2.c -- built without libcodec2: Codec 2 is passed on between those who have it. */
#include "media/codec_rows.h"
#include "base/poison.h"

const struct codec codec_row_codec2 = { .id = FORMAT_NONE };
