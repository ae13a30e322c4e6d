/* pbx/features.h -- the digits that work inside a call (features.conf), and what FEATURE() and FEATUREMAP()
 * make of them for one channel.
 * Threads: core, but for features_build(): any. */
#ifndef PBX_FEATURES_H
#define PBX_FEATURES_H

#include "base/buf.h"
#include "base/text.h"
#include "config/report.h"

struct pbx;
struct channel;
struct config;

/* A line of [applicationmap]: digits that run an application. */
struct features_item {
	struct text name, code, app, data;
	struct text music;              /* what the others hear meanwhile; empty: nothing */
	bool on_self;                   /* for whoever pressed it; else for the others */
};
/* A line of a group: an item, by other digits when there are some. */
struct features_ref {
	size_t item;                    /* its place */
	struct text code;
};
struct features_group {
	struct text name;
	struct features_ref *v;         /* owned */
	size_t n;
};
struct features_map {           /* obj; immutable */
	struct features_item *item;     /* owned */
	struct features_group *group;   /* owned */
	size_t items, groups;
};

/* One item for a member of a bridge. Views into the map. */
struct features_choice {
	const struct features_item *item;
	struct str code;
};
enum { FEATURES_CHOICES = 64 };         /* of one member; more are left out */
/* What DYNAMIC_FEATURES names, "item#group#item"; unknown names are logged with `who`. Gives how many. */
size_t features_choose(const struct features_map *m, struct str names, struct str who,
		       struct features_choice v[static FEATURES_CHOICES]);

struct features_conf {          /* obj once given to features_set(); immutable then */
	struct text blindxfer;          /* "#" */
	struct text disconnect;         /* "*" */
	struct text atxfer, parkcall, automixmon;       /* empty: off */
	uint32_t digit_timeout_ms;      /* between digits of a code: 1000 */
	uint32_t transfer_digit_timeout_ms;     /* for the number to transfer to: 3000 */
	uint32_t atxfer_no_answer_ms;   /* 15000 */
	uint32_t atxfer_loop_delay_ms, atxfer_callback_retries; /* 10000, 2 */
	uint32_t transfer_dial_attempts;        /* 3 */
	bool atxfer_drop_call;
	struct text xfersound, xferfailsound;   /* beep, beeperr */
	struct text transferannouncesound, transferretrysound, transferinvalidsound;
	struct text pickupexten;        /* "*8" */
	struct text pickupsound, pickupfailsound;       /* empty: none */
	struct text courtesytone, recordingfailsound;   /* the same */
	struct text atxferabort, atxfercomplete, atxferthreeway, atxferswap;    /* *1 *2 *3 *4 */
	struct features_map *map;       /* held; NULL: none. A channel's own copy has none */
};

int features_new(struct features_conf **out);        /* the defaults */
/* features.conf, with its faults. ENOMEM */
int features_build(struct features_conf **out, const struct config *cfg, struct report *r);
/* The same, then features_set(). */
int features_load(struct pbx *p, const struct config *cfg);
/* The pbx takes the reference over and drops the one before. */
void features_set(struct pbx *p, struct features_conf *f);
/* The digits of a feature of [featuremap] by its name; empty: off, or no such feature. */
struct str features_code(const struct features_conf *f, struct str name);
const struct features_conf *features_get(struct pbx *p);     /* never NULL after features_set() */

/* An option of [general], or with `code` of [featuremap]. ENOENT: there is no such; EBADMSG: no such value. */
int features_option_set(struct features_conf *f, struct str name, struct str value, bool code);
int features_option_get(const struct features_conf *f, struct str name, bool code, struct buf *out);

/* What holds for this channel: its own, or everybody's. A view: FEATURE() and a reload may end it, so hold it to wait. */
const struct features_conf *features_of(struct channel *ch);
/* An option of this channel alone, from now on. Errors as features_option_set(). */
int features_own(struct channel *ch, struct str name, struct str value, bool code);
bool features_inherited(struct channel *ch); /* by the channels that it makes */
int features_inherit(struct channel *ch, bool yes);  /* ENOMEM */

/* The digits of a feature of this channel: of [featuremap], or of what its DYNAMIC_FEATURES names. Empty: off. */
void features_digits(struct channel *ch, struct str name, char *digits, size_t size);

/* features_map.c: [applicationmap], and groups of it. */
int features_map_build(struct features_map **out, const struct config *cfg, struct report *r);

#endif
