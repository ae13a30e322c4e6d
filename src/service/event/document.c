/* What phones say of themselves in XML, as the state of a device. */
#include "service/event/document.h"
#include "service/common/xml_read.h"
#include <errno.h>

#define NS_PIDF "urn:ietf:params:xml:ns:pidf"
#define NS_DIALOG "urn:ietf:params:xml:ns:dialog-info"

static struct str name_of(const xmlNode *n)
{
	return n->type == XML_ELEMENT_NODE ? str_z((const char *)n->name) : STR_NULL;
}

/* The text right in it; one that is cut up by comments is none of these documents' words. */
static struct str words_of(const xmlNode *n)
{
	const xmlNode *t = n ? n->children : NULL;

	return t && t->type == XML_TEXT_NODE ? str_trim(str_z((const char *)t->content)) : STR_NULL;
}

/* ---- presence ------------------------------------------------------------------------------------ */

/* Namespaces of RPID and its drafts differ from phone to phone. */
static bool is_rich(const xmlNode *n)
{
	return n->type == XML_ELEMENT_NODE && n->ns && str_starts(str_z((const char *)n->ns->href), STR(NS_PIDF));
}

static enum device_state of_activity(struct str name)
{
	static const struct str busy[] = { STR_INIT("busy"), STR_INIT("meeting"), STR_INIT("presentation"), STR_INIT("performance"),
		STR_INIT("dnd") };

	if (str_ieq(name, STR("on-the-phone")))
		return DEV_INUSE;
	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		if (str_ieq(name, busy[i]))
			return DEV_BUSY;
	return DEV_UNKNOWN;
}

/* <activities><busy/></activities>; in drafts <activities><activity>busy</activity></activities>. */
static void add_activities(struct device_sum *sum, const xmlNode *n)
{
	for (n = n->children; n; n = n->next)
		if (is_rich(n))
			device_sum_add(sum, of_activity(str_eq(name_of(n), STR("activity")) ? words_of(n) : name_of(n)));
}

/* Of a person or a tuple, wherever in it: as deep as the tree, which is bounded. */
static void find_activities(struct device_sum *sum, const xmlNode *n)
{
	for (n = n->children; n; n = n->next) {
		if (is_rich(n) && str_eq(name_of(n), STR("activities")))
			add_activities(sum, n);
		else if (n->type == XML_ELEMENT_NODE)
			find_activities(sum, n);
	}
}

/* Open if any tuple is. */
static enum device_state basic_of(const xmlNode *presence)
{
	enum device_state s = DEV_UNKNOWN;

	for (const xmlNode *n = presence->children; n; n = n->next) {
		struct str basic;

		if (!xml_is(n, NS_PIDF, "tuple"))
			continue;
		basic = words_of(xml_child(xml_child(n, NS_PIDF, "status"), NS_PIDF, "basic"));
		if (str_eq(basic, STR("open")))
			s = DEV_NOT_INUSE;
		else if (str_eq(basic, STR("closed")) && s == DEV_UNKNOWN)
			s = DEV_UNAVAILABLE;
	}
	return s;
}

static int read_presence(const xmlNode *root, enum device_state *s)
{
	struct device_sum sum;

	if (!xml_is(root, NS_PIDF, "presence"))
		return EBADMSG;
	device_sum_init(&sum);
	find_activities(&sum, root);
	*s = sum.state == DEV_INUSE || sum.state == DEV_BUSY ? sum.state : basic_of(root);
	return 0;
}

/* ---- dialogs ------------------------------------------------------------------------------------- */

static bool attribute_is(const xmlNode *n, const char *name, const char *value)
{
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (str_eq(str_z((const char *)a->name), str_z(name)))
			return a->children && str_ieq(str_z((const char *)a->children->content), str_z(value));
	return false;
}

/* RFC 4235 5.2: <param pname="+sip.rendering" pval="no"/>. Asterisk writes pvalue. */
static bool is_held(const xmlNode *dialog)
{
	const xmlNode *target = xml_child(xml_child(dialog, NS_DIALOG, "local"), NS_DIALOG, "target");

	for (const xmlNode *n = target ? target->children : NULL; n; n = n->next)
		if (xml_is(n, NS_DIALOG, "param") && attribute_is(n, "pname", "+sip.rendering") &&
		    (attribute_is(n, "pval", "no") || attribute_is(n, "pvalue", "no")))
			return true;
	return false;
}

static enum device_state of_dialog(const xmlNode *dialog)
{
	struct str state = words_of(xml_child(dialog, NS_DIALOG, "state"));

	if (str_eq(state, STR("confirmed")))
		return is_held(dialog) ? DEV_ONHOLD : DEV_INUSE;
	if (str_eq(state, STR("terminated")))
		return DEV_NOT_INUSE;
	if (str_eq(state, STR("trying")) || str_eq(state, STR("proceeding")) || str_eq(state, STR("early")))
		return attribute_is(dialog, "direction", "initiator") ? DEV_INUSE : DEV_RINGING;
	return DEV_UNKNOWN;
}

static int read_dialogs(const xmlNode *root, enum device_state *s)
{
	struct device_sum sum;

	if (!xml_is(root, NS_DIALOG, "dialog-info"))
		return EBADMSG;
	device_sum_init(&sum);
	device_sum_add(&sum, DEV_NOT_INUSE);
	for (const xmlNode *n = root->children; n; n = n->next) {
		if (!xml_is(n, NS_DIALOG, "dialog"))
			continue;
		if (!xml_child(n, NS_DIALOG, "state"))  /* 4.1.6: each has one */
			return EBADMSG;
		device_sum_add(&sum, of_dialog(n));
	}
	*s = sum.state;
	return 0;
}

/* ---- both ---------------------------------------------------------------------------------------- */

static int read_document(struct str body, enum device_state *s, int (*fn)(const xmlNode *root, enum device_state *s))
{
	xmlDocPtr doc = body.n <= DOCUMENT_BYTES ? xml_read(str_trim(body), DOCUMENT_DEPTH) : NULL;
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	int err = root ? fn(root, s) : EBADMSG;

	xmlFreeDoc(doc);
	return err;
}

int document_presence(struct str body, enum device_state *s)
{
	return read_document(body, s, read_presence);
}

int document_dialogs(struct str body, enum device_state *s)
{
	return read_document(body, s, read_dialogs);
}
