/* PIDF of which only what changed is told (RFC 5262, 5263): the document as it is now beside the one that
 * was told last. What stands below its root is added, replaced or removed as a whole. */
#include "service/event/exten.h"
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>

#define NS_DIFF "urn:ietf:params:xml:ns:pidf-diff"
#define X(s) ((const xmlChar *)(s))

static struct str view(const xmlChar *z)
{
	return str_z((const char *)z);
}

static xmlDocPtr parse(const struct buf *b)
{
	if (!b->n || b->n > INT_MAX)
		return NULL;
	return xmlReadMemory(b->p, (int)b->n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

/* ---- all of it: <p:pidf-full> with what <presence> had -------------------------------------------- */

static int write_full(xmlDocPtr doc, uint32_t version, struct buf *b)
{
	xmlNodePtr root = xmlDocGetRootElement(doc);
	xmlNsPtr ns = root ? xmlNewNs(root, X(NS_DIFF), X("p")) : NULL;
	xmlChar *text = NULL;
	char number[16];
	struct buf n;
	int size = 0;

	buf_init(&n, number, sizeof(number), sizeof(number));
	buf_u64(&n, version);
	if (!ns || !xmlNewProp(root, X("version"), X(buf_z(&n))))
		return ENOMEM;
	xmlSetNs(root, ns);
	xmlNodeSetName(root, X("pidf-full"));
	xmlDocDumpMemoryEnc(doc, &text, &size, "UTF-8");
	if (!text)
		return ENOMEM;
	buf_put(b, str_mk((const char *)text, (size_t)size));
	xmlFree(text);
	return buf_err(b);
}

/* ---- what differs ----------------------------------------------------------------------------------- */

static xmlNodePtr element(xmlNodePtr n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	return xmlStrEqual(a->name, b->name) && !a->ns == !b->ns && (!a->ns || xmlStrEqual(a->ns->href, b->ns->href));
}

/* 1: the first of its name below the root. */
static unsigned place_of(const xmlNode *n)
{
	unsigned place = 1;

	for (const xmlNode *x = n->prev; x; x = x->prev)
		place += x->type == XML_ELEMENT_NODE && same_name(x, n);
	return place;
}

/* The same thing in both: by its id, else by its place. */
static bool is_same(xmlNodePtr a, xmlNodePtr b)
{
	xmlChar *ia, *ib;
	bool same;

	if (!same_name(a, b))
		return false;
	ia = xmlGetNoNsProp(a, X("id"));
	ib = xmlGetNoNsProp(b, X("id"));
	same = ia && ib ? xmlStrEqual(ia, ib) : !ia && !ib && place_of(a) == place_of(b);
	xmlFree(ia);
	xmlFree(ib);
	return same;
}

static xmlNodePtr find(xmlNodePtr root, xmlNodePtr like)
{
	for (xmlNodePtr n = element(root->children); n; n = element(n->next))
		if (is_same(n, like))
			return n;
	return NULL;
}

static xmlBufferPtr text_of(xmlNodePtr n)
{
	xmlBufferPtr t = xmlBufferCreate();

	if (t && xmlNodeDump(t, n->doc, n, 0, 0) < 0) {
		xmlBufferFree(t);
		t = NULL;
	}
	return t;
}

static void put_node(struct buf *b, xmlNodePtr n)
{
	xmlBufferPtr t = text_of(n);

	if (t)
		buf_put(b, view(xmlBufferContent(t)));
	else
		b->err = ENOMEM;
	xmlBufferFree(t);
}

static bool same_text(xmlNodePtr a, xmlNodePtr b)
{
	xmlBufferPtr ta = text_of(a), tb = text_of(b);
	bool same = ta && tb && xmlStrEqual(xmlBufferContent(ta), xmlBufferContent(tb));

	xmlBufferFree(ta);
	xmlBufferFree(tb);
	return same;
}

/* What `now` declares holds for the selectors: ENOENT when `n` has a name that they cannot say. */
static int put_selector(struct buf *b, xmlNodePtr now, xmlNodePtr n)
{
	xmlNsPtr ns = n->ns ? xmlSearchNsByHref(now->doc, now, n->ns->href) : NULL;
	xmlChar *id = xmlGetNoNsProp(n, X("id"));
	int err = ns && (!id || !xmlStrchr(id, '\'')) ? 0 : ENOENT;

	if (!err) {
		buf_puts(b, STR("*/"), view(ns->prefix), ns->prefix ? STR(":") : STR_NULL, view(n->name), STR("["));
		if (id) {
			buf_put(b, STR("@id='"));
			xml_text(b, view(id));
			buf_char(b, '\'');
		} else {
			buf_u64(b, place_of(n));
		}
		buf_char(b, ']');
	}
	xmlFree(id);
	return err;
}

/* After all was replaced, removed and added at the end, is it in the order of `now`? */
static bool same_order(xmlNodePtr before, xmlNodePtr now)
{
	xmlNodePtr at = element(now->children);

	for (xmlNodePtr n = element(before->children); n; n = element(n->next)) {
		if (!find(now, n))
			continue;
		if (!at || !is_same(n, at))
			return false;
		at = element(at->next);
	}
	for (; at; at = element(at->next))
		if (find(before, at))
			return false;
	return true;
}

/* The last first: what stands before keeps its place. */
static int put_removed(struct buf *b, xmlNodePtr before, xmlNodePtr now)
{
	int err = 0;

	for (xmlNodePtr n = before->last; !err && n; n = n->prev) {
		if (n->type != XML_ELEMENT_NODE || find(now, n))
			continue;
		buf_put(b, STR(" <p:remove sel=\""));
		err = put_selector(b, now, n);
		buf_put(b, STR("\"/>\n"));
	}
	return err;
}

static int put_changed(struct buf *b, xmlNodePtr before, xmlNodePtr now)
{
	int err = 0;

	for (xmlNodePtr n = element(now->children); !err && n; n = element(n->next)) {
		xmlNodePtr old = find(before, n);

		if (old && same_text(old, n))
			continue;
		if (old) {
			buf_put(b, STR(" <p:replace sel=\""));
			err = put_selector(b, now, n);
			buf_put(b, STR("\">"));
			put_node(b, n);
			buf_put(b, STR("</p:replace>\n"));
		} else {
			buf_put(b, STR(" <p:add sel=\"*\">"));
			put_node(b, n);
			buf_put(b, STR("</p:add>\n"));
		}
	}
	return err;
}

/* ENODATA: nothing differs. ENOENT: it cannot be said so. */
static int write_diff(xmlDocPtr from, xmlDocPtr to, uint32_t version, struct buf *b)
{
	xmlNodePtr before = xmlDocGetRootElement(from), now = xmlDocGetRootElement(to);
	xmlChar *entity;
	size_t empty;
	int err;

	if (!before || !now || !same_order(before, now))
		return ENOENT;
	buf_put(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<p:pidf-diff xmlns:p=\"" NS_DIFF "\""));
	for (xmlNsPtr ns = now->nsDef; ns; ns = ns->next) {
		buf_puts(b, STR(" xmlns"), ns->prefix ? STR(":") : STR_NULL, view(ns->prefix), STR("=\""));
		xml_text(b, view(ns->href));
		buf_char(b, '"');
	}
	entity = xmlGetNoNsProp(now, X("entity"));
	buf_put(b, STR(" entity=\""));
	xml_text(b, view(entity));
	xmlFree(entity);
	buf_printf(b, "\" version=\"%u\">\n", version);
	empty = b->n;
	err = put_removed(b, before, now);
	err = err ? err : put_changed(b, before, now);
	if (!err && b->n == empty)
		err = buf_err(b) ? buf_err(b) : ENODATA;
	buf_put(b, STR("</p:pidf-diff>\n"));
	return err ? err : buf_err(b);
}

static int write_body(struct node *leaf, bool full, const struct buf *now, struct buf *b)
{
	xmlDocPtr to = parse(now), from = full ? NULL : parse(&leaf->before);
	struct buf diff = BUF_INIT;
	int err = to && from ? write_diff(from, to, leaf->version, &diff) : ENOENT;

	/* An extension may have bytes that are no UTF-8: then it has no body. */
	if (!to)
		err = EBADMSG;
	else if (err == ENOENT)
		err = write_full(to, leaf->version, b);
	else if (!err)
		buf_put(b, buf_view(&diff));
	buf_free(&diff);
	xmlFreeDoc(to);
	xmlFreeDoc(from);
	return err ? err : buf_err(b);
}

int body_pidf_diff(struct node *leaf, bool full, struct buf *b)
{
	struct buf now = BUF_INIT;
	int err = body_pidf(leaf, &now);

	err = err ? err : write_body(leaf, full, &now, b);
	if (err) {
		/* What was said last is not known any more, unless nothing was to be said. */
		if (err != ENODATA)
			buf_reset(&leaf->before);
		buf_free(&now);
		return err;
	}
	leaf->version++;
	buf_free(&leaf->before);
	leaf->before = now;
	return 0;
}
