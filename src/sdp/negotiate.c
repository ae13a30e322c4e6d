/* sdp/negotiate.c -- offers taken and made (RFC 3264): the state of a session's
 * streams. The text is made in negotiate_write.c. */
#include "sdp/negotiate_int.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/poison.h"

static void state_free(struct neg_state *st)
{
	for (size_t i = 0; i < st->n; i++)
		neg_row_free(st->v[i]);
	*st = (struct neg_state){ 0 };
}

/* Keep what is in force until the peer has agreed to something else. */
int neg_save(struct neg *n)
{
	if (n->has_saved)
		return 0;
	for (size_t i = 0; i < n->now.n; i++) {
		n->saved.v[i] = neg_row_copy(n->now.v[i]);
		if (!n->saved.v[i]) {
			state_free(&n->saved);
			return ENOMEM;
		}
		n->saved.n = i + 1;
	}
	n->remote_saved = obj_hold(n->remote);
	n->has_saved = true;
	return 0;
}

void neg_committed(struct neg *n)
{
	state_free(&n->saved);
	n->remote_saved = obj_drop(n->remote_saved);
	n->agreed = n->now.n;
	n->has_saved = n->offered = n->answering = false;
}

/* Another fork may still take what an offer of ours added: such streams stay,
 * declined, with their numbers and ports, until neg_rollback() or an answer. */
static void keep_added(struct neg *n)
{
	for (size_t i = n->saved.n; i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		r->s.active = r->offer_active = false;
		r->s.media = NULL;
		r->s.dir = SDP_INACTIVE;
		n->saved.v[n->saved.n++] = r;
		n->now.v[i] = NULL;
	}
}

/* What a fork's answer would need of an offer of ours: its numbers and ports. */
static void keep_offered(struct neg_row *to, struct neg_row *from)
{
	to->offered = from->offered;
	to->offered_active = from->offered_active;
	memcpy(to->pt, from->pt, sizeof(to->pt));
	memcpy(to->te, from->te, sizeof(to->te));
	memcpy(to->keys, from->keys, sizeof(to->keys));
	to->nkeys = from->nkeys;
	to->setup = from->setup;
	to->offered_in = from->offered_in;
	to->bundle_only = from->bundle_only;
	memcpy(to->offered_ext, from->offered_ext, sizeof(to->offered_ext));
	obj_drop(to->offered_port);
	to->offered_port = obj_hold(from->offered_port);
	if (to->s.port || !from->s.port)
		return;
	to->s.port = obj_hold(from->s.port);
	to->s.local = from->s.local;
	to->s.local_rtcp = from->s.local_rtcp;
}

void neg_put_back(struct neg *n, bool ours)
{
	for (size_t i = 0; ours && i < n->saved.n && i < n->now.n; i++)
		keep_offered(n->saved.v[i], n->now.v[i]);
	if (ours)
		keep_added(n);
	state_free(&n->now);
	n->now = n->saved;
	n->saved = (struct neg_state){ 0 };
	obj_drop(n->remote);
	n->remote = n->remote_saved;
	n->remote_saved = NULL;
	n->has_saved = n->offered = n->answering = false;
}

/* Streams that both sides never agreed to have, not even as declined ones: an
 * offer of ours added them and it was refused. */
static void drop_unagreed(struct neg *n)
{
	while (n->now.n > n->agreed)
		neg_row_free(n->now.v[--n->now.n]);
}

void neg_rollback(struct neg *n)
{
	if (n->has_saved)
		neg_put_back(n, false);
	neg_answer_settled(n);
	drop_unagreed(n);
	neg_ports_close_unused(n);
}

/* ---- ports */

bool neg_needs_port(const struct neg *n, size_t i)
{
	const struct neg_row *r = i < n->now.n ? n->now.v[i] : NULL;

	return r && (n->answering ? r->s.active : r->offer_active);
}

void neg_port_set(struct neg *n, size_t i, void *port)
{
	if (i >= n->now.n) {
		obj_drop(port);
		return;
	}
	obj_drop(n->now.v[i]->s.port);
	n->now.v[i]->s.port = port;
}

void neg_answer_settled(struct neg *n)
{
	for (size_t i = 0; i < n->now.n; i++)
		n->now.v[i]->offered_port = obj_drop(n->now.v[i]->offered_port);
	n->answerable = false;
}

void neg_ports_close_unused(struct neg *n)
{
	for (size_t i = 0; i < n->now.n; i++)
		if (!n->now.v[i]->s.active)
			neg_port_set(n, i, NULL);
}

static void row_ports_close(struct neg_row *r)
{
	r->s.port = obj_drop(r->s.port);
	r->offered_port = obj_drop(r->offered_port);
}

void neg_ports_close(struct neg *n)
{
	for (size_t i = 0; i < n->now.n; i++)
		row_ports_close(n->now.v[i]);
	for (size_t i = 0; i < n->saved.n; i++)
		row_ports_close(n->saved.v[i]);
}

/* ---- the object */

static void neg_free(void *arg)
{
	struct neg *n = arg;

	state_free(&n->now);
	state_free(&n->saved);
	text_free(&n->owner);
	text_free(&n->session);
	if (n->local.p)         /* it may hold keys */
		explicit_bzero(n->local.p, n->local.n);
	text_free(&n->local);
	obj_drop(n->remote);
	obj_drop(n->remote_saved);
}

static int prm_copy(struct neg *n, const struct neg_prm *prm)
{
	int err = text_set(&n->owner, prm->owner);

	if (!err)
		err = text_set(&n->session, prm->session);
	if (err)
		return err;
	n->prm = *prm;
	n->prm.owner = n->prm.session = STR_NULL;
	if (!prm->opus.max_playback)
		n->prm.opus = (struct opus_fmtp)OPUS_FMTP_INIT;
	return 0;
}

int neg_new(struct neg **out, const struct neg_prm *prm)
{
	struct neg *n = obj_new(sizeof(*n), neg_free);
	uint32_t id = 1;

	if (!n)
		return ENOMEM;
	if (prm_copy(n, prm)) {
		obj_drop(n);
		return ENOMEM;
	}
	if (!prm->id && getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		id = 1;
	n->id = n->version = prm->id ? prm->id : id;
	*out = n;
	return 0;
}

void neg_set(struct neg *n, const struct neg_prm *prm)
{
	prm_copy(n, prm);
}

size_t neg_count(const struct neg *n) { return n->now.n; }
const struct sdp *neg_remote(const struct neg *n) { return n->remote; }
struct str neg_local_text(const struct neg *n) { return text_view(&n->local); }
bool neg_offer_pending(const struct neg *n) { return n->offered; }

struct neg_stream *neg_stream(struct neg *n, size_t i)
{
	return i < n->now.n ? &n->now.v[i]->s : NULL;
}

struct neg_stream *neg_first(struct neg *n, enum media_type t)
{
	for (size_t i = 0; i < n->now.n; i++)
		if (n->now.v[i]->s.active && n->now.v[i]->s.type == t)
			return &n->now.v[i]->s;
	return NULL;
}

const char *neg_verdict_text(enum neg_verdict v)
{
	static const char *const text[] = {
		"agreed", "no stream in common", "RTP profile or encryption does not match",
		"no usable connection address", "answer does not fit the offer",
		"keys for encrypted media cannot be used",
	};

	return (unsigned)v < ARRAY_LEN(text) ? text[v] : "";
}

const char *neg_why(const struct neg *n, enum neg_verdict v)
{
	return v == NEG_KEYS && n->why ? n->why : neg_verdict_text(v);
}

void neg_formats(const struct neg *n, struct formats *out)
{
	*out = (struct formats){ 0 };
	for (size_t i = 0; i < n->now.n; i++) {
		const struct neg_stream *s = &n->now.v[i]->s;

		for (size_t j = 0; s->active && j < s->ncodecs; j++)
			formats_add(out, (enum format_id)s->codecs[j].id, s->codecs[j].ptime);
	}
}

/* ---- our offer */

int neg_stream_add(struct neg *n, enum media_type type, const struct formats *wanted, size_t *i)
{
	struct neg_row *r;

	if (n->now.n == SDP_MAX_MEDIA)
		return ENOSPC;
	if (neg_save(n))
		return ENOMEM;
	r = neg_row_new(type);
	if (!r)
		return ENOMEM;
	formats_add_all(&r->s.wanted, wanted, type);
	r->offer_active = true;
	*i = n->now.n;
	n->now.v[n->now.n++] = r;
	return neg_bundle_offer(n);
}

void neg_stream_set(struct neg *n, size_t i, const struct formats *wanted, bool active)
{
	if (i >= n->now.n || neg_save(n))
		return;
	n->now.v[i]->offer_active = active;
	if (wanted) {
		n->now.v[i]->s.wanted = (struct formats){ 0 };
		formats_add_all(&n->now.v[i]->s.wanted, wanted, n->now.v[i]->s.type);
	}
	neg_bundle_offer(n);    /* a name is there already: nothing to allocate */
}

int neg_stream_replace(struct neg *n, size_t i, enum media_type type, const struct formats *wanted)
{
	struct neg_row *r;

	if (i >= n->now.n)
		return EINVAL;
	if (neg_save(n))
		return ENOMEM;
	r = neg_row_new(type);
	if (!r)
		return ENOMEM;
	if (wanted)
		formats_add_all(&r->s.wanted, wanted, type);
	r->offer_active = true;
	neg_row_free(n->now.v[i]);
	n->now.v[i] = r;
	return neg_bundle_offer(n);
}

void neg_hold(struct neg *n, size_t i, bool hold)
{
	struct neg_stream *s = neg_stream(n, i);

	if (!s || (!n->answering && neg_save(n)))
		return;
	s->local_hold = hold;
	if (n->answering && s->active && s->media)
		neg_remote_set(n, n->now.v[i], s->media);
}

static int extra_add(struct neg *n, size_t i, struct str name, struct str value, enum format_id id)
{
	struct neg_row *r;
	struct neg_extra *v, x = { .id = (uint8_t)id };

	if (i >= n->now.n)
		return ENOENT;
	r = n->now.v[i];
	if (r->nextra == NEG_MAX_EXTRA)
		return ENOSPC;
	if (text_set(&x.name, name) || text_set(&x.value, value)) {
		text_free(&x.name);
		return ENOMEM;
	}
	v = realloc(r->extra, (r->nextra + 1) * sizeof(*v));
	if (!v) {
		text_free(&x.name);
		text_free(&x.value);
		return ENOMEM;
	}
	r->extra = v;
	r->extra[r->nextra++] = x;
	return 0;
}

int neg_attr_add(struct neg *n, size_t i, struct str name, struct str value)
{
	return extra_add(n, i, name, value, FORMAT_NONE);
}

int neg_fmtp_set(struct neg *n, size_t i, enum format_id id, struct str fmtp)
{
	if (i >= n->now.n)
		return ENOENT;
	for (size_t j = 0; j < n->now.v[i]->nextra; j++)
		if (n->now.v[i]->extra[j].id == id)
			return text_set(&n->now.v[i]->extra[j].value, fmtp);
	return extra_add(n, i, STR_NULL, fmtp, id);
}

struct str neg_fmtp_wanted(const struct neg_row *r, enum format_id id)
{
	for (size_t i = 0; i < r->nextra; i++)
		if (r->extra[i].id == id)
			return text_view(&r->extra[i].value);
	return STR_NULL;
}

void neg_attrs_clear(struct neg *n, size_t i)
{
	struct neg_row *r = i < n->now.n ? n->now.v[i] : NULL;
	size_t kept = 0;

	/* What is said of formats stays. */
	for (size_t k = 0; r && k < r->nextra; k++) {
		if (r->extra[k].id) {
			r->extra[kept++] = r->extra[k];
			continue;
		}
		text_free(&r->extra[k].name);
		text_free(&r->extra[k].value);
	}
	if (r)
		r->nextra = kept;
}
