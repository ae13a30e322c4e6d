#include "fax_line.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

extern const struct channel_tech fake_tech;

static void send_to(struct media_session *s, const struct media_session *to)
{
	struct media_set set = { .dir = SDP_SENDRECV, .codec = { { .id = FORMAT_ULAW, .pt_rx = 0, .pt_tx = 0 } }, .ncodecs = 1 };

	if (media_session_type(s) == MEDIA_IMAGE) {
		set.ncodecs = 0;
		set.udptl.ec = UDPTL_REDUNDANCY;
	}
	assert_int_equal(sa_parse_host(&set.remote, STR("127.0.0.1"), sa_port(media_session_local(to))), 0);
	assert_int_equal(media_session_set(s, &set), 0);
}

void fax_line(struct fake *a, struct fake *b)
{
	send_to(a->session, b->session);
	send_to(b->session, a->session);
}

/* ---- T.38: which end a channel is */

enum { ENDS = 4 };
static struct t38_end *ends[ENDS];

static struct t38_end *end_of(const struct channel *ch)
{
	for (int i = 0; i < ENDS; i++)
		if (ends[i] && ends[i]->f->ch == ch)
			return ends[i];
	return NULL;
}

static void tell(struct t38_end *e, enum t38_what what)
{
	const struct t38_parameters p = { .what = what, .max_ifp = 300, .rate = T38_14400 };

	if (e->f->ch)
		assert_int_equal(channel_t38_tell(e->f->ch, &p), 0);
}

static void open_image(struct t38_end *e)
{
	const struct media_session_prm prm = { .type = MEDIA_IMAGE, .tos = -1, .cos = -1 };

	if (!e->image)
		assert_int_equal(media_session_new(&e->image, e->f->ch->pbx->media, &prm), 0);
}

void fax_line_end(struct t38_end *e)
{
	if (e->image)
		media_session_close(e->image, NULL, NULL);
	e->image = NULL;
	for (int i = 0; i < ENDS; i++)
		if (ends[i] == e)
			ends[i] = NULL;
}

static void negotiated(struct t38_end *a, struct t38_end *b)
{
	open_image(a);
	open_image(b);
	send_to(a->image, b->image);
	send_to(b->image, a->image);
	a->state = b->state = T38_NEGOTIATED;
	a->asked = b->asked = false;
	/* As a technology does whose media has changed. */
	channel_event_simple(a->f->ch, CE_MEDIA);
	channel_event_simple(b->f->ch, CE_MEDIA);
	tell(a, T38_IS_NEGOTIATED);
	tell(b, T38_IS_NEGOTIATED);
}

static void refused(struct t38_end *e)
{
	e->state = e->other ? T38_REJECTED : T38_REJECTED;
	tell(e, T38_IS_REFUSED);
}

static void asks(struct t38_end *e)
{
	struct t38_end *o = e->other;

	if (e->asked) {
		negotiated(e, o);
		return;
	}
	if (e->silent)
		return;
	if (!o || e->refuses) {
		refused(e);
		return;
	}
	e->state = o->state = T38_NEGOTIATING;
	o->asked = true;
	tell(o, T38_ASK_NEGOTIATE);
}

static void told(struct t38_end *e, enum t38_what what)
{
	struct t38_end *o = e->other;

	switch (what) {
	case T38_ASK_NEGOTIATE:
	case T38_IS_NEGOTIATED:
		if (e->state != T38_NEGOTIATED)
			asks(e);
		break;
	case T38_IS_REFUSED:
		if (e->asked) {
			e->asked = false;
			e->state = T38_REJECTED;
			refused(o);
		}
		break;
	case T38_ASK_TERMINATE:
	case T38_IS_TERMINATED:
		if (e->state != T38_NEGOTIATED)
			break;
		e->state = o->state = T38_UNKNOWN;
		tell(e, T38_IS_TERMINATED);
		tell(o, T38_IS_TERMINATED);
		break;
	case T38_ASK_PARAMETERS:
		if (e->asked)
			tell(e, T38_ASK_NEGOTIATE);
		break;
	}
}

static int indicate(struct channel *ch, enum indication ind, const void *data)
{
	struct t38_end *e = end_of(ch);
	const struct t38_parameters *p = data;

	if (ind != IND_T38 || !e)
		return fake_tech.indicate(ch, ind, data);
	snprintf(e->log + strlen(e->log), sizeof(e->log) - strlen(e->log), "%s,", t38_what_name(p->what));
	told(e, p->what);
	return 0;
}

static int state_of(const struct channel *ch)
{
	const struct t38_end *e = end_of(ch);

	return e ? (int)e->state : T38_UNAVAILABLE;
}

static struct media_session *image_of(struct channel *ch)
{
	struct t38_end *e = end_of(ch);

	return e && e->state == T38_NEGOTIATED ? e->image : NULL;
}

static struct channel_tech tech;

static void add(struct t38_end *e, struct t38_end *other)
{
	int i = 0;

	while (i < ENDS - 1 && ends[i])
		i++;
	ends[i] = e;
	e->other = other;
	e->state = T38_UNKNOWN;
	tech = fake_tech;
	tech.indicate = indicate;
	tech.t38_state = state_of;
	tech.image = image_of;
	e->f->ch->tech = &tech;
}

void fax_line_t38(struct t38_end *a, struct t38_end *b)
{
	if (a)
		add(a, b);
	if (b)
		add(b, a);
}
