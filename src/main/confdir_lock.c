/* The lock of the configuration's folder, as Asterisk's programs make it. */
#define LOG_MODULE "reload"
#include "main/confdir_lock.h"
#include "base/log.h"
#include "net/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define TRY_MS 250
#define TRIES 20

/* A file of our own that becomes the lock by a link: making a link fails when it is there. */
static int take_link(struct confdir_lock *l)
{
	struct text own = { 0 };
	int fd, err = text_printf(&own, "%s-%ld", text_z(&l->path), (long)getpid());

	if (err)
		return err;
	fd = open(text_z(&own), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST && !unlink(text_z(&own)))
		fd = open(text_z(&own), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		err = errno;
	} else {
		close(fd);
		err = link(text_z(&own), text_z(&l->path)) ? errno : 0;
		unlink(text_z(&own));
	}
	text_free(&own);
	return err;
}

static int take_flock(struct confdir_lock *l)
{
	if (l->fd < 0)
		l->fd = open(text_z(&l->path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (l->fd < 0)
		return errno;
	return flock(l->fd, LOCK_EX | LOCK_NB) ? errno : 0;
}

int confdir_lock(struct confdir_lock *l, struct wheel *wheel, struct str dir, struct str lockmode)
{
	bool by_flock = str_ieq(lockmode, STR("flock"));
	int err;

	*l = (struct confdir_lock){ .fd = -1 };
	err = text_cat(&l->path, dir, STR("/.lock"));
	for (int i = 0; !err; i++) {
		err = by_flock ? take_flock(l) : take_link(l);
		if (err != EEXIST && err != EWOULDBLOCK)
			break;
		if (i == TRIES) {
			err = ETIMEDOUT;
			break;
		}
		if (i % 4 == 3)
			log_warning("Failed to grab lock on %.*s, try %d", STR_ARG(dir), i / 4 + 1);
		fiber_sleep(wheel, TRY_MS);
		err = 0;
	}
	l->held = !err;
	if (err)
		confdir_unlock(l);
	return err;
}

void confdir_unlock(struct confdir_lock *l)
{
	if (l->held && l->fd < 0)
		unlink(text_z(&l->path));
	if (l->fd >= 0)
		close(l->fd);
	text_free(&l->path);
	*l = (struct confdir_lock){ .fd = -1 };
}
