/* A world of channels without telephones: loop, clock, pbx, and a technology that does what the test says. */
#include "fake_tech.h"
#include "base/obj.h"
#include "config/reader.h"
#include "media/media.h"
#include "pbx/aoc.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static struct world *the_world;         /* a technology's functions get no argument of ours */

static void fake_free(void *o)
{
	struct fake *f = o;

	text_free(&f->dest);
	buf_free(&f->log);
}

static struct fake *fake_new(struct world *w, struct str dest)
{
	struct fake *f = obj_new(sizeof(*f), fake_free);

	assert_non_null(f);
	text_set(&f->dest, dest);
	list_append(&w->fakes, &f->link);
	if (w->media) {
		struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };

		assert_int_equal(sa_parse(&prm.bind, STR("127.0.0.1")), 0);
		assert_int_equal(media_session_new(&f->session, w->media, &prm), 0);
	}
	return f;
}

static void note(struct channel *ch, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct channel *ch, const char *fmt, ...)
{
	struct fake *f = ch->pvt;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&f->log, fmt, ap);
	va_end(ap);
	buf_char(&f->log, ' ');
}

extern const struct channel_tech fake_tech;

static struct media_session *media(struct channel *ch)
{
	return ((struct fake *)ch->pvt)->session;
}

static void from_media(void *arg, struct media_session *s, const struct media_event *e)
{
	struct fake *f = arg;

	(void)s;
	if (f->ch)
		channel_media_event(f->ch, e);
}

static void set_channel(struct fake *f, struct channel *ch)
{
	f->ch = ch;
	ch->digits_in_media = f->session != NULL;
	if (f->session)
		media_session_handler(f->session, from_media, f);
}

static int request(const struct channel_request *rq, struct channel **out, int *cause)
{
	struct channel_new_prm prm = { .pbx = rq->pbx, .tech = &fake_tech, .stem = rq->dest,
		.context = STR("default"), .uniqueid = rq->uniqueid, .linked = rq->requestor, .outgoing = true };
	struct fake *f;

	if (the_world->refuse_cause) {
		*cause = the_world->refuse_cause;
		return EHOSTUNREACH;
	}
	f = fake_new(the_world, rq->dest);
	prm.pvt = f;
	f->refuse_call = str_starts(rq->dest, STR("refuse"));
	if (channel_new(&f->ch, &prm)) {
		media_session_close(f->session, NULL, NULL);
		f->session = NULL;
		return ENOMEM;
	}
	set_channel(f, f->ch);
	*out = f->ch;
	return 0;
}

static int call(struct channel *ch, uint32_t timeout_ms)
{
	struct fake *f = ch->pvt;

	(void)timeout_ms;
	note(ch, "call");
	if (f->refuse_call) {
		ch->cause = CAUSE_CONGESTION;
		return EHOSTUNREACH;
	}
	return 0;
}

static int answer(struct channel *ch)
{
	note(ch, "answer");
	return 0;
}

/* "aoc:S/2", "aoc:D/sub/2:150*10^-2EUR", "aoc:E/3:7": type, charge, and how much. */
static void note_aoc(struct channel *ch, const struct aoc *a)
{
	static const char types[] = "SDE";

	if (!a)
		note(ch, "aoc");
	else if (a->type == AOC_S)
		note(ch, "aoc:S/%zu", a->nrates);
	else if (a->charge == AOC_CHARGE_CURRENCY)
		note(ch, "aoc:%c%s/2:%u*10^%d%s", types[a->type], a->subtotal ? "/sub" : "", a->money.amount, a->money.power,
		     a->money.currency);
	else
		note(ch, "aoc:%c%s/%d:%u", types[a->type], a->subtotal ? "/sub" : "", (int)a->charge,
		     a->nunits ? a->units[0].amount : 0);
}

static int indicate(struct channel *ch, enum indication ind, const void *data)
{
	static const char *const names[] = { "ringing", "progress", "proceeding", "busy", "congestion", "incomplete",
		"hold", "unhold", "line", "redirecting", "srcupdate", "vidupdate", "flash", "t38", "aoc", "stop" };

	if (ind == IND_AOC)
		note_aoc(ch, data);
	else if (ind == IND_CONNECTED_LINE)
		note(ch, "line:%s", text_z(&ch->connected.number));
	else
		note(ch, "%s", names[ind]);
	return ind == IND_HOLD || ind == IND_UNHOLD ? ENOSYS : 0;
}

static int digit(struct channel *ch, char d, unsigned ms)
{
	(void)ms;
	note(ch, "digit:%c", d);
	return 0;
}

static int text(struct channel *ch, struct str body, struct str type)
{
	(void)type;
	note(ch, "text:%.*s", STR_ARG(body));
	return 0;
}

static int transfer(struct channel *ch, struct str dest)
{
	note(ch, "transfer:%.*s", STR_ARG(dest));
	return 0;
}

static void hangup(struct channel *ch)
{
	struct fake *f = ch->pvt;

	note(ch, "hangup:%d", ch->cause);
	f->ch = NULL;
	if (f->session)
		media_session_close(f->session, NULL, NULL);
	f->session = NULL;
}

static void bridged(struct channel *ch, struct channel *peer)
{
	note(ch, "with:%s", peer ? text_z(&peer->name) : "nobody");
}

static void moved(struct channel *from, struct channel *to)
{
	struct fake *f = to->pvt;

	(void)from;
	set_channel(f, to);
	note(to, "moved");
}

const struct channel_tech fake_tech = {
	.type = "Fake", .description = "far ends played by a test", .request = request, .call = call, .answer = answer,
	.indicate = indicate, .digit = digit, .text = text, .transfer = transfer, .hangup = hangup,
	.bridged = bridged, .moved = moved, .media = media,
};

/* ---- the world */

static void hear(void *arg, const struct event *e)
{
	struct world *w = arg;
	struct told *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	text_set(&t->name, str_z(e->name));
	text_set(&t->body, buf_view(&e->body));
	list_append(&w->events, &t->link);
}

void world_dialplan(struct world *w, const char *text_)
{
	struct config_prm prm = { .dir = "/" };
	struct dialplan *plan;
	struct config *cfg;

	assert_int_equal(config_parse(&cfg, &prm, STR("extensions.conf"), str_z(text_), NULL), 0);
	assert_int_equal(dialplan_build(&plan, cfg, &w->pbx->globals, NULL, NULL), 0);
	dialplan_install(w->pbx, plan, NULL);
	config_free(cfg);
}

static void open_world(struct world *w, const char *extensions, bool media_too)
{
	struct pbx_prm prm = { .entityid = STR("00:16:3e:00:00:01") };

	*w = (struct world){ .objects = obj_live() };
	the_world = w;
	clock_fake_init(&w->clock, 1700000000);
	list_init(&w->fakes);
	list_init(&w->events);
	w->loop = GOT(loop_new(&w->clock.c));
	assert_non_null(w->loop);
	prm.loop = w->loop;
	if (media_too) {
		struct media_prm mp = { .core = w->loop };

		assert_int_equal(media_new(&w->media, &mp), 0);
		prm.media = w->media;
	}
	assert_int_equal(pbx_new(&w->pbx, &prm), 0);
	assert_int_equal(pbx_add_tech(w->pbx, &fake_tech), 0);
	w->listener = events_listen(w->pbx->events, UINT32_MAX, hear, w);
	assert_non_null(w->listener);
	world_dialplan(w, extensions);
}

void world_open(struct world *w, const char *extensions)
{
	open_world(w, extensions, false);
}

void world_open_media(struct world *w, const char *extensions)
{
	open_world(w, extensions, true);
}

void world_forget_events(struct world *w)
{
	while (!list_empty(&w->events)) {
		struct told *t = container_of(w->events.next, struct told, link);

		list_remove(&t->link);
		text_free(&t->name);
		text_free(&t->body);
		free(t);
	}
}

void world_close(struct world *w)
{
	pbx_hangup_all(w->pbx, CAUSE_NORMAL);
	world_pass(w, 100);
	assert_true(list_empty(&w->pbx->channels));
	events_unlisten(w->pbx->events, w->listener);
	world_forget_events(w);
	while (!list_empty(&w->fakes)) {
		struct list *l = w->fakes.next;

		list_remove(l);
		obj_drop(container_of(l, struct fake, link));
	}
	assert_int_equal(fiber_count(), 0);
	pbx_free(w->pbx);
	if (w->media)
		media_close(w->media);
	loop_free(w->loop);
	assert_int_equal(obj_live(), w->objects);
}

void world_turn(struct world *w)
{
	for (int i = 0; i < 8; i++)
		uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
}

void world_pass(struct world *w, uint64_t ms)
{
	world_turn(w);
	while (ms) {
		uint64_t step = ms < 10 ? ms : 10;

		clock_fake_add(&w->clock, step * 1000);
		ms -= step;
		uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
	}
	world_turn(w);
}

struct fake *world_call_in(struct world *w, const char *name, const char *number, const char *context,
			   const char *exten)
{
	struct fake *f = fake_new(w, str_z(name));
	struct channel_new_prm prm = { .pbx = w->pbx, .tech = &fake_tech, .pvt = f, .stem = str_z(name),
		.state = CHAN_RING, .context = str_z(context), .exten = str_z(exten), .caller_number = str_z(number) };

	assert_int_equal(channel_new(&f->ch, &prm), 0);
	set_channel(f, f->ch);
	assert_int_equal(pbx_start(f->ch), 0);
	world_turn(w);
	return f;
}

struct fake *world_fake(struct world *w, const char *name)
{
	for (struct list *l = w->fakes.prev; l != &w->fakes; l = l->prev) {
		struct fake *f = container_of(l, struct fake, link);

		if (str_eq(text_view(&f->dest), str_z(name)))
			return f;
	}
	return NULL;
}

void fake_event(struct fake *f, enum chan_event_type t)
{
	assert_non_null(f->ch);
	channel_event_simple(f->ch, t);
	world_turn(the_world);
}

void fake_hangup(struct fake *f, int cause)
{
	assert_non_null(f->ch);
	channel_event_hangup(f->ch, cause);
	world_turn(the_world);
}

void fake_digit(struct fake *f, char d)
{
	struct chan_event *e = GOT(chan_event_new(CE_DTMF_END));
	uint64_t now = clock_ms(the_world->pbx->clock);

	e->digit = d;
	e->ms = 100;
	assert_non_null(f->ch);
	/* A finger takes its time. */
	if (f->ch->pace.next_ms > now)
		world_pass(the_world, f->ch->pace.next_ms - now);
	channel_event(f->ch, e);
	world_turn(the_world);
}

void fake_line(struct fake *f, const char *number, const char *name)
{
	struct chan_event *e = GOT(chan_event_new(CE_CONNECTED_LINE));

	e->party = calloc(1, sizeof(*e->party));
	party_set(e->party, str_z(number), str_z(name));
	channel_event(f->ch, e);
	world_turn(the_world);
}

void fake_forward(struct fake *f, const char *to)
{
	struct chan_event *e = GOT(chan_event_new(CE_FORWARD));

	text_set(&e->text, str_z(to));
	channel_event(f->ch, e);
	world_turn(the_world);
}

unsigned fake_told_times(const struct fake *f, const char *word)
{
	struct str log = buf_view(&f->log);
	unsigned n = 0;

	while (log.n)
		n += str_eq(str_cut_raw(&log, ' '), str_z(word));
	return n;
}

bool fake_was_told(const struct fake *f, const char *word)
{
	return fake_told_times(f, word) > 0;
}

static bool has_line(const struct told *t, struct str want)
{
	struct str body = text_view(&t->body), line;

	while (str_line(&body, &line))
		if (str_eq(line, want))
			return true;
	return false;
}

unsigned world_events(const struct world *w, const char *name, const char *line)
{
	unsigned n = 0;

	list_each(l, &w->events) {
		const struct told *t = container_of(l, struct told, link);

		n += str_eq(text_view(&t->name), str_z(name)) && (!line || has_line(t, str_z(line)));
	}
	return n;
}

static bool among(struct str only, struct str name)
{
	while (only.n)
		if (str_eq(str_cut_raw(&only, ' '), name))
			return true;
	return false;
}

const char *world_order(struct world *w, const char *only)
{
	static char out[1024];
	struct buf b;

	buf_init(&b, out, sizeof(out), sizeof(out));
	list_each(l, &w->events) {
		const struct told *t = container_of(l, struct told, link);

		if (!among(str_z(only), text_view(&t->name)))
			continue;
		if (b.n)
			buf_char(&b, ' ');
		buf_put(&b, text_view(&t->name));
	}
	return buf_z(&b);
}

const char *world_var(struct channel *ch, const char *name)
{
	static char out[256];
	struct buf b;

	buf_init(&b, out, sizeof(out), sizeof(out));
	pbx_getvar(ch->pbx, ch, str_z(name), &b);
	return buf_z(&b);
}
