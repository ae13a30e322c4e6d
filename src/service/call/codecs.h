/* service/call/codecs.h -- codecs.conf at work: what our SDP says of Opus, and how it is
 * encoded for a peer. Threads: core. */
#ifndef SERVICE_CALL_CODECS_H
#define SERVICE_CALL_CODECS_H

#include "config/settings.h"
#include "sdp/negotiate.h"
#include "service/common/service.h"

/* From the next offer or answer on. NULL: the defaults. */
void codecs_set_conf(struct service *svc, const struct codecs_conf *conf);
/* What the stream's peer says, within what the configuration allows. */
void codecs_encoder(struct codec_prm *out, const struct service_codecs *ours, const struct neg_stream *st);

#endif
