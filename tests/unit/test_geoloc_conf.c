/* geolocation.conf: what each option makes, and where faults are; PIDF-LO that comes. */
#include "service/geoloc/geoloc.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void assert_list(const struct geoloc_list *l, const char *want)
{
	struct buf b = BUF_INIT;
	char got[1024];

	geoloc_list_write(l, &b);
	str_copy(got, sizeof(got), buf_view(&b));
	buf_free(&b);
	assert_string_equal(got, want);
}

static void assert_str(struct str s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.p, want, s.n);
}

static struct geoloc_conf *conf_of(const char *text, struct report *r)
{
	struct geoloc_conf *c = NULL;

	if (geoloc_conf_parse(&c, str_z(text), r))
		fail_msg("not read");
	return c;
}

/* ---- lists ----------------------------------------------------------------------------------------- */

static void lists(void **state)
{
	static const struct { const char *text, *want; bool apostrophes; int err; } tv[] = {
		{ "a=1,b=2", "a=\"1\",b=\"2\"", true, 0 },
		{ " a = 1 , b = \"x, y\" ", "a=\"1\",b=\"x, y\"", true, 0 },
		{ "a='x, y',b='it\"s'", "a=\"x, y\",b=\"it\"s\"", true, 0 },
		{ "a='x, y'", "a=\"x, y\"", true, 0 },
		{ "a='x, y'", "a=\"'x\",y'=\"\"", false, 0 },
		{ "a=b=c", "a=\"b=c\"", true, 0 },
		{ "a=x\\,y,b=$\\{v}", "a=\"x,y\",b=\"${v}\"", false, 0 },
		{ "a,,b=,", "a=\"\",b=\"\"", true, 0 },
		{ "=1", "", true, EBADMSG },
		{ "a=\\", "a=\"\"", true, 0 },
		{ "", "", true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct geoloc_list l = { 0 };
		int err = geoloc_list_parse(&l, str_z(tv[i].text), tv[i].apostrophes);

		print_message("%s\n", tv[i].text);
		if (err == ENOMEM) {
			geoloc_list_free(&l);
			fail();
		}
		if (tv[i].err && err)
			assert_int_equal(err, tv[i].err);
		else
			assert_list(&l, tv[i].want);
		geoloc_list_free(&l);
	}
}

static void a_list_is_bounded(void **state)
{
	struct geoloc_list l = { 0 };
	int err = 0;

	(void)state;
	for (size_t i = 0; !err && i < GEOLOC_ITEMS; i++)
		err = geoloc_list_add(&l, STR("a"), STR("b"));
	err = err ? err : geoloc_list_add(&l, STR("a"), STR("b"));
	geoloc_list_free(&l);
	assert_int_equal(err, E2BIG);
}

/* ---- shapes ------------------------------------------------------------------------------------------- */

static void shapes(void **state)
{
	static const struct { const char *info; bool good; } tv[] = {
		{ "shape=Point,crs=2d,pos=1 2", true }, { "shape=Point,pos=-1.5 +2e1", true },
		{ "shape=Point,crs=3d,pos=1 2 3", true }, { "shape=Point,crs=3d,pos=1 2", false },
		{ "shape=Point,crs=2d,pos=1 2 3", false }, { "shape=Point,crs=4d,pos=1 2", false },
		{ "shape=Point,pos=north", false }, { "shape=Point", false }, { "shape=Point,pos=1 2,pos=1 3", false },
		{ "shape=Point,pos=1 2,radius=3", false }, { "shape=Blob,pos=1 2", false }, { "pos=1 2", false },
		{ "shape=Circle,pos=1 2,radius=3", true }, { "shape=Circle,crs=3d,pos=1 2 3,radius=3", false },
		{ "shape=Circle,pos=1 2,radius=wide", false }, { "shape=Circle,pos=1 2", false },
		{ "shape=Ellipse,pos=1 2,semiMajorAxis=3,semiMinorAxis=2,orientation=90", true },
		{ "shape=Ellipse,pos=1 2,semiMajorAxis=3,semiMinorAxis=2,orientation=361", false },
		{ "shape=Ellipse,pos=1 2,semiMajorAxis=3,semiMinorAxis=2,orientation=99 radians", true },
		{ "shape=Ellipse,pos=1 2,semiMajorAxis=3,semiMinorAxis=2,orientation=101 rad", false },
		{ "shape=Ellipse,pos=1 2,semiMajorAxis=3,semiMinorAxis=2,orientation=9 grads", false },
		{ "shape=ArcBand,pos=1 2,innerRadius=1,outerRadius=2,startAngle=1,openingAngle=2 degrees", true },
		{ "shape=Sphere,crs=3d,pos=1 2 3,radius=1", true }, { "shape=Sphere,pos=1 2 3,radius=1", false },
		{ "shape=Ellipsoid,crs=3d,pos=1 2 3,semiMajorAxis=1,semiMinorAxis=1,verticalAxis=1,orientation=1", true },
		{ "shape=Prism,crs=3d,pos=1 2 3,pos=1 2 3,pos=1 2 3,height=1", true },
		{ "shape=Prism,crs=3d,pos=1 2 3,pos=1 2 3,height=1", false },
		{ "shape=Polygon,pos=1 2,pos=1 2,pos=1 2", true }, { "shape=Polygon,pos=1 2,pos=1 2", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct geoloc_list l = { 0 };
		char why[320] = "";
		int err = geoloc_list_parse(&l, str_z(tv[i].info), true);

		err = err ? err : geoloc_judge(GEOLOC_GML, &l, false, why, sizeof(why));
		geoloc_list_free(&l);
		print_message("%s: %s\n", tv[i].info, why);
		assert_int_equal(err, tv[i].good ? 0 : EBADMSG);
	}
}

/* ---- the file ------------------------------------------------------------------------------------------- */

static void options(void **state)
{
	struct report *r = GOT(report_new());
	struct geoloc_conf *c = conf_of(
		"[home]\ntype=location\nformat=civicAddress\nlocation_info=country=AT\nlocation_info=A1=\"a, b\"\nmethod=GPS\n"
		"location_source=a.b\nconfidence=pdf=normal,value=7\n"
		"[p]\ntype=profile\nlocation_reference=home\nlocation_info_refinement=FLR=1\nlocation_variables=a=b\nusage_rules=c=d\n"
		"pidf_element=person\npidf_element_id=e\ndevice_id=f\nnotes=g\nallow_routing_use=yes\nsuppress_empty_ca_elements=yes\n"
		"profile_precedence=discard_config\n"
		"[q]\ntype=profile\nformat=URI\nlocation_info=URI=x\n", r);
	const struct geoloc_place *home = geoloc_conf_location(c, STR("home"));
	const struct geoloc_profile_conf *p = geoloc_conf_profile(c, STR("p")), *q = geoloc_conf_profile(c, STR("q"));

	(void)state;
	assert_int_equal(report_count(r), 0);
	assert_non_null(home);
	assert_int_equal(home->format, GEOLOC_CIVIC);
	assert_list(&home->location_info, "country=\"AT\",A1=\"a, b\"");
	assert_list(&home->confidence, "pdf=\"normal\",value=\"7\"");
	assert_str(home->method, "GPS");
	assert_str(home->location_source, "a.b");
	assert_non_null(p);
	assert_str(p->location_reference, "home");
	assert_list(&p->location_info_refinement, "FLR=\"1\"");
	assert_list(&p->location_variables, "a=\"b\"");
	assert_list(&p->usage_rules, "c=\"d\"");
	assert_int_equal(p->pidf_element, GEOLOC_PERSON);
	assert_str(p->pidf_element_id, "e");
	assert_str(p->device_id, "f");
	assert_str(p->notes, "g");
	assert_true(p->allow_routing_use);
	assert_true(p->suppress_empty_ca_elements);
	assert_int_equal(p->profile_precedence, GEOLOC_DISCARD_CONFIG);
	assert_non_null(q);
	assert_int_equal(q->pidf_element, GEOLOC_DEVICE);
	assert_int_equal(q->profile_precedence, GEOLOC_DISCARD_INCOMING);
	assert_int_equal(q->place.format, GEOLOC_URI);
	assert_false(q->allow_routing_use || q->suppress_empty_ca_elements);
	/* And the four that are always there. */
	assert_non_null(geoloc_conf_profile(c, STR("<prefer_config>")));
	assert_non_null(geoloc_conf_profile_at(c, 5));
	assert_null(geoloc_conf_profile_at(c, 6));
	assert_int_equal(geoloc_conf_profile(c, STR("<prefer_config>"))->profile_precedence, GEOLOC_PREFER_CONFIG);
	obj_drop(c);
	report_free(r);
}

static void faults(void **state)
{
	static const struct { const char *text; unsigned line; const char *says; bool there; } tv[] = {
		{ "[x]\ntype=location\nformat=civicAddress\n", 1, "needs location_info", false },
		{ "[x]\ntype=location\nlocation_info=country=AT\n", 3, "no format=", false },
		{ "[x]\ntype=location\nformat=civicAddress\nlocation_info=country=AT,street=x\n", 4, "'street'", false },
		{ "[x]\ntype=location\nformat=GML\nlocation_info=shape=Point,pos=1\n", 4, "two numbers", false },
		{ "[x]\ntype=location\nformat=GML\nlocation_info=shape=Point,pos=${p}\n", 0, NULL, true },
		{ "[x]\ntype=location\nformat=URI\nlocation_info=url=x\n", 4, "URI=", false },
		{ "[x]\ntype=location\nformat=Json\nlocation_info=URI=x\n", 3, "not one of", false },
		{ "[x]\ntype=location\nformat=URI\nlocation_info=URI=x\nlocation_source=192.0.2.1\n", 5, "RFC 8787", false },
		{ "[x]\ntype=location\nformat=URI\nlocation_info=URI=x\nmethode=GPS\n", 5, "did you mean 'method'", false },
		{ "[x]\ntype=location\nformat=URI\nlocation_info=URI=x\n[x]\ntype=location\nformat=URI\nlocation_info=URI=y\n", 5, "twice", true },
		{ "[x]\ntype=place\n", 1, "neither location nor profile", false },
		{ "[x]\nformat=URI\n", 1, "no type=", false },
		{ "[x]\ntype=profile\nlocation_reference=y\n", 3, "no location 'y'", false },
		{ "[x]\ntype=profile\nlocation_reference=x\nformat=URI\n", 3, "of its own", false },
		{ "[x]\ntype=profile\nlocation_info_refinement=FLR=1\n", 3, "refines no location", false },
		{ "[x]\ntype=profile\nformat=civicAddress\nlocation_info=A1=b\nlocation_info_refinement=floor=1\n", 5, "'floor'", false },
		{ "[x]\ntype=profile\nprofile_precedence=me\n", 3, "not one of", false },
		{ "[x]\ntype=profile\nlocation_variables==1\n", 3, "name=value", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct report *r = GOT(report_new());
		struct geoloc_conf *c = conf_of(tv[i].text, r);
		const struct report_entry *e = report_at(r, 0);

		print_message("%s", tv[i].text);
		assert_int_equal(report_count(r), tv[i].says ? 1 : 0);
		if (tv[i].says) {
			print_message("  %u: %.*s\n", e->line, STR_ARG(e->text));
			assert_int_equal(e->line, tv[i].line);
			assert_true(str_find(e->text, str_z(tv[i].says)) < e->text.n);
		}
		assert_int_equal(geoloc_conf_location(c, STR("x")) != NULL, tv[i].there);
		obj_drop(c);
		report_free(r);
	}
}

/* ---- PIDF-LO ------------------------------------------------------------------------------------------------ */

#define NS " xmlns='urn:ietf:params:xml:ns:pidf' xmlns:c='urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr'" \
	" xmlns:m='urn:ietf:params:xml:ns:pidf:data-model' xmlns:gml='http://www.opengis.net/gml'" \
	" xmlns:g='urn:ietf:params:xml:ns:pidf:geopriv10' xmlns:gs='http://www.opengis.net/pidflo/1.0'>"
#define LOCATION(x) "<g:geopriv><g:location-info>" x "</g:location-info></g:geopriv>"
#define IN_DEVICE(x) "<presence" NS "<m:device id='d'>" LOCATION(x) "</m:device></presence>"
#define RING "<gml:exterior><gml:LinearRing><gml:pos>1 2</gml:pos><gml:pos>3 4</gml:pos></gml:LinearRing></gml:exterior>"

static void documents(void **state)
{
	static const struct { const char *text, *info; uint8_t element, format; } tv[] = {
		{ "  " IN_DEVICE("<c:civicAddress><c:A1>x</c:A1><c:A2/></c:civicAddress>"), "lang=\"\",A1=\"x\",A2=\"\"", GEOLOC_DEVICE, GEOLOC_CIVIC },
		{ IN_DEVICE("<c:civicAddress><c:A1><![CDATA[<&>]]> &lt;&#x41;</c:A1></c:civicAddress>"), "lang=\"\",A1=\"<&> <A\"", GEOLOC_DEVICE, GEOLOC_CIVIC },
		{ IN_DEVICE("<gml:Polygon srsName='urn:ogc:def:crs:EPSG::4326'>" RING "</gml:Polygon>"),
		  "shape=\"Polygon\",crs=\"2d\",pos=\"1 2\",pos=\"3 4\"", GEOLOC_DEVICE, GEOLOC_GML },
		{ IN_DEVICE("<gs:Prism srsName='urn:ogc:def:crs:EPSG::4979'><gs:base><gml:Polygon>" RING "</gml:Polygon></gs:base>"
			    "<gs:height uom='m'> 3 </gs:height></gs:Prism>"),
		  "shape=\"Prism\",crs=\"3d\",pos=\"1 2\",pos=\"3 4\",height=\"3\"", GEOLOC_DEVICE, GEOLOC_GML },
		{ IN_DEVICE("<gs:ArcBand><gs:innerRadius>1</gs:innerRadius><gs:startAngle uom='urn:ogc:def:uom:EPSG::9101'>2</gs:startAngle>"
			    "<gs:openingAngle>3</gs:openingAngle><gs:other>4</gs:other></gs:ArcBand>"),
		  "shape=\"ArcBand\",crs=\"unknown\",innerRadius=\"1\",startAngle=\"2 radians\",openingAngle=\"3 degrees\"",
		  GEOLOC_DEVICE, GEOLOC_GML },
		/* A device before a tuple before a person, whatever their order. */
		{ "<presence" NS "<m:person>" LOCATION("<c:civicAddress/>") "</m:person><tuple><status>"
		  LOCATION("<c:civicAddress xml:lang='t'/>") "</status></tuple></presence>", "lang=\"t\"", GEOLOC_TUPLE, GEOLOC_CIVIC },
		{ "<presence" NS "<m:device/><m:person><m:x>" LOCATION("<c:civicAddress xml:lang='p'/>") "</m:x></m:person></presence>",
		  "lang=\"p\"", GEOLOC_PERSON, GEOLOC_CIVIC },
		{ "<presence" NS "<tuple>" LOCATION("<c:civicAddress/>") "</tuple></presence>", NULL, 0, 0 },
		{ "<presence><device/></presence>", NULL, 0, 0 },
		{ "<!DOCTYPE presence [<!ENTITY x 'y'>]>" IN_DEVICE("<c:civicAddress><c:A1>&x;</c:A1></c:civicAddress>"), NULL, 0, 0 },
		{ "<!DOCTYPE presence SYSTEM 'file:///etc/passwd'>" IN_DEVICE("<c:civicAddress/>"), NULL, 0, 0 },
		{ IN_DEVICE("<c:civicAddress>&x;</c:civicAddress>"), NULL, 0, 0 },
		{ IN_DEVICE("<c:civicAddress>"), NULL, 0, 0 },
		{ "", NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct geoloc_profile *p = NULL;
		int err = geoloc_pidf_read(&p, str_z(tv[i].text));

		print_message("%s\n", tv[i].text);
		assert_int_equal(err, tv[i].info ? 0 : EBADMSG);
		if (tv[i].info) {
			assert_list(&p->list[GEOLOC_INFO], tv[i].info);
			assert_int_equal(p->element, tv[i].element);
			assert_int_equal(p->format, tv[i].format);
			assert_string_equal(text_z(&p->text[GEOLOC_ID]), "unknown");
		}
		obj_drop(p);
	}
}

/* So many elements inside of one another. */
static int read_deep(size_t depth)
{
	struct geoloc_profile *p = NULL;
	struct buf b = BUF_INIT;
	int err;

	buf_put(&b, STR("<presence" NS "<m:device>"));
	for (size_t i = 2; i < depth; i++)
		buf_put(&b, STR("<m:a>"));
	for (size_t i = 2; i < depth; i++)
		buf_put(&b, STR("</m:a>"));
	buf_put(&b, STR(LOCATION("<c:civicAddress/>") "</m:device></presence>"));
	err = buf_err(&b) ? ENOMEM : geoloc_pidf_read(&p, buf_view(&b));
	buf_free(&b);
	obj_drop(p);
	return err;
}

static void depth_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(read_deep(GEOLOC_DEPTH), 0);
	assert_int_equal(read_deep(GEOLOC_DEPTH + 1), EBADMSG);
	assert_int_equal(read_deep(10000), EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists), cmocka_unit_test(a_list_is_bounded), cmocka_unit_test(shapes), cmocka_unit_test(options),
		cmocka_unit_test(faults), cmocka_unit_test(documents), cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
