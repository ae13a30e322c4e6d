/* A PIDF-LO that goes with a call of ours, in the form and order that Asterisk gives it. */
#define LOG_MODULE "geolocation"
#include "service/geoloc/geoloc.h"
#include "base/log.h"
#include "service/common/xml.h"
#include <ctype.h>
#include <errno.h>
#include <time.h>

#define NAMESPACES \
	"xmlns=\"urn:ietf:params:xml:ns:pidf\"" \
	" xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\"" \
	" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"" \
	" xmlns:fn=\"http://www.w3.org/2005/xpath-functions\"" \
	" xmlns:gbp=\"urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy\"" \
	" xmlns:gml=\"http://www.opengis.net/gml\"" \
	" xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\"" \
	" xmlns:gs=\"http://www.opengis.net/pidflo/1.0\"" \
	" xmlns:con=\"urn:ietf:params:xml:ns:geopriv:conf\"" \
	" xmlns:date=\"http://exslt.org/dates-and-times\""

struct writer {
	const struct geoloc_profile *p;
	struct channel *ch;
	const char *who;
	struct buf *b;
	unsigned depth;
};

static void indent(struct writer *w)
{
	buf_printf(w->b, "\n%*s", (int)(2 * w->depth), "");
}

static void open_tag(struct writer *w, const char *tag)
{
	indent(w);
	buf_printf(w->b, "<%s>", tag);
	w->depth++;
}

static void close_tag(struct writer *w, const char *name)
{
	w->depth--;
	indent(w);
	buf_printf(w->b, "</%s>", name);
}

/* Quotes stay as they are between tags. */
static void content(struct writer *w, struct str s)
{
	while (s.n) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '"' && s.p[n] != '\'' && s.p[n] != '\n')
			n++;
		xml_text(w->b, str_sub(s, 0, n));
		buf_put(w->b, str_sub(s, n, 1));
		s = str_skip(s, n + 1);
	}
}

/* `attributes`: as they stand, a blank in front. */
static void element(struct writer *w, const char *prefix, struct str name, struct str attributes, struct str value)
{
	struct str p = str_z(prefix);

	indent(w);
	buf_puts(w->b, STR("<"), p, name, attributes);
	if (!value.n) {
		buf_put(w->b, STR("/>"));
		return;
	}
	buf_char(w->b, '>');
	content(w, value);
	buf_puts(w->b, STR("</"), p, name, STR(">"));
}

/* Names are what somebody wrote into a file or a dialplan: what is none in XML is left out. */
static bool is_name(const struct writer *w, struct str name)
{
	bool good = name.n && (isalpha((unsigned char)name.p[0]) || name.p[0] == '_');

	for (size_t i = 0; good && i < name.n; i++)
		good = isalnum((unsigned char)name.p[i]) || memchr("._-", name.p[i], 3);
	if (!good)
		log_warning("%s: '%.*s' cannot be the name of an XML element; it is left out", w->who, STR_ARG(name));
	return good;
}

/* ---- civic addresses ------------------------------------------------------------------------------- */

static void write_civic(struct writer *w, const struct geoloc_list *l)
{
	struct str lang = geoloc_list_value(l, STR("lang"), STR_NULL), ours = w->ch->pbx->default_language;

	indent(w);
	buf_put(w->b, STR("<ca:civicAddress xml:lang=\""));
	xml_text(w->b, lang);
	/* Ours is a name of sounds, "de_AT". */
	for (size_t i = 0; !lang.n && i < ours.n; i++)
		xml_text(w->b, ours.p[i] == '_' ? STR("-") : str_sub(ours, i, 1));
	buf_put(w->b, STR("\">"));
	w->depth++;
	for (size_t i = 0; i < l->n; i++) {
		struct str name = text_view(&l->v[i].name), value = text_view(&l->v[i].value);

		if (str_eq(name, STR("lang")) || (!value.n && w->p->suppress_empty) || !is_name(w, name))
			continue;
		element(w, "ca:", name, STR_NULL, value);
	}
	close_tag(w, "ca:civicAddress");
}

/* ---- shapes --------------------------------------------------------------------------------------------- */

static void write_angle(struct writer *w, const struct geoloc_item *i)
{
	struct str number;
	bool radians;

	if (!geoloc_angle(text_view(&i->value), &number, &radians))
		element(w, "gs:", text_view(&i->name), radians ? STR(" uom=\"urn:ogc:def:uom:EPSG::9101\"") :
			STR(" uom=\"urn:ogc:def:uom:EPSG::9102\""), number);
}

static void write_part(struct writer *w, const struct geoloc_item *i)
{
	struct str name = text_view(&i->name), value = text_view(&i->value);

	if (str_eq(name, STR("shape")) || str_eq(name, STR("crs")))
		return;
	if (str_eq(name, STR("pos")))
		element(w, "gml:", name, STR_NULL, value);
	else if (geoloc_is_angle(name))
		write_angle(w, i);
	else
		element(w, "gs:", name, STR(" uom=\"urn:ogc:def:uom:EPSG::9001\""), value);
}

static void write_parts(struct writer *w, const struct geoloc_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		write_part(w, &l->v[i]);
}

/* A polygon's corners. */
static void write_ring(struct writer *w, const struct geoloc_list *l)
{
	open_tag(w, "gml:exterior");
	open_tag(w, "gml:LinearRing");
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(text_view(&l->v[i].name), STR("pos")))
			write_part(w, &l->v[i]);
	close_tag(w, "gml:LinearRing");
	close_tag(w, "gml:exterior");
}

static void write_prism(struct writer *w, const struct geoloc_list *l)
{
	const struct geoloc_item *height = geoloc_list_find(l, STR("height"));

	open_tag(w, "gs:base");
	open_tag(w, "gml:Polygon");
	write_ring(w, l);
	close_tag(w, "gml:Polygon");
	close_tag(w, "gs:base");
	if (height)
		write_part(w, height);
}

static int write_shape(struct writer *w, struct geoloc_list *l)
{
	char why[320], tag[64];
	struct str shape;
	int err = geoloc_judge(GEOLOC_GML, l, false, why, sizeof(why));
	bool polygon, point;

	if (err) {
		if (err == EBADMSG)
			log_error("%s: %s", w->who, why);
		return err;
	}
	shape = geoloc_list_value(l, STR("shape"), STR_NULL);
	polygon = str_eq(shape, STR("Polygon"));
	point = str_eq(shape, STR("Point"));
	snprintf(tag, sizeof(tag), "%s:%.*s", polygon || point ? "gml" : "gs", STR_ARG(shape));
	indent(w);
	buf_printf(w->b, "<%s srsName=\"urn:ogc:def:crs:EPSG::%s\">", tag,
		   str_eq(geoloc_list_value(l, STR("crs"), STR_NULL), STR("3d")) ? "4979" : "4326");
	w->depth++;
	if (polygon)
		write_ring(w, l);
	else if (str_eq(shape, STR("Prism")))
		write_prism(w, l);
	else
		write_parts(w, l);
	close_tag(w, tag);
	return 0;
}

/* ---- the document ------------------------------------------------------------------------------------------ */

static int write_location(struct writer *w)
{
	const struct geoloc_list *sure = &w->p->list[GEOLOC_CONFIDENCE];
	struct geoloc_list l = { 0 };
	int err = geoloc_resolve(w->p, &w->p->list[GEOLOC_EFFECTIVE], w->ch, &l);

	open_tag(w, "gp:location-info");
	if (!err && w->p->format == GEOLOC_CIVIC)
		write_civic(w, &l);
	else if (!err)
		err = write_shape(w, &l);
	if (sure->n) {
		indent(w);
		buf_put(w->b, STR("<con:confidence pdf=\""));
		xml_text(w->b, geoloc_list_value(sure, STR("pdf"), STR("unknown")));
		buf_put(w->b, STR("\">"));
		content(w, geoloc_list_value(sure, STR("value"), STR("95")));
		buf_put(w->b, STR("</con:confidence>"));
	}
	close_tag(w, "gp:location-info");
	geoloc_list_free(&l);
	return err;
}

static int write_rules(struct writer *w)
{
	struct geoloc_list l = { 0 };
	int err = geoloc_resolve(w->p, &w->p->list[GEOLOC_USAGE_RULES], w->ch, &l);

	if (!l.n) {
		element(w, "gp:", STR("usage-rules"), STR_NULL, STR_NULL);
		return err;
	}
	open_tag(w, "gp:usage-rules");
	for (size_t i = 0; i < l.n; i++)
		if (is_name(w, text_view(&l.v[i].name)))
			element(w, "gbp:", text_view(&l.v[i].name), STR_NULL, text_view(&l.v[i].value));
	close_tag(w, "gp:usage-rules");
	geoloc_list_free(&l);
	return err;
}

static int write_geopriv(struct writer *w)
{
	const struct text *method = &w->p->text[GEOLOC_METHOD], *notes = &w->p->text[GEOLOC_NOTES];
	int err;

	open_tag(w, "gp:geopriv");
	err = write_location(w);
	err = err ? err : write_rules(w);
	if (method->n)
		element(w, "gp:", STR("method"), STR_NULL, text_view(method));
	if (notes->n)
		element(w, "gp:", STR("note-well"), STR_NULL, text_view(notes));
	close_tag(w, "gp:geopriv");
	return err;
}

/* A text of the profile, its ${...} replaced. */
static int resolved(struct writer *w, enum geoloc_text which, struct buf *b)
{
	return geoloc_resolve_text(w->p, text_view(&w->p->text[which]), w->ch, b);
}

static int write_id(struct writer *w, const char *tag)
{
	struct buf id = BUF_INIT;
	int err = w->p->text[GEOLOC_ELEMENT_ID].n ? resolved(w, GEOLOC_ELEMENT_ID, &id) : 0;

	indent(w);
	buf_printf(w->b, "<%s", tag);
	if (w->p->text[GEOLOC_ELEMENT_ID].n) {
		buf_put(w->b, STR(" id=\""));
		xml_text(w->b, buf_view(&id));
		buf_char(w->b, '"');
	}
	buf_char(w->b, '>');
	w->depth++;
	buf_free(&id);
	return err;
}

static int write_element(struct writer *w, struct str now)
{
	static const char *const tags[] = { [GEOLOC_NO_ELEMENT] = "dm:device", [GEOLOC_DEVICE] = "dm:device",
		[GEOLOC_TUPLE] = "tuple", [GEOLOC_PERSON] = "dm:person" };
	const char *tag = tags[w->p->element];
	bool tuple = w->p->element == GEOLOC_TUPLE;
	struct buf device = BUF_INIT;
	int err = write_id(w, tag);

	if (tuple)
		open_tag(w, "status");
	err = err ? err : write_geopriv(w);
	if (tuple)
		close_tag(w, "status");
	element(w, tuple ? "" : "dm:", STR("timestamp"), STR_NULL, now);
	if (w->p->text[GEOLOC_DEVICE_ID].n) {
		err = err ? err : resolved(w, GEOLOC_DEVICE_ID, &device);
		element(w, "dm:", STR("deviceID"), STR_NULL, buf_view(&device));
	}
	close_tag(w, tag);
	buf_free(&device);
	return err;
}

int geoloc_pidf_write(const struct geoloc_profile *p, struct channel *ch, int64_t now, const char *who, struct buf *b)
{
	struct writer w = { .p = p, .ch = ch, .who = who, .b = b, .depth = 1 };
	time_t t = (time_t)now;
	char stamp[32] = "";
	struct tm tm;
	int err;

	if (gmtime_r(&t, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_put(b, STR("<?xml version=\"1.0\"?>\n<presence " NAMESPACES " entity=\""));
	xml_text(b, text_view(&p->text[GEOLOC_ID]));
	buf_put(b, STR("\">"));
	err = write_element(&w, str_z(stamp));
	buf_put(b, STR("\n</presence>\n"));
	return err ? err : buf_err(b) ? ENOMEM : 0;
}

/* In a header: nothing that could end the value, or the line. */
static bool is_uri(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '<' || s.p[i] == '>' || s.p[i] == '"' || s.p[i] == 127)
			return false;
	return s.n != 0;
}

int geoloc_uri_write(const struct geoloc_profile *p, struct channel *ch, const char *who, struct buf *b)
{
	struct geoloc_list l = { 0 };
	int err = geoloc_resolve(p, &p->list[GEOLOC_EFFECTIVE], ch, &l);
	struct str uri = str_trim(geoloc_list_value(&l, STR("URI"), STR_NULL));

	if (!err && !is_uri(uri)) {
		log_error("%s: '%s' has no URI, or one that no header can have: '%.*s'", who, text_z(&p->text[GEOLOC_ID]),
			  STR_ARG(uri));
		err = EBADMSG;
	}
	buf_put(b, uri);
	geoloc_list_free(&l);
	return err ? err : buf_err(b) ? ENOMEM : 0;
}
