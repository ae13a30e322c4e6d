/* Where callers are: locations that come with an INVITE, that the dialplan reads and changes, and that
 * go with ours. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "service/geoloc/geoloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <cmocka.h>

#define SHOW "Set(GLOBAL(SEEN)=${GEOLOC_PROFILE(effective_location)})\n same => n,Set(GLOBAL(STATUS)=${GEOLOCPROFILESTATUS})\n"

static const char plan[] =
	"[default]\n"
	"exten => see,1," SHOW
	" same => n,Set(GLOBAL(MORE)=${GEOLOC_PROFILE(id)}|${GEOLOC_PROFILE(pidf_element)}|${GEOLOC_PROFILE(pidf_element_id)}"
	"|${GEOLOC_PROFILE(method)}|${GEOLOC_PROFILE(notes)}|${GEOLOC_PROFILE(device_id)}|${GEOLOC_PROFILE(usage_rules)}"
	"|${GEOLOC_PROFILE(confidence)}|${GEOLOC_PROFILE(location_source)}|${GEOLOC_PROFILE(allow_routing_use)}"
	"|${GEOLOC_PROFILE(inheritable)}|${GEOLOC_PROFILE(format)})\n"
	" same => n,Answer()\n same => n,Wait(600)\n"
	"exten => set,1,Set(GEOLOC_PROFILE(${FIELD})=${VALUE})\n same => n,Set(GLOBAL(STATUS)=${GEOLOCPROFILESTATUS})\n"
	" same => n,Set(GLOBAL(SEEN)=${GEOLOC_PROFILE(${READ})})\n same => n,Set(GLOBAL(THEN)=${GEOLOCPROFILESTATUS})\n"
	" same => n,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(${WHAT})\n"
	"exten => over,1,Dial(Local/bob@default/n)\n"
	"exten => blank,1,Set(GEOLOC_PROFILE(inheritable)=no)\n same => n,Dial(PJSIP/bob)\n"
	"exten => both,1,Set(GEOLOC_PROFILE(format)=URI)\n same => n,Set(GEOLOC_PROFILE(location_info)=URI=http://before/)\n"
	" same => n,Set(GEOLOC_PROFILE(inheritable)=yes)\n same => n,Dial(PJSIP/bob&PJSIP/carl,,b(pre^1(x)))\n"
	"exten => pre,1,Set(GEOLOC_PROFILE(location_info)=URI=http://of/${CHANNEL(endpoint)})\n same => n,Return()\n";

static const char geolocation[] =
	"[home]\ntype=location\nformat=civicAddress\nlocation_info=country=AT,A3=Wien\nlocation_info=RD=\"Ring, 1. Bezirk\",STS=${STS}\n"
	"method=Manual\nlocation_source=host.example.com\nconfidence=pdf=normal,value=77\n"
	"[room]\ntype=profile\nlocation_reference=home\nlocation_info_refinement=FLR=${flr},A3=Graz\n"
	"location_variables=floor=3,flr=${floor}a\nusage_rules=retransmission-allowed=no\npidf_element=tuple\n"
	"pidf_element_id=in-${EXTEN}\ndevice_id=mac:${EXTEN}\nnotes=it's \"here\" & there\nallow_routing_use=yes\n"
	"profile_precedence=prefer_config\n"
	"[prefer]\ntype=profile\nformat=URI\nlocation_info=URI=http://conf/\nprofile_precedence=prefer_incoming\n"
	"[mine]\ntype=profile\nformat=URI\nlocation_info=URI=http://conf/${CALLERID(num)}?a=b\nlocation_source=us.example.com\n"
	"[prism]\ntype=profile\nformat=GML\nlocation_info=shape=Prism,crs=3d,pos=\"1 2 3\",pos=\"1 3 3\",pos=\"2 3 3\",height=4\n"
	"[arc]\ntype=profile\nformat=GML\nlocation_info=shape=ArcBand,pos=\"1 -2.5\",innerRadius=1,outerRadius=2,startAngle=${START},"
	"openingAngle=2 radians\nconfidence=value=50\npidf_element=person\n"
	"[lost]\ntype=profile\nlocation_reference=nowhere\n";

#define CONF(bob) \
	WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" \
	"[alice](phone)\naors=alice\ngeoloc_incoming_call_profile=%s\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n" \
	"[bob](phone)\naors=bob\ngeoloc_outgoing_call_profile=" bob "\nfrom_domain=us.example.com\n" \
	"[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n" \
	"[carl](phone)\naors=carl\ngeoloc_outgoing_call_profile=<prefer_incoming>\n[carl]\ntype=aor\ncontact=sip:carl@127.0.0.1:5063\n"

/* The endpoints' profiles for the calls that follow. */
static void profiles(const char *incoming, const char *outgoing)
{
	char conf[2048];

	snprintf(conf, sizeof(conf), CONF("%s"), incoming, outgoing);
	wire_reload(&t, conf);
}

static int setup(void **state)
{
	struct geoloc_conf *c = NULL;

	(void)state;
	wire_open(&t, plan, "");
	profiles("<discard_config>", "<prefer_incoming>");
	if (geoloc_conf_parse(&c, str_z(geolocation), NULL))
		fail_msg("geolocation.conf");
	geoloc_set_conf(t.svc, c);
	obj_drop(c);
	set_global("WHAT", "PJSIP/bob");
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

/* alice's next INVITE. `type`: of the body. */
static void invite(const char *exten, const char *headers, const char *type, const char *body)
{
	struct buf b = BUF_INIT;
	char *text;

	alice_starts_anew();
	wire_forget(&t);
	oom_pause(true);
	buf_printf(&b, "INVITE sip:%s@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bK%uINVITE1\r\n", exten,
		   call_number);
	buf_printf(&b, "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: c%u\r\nCSeq: 1 INVITE\r\n", exten,
		   call_number);
	buf_printf(&b, "Contact: <sip:alice@" ALICE ">\r\n%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", headers, type,
		   strlen(body), body);
	text = GOT(buf_take(&b));
	oom_pause(false);
	wire_come(&t, ALICE, text);
	free(text);
}

#define CID "Geolocation: <cid:here%40example.com>\r\n"
#define MIXED "multipart/mixed;boundary=xx"
#define PARTS(pidf) "--xx\r\nContent-Type: application/sdp\r\n\r\n" SDP_ULAW "\r\n--xx\r\nContent-Type: application/pidf+xml\r\n" \
	"Content-ID: <here@example.com>\r\n\r\n" pidf "\r\n--xx--\r\n"
#define PRESENCE(inside) "<?xml version=\"1.0\"?>\n<presence entity=\"pres:alice@example.com\" xmlns=\"urn:ietf:params:xml:ns:pidf\"" \
	" xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"" \
	" xmlns:gml=\"http://www.opengis.net/gml\" xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\"" \
	" xmlns:con=\"urn:ietf:params:xml:ns:geopriv:conf\" xmlns:gs=\"http://www.opengis.net/pidflo/1.0\">" inside "</presence>"
#define DEVICE(location) PRESENCE("<dm:device id='d1'><gp:geopriv><gp:location-info>" location "</gp:location-info>" \
	"<gp:usage-rules><gp:retransmission-allowed>\n yes </gp:retransmission-allowed></gp:usage-rules>" \
	"<gp:method>GPS</gp:method><gp:note-well>a\n b</gp:note-well></gp:geopriv><dm:deviceID>mac:12</dm:deviceID></dm:device>")
#define CIVIC "<ca:civicAddress xml:lang='de'><ca:country>AT</ca:country><ca:LMK>  Karl's\n  church </ca:LMK></ca:civicAddress>"

/* ---- what comes ------------------------------------------------------------------------------------- */

static void a_body(void **state)
{
	(void)state;
	invite("see", CID "Geolocation-Routing: yes\r\n", MIXED, PARTS(DEVICE(CIVIC "<con:confidence pdf='normal'>50</con:confidence>")));
	assert_string_equal(global("SEEN"), "lang=\"de\",country=\"AT\",LMK=\"Karl's church\"");
	assert_string_equal(global("MORE"), "pres:alice@example.com|device|d1|GPS|a\n b|mac:12|retransmission-allowed=\"yes\""
			    "|pdf=\"normal\",value=\"50\"||yes|true|civicAddress");
	assert_string_equal(global("STATUS"), "0");
	/* The offer beside it was found. */
	assert_int_equal(status(SIP_INVITE), 200);
}

static void a_body_alone(void **state)
{
	(void)state;
	invite("see", "Geolocation: <cid:x>;loc-src=up.example.com\r\n", "application/pidf+xml",
	       DEVICE("<gml:Point srsName='urn:ogc:def:crs:EPSG::4326'><gml:pos> 1\t2 </gml:pos></gml:Point>"));
	assert_string_equal(global("SEEN"), "shape=\"Point\",crs=\"2d\",pos=\"1 2\"");
	assert_true(has(str_z(global("MORE")), "|up.example.com|no|true|GML"));
}

static void a_uri(void **state)
{
	static const struct { const char *headers, *seen, *source; } tv[] = {
		{ "Geolocation: <http://x/y>;loc-src=a.b;z=1\r\n", "URI=\"http://x/y\"", "||a.b|no|" },
		{ "Geolocation: <http://x/y;loc-src=a.b>\r\n", "URI=\"http://x/y;loc-src=a.b\"", "||a.b|no|" },
		{ "Geolocation: <http://x/y>;loc-src=192.0.2.1\r\n", "URI=\"http://x/y\"", "|||no|" },
		/* The first that is good. */
		{ "Geolocation: nonsense, <cid:none>, <sips:a@b,c>, <http://x>\r\n", "URI=\"sips:a@b,c\"", "|||no|" },
		{ "Geolocation: <>\r\nGeolocation: <http://second>\r\nGeolocation-Routing: yes\r\n", "URI=\"http://second\"", "|||yes|" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		print_message("%s", tv[i].headers);
		invite("see", tv[i].headers, "application/sdp", SDP_ULAW);
		assert_string_equal(global("SEEN"), tv[i].seen);
		assert_true(has(str_z(global("MORE")), tv[i].source));
	}
}

/* Which of both counts: what came is <http://came/>, or nothing. */
static void precedence_of_incoming(void **state)
{
	static const struct { const char *profile; bool came; const char *seen, *status; } tv[] = {
		{ "", true, "", "-2" },
		{ "nonesuch", true, "", "-2" },
		{ "lost", true, "", "-2" },
		{ "prefer", true, "URI=\"http://came/\"", "0" },
		{ "prefer", false, "URI=\"http://conf/\"", "0" },
		{ "<prefer_incoming>", true, "URI=\"http://came/\"", "0" },
		{ "<prefer_config>", true, "URI=\"http://came/\"", "0" },
		{ "<discard_config>", true, "URI=\"http://came/\"", "0" },
		{ "<discard_config>", false, "", "-2" },
		{ "<discard_incoming>", true, "", "-2" },
		/* discard_incoming is what there is without a word. */
		{ "mine", true, "URI=\"http://conf/${CALLERID(num)}?a=b\"", "0" },
		{ "room", true, "country=\"AT\",A3=\"Graz\",RD=\"Ring, 1. Bezirk\",STS=\"${STS}\",FLR=\"${flr}\"", "0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		print_message("%s %d\n", tv[i].profile, tv[i].came);
		profiles(tv[i].profile, "");
		invite("see", tv[i].came ? "Geolocation: <http://came/>\r\n" : "", "application/sdp", SDP_ULAW);
		assert_string_equal(global("SEEN"), tv[i].seen);
		assert_string_equal(global("STATUS"), tv[i].status);
	}
}

/* None of them is taken for a location, and the call goes on. */
static void what_is_no_location(void **state)
{
	static const char *const tv[] = {
		PARTS("no XML"), PARTS("<presence/>"), PARTS(PRESENCE("")), PARTS(DEVICE("")), PARTS(DEVICE("<gp:unknown/>")),
		PARTS("<!DOCTYPE p [<!ENTITY a 'aaaa'>]>" DEVICE(CIVIC)),
		PARTS(PRESENCE("<tuple id='1'><status/></tuple>")),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		invite("see", CID, MIXED, tv[i]);
		assert_string_equal(global("STATUS"), "-2");
		assert_int_equal(status(SIP_INVITE), 200);
	}
	invite("see", "Geolocation: <cid:other>\r\n", MIXED, PARTS(DEVICE(CIVIC)));
	assert_string_equal(global("STATUS"), "-2");
}

/* ---- GEOLOC_PROFILE() --------------------------------------------------------------------------------- */

static void the_function(void **state)
{
	static const struct { const char *field, *value, *status, *read, *seen, *read_status; } tv[] = {
		{ "location_info", "shape=Point,pos=\"1 2\"", "0", "effective_location", "shape=\"Point\",pos=\"1 2\"", "0" },
		{ "location_reference", "home", "0", "effective_location", "country=\"AT\",A3=\"Wien\",RD=\"Ring, 1. Bezirk\",STS=\"${STS}\"", "0" },
		{ "location_reference", "home", "0", "format", "civicAddress", "0" },
		{ "location_reference", "home", "0", "method", "Manual", "0" },
		{ "location_reference", "nowhere", "-3", "location_reference", "", "0" },
		{ "location_variables", "a=1,b=$\\{a}2", "0", "location_variables,r", "a=\"1\",b=\"12\"", "0" },
		{ "location_info_refinement,r", "FLR=$\\{CALLERID(num)\\}", "0", "location_info_refinement", "FLR=\"alice\"", "0" },
		{ "usage_rules", "a=1,a=2", "0", "usage_rules", "a=\"1\",a=\"2\"", "0" },
		{ "usage_rules", "", "-3", "usage_rules", "", "0" },
		{ "usage_rules", "=1", "-3", "usage_rules,r", "", "-3" },
		{ "confidence", "pdf=normal", "0", "confidence", "pdf=\"normal\"", "0" },
		{ "format", "GML", "0", "format", "GML", "0" },
		{ "format", "gml", "-3", "format", "<none>", "0" },
		{ "pidf_element", "person", "0", "pidf_element", "person", "0" },
		{ "pidf_element", "desk", "-3", "pidf_element", "<none>", "0" },
		{ "profile_precedence", "discard_config", "0", "profile_precedence", "discard_config", "0" },
		{ "profile_precedence", "x", "-3", "profile_precedence", "prefer_incoming", "0" },
		{ "allow_routing_use", "yes", "0", "allow_routing_use", "yes", "0" },
		{ "suppress_empty_ca_elements", "yes", "0", "suppress_empty_ca_elements", "yes", "0" },
		{ "inheritable", "yes", "0", "inheritable", "true", "0" },
		{ "id", "me", "0", "id", "me", "0" },
		{ "notes", "some", "0", "notes", "some", "0" },
		{ "method", "GPS", "0", "method", "GPS", "0" },
		{ "location_source", "a.b", "0", "location_source", "a.b", "0" },
		{ "pidf_element_id", "e", "0", "pidf_element_id", "e", "0" },
		{ "device_id", "$\\{EXTEN\\}", "0", "device_id", "$\\{EXTEN\\}", "0" },
		{ "nonesuch", "x", "-3", "nonesuch", "", "-2" },
		{ "", "x", "-1", "", "", "-1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		print_message("%s=%s\n", tv[i].field, tv[i].value);
		set_global("FIELD", tv[i].field);
		set_global("VALUE", tv[i].value);
		set_global("READ", tv[i].read);
		invite("set", "", "application/sdp", SDP_ULAW);
		assert_string_equal(global("STATUS"), tv[i].status);
		assert_string_equal(global("SEEN"), tv[i].seen);
		assert_string_equal(global("THEN"), tv[i].read_status);
	}
}

/* What came is changed: added to, or with its variables replaced. */
static void changed(void **state)
{
	static const struct { const char *field, *value, *seen; } tv[] = {
		{ "location_info,a", "ROOM=5", "lang=\"de\",country=\"AT\",LMK=\"Karl's church\",ROOM=\"5\"" },
		{ "location_info", "ROOM=5", "ROOM=\"5\"" },
		{ "location_info_refinement,r", "lang=en,LMK=$\\{EXTEN\\}", "lang=\"en\",country=\"AT\",LMK=\"set\"" },
	};

	(void)state;
	set_global("READ", "effective_location");
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		set_global("FIELD", tv[i].field);
		set_global("VALUE", tv[i].value);
		invite("set", CID, MIXED, PARTS(DEVICE(CIVIC)));
		assert_string_equal(global("SEEN"), tv[i].seen);
	}
}

/* ---- what goes ------------------------------------------------------------------------------------------ */

static void assert_body(const struct sip_msg *m, const char *want)
{
	struct str part = STR_NULL;
	char got[4096];

	assert_true(sip_body(m, STR("application/pidf+xml"), &part));
	str_copy(got, sizeof(got), part);
	assert_non_null(strstr(got, " entity=\""));
	assert_string_equal(strchr(strstr(got, " entity=\""), '>') + 1, want);
}

static const char *const stamp = "2023-11-14T22:13:20Z";

static void a_civic_address_goes(void **state)
{
	char want[2048];
	struct sip_msg *m;
	struct str part;

	(void)state;
	profiles("", "room");
	invite("bob", "", "application/sdp", SDP_ULAW);
	m = requested(SIP_INVITE, BOB);
	assert_true(str_istarts(m->content_type, STR("multipart/mixed")));
	assert_true(sip_body(m, STR("application/sdp"), &part));
	snprintf(want, sizeof(want), "\n  <tuple id=\"in-bob\">\n    <status>\n      <gp:geopriv>\n        <gp:location-info>\n"
		 "          <ca:civicAddress xml:lang=\"en\">\n            <ca:country>AT</ca:country>\n            <ca:A3>Graz</ca:A3>\n"
		 "            <ca:RD>Ring, 1. Bezirk</ca:RD>\n            <ca:STS/>\n            <ca:FLR>3a</ca:FLR>\n"
		 "          </ca:civicAddress>\n          <con:confidence pdf=\"normal\">77</con:confidence>\n        </gp:location-info>\n"
		 "        <gp:usage-rules>\n          <gbp:retransmission-allowed>no</gbp:retransmission-allowed>\n        </gp:usage-rules>\n"
		 "        <gp:method>Manual</gp:method>\n        <gp:note-well>it's \"here\" &amp; there</gp:note-well>\n"
		 "      </gp:geopriv>\n    </status>\n    <timestamp>%s</timestamp>\n    <dm:deviceID>mac:bob</dm:deviceID>\n"
		 "  </tuple>\n</presence>\n", stamp);
	assert_body(m, want);
	assert_true(has(str_z(wire_header(m, "Geolocation")), "@us.example.com>;loc-src=host.example.com"));
	assert_string_equal(wire_header(m, "Geolocation-Routing"), "yes");
	/* The header leads to the part. */
	str_copy(want, sizeof(want), str_skip(str_z(wire_header(m, "Geolocation")), 5));
	*strchr(want, '>') = '\0';
	assert_true(sip_body_part(m, str_z(want), &part));
	assert_true(str_istarts(part, STR("<?xml")));
}

static void empty_elements(void **state)
{
	static const struct { const char *value; bool there; } tv[] = { { "no", true }, { "yes", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char conf[512];
		struct geoloc_conf *c = NULL;
		struct str part = STR_NULL;

		snprintf(conf, sizeof(conf), "[room]\ntype=profile\nformat=civicAddress\nlocation_info=A1=x,A2=${NIX}\n"
			 "suppress_empty_ca_elements=%s\n", tv[i].value);
		assert_int_equal(geoloc_conf_parse(&c, str_z(conf), NULL), 0);
		geoloc_set_conf(t.svc, c);
		obj_drop(c);
		profiles("", "room");
		invite("bob", "", "application/sdp", SDP_ULAW);
		assert_true(sip_body(requested(SIP_INVITE, BOB), STR("application/pidf+xml"), &part));
		assert_int_equal(has(part, "<ca:A2/>"), tv[i].there);
	}
}

static void shapes_go(void **state)
{
	char want[2048];

	(void)state;
	set_global("START", "7 deg");
	profiles("", "arc");
	invite("bob", "", "application/sdp", SDP_ULAW);
	snprintf(want, sizeof(want), "\n  <dm:person>\n    <gp:geopriv>\n      <gp:location-info>\n"
		 "        <gs:ArcBand srsName=\"urn:ogc:def:crs:EPSG::4326\">\n          <gml:pos>1 -2.5</gml:pos>\n"
		 "          <gs:innerRadius uom=\"urn:ogc:def:uom:EPSG::9001\">1</gs:innerRadius>\n"
		 "          <gs:outerRadius uom=\"urn:ogc:def:uom:EPSG::9001\">2</gs:outerRadius>\n"
		 "          <gs:startAngle uom=\"urn:ogc:def:uom:EPSG::9102\">7</gs:startAngle>\n"
		 "          <gs:openingAngle uom=\"urn:ogc:def:uom:EPSG::9101\">2</gs:openingAngle>\n        </gs:ArcBand>\n"
		 "        <con:confidence pdf=\"unknown\">50</con:confidence>\n      </gp:location-info>\n      <gp:usage-rules/>\n"
		 "    </gp:geopriv>\n    <dm:timestamp>%s</dm:timestamp>\n  </dm:person>\n</presence>\n", stamp);
	assert_body(requested(SIP_INVITE, BOB), want);
	profiles("", "prism");
	invite("bob", "", "application/sdp", SDP_ULAW);
	snprintf(want, sizeof(want), "\n  <dm:device>\n    <gp:geopriv>\n      <gp:location-info>\n"
		 "        <gs:Prism srsName=\"urn:ogc:def:crs:EPSG::4979\">\n          <gs:base>\n            <gml:Polygon>\n"
		 "              <gml:exterior>\n                <gml:LinearRing>\n                  <gml:pos>1 2 3</gml:pos>\n"
		 "                  <gml:pos>1 3 3</gml:pos>\n                  <gml:pos>2 3 3</gml:pos>\n                </gml:LinearRing>\n"
		 "              </gml:exterior>\n            </gml:Polygon>\n          </gs:base>\n"
		 "          <gs:height uom=\"urn:ogc:def:uom:EPSG::9001\">4</gs:height>\n        </gs:Prism>\n      </gp:location-info>\n"
		 "      <gp:usage-rules/>\n    </gp:geopriv>\n    <dm:timestamp>%s</dm:timestamp>\n  </dm:device>\n</presence>\n", stamp);
	assert_body(requested(SIP_INVITE, BOB), want);
	/* A shape that its variables make none: the call goes without. */
	set_global("START", "far");
	profiles("", "arc");
	invite("bob", "", "application/sdp", SDP_ULAW);
	assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Geolocation"), "");
	assert_true(str_eq(requested(SIP_INVITE, BOB)->content_type, STR("application/sdp")));
}

static void precedence_of_outgoing(void **state)
{
	static const struct { const char *profile; bool came; const char *header; } tv[] = {
		{ "", true, "" },
		{ "nonesuch", true, "" },
		{ "<prefer_incoming>", true, "<http://came/>" },
		{ "<prefer_incoming>", false, "" },
		{ "<prefer_config>", true, "<http://came/>" },
		{ "<discard_config>", true, "<http://came/>" },
		{ "<discard_incoming>", true, "" },
		{ "prefer", true, "<http://came/>" },
		{ "prefer", false, "<http://conf/>" },
		{ "mine", true, "<http://conf/bob?a=b>;loc-src=us.example.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		print_message("%s %d\n", tv[i].profile, tv[i].came);
		profiles("<discard_config>", tv[i].profile);
		invite("bob", tv[i].came ? "Geolocation: <http://came/>\r\n" : "", "application/sdp", SDP_ULAW);
		assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Geolocation"), tv[i].header);
		assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Geolocation-Routing"), tv[i].header[0] ? "no" : "");
	}
}

/* From one call to the next, also over a Local channel, unless it may not. */
static void passed_on(void **state)
{
	(void)state;
	invite("over", CID, MIXED, PARTS(DEVICE(CIVIC)));
	assert_true(has(str_z(wire_header(requested(SIP_INVITE, BOB), "Geolocation")), "<cid:"));
	assert_true(has(requested(SIP_INVITE, BOB)->body, "<ca:LMK>Karl's church</ca:LMK>"));
	assert_true(has(requested(SIP_INVITE, BOB)->body, "<ca:civicAddress xml:lang=\"de\">"));
	invite("blank", CID, MIXED, PARTS(DEVICE(CIVIC)));
	assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Geolocation"), "");
}

/* A handler on the called channel, before its INVITE: each has its own location. */
static void before_the_call(void **state)
{
	(void)state;
	invite("both", "", "application/sdp", SDP_ULAW);
	assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Geolocation"), "<http://of/bob>");
	assert_string_equal(wire_header(requested(SIP_INVITE, CARL), "Geolocation"), "<http://of/carl>");
}

/* Nothing that the dialplan puts in gets out of its header. */
static void hostile_values(void **state)
{
	static const char *const tv[] = { "http://x>\r\nEvil: 1", "http://x y", "", "<http://x" };

	struct geoloc_profile *p;

	(void)state;
	invite("see", "Geolocation: <http://came/>\r\n", "application/sdp", SDP_ULAW);
	p = GOT(geoloc_profile_copy(geoloc_of_channel(only_channel())));
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct buf b = BUF_INIT;
		int err = geoloc_list_put(&p->list[GEOLOC_EFFECTIVE], STR("URI"), str_z(tv[i]));

		err = err ? err : geoloc_uri_write(p, only_channel(), "test", &b);
		buf_free(&b);
		assert_true(err == EBADMSG || err == ENOMEM);
	}
	obj_drop(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_body), T(a_body_alone), T(a_uri), T(precedence_of_incoming), T(what_is_no_location), T(the_function), T(changed),
		T(a_civic_address_goes), T(empty_elements), T(shapes_go), T(precedence_of_outgoing), T(passed_on), T(before_the_call),
		T(hostile_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
