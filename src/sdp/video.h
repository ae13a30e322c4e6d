/* sdp/video.h -- do two descriptions (a=fmtp) of one format of video mean the same, so that what one leg
 * sends the other can show? Media is passed on as it is, nothing is recoded.
 *   H.264   packetization-mode and the profile of profile-level-id (RFC 6184 section 8.2.2); levels may differ.
 *           Baseline and constrained baseline count as one: what sets them apart nobody sends.
 *   VP9     profile-id (RFC 9628 section 6), AV1 profile: as H.264's
 * Threads: pure functions of their arguments. */
#ifndef SDP_VIDEO_H
#define SDP_VIDEO_H

#include "sdp/format.h"

enum video_fit {
	VIDEO_OTHER,            /* they exclude each other */
	VIDEO_LIKE,             /* one can show the other's */
	VIDEO_SAME
};
/* What is absent has its default. `strict` false: what `b` leaves out is as `a` has it, as many
 * phones answer without parameters. */
enum video_fit video_fmtp_fit(enum format_id id, struct str a, struct str b, bool strict);
/* What nearly everybody who has this format can show: to choose by among several; empty: any will do. */
struct str video_fmtp_usual(enum format_id id);

#endif
