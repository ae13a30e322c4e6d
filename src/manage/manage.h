/* manage/manage.h -- the ways in for whoever runs the server: console commands
 * over a local socket, and the manager interface over TCP.
 * Order of a start: manage_start() first of all (the console answers at once;
 * what needs more waits), manage_attach() when pbx and service are there,
 * manage_booted() when all is up. Threads: core. */
#ifndef MANAGE_MANAGE_H
#define MANAGE_MANAGE_H

#include "base/text.h"
#include "config/settings.h"
#include "net/loop.h"
#include "pbx/pbx.h"
#include "service/object/http_conf.h"
#include "service/object/settings.h"
#include "store/store.h"

struct service;
struct astdb;
struct console;
struct manager;
struct pace;
struct web;

/* The release whose console and manager this speaks: programs ask for it to know
 * what they may use. */
#define MANAGE_ASTERISK_VERSION SERVICE_ASTERISK_VERSION

enum manage_stop { MANAGE_STOP_NOW, MANAGE_STOP_GRACEFULLY, MANAGE_STOP_WHEN_CONVENIENT, MANAGE_STOP_ABORT };

struct manage_thread {
	char name[16];                  /* "core", "media 0" */
	uint64_t turns, slow, longest_ms;       /* slow: seen over warn_ms of sidetone.conf */
};

/* What main/ does when asked to. A function may be NULL: then it is not available. */
struct manage_hooks {
	void *arg;
	/* End the process (or start it anew). Returns at once. ABORT: forget an
	 * earlier wish that is still waiting. */
	void (*stop)(void *arg, enum manage_stop how, bool restart);
	bool (*stop_waits)(void *arg);  /* a stop was asked for, and neither done nor forgotten */
	/* Reload `module` ("pjsip", "dialplan", "manager", "res_pjsip.so", ...), or all
	 * when it is empty. On a fiber; may wait. 0; ENOENT no such module; EALREADY
	 * nothing changed; EBUSY a reload is running; other errnos: it failed, see `r`. */
	int (*reload)(void *arg, struct str module, struct report *r);
	int (*logger_rotate)(void *arg);
	int (*logger_reload)(void *arg);
	void (*logger_channels)(void *arg, struct buf *out);    /* rows of `logger show channels` */
	/* Thread `i` as the watchdog saw it, 0 the core; false: there is none. */
	bool (*thread)(void *arg, size_t i, struct manage_thread *out);
	bool (*store)(void *arg, struct store_counters *out);   /* false: none */
	/* One line of a log is worth formatting for a console now (or no longer). */
	void (*console_verbose)(void *arg, int level);
};

struct manage_prm {
	struct loop *loop;
	const struct asterisk_conf *conf;       /* a reference is taken */
	const char *version;                    /* "0.1.0" */
	const char *socket;                     /* path of the console's socket; NULL: no console */
	struct manage_hooks hooks;
};

struct manage {                 /* obj */
	struct loop *loop;
	struct wheel *wheel;            /* loop's */
	const struct clock *clock;
	struct pbx *pbx;                /* NULL until manage_attach() */
	struct service *service;        /* NULL until manage_attach(); may stay so in tests */
	struct astdb *db;
	struct asterisk_conf *conf;     /* held */
	struct rtp_conf *rtp;           /* held: what is in force; NULL: not said yet */
	struct udptl_conf *udptl;       /* the same */
	struct text version, socket;
	struct manage_hooks hooks;
	int64_t started_us, reloaded_us;        /* wall */
	bool booted, stopping;
	bool reloading;
	unsigned stops;                 /* asked for by a command */
	struct list waiting;            /* of struct manage_wait: fibers that wait for the boot or the end */
	struct console *console;        /* NULL: none */
	struct manager *manager;        /* NULL: not enabled */
	struct web *web;                /* held: the server of HTTP; NULL: none */
	struct pace *pace;              /* held: when commands and actions may go on */
	unsigned files;                 /* configuration files that actions hold in memory now */
	struct list files_waiting;      /* of struct manage_wait */
};

int manage_start(struct manage **out, const struct manage_prm *prm, struct report *r);
/* No more peers, no more events; fibers of peers end when they next run. Drops
 * the reference of manage_start(). Before pbx and service go. */
void manage_stop(struct manage *m);
void manage_attach(struct manage *m, struct pbx *pbx, struct service *service, struct astdb *db);
/* manager.conf as it is now (a reference is taken): listens, or stops to. Peers
 * that are logged in stay as they are. Errors of listening. */
int manage_set_manager(struct manage *m, struct manager_conf *conf, struct report *r);
/* The server of HTTP that the manager is served by too; manage_attach() takes the service's. ENOMEM. */
int manage_set_web(struct manage *m, struct web *web);
void manage_set_rtp(struct manage *m, struct rtp_conf *conf);        /* takes a reference */
void manage_set_udptl(struct manage *m, struct udptl_conf *conf);    /* the same */
/* All is up: lets waiting commands go on, sends FullyBooted, runs cli.conf's
 * startup commands. */
void manage_booted(struct manage *m);
/* On a fiber: until booted. ECANCELED: stopping. */
int manage_wait_booted(struct manage *m);
/* On a fiber: until the stop that was asked for is done, forgotten, or replaced by another. */
void manage_wait_stopped(struct manage *m);
/* On a fiber, in a long piece of work that is not cut into rows: give way when others
 * wait or this turn has done enough. */
void manage_step(struct manage *m);
/* On a fiber: until few enough configuration files are held in memory for answers that
 * one more may be read; then manage_file_end(). ECANCELED: stopping. */
int manage_file_begin(struct manage *m);
void manage_file_end(struct manage *m);
/* Sort `v` of `n` pointers in steps. Nothing that is not held survives it. 0, ENOMEM;
 * ECANCELED: stopping. */
int manage_sort(struct manage *m, void *v, size_t n, int (*cmp)(const void *, const void *));
/* A line of the log, for consoles that are being watched. Any thread. */
void manage_log(struct manage *m, enum log_level level, int verbosity, struct str line);
/* Reload through the hook, with its report. On a fiber. */
int manage_reload(struct manage *m, struct str module, struct report *r);
/* The manager's FullyBooted lines. */
void manage_write_booted(struct manage *m, struct buf *b);
/* As Asterisk prints them: "1 hour, 2 seconds". */
void manage_write_span(struct buf *b, int64_t seconds);
/* Built-in module names for `module show`, ModuleCheck: "res_pjsip.so". */
bool manage_has_module(struct manage *m, struct str name);

#endif
