/* tests/loop/mixmonitor_stage.h -- a world whose calls are recorded, in a directory of its own, and the far
 * ends of two of its legs. One a program, whose dialplan `plan` stands before. */
#ifndef TESTS_LOOP_MIXMONITOR_STAGE_H
#define TESTS_LOOP_MIXMONITOR_STAGE_H

#include "base/obj.h"
#include "fake_tech.h"
#include "media/file.h"
#include "media/media.h"
#include "media/rtp.h"
#include "media/tone.h"
#include "pbx/bridge.h"
#include "pbx/mixmonitor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct world w;
static char dir[] = "/tmp/test_mixmonitor.XXXXXX";
static int far_end[2];          /* sockets of whoever talks */
static struct sound *got;

static void set(const char *name, const char *value)
{
	assert_int_equal(vars_set(&w.pbx->globals, str_z(name), str_z(value)), 0);
}

static const char *get(const char *name)
{
	static char room[256];
	struct str v = STR_NULL;

	vars_get(&w.pbx->globals, str_z(name), &v);
	snprintf(room, sizeof(room), "%.*s", STR_ARG(v));
	return room;
}

static const char *path(const char *name)
{
	static char room[2][128];
	static int i;

	snprintf(room[i ^= 1], sizeof(room[0]), "%s/monitor/%s", dir, name);
	return room[i];
}

static int setup(void **state)
{
	(void)state;
	world_open_media(&w, plan);
	w.pbx->spool_dir = str_z(dir);
	set("FILE", "m.wav");
	set("OPT", "");
	set("CMD", "");
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		far_end[i] = socket(AF_INET, SOCK_DGRAM, 0);
		assert_int_equal(bind(far_end[i], (struct sockaddr *)&a, sizeof(a)), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	got = obj_drop(got);
	world_close(&w);
	close(far_end[0]);
	close(far_end[1]);
	return 0;
}

static bool there(const char *name)
{
	return !access(path(name), R_OK);
}

/* In real time, as the disk and the shell have theirs. */
static bool until(bool (*ok)(const void *), const void *arg)
{
	time_t end = time(NULL) + 10;

	while (!ok(arg) && time(NULL) < end) {
		world_turn(&w);
		sched_yield();
	}
	return ok(arg);
}

static bool no_recordings(const void *arg)
{
	(void)arg;
	return list_empty(&w.pbx->recordings);
}

static bool is_there(const void *name) { return there(name); }
static bool is_not_there(const void *name) { return !there(name); }
static bool has_stopped(const void *arg) { (void)arg; return !strcmp(get("ON"), "stopped"); }

static struct fake *call_of(const char *who, const char *exten)
{
	struct fake *f = world_call_in(&w, who, "100", "default", exten);

	world_pass(&w, 600);    /* Answer() waits for its sound */
	return f;
}

static struct fake *call(const char *exten)
{
	return call_of("alice", exten);
}

#endif
