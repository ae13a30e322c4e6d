/* media/record.h -- a recording of a call: up to three files (both directions mixed or interleaved, what the peer
 * says, what it is sent) fed by a tap, or by several one after another when the call gets other ports.
 * What may change meanwhile is set from the core and holds from that moment of the sound on.
 * Threads: said at each function. */
#ifndef MEDIA_RECORD_H
#define MEDIA_RECORD_H

#include "media/sound_out.h"
#include "media/tap.h"

enum record_file { RECORD_MIXED, RECORD_IN, RECORD_OUT, RECORD_FILES };

struct record_prm {
	struct str path[RECORD_FILES];          /* empty: none */
	const struct sound_kind *kind[RECORD_FILES];
	struct rate_bank *bank; /* takes a reference; NULL: ENOMEM */
	bool append;
	bool interleaved;       /* RECORD_MIXED has two channels: what the peer says, what it is sent */
	bool no_sync;           /* the files of one direction have no silence in place of what did not come */
	int volume[TAP_DIRS];   /* times that; under 0: by -that; 0: as it is */
	uint64_t skip_us;       /* of its begin: not written */
};

struct record;          /* obj: whoever made it, and each tap's sink */

/* Core. EINVAL a rate without a rate_kind(), ENOMEM. */
int record_new(struct record **out, const struct record_prm *prm);
/* Core. A sink for a tap; holds the record. When record_finish() was called before its tap is stopped, its end closes the files. */
struct tap_sink record_sink(struct record *r);
/* Core: the tap that is there now, or the next one, is the last. */
void record_finish(struct record *r);
/* Core, when no tap is left: closes what is open, also when there never was a tap. Blocks on the disk; after record_finish() and an
 * end of its tap there is nothing left to do. errno of the first failure of all. */
int record_close(struct record *r);
/* Core. From `now_us` on, by the media's clock. */
void record_mute(struct record *r, enum tap_dir dir, bool mute, uint64_t now_us);
void record_pause(struct record *r, bool pause, uint64_t now_us);

#endif
