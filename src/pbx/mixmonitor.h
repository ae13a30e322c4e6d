/* pbx/mixmonitor.h -- recordings of calls, as MixMonitor() makes them: begun, muted and ended by the dialplan, the
 * manager, the console or a digit, and followed when the channel's sound goes another way. The files are written by
 * media/record.h on the writer's thread.
 * Threads: core. */
#ifndef PBX_MIXMONITOR_H
#define PBX_MIXMONITOR_H

#include "media/record.h"
#include "pbx/channel.h"

struct mixmonitor {             /* obj; pbx->recordings holds one reference until its files are complete */
	struct list link;               /* in pbx->recordings */
	struct pbx *pbx;                /* NULL: it has gone before */
	struct channel *ch;             /* view; NULL: it has ended */
	struct text id;                 /* "0x..." */
	struct text file[RECORD_FILES]; /* whole paths; empty: none */
	struct text command;            /* run when the files are complete */
	struct text mailboxes;          /* option m */
	bool only_bridged, beep_at_end, remove;
	uint64_t beep_ms;               /* 0: no beep now and then */
	struct record *record;          /* held */
	struct media_tap *tap;          /* of the session in force; NULL: none */
	struct media_session *on;       /* that session; to compare only */
	unsigned taps;                  /* that have not ended */
	bool stopping, done;
	struct timer beep;
	struct fiber *waiter;
};

/* What MixMonitor(file,options,command) says, taken apart. */
struct mixmonitor_prm {
	struct text file[RECORD_FILES], command, id_variable, mailboxes;
	struct record_prm record;       /* its paths are views of `file` */
	bool only_bridged, beep_at_start, beep_at_end, remove;
	uint64_t beep_ms;
};
/* mixmonitor_prm.c. EINVAL and a line in the log: it names no file, or one whose format is none; ENOMEM. prm_free() in any case. */
int mixmonitor_parse(struct mixmonitor_prm *prm, struct channel *ch, struct str data);
void mixmonitor_prm_free(struct mixmonitor_prm *prm);

/* As the application does, with its variables and MixMonitorStart. On ch's own fiber option p beeps first. EINVAL, ENOMEM. */
int mixmonitor_start(struct channel *ch, struct str data);
/* `id` empty: the latest. MixMonitorStop. On a fiber it waits until the files are complete. ENOENT: there is none. */
int mixmonitor_stop(struct channel *ch, struct str id);
/* `id` empty: all. *count: how many. ENOENT. */
int mixmonitor_mute(struct channel *ch, struct str id, bool in, bool out, bool mute, unsigned *count);
void mixmonitor_tell_mute(struct channel *ch, struct str direction, bool on);        /* MixMonitorMute, in the manager's words */
struct mixmonitor *mixmonitor_find(struct channel *ch, struct str id);       /* `id` empty: the latest; a view */

/* The sound of some channels goes another way now: pbx->path_changed. */
void mixmonitors_follow(struct pbx *p);
void mixmonitor_channel_ends(struct channel *ch);    /* in pbx->channel_ends */
void mixmonitor_moved(struct channel *from, struct channel *to);     /* channel_exchange(): they go with the leg */
void mixmonitors_forget(struct pbx *p);              /* the pbx goes */

#endif
