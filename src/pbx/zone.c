/* Civil time in any zone, without changing the process's own. */
#include "pbx/zone.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ZONE_DIR "/usr/share/zoneinfo/"
#define ZONE_FILE_MAX (256u << 10)      /* [bytes] the largest of tzdata is under 8 KiB */

/* RFC 8536 section 3: the 64-bit block of a TZif file, and its footer. */
struct zone {
	uint8_t *bytes;         /* held */
	size_t n;
	const uint8_t *times, *kinds, *types, *names;
	uint32_t ntimes, ntypes, nnames;
	struct str footer;      /* POSIX TZ string */
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* Length of the data block after a header. */
static uint64_t block(const uint8_t *h, unsigned width)
{
	return (uint64_t)be32(h + 32) * width + be32(h + 32) + (uint64_t)be32(h + 36) * 6 + be32(h + 40) +
		(uint64_t)be32(h + 28) * (width + 4) + be32(h + 24) + be32(h + 20);
}

static int cut_up(struct zone *z)
{
	const uint8_t *h = z->bytes, *d;
	uint64_t first, second;

	if (z->n < 44 || memcmp(h, "TZif", 4) != 0 || h[4] < '2')
		return EBADMSG;
	first = block(h, 4);
	if (first > z->n || z->n - first < 88)
		return EBADMSG;
	h += 44 + first;
	second = block(h, 8);
	if (memcmp(h, "TZif", 4) != 0 || second > z->n - first - 88)
		return EBADMSG;
	z->ntimes = be32(h + 32);
	z->ntypes = be32(h + 36);
	z->nnames = be32(h + 40);
	if (!z->ntypes)
		return EBADMSG;
	d = h + 44;
	z->times = d;
	z->kinds = d + (size_t)z->ntimes * 8;
	z->types = z->kinds + z->ntimes;
	z->names = z->types + (size_t)z->ntypes * 6;
	d += second;
	z->footer = str_trim(str_mk((const char *)d, z->n - (size_t)(d - z->bytes)));
	return 0;
}

static int load(struct zone *z, struct str name)
{
	char path[256];
	FILE *f;
	int err;

	*z = (struct zone){ 0 };
	if (!name.n || name.n > 128 || name.p[0] == '/' || str_find(name, STR("..")) < name.n ||
	    str_chr(name, 0) < name.n)
		return ENOENT;
	snprintf(path, sizeof(path), ZONE_DIR "%.*s", STR_ARG(name));
	f = fopen(path, "re");
	if (!f)
		return ENOENT;
	z->bytes = malloc(ZONE_FILE_MAX);
	z->n = z->bytes ? fread(z->bytes, 1, ZONE_FILE_MAX, f) : 0;
	fclose(f);
	err = z->bytes ? cut_up(z) : ENOMEM;
	if (err) {
		free(z->bytes);
		z->bytes = NULL;
	}
	return err;
}

/* ---- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX TZ, RFC 8536 3.3) */

struct rule {
	int month, week, day;   /* M form; month 0: another form */
	int julian;             /* Jn or n */
	bool leapless;          /* Jn */
	int32_t at;             /* [s] of that day */
};

struct posix {
	struct str std, dst;
	int32_t std_off, dst_off;       /* [s] east of UTC */
	struct rule from, to;
};

static bool number(struct str *s, int *out)
{
	int v = 0;
	size_t i = 0;

	while (i < s->n && i < 6 && s->p[i] >= '0' && s->p[i] <= '9')
		v = v * 10 + (s->p[i++] - '0');
	*s = str_skip(*s, i);
	*out = v;
	return i > 0;
}

static struct str zone_name(struct str *s)
{
	struct str name;
	size_t i = 0;

	if (s->n && s->p[0] == '<') {
		*s = str_skip(*s, 1);
		return str_cut_raw(s, '>');
	}
	while (i < s->n && ((s->p[i] | 32) >= 'a' && (s->p[i] | 32) <= 'z'))
		i++;
	name = str_sub(*s, 0, i);
	*s = str_skip(*s, i);
	return name;
}

static bool hms(struct str *s, int32_t *out)
{
	int sign = 1, v[3] = { 0 };

	if (s->n && (s->p[0] == '-' || s->p[0] == '+')) {
		sign = s->p[0] == '-' ? -1 : 1;
		*s = str_skip(*s, 1);
	}
	for (int i = 0; i < 3; i++) {
		if (!number(s, &v[i]))
			return false;
		if (!s->n || s->p[0] != ':')
			break;
		*s = str_skip(*s, 1);
	}
	*out = sign * (v[0] * 3600 + v[1] * 60 + v[2]);
	return true;
}

static bool rule_parse(struct str s, struct rule *r)
{
	struct str day = str_cut_raw(&s, '/');

	*r = (struct rule){ .at = 7200 };
	if (s.n && !hms(&s, &r->at))
		return false;
	if (day.n && day.p[0] == 'M') {
		day = str_skip(day, 1);
		if (!number(&day, &r->month))
			return false;
		day = str_skip(day, 1);
		if (!number(&day, &r->week))
			return false;
		day = str_skip(day, 1);
		return number(&day, &r->day) && r->month >= 1 && r->month <= 12 && r->week >= 1;
	}
	if (day.n && day.p[0] == 'J') {
		r->leapless = true;
		day = str_skip(day, 1);
	}
	return number(&day, &r->julian);
}

static bool posix_parse(struct str s, struct posix *p)
{
	*p = (struct posix){ 0 };
	p->std = zone_name(&s);
	if (!p->std.n || !hms(&s, &p->std_off))
		return false;
	p->std_off = -p->std_off;
	p->dst_off = p->std_off + 3600;
	if (!s.n || s.p[0] == ',')
		return true;
	p->dst = zone_name(&s);
	if (s.n && s.p[0] != ',') {
		if (!hms(&s, &p->dst_off))
			return false;
		p->dst_off = -p->dst_off;
	}
	s = str_skip(s, 1);
	return rule_parse(str_cut_raw(&s, ','), &p->from) && rule_parse(s, &p->to);
}

static bool leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* [s] since 1970 of local midnight of 1 January */
static int64_t year_start(int64_t y)
{
	int64_t p = y - 1;

	return ((y - 1970) * 365 + (p / 4 - 1969 / 4) - (p / 100 - 1969 / 100) + (p / 400 - 1969 / 400)) * 86400;
}

static int64_t rule_when(const struct rule *r, int64_t year)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int64_t base = year_start(year), first;
	int length, wday, day;

	if (!r->month) {
		int64_t d = r->leapless ? r->julian - 1 + (leap(year) && r->julian >= 60) : r->julian;

		return base + d * 86400 + r->at;
	}
	first = base / 86400 + before[r->month - 1] + (r->month > 2 && leap(year));
	length = before[r->month] - before[r->month - 1] + (r->month == 2 && leap(year));
	wday = (int)(((first + 4) % 7 + 7) % 7);        /* 1 January 1970 was a Thursday */
	day = (r->day - wday + 7) % 7 + (r->week - 1) * 7;
	while (day >= length)
		day -= 7;
	return (first + day) * 86400 + r->at;
}

static int32_t posix_offset(const struct posix *p, int64_t when, bool *dst)
{
	struct tm tm;
	time_t t = (time_t)(when + p->std_off);
	int64_t from, to, year;

	*dst = false;
	if (!p->dst.n || !gmtime_r(&t, &tm))
		return p->std_off;
	year = tm.tm_year + 1900;
	from = rule_when(&p->from, year) - p->std_off;
	to = rule_when(&p->to, year) - p->dst_off;
	*dst = from < to ? when >= from && when < to : when >= from || when < to;
	return *dst ? p->dst_off : p->std_off;
}

static int32_t offset_at(const struct zone *z, int64_t when, bool *dst)
{
	struct posix p;
	uint32_t lo = 0, hi = z->ntimes;
	uint8_t kind = 0;

	if ((!z->ntimes || when >= be64(z->times + (size_t)(z->ntimes - 1) * 8)) && posix_parse(z->footer, &p))
		return posix_offset(&p, when, dst);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (be64(z->times + (size_t)mid * 8) <= when)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo)
		kind = z->kinds[lo - 1];
	if (kind >= z->ntypes)
		kind = 0;
	*dst = z->types[kind * 6 + 4] != 0;
	return (int32_t)be32(z->types + kind * 6);
}

int zone_civil(struct str name, int64_t wall_s, struct tm *out)
{
	struct zone z;
	time_t t;
	bool dst = false;
	int err = load(&z, name);

	if (err)
		return err;
	t = (time_t)(wall_s + offset_at(&z, wall_s, &dst));
	if (!gmtime_r(&t, out))
		err = ERANGE;
	out->tm_isdst = dst;
	out->tm_gmtoff = t - (time_t)wall_s;
	out->tm_zone = "";
	free(z.bytes);
	return err;
}

int zone_epoch(struct str name, const struct tm *civil, int64_t *wall_s)
{
	struct tm copy = *civil;
	struct zone z;
	int64_t local, when;
	bool dst;
	int err;

	copy.tm_isdst = 0;
	local = (int64_t)timegm(&copy);
	err = load(&z, name);
	if (err)
		return err;
	/* Twice: the first guess may stand on the wrong side of a change. */
	when = local - offset_at(&z, local, &dst);
	when = local - offset_at(&z, when, &dst);
	free(z.bytes);
	*wall_s = when;
	return 0;
}
