/* The server and the machine. Files may be read by the dialplan itself, and by
 * managers only where asterisk.conf says live_dangerously. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define FILE_MAX (64u << 10)    /* [bytes] one FILE() gives */

static bool trusted(const struct pbx *p, const struct channel *ch)
{
	if (p->live_dangerously || (ch && ch->fiber && ch->fiber == fiber_self()))
		return true;
	log_error("Functions that look at files are for the dialplan (live_dangerously)");
	return false;
}

static int read_version(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v = STR("unknown");

	(void)ch;
	args = str_trim(args);
	if (str_ieq(args, STR("PID"))) {
		buf_printf(out, "%ld", (long)getpid());
	} else {
		(void)vars_get(&p->constants, STR("VERSION()"), &v);
		buf_put(out, v);
	}
	return 0;
}

/* What the dialplan has set itself is kept beside the environment, which other threads read. */
static int env_name(struct str name, struct buf *out)
{
	buf_puts(out, STR("ENV("), name, STR(")"));
	return buf_err(out);
}

static int read_env(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf own = BUF_INIT;
	struct str value;
	char name[256];
	int err = env_name(args, &own);

	(void)ch;
	if (!err && vars_get(&p->constants, buf_view(&own), &value))
		buf_put(out, value);
	else if (!err && args.n < sizeof(name))
		buf_put(out, str_z(getenv(str_copy(name, sizeof(name), args))));
	buf_free(&own);
	return err;
}

static int write_env(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct buf own = BUF_INIT;
	int err = args.n && str_chr(args, '=') == args.n ? env_name(args, &own) : EINVAL;

	(void)ch;
	err = err ? err : vars_set(&p->constants, buf_view(&own), value.p ? value : STR(""));
	buf_free(&own);
	return err;
}

static int read_sysinfo(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct sysinfo si;
	uint64_t unit;

	(void)ch;
	if (sysinfo(&si))
		return errno;
	unit = si.mem_unit;
	args = str_trim(args);
	if (str_ieq(args, STR("loadavg")))
		buf_printf(out, "%f", (double)si.loads[0] / 65536);
	else if (str_ieq(args, STR("numcalls")))
		buf_u64(out, channel_count(p));
	else if (str_ieq(args, STR("uptime")))
		buf_printf(out, "%ld", si.uptime / 3600);
	else if (str_ieq(args, STR("totalram")))
		buf_u64(out, si.totalram * unit / 1024);
	else if (str_ieq(args, STR("freeram")))
		buf_u64(out, si.freeram * unit / 1024);
	else if (str_ieq(args, STR("bufferram")))
		buf_u64(out, si.bufferram * unit / 1024);
	else if (str_ieq(args, STR("totalswap")))
		buf_u64(out, si.totalswap * unit / 1024);
	else if (str_ieq(args, STR("freeswap")))
		buf_u64(out, si.freeswap * unit / 1024);
	else if (str_ieq(args, STR("numprocs")))
		buf_u64(out, si.procs);
	else
		return EINVAL;
	return 0;
}

/* STAT(flag,path): d directory, e exists, f file, m mode, s size, A C M times. */
static int read_stat(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct stat st;
	struct str v[2];
	char path[1024];

	if (!trusted(p, ch))
		return EACCES;
	pbx_args(args, v, 2);
	if (!v[0].n || v[1].n >= sizeof(path) || stat(str_copy(path, sizeof(path), v[1]), &st)) {
		buf_char(out, '0');
		return 0;
	}
	switch (v[0].p[0]) {
	case 'e': buf_char(out, '1'); break;
	case 's': buf_printf(out, "%lld", (long long)st.st_size); break;
	case 'f': buf_char(out, S_ISREG(st.st_mode) ? '1' : '0'); break;
	case 'd': buf_char(out, S_ISDIR(st.st_mode) ? '1' : '0'); break;
	case 'M': buf_printf(out, "%lld", (long long)st.st_mtime); break;
	case 'A': buf_printf(out, "%lld", (long long)st.st_atime); break;
	case 'C': buf_printf(out, "%lld", (long long)st.st_ctime); break;
	case 'm': buf_printf(out, "%o", (unsigned)st.st_mode); break;
	default: buf_char(out, '0'); break;
	}
	return 0;
}

/* From line `first` (0 the first), `count` lines. */
static struct str lines(struct str s, int64_t first, int64_t count)
{
	struct str rest = s, line;
	const char *from;

	for (; first > 0 && str_line(&rest, &line); first--)
		;
	from = rest.p;
	for (; count > 0 && str_line(&rest, &line); count--)
		;
	return str_mk(from, from ? (size_t)((rest.p ? rest.p : s.p + s.n) - from) : 0);
}

static struct str part(struct str s, int64_t from, int64_t length)
{
	int64_t n = (int64_t)s.n;

	if (from < 0)
		from = from + n < 0 ? 0 : from + n;
	if (from > n)
		from = n;
	if (length < 0)
		length = n - from + length < 0 ? 0 : n - from + length;
	return str_sub(s, (size_t)from, (size_t)length);
}

/* FILE(path[,offset[,length[,l]]]) */
static int read_file(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	int64_t from = 0, length = INT64_MAX;
	char path[1024], *text;
	struct str v[5], all;
	FILE *f;

	if (!trusted(p, ch))
		return EACCES;
	pbx_args(args, v, 5);
	if (!v[0].n || v[0].n >= sizeof(path) || (str_trim(v[1]).n && str_i64(str_trim(v[1]), &from)) ||
	    (str_trim(v[2]).n && str_i64(str_trim(v[2]), &length)))
		return EINVAL;
	f = fopen(str_copy(path, sizeof(path), v[0]), "re");
	if (!f)
		return errno;
	text = malloc(FILE_MAX);
	if (text) {
		all = str_mk(text, fread(text, 1, FILE_MAX, f));
		buf_put(out, pbx_option(v[3], 'l', NULL) ? lines(all, from, length) : part(all, from, length));
	}
	fclose(f);
	free(text);
	return text ? 0 : ENOMEM;
}

/* ---- how the lines of a file end */

/* 'u' \n, 'd' \r\n, 'm' \r; 'x': it has none. Counts them, of the kind that comes first or is asked for. */
static int64_t count_ends(FILE *f, char *format)
{
	int64_t n = 0;
	int before = 0, c;

	while ((c = getc(f)) != EOF) {
		if (*format == 'x' && before == '\r')
			*format = c == '\n' ? 'd' : 'm', n += *format == 'm';
		if (*format == 'x' && c == '\n')
			*format = 'u';
		n += (*format == 'u' && c == '\n') || (*format == 'm' && c == '\r') ||
			(*format == 'd' && c == '\n' && before == '\r');
		before = c;
	}
	if (*format == 'x' && before == '\r')
		*format = 'm', n++;
	return n;
}

/* -1: it cannot be opened. */
static int64_t ends_of(struct str name, char *format)
{
	char path[1024];
	FILE *f = name.n && name.n < sizeof(path) ? fopen(str_copy(path, sizeof(path), name), "re") : NULL;
	int64_t n = -1;

	if (!f)
		return n;
	n = count_ends(f, format);
	fclose(f);
	return n;
}

/* FILE_COUNT_LINE(path[,u|d|m]) */
static int read_count_line(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2];
	char format;

	if (!trusted(p, ch))
		return EACCES;
	pbx_args(args, v, 2);
	format = v[1].n ? (char)(v[1].p[0] | 32) : 'x';
	if (format != 'u' && format != 'd' && format != 'm')
		format = 'x';
	buf_printf(out, "%lld", (long long)ends_of(v[0], &format));
	return 0;
}

static int read_format(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	char format = 'x';

	if (!trusted(p, ch))
		return EACCES;
	(void)ends_of(args, &format);
	buf_char(out, format);
	return 0;
}

const struct func func_file_count_line = { .name = "FILE_COUNT_LINE", .synopsis = "How many lines a file has",
	.read = read_count_line };
const struct func func_file_format = { .name = "FILE_FORMAT", .synopsis = "How the lines of a file end",
	.read = read_format };
const struct func func_version = { .name = "VERSION", .synopsis = "Which server this is", .read = read_version };
const struct func func_env = { .name = "ENV", .synopsis = "A variable of the environment", .read = read_env,
	.write = write_env };
const struct func func_sysinfo = { .name = "SYSINFO", .synopsis = "Load and memory of the machine",
	.read = read_sysinfo };
const struct func func_stat = { .name = "STAT", .synopsis = "What is known of a file", .read = read_stat };
const struct func func_file = { .name = "FILE", .synopsis = "What stands in a file", .read = read_file };
