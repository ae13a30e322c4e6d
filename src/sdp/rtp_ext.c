/* sdp/rtp_ext.c -- header extensions of RTP by their names. */
#include "sdp/rtp_ext.h"
#include "base/poison.h"

static const struct str uris[RTP_EXTS] = {
	[RTP_EXT_MID] = STR_INIT("urn:ietf:params:rtp-hdrext:sdes:mid"),
	[RTP_EXT_SEND_TIME] = STR_INIT("http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
	[RTP_EXT_TRANSPORT_CC] = STR_INIT("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
	[RTP_EXT_ORIENTATION] = STR_INIT("urn:3gpp:video-orientation"),
	[RTP_EXT_PLAYOUT] = STR_INIT("http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
	[RTP_EXT_OFFSET] = STR_INIT("urn:ietf:params:rtp-hdrext:toffset"),
	[RTP_EXT_CONTENT] = STR_INIT("http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"),
};

struct str rtp_ext_uri(enum rtp_ext e)
{
	return (unsigned)e < RTP_EXTS ? uris[e] : STR_NULL;
}

enum rtp_ext rtp_ext_by_uri(struct str uri)
{
	unsigned e = 0;

	while (e < RTP_EXTS && !str_eq(uris[e], uri))
		e++;
	return (enum rtp_ext)e;
}
