/* A user agent's media under a sequence of what its agent, its peer and its application may do: descriptions asked for and
 * handed in, refusals, holds, other ports, sources, digits, datagrams, time. Each step is a byte that says what it is, and
 * what it needs. What is looked at: everything asked is answered once, in time; at the end all is freed and closed. */
#include <errno.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/obj.h"
#include "phone/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PLACES = 32, TEXT = 4096, STEPS = 200 };

struct sidetone_session {
	bool asked, described;
	char own[TEXT];                 /* our last description */
};

struct fuzz {
	const uint8_t *p;
	size_t n;
	struct clock_fake clk;
	struct loop *loop;
	struct sidetone_media *m;
	struct sidetone_session s;
	struct sa place[PLACES];
	uint16_t port;
};

static uint8_t take(struct fuzz *f)
{
	if (!f->n)
		return 0;
	f->n--;
	return *f->p++;
}

static void must(bool is)
{
	if (!is)
		abort();
}

/* ---- the network and the agent */

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	struct fuzz *f = arg;
	int k = 0;

	while (k < PLACES && sa_is_set(&f->place[k]))
		k++;
	if (k == PLACES)
		return EMFILE;
	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, f->port++);
	f->place[k] = *bound;
	*place = k;
	return 0;
}

static void net_close(void *arg, int k)
{
	struct fuzz *f = arg;

	must(sa_is_set(&f->place[k]));
	f->place[k] = (struct sa){ 0 };
}

static int net_send(void *arg, int k, const struct sa *to, const void *p, size_t n)
{
	struct fuzz *f = arg;

	must(sa_is_set(&f->place[k]) && sa_is_set(to) && p && n);
	return 0;
}

static void describe(struct sidetone_session *s, const char *type, const char *body)
{
	must(s->asked && (!body) == (!type));
	s->asked = false;
	if (body)
		str_copy(s->own, sizeof(s->own), str_z(body));
}

static void described(struct sidetone_session *s, unsigned status)
{
	must(!s->described && (!status || (status >= 400 && status < 600)));
	s->described = true;
}

static int reinvite(struct sidetone_session *s, const char *headers, bool update)
{
	(void)s;
	(void)headers;
	(void)update;
	return 0;
}

static int info_digit(struct sidetone_session *s, char digit, unsigned ms)
{
	must(s && digit && ms);
	return 0;
}

static bool is_over(const struct sidetone_session *s)
{
	(void)s;
	return false;
}

static const struct phone_media_user user = { describe, described, reinvite, info_digit, is_over };

static void on_event(void *arg, const struct sidetone_media_event *e)
{
	struct fuzz *f = arg;
	struct sidetone_media_state st;

	must(e->session == &f->s && (unsigned)e->type < SIDETONE_MEDIA_EVENT_TYPES);
	must(e->type != SIDETONE_MEDIA_REFUSED || (e->status && e->text && e->text[0]));
	sidetone_media_state(f->m, &f->s, &st);
	must(st.codec && st.ice && (st.agreed || (!st.sends && !st.receives)));
}

/* ---- steps */

static void pass(struct fuzz *f, unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 20) {
		clock_fake_add(&f->clk, 20000);
		uv_run(loop_uv(f->loop), UV_RUN_NOWAIT);
	}
}

static void tell(struct fuzz *f, enum sidetone_event_type t, int status, const char *body)
{
	struct sidetone_event e = { .type = t, .session = &f->s, .status = status, .text = body, .text_n = body ? strlen(body) : 0 };

	sidetone_media_handle(f->m, &e);
}

static void ask(struct fuzz *f, uint8_t how)
{
	f->s.asked = true;
	tell(f, SIDETONE_DESCRIBE, how & 1 ? SIDETONE_ANSWER : SIDETONE_OFFER, NULL);
	/* Or it asks for something else before it is answered. */
	if (how & 2)
		return;
	pass(f, f->s.asked ? 2100 : 0);
	must(!f->s.asked);
}

static void hand_in(struct fuzz *f, uint8_t how, const char *body)
{
	f->s.described = false;
	tell(f, SIDETONE_SET_DESCRIPTION, how & 1 ? SIDETONE_ANSWER : SIDETONE_OFFER, body);
	must(f->s.described);
}

/* A text of the input's; or our own again, with some other bytes. */
static void describe_peer(struct fuzz *f, uint8_t how)
{
	char text[TEXT];
	size_t n = 0;

	if (how & 2) {
		str_copy(text, sizeof(text), str_z(f->s.own));
		n = strlen(text);
		for (unsigned k = how >> 2 & 3; k && n; k--) {
			size_t at = (size_t)(take(f) << 8 | take(f)) % n;

			text[at] = (char)take(f);
		}
	} else {
		size_t want = (size_t)(take(f) << 8 | take(f)) % (TEXT - 1);

		for (; n < want && f->n; n++)
			text[n] = (char)take(f);
		text[n] = 0;
	}
	hand_in(f, how, text);
}

static void datagram(struct fuzz *f)
{
	uint8_t b[256];
	size_t n = take(f);
	struct sa from;
	int k = take(f) % PLACES;

	sa_parse(&from, STR("192.0.2.1:4000"));
	for (size_t i = 0; i < n; i++)
		b[i] = take(f);
	if (n && sa_is_set(&f->place[k]))
		media_deliver(f->m->media, &f->place[k], &from, b, n);
}

static void application(struct fuzz *f, uint8_t how)
{
	static const char *const tones[] = { "440", "!500/40", "0", "x" }, *const digits[] = { "1", "12w3", "#", "?" };
	static const char *const at[] = { "198.51.100.1", "198.51.100.2", "2001:db8::1", "nowhere" };
	double in, out;

	switch (how & 7) {
	case 0:
		sidetone_media_hold(f->m, &f->s, (enum sidetone_hold)(how >> 3 & 3));
		break;
	case 1:
		sidetone_media_renew(f->m, &f->s);
		break;
	case 2:
		sidetone_media_set_address(f->m, at[how >> 3 & 3], how & 0x20 ? "203.0.113.1" : NULL);
		break;
	case 3:
		sidetone_media_mute(f->m, &f->s, how & 8);
		break;
	case 4:
		sidetone_media_source(f->m, &f->s, &(struct sidetone_source){ .type = how & 8 ? SIDETONE_TONE :
			(enum sidetone_source_type)(how >> 4 & 1 ? SIDETONE_ECHO : SIDETONE_NOTHING), .text = tones[how >> 4 & 3] });
		break;
	case 5:
		sidetone_media_digits(f->m, &f->s, digits[how >> 3 & 3], 0, 0);
		break;
	case 6:
		sidetone_media_ask_stats(f->m, &f->s);
		break;
	default:
		if (how & 8)
			sidetone_media_levels(f->m, &f->s, &in, &out);
	}
}

static void step(struct fuzz *f)
{
	uint8_t how = take(f), what = how & 7;

	how >>= 3;
	if (what == 0)
		ask(f, how);
	else if (what == 1 || what == 2)
		describe_peer(f, how);
	else if (what == 3)
		tell(f, how & 1 ? SIDETONE_REINVITE_FAILED : how & 2 ? SIDETONE_CONFIRMED : SIDETONE_ACCEPTED, 0, NULL);
	else if (what == 4)
		application(f, take(f));
	else if (what == 5)
		datagram(f);
	else if (what == 6)
		pass(f, how * 40u);
	else if (how > 28) {
		tell(f, SIDETONE_MEDIA_CLOSED, 0, NULL);
		f->s.asked = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz *f = calloc(1, sizeof(*f));
	const struct media_net net = { f, net_open, net_close, net_send };
	struct phone_media_prm prm = { .user = &user, .net = &net };
	struct sidetone_media_options o;
	size_t live = obj_live();
	uint8_t how;

	log_set_mask(0);
	f->p = data;
	f->n = n;
	f->port = 20000;
	clock_fake_init(&f->clk, 1700000000);
	prm.loop = f->loop = loop_new(&f->clk.c);
	sidetone_media_options_init(&o);
	how = take(f);
	o.address = "198.51.100.1";
	o.encryption = (enum sidetone_encryption)(how % 3);
	o.ice = how & 4;
	o.bundle = how & 8;
	o.rtcp_mux = how & 16;
	o.optional_encryption = how & 32;
	o.stun = how & 64 ? "203.0.113.5" : NULL;
	must(!phone_media_new(&f->m, &o, &prm));
	phone_media_listen(f->m, on_event, f);
	for (int i = 0; i < STEPS && f->n; i++)
		step(f);
	sidetone_media_free(f->m);
	loop_free(f->loop);
	for (int i = 0; i < PLACES; i++)
		must(!sa_is_set(&f->place[i]));
	must(obj_live() == live);
	free(f);
	return 0;
}
