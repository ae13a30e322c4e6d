/* sdp/video.c -- a=fmtp of video formats compared. */
#include "sdp/video.h"
#include "base/poison.h"

static struct str parameter(struct str fmtp, struct str name)
{
	while (fmtp.n) {
		struct str value = str_trim(str_cut_raw(&fmtp, ';'));

		if (str_ieq(str_trim(str_cut_raw(&value, '=')), name))
			return str_trim(value);
	}
	return STR_NULL;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The first two bytes of profile-level-id; -1: it is none. */
static int profile_parse(struct str v)
{
	int n = 0;

	if (v.n != 6)
		return -1;
	for (size_t i = 0; i < v.n; i++)
		if (hex_digit(v.p[i]) < 0)
			return -1;
	for (size_t i = 0; i < 4; i++)
		n = n << 4 | hex_digit(v.p[i]);
	return n;
}

enum { IDC_BASELINE = 0x42, IDC_MAIN = 0x4d, IDC_EXTENDED = 0x58, SET0 = 0x80, SET1 = 0x40 };

/* RFC 6184 section 8.1, table 5: several ways to say constrained baseline, and baseline. */
static bool is_baseline(int profile)
{
	int idc = profile >> 8, sets = profile & 0xff;

	return idc == IDC_BASELINE || (idc == IDC_MAIN && (sets & SET0)) || (idc == IDC_EXTENDED && (sets & (SET0 | SET1)) == (SET0 | SET1));
}

static enum video_fit fit_profile(struct str a, struct str b)
{
	int x = profile_parse(a), y = profile_parse(b);

	if (x < 0 || y < 0)
		return VIDEO_OTHER;
	if (x == y)
		return VIDEO_SAME;
	return (is_baseline(x) && is_baseline(y)) || (x >> 8 == y >> 8 && !is_baseline(x) && !is_baseline(y)) ? VIDEO_LIKE : VIDEO_OTHER;
}

/* A parameter of both, or its default. */
struct pair {
	struct str a, b;
};

static struct pair both(struct str a, struct str b, const char *name, const char *absent, bool strict)
{
	struct pair p = { parameter(a, str_z(name)), parameter(b, str_z(name)) };

	if (!p.a.n)
		p.a = str_z(absent);
	if (!p.b.n)
		p.b = strict ? str_z(absent) : p.a;
	return p;
}

static enum video_fit fit_equal(struct pair p)
{
	return str_eq(p.a, p.b) ? VIDEO_SAME : VIDEO_OTHER;
}

enum video_fit video_fmtp_fit(enum format_id id, struct str a, struct str b, bool strict)
{
	struct pair p;

	switch (id) {
	case FORMAT_H264:
		if (fit_equal(both(a, b, "packetization-mode", "0", strict)) == VIDEO_OTHER)
			return VIDEO_OTHER;
		p = both(a, b, "profile-level-id", "420010", strict);
		return fit_profile(p.a, p.b);
	case FORMAT_VP9:
		return fit_equal(both(a, b, "profile-id", "0", strict));
	case FORMAT_AV1:
		return fit_equal(both(a, b, "profile", "0", strict));
	default:
		return VIDEO_SAME;
	}
}

struct str video_fmtp_usual(enum format_id id)
{
	switch (id) {
	case FORMAT_H264:       /* RFC 7742 section 6.2 asks for it */
		return STR("packetization-mode=1;profile-level-id=42e01f");
	case FORMAT_VP9:
		return STR("profile-id=0");
	case FORMAT_AV1:
		return STR("profile=0");
	default:
		return STR_NULL;
	}
}
