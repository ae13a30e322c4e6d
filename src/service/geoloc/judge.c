/* What a location must have to be one: elements of civic addresses (RFC 4776, 5139), shapes of
 * GML as RFC 5491 5 profiles them, URIs. */
#include "service/geoloc/geoloc.h"
#include "net/address.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- civic addresses ---------------------------------------------------------------------------- */

bool geoloc_is_civic(struct str name)
{
	static const char *const names[] = { "country", "A1", "A2", "A3", "A4", "A5", "A6", "ADDCODE", "BLD", "FLR", "HNO",
		"HNS", "LMK", "LOC", "NAM", "PC", "PCN", "PLC", "POBOX", "POD", "POM", "PRD", "PRM", "RD", "RDBR", "RDSEC",
		"RDSUBBR", "ROOM", "SEAT", "STS", "UNIT" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, str_z(names[i])))
			return true;
	return false;
}

static int judge_civic(const struct geoloc_list *l, char *why, size_t n)
{
	for (size_t i = 0; i < l->n; i++) {
		if (geoloc_is_civic(text_view(&l->v[i].name)))
			continue;
		snprintf(why, n, "'%s' is no element of a civic address (country, A1 to A6, RD, STS, HNO, FLR, ROOM, PC ...)",
			 text_z(&l->v[i].name));
		return EBADMSG;
	}
	return 0;
}

/* ---- shapes ---------------------------------------------------------------------------------------- */

enum kind { NO_KIND, CRS, POSITION, NUMBER, ANGLE };

struct attribute {
	const char *name;               /* NULL ends them */
	uint8_t kind;
	uint8_t least, most;            /* most 0: as many as one likes */
};

static const struct shape {
	const char *name, *crs;         /* crs: "any", or the only one it can have */
	struct attribute attr[8];
} shapes[] = {
	{ "Point", "any", { { "crs", CRS, 0, 1 }, { "pos", POSITION, 1, 1 } } },
	{ "Polygon", "any", { { "crs", CRS, 0, 1 }, { "pos", POSITION, 3, 0 } } },
	{ "Circle", "2d", { { "crs", CRS, 0, 1 }, { "pos", POSITION, 1, 1 }, { "radius", NUMBER, 1, 1 } } },
	{ "Ellipse", "2d", { { "crs", CRS, 0, 1 }, { "pos", POSITION, 1, 1 }, { "semiMajorAxis", NUMBER, 1, 1 },
		{ "semiMinorAxis", NUMBER, 1, 1 }, { "orientation", ANGLE, 1, 1 } } },
	{ "ArcBand", "2d", { { "crs", CRS, 0, 1 }, { "pos", POSITION, 1, 1 }, { "innerRadius", NUMBER, 1, 1 },
		{ "outerRadius", NUMBER, 1, 1 }, { "startAngle", ANGLE, 1, 1 }, { "openingAngle", ANGLE, 1, 1 } } },
	{ "Sphere", "3d", { { "crs", CRS, 1, 1 }, { "pos", POSITION, 1, 1 }, { "radius", NUMBER, 1, 1 } } },
	{ "Ellipsoid", "3d", { { "crs", CRS, 1, 1 }, { "pos", POSITION, 1, 1 }, { "semiMajorAxis", NUMBER, 1, 1 },
		{ "semiMinorAxis", NUMBER, 1, 1 }, { "verticalAxis", NUMBER, 1, 1 }, { "orientation", ANGLE, 1, 1 } } },
	{ "Prism", "3d", { { "crs", CRS, 1, 1 }, { "pos", POSITION, 3, 0 }, { "height", NUMBER, 1, 1 } } },
};

static const struct shape *find_shape(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (str_eq(name, str_z(shapes[i].name)))
			return &shapes[i];
	return NULL;
}

static const struct attribute *find_attribute(const struct shape *s, struct str name)
{
	for (const struct attribute *a = s->attr; a->name; a++)
		if (str_eq(name, str_z(a->name)))
			return a;
	return NULL;
}

bool geoloc_is_angle(struct str name)
{
	return str_eq(name, STR("orientation")) || str_eq(name, STR("startAngle")) || str_eq(name, STR("openingAngle"));
}

/* Up to the next blank. */
static struct str word(struct str *s)
{
	size_t n;

	*s = str_ltrim(*s);
	n = str_chr(*s, ' ');
	return str_trim(str_mk(s->p, n));
}

static struct str next_word(struct str *s)
{
	struct str w = word(s);

	*s = str_skip(*s, w.n);
	return w;
}

static bool is_number(struct str s)
{
	double d;

	return str_double(s, &d) == 0;
}

static bool is_position(struct str s, bool three)
{
	size_t n = 0;

	for (struct str w = next_word(&s); w.n; w = next_word(&s), n++)
		if (!is_number(w))
			return false;
	return n == (three ? 3u : 2u);
}

int geoloc_angle(struct str value, struct str *number, bool *radians)
{
	double d, most;
	struct str unit;

	*number = next_word(&value);
	unit = next_word(&value);
	*radians = str_starts(unit, STR("rad"));
	if (!is_number(*number) || (unit.n && !*radians && !str_starts(unit, STR("deg"))))
		return EBADMSG;
	most = *radians ? 100 : 360;
	return str_double(*number, &d) || d > most ? EBADMSG : 0;
}

static int judge_attribute(const struct attribute *a, struct str value, struct str crs, char *why, size_t n)
{
	bool three = str_eq(crs, STR("3d"));
	struct str number;
	bool radians;

	switch (a->kind) {
	case CRS:
		if (three || str_eq(value, STR("2d")))
			return 0;
		snprintf(why, n, "crs '%.*s' is neither 2d nor 3d", STR_ARG(value));
		return EBADMSG;
	case POSITION:
		if (is_position(value, three))
			return 0;
		snprintf(why, n, "pos '%.*s' has to be %s numbers with blanks between them", STR_ARG(value),
			 three ? "three" : "two");
		return EBADMSG;
	case ANGLE:
		if (!geoloc_angle(value, &number, &radians))
			return 0;
		snprintf(why, n, "%s '%.*s' is no angle (at most 360, or \"100 radians\")", a->name, STR_ARG(value));
		return EBADMSG;
	default:
		if (is_number(str_trim(value)))
			return 0;
		snprintf(why, n, "%s '%.*s' is no number", a->name, STR_ARG(value));
		return EBADMSG;
	}
}

static int judge_counts(const struct shape *s, const struct geoloc_list *l, char *why, size_t n)
{
	for (const struct attribute *a = s->attr; a->name; a++) {
		size_t count = 0;

		for (size_t i = 0; i < l->n; i++)
			count += str_eq(text_view(&l->v[i].name), str_z(a->name));
		if (count >= a->least && (!a->most || count <= a->most))
			continue;
		snprintf(why, n, "a %s has %s %u %s, not %zu", s->name, count < a->least ? "at least" : "at most",
			 count < a->least ? a->least : a->most, a->name, count);
		return EBADMSG;
	}
	return 0;
}

static bool is_variable(struct str s)
{
	return str_find(s, STR("${")) < s.n || str_find(s, STR("$[")) < s.n;
}

static int judge_gml(struct geoloc_list *l, bool variables, char *why, size_t n)
{
	struct str name = geoloc_list_value(l, STR("shape"), STR_NULL), crs;
	const struct shape *s = find_shape(name);
	int err;

	if (!s) {
		snprintf(why, n, "shape '%.*s' is none of Point, Polygon, Circle, Ellipse, ArcBand, Sphere, Ellipsoid, Prism",
			 STR_ARG(name));
		return EBADMSG;
	}
	if (!geoloc_list_find(l, STR("crs")) && !str_eq(str_z(s->crs), STR("3d")) &&
	    geoloc_list_add(l, STR("crs"), STR("2d")))
		return ENOMEM;
	crs = geoloc_list_value(l, STR("crs"), STR_NULL);
	if (!str_eq(str_z(s->crs), STR("any")) && !str_eq(crs, str_z(s->crs)) && !(variables && is_variable(crs))) {
		snprintf(why, n, "a %s has crs %s, not '%.*s'", s->name, s->crs, STR_ARG(crs));
		return EBADMSG;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct str attribute = text_view(&l->v[i].name), value = text_view(&l->v[i].value);
		const struct attribute *a = find_attribute(s, attribute);

		if (str_eq(attribute, STR("shape")) || (a && variables && is_variable(value)))
			continue;
		if (!a) {
			snprintf(why, n, "a %s has no '%.*s'", s->name, STR_ARG(attribute));
			return EBADMSG;
		}
		err = judge_attribute(a, value, crs, why, n);
		if (err)
			return err;
	}
	return judge_counts(s, l, why, n);
}

void geoloc_show_shapes(struct buf *b)
{
	buf_printf(b, "%-16s %-3s %-32s\n================ === ===============================\n", "Shape", "CRS",
		   "Attributes name(min,max)");
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		buf_printf(b, "%-16s %-3s", shapes[i].name, shapes[i].crs);
		for (const struct attribute *a = shapes[i].attr; a->name; a++) {
			buf_printf(b, " %s(%u,", a->name, a->least);
			buf_printf(b, a->most ? "%u)" : "unl)", a->most);
		}
		buf_char(b, '\n');
	}
	buf_char(b, '\n');
}

/* ---- any ------------------------------------------------------------------------------------------------ */

bool geoloc_is_host_name(struct str s)
{
	struct sa a;

	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return false;
	return s.n && sa_parse(&a, s) != 0;
}

int geoloc_judge(enum geoloc_format format, struct geoloc_list *info, bool variables, char *why, size_t n)
{
	switch (format) {
	case GEOLOC_CIVIC:
		return judge_civic(info, why, n);
	case GEOLOC_GML:
		return judge_gml(info, variables, why, n);
	case GEOLOC_URI:
		if (geoloc_list_find(info, STR("URI")))
			return 0;
		snprintf(why, n, "there is no URI=... in it");
		return EBADMSG;
	default:
		snprintf(why, n, "there is no format= that says what it is (civicAddress, GML, URI)");
		return EBADMSG;
	}
}
