/* sdp/rtp_ext.h -- the header extensions of RTP (RFC 8285) that this server knows: the name of
 * a stream, and what is passed on with relayed video. Others are left out.
 * Threads: any; the table is constant. */
#ifndef SDP_RTP_EXT_H
#define SDP_RTP_EXT_H

#include "base/str.h"

enum rtp_ext {
	RTP_EXT_MID,            /* RFC 8843 section 15.2: ours on each leg, never passed on */
	RTP_EXT_SEND_TIME,      /* abs-send-time */
	RTP_EXT_TRANSPORT_CC,   /* draft-holmer-rmcat-transport-wide-cc-extensions: a number of the transport */
	RTP_EXT_ORIENTATION,    /* 3GPP TS 26.114, 7.4.5 */
	RTP_EXT_PLAYOUT,        /* playout-delay */
	RTP_EXT_OFFSET,         /* RFC 5450 */
	RTP_EXT_CONTENT,        /* video-content-type */
	RTP_EXTS
};
enum { RTP_EXT_ALL = (1 << RTP_EXTS) - 1, RTP_EXT_ID_MAX = 255, RTP_EXT_SHORT_MAX = 14 /* ids of the one-byte form */ };

struct str rtp_ext_uri(enum rtp_ext e);
/* RTP_EXTS: one that we do not know. */
enum rtp_ext rtp_ext_by_uri(struct str uri);

#endif
