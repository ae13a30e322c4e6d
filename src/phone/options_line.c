/* The command line, the environment, and which files are read before them. */
#include "phone/options.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* "--name=value" or "--name" "value". */
static int take_word(struct phone_options *o, int argc, char *const *argv, int *at, struct buf *why)
{
	struct str word = str_z(argv[*at]), name, value;
	bool took, inside;

	if (!str_starts(word, STR("--")) || word.n == 2) {
		buf_put(why, STR("'"));
		buf_escape(why, str_sub(word, 0, 200));
		buf_put(why, STR("' is no option: they begin with --, and sidetone-ua --help has them"));
		return EINVAL;
	}
	value = str_skip(word, 2);
	inside = str_chr(value, '=') < value.n;
	name = str_cut_raw(&value, '=');
	if (!inside && *at + 1 < argc)
		value = str_z(argv[*at + 1]);
	if (phone_options_set(o, name, inside || *at + 1 < argc ? &value : NULL, &took, why))
		return buf_err(why) ? buf_err(why) : why->n ? EINVAL : ENOMEM;
	if (inside && !took) {
		int err = phone_options_switch(o, name, value);

		if (err)
			buf_printf(why, "'%.*s' takes no value", STR_ARG(name));
		return err;
	}
	*at += took && !inside;
	return 0;
}

static int read_named(struct phone_options *o, struct str path, bool must, struct buf *why)
{
	struct buf text = BUF_INIT;
	char z[4096];
	int fd = path.n < sizeof(z) ? open(str_copy(z, sizeof(z), path), O_RDONLY | O_CLOEXEC) : -1, err = 0;
	ssize_t n = 1;

	if (fd < 0 && !must)
		return 0;
	while (fd >= 0 && n > 0) {
		char *room = buf_room(&text, 4096);

		n = room ? read(fd, room, 4096) : -1;
		text.n += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || n < 0) {
		buf_printf(why, "%.*s cannot be read: %s", STR_ARG(path), strerror(errno));
		err = EINVAL;
	}
	if (fd >= 0)
		close(fd);
	err = err ? err : phone_options_read(o, path, buf_view(&text), why);
	buf_free(&text);
	return err;
}

static int read_files(struct phone_options *o, int argc, char *const *argv, struct buf *why)
{
	const char *home = getenv("HOME");
	struct text usual = { 0 };
	bool named = false;
	int err = 0;

	for (int i = 1; !err && i < argc; i++) {
		struct str word = str_z(argv[i]);

		if (str_eq(word, STR("--file")) && i + 1 < argc)
			word = str_z(argv[i + 1]);
		else if (str_starts(word, STR("--file=")))
			word = str_skip(word, 7);
		else
			continue;
		named = true;
		err = read_named(o, word, true, why);
	}
	if (!err && !named && home && !(err = text_cat(&usual, str_z(home), STR("/.config/sidetone-ua.conf"))))
		err = read_named(o, text_view(&usual), false, why);
	text_free(&usual);
	return err;
}

int phone_options_parse(struct phone_options *o, int argc, char *const *argv, struct buf *why)
{
	const char *password = getenv("SIDETONE_UA_PASSWORD");
	int err = read_files(o, argc, argv, why);
	bool took;

	if (!err && password && *password)
		err = phone_options_set(o, STR("password"), &(struct str){ password, strlen(password) }, &took, why);
	for (int i = 1; !err && i < argc; i++)
		err = take_word(o, argc, argv, &i, why);
	if (!err && !o->target.n && (o->task == TASK_MESSAGE || o->task == TASK_SUBSCRIBE)) {
		buf_put(why, STR("whom? --to says so"));
		err = EINVAL;
	}
	return err;
}
