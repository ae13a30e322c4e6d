/* Hints of the dialplan: the state of an extension out of its devices and presence. */
#define LOG_MODULE "hint"
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/devstate_private.h"
#include "pbx/dialplan_private.h"
#include "pbx/event.h"
#include "pbx/hint_private.h"
#include "pbx/pattern.h"
#include "pbx/substitute.h"
#include <errno.h>
#include <stdlib.h>

#define DEVICES_MAX 256         /* of one hint */

/* ---- one hint */

static void devices_drop(struct hint *h)
{
	for (size_t i = 0; i < h->devices; i++) {
		list_remove(&h->device[i].link);
		device_release(h->pbx, h->device[i].device);
	}
	free(h->device);
	h->device = NULL;
	h->devices = 0;
}

static void hint_obj_free(void *o)
{
	struct hint *h = o;

	text_free(&h->key);
	text_free(&h->context);
	text_free(&h->exten);
	text_free(&h->text);
	text_free(&h->presence_source);
	text_free(&h->presence);
	free(h->device);
}

/* Out of the map; what watches it is forgotten. */
static void hint_drop(struct hint *h)
{
	map_del(h->pbx->hints->by_key, text_view(&h->key));
	devices_drop(h);
	list_each_safe(l, tmp, &h->watches) {
		list_remove(l);
		free(container_of(l, struct hint_watch, link));
	}
	obj_drop(h);
}

static void sweep(struct hint *h)
{
	list_each_safe(l, tmp, &h->watches) {
		struct hint_watch *w = container_of(l, struct hint_watch, link);

		if (w->fn)
			continue;
		list_remove(l);
		free(w);
	}
	if (list_empty(&h->watches) && (h->by_pattern || h->gone) && map_get(h->pbx->hints->by_key, text_view(&h->key)) == h)
		hint_drop(h);
}

static void tell_observers(struct hint *h, int state)
{
	list_each(l, &h->pbx->hints->observers) {
		struct hint_observer *o = container_of(l, struct hint_observer, link);

		o->changed(o->arg, text_view(&h->context), text_view(&h->exten), state);
	}
}

static void notify(struct hint *h, int state)
{
	tell_observers(h, state);
	obj_hold(h);
	h->walking++;
	list_each(l, &h->watches) {
		struct hint_watch *w = container_of(l, struct hint_watch, link);

		if (w->fn)
			w->fn(w->arg, state);
	}
	if (!--h->walking && h->pbx)
		sweep(h);
	obj_drop(h);
}

static void tell_state(struct hint *h)
{
	struct event *e = event_new(h->pbx->events, "ExtensionStatus", EV_CALL);

	event_put(e, "Exten", text_view(&h->exten));
	event_put(e, "Context", text_view(&h->context));
	event_put(e, "Hint", text_view(&h->text));
	event_printf(e, "Status", "%d", h->state);
	event_put(e, "StatusText", str_z(exten_state_name(h->state)));
	event_send(h->pbx->events, e);
}

static int sum_state(const struct hint *h)
{
	struct device_sum sum;

	if (!h->devices)
		return EXTEN_UNAVAILABLE;
	device_sum_init(&sum);
	for (size_t i = 0; i < h->devices; i++)
		device_sum_add(&sum, h->device[i].device->state);
	return device_to_exten(sum.state);
}

static bool recompute(struct hint *h)
{
	int state = sum_state(h);

	/* Ringing again is news: another call rings there. */
	if (state == h->state && !(state & EXTEN_RINGING))
		return false;
	h->state = state;
	tell_state(h);
	return true;
}

static bool presence_recompute(struct hint *h)
{
	struct presence v;
	struct text line = { 0 };
	struct event *e;

	if (!h->presence_source.n || !presence_get(h->pbx, text_view(&h->presence_source), &v))
		return false;
	if (text_printf(&line, "%.*s,%.*s,%.*s", STR_ARG(v.state), STR_ARG(v.subtype), STR_ARG(v.message)))
		return false;
	if (str_eq(text_view(&line), text_view(&h->presence))) {
		text_free(&line);
		return false;
	}
	text_free(&h->presence);
	h->presence = line;
	e = event_new(h->pbx->events, "PresenceStatus", EV_CALL);
	event_put(e, "Exten", text_view(&h->exten));
	event_put(e, "Context", text_view(&h->context));
	event_put(e, "Hint", text_view(&h->text));
	event_put(e, "Status", v.state);
	event_put(e, "Subtype", v.subtype);
	event_put(e, "Message", v.message);
	event_send(h->pbx->events, e);
	return true;
}

static int add_device(struct hint *h, struct str name)
{
	struct device *d = device_take(h->pbx, name);

	if (!d)
		return ENOMEM;
	for (size_t i = 0; i < h->devices; i++)
		if (h->device[i].device == d)
			return 0;
	h->device[h->devices] = (struct hint_device){ .hint = h, .device = d };
	list_append(&d->hints, &h->device[h->devices].link);
	h->devices++;
	return 0;
}

/* "PJSIP/100&PJSIP/101(Kitchen),CustomPresence:kitchen": the devices, without what
 * they are called; what is left is the presence. */
static struct str cut_devices(struct str *text)
{
	struct str devices = str_cut_raw(text, ',');

	return str_trim(str_sub(devices, 0, str_chr(devices, '(')));
}

/* "PJSIP/1&PJSIP/2,CustomPresence:x" -> devices and presence. */
static int parse(struct hint *h)
{
	struct str rest = text_view(&h->text), devices = cut_devices(&rest), d = devices;
	size_t n = 1;
	int err = 0;

	for (size_t i = 0; i < d.n; i++)
		n += d.p[i] == '&';
	n = n > DEVICES_MAX ? DEVICES_MAX : n;
	h->device = calloc(n, sizeof(*h->device));
	if (!h->device)
		return ENOMEM;
	while (devices.n && h->devices < n && !err) {
		d = str_trim(str_cut_raw(&devices, '&'));
		err = d.n ? add_device(h, d) : 0;
	}
	return err ? err : text_set(&h->presence_source, str_trim(rest));
}

static struct hint *hint_new(struct pbx *p, struct str context, struct str exten, struct str text)
{
	struct hint *h = obj_new(sizeof(*h), hint_obj_free);

	if (!h)
		return NULL;
	list_init(&h->watches);
	h->pbx = p;
	h->state = EXTEN_UNAVAILABLE;
	if (text_set(&h->context, context) || text_set(&h->exten, exten) || text_set(&h->text, text) ||
	    text_printf(&h->key, "%.*s@%.*s", STR_ARG(exten), STR_ARG(context)) ||
	    map_add(p->hints->by_key, text_view(&h->key), h)) {
		obj_drop(h);
		return NULL;
	}
	if (parse(h)) {
		hint_drop(h);
		return NULL;
	}
	return h;
}

/* ---- finding */

static struct hint *find(struct pbx *p, struct str context, struct str exten)
{
	char room[600];
	struct buf key;

	buf_init(&key, room, sizeof(room), sizeof(room));
	buf_puts(&key, exten, STR("@"), context);
	return p->hints && !buf_err(&key) ? map_get(p->hints->by_key, buf_view(&key)) : NULL;
}

struct place {
	struct str context;     /* where the hint itself stands */
	struct str text;        /* not substituted */
	bool pattern;
};

static bool place_of(struct pbx *p, struct str context, struct str exten, struct place *out)
{
	struct find f = { .context = context, .exten = exten, .priority = PRIORITY_HINT, .action = FIND_STEP };
	struct found found;

	if (!exten.n || pattern_is(exten) || !dialplan_find(p, &f, &found))
		return false;
	*out = (struct place){ .context = found.context->name, .text = found.step->app,
		.pattern = pattern_is(found.exten->key) };
	return true;
}

/* The hint of an extension; one by a pattern is made when `make`. */
static struct hint *get(struct pbx *p, struct str context, struct str exten, bool make, struct place *pl)
{
	struct hint *h = find(p, context, exten);
	struct buf text = BUF_INIT;

	*pl = (struct place){ 0 };
	if (h && !h->gone)
		return h;
	if (!place_of(p, context, exten, pl))
		return NULL;
	h = find(p, pl->context, exten);
	if ((h && !h->gone) || !make || !pl->pattern)
		return h && !h->gone ? h : NULL;
	pbx_substitute_at(p, pl->context, exten, pl->text, &text);
	h = hint_new(p, pl->context, exten, buf_view(&text));
	buf_free(&text);
	if (!h)
		return NULL;
	h->by_pattern = true;
	h->state = sum_state(h);
	(void)presence_recompute(h);
	return h;
}

/* A pattern's hint that nobody watches: asked for once, kept nowhere. */
static int ask_once(struct pbx *p, struct str exten, const struct place *pl, struct text *source)
{
	struct buf text = BUF_INIT;
	struct device_sum sum;
	struct str rest, devices;
	bool any = false;

	pbx_substitute_at(p, pl->context, exten, pl->text, &text);
	rest = buf_view(&text);
	devices = cut_devices(&rest);
	device_sum_init(&sum);
	while (devices.n) {
		struct str d = str_trim(str_cut_raw(&devices, '&'));

		if (d.n) {
			device_sum_add(&sum, device_get(p, d));
			any = true;
		}
	}
	if (source)
		(void)text_set(source, str_trim(rest));
	buf_free(&text);
	return any ? device_to_exten(sum.state) : EXTEN_UNAVAILABLE;
}

int hint_state(struct pbx *p, struct str context, struct str exten, struct str *hint)
{
	struct place pl;
	struct hint *h;

	if (hint)
		*hint = STR_NULL;
	if (!p->hints)
		return -1;
	h = get(p, context, exten, false, &pl);
	if (h) {
		if (hint)
			*hint = text_view(&h->text);
		return h->state;
	}
	if (!pl.context.p)
		return -1;
	if (hint)
		*hint = pl.text;
	return ask_once(p, exten, &pl, NULL);
}

bool hint_presence(struct pbx *p, struct str context, struct str exten, struct presence *out)
{
	struct text source = { 0 };
	struct place pl;
	struct hint *h;
	bool found = false;

	if (!p->hints)
		return false;
	h = get(p, context, exten, false, &pl);
	if (h)
		return h->presence_source.n && presence_get(p, text_view(&h->presence_source), out);
	if (!pl.context.p)
		return false;
	(void)ask_once(p, exten, &pl, &source);
	found = source.n && presence_get(p, text_view(&source), out);
	text_free(&source);
	return found;
}

struct hint_watch *hint_watch(struct pbx *p, struct str context, struct str exten, hint_fn *fn, void *arg)
{
	struct place pl;
	struct hint *h = p->hints ? get(p, context, exten, true, &pl) : NULL;
	struct hint_watch *w = h ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return NULL;
	*w = (struct hint_watch){ .hint = h, .fn = fn, .arg = arg };
	list_append(&h->watches, &w->link);
	return w;
}

void hint_unwatch(struct hint_watch *w)
{
	if (!w)
		return;
	w->fn = NULL;
	if (!w->hint->walking)
		sweep(w->hint);
}

/* ---- changes */

static void follow_device(struct pbx *p, struct device *d)
{
	size_t n = 0, i = 0;
	struct hint **v;

	(void)p;
	list_each(l, &d->hints)
		n++;
	v = n ? calloc(n, sizeof(*v)) : NULL;
	if (!v) {
		if (n)
			log_error("No memory to tell of device %s: its hints wait for its next change", text_z(&d->name));
		return;
	}
	/* Watchers may come and go meanwhile, and with them hints. */
	list_each(l, &d->hints)
		v[i++] = obj_hold(container_of(l, struct hint_device, link)->hint);
	for (i = 0; i < n; i++) {
		if (!v[i]->gone && v[i]->devices && recompute(v[i]))
			notify(v[i], v[i]->state);
		obj_drop(v[i]);
	}
	free(v);
}

/* One after another, in no order, until NULL. Needs no memory, so that a walk is
 * never skipped; hints may come and go between two calls, and one that comes is
 * not part of the walk. */
static unsigned walk_begin(struct pbx *p)
{
	size_t it = 0;
	struct hint *h;

	p->hints->walk++;
	while ((h = map_next(p->hints->by_key, &it)))
		h->walk = p->hints->walk - 1;
	return p->hints->walk;
}

static struct hint *walk_next(struct pbx *p, unsigned walk, size_t *it)
{
	for (bool again = *it > 0;; again = false, *it = 0) {
		struct hint *h;

		while ((h = map_next(p->hints->by_key, it))) {
			if (h->walk != walk - 1)
				continue;
			h->walk = walk;
			return h;
		}
		/* A hint that was added may have moved all the others. */
		if (!again)
			return NULL;
	}
}

static void follow_presence(struct pbx *p, struct str name)
{
	unsigned walk;
	struct hint *h;
	size_t it = 0;

	walk = walk_begin(p);
	while ((h = walk_next(p, walk, &it))) {
		obj_hold(h);
		if (!h->gone && str_ifind(text_view(&h->presence_source), name) < h->presence_source.n &&
		    presence_recompute(h))
			notify(h, h->state);
		obj_drop(h);
	}
}

/* What the dialplan says of a hint now. */
static void update(struct hint *h, struct str text)
{
	bool news;

	h->seen = true;
	if (!h->gone && str_eq(text, text_view(&h->text)))
		return;
	devices_drop(h);
	if (text_set(&h->text, text) || parse(h)) {
		log_error("No memory for the hint of %s", text_z(&h->key));
		devices_drop(h);
		text_free(&h->text);    /* so that the next reload tries again */
		return;
	}
	h->gone = false;
	news = recompute(h);
	news |= presence_recompute(h);
	if (news)
		notify(h, h->state);
}

static void see(struct pbx *p, struct str context, struct str exten, struct str text)
{
	struct buf b = BUF_INIT;
	struct hint *h;

	pbx_substitute_at(p, context, exten, text, &b);
	h = find(p, context, exten);
	if (h) {
		update(h, buf_view(&b));
	} else {
		h = hint_new(p, context, exten, buf_view(&b));
		if (h) {
			h->seen = true;
			(void)recompute(h);
			(void)presence_recompute(h);
			tell_observers(h, h->state);
		}
	}
	buf_free(&b);
}

static void see_list(struct pbx *p, const struct context *c, const struct exten_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct step *s = exten_step(l->v[i], PRIORITY_HINT);

		if (s)
			see(p, c->name, l->v[i]->name, s->app);
	}
}

static void see_all(struct pbx *p, const struct dialplan *d)
{
	for (size_t i = 0; d && d->hints && i < d->n; i++)
		see_list(p, d->order[i], &d->order[i]->plain);
}

static void settle(struct pbx *p, struct hint *h)
{
	struct place pl;

	if (h->seen)
		return;
	if (h->by_pattern && place_of(p, text_view(&h->context), text_view(&h->exten), &pl) && pl.pattern) {
		see(p, text_view(&h->context), text_view(&h->exten), pl.text);
		return;
	}
	if (h->gone)
		return;
	h->gone = true;
	h->state = EXTEN_REMOVED;
	devices_drop(h);
	notify(h, EXTEN_REMOVED);
}

void hints_changed(struct pbx *p)
{
	unsigned walk;
	struct hint *h;
	size_t it = 0;

	if (!p->hints)
		return;
	while ((h = map_next(p->hints->by_key, &it)))
		h->seen = false;
	walk = walk_begin(p);
	see_all(p, p->plan);
	see_all(p, p->added);
	it = 0;
	while ((h = walk_next(p, walk, &it))) {
		obj_hold(h);
		settle(p, h);
		obj_drop(h);
	}
}

void hint_observe(struct pbx *p, struct hint_observer *o)
{
	list_append(&p->hints->observers, &o->link);
}

static bool hint_variable(struct channel *ch, struct buf *out)
{
	struct str hint;

	if (hint_state(ch->pbx, text_view(&ch->context), text_view(&ch->exten), &hint) < 0)
		return false;
	buf_put(out, hint);
	return true;
}

int hints_new(struct pbx *p)
{
	static const struct device_observer observer = { .device = follow_device,
		.presence = follow_presence };
	static const struct builtin variable = { .name = "HINT", .read = hint_variable };

	p->hints = calloc(1, sizeof(*p->hints));
	if (!p->hints)
		return ENOMEM;
	p->hints->walk = 1;
	list_init(&p->hints->observers);
	p->hints->by_key = map_new_ordered();
	if (!p->hints->by_key)
		return ENOMEM;
	p->devstates->observer = &observer;
	return pbx_add_builtin(p, &variable);
}

void hints_free(struct pbx *p)
{
	size_t it = 0;
	struct hint *h;

	if (!p->hints)
		return;
	while (p->hints->by_key && (h = map_next(p->hints->by_key, &it))) {
		obj_hold(h);
		hint_drop(h);
		h->pbx = NULL;
		obj_drop(h);
	}
	if (p->devstates)
		p->devstates->observer = NULL;
	map_free(p->hints->by_key);
	free(p->hints);
	p->hints = NULL;
}
