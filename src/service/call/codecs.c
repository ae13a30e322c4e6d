/* service/call/codecs.c -- from codecs.conf and the peer's SDP to the parameters of an encoder. */
#include "service/call/codecs.h"
#include "media/agreed.h"

static const uint32_t rate_of_band[] = {
	[CODECS_NARROW] = 8000, [CODECS_MEDIUM] = 12000, [CODECS_WIDE] = 16000, [CODECS_SUPER_WIDE] = 24000,
	[CODECS_FULL] = 48000,
};

void codecs_set_conf(struct service *svc, const struct codecs_conf *conf)
{
	static const struct codecs_conf defaults = { .complexity = 10, .max_playback_rate = OPUS_RATE,
		.max_bandwidth = CODECS_FULL, .fec = true };
	const struct codecs_conf *c = conf ? conf : &defaults;

	_Static_assert((int)CODECS_LOW_DELAY == (int)CODEC_LOW_DELAY && (int)CODECS_MUSIC == (int)CODEC_SIGNAL_MUSIC,
		       "the configuration's names are media's");
	svc->rtp.codecs.opus = (struct opus_fmtp){ .max_playback = c->max_playback_rate, .max_capture = OPUS_RATE,
		.max_bitrate = c->bitrate, .cbr = c->cbr, .fec = c->fec, .dtx = c->dtx };
	svc->rtp.codecs.encoder = (struct codec_prm){ .max_rate = rate_of_band[c->max_bandwidth], .loss = (uint8_t)c->packet_loss,
		.saving = (uint8_t)(10 - c->complexity), .use = c->application, .signal = c->signal };
}

void codecs_encoder(struct codec_prm *out, const struct service_codecs *ours, const struct neg_stream *st)
{
	agreed_encoder(out, &ours->opus, &ours->encoder, st);
}
