/* STRFTIME(), STRPTIME(), TESTTIME(). */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/func/func.h"
#include "pbx/timing.h"
#include "pbx/zone.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

/* %q is thousandths; %3q so many digits of the second's part. */
static void put_format(struct buf *out, struct str format, const struct tm *tm, unsigned micro)
{
	for (size_t i = 0; i < format.n; i++) {
		char spec[8] = "%", text[256];
		size_t n = 1;

		if (format.p[i] != '%' || i + 1 >= format.n) {
			buf_char(out, format.p[i]);
			continue;
		}
		for (i++; i < format.n && n + 2 < sizeof(spec) && format.p[i] && strchr("0123456789_-^#EO", format.p[i]); i++)
			spec[n++] = format.p[i];
		if (i >= format.n)
			break;
		spec[n++] = format.p[i];
		if (format.p[i] == 'q') {
			int digits = n > 2 && spec[1] >= '1' && spec[1] <= '6' ? spec[1] - '0' : 3;

			snprintf(text, sizeof(text), "%06u", micro);
			buf_put(out, str_sub(str_z(text), 0, (size_t)digits));
		} else if (strftime(text, sizeof(text), spec, tm)) {
			buf_put(out, str_z(text));
		}
	}
}

static bool is_number(struct str s)
{
	double d;

	return !str_double(s, &d);
}

/* STRFTIME([epoch][,[timezone][,format]]) */
static int format_time(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	int64_t us = clock_wall_us(p->clock);
	struct str v[3];
	struct tm tm;
	char text[64];
	long double at;
	size_t n;

	(void)ch;
	n = pbx_args(args, v, 3);
	at = strtold(str_copy(text, sizeof(text), str_trim(v[0])), NULL);
	if (str_trim(v[0]).n && is_number(str_trim(v[0])) && at > -1e11L && at < 1e11L)
		us = (int64_t)at * 1000000 + (int64_t)((at - truncl(at)) * 1e6L);
	timing_local(us / 1000000, str_trim(v[1]), &tm);
	put_format(out, n > 2 ? v[2] : STR("%c"), &tm, (unsigned)((us % 1000000 + 1000000) % 1000000));
	return 0;
}

/* STRPTIME(text,timezone,format): seconds since 1970. */
static int parse_time(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct tm tm = { .tm_mday = 1, .tm_isdst = -1 };
	char *text = NULL, *format = NULL;
	struct str v[3], zone;
	int64_t when;
	int err = EINVAL;

	(void)p;
	(void)ch;
	if (pbx_args(args, v, 3) < 3 || !v[2].n)
		return EINVAL;
	zone = str_trim(v[1]);
	text = str_dup(v[0]);
	format = str_dup(v[2]);
	if (text && format && strptime(text, format, &tm)) {
		if (!zone.n || zone_epoch(zone, &tm, &when))
			when = (int64_t)mktime(&tm);
		buf_printf(out, "%lld", (long long)when);
		err = 0;
	} else {
		log_warning("STRPTIME finds no '%.*s' in '%.*s'", STR_ARG(v[2]), STR_ARG(v[0]));
	}
	free(text);
	free(format);
	return err;
}

/* TESTTIME()=2024-07-03 12:30:00[ zone]: GotoIfTime() and IFTIME() take it for now. */
static int set_test_time(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str v = str_trim(value), date = str_cut_raw(&v, ' '), hour = str_cut_raw(&v, ' '), zone = str_trim(v);
	struct tm tm = { .tm_isdst = -1 };
	char text[64];
	int64_t when;

	(void)args;
	if (!ch)
		return ENOENT;
	if (!date.n)
		return pbx_setvar(p, ch, STR("TESTTIME"), STR_NULL);
	snprintf(text, sizeof(text), "%.*s %.*s", STR_ARG(str_sub(date, 0, 20)), STR_ARG(str_sub(hour, 0, 20)));
	if (!strptime(text, "%Y-%m-%d %H:%M:%S", &tm) && !strptime(text, "%Y/%m/%d %H:%M:%S", &tm))
		return EINVAL;
	if (!zone.n || zone_epoch(zone, &tm, &when))
		when = (int64_t)mktime(&tm);
	snprintf(text, sizeof(text), "%lld", (long long)when);
	return pbx_setvar(p, ch, STR("TESTTIME"), str_z(text));
}

const struct func func_testtime = { .name = "TESTTIME", .synopsis = "Another time for GotoIfTime to look at",
	.write = set_test_time };
const struct func func_strftime = { .name = "STRFTIME", .synopsis = "A time as text", .read = format_time };
const struct func func_strptime = { .name = "STRPTIME", .synopsis = "A text as time", .read = parse_time };
