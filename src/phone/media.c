/* phone/media.c -- media of a user agent: what its sessions have in common, and which of them an event is about. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/obj.h"
#include "media/dtls.h"
#include <errno.h>
#include <stdlib.h>

/* ---- calls */

static void call_free(void *arg)
{
	struct phone_call *c = arg;

	phone_sound_free(c);
	phone_taps_free(c);
	obj_drop(c->identity);
	obj_drop(c->fresh);
	obj_drop(c->neg);
}

/* Its memory stays as long as somebody holds it; it does nothing any more. */
static void call_close(struct phone_call *c)
{
	list_remove(&c->link);
	phone_forget_due(c);
	phone_digits_free(c);
	phone_pcm_free(c);
	c->agreed = false;
	c->on = NULL;
	if (c->neg)
		neg_ports_close(c->neg);
	c->m = NULL;
	obj_drop(c);
}

/* ---- events of the agent */

bool sidetone_media_handle(struct sidetone_media *m, const struct sidetone_event *e)
{
	struct phone_call *c = e->session ? phone_call_of(m, e->session) : NULL;

	switch (e->type) {
	case SIDETONE_DESCRIBE:
	case SIDETONE_SET_DESCRIPTION:
		c = c ? c : phone_call_make(m, e->session);
		if (!c && e->type == SIDETONE_DESCRIBE)
			m->user->describe(e->session, NULL, NULL);
		else if (!c)
			m->user->described(e->session, 500);
		else if (e->type == SIDETONE_DESCRIBE)
			phone_describe(c, e->status == SIDETONE_ANSWER ? PHONE_ANSWER : PHONE_OFFER);
		else
			phone_described(c, (enum sidetone_description)e->status, str_z(e->cause), str_mk(e->text, e->text_n));
		return true;
	case SIDETONE_MEDIA_CLOSED:
		if (c)
			call_close(c);
		return true;
	case SIDETONE_ACCEPTED:
	case SIDETONE_CONFIRMED:
	case SIDETONE_REINVITE_ACCEPTED:
		/* No other fork will answer. An offer of ours in a 200 waits for the ACK yet. */
		if (c && c->neg && !neg_offer_pending(c->neg))
			neg_answer_settled(c->neg);
		return false;
	case SIDETONE_REINVITE_FAILED:
		if (c)
			phone_offer_failed(c);
		return false;
	default:
		return false;
	}
}

void sidetone_media_forget(struct sidetone_media *m, struct sidetone_session *s)
{
	struct phone_call *c = phone_call_of(m, s);

	if (c)
		call_close(c);
}

/* ---- life */

static int make_secure(struct sidetone_media *m, const struct phone_media_prm *prm)
{
	int err;

	if (m->conf.encryption == SIDETONE_PLAIN)
		return 0;
	err = media_secure_prepare(m->media);
	if (err)
		phone_why(prm->why, prm->why_n, "encryption: %s", strerror(err));
	else if (m->conf.encryption == SIDETONE_DTLS)
		err = phone_identity_new(&m->cert, &m->identity, prm->why, prm->why_n);
	return err;
}

static void servers_known(struct sidetone_media *m)
{
	list_each_safe(e, tmp, &m->calls)
		phone_go_on(container_of(e, struct phone_call, link));
}

static int make_media(struct sidetone_media *m, const struct sidetone_media_options *o, const struct media_net *net)
{
	struct media_prm p = { .core = m->loop, .threads = net ? 0 : o->threads ? o->threads : 1, .net = net,
		.bind = m->conf.address, .port_min = o->port_min, .port_max = o->port_max, .strict = true, .rtcp_ms = o->rtcp_ms,
		.srtp_replay = true };

	return media_new(&m->media, &p);
}

static int read_servers(struct sidetone_media *m, const struct sidetone_media_options *o, const struct phone_media_prm *prm)
{
	int err = phone_server_read(&m->stun, o->stun, false);
	const char *bad = o->stun;

	if (!err) {
		err = phone_server_read(&m->turn, o->turn, true);
		bad = o->turn;
	}
	if (err == EINVAL)
		phone_why(prm->why, prm->why_n, "'%s' is no server", bad);
	return err;
}

int phone_media_new(struct sidetone_media **out, const struct sidetone_media_options *o, const struct phone_media_prm *prm)
{
	struct sidetone_media *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return ENOMEM;
	list_init(&m->calls);
	m->user = prm->user;
	m->call_free = call_free;
	m->own_loop = !prm->loop;
	m->loop = prm->loop ? prm->loop : loop_new(clock_real());
	err = m->loop ? phone_conf_read(&m->conf, o, prm->why, prm->why_n) : ENOMEM;
	err = err ? err : read_servers(m, o, prm);
	err = err ? err : make_media(m, o, prm->net);
	err = err ? err : make_secure(m, prm);
	if (!err && m->conf.ice)
		err = phone_servers_look_up(m, servers_known);
	if (err)
		sidetone_media_free(m);
	else
		*out = m;
	return err;
}

void phone_media_listen(struct sidetone_media *m, sidetone_media_event_fn *fn, void *arg)
{
	m->fn = fn;
	m->arg = arg;
}

void sidetone_media_free(struct sidetone_media *m)
{
	if (!m)
		return;
	m->fn = NULL;
	while (!list_empty(&m->calls))
		call_close(container_of(m->calls.next, struct phone_call, link));
	phone_servers_forget(m);
	media_close(m->media);
	obj_drop(m->identity);
	obj_drop(m->cert);
	phone_server_free(&m->stun);
	phone_server_free(&m->turn);
	phone_conf_free(&m->conf);
	if (m->own_loop && m->loop)
		loop_free(m->loop);
	free(m);
}

int sidetone_media_set_address(struct sidetone_media *m, const char *address, const char *public_address)
{
	int err = phone_conf_address(&m->conf, address, public_address);

	list_each(l, &m->calls)
		container_of(l, struct phone_call, link)->renew |= !err;
	return err;
}

int sidetone_media_set_way(struct sidetone_media *m, const char *address)
{
	return phone_conf_way(&m->conf, address);
}

/* ---- its loop */

int sidetone_media_fd(const struct sidetone_media *m)
{
	return uv_backend_fd(loop_uv(m->loop));
}

uint64_t sidetone_media_wait_ms(const struct sidetone_media *m)
{
	return loop_left_ms(m->loop);
}

void sidetone_media_process(struct sidetone_media *m)
{
	uv_run(loop_uv(m->loop), UV_RUN_NOWAIT);
}
