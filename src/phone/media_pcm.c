/* phone/media_pcm.c -- a call's sound by functions of the application or of a device. They stay when the call gets
 * another port, and end when nobody on a media thread can be in them any more. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/pcm.h"
#include <errno.h>
#include <stdatomic.h>

struct phone_pcm {              /* obj; held by its call, and by each media that calls it */
	struct sidetone_pcm ops;
	atomic_bool says;       /* it is the source */
	struct media_pcm *on;   /* of the port in force; NULL: none */
	unsigned legs;          /* medias that have it */
};

/* Nobody is in its functions any more: the last reference of a media went on the host's thread. */
static void pcm_free(void *arg)
{
	struct phone_pcm *p = arg;

	if (p->ops.end)
		p->ops.end(p->ops.arg);
}

/* ---- on a media thread */

static bool pcm_read(void *arg, int16_t *pcm, size_t n)
{
	struct phone_pcm *p = arg;
	size_t k = p->ops.read ? p->ops.read(p->ops.arg, pcm, n) : 0;

	if (k < n)
		memset(pcm + k, 0, (n - k) * sizeof(*pcm));
	return atomic_load(&p->says);
}

static void pcm_write(void *arg, const int16_t *pcm, size_t n)
{
	struct phone_pcm *p = arg;

	if (p->ops.write)
		p->ops.write(p->ops.arg, pcm, n);
}

/* ---- on the host's */

static void leg_free(void *arg)
{
	struct phone_pcm *p = arg;

	if (!--p->legs)
		p->on = NULL;
	obj_drop(p);
}

static int start(struct phone_pcm *p, struct media_session *ms)
{
	struct media_pcm_ops ops = { .arg = obj_hold(p), .rate = p->ops.rate, .read = pcm_read, .write = pcm_write, .free = leg_free };
	int err = media_pcm_start(&p->on, ms, &ops);

	if (err) {
		p->on = NULL;
		obj_drop(p);
		return err;
	}
	p->legs++;
	return 0;
}

void phone_pcm_apply(struct phone_call *c, struct media_session *ms)
{
	int err = c->pcm ? start(c->pcm, ms) : 0;

	if (err)
		log_error("the sound of a call cannot be had: %s", strerror(err));
}

void phone_pcm_say(struct phone_call *c, bool on)
{
	if (c->pcm)
		atomic_store(&c->pcm->says, on);
}

void phone_pcm_free(struct phone_call *c)
{
	struct phone_pcm *p = c->pcm;

	c->pcm = NULL;
	if (p && p->on && media_pcm_stop(p->on))
		log_error("the sound of a call goes on until it ends");
	obj_drop(p);
}

int sidetone_media_pcm(struct sidetone_media *m, struct sidetone_session *s, const struct sidetone_pcm *pcm)
{
	struct phone_pcm *p = NULL;
	struct phone_call *c;
	int err = phone_call_want(m, s, &c);

	if (err)
		return err;
	if (pcm && rate_kind(pcm->rate) < 0)
		return EINVAL;
	if (pcm) {
		p = obj_new(sizeof(*p), pcm_free);
		if (!p)
			return ENOMEM;
		p->ops = *pcm;
		atomic_init(&p->says, c->says == SIDETONE_SOUND);
		err = c->on ? start(p, c->on) : 0;
	}
	if (err) {
		p->ops.end = NULL;
		obj_drop(p);
		return err;
	}
	phone_pcm_free(c);
	c->pcm = p;
	return 0;
}
