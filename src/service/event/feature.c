/* Event as-feature-event: a phone's do not disturb and forwarding, which it and the dialplan may set. How
 * a SUBSCRIBE's body is read is feature_read.c's. */
#include "service/event/feature.h"
#include "service/event/private.h"
#include "pbx/dialplan.h"
#include "store/astdb.h"
#include <errno.h>
#include <stdlib.h>

#define TYPE STR("application/x-as-feature-event+xml")
#define NS "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
#define RINGS STR("/rings")
#define GATHER_MS 10            /* what is set together is told together */

static const struct {
	struct str name, family, type;
} features[FEATURES] = {
	[FEATURE_DND] = { STR_INIT("dnd"), STR_INIT("DND"), STR_INIT("") },
	[FEATURE_FORWARD] = { STR_INIT("cf"), STR_INIT("CF"), STR_INIT("forwardImmediate") },
	[FEATURE_FORWARD_BUSY] = { STR_INIT("cfb"), STR_INIT("CFB"), STR_INIT("forwardBusy") },
	[FEATURE_FORWARD_NO_ANSWER] = { STR_INIT("cfu"), STR_INIT("CFU"), STR_INIT("forwardNoAns") },
};

struct feature_watch {          /* node.watch */
	struct list link;               /* in subscriptions.feature_watches */
	struct node *leaf;
	bool news[FEATURES];            /* since the last NOTIFY */
};

/* ---- what is set -------------------------------------------------------------------------------- */

bool feature_get(const struct service *svc, struct str endpoint, enum feature f, struct str *value)
{
	return svc->pbx->db && astdb_get(svc->pbx->db, features[f].family, endpoint, value) && value->n;
}

static void tell(struct service *svc, struct str endpoint, enum feature f)
{
	list_each_safe(p, next, &svc->subscriptions->feature_watches) {
		struct feature_watch *w = container_of(p, struct feature_watch, link);

		if (!str_eq(w->leaf->sub->ep->name, endpoint))
			continue;
		w->news[f] = true;
		node_changed(w->leaf, false);
	}
}

int feature_set(struct service *svc, struct str endpoint, enum feature f, struct str value)
{
	char number[FEATURE_NUMBER_MAX + 1];
	struct str before;
	int err;

	if (!svc->pbx->db)
		return ENOTSUP;
	if (feature_number(value, number, sizeof(number)))
		return EINVAL;
	if (f == FEATURE_DND)
		value = value.n ? STR("YES") : STR_NULL;
	else
		value = str_z(number);
	if (!feature_get(svc, endpoint, f, &before))
		before = STR_NULL;
	if (str_eq(before, value))
		return 0;
	err = value.n ? astdb_put(svc->pbx->db, features[f].family, endpoint, value) :
		astdb_del(svc->pbx->db, features[f].family, endpoint);
	if (!err)
		tell(svc, endpoint, f);
	return err;
}

static int write_rings_key(struct buf *key, struct str endpoint)
{
	buf_puts(key, endpoint, RINGS);
	return buf_err(key);
}

static uint32_t rings_of(const struct service *svc, struct str endpoint)
{
	uint32_t rings = 0;
	struct buf key = BUF_INIT;
	struct str v;

	if (!write_rings_key(&key, endpoint) && svc->pbx->db && astdb_get(svc->pbx->db, STR("CFU"), buf_view(&key), &v) && str_u32(v, &rings))
		rings = 0;
	buf_free(&key);
	return rings;
}

static int set_rings(struct service *svc, struct str endpoint, uint32_t rings)
{
	char room[16];
	struct buf key = BUF_INIT, v;
	int err = svc->pbx->db ? write_rings_key(&key, endpoint) : ENOTSUP;

	if (err || rings == rings_of(svc, endpoint)) {
		buf_free(&key);
		return err;
	}
	buf_init(&v, room, sizeof(room), sizeof(room));
	buf_u64(&v, rings);
	err = astdb_put(svc->pbx->db, STR("CFU"), buf_view(&key), buf_view(&v));
	buf_free(&key);
	if (!err)
		tell(svc, endpoint, FEATURE_FORWARD_NO_ANSWER);
	return err;
}

/* ---- the event ----------------------------------------------------------------------------------- */

/* A phone's own: by the endpoint's name, or one of its AORs'. */
static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	(void)svc;
	if (str_eq(ep->name, resource))
		return 200;
	for (size_t i = 0; i < ep->aor_n; i++)
		if (str_eq(ep->aor_objs[i]->name, resource))
			return 200;
	return 403;
}

static unsigned take(struct subscription *s, const struct sip_msg *msg)
{
	struct str type = sip_hdr_value(msg, SIP_H_CONTENT_TYPE), value;
	struct feature_request r;
	int err = 0;

	if (!msg->body.n)
		return 0;
	if (!str_ieq(str_trim(str_cut(&type, ';')), TYPE))
		return 415;
	if (feature_read(&r, msg->body))
		return 400;
	value = !r.on ? STR_NULL : r.f == FEATURE_DND ? STR("YES") : str_z(r.number);
	/* The number is told with it. */
	if (r.f == FEATURE_FORWARD_NO_ANSWER && r.rings)
		err = set_rings(s->svc, s->ep->name, r.rings);
	err = err ? err : feature_set(s->svc, s->ep->name, r.f, value);
	return err ? 503 : 0;
}

static int start(struct node *leaf)
{
	struct feature_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return ENOMEM;
	w->leaf = leaf;
	list_append(&leaf->sub->svc->subscriptions->feature_watches, &w->link);
	leaf->watch = w;
	return 0;
}

static void stop(struct node *leaf)
{
	struct feature_watch *w = leaf->watch;

	list_remove(&w->link);
	free(w);
}

/* ---- the body -------------------------------------------------------------------------------------- */

static void write_one(struct buf *b, const struct node *leaf, enum feature f)
{
	const struct subscription *s = leaf->sub;
	struct str value = STR_NULL;
	bool on = feature_get(s->svc, s->ep->name, f, &value);
	struct str root = f == FEATURE_DND ? STR("DoNotDisturbEvent") : STR("ForwardingEvent");

	buf_puts(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<"), root, STR(" xmlns=\"" NS "\">\n <device>"));
	xml_text(b, text_view(&leaf->resource));
	buf_put(b, STR("</device>\n"));
	if (f == FEATURE_DND) {
		buf_puts(b, STR(" <doNotDisturbOn>"), on ? STR("true") : STR("false"), STR("</doNotDisturbOn>\n"));
	} else {
		buf_puts(b, STR(" <forwardingType>"), features[f].type, STR("</forwardingType>\n <forwardStatus>"),
			 on ? STR("true") : STR("false"), STR("</forwardStatus>\n <forwardTo>"));
		xml_text(b, value);
		buf_put(b, STR("</forwardTo>\n"));
		if (f == FEATURE_FORWARD_NO_ANSWER)
			buf_printf(b, " <ringCount>%u</ringCount>\n", rings_of(s->svc, s->ep->name));
	}
	buf_puts(b, STR("</"), root, STR(">\n"));
}

/* Several at a time are parts of one body. */
static int write_parts(struct buf *b, struct node *leaf, const bool *which)
{
	char boundary[SIP_TAG + 1];

	sip_token(leaf->sub->svc->sip, boundary, SIP_TAG);
	for (size_t i = 0; i < FEATURES; i++) {
		if (!which[i])
			continue;
		buf_puts(b, STR("--"), str_z(boundary), STR("\r\nContent-Type: "), TYPE, STR("\r\n\r\n"));
		write_one(b, leaf, (enum feature)i);
		buf_put(b, STR("\r\n"));
	}
	buf_puts(b, STR("--"), str_z(boundary), STR("--\r\n"));
	return text_printf(&leaf->type, "multipart/mixed;boundary=%s", boundary);
}

int body_features(struct node *leaf, bool full, struct buf *b)
{
	struct feature_watch *w = leaf->watch;
	bool which[FEATURES];
	size_t n = 0, last = 0;
	int err;

	for (size_t i = 0; i < FEATURES; i++) {
		which[i] = full || w->news[i];
		w->news[i] = false;
		if (which[i])
			last = i;
		n += which[i];
	}
	if (!n)
		return ENODATA;
	if (n > 1) {
		err = write_parts(b, leaf, which);
	} else {
		write_one(b, leaf, (enum feature)last);
		err = text_set(&leaf->type, TYPE);
	}
	return err ? err : buf_err(b);
}

const struct package package_features = { .name = STR_INIT("as-feature-event"), .accept = STR_INIT("application/x-as-feature-event+xml"),
	.kind = BODY_FEATURES, .extra = true, .pace_ms = GATHER_MS, .may = may, .start = start, .stop = stop, .take = take };

/* ---- PHONE_FEATURE() ---------------------------------------------------------------------------------- */

static int read_args(struct pbx *p, struct str args, struct str *endpoint, enum feature *f)
{
	const struct service *svc = p->service;
	struct str a[2];

	if (pbx_args(args, a, 2) != 2 || !svc)
		return EINVAL;
	*endpoint = str_trim(a[0]);
	if (!snapshot_endpoint(svc->conf, *endpoint))
		return ENOENT;
	for (size_t i = 0; i < FEATURES; i++) {
		if (!str_ieq(str_trim(a[1]), features[i].name))
			continue;
		*f = (enum feature)i;
		return 0;
	}
	return EINVAL;
}

int func_phone_feature_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str endpoint, value;
	enum feature f;
	int err = read_args(p, args, &endpoint, &f);

	(void)ch;
	if (err || !feature_get(p->service, endpoint, f, &value))
		return err;
	buf_put(out, value);
	return buf_err(out);
}

int func_phone_feature_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str endpoint;
	enum feature f;
	int err = read_args(p, args, &endpoint, &f);

	(void)ch;
	value = str_trim(value);
	if (!err && f == FEATURE_DND && (str_ieq(value, STR("no")) || str_eq(value, STR("0"))))
		value = STR_NULL;
	return err ? err : feature_set(p->service, endpoint, f, value);
}
