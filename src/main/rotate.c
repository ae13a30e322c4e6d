/* main/rotate.c -- names of old log files, and the command that is told of them. */
#include "main/rotate.h"
#include "pbx/after.h"
#include "pbx/substitute.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST = 100000 };

/* Whoever keeps them packs them. */
static const char *const packed[] = { "", ".gz", ".bz2", ".Z" };

/* Is there a PATH.N, in whatever form? Its end, then; NULL: none. */
static const char *form_of(const char *path, unsigned n, size_t forms, struct text *name)
{
	for (size_t i = 0; i < forms; i++)
		if (!text_printf(name, "%s.%u%s", path, n, packed[i]) && access(text_z(name), F_OK) == 0)
			return packed[i];
	return NULL;
}

static int first_free(const char *path, size_t forms, unsigned *n)
{
	struct text name = { 0 };

	*n = 0;
	while (*n < MOST && form_of(path, *n, forms, &name))
		++*n;
	text_free(&name);
	return *n < MOST ? 0 : ENOSPC;
}

/* Each makes room for the one before it. */
static int move_up(const char *path, unsigned n)
{
	struct text old = { 0 }, new = { 0 };
	int err = 0;

	for (; n > 0 && !err; n--) {
		const char *form = form_of(path, n - 1, ARRAY_LEN(packed), &old);

		if (!form)
			continue;
		err = text_printf(&new, "%s.%u%s", path, n, form);
		if (!err && rename(text_z(&old), text_z(&new)))
			err = errno;
	}
	text_free(&old);
	text_free(&new);
	return err;
}

int rotate_file(const char *path, enum logger_rotate how, int64_t wall_s, struct text *now)
{
	unsigned n = 0;
	int err = 0;

	switch (how) {
	case ROTATE_NONE:
		return text_set(now, str_z(path));
	case ROTATE_TIMESTAMP:
		err = text_printf(now, "%s.%lld", path, (long long)wall_s);
		break;
	case ROTATE_ROTATE:
		err = first_free(path, ARRAY_LEN(packed), &n);
		err = err ? err : move_up(path, n);
		err = err ? err : text_printf(now, "%s.0", path);
		break;
	case ROTATE_SEQUENTIAL:
		err = first_free(path, 1, &n);
		err = err ? err : text_printf(now, "%s.%u", path, n);
		break;
	}
	if (!err && rename(path, text_z(now)))
		err = errno;
	return err;
}

void rotate_exec(struct str command, struct str filename)
{
	struct after_prm prm = { .command = STR_NULL };
	struct vars v = { 0 };
	struct buf b = BUF_INIT;

	if (!command.n)
		return;
	list_init(&v.head);
	if (!vars_set(&v, STR("filename"), filename)) {
		pbx_substitute_vars(&v, command, &b);
		prm.command = buf_view(&b);
		if (!buf_err(&b))
			after_run(&prm);
	}
	buf_free(&b);
	vars_free(&v);
}
