/* /static/...: the files below static-http in the data directory. They are opened and read on the pool, one piece at
 * a time, so that neither a slow disk nor a long file keeps anybody waiting. */
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

/* What is said of a file by its name; others are text/NAME, as in Asterisk. */
static const struct { const char *ext, *type; } types[] = {
	{ "png", "image/png" }, { "xml", "text/xml" }, { "jpg", "image/jpeg" }, { "jpeg", "image/jpeg" },
	{ "js", "application/x-javascript" }, { "mjs", "text/javascript" }, { "json", "application/json" },
	{ "map", "application/json" }, { "wav", "audio/x-wav" }, { "mp3", "audio/mpeg" }, { "ogg", "audio/ogg" },
	{ "svg", "image/svg+xml" }, { "svgz", "image/svg+xml" }, { "gif", "image/gif" }, { "ico", "image/x-icon" },
	{ "webp", "image/webp" }, { "html", "text/html" }, { "htm", "text/html" }, { "css", "text/css" },
	{ "txt", "text/plain" }, { "cnf", "text/plain" }, { "cfg", "text/plain" }, { "woff", "font/woff" },
	{ "woff2", "font/woff2" }, { "wasm", "application/wasm" }, { "bin", "application/octet-stream" },
	{ "sbn", "application/octet-stream" }, { "ld", "application/octet-stream" },
};

/* Belongs to the fiber; the pool has it while the fiber waits. */
struct file {
	struct web_call *call;          /* held */
	struct fiber *fiber;
	struct loop *loop;
	char *dir, *name;               /* owned: static-http's directory; what is asked for */
	int fd;
	struct stat st;
	char *piece;                    /* owned; n bytes of the file, from `at` */
	size_t n;
	off_t at;
	int err;
	bool done;
};

/* ---- on the pool ------------------------------------------------------------------------------- */

/* No step of the way may be a link, so nothing outside of the directory is reached. */
static int open_below(const char *dir, struct str name)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

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

	f->fd = open_below(f->dir, str_z(f->name));
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

static void put_type(struct buf *b, struct str name)
{
	size_t dot = str_rchr(name, '.'), i = 0;
	struct str ext = str_skip(name, dot + 1);

	for (; i < ext.n; i++)
		if (!((ext.p[i] >= 'a' && ext.p[i] <= 'z') || (ext.p[i] >= 'A' && ext.p[i] <= 'Z') || (ext.p[i] >= '0' && ext.p[i] <= '9')))
			break;
	if (!ext.n || i < ext.n)
		ext = STR("plain");
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (str_ieq(ext, str_z(types[i].ext)))
			break;
	if (i < ARRAY_LEN(types))
		buf_printf(b, "Content-type: %s\r\n", types[i].type);
	else
		buf_printf(b, "Content-type: text/%.*s\r\n", STR_ARG(ext));
}

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
	put_type(&headers, str_z(f->name));
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

static void refuse(struct web_call *c)
{
	c->close = true;
	web_error(c, 403, "Access Denied", STR_NULL, "You do not have permission to access the requested URL.");
}

static void not_found(struct web_call *c)
{
	web_error(c, 404, "Not Found", STR_NULL, "The requested URL was not found on this server.");
}

static void file_end(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->dir);
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
	fiber_set_name(f->fiber, (const struct str[]){ STR("http: /static") }, 1);
	err = on_pool(f, do_open);
	if (!err)
		answer(f);
	else if (err == EACCES || err == EPERM || err == ELOOP)
		refuse(f->call);
	else if (err == ENOMEM || err == EMFILE || err == ENFILE)
		web_error(f->call, 500, "Server Error", STR_NULL, "Out of memory");
	else
		not_found(f->call);
	file_end(f);
}

/* Funny names are refused unseen. */
static bool is_funny(struct str name)
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

static struct file *file_new(struct web_call *c)
{
	struct file *f = calloc(1, sizeof(*f));
	struct buf dir = BUF_INIT;

	if (!f)
		return NULL;
	f->fd = -1;
	f->call = obj_hold(c);
	f->loop = c->web->loop;
	f->name = str_dup(c->below);
	f->piece = malloc(PIECE);
	buf_puts(&dir, text_view(&c->web->data_dir), STR("/static-http"));
	f->dir = str_dup(buf_view(&dir));
	if (buf_err(&dir) || !f->name || !f->piece || !f->dir) {
		file_end(f);
		f = NULL;
	}
	buf_free(&dir);
	return f;
}

void web_serve_static(void *arg, struct web_call *c)
{
	struct str private = STR("private/");
	struct fiber *fiber;
	struct file *f;

	(void)arg;
	if (!web_is_get(c)) {
		web_method_error(c);
		return;
	}
	if (is_funny(c->below) || ((str_starts(c->below, private) || str_find(c->below, STR("/private/")) < c->below.n) &&
				   !web_is_proven(c))) {
		refuse(c);
		return;
	}
	f = file_new(c);
	fiber = f ? fiber_new(serve, f, 0) : NULL;
	if (fiber) {
		fiber_wake(fiber);
		return;
	}
	if (f)
		file_end(f);
	web_error(c, 500, "Server Error", STR_NULL, "Out of memory");
}
