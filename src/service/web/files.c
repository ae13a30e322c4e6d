/* Files of a directory, for the routes that have one (static.c, phone.c). They are opened and read on the pool, one
 * piece at a time, so that neither a slow disk nor a long file keeps anybody waiting. */
#include "service/web/private.h"
#include "base/fiber.h"
#include "base/obj.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (64u << 10)       /* [bytes] */
#define PATH_LONGEST 1024

/* Belongs to the fiber; the pool has it while the fiber waits. */
struct file {
	struct web_call *call;          /* held */
	struct fiber *fiber;
	struct loop *loop;
	const struct web_place *place;
	char *dir[WEB_DIRS], *name;     /* owned: NULL after the last; what is asked for */
	bool found;                     /* there is one of the directories */
	int fd;
	struct stat st;
	char *piece;                    /* owned; n bytes of the file, from `at` */
	size_t n;
	off_t at;
	int err;
	bool done;
};

/* ---- on the pool ------------------------------------------------------------------------------- */

/* The first of the directories that is there. */
static int open_dir(struct file *f)
{
	int at = -1;

	for (size_t i = 0; i < WEB_DIRS && f->dir[i] && at < 0; i++)
		at = open(f->dir[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->found = at >= 0;
	return at;
}

/* No step of the way may be a link, so nothing outside of the directory is reached. */
static int open_below(int at, struct str name)
{
	int fd;

	while (at >= 0 && name.n) {
		char part[256];
		struct str step = str_cut_raw(&name, '/');

		if (!step.n)
			continue;
		if (step.n >= sizeof(part)) {
			close(at);
			errno = ENAMETOOLONG;
			return -1;
		}
		str_copy(part, sizeof(part), step);
		/* O_NONBLOCK: a pipe that nobody writes to. */
		fd = openat(at, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (name.n ? O_DIRECTORY : 0));
		close(at);
		at = fd;
	}
	return at;
}

static void do_open(void *arg)
{
	struct file *f = arg;

	f->fd = open_below(open_dir(f), str_z(f->name));
	if (f->fd < 0 || fstat(f->fd, &f->st))
		f->err = errno;
	else if (!S_ISREG(f->st.st_mode))
		f->err = ENOENT;
}

static void do_read(void *arg)
{
	struct file *f = arg;
	ssize_t n = pread(f->fd, f->piece, PIECE, f->at);

	if (n < 0)
		f->err = errno;
	f->n = n > 0 ? (size_t)n : 0;
	f->at += (off_t)f->n;
}

static void on_done(void *arg)
{
	struct file *f = arg;

	f->done = true;
	fiber_wake(f->fiber);
}

static int on_pool(struct file *f, loop_fn *fn)
{
	int err;

	f->done = false;
	err = loop_work(f->loop, fn, on_done, f);
	while (!err && !f->done)
		fiber_wait();
	return err ? err : f->err;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static bool is_same(const struct http_head *h, struct str tag)
{
	for (size_t i = 0; i < h->fields; i++) {
		struct str rest = h->field[i].value;

		while (str_ieq(h->field[i].name, STR("If-None-Match")) && rest.n) {
			struct str one = str_trim(str_cut(&rest, ','));

			if (str_starts(one, STR("W/")))
				one = str_skip(one, 2);
			if (str_eq(one, tag) || str_eq(one, STR("*")))
				return true;
		}
	}
	return false;
}

static void send_file(struct file *f)
{
	while (!web_gone(f->call) && f->at < f->st.st_size) {
		if (on_pool(f, do_read) || !f->n || f->at > f->st.st_size) {
			web_cut_off(f->call);   /* it became another while it was read */
			return;
		}
		web_write(f->call, str_mk(f->piece, f->n));
		if (web_drain(f->call))
			return;
	}
	web_end(f->call);
}

static void answer(struct file *f)
{
	struct buf headers = BUF_INIT;
	time_t changed = f->st.st_mtime;
	char tag[64], date[64];
	struct tm tm;

	snprintf(tag, sizeof(tag), "\"%llx-%lx-%llx\"", (long long)changed, f->st.st_mtim.tv_nsec, (long long)f->st.st_size);
	f->place->put_type(&headers, str_z(f->name));
	buf_put(&headers, str_z(f->place->headers));
	buf_printf(&headers, "ETag: %s\r\n", tag);
	if (gmtime_r(&changed, &tm) && strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		buf_printf(&headers, "Last-Modified: %s\r\n", date);
	/* Kept, but asked for again: the tag says whether it is the same. */
	buf_put(&headers, STR("Cache-Control: no-cache\r\n"));
	if (buf_err(&headers)) {
		web_cut_off(f->call);
	} else if (is_same(web_head(f->call), str_z(tag))) {
		f->call->silent = true;
		web_begin(f->call, 304, "Not Modified", buf_view(&headers), (uint64_t)f->st.st_size);
		web_end(f->call);
	} else {
		web_begin(f->call, 200, "OK", buf_view(&headers), (uint64_t)f->st.st_size);
		if (f->call->silent)
			web_end(f->call);
		else
			send_file(f);
	}
	buf_free(&headers);
}

void web_refuse_file(struct web_call *c)
{
	c->close = true;
	web_error(c, 403, "Access Denied", STR_NULL, "You do not have permission to access the requested URL.");
}

static void not_found(struct file *f)
{
	const char *why = f->place->no_dir && !f->found ? f->place->no_dir : "The requested URL was not found on this server.";

	web_error(f->call, 404, "Not Found", STR_NULL, why);
}

static void file_end(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	for (size_t i = 0; i < WEB_DIRS; i++)
		free(f->dir[i]);
	free(f->name);
	free(f->piece);
	obj_drop(f->call);
	free(f);
}

static void serve(void *arg)
{
	struct file *f = arg;
	int err;

	f->fiber = fiber_self();
	fiber_set_name(f->fiber, (const struct str[]){ STR("http: "), str_z(f->place->route) }, 2);
	err = on_pool(f, do_open);
	if (!err)
		answer(f);
	else if (err == EACCES || err == EPERM || err == ELOOP)
		web_refuse_file(f->call);
	else if (err == ENOMEM || err == EMFILE || err == ENFILE)
		web_error(f->call, 500, "Server Error", STR_NULL, "Out of memory");
	else
		not_found(f);
	file_end(f);
}

/* Funny names are refused unseen. */
bool web_is_funny_file(struct str name)
{
	bool part = true;

	if (!name.n || (unsigned char)name.p[0] <= ' ' || strchr("./|~@#$%^&*()", name.p[0]) || name.n > PATH_LONGEST)
		return true;
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < ' ' || (part && name.p[i] == '.'))
			return true;
		part = name.p[i] == '/';
	}
	return false;
}

static struct file *file_new(struct web_call *c, const struct web_place *place, const struct str *dirs, struct str name)
{
	struct file *f = calloc(1, sizeof(*f));
	bool ok = f != NULL;

	if (!f)
		return NULL;
	f->fd = -1;
	f->call = obj_hold(c);
	f->loop = c->web->loop;
	f->place = place;
	f->name = str_dup(name);
	f->piece = malloc(PIECE);
	for (size_t i = 0; i < WEB_DIRS && dirs[i].n && ok; i++) {
		f->dir[i] = str_dup(dirs[i]);
		ok = f->dir[i] != NULL;
	}
	if (ok && f->name && f->piece)
		return f;
	file_end(f);
	return NULL;
}

void web_serve_file(struct web_call *c, const struct web_place *place, const struct str dirs[WEB_DIRS], struct str name)
{
	struct file *f = file_new(c, place, dirs, name);
	struct fiber *fiber = f ? fiber_new(serve, f, 0) : NULL;

	if (fiber) {
		fiber_wake(fiber);
		return;
	}
	if (f)
		file_end(f);
	web_error(c, 500, "Server Error", STR_NULL, "Out of memory");
}
