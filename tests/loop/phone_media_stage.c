/* The stage of the tests of a user agent's media: its network, its agent, its ears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include "phone_media_stage.h"
#include "media/rtp.h"

struct clock_fake clk;
struct side a, b, c;
bool cut, real;
size_t packets[3];
struct sa nobody;

static struct side *const sides[] = { &a, &b, &c };
static struct loop *loop;
static size_t live;

/* ---- the network: places of all sides, datagrams on their way */

enum { PLACES = 64, FLYING = 512 };

static struct { struct sa at; struct side *of; } place[PLACES];
static struct { int from; struct sa to; size_t n; uint8_t b[2048]; } flying[FLYING];
static size_t nflying;

static int net_open(void *arg, const struct sa *at, int *out, struct sa *bound)
{
	int k = 0;

	while (k < PLACES && place[k].of)
		k++;
	if (k == PLACES)
		return EMFILE;
	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + k));
	for (int i = 0; i < PLACES; i++)
		if (place[i].of && sa_eq(&place[i].at, bound))
			return EADDRINUSE;
	place[k].at = *bound;
	place[k].of = arg;
	*out = k;
	return 0;
}

static void net_close(void *arg, int k)
{
	assert_ptr_equal(place[k].of, arg);
	place[k].of = NULL;
}

static int net_send(void *arg, int k, const struct sa *to, const void *p, size_t n)
{
	assert_ptr_equal(place[k].of, arg);
	if (cut || nflying == FLYING || n > sizeof(flying[0].b))
		return 0;
	for (int i = 0; i < 3; i++)
		packets[i] += sides[i] == arg && rtp_kind(p, n) == RTP_KIND_RTP;
	flying[nflying].from = k;
	flying[nflying].to = *to;
	flying[nflying].n = n;
	memcpy(flying[nflying++].b, p, n);
	return 0;
}

/* All that has been sent arrives; what that brings about is on its way then. */
static void deliver(void)
{
	size_t n = nflying;

	for (size_t i = 0; i < n; i++) {
		int k = 0;

		while (k < PLACES && !(place[k].of && place[k].of->m && sa_eq(&place[k].at, &flying[i].to)))
			k++;
		if (k < PLACES)
			media_deliver(place[k].of->m->media, &place[k].at, &place[flying[i].from].at, flying[i].b, flying[i].n);
		else
			nobody = flying[i].to;
	}
	memmove(flying, flying + n, (nflying - n) * sizeof(flying[0]));
	nflying -= n;
}

static struct media_net nets[] = {
	{ &a, net_open, net_close, net_send }, { &b, net_open, net_close, net_send }, { &c, net_open, net_close, net_send },
};

/* ---- time */

static uint64_t now_ms(void)
{
	return clock_ms(clock_real());
}

/* Whichever of them has something to do, or 10 ms have passed. */
static void turn_real(void)
{
	struct pollfd fd[3];
	uint64_t wait = 10;
	nfds_t n = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t left = sides[i]->m ? sidetone_media_wait_ms(sides[i]->m) : UINT64_MAX;

		wait = left < wait ? left : wait;
		if (sides[i]->m)
			fd[n++] = (struct pollfd){ .fd = sidetone_media_fd(sides[i]->m), .events = POLLIN };
	}
	poll(fd, n, (int)wait);
	for (int i = 0; i < 3; i++)
		if (sides[i]->m)
			sidetone_media_process(sides[i]->m);
}

void pass(unsigned ms)
{
	for (uint64_t until = now_ms() + ms; real && now_ms() < until;)
		turn_real();
	if (real)
		return;
	for (unsigned at = 0; at < ms; at += 10) {
		clock_fake_add(&clk, 10000);
		for (int i = 0; i < 3; i++) {
			uv_run(loop_uv(loop), UV_RUN_NOWAIT);
			deliver();
		}
	}
}

bool await_event(struct side *x, enum sidetone_media_event_type t, unsigned ms)
{
	for (uint64_t until = now_ms() + ms; real && now_ms() < until && !count(x, t);)
		turn_real();
	for (unsigned at = 0; !real && at < ms && !count(x, t); at += 10)
		pass(10);
	return count(x, t) > 0;
}

size_t count(const struct side *x, enum sidetone_media_event_type t)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		n += x->e[i].type == t;
	return n;
}

size_t last(const struct side *x, enum sidetone_media_event_type t)
{
	for (size_t i = x->n; i-- > 0;)
		if (x->e[i].type == t)
			return i;
	return EVENTS;
}

/* ---- the agent */

static void describe(struct sidetone_session *s, const char *type, const char *body)
{
	assert_false(s->made);
	s->made = true;
	if (!body)
		return;
	assert_string_equal(type, "application/sdp");
	free(s->body);
	s->body = GOT(malloc(strlen(body) + 1));
	memcpy(s->body, body, strlen(body) + 1);
}

static void described(struct sidetone_session *s, unsigned status)
{
	assert_false(s->told);
	s->told = true;
	s->status = status;
}

static int reinvite(struct sidetone_session *s, const char *headers, bool update)
{
	struct sidetone_event e = { .type = SIDETONE_DESCRIBE, .session = s, .status = SIDETONE_OFFER };

	assert_null(headers);
	assert_false(update);
	s->reinvites++;
	if (s->asks_at_once) {
		s->made = false;
		assert_true(sidetone_media_handle(s->side->m, &e));
	}
	return s->reinvite_error;
}

static int info_digit(struct sidetone_session *s, char digit, unsigned ms)
{
	size_t n = strlen(s->info);

	assert_in_range(ms, 1, 1000);
	assert_true(n + 1 < sizeof(s->info));
	s->info[n] = digit;
	s->info[n + 1] = 0;
	return s->info_error;
}

static bool is_over(const struct sidetone_session *s)
{
	return s->over;
}

static const struct phone_media_user user = { describe, described, reinvite, info_digit, is_over };

static void on_event(void *arg, const struct sidetone_media_event *e)
{
	struct side *x = arg;

	assert_ptr_equal(e->session, &x->s);
	assert_true(x->n < EVENTS);
	x->e[x->n].type = e->type;
	x->e[x->n].status = e->status;
	x->e[x->n].error = e->error;
	x->e[x->n].digit = e->digit;
	str_copy(x->e[x->n].text, sizeof(x->e[0].text), str_z(e->text));
	x->n++;
	if (x->in_event)
		x->in_event(x, e);
}

void side_up(struct side *x, const struct sidetone_media_options *o)
{
	static const char *const at[] = { "198.51.100.1", "198.51.100.2", "198.51.100.3" };
	struct phone_media_prm prm = { .user = &user, .loop = real ? NULL : loop };
	struct sidetone_media_options mine;
	char why[200] = "";

	sidetone_media_options_init(&mine);
	if (o)
		mine = *o;
	for (int i = 0; i < 3; i++)
		if (sides[i] == x && real) {
			mine.address = mine.address ? mine.address : "127.0.0.1";
		} else if (sides[i] == x) {
			prm.net = &nets[i];
			mine.address = mine.address ? mine.address : at[i];
		}
	prm.why = why;
	prm.why_n = sizeof(why);
	x->s.side = x;
	assert_int_equal(phone_media_new(&x->m, &mine, &prm), 0);
	phone_media_listen(x->m, on_event, x);
}

static void side_down(struct side *x)
{
	sidetone_media_free(x->m);
	free(x->s.body);
	memset(x, 0, sizeof(*x));
}

void side_again(struct side *x, const struct sidetone_media_options *o)
{
	side_down(x);
	side_up(x, o);
}

int stage_up(void **state)
{
	(void)state;
	live = obj_live();
	cut = real = false;
	nflying = 0;
	nobody = (struct sa){ 0 };
	memset(packets, 0, sizeof(packets));
	memset(place, 0, sizeof(place));
	for (int i = 0; i < 3; i++)
		memset(sides[i], 0, sizeof(*sides[i]));
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	loop = loop_new(&clk.c);
	return loop ? 0 : -1;
}

int stage_up_real(void **state)
{
	int err = stage_up(state);

	real = true;
	return err;
}

int stage_down(void **state)
{
	int left = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		side_down(sides[i]);
	loop_free(loop);
	for (int i = 0; i < PLACES; i++)
		left += place[i].of != NULL;
	return left || obj_live() != live;
}

static bool handle(struct side *x, enum sidetone_event_type t, int status, const char *type, const char *body)
{
	struct sidetone_event e = { .type = t, .session = &x->s, .status = status, .cause = type, .text = body,
				    .text_n = body ? strlen(body) : 0 };

	return sidetone_media_handle(x->m, &e);
}

const char *make(struct side *x, enum sidetone_description d)
{
	x->s.made = false;
	free(x->s.body);
	x->s.body = NULL;
	assert_true(handle(x, SIDETONE_DESCRIBE, (int)d, NULL, NULL));
	for (int i = 0; i < 300 && !x->s.made; i++)
		pass(10);
	assert_true(x->s.made);
	return x->s.body;
}

unsigned take(struct side *x, enum sidetone_description d, const char *type, const char *body)
{
	x->s.told = false;
	assert_true(handle(x, SIDETONE_SET_DESCRIPTION, (int)d, type, body));
	assert_true(x->s.told);
	return x->s.status;
}

unsigned offer_answer(struct side *from, struct side *to)
{
	const char *offer = make(from, SIDETONE_OFFER), *answer;
	unsigned status = offer ? take(to, SIDETONE_OFFER, "application/sdp", offer) : 500;

	if (status)
		return status;
	answer = make(to, SIDETONE_ANSWER);
	status = answer ? take(from, SIDETONE_ANSWER, "application/sdp", answer) : 500;
	if (!status) {
		assert_false(handle(from, SIDETONE_CONFIRMED, 0, NULL, NULL));
		assert_false(handle(to, SIDETONE_CONFIRMED, 0, NULL, NULL));
	}
	return status;
}

void refused(struct side *x)
{
	assert_false(handle(x, SIDETONE_REINVITE_FAILED, 0, NULL, NULL));
}

void closed(struct side *x)
{
	x->s.over = true;
	assert_true(handle(x, SIDETONE_MEDIA_CLOSED, 0, NULL, NULL));
}

struct sidetone_media_state state_of(struct side *x)
{
	struct sidetone_media_state st;

	assert_int_equal(sidetone_media_state(x->m, &x->s, &st), 0);
	return st;
}

/* ---- sound. Media threads are at it as well, where there are some */

static pthread_mutex_t ears = PTHREAD_MUTEX_INITIALIZER;

static size_t on_read(void *arg, int16_t *pcm, size_t n)
{
	struct side *x = arg;

	for (size_t i = 0; i < n; i++, x->said++)
		pcm[i] = (int16_t)lrint(8000 * sin(2 * M_PI * x->hz * (double)x->said / x->rate));
	return n;
}

static void on_write(void *arg, const int16_t *pcm, size_t n)
{
	struct side *x = arg;

	pthread_mutex_lock(&ears);
	if (x->nheard + n <= HEARD) {
		memcpy(x->heard + x->nheard, pcm, n * sizeof(*pcm));
		x->nheard += n;
	}
	pthread_mutex_unlock(&ears);
}

static void on_end(void *arg)
{
	((struct side *)arg)->ended++;
}

void listens(struct side *x, unsigned rate)
{
	struct sidetone_pcm pcm = { x, rate, on_read, on_write, on_end };

	x->rate = rate;
	assert_int_equal(sidetone_media_pcm(x->m, &x->s, &pcm), 0);
}

void source(struct side *x, enum sidetone_source_type t, const char *text)
{
	assert_int_equal(sidetone_media_source(x->m, &x->s, &(struct sidetone_source){ .type = t, .text = text }), 0);
}

void forget(void)
{
	pthread_mutex_lock(&ears);
	for (int i = 0; i < 3; i++)
		sides[i]->nheard = 0;
	pthread_mutex_unlock(&ears);
}

double share(const struct side *x, double hz)
{
	double sum = 0;

	for (size_t i = 0; i < x->nheard; i++)
		sum += (double)x->heard[i] * x->heard[i];
	if (!x->nheard || sqrt(sum / (double)x->nheard) < 30)
		return -1;
	return tone_goertzel(x->heard, x->nheard, x->rate, (uint32_t)hz);
}

/* Of 200 ms in real time, or of what a side has heard in 2 s. */
static double share_real(struct side *x, double hz)
{
	size_t want = x->rate / 5, n = 0;
	double is;

	forget();
	for (uint64_t until = now_ms() + 2000; n < want && now_ms() < until;) {
		turn_real();
		pthread_mutex_lock(&ears);
		n = x->nheard;
		pthread_mutex_unlock(&ears);
	}
	pthread_mutex_lock(&ears);
	is = share(x, hz);
	pthread_mutex_unlock(&ears);
	return is;
}

bool hears(struct side *x, double hz)
{
	/* What comes to rest takes as long as it takes on a busy machine. */
	for (int i = 0; real && i < 10; i++)
		if (share_real(x, hz) > 0.8)
			return true;
	if (real)
		return false;
	pass(200);
	forget();
	pass(400);
	return share(x, hz) > 0.8;
}

bool hears_nothing(struct side *x)
{
	for (int i = 0; real && i < 10; i++)
		if (share_real(x, 440) < 0)
			return true;
	if (real)
		return false;
	pass(200);
	forget();
	pass(400);
	return share(x, 440) < 0;
}
