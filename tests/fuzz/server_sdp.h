/* tests/fuzz/server_sdp.h -- session descriptions out of parts. */
#ifndef FUZZ_SERVER_SDP_H
#define FUZZ_SERVER_SDP_H

#include "base/buf.h"

enum { SDP_PRESETS = 38 };

/* A change of the lines that the next description gets, whatever it is for. */
void sdp_edit_later(uint8_t op, uint8_t arg);
/* Preset number `preset` (0: none) of `phone`, changed by what waits and by one
 * more change. False: no body. */
bool sdp_write_text(struct buf *b, unsigned phone, unsigned preset, uint8_t op, uint8_t arg);
const char *sdp_edit_name(uint8_t op);
void sdp_forget(void);

#endif
