/* UpdateConfig and CreateConfig: configuration files that managers change. A file is read, changed and
 * put in the place of the old one by a worker, one after the other. */
#define LOG_MODULE "manager"
#include "manage/manager_private.h"
#include "manage/config_path.h"
#include "base/fiber.h"
#include "base/log.h"
#include "config/edit.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (16u << 20)    /* [bytes] a longer one is not edited */
#define FILE_MODE 0640          /* of one that was not there */
#define BASES 16

/* ---- one of the changes: the headers of its number ------------------------------------------------ */

struct step {
	struct str action, section, var, value, match, line, filter, inherit;
	bool dups, template, ignore, arrow;
};

static struct str header(const struct ami_message *m, const char *name, unsigned n)
{
	char key[32];

	snprintf(key, sizeof(key), "%s-%06u", name, n);
	return ami_header(m, str_z(key));
}

static void read_options(struct step *s, struct str options)
{
	while (options.n) {
		struct str one = str_trim(str_cut_raw(&options, ',')), name = str_trim(str_cut_raw(&one, '='));

		s->dups |= str_ieq(name, STR("allowdups"));
		s->template |= str_ieq(name, STR("template"));
		s->ignore |= str_ieq(name, STR("ignoreerror"));
		if (str_ieq(name, STR("inherit")))
			s->inherit = str_trim(one);
		else if (str_ieq(name, STR("catfilter")))
			s->filter = str_trim(one);
	}
}

static bool read_step(struct step *s, const struct ami_message *m, unsigned n)
{
	*s = (struct step){ .action = header(m, "Action", n), .section = header(m, "Cat", n), .var = header(m, "Var", n),
		.value = header(m, "Value", n), .match = header(m, "Match", n), .line = header(m, "Line", n) };
	s->arrow = s->value.n && s->value.p[0] == '>';
	if (s->arrow)
		s->value = str_skip(s->value, 1);
	read_options(s, header(m, "Options", n));
	return s->action.n > 0;
}

/* ---- doing it: an answer, or NULL ---------------------------------------------------------------------- */

static const char argument[] = "Problem with category, value, or line (if required)";

static const char *answer(int err, const char *failed)
{
	return !err ? NULL : err == ENOENT ? "Given category does not exist" : err == EINVAL ? argument :
	       err == ENOMEM ? "Memory allocation failure, this should not happen" : failed;
}

static long place_of(struct str line)
{
	uint32_t n;

	return !str_u32(line, &n) && n < INT_MAX ? (long)n : -1;
}

static const char *new_section(struct edit *e, const struct step *s, const struct edit_where *w)
{
	struct str bases[BASES], rest = s->inherit;
	struct edit_section es = { .name = s->section, .before = s->match, .bases = bases, .is_template = s->template,
		.again = s->dups };
	int err;

	(void)w;
	while (rest.n && es.nbases < BASES)
		bases[es.nbases++] = str_trim(str_cut_raw(&rest, ','));
	err = edit_section_add(e, &es);
	if (err == EEXIST && s->ignore)
		return NULL;
	return err == EDOM ? "Template category not found" :
	       answer(err == ENOENT ? EEXIST : err, "Create category did not complete successfully");
}

static const char *rename_section(struct edit *e, const struct step *s, const struct edit_where *w)
{
	return s->value.n ? answer(edit_section_rename(e, w, s->value), argument) : argument;
}

static const char *delete_section(struct edit *e, const struct step *s, const struct edit_where *w)
{
	int err = edit_section_delete(e, w);

	return err == ENOENT && s->ignore ? NULL : answer(err, argument);
}

static const char *empty_section(struct edit *e, const struct step *s, const struct edit_where *w)
{
	(void)s;
	return answer(edit_section_empty(e, w), argument);
}

static const char *update(struct edit *e, const struct step *s, const struct edit_where *w)
{
	if (!s->var.n)
		return argument;
	return answer(edit_set(e, w, s->var, s->value, s->match, s->arrow), "Update did not complete successfully");
}

static const char *delete_var(struct edit *e, const struct step *s, const struct edit_where *w)
{
	int err;

	if (!s->var.n && !s->line.n)
		return argument;
	err = s->line.n && place_of(s->line) < 0 ? ESRCH : edit_delete(e, w, s->var, s->match, place_of(s->line));
	return err == ESRCH && s->ignore ? NULL : answer(err, "Update did not complete successfully");
}

static const char *append(struct edit *e, const struct step *s, const struct edit_where *w)
{
	if (!s->var.n)
		return argument;
	return answer(edit_append(e, w, s->var, s->value, s->arrow || str_ieq(s->match, STR("object"))), argument);
}

static const char *insert(struct edit *e, const struct step *s, const struct edit_where *w)
{
	if (!s->var.n || place_of(s->line) < 0)
		return argument;
	return answer(edit_insert(e, w, s->var, s->value, place_of(s->line)), argument);
}

static const struct {
	struct str name;
	const char *(*run)(struct edit *e, const struct step *s, const struct edit_where *w);
} steps[] = {
	{ STR_INIT("newcat"), new_section }, { STR_INIT("renamecat"), rename_section }, { STR_INIT("delcat"), delete_section },
	{ STR_INIT("emptycat"), empty_section }, { STR_INIT("update"), update }, { STR_INIT("delete"), delete_var },
	{ STR_INIT("append"), append }, { STR_INIT("insert"), insert },
};

static const char *do_steps(struct edit *e, const struct ami_message *m)
{
	const char *why = NULL;
	struct step s;

	for (unsigned n = 0; !why && read_step(&s, m, n); n++) {
		const struct edit_where w = { s.section, s.filter };
		size_t i = 0;

		while (i < ARRAY_LEN(steps) && !str_ieq(s.action, steps[i].name))
			i++;
		why = !s.section.n ? "Category not specified" :
		      i == ARRAY_LEN(steps) ? "Unknown action command" : steps[i].run(e, &s, &w);
	}
	return why;
}

/* ---- files ---------------------------------------------------------------------------------------------- */

static int read_text(const char *path, struct buf *b, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno;
	if (fstat(fd, st))
		err = errno;
	else if (!S_ISREG(st->st_mode) || st->st_size > (off_t)FILE_MAX)
		err = EFBIG;
	while (!err && n > 0) {
		char *at = buf_room(b, 65536);

		n = at ? read(fd, at, 65536) : -1;
		err = n < 0 ? at ? errno : ENOMEM : 0;
		b->n += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return err;
}

static int write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return errno;
		s = str_skip(s, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) ? errno : 0;
}

/* Whole or not at all, with the mode and the owner of the one before. */
static int replace(const char *path, struct str text)
{
	char temp[PATH_MAX];
	struct stat st;
	bool there = !stat(path, &st);
	int fd, err;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= sizeof(temp))
		return ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = fchmod(fd, there ? st.st_mode & 0777 : FILE_MODE) ? errno : 0;
	if (!err && there && (st.st_uid != geteuid() || st.st_gid != getegid()) && fchown(fd, st.st_uid, st.st_gid))
		log_warning("%s: its owner changes: %s", path, strerror(errno));
	err = err ? err : write_all(fd, text);
	close(fd);
	if (!err && rename(temp, path))
		err = errno;
	if (err)
		unlink(temp);
	return err;
}

/* ---- on a worker --------------------------------------------------------------------------------------------- */

struct job {
	struct fiber *fiber;
	const struct ami_message *msg;          /* the action waits, so it stays */
	char *dir, *from, *to;                  /* owned; to: NULL: CreateConfig of `from` */
	const char *why;                        /* what to answer; NULL: it is done */
	int err;                                /* of CreateConfig */
	bool done;
};

static const char *edit_text(struct job *j, struct str text, const struct config *c, const char *to)
{
	struct edit *e = NULL;
	struct buf b = BUF_INIT;
	const char *why = answer(edit_new(&e, text, c), argument);

	b.max = 2 * FILE_MAX;
	why = why ? why : do_steps(e, j->msg);
	if (!why && (edit_write(e, &b) || replace(to, buf_view(&b))))
		why = "Save of config failed";
	buf_free(&b);
	edit_free(e);
	return why;
}

static const char *update_file(struct job *j, const char *from, const char *to)
{
	struct config_prm prm = { .dir = j->dir };
	struct buf text = BUF_INIT;
	struct config *c = NULL;
	struct stat st;
	const char *why = NULL;
	int err;

	text.max = FILE_MAX + 65536;
	err = read_text(from, &text, &st);
	if (err)
		why = err == EFBIG ? "Config file has invalid format" : "Config file not found";
	else if (config_load(&c, &prm, from, NULL))
		why = "Config file has invalid format";
	why = why ? why : edit_text(j, buf_view(&text), c, to);
	config_free(c);
	buf_free(&text);
	return why;
}

static const char *refusal(int err)
{
	return err == EACCES ? "File requires escalated privileges" : "Config file not found";
}

static void run_update(struct job *j)
{
	char from[PATH_MAX], to[PATH_MAX];
	int lock = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = config_path_inside(j->dir, j->from, from);

	if (!err)
		err = config_path_new(j->dir, j->to, to);
	/* Two managers who change one file do it one after the other. */
	if (lock >= 0)
		flock(lock, LOCK_EX);
	j->why = err ? refusal(err) : update_file(j, from, to);
	if (lock >= 0)
		close(lock);
}

static void run_create(struct job *j)
{
	char path[PATH_MAX];
	int fd;

	j->err = config_path_new(j->dir, j->from, path);
	if (j->err)
		return;
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, FILE_MODE);
	j->err = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
}

static void work(void *arg)
{
	struct job *j = arg;

	if (j->to)
		run_update(j);
	else
		run_create(j);
}

static void have_done(void *arg)
{
	struct job *j = arg;

	j->done = true;
	fiber_wake(j->fiber);
}

/* False: it was not even begun. */
static bool run_job(struct ami_ctx *a, struct job *j)
{
	bool begun;

	j->fiber = fiber_self();
	j->msg = a->msg;
	j->dir = str_dup(a->m->conf->astetcdir);
	begun = j->dir && j->from && !loop_work(a->m->loop, work, have_done, j);
	while (begun && !j->done)
		fiber_wait();
	free(j->dir);
	free(j->from);
	free(j->to);
	return begun;
}

/* ---- the actions ------------------------------------------------------------------------------------------------ */

static void reload_after(struct ami_ctx *a, struct str what)
{
	bool all = false;

	if (!what.n || (!str_bool(what, &all) && !all))
		return;
	ami_flush(a);
	manage_reload(a->m, all ? STR_NULL : what, NULL);
}

static void update_config(struct ami_ctx *a)
{
	struct str from = str_trim(ami_get(a, "SrcFilename")), to = str_trim(ami_get(a, "DstFilename"));
	struct job j = { .why = NULL };
	bool begun;

	if (!from.n || !to.n || !a->m->conf) {
		ami_error(a, "Filename not specified");
		return;
	}
	if (manage_file_begin(a->m)) {
		ami_error(a, "Save of config failed");
		return;
	}
	j.from = str_dup(from);
	j.to = str_dup(to);
	if (!j.to) {
		free(j.from);
		j.from = NULL;
	}
	begun = run_job(a, &j);
	manage_file_end(a->m);
	if (!begun || j.why) {
		ami_error(a, "%s", begun ? j.why : "Save of config failed");
		return;
	}
	log_notice("manager '%s' has changed %.*s", text_z(&a->s->user), STR_ARG(to));
	ami_start(a);
	ami_end(a);
	reload_after(a, str_trim(ami_get(a, "Reload")));
}

static void create_config(struct ami_ctx *a)
{
	struct str name = str_trim(ami_get(a, "Filename"));
	struct job j = { .from = name.n ? str_dup(name) : NULL };

	if (!name.n || !a->m->conf)
		ami_error(a, "Filename not specified");
	else if (!run_job(a, &j))
		ami_error(a, "%s", strerror(ENOMEM));
	else if (j.err == EACCES)
		ami_error(a, "File requires escalated privileges");
	else if (j.err)
		ami_error(a, "%s", strerror(j.err));
	else
		ami_ok(a, "New configuration file created successfully");
}

static const struct ami_action rows[] = {
	{ "CreateConfig", EV_CONFIG, "Make an empty configuration file", create_config, false },
	{ "UpdateConfig", EV_CONFIG, "Change a configuration file", update_config, false },
};
const struct ami_table ami_config_edit_actions = { rows, ARRAY_LEN(rows) };
