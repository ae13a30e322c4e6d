/* tests/loop/manager_stage.h -- what the tests of managers and consoles stand on: a pbx and SIP
 * objects in this process, a clock that the test moves, and peers on real sockets of loopback.
 * One of each a program. */
#ifndef TESTS_LOOP_MANAGER_STAGE_H
#define TESTS_LOOP_MANAGER_STAGE_H

#include "fake_tech.h"
#include "manage/console.h"
#include "manage/manager_private.h"
#include "service/service.h"

struct tally;

struct manager_stage {
	struct world w;
	struct service *svc;
	struct manage *m;
	struct asterisk_conf *conf;
	struct manager_conf *mc;
	char dir[64], socket[128];
	int stops, reloads;
	void (*on_reload)(struct tally *y);
	struct tally *reload_arg;
	enum manage_stop how;
	struct text module;
	uint16_t port;
};
extern struct manager_stage t;
extern const char manager_pjsip[];      /* pjsip.conf */

int manager_up(void **state);
int manager_down(void **state);
void start_manage(void);                 /* once more, after manage_stop() */

/* ---- a peer ----------------------------------------------------------- */

struct peer {
	int fd;
	struct buf in;
	bool closed;
};

struct peer dial(void);                  /* a manager that says nothing yet */
struct peer dial_console(void);
struct peer login(const char *user);     /* a manager of manager.conf: manager_stage.c */
void hang_up(struct peer *p);
void take(struct peer *p);               /* what has come, without waiting */
void say(struct peer *p, const char *text);
/* Turns until `text` is among what came since the last call; gives up after 2 s. */
bool hears(struct peer *p, const char *text);
bool has(const struct peer *p, const char *text);
unsigned count(const struct peer *p, const char *text);
bool is_closed(struct peer *p);          /* now, or within 2 s */
/* One action with ActionID 9, answered to its end. */
void ask(struct peer *p, const char *action);

#define HAS(p, text) do { if (!has((p), (text))) fail_msg("no '%s' in:\n%s", text, buf_z(&(p)->in)); } while (0)
#define HAS_NOT(p, text) do { if (has((p), (text))) fail_msg("'%s' in:\n%s", text, buf_z(&(p)->in)); } while (0)

size_t stream_peers(void);               /* managers that are logged in or could be */

#endif
