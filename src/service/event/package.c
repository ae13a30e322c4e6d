/* The event packages and the bodies that NOTIFYs have, a row each. */
#include "service/event/private.h"

/* An event is a row here and a file. */
static const struct package *const packages[] = { &package_presence, &package_dialog, &package_messages, &package_reg,
	&package_presence_winfo, &package_dialog_winfo, &package_features, &package_conference, &package_refer };

static const struct body_row bodies[] = {
	{ BODY_EXTEN, STR_INIT("application/pidf+xml"), body_pidf, NULL },
	{ BODY_EXTEN, STR_INIT("application/pidf-diff+xml"), NULL, body_pidf_diff },
	{ BODY_EXTEN, STR_INIT("application/xpidf+xml"), body_xpidf, NULL },
	{ BODY_EXTEN, STR_INIT("application/cpim-pidf+xml"), body_xpidf, NULL },
	{ BODY_EXTEN, STR_INIT("application/dialog-info+xml"), body_dialog_info, NULL },
	{ BODY_MESSAGES, STR_INIT("application/simple-message-summary"), body_messages, NULL },
	{ BODY_REG, STR_INIT("application/reginfo+xml"), NULL, body_reginfo },
	{ BODY_WINFO, STR_INIT("application/watcherinfo+xml"), NULL, body_watcherinfo },
	{ BODY_FEATURES, STR_INIT("application/x-as-feature-event+xml"), NULL, body_features },
	{ BODY_CONFERENCE, STR_INIT("application/conference-info+xml"), NULL, body_conference },
	{ BODY_REFER, STR_INIT("message/sipfrag"), NULL, body_refer },
};

const struct package *package_find(struct str event)
{
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (str_ieq(packages[i]->name, event))
			return packages[i];
	return NULL;
}

void package_names(struct buf *b, bool extra)
{
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (!packages[i]->unnamed && (extra || !packages[i]->extra))
			buf_puts(b, i ? STR(", ") : STR_NULL, packages[i]->name);
	buf_put(b, STR(", refer"));     /* inside of a call: ua/refer.c */
}

const struct body_row *body_of(const struct package *p, struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		if (bodies[i].kind == p->kind && str_ieq(bodies[i].type, type))
			return &bodies[i];
	return NULL;
}

/* What the list itself comes in is no state of a resource. */
static bool is_of_lists(struct str type)
{
	return str_ieq(type, STR("multipart/related")) || str_ieq(type, STR("application/rlmi+xml"));
}

/* "0.8" as 800. */
static unsigned quality(struct str params)
{
	unsigned q = 0, scale = 1000;
	struct str v;

	if (!sip_param(params, STR("q"), &v) || !v.n)
		return 1000;
	for (size_t i = 0; i < v.n && scale; i++) {
		if (v.p[i] == '.')
			continue;
		q += v.p[i] >= '0' && v.p[i] <= '9' ? (unsigned)(v.p[i] - '0') * scale : 0;
		scale /= 10;
	}
	return q;
}

/* Who takes differences of PIDF must take PIDF too: it is asked for them unless it likes them less (RFC 5263 4.2). */
static const struct body_row *rather(const struct package *p, const struct body_row *row, const struct sip_msg *subscribe)
{
	static const struct str diff = STR_INIT("application/pidf-diff+xml");
	struct sip_each e = { 0 };
	unsigned of_row = 0, of_diff = 0;
	struct str v;

	if (!str_ieq(row->type, STR("application/pidf+xml")))
		return row;
	while (sip_each(subscribe, SIP_H_ACCEPT, &e, &v)) {
		struct str type = str_trim(str_cut(&v, ';'));

		if (str_ieq(type, diff))
			of_diff = quality(v);
		else if (str_ieq(type, row->type))
			of_row = quality(v);
	}
	return of_diff && of_diff >= of_row ? body_of(p, diff) : row;
}

const struct body_row *body_find(const struct package *p, const struct sip_msg *subscribe)
{
	struct sip_each e = { 0 };
	struct str v;
	bool asked = false;

	while (sip_each(subscribe, SIP_H_ACCEPT, &e, &v)) {
		struct str type = str_trim(str_cut(&v, ';'));
		const struct body_row *row = body_of(p, type);

		if (!type.n || is_of_lists(type))
			continue;
		if (row)
			return rather(p, row, subscribe);
		asked = true;
	}
	return asked ? NULL : body_of(p, p->accept);
}
