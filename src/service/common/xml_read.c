/* Bytes to a tree, within bounds, and the way about in it. */
#include "service/common/xml_read.h"
#include <libxml/SAX2.h>
#include <libxml/parserInternals.h>
#include <limits.h>

/* ---- bytes to a tree ----------------------------------------------------------------------------- */

static void refuse(xmlParserCtxtPtr c)
{
	c->wellFormed = 0;
	xmlStopParser(c);
}

/* Hostile documents end here, before anything was made of what they declare. */
static void refuse_type(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	refuse(arg);
}

static void start_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
			  const xmlChar **ns, int attributes, int defaulted, const xmlChar **v)
{
	xmlParserCtxtPtr c = arg;
	const int *depth = c->_private;

	if (c->nodeNr >= *depth)
		refuse(c);
	else
		xmlSAX2StartElementNs(arg, name, prefix, uri, namespaces, ns, attributes, defaulted, v);
}

xmlDocPtr xml_read(struct str text, int depth)
{
	xmlParserCtxtPtr c = text.n && text.n <= INT_MAX ? xmlCreateMemoryParserCtxt(text.p, (int)text.n) : NULL;
	xmlDocPtr doc = NULL;

	if (!c)
		return NULL;
	xmlCtxtUseOptions(c, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
	c->_private = &depth;
	c->sax->internalSubset = refuse_type;
	c->sax->startElementNs = start_element;
	if (!xmlParseDocument(c) && c->wellFormed)
		doc = c->myDoc;
	else
		xmlFreeDoc(c->myDoc);
	c->myDoc = NULL;
	xmlFreeParserCtxt(c);
	return doc;
}

/* ---- the tree ---------------------------------------------------------------------------------------- */

bool xml_is_in(const xmlNode *n, const char *ns)
{
	return n->type == XML_ELEMENT_NODE && n->ns && str_eq(str_z((const char *)n->ns->href), str_z(ns));
}

bool xml_is(const xmlNode *n, const char *ns, const char *name)
{
	return xml_is_in(n, ns) && str_eq(str_z((const char *)n->name), str_z(name));
}

const xmlNode *xml_child(const xmlNode *n, const char *ns, const char *name)
{
	for (n = n ? n->children : NULL; n; n = n->next)
		if (xml_is(n, ns, name))
			return n;
	return NULL;
}

const xmlNode *xml_below(const xmlNode *n, const char *ns, const char *name)
{
	for (n = n ? n->children : NULL; n; n = n->next) {
		const xmlNode *found = xml_is(n, ns, name) ? n : xml_below(n, ns, name);

		if (found)
			return found;
	}
	return NULL;
}
