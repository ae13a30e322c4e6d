/* XML bodies judged by libxml2 and the schemas of tests/data/schema. */
#include "schema.h"
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct {
	const char *type, *file;
	xmlSchemaPtr schema;            /* read when the first body of its type comes, and kept */
} schemas[] = {
	{ .type = "application/pidf+xml", .file = "pidf" },
	{ .type = "application/pidf-diff+xml", .file = "pidf-diff" },
	{ .type = "application/dialog-info+xml", .file = "dialog-info" },
	{ .type = "application/rlmi+xml", .file = "rlmi" },
	{ .type = "application/reginfo+xml", .file = "reginfo" },
	{ .type = "application/watcherinfo+xml", .file = "watcherinfo" },
	{ .type = "application/conference-info+xml", .file = "conference-info" },
};

static char fault[1024];

static xmlSchemaPtr schema_of(struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		xmlSchemaParserCtxtPtr c;
		char path[512];

		if (!str_ieq(type, str_z(schemas[i].type)))
			continue;
		if (schemas[i].schema)
			return schemas[i].schema;
		snprintf(path, sizeof(path), "%s/schema/%s.xsd", TEST_DATA, schemas[i].file);
		c = xmlSchemaNewParserCtxt(path);
		assert_non_null(c);
		schemas[i].schema = xmlSchemaParse(c);
		xmlSchemaFreeParserCtxt(c);
		assert_non_null(schemas[i].schema);
		return schemas[i].schema;
	}
	return NULL;
}

/* ---- what Asterisk's forms have that the schemas do not --------------------------------------- */

static bool named(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, name);
}

static xmlNodePtr child(xmlNodePtr n, const char *name)
{
	for (n = n->children; n; n = n->next)
		if (named(n, name))
			return n;
	return NULL;
}

/* To the end of its parent, so that an order comes about. */
static void move_last(xmlNodePtr parent, xmlNodePtr n)
{
	if (!n)
		return;
	xmlUnlinkNode(n);
	xmlAddChild(parent, n);
}

/* The id of a tuple is an extension, which need not be a name of XML. */
static void fix_id(xmlNodePtr n)
{
	xmlChar *id = xmlGetNoNsProp(n, (const xmlChar *)"id");
	char room[256];

	snprintf(room, sizeof(room), "_%s", id ? (const char *)id : "");
	for (char *p = room; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *p))
			*p = '_';
	xmlSetProp(n, (const xmlChar *)"id", (const xmlChar *)room);
	xmlFree(id);
}

/* The note comes first, a person has no id, a Digium phone's status is in PIDF's own namespace. */
static void fix_pidf(xmlNodePtr root)
{
	for (xmlNodePtr n = root->children, next; n; n = next) {
		next = n->next;
		if (named(n, "tuple")) {
			xmlNodePtr status = child(n, "status"), digium = status ? child(status, "digium_presence") : NULL;

			fix_id(n);
			if (digium) {
				xmlUnlinkNode(digium);
				xmlFreeNode(digium);
			}
		} else if (named(n, "person") && !xmlHasProp(n, (const xmlChar *)"id")) {
			xmlSetProp(n, (const xmlChar *)"id", (const xmlChar *)"person");
		}
	}
	for (xmlNodePtr n = root->children, next, last = root->last; n; n = next) {
		next = n == last ? NULL : n->next;
		if (named(n, "note"))
			move_last(root, n);
	}
	for (xmlNodePtr n = root->children, next, last = root->last; n; n = next) {
		next = n == last ? NULL : n->next;
		if (n->ns && strcmp((const char *)n->ns->href, "urn:ietf:params:xml:ns:pidf"))
			move_last(root, n);
	}
}

static void rename_attribute(xmlNodePtr n, const char *from, const char *to)
{
	xmlChar *v = xmlGetNoNsProp(n, (const xmlChar *)from);

	if (!v)
		return;
	xmlUnsetProp(n, (const xmlChar *)from);
	xmlSetProp(n, (const xmlChar *)to, v);
	xmlFree(v);
}

/* `remote` comes before `local`, both before `state`; "display" is "display-name", "pvalue" is "pval". */
static void fix_dialog(xmlNodePtr dialog)
{
	static const char *const order[] = { "state", "local", "remote" };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		xmlNodePtr n = child(dialog, order[i]), identity = n ? child(n, "identity") : NULL, target = n ? child(n, "target") : NULL,
			param = target ? child(target, "param") : NULL;

		if (identity)
			rename_attribute(identity, "display", "display-name");
		if (param)
			rename_attribute(param, "pvalue", "pval");
		move_last(dialog, n);
	}
}

static void fix_diff(xmlNodePtr root)
{
	for (xmlNodePtr op = root->children; op; op = op->next)
		for (xmlNodePtr n = op->children; n; n = n->next)
			if (named(n, "person") && !xmlHasProp(n, (const xmlChar *)"id"))
				xmlSetProp(n, (const xmlChar *)"id", (const xmlChar *)"person");
}

static void put_right(xmlNodePtr root)
{
	if (named(root, "pidf-diff"))
		fix_diff(root);
	if (named(root, "presence"))
		fix_pidf(root);
	if (named(root, "pidf-full"))
		fix_pidf(root);
	for (xmlNodePtr n = root->children; n && named(root, "dialog-info"); n = n->next)
		if (named(n, "dialog"))
			fix_dialog(n);
}

/* ---- a body ------------------------------------------------------------------------------------ */

static void on_error(void *arg, xmlErrorPtr e)
{
	(void)arg;
	if (!fault[0])
		snprintf(fault, sizeof(fault), "%s", e->message ? e->message : "no word about it");
}

const char *schema_fault(struct str type, struct str body)
{
	xmlSchemaPtr schema = schema_of(str_trim(str_cut(&type, ';')));
	xmlSchemaValidCtxtPtr v;
	xmlDocPtr doc;

	if (!schema)
		return NULL;
	fault[0] = '\0';
	doc = xmlReadMemory(body.p, (int)body.n, "body", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc)
		return "it is not well-formed";
	put_right(xmlDocGetRootElement(doc));
	v = xmlSchemaNewValidCtxt(schema);
	xmlSchemaSetValidStructuredErrors(v, on_error, NULL);
	if (xmlSchemaValidateDoc(v, doc) && !fault[0])
		snprintf(fault, sizeof(fault), "it is not valid");
	xmlSchemaFreeValidCtxt(v);
	xmlFreeDoc(doc);
	return fault[0] ? fault : NULL;
}

static void judge(struct str type, struct str body)
{
	const char *why = schema_fault(type, body);

	if (why)
		fail_msg("%.*s: %s:\n%.*s", STR_ARG(type), why, STR_ARG(body));
}

/* One part: its headers, an empty line, what it is. */
static void judge_part(struct str part)
{
	size_t end = str_find(part, STR("\r\n\r\n")), at;
	struct str head = str_sub(part, 0, end), type;

	at = str_find(head, STR("Content-Type: "));
	if (end == part.n || at == head.n)
		return;
	type = str_skip(head, at + 14);
	type = str_sub(type, 0, str_find(type, STR("\r\n")));
	if (str_istarts(type, STR("multipart/")))
		return;                 /* its own parts come by themselves */
	judge(type, str_skip(part, end + 4));
}

/* All parts at any depth: a line that begins with two hyphens stands between them. No body of ours has such a line. */
static void judge_parts(struct str body)
{
	while (body.n) {
		size_t end = str_find(body, STR("\r\n--"));

		judge_part(str_sub(body, 0, end));
		body = str_skip(body, end + 4);
	}
}

void schema_judge(const struct sip_msg *m)
{
	struct str type = sip_hdr_value(m, SIP_H_CONTENT_TYPE);

	if (!m->request || (m->method != SIP_NOTIFY && m->method != SIP_PUBLISH) || !m->body.n)
		return;
	if (str_istarts(type, STR("multipart/")))
		judge_parts(m->body);
	else
		judge(type, m->body);
}
