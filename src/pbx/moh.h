/* pbx/moh.h -- music on hold: classes of musiconhold.conf with mode=files, each
 * the sorted sounds of a directory. Threads: core; moh_load() blocks on the disk
 * and is for start and reload. */
#ifndef PBX_MOH_H
#define PBX_MOH_H

#include "pbx/channel.h"

struct config;

/* Relative directories start at `datadir`. The classes from before end. */
int moh_load(struct pbx *p, const struct config *cfg, struct str datadir);
bool moh_has(const struct pbx *p, struct str music_class);
/* The i-th class, in the order of the file; views until the next moh_load(). False: no more. */
struct moh_class {
	struct str name, dir;
	const struct str *files;        /* absolute, without extension */
	size_t n;
};
bool moh_class_at(const struct pbx *p, size_t i, struct moh_class *out);
/* Play the class to whoever hears `ch`, from a random piece on, until
 * channel_moh_stop(). ENOENT: no such class, or it is empty. */
int moh_play(struct channel *ch, struct str music_class);

#endif
