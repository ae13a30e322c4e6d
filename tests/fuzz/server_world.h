/* tests/fuzz/server_world.h -- the server in this process, its clock, its wire.
 * One a program: begun, turned, ended, and nothing of it may be left. */
#ifndef FUZZ_SERVER_WORLD_H
#define FUZZ_SERVER_WORLD_H

#include "base/clock.h"
#include "manage/manage.h"
#include "server_hooks.h"
#include "service/service.h"

struct world {
	struct clock_fake clock;
	struct loop *loop;
	struct pbx *pbx;
	struct service *svc;
	struct manage *manage;
	struct astdb *db;
	struct media *media;
	struct client *peer[4];         /* managers and consoles; NULL: none */
	bool disk_by_hand;              /* commits happen when the program says so */
	bool deaf;                      /* what we send cannot be sent: ENETUNREACH */
	bool dead;                      /* could not start again: no memory */
	size_t objects;                 /* before it began */
	long blocks;
};
extern struct world world;

void world_once(void);                  /* what all programs share */
void world_begin(unsigned conf);
/* Ends the calls, lets time pass, frees all, and aborts when something is left. */
void world_end(void);
/* Whatever stands between two steps must fit: contacts in memory and on the disk. */
void world_check(void);
/* Let everything happen that needs no time. */
void world_turn(void);
/* Let time pass: from one timer to the next, or in one leap. */
void world_pass(uint64_t ms, bool leap);
/* pjsip.conf number `conf`. `how`: 0 as it was read once, 1 parsed anew, 2 from files. */
void world_reload(unsigned conf, unsigned how);
void world_dialplan(unsigned plan, bool fresh);
/* The process is killed (or stopped in order) and started again with what the disk has. */
void world_restart(bool killed, unsigned conf);
void world_receive(const struct net_path *from, struct str bytes, bool datagram);

#endif
