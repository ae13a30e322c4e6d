/* media/agreed.h -- from what a negotiation agreed to a session's media: its streams in the words of
 * media.h, and the lines of ICE in their descriptions (RFC 8839). What an endpoint or agent wants
 * of its own is added by the caller.
 * Threads: core. */
#ifndef MEDIA_AGREED_H
#define MEDIA_AGREED_H

#include "media/ice_media.h"
#include "sdp/negotiate.h"

/* Everything that the SDP in force says of `st`: addresses, direction, codecs, events, encryption, names. All else
 * of *set is zero. `identity`: our certificate, where DTLS was agreed; a view. */
void agreed_set(struct media_set *set, const struct neg_stream *st, struct dtls_identity *identity);
/* Opus, if it is among the codecs: what the peer says, within `ours` and `base`. Others: untouched. */
void agreed_encoder(struct codec_prm *out, const struct opus_fmtp *ours, const struct codec_prm *base, const struct neg_stream *st);

/* ---- ICE. `m`: the media of stream `i`, which has a wire of its own */

/* Components that ICE has to find a way for: 1 when the peer's description has no second one. */
bool agreed_one_component(const struct neg_stream *st);
/* The peer's offer has ICE. */
bool agreed_ice_offered(const struct neg *n, const struct neg_stream *st, struct ice_desc *d);
/* The lines of our next SDP: credentials, candidates. `mux`: of the first component only. `options`: of
 * ice-options. *known: how many of the candidates it has; their end counts one. ENOMEM, ENOSPC. */
int agreed_ice_write(struct neg *n, size_t i, const struct media_session *m, bool mux, const char *options, uint8_t *known);
/* The SDP in force is the peer's: its candidates go to the agent of `m`, which ends when there are none. *fresh (may be
 * NULL): it was not known yet. Errors: as media_ice_remote(). */
int agreed_ice_take(const struct neg *n, const struct neg_stream *st, struct media_session *m, bool *fresh);

#endif
