/* Times of day, days and months as the dialplan writes them: does one hold now? */
#include "pbx/timing.h"
#include "pbx/zone.h"
#include <errno.h>
#include <time.h>

static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };
static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
	"oct", "nov", "dec", NULL };

/* A name by its first letters, or a number from 1. -1: neither. */
static int element(struct str s, const char *const *names, uint32_t max)
{
	uint32_t v;

	s = str_trim(s);
	for (int i = 0; names && names[i]; i++)
		if (str_ieq(s, str_z(names[i])))
			return i;
	if (str_u32(s, &v) || v < 1 || v > max)
		return -1;
	return (int)v - 1;
}

static uint32_t range(struct str s, uint32_t max, const char *const *names, int *err)
{
	uint32_t mask = 0;

	s = str_trim(s);
	if (!s.n || str_eq(s, STR("*")))
		return max == 32 ? UINT32_MAX : (1u << max) - 1;
	while (s.n) {
		struct str to = str_cut_raw(&s, '&'), from = str_cut_raw(&to, '-');
		int a = element(from, names, max), b = to.p && to.n ? element(to, names, max) : a;

		if (a < 0 || b < 0) {
			*err = EINVAL;
			continue;
		}
		for (int i = a; i != b; i = (i + 1) % (int)max)
			mask |= 1u << i;
		mask |= 1u << b;
	}
	return mask;
}

static int minute_of(struct str s, unsigned *out)
{
	struct str h;
	uint32_t hour, minute;

	while (s.n && (s.p[0] < '0' || s.p[0] > '9'))
		s = str_skip(s, 1);
	h = str_cut_raw(&s, ':');
	if (str_u32(str_trim(h), &hour) || str_u32(str_trim(s), &minute) || hour > 23 || minute > 59)
		return EINVAL;
	*out = hour * 60 + minute;
	return 0;
}

static void times(struct timing *t, struct str s, int *err)
{
	s = str_trim(s);
	memset(t->minutes, 0, sizeof(t->minutes));
	if (!s.n || str_eq(s, STR("*"))) {
		memset(t->minutes, 0xff, sizeof(t->minutes));
		return;
	}
	while (s.n) {
		struct str to = str_cut_raw(&s, '&'), from = str_cut_raw(&to, '-');
		unsigned a, b;

		if (minute_of(from, &a) || (to.n && minute_of(to, &b))) {
			*err = EINVAL;
			continue;
		}
		if (!to.n)
			b = a;
		for (unsigned i = a; i != b; i = (i + 1) % (24 * 60))
			t->minutes[i / 8] |= (uint8_t)(1u << (i % 8));
		t->minutes[b / 8] |= (uint8_t)(1u << (b % 8));
	}
}

int timing_parse(struct timing *t, struct str text)
{
	char sep = str_chr(text, ',') < text.n ? ',' : '|';
	int err = 0;

	times(t, str_cut_raw(&text, sep), &err);
	t->wdays = (uint8_t)range(str_cut_raw(&text, sep), 7, day_names, &err);
	t->mdays = range(str_cut_raw(&text, sep), 31, NULL, &err);
	t->months = (uint16_t)range(str_cut_raw(&text, sep), 12, month_names, &err);
	t->zone = str_trim(text);
	return err;
}

void timing_local(int64_t wall_s, struct str zone, struct tm *out)
{
	time_t when = (time_t)wall_s;

	if (!zone.n || zone_civil(zone, wall_s, out))
		localtime_r(&when, out);
}

bool timing_holds(const struct timing *t, int64_t wall_s)
{
	struct tm tm;
	unsigned minute;

	timing_local(wall_s, t->zone, &tm);
	minute = (unsigned)(tm.tm_hour * 60 + tm.tm_min);
	return (t->months & (1u << tm.tm_mon)) && (t->mdays & (1u << (tm.tm_mday - 1))) &&
		(t->wdays & (1u << tm.tm_wday)) && minute < 24 * 60 && (t->minutes[minute / 8] & (1u << (minute % 8)));
}
