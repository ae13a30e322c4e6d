/* pbx/pbx.h -- the switch as one object that everything gets passed.
 * Threads: core. */
#ifndef PBX_PBX_H
#define PBX_PBX_H

#include "base/hash.h"
#include "base/list.h"
#include "net/loop.h"
#include "pbx/vars.h"

struct media;
struct statsd;
struct astdb;
struct events;
struct dialplan;
struct hints;
struct devstates;
struct channel;
struct channel_tech;
struct app;
struct func;
struct builtin;
struct features_conf;
struct moh;
struct faxes;

/* Told before a channel ends, while it is whole: who keeps it somewhere lets go of it. */
typedef void channel_end_fn(struct channel *ch);

struct service;
/* For those who count what queues do. */
struct queue_event {
	struct str queue, id, agent, event, info;
};
/* Logs that stand above the pbx. A function may be NULL: then nobody hears. */
struct pbx_logs {
	void *arg;
	/* A line of one of logger.conf's custom_levels; ENOENT: it is none of them. */
	int (*custom)(void *arg, struct str level, struct str text);
	void (*queue)(void *arg, const struct queue_event *e);
};

struct pbx {
	struct loop *loop;
	struct wheel *wheel;            /* loop's */
	const struct clock *clock;
	struct media *media;            /* NULL in tests without sound */
	struct astdb *db;
	struct events *events;
	struct statsd *statsd;          /* told numbers (net/statsd.h); NULL: nobody is */
	bool native_suspended;          /* no two members of a bridge are joined natively: their media are a bridge's */
	bool channel_stats, endpoint_stats;     /* ... also of those: modules.conf names res_chan_stats, res_endpoint_stats */
	struct list channels;           /* struct channel, oldest first */
	struct map *by_name, *by_uniqueid;
	channel_end_fn *const *channel_ends;    /* called in their order, NULL at the end: pbx.c's table */
	struct dialplan *plan;          /* held; replaced by a reload */
	struct vars globals;
	struct map *apps, *funcs, *techs;       /* rows by lower-case name (maps fold case) */
	struct map *builtins;           /* rows of struct builtin; case matters */
	struct devstates *devstates;
	struct hints *hints;
	struct str systemname, default_language, entityid;
	struct str sounds_dir, spool_dir;
	uint32_t next_channel, next_local, next_unique;  /* each technology counts its own */
	uint64_t calls_total;
	uint32_t calls_max;             /* 0: no limit */
	uint32_t mindtmfduration;       /* [ms] shorter digits are heard as long as that */
	uint32_t silence_threshold;     /* dsp.conf: mean magnitude under which a channel is silent */
	bool stopping;                  /* no new channels */
	struct map *bridges;            /* struct bridge by id */
	struct features_conf *features; /* held; features_set(). NULL: the defaults */
	struct moh *moh;                /* held: music classes; NULL: none */
	struct faxes *fax;              /* owned: faxes, their defaults and counts */
	uint32_t next_play;             /* tags of media_play */
	bool live_dangerously;          /* asterisk.conf: functions that touch files and the system may be written */
	struct vars constants;          /* ASTETCDIR, ASTDATADIR, ... and VERSION(), what the function gives: set by main/ */
	struct dialplan *added;         /* extensions added while running (regcontext, console) */
	int64_t started;                /* [s] wall */
	unsigned nesting;               /* substitutions inside one another, through EVAL() and the like */
	struct list recordings;         /* struct mixmonitor, the latest first */
	uint64_t next_recording;
	void (*path_changed)(struct pbx *p);    /* while there are recordings: somebody is heard elsewhere now */
	void (*heard_anew)(struct channel *ch); /* of one in a bridge: who listens to it is another now */
	struct pbx_logs logs;
	bool transmit_silence;          /* asterisk.conf: who only waits sends silence */
	struct service *service;        /* only technologies and functions that know SIP look inside; NULL: none */
};

struct pbx_prm {
	struct loop *loop;
	struct media *media;
	struct astdb *db;
	struct str systemname, default_language, sounds_dir, spool_dir;
	struct str entityid;            /* of this server among others: "00:16:3e:0a:0b:0c" */
	uint32_t mindtmfduration;       /* [ms] 0: any digit is long enough */
};
int pbx_new(struct pbx **out, const struct pbx_prm *prm);    /* registers all apps, functions, Local */
void pbx_free(struct pbx *p);        /* no channel may be left */

int pbx_add_tech(struct pbx *p, const struct channel_tech *t);
/* Rows from outside pbx/ (service/'s PJSIP_HEADER and the like). They are not
 * copied. EEXIST: the name is taken. */
int pbx_add_app(struct pbx *p, const struct app *a);
int pbx_add_func(struct pbx *p, const struct func *f);
int pbx_add_builtin(struct pbx *p, const struct builtin *b);
const struct app *pbx_app(const struct pbx *p, struct str name);     /* NULL: none */
const struct func *pbx_func(const struct pbx *p, struct str name);
const struct builtin *pbx_builtin(const struct pbx *p, struct str name);
/* Hang up everything. */
void pbx_hangup_all(struct pbx *p, int cause);
/* The end: no channel comes after this, and those that are there have ended as far as
 * their fibers wait for nothing else. Before what they use is freed. */
void pbx_stop(struct pbx *p);

/* An application: one file in pbx/app/ and one row in pbx/app/list.h. */
struct app {
	const char *name;
	const char *synopsis;
	/* 0: next priority; -1: leave the dialplan and hang up; a digit: it was
	 * pressed, more are collected and make the next extension; APP_INCOMPLETE.
	 * `data`: after substitution, terminated. Runs on the channel's fiber. */
	int (*run)(struct channel *ch, struct str data);
};
enum { APP_INCOMPLETE = 12 };     /* the extension wants more digits */
/* A function, read and written: pbx/func/ and pbx/func/list.h. `ch` may be NULL
 * (globals, manager). Errors: ENOENT no such thing here, EINVAL arguments, ENOSYS. */
struct buf;
struct func {
	const char *name;
	const char *synopsis;
	int (*read)(struct pbx *p, struct channel *ch, struct str args, struct buf *out);
	int (*write)(struct pbx *p, struct channel *ch, struct str args, struct str value);
};
/* A variable of a channel that is worked out when it is read, by what stands above the
 * variables: ${HINT}. No variable that was set hides it. False: it has no value here. */
struct builtin {
	const char *name;
	bool (*read)(struct channel *ch, struct buf *out);
};

#endif
