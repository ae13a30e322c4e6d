/* A PIDF-LO that came, GEOLOC_DEPTH elements deep at most. */
#include "service/common/xml_read.h"
#include "service/geoloc/geoloc.h"
#include <errno.h>

#define NS_PIDF "urn:ietf:params:xml:ns:pidf"
#define NS_MODEL "urn:ietf:params:xml:ns:pidf:data-model"
#define NS_GEOPRIV "urn:ietf:params:xml:ns:pidf:geopriv10"
#define NS_CIVIC "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"
#define NS_CONFIDENCE "urn:ietf:params:xml:ns:geopriv:conf"
#define NS_GML "http://www.opengis.net/gml"
#define NS_SHAPE "http://www.opengis.net/pidflo/1.0"

/* All text below; with `normal` each run of white space is one blank, and none is at the ends. */
static int content(const xmlNode *n, bool normal, struct buf *b)
{
	xmlChar *z = n ? xmlNodeGetContent(n) : NULL;
	struct str s = str_z((const char *)z);

	buf_reset(b);
	if (n && !z)
		return ENOMEM;
	for (size_t i = 0; normal && i < s.n; i++) {
		bool blank = memchr(" \t\r\n", s.p[i], 4);

		if (!blank)
			buf_char(b, s.p[i]);
		else if (b->n && b->p[b->n - 1] != ' ')
			buf_char(b, ' ');
	}
	while (normal && b->n && b->p[b->n - 1] == ' ')
		b->n--;
	if (!normal)
		buf_put(b, s);
	xmlFree(z);
	return buf_err(b);
}

static int text_of(struct text *to, const xmlNode *n, bool normal)
{
	struct buf b = BUF_INIT;
	int err = content(n, normal, &b);

	err = err ? err : text_set(to, buf_view(&b));
	buf_free(&b);
	return err;
}

/* "" when it is not there. */
static int attribute(const xmlNode *n, const char *ns, const char *name, struct text *to)
{
	xmlChar *z = ns ? xmlGetNsProp(n, (const xmlChar *)name, (const xmlChar *)ns) :
		xmlGetNoNsProp(n, (const xmlChar *)name);
	int err = text_set(to, str_z((const char *)z));

	xmlFree(z);
	return err;
}

/* ---- a location ------------------------------------------------------------------------------------------ */

static int add_child(struct geoloc_list *l, const xmlNode *n, const char *unit)
{
	struct buf b = BUF_INIT;
	int err = content(n, true, &b);

	if (unit)
		buf_puts(&b, STR(" "), str_z(unit));
	err = err ? err : buf_err(&b);
	err = err ? err : geoloc_list_add(l, str_z((const char *)n->name), buf_view(&b));
	buf_free(&b);
	return err;
}

static int add_children(struct geoloc_list *l, const xmlNode *n)
{
	int err = 0;

	for (n = n ? n->children : NULL; !err && n; n = n->next)
		if (n->type == XML_ELEMENT_NODE)
			err = add_child(l, n, NULL);
	return err;
}

static int read_civic(struct geoloc_list *l, const xmlNode *n)
{
	struct text lang = { 0 };
	int err = attribute(n, (const char *)XML_XML_NAMESPACE, "lang", &lang);

	err = err ? err : geoloc_list_add(l, STR("lang"), text_view(&lang));
	text_free(&lang);
	return err ? err : add_children(l, n);
}

static bool is_length(const xmlNode *n)
{
	static const char *const names[] = { "radius", "height", "semiMajorAxis", "semiMinorAxis", "verticalAxis", "innerRadius",
		"outerRadius" };

	for (size_t i = 0; xml_is_in(n, NS_SHAPE) && i < ARRAY_LEN(names); i++)
		if (!strcmp((const char *)n->name, names[i]))
			return true;
	return xml_is(n, NS_GML, "pos") || xml_is(n, NS_GML, "posList");
}

/* What a shape is made of, wherever in it: rings and bases are only wrapped around. */
static int read_parts(struct geoloc_list *l, const xmlNode *n)
{
	struct text unit = { 0 };
	int err = 0;

	for (n = n->children; !err && n; n = n->next) {
		if (xml_is_in(n, NS_SHAPE) && geoloc_is_angle(str_z((const char *)n->name))) {
			err = attribute(n, NULL, "uom", &unit);
			err = err ? err : add_child(l, n, str_eq(text_view(&unit), STR("urn:ogc:def:uom:EPSG::9101")) ?
						    "radians" : "degrees");
		} else if (is_length(n)) {
			err = add_child(l, n, NULL);
		} else if (n->type == XML_ELEMENT_NODE) {
			err = read_parts(l, n);
		}
	}
	text_free(&unit);
	return err;
}

static int read_shape(struct geoloc_list *l, const xmlNode *n)
{
	struct text srs = { 0 };
	int err = attribute(n, NULL, "srsName", &srs);
	struct str name = text_view(&srs);

	err = err ? err : geoloc_list_add(l, STR("shape"), str_z((const char *)n->name));
	err = err ? err : geoloc_list_add(l, STR("crs"), str_eq(name, STR("urn:ogc:def:crs:EPSG::4326")) ? STR("2d") :
					  str_eq(name, STR("urn:ogc:def:crs:EPSG::4979")) ? STR("3d") : STR("unknown"));
	text_free(&srs);
	return err ? err : read_parts(l, n);
}

static int read_location(struct geoloc_profile *p, const xmlNode *info)
{
	const xmlNode *n = xml_child(info, NS_CIVIC, "civicAddress");

	if (n) {
		p->format = GEOLOC_CIVIC;
		return read_civic(&p->list[GEOLOC_INFO], n);
	}
	for (n = info->children; n; n = n->next) {
		if (xml_is_in(n, NS_GML) || xml_is_in(n, NS_SHAPE)) {
			p->format = GEOLOC_GML;
			return read_shape(&p->list[GEOLOC_INFO], n);
		}
	}
	return EBADMSG;
}

static int read_confidence(struct geoloc_list *l, const xmlNode *n)
{
	struct text pdf = { 0 }, value = { 0 };
	int err = 0;

	if (n) {
		err = attribute(n, NULL, "pdf", &pdf);
		err = err ? err : text_of(&value, n, true);
		err = err ? err : geoloc_list_add(l, STR("pdf"), pdf.n ? text_view(&pdf) : STR("unknown"));
		err = err ? err : geoloc_list_add(l, STR("value"), value.n ? text_view(&value) : STR("95"));
	}
	text_free(&pdf);
	text_free(&value);
	return err;
}

/* Has this device, tuple or person a location? Devices come first, persons last (RFC 5491 3). */
static const xmlNode *info_of(const xmlNode *n, enum geoloc_element e)
{
	switch (e) {
	case GEOLOC_DEVICE:
		return xml_is(n, NS_MODEL, "device") ? xml_child(xml_child(n, NS_GEOPRIV, "geopriv"), NS_GEOPRIV, "location-info") : NULL;
	case GEOLOC_TUPLE:
		return xml_is(n, NS_PIDF, "tuple") ? xml_child(xml_child(xml_child(n, NS_PIDF, "status"), NS_GEOPRIV, "geopriv"), NS_GEOPRIV,
						       "location-info") : NULL;
	default:
		return xml_is(n, NS_MODEL, "person") ? xml_child(xml_below(n, NS_GEOPRIV, "geopriv"), NS_GEOPRIV, "location-info") : NULL;
	}
}

static const xmlNode *find_info(const xmlNode *presence, const xmlNode **element, uint8_t *kind)
{
	for (*kind = GEOLOC_DEVICE; *kind <= GEOLOC_PERSON; ++*kind) {
		for (*element = presence->children; *element; *element = (*element)->next) {
			const xmlNode *info = info_of(*element, (enum geoloc_element)*kind);

			if (info)
				return info;
		}
	}
	return NULL;
}

static int read_element(struct geoloc_profile *p, const xmlNode *element, const xmlNode *info)
{
	const xmlNode *geopriv = info->parent;
	int err = attribute(element, NULL, "id", &p->text[GEOLOC_ELEMENT_ID]);

	err = err ? err : read_location(p, info);
	err = err ? err : read_confidence(&p->list[GEOLOC_CONFIDENCE], xml_child(info, NS_CONFIDENCE, "confidence"));
	err = err ? err : add_children(&p->list[GEOLOC_USAGE_RULES], xml_child(geopriv, NS_GEOPRIV, "usage-rules"));
	err = err ? err : text_of(&p->text[GEOLOC_METHOD], xml_child(geopriv, NS_GEOPRIV, "method"), true);
	err = err ? err : text_of(&p->text[GEOLOC_NOTES], xml_child(geopriv, NS_GEOPRIV, "note-well"), false);
	return err ? err : text_of(&p->text[GEOLOC_DEVICE_ID], xml_child(element, NS_MODEL, "deviceID"), false);
}

static int read_presence(struct geoloc_profile *p, const xmlNode *presence)
{
	struct text entity = { 0 };
	const xmlNode *element = NULL, *info;
	int err;

	if (!presence || !xml_is(presence, NS_PIDF, "presence"))
		return EBADMSG;
	info = find_info(presence, &element, &p->element);
	if (!info)
		return EBADMSG;
	err = attribute(presence, NULL, "entity", &entity);
	err = err ? err : text_set(&p->text[GEOLOC_ID], entity.n ? text_view(&entity) : STR("unknown"));
	text_free(&entity);
	return err ? err : read_element(p, element, info);
}

int geoloc_pidf_read(struct geoloc_profile **out, struct str text)
{
	struct geoloc_profile *p = geoloc_profile_new(STR("unknown"));
	xmlDocPtr doc = p ? xml_read(str_trim(text), GEOLOC_DEPTH) : NULL;
	int err = !p ? ENOMEM : doc ? read_presence(p, xmlDocGetRootElement(doc)) : EBADMSG;

	xmlFreeDoc(doc);
	if (err)
		obj_drop(p);
	else
		*out = p;
	return err == E2BIG ? EBADMSG : err;
}
