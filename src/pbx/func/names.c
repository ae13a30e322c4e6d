/* Whether variables are there, and taking them away; EXPORT(), UUID(), and the two halves of a path. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include <errno.h>
#include <openssl/rand.h>

/* DELETE(name)= */
static int write_delete(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)value;
	return args.n ? pbx_setvar(p, ch, args, STR_NULL) : EINVAL;
}

static int write_global_delete(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)ch;
	(void)value;
	return args.n ? pbx_setvar(p, NULL, args, STR_NULL) : EINVAL;
}

static int read_exists(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str value;

	buf_char(out, (ch && vars_get(&ch->vars, args, &value)) || vars_get(&p->globals, args, &value) ? '1' : '0');
	return 0;
}

static int read_global_exists(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)ch;
	return read_exists(p, NULL, args, out);
}

/* EXPORT(channel,variable)=value */
static int write_export(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str v[2];
	struct channel *other;

	(void)ch;
	if (pbx_args(args, v, 2) < 2 || !v[1].n)
		return EINVAL;
	other = channel_by_name(p, v[0]);
	if (!other) {
		log_warning("EXPORT: there is no channel '%.*s'", STR_ARG(v[0]));
		return ENOENT;
	}
	return pbx_setvar(p, other, v[1], value.p ? value : STR(""));
}

/* A random one (RFC 9562 5.4). */
static int read_uuid(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	uint8_t b[16];

	(void)p;
	(void)ch;
	(void)args;
	if (RAND_bytes(b, sizeof(b)) != 1)
		return EIO;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_char(out, '-');
		buf_hex(out, &b[i], 1);
	}
	return 0;
}

/* Without the slashes at its end; the root stays one. */
static struct str without_slashes(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

static int read_basename(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str path = without_slashes(args);
	size_t at = str_rchr(path, '/');

	(void)p;
	(void)ch;
	buf_put(out, !path.n ? STR(".") : at < path.n && path.n > 1 ? str_skip(path, at + 1) : path);
	return 0;
}

static int read_dirname(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str path = without_slashes(args);
	size_t at = str_rchr(path, '/');

	(void)p;
	(void)ch;
	if (str_eq(args, STR("//")))    /* POSIX leaves these two alone */
		path = args;
	else
		path = at == path.n ? STR(".") : without_slashes(str_sub(path, 0, at ? at : 1));
	buf_put(out, path);
	return 0;
}

const struct func func_delete = { .name = "DELETE", .synopsis = "Takes a variable away", .write = write_delete };
const struct func func_global_delete = { .name = "GLOBAL_DELETE", .synopsis = "Takes a global variable away",
	.write = write_global_delete };
const struct func func_variable_exists = { .name = "VARIABLE_EXISTS", .synopsis = "Is that variable set?",
	.read = read_exists };
const struct func func_global_exists = { .name = "GLOBAL_EXISTS", .synopsis = "Is that global variable set?",
	.read = read_global_exists };
const struct func func_export = { .name = "EXPORT", .synopsis = "Sets a variable of another channel",
	.write = write_export };
const struct func func_uuid = { .name = "UUID", .synopsis = "A random UUID", .read = read_uuid };
const struct func func_basename = { .name = "BASENAME", .synopsis = "The name of a file without its folder",
	.read = read_basename };
const struct func func_dirname = { .name = "DIRNAME", .synopsis = "The folder of a file", .read = read_dirname };
