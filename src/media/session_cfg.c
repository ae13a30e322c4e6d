/* media/session_cfg.c -- what the SDP says of a session, as its thread needs it: made and freed on the core. */
#include "media/core.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

void cfg_free(struct stream_cfg *c)
{
	if (!c)
		return;
	obj_drop(c->srtp);
	obj_drop(c->dtls[0]);
	obj_drop(c->dtls[1]);
	for (size_t i = 0; i < c->n; i++) {
		if (c->codec[i].dec)
			c->codec[i].row->state_free(c->codec[i].dec);
		if (c->codec[i].enc)
			c->codec[i].row->state_free(c->codec[i].enc);
	}
	free(c);
}

static int codec_init(struct stream_codec *c, const struct media_codec *from, const struct codec_prm *prm)
{
	const struct format *f = format_get((enum format_id)from->id);

	*c = (struct stream_codec){ .id = f->id, .row = codec_get(f->id), .clock = f->clock, .pt_rx = from->pt_rx,
				    .pt_tx = from->pt_tx };
	if (!c->clock)
		return EINVAL;
	c->ptime = from->ptime ? from->ptime : f->ptime ? f->ptime : CODEC_PTIME;
	if (c->row)
		c->ptime = codec_packet_ms(c->row, c->ptime, RTP_MAX - RTP_HEADER);
	if (!c->row || !c->row->state_new)
		return 0;
	c->dec = codec_state(c->row, CODEC_DECODER, NULL);
	c->enc = codec_state(c->row, CODEC_ENCODER, prm);
	return c->dec && c->enc ? 0 : ENOMEM;
}

int cfg_new(struct stream_cfg **out, const struct media_set *set)
{
	struct stream_cfg *c;
	int err = 0;

	if (set->ncodecs > MEDIA_MAX_CODECS || set->nevents > MEDIA_MAX_EVENTS || set->nssrcs > MEDIA_MAX_SSRCS ||
	    memchr(set->mid, 0, sizeof(set->mid)) == NULL || memchr(set->ext, 15, sizeof(set->ext)) != NULL)
		return EINVAL;
	c = calloc(1, sizeof(*c) + set->ncodecs * sizeof(c->codec[0]));
	if (!c)
		return ENOMEM;
	c->set = *set;
	memset(c->cls, CLS_NONE, sizeof(c->cls));
	c->cls[13] = CLS_CN;    /* RFC 3389; 19 is its old number */
	c->cls[19] = CLS_CN;
	for (size_t i = 0; i < set->ncodecs && !err; i++) {
		c->n = i + 1;
		err = set->codec[i].pt_rx > 127 || set->codec[i].pt_tx > 127 ? EINVAL :
		      codec_init(&c->codec[i], &set->codec[i], &set->encoder);
		if (!err)
			c->cls[set->codec[i].pt_rx] = (uint8_t)i;
	}
	for (size_t i = 0; i < set->nevents && !err; i++) {
		if (!set->event[i].rate || set->event[i].pt_rx > 127 || (set->event[i].pt_tx > 127 && set->event[i].pt_tx != 255))
			err = EINVAL;
		else
			c->cls[set->event[i].pt_rx] = (uint8_t)(CLS_EVENT + i);
	}
	if (err)
		cfg_free(c);
	else
		*out = c;
	return err;
}
