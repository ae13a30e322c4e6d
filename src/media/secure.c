/* media/secure.c -- how a wire is encrypted: on the core, keys and associations made of
 * what the SDP agreed; on the thread, put in force. The steps themselves are srtp.c's
 * and dtls.c's. */
#include "media/core.h"
#include "media/dtls.h"
#include "media/srtp.h"
#include "base/obj.h"
#include "base/poison.h"

/* ---- core */

static bool is_same(const struct media_secure *a, const struct media_secure *b)
{
	if (a->mode != b->mode)
		return false;
	switch (a->mode) {
	case MEDIA_SDES:
		return crypto_line_eq(&a->tx, &b->tx) && crypto_line_eq(&a->rx, &b->rx);
	case MEDIA_DTLS:
		return a->identity == b->identity && a->setup == b->setup &&
		       crypto_fingerprint_eq(&a->fingerprint, &b->fingerprint);
	default:
		return true;
	}
}

static int make_dtls(struct media *m, struct stream_cfg *c, const struct media_secure *sec)
{
	struct dtls_prm prm = { .owner = &wire_dtls_owner, .identity = sec->identity, .fingerprint = sec->fingerprint, .setup = sec->setup,
				.mtu = m->prm.dtls_mtu, .replay = m->prm.srtp_replay };
	int err = dtls_new(&c->dtls[0], &prm);

	prm.rtcp = true;
	return err || c->set.rtcp_mux ? err : dtls_new(&c->dtls[1], &prm);
}

int media_secure_prepare(struct media *m)
{
	int err = m->srtp_ready ? 0 : srtp_setup();

	m->srtp_ready = !err;
	return err;
}

static int make_parts(struct media *m, struct stream_cfg *c, const struct media_secure *sec)
{
	int err = media_secure_prepare(m);

	if (err)
		return err;
	if (sec->mode == MEDIA_SDES) {
		struct srtp_prm prm = { .tx = sec->tx, .rx = sec->rx, .replay = m->prm.srtp_replay };

		err = srtp_new(&c->srtp, &prm);
		explicit_bzero(&prm, sizeof(prm));
	} else {
		err = make_dtls(m, c, sec);
	}
	return err;
}

int secure_make(struct core_wire *w, struct stream_cfg *c)
{
	const struct media_secure *sec = &c->set.secure;
	/* An m= line that is off says nothing of a wire that others use. One that is on has 0.0.0.0 too when the peer
	 * tells its candidates later. */
	bool says = w->nsessions == 1 || (w->ice && c->set.ncodecs) || (sa_is_set(&c->set.remote) && !sa_is_any(&c->set.remote));
	bool same = is_same(sec, &w->secure) && (sec->mode != MEDIA_DTLS || c->set.rtcp_mux == w->secure_mux);
	int err = 0;

	if (says && sec->mode != MEDIA_CLEAR && !same)
		err = make_parts(w->m, c, sec);
	return err;
}

void secure_forget(struct core_wire *w)
{
	obj_drop(w->secure.identity);
	explicit_bzero(&w->secure, sizeof(w->secure));
}

void secure_made(struct core_wire *w, const struct media_set *set)
{
	struct media_secure was = w->secure;

	w->secure = set->secure;
	w->secure_mux = set->rtcp_mux;
	obj_hold(w->secure.identity);
	obj_drop(was.identity);
	explicit_bzero(&was, sizeof(was));
}

/* ---- media thread */

static const struct wire_step *const with_sdes[] = { &srtp_step, NULL };
static const struct wire_step *const with_dtls[] = { &dtls_step, &srtp_step, NULL };

/* Takes them. */
static void put_dtls(struct wire *w, struct dtls *const d[2])
{
	dtls_leave(w);
	for (int i = 0; i < 2; i++) {
		obj_drop(w->dtls[i]);
		w->dtls[i] = d[i];
	}
	dtls_arrive(w);
}

/* Peers differ in whether the count of rollovers goes on under new keys. A new SSRC begins
 * at 0 for all of them. */
static void rename_source(struct stream *s, uint32_t ssrc)
{
	s->tx.ssrc = ssrc;
	extend_named(s, false);
}

static void change_ssrcs(struct wire *w, const struct srtp *was, uint32_t fresh)
{
	list_each(l, &w->streams) {
		struct stream *s = container_of(l, struct stream, wire_link);

		if (srtp_rollover(was, s->tx.ssrc))
			rename_source(s, fresh++);
	}
}

void wire_secure(struct stream *s, struct stream_cfg *cfg)
{
	struct wire *w = s->w;
	enum media_secure_mode mode = cfg->set.secure.mode;
	struct srtp *was;

	if (w->shared && !(w->ice && cfg->set.ncodecs) && (!sa_is_set(&cfg->set.remote) || sa_is_any(&cfg->set.remote)))
		return;
	if (mode != w->secure)
		w->steps = mode == MEDIA_SDES ? with_sdes : mode == MEDIA_DTLS ? with_dtls : NULL;
	w->secure = mode;
	/* After SDES no key of it may serve DTLS; after DTLS its keys serve until the
	 * next handshake is done. */
	if (cfg->srtp || mode == MEDIA_CLEAR || (cfg->dtls[0] && !w->dtls[0])) {
		was = srtp_install(w, false, cfg->srtp);
		if (was && cfg->srtp)
			change_ssrcs(w, was, cfg->fresh_ssrc);
		cfg->srtp = NULL;
		obj_drop(was);
		obj_drop(srtp_install(w, true, NULL));
	}
	if (cfg->dtls[0] || mode != MEDIA_DTLS) {
		put_dtls(w, cfg->dtls);
		cfg->dtls[0] = cfg->dtls[1] = NULL;
	}
}
