/* main/server.h -- the program as one object: starts every room in order, ends
 * them in the other, and reloads. Threads: core. */
#ifndef MAIN_SERVER_H
#define MAIN_SERVER_H

#include "config/settings.h"

struct server;

struct server_prm {
	const char *config;     /* path of asterisk.conf */
	bool terminal;          /* log to stdout */
	int verbose, debug;     /* -v, -d counts */
	const char *user, *group;       /* -U, -G: in place of runuser and rungroup; NULL */
	double max_load;        /* -L, -M: in place of maxload and maxcalls; 0: theirs */
	uint32_t max_calls;
	const char *bind;       /* `run`: address in place of every transport's; NULL */
	void (*ready)(void *arg, struct server *s);     /* all is up; may be NULL */
	void *arg;
};
/* Runs until stopped; gives the exit code. Faults that forbid a start are told
 * on stderr, one line each. */
int server_run(const struct server_prm *prm);

#define SIDETONE_VERSION "0.1.0"
/* The release whose configuration, console and manager this speaks. */
#define ASTERISK_VERSION "22.10.1"

#endif
