/* SetDoNotDisturb and SetForwarding (ECMA-323), as a phone sends them in a SUBSCRIBE of as-feature-event. */
#include "service/event/feature.h"
#include "service/common/xml_read.h"
#include <errno.h>

#define NS_CSTA "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
#define DEPTH 8
#define RINGS_MAX 99

/* The text right in it. */
static struct str words_of(const xmlNode *root, const char *name)
{
	const xmlNode *n = xml_child(root, NS_CSTA, name), *t = n ? n->children : NULL;

	return t && t->type == XML_TEXT_NODE ? str_trim(str_z((const char *)t->content)) : STR_NULL;
}

static int read_bool(bool *out, struct str v)
{
	*out = str_eq(v, STR("true")) || str_eq(v, STR("1"));
	return *out || str_eq(v, STR("false")) || str_eq(v, STR("0")) ? 0 : EBADMSG;
}

int feature_number(struct str text, char *room, size_t size)
{
	size_t n = 0;

	if (str_istarts(text, STR("tel:")))
		text = str_skip(text, 4);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (c == ' ' || c == '(' || c == ')')
			continue;
		if (!letter && !(c >= '0' && c <= '9') && !memchr("+*#._-", c, 6))
			return EINVAL;
		if (n + 1 >= size)
			return EINVAL;
		room[n++] = c;
	}
	room[n] = '\0';
	return 0;
}

static int read_forward(struct feature_request *r, const xmlNode *root)
{
	static const struct { struct str name; enum feature f; } types[] = {
		{ STR_INIT("forwardImmediate"), FEATURE_FORWARD }, { STR_INIT("forwardBusy"), FEATURE_FORWARD_BUSY },
		{ STR_INIT("forwardNoAns"), FEATURE_FORWARD_NO_ANSWER },
	};
	struct str type = words_of(root, "forwardingType"), rings = words_of(root, "ringCount");
	size_t i = 0;

	while (i < ARRAY_LEN(types) && !str_eq(types[i].name, type))
		i++;
	if (i == ARRAY_LEN(types) || read_bool(&r->on, words_of(root, "activateForward")))
		return EBADMSG;
	r->f = types[i].f;
	if (feature_number(words_of(root, "forwardDN"), r->number, sizeof(r->number)) || (r->on && !r->number[0]))
		return EBADMSG;
	if (rings.n && (str_u32(rings, &r->rings) || r->rings > RINGS_MAX))
		return EBADMSG;
	return 0;
}

int feature_read(struct feature_request *r, struct str body)
{
	xmlDocPtr doc = body.n <= FEATURE_BODY_MAX ? xml_read(body, DEPTH) : NULL;
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	int err = EBADMSG;

	*r = (struct feature_request){ .f = FEATURE_DND };
	if (root && xml_is(root, NS_CSTA, "SetDoNotDisturb"))
		err = read_bool(&r->on, words_of(root, "doNotDisturbOn"));
	else if (root && xml_is(root, NS_CSTA, "SetForwarding"))
		err = read_forward(r, root);
	xmlFreeDoc(doc);
	return err;
}
