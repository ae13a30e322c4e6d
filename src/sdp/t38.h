/* sdp/t38.h -- what an m=image line of T.38 says beside its port (ITU-T T.38 annex D, RFC 3362), in the
 * words that gateways really use. Pure. Threads: any. */
#ifndef SDP_T38_H
#define SDP_T38_H

#include "base/buf.h"
#include "sdp/sdp.h"

enum sdp_t38_ec { SDP_T38_EC_UNSAID, SDP_T38_EC_FEC, SDP_T38_EC_REDUNDANCY, SDP_T38_EC_OTHER };

struct sdp_t38 {
	unsigned version;
	unsigned bit_rate;              /* [bit/s] 0: not said */
	unsigned max_datagram;          /* [bytes] 0: not said, or nonsense */
	bool fill_bit_removal, transcoding_mmr, transcoding_jbig;
	bool management_said, local_tcf;        /* else transferredTCF */
	enum sdp_t38_ec ec;
};

/* Names in any case, T38MaxBitRate also as T38FaxMaxRate, T38FaxMaxDatagram also as T38MaxDatagram; blanks
 * around a value. A switch is on when it stands there, unless its value is 0. */
void sdp_t38_read(struct sdp_t38 *t, const struct sdp_media *m);
/* Its a= lines. */
void sdp_t38_write(struct buf *b, const struct sdp_t38 *t);

#endif
