/* phone/media_told.c -- what the media of a call says, as its application hears it. */
#include "phone/media.h"
#include "base/obj.h"
#include <errno.h>

static void told_secure(struct phone_call *c, const struct media_event *e)
{
	struct sidetone_media_event m = { .type = SIDETONE_MEDIA_SECURED, .error = e->err };

	/* Of a stranger who could not be the peer. */
	if (e->err && e->guest)
		return;
	c->keyed = c->keyed || !e->err;
	if (e->err)
		m.text = e->err == EACCES ? "the certificate is not the one that the peer's description names" :
			 e->err == ETIMEDOUT ? "nobody answers the handshake" : "the handshake failed";
	phone_tell(c, &m);
}

static void told_path(struct phone_call *c, const struct media_event *e)
{
	if (e->ice.state == ICE_CONNECTED || e->ice.state == ICE_FAILED || e->ice.state == ICE_LOST)
		phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_PATH,
			.text = ice_state_name((enum ice_state)e->ice.state) });
}

static void told_peer(struct phone_call *c, const struct media_event *e)
{
	char at[SA_TEXT];

	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_FLOWS, .text = sa_text(&e->peer, at) });
}

static void told(struct phone_call *c, const struct media_event *e)
{
	switch (e->type) {
	case MEDIA_SECURE:
		told_secure(c, e);
		break;
	case MEDIA_ICE:
		told_path(c, e);
		break;
	case MEDIA_ICE_GATHERED:
		phone_go_on(c);
		break;
	case MEDIA_FIRST_PACKET:
		told_peer(c, e);
		break;
	case MEDIA_TIMEOUT:
		phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_SILENT });
		break;
	case MEDIA_DTMF_BEGIN:
		phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_DIGIT, .digit = e->digit });
		break;
	case MEDIA_DTMF_END:
		phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_DIGIT_END, .digit = e->digit, .status = (int)e->ms });
		break;
	case MEDIA_DTMF_SENT:
		phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_DIGITS_SENT, .error = e->err });
		break;
	default:
		phone_sound_event(c, e);
	}
}

void phone_on_media(void *arg, struct media_session *s, const struct media_event *e)
{
	struct phone_call *c = arg;

	(void)s;
	if (!c->m)
		return;
	obj_hold(c);
	told(c, e);
	obj_drop(c);
}
