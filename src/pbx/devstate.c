/* Device states: asked of their technology, kept, told once a turn. */
#define LOG_MODULE "devstate"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel.h"
#include "pbx/devstate_private.h"
#include "pbx/event.h"
#include "store/astdb.h"
#include <errno.h>
#include <stdlib.h>

#define CUSTOM STR("Custom:")
#define CUSTOM_FAMILY STR("CustomDevstate")

static const char *const names[DEV_STATES] = { "UNKNOWN", "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE",
	"RINGING", "RINGINUSE", "ONHOLD" };

struct provider {
	const char *label;
	device_fn *fn;
};

const char *device_state_name(enum device_state s)
{
	return (unsigned)s < DEV_STATES ? names[s] : names[DEV_UNKNOWN];
}

int device_state_of(struct str name, enum device_state *s)
{
	for (int i = 0; i < DEV_STATES; i++)
		if (str_ieq(name, str_z(names[i]))) {
			*s = (enum device_state)i;
			return 0;
		}
	return EINVAL;
}

/* ---- asking */

/* From the channels themselves, where the technology cannot tell. */
static enum device_state of_channels(struct pbx *p, struct str device)
{
	struct device_sum sum;
	bool any = false;

	device_sum_init(&sum);
	list_each(l, &p->channels) {
		const struct channel *ch = container_of(l, struct channel, link);
		struct str name = text_view(&ch->name);

		if (!str_istarts(name, device) || name.n <= device.n || name.p[device.n] != '-')
			continue;
		any = true;
		device_sum_add(&sum, ch->state == CHAN_RINGING || ch->state == CHAN_PRERING ? DEV_RINGING :
			       ch->state == CHAN_BUSY ? DEV_BUSY : ch->state == CHAN_DOWN ? DEV_NOT_INUSE : DEV_INUSE);
	}
	return any ? sum.state : DEV_UNKNOWN;
}

static enum device_state of_custom(struct pbx *p, struct str name)
{
	enum device_state s = DEV_UNKNOWN;
	struct str value;

	if (p->db && astdb_get(p->db, CUSTOM_FAMILY, name, &value))
		(void)device_state_of(value, &s);
	return s;
}

static enum device_state ask(struct pbx *p, struct str device)
{
	struct str rest = device, head;
	const struct channel_tech *t;
	const struct provider *pr;
	enum device_state s;

	if (str_istarts(device, CUSTOM))
		return of_custom(p, str_skip(device, CUSTOM.n));
	if (str_chr(device, '/') == device.n) {
		head = str_cut_raw(&rest, ':');
		pr = p->devstates ? map_get(p->devstates->providers, head) : NULL;
		return pr ? pr->fn(p, rest) : DEV_INVALID;
	}
	head = str_cut_raw(&rest, '/');
	t = map_get(p->techs, head);
	if (!t)
		return DEV_INVALID;
	s = t->device_state ? (enum device_state)t->device_state(p, rest) : DEV_UNKNOWN;
	return s == DEV_UNKNOWN || (unsigned)s >= DEV_STATES ? of_channels(p, device) : s;
}

static struct device *find(struct pbx *p, struct str name)
{
	return p->devstates ? map_get(p->devstates->by_name, name) : NULL;
}

enum device_state device_get(struct pbx *p, struct str device)
{
	const struct device *d = find(p, device);
	enum device_state own = d && d->custom ? d->own : ask(p, device);

	return d ? device_together(d, device_local(d, own)) : own;
}

/* ---- keeping */

static struct device *device_new(struct pbx *p, struct str name)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	list_init(&d->hints);
	list_init(&d->remotes);
	if (text_set(&d->name, name) || map_add(p->devstates->by_name, text_view(&d->name), d)) {
		text_free(&d->name);
		free(d);
		return NULL;
	}
	return d;
}

static void device_free(struct device *d)
{
	list_remove(&d->changed);
	device_told_free(d);
	text_free(&d->name);
	free(d);
}

struct device *device_take(struct pbx *p, struct str name)
{
	struct device *d = find(p, name);

	d = d ? d : device_new(p, name);
	if (d && !d->known) {
		d->own = ask(p, name);
		d->local = device_local(d, d->own);
		d->state = device_together(d, d->local);
		d->known = true;
	}
	return d;
}

void device_release(struct pbx *p, struct device *d)
{
	struct str name = text_view(&d->name), type = name;
	const struct channel_tech *t = map_get(p->techs, str_cut_raw(&type, '/'));

	/* Names that anybody can make up (Local/anything) must not pile up. */
	if (d->busy || !list_empty(&d->hints) || !list_empty(&d->remotes) || list_linked(&d->changed) || d->custom || (t && t->device_state))
		return;
	map_del(p->devstates->by_name, name);
	device_free(d);
}

static void tell(struct pbx *p, const struct device *d)
{
	struct event *e = event_new(p->events, "DeviceStateChange", EV_CALL);

	event_put(e, "Device", text_view(&d->name));
	event_put(e, "State", str_z(device_state_name(d->state)));
	event_send(p->events, e);
}

static void tell_listeners(struct pbx *p, const struct device *d)
{
	list_each(l, &p->devstates->listeners) {
		struct device_listener *x = container_of(l, struct device_listener, link);

		x->changed(x->arg, text_view(&d->name), d->local);
	}
}

static void settle(struct pbx *p, struct device *d)
{
	enum device_state own = d->custom ? d->own : ask(p, text_view(&d->name));
	enum device_state local = device_local(d, own), s = device_together(d, local);
	bool differs = d->custom || !d->known || s != d->state;
	bool news = d->custom || !d->known || local != d->local;

	d->own = own;
	d->local = local;
	d->state = s;
	d->known = true;
	if (news)
		tell_listeners(p, d);
	if (differs) {
		log_debug(2, "%s is %s", text_z(&d->name), device_state_name(s));
		tell(p, d);
	}
	d->busy = true;
	if ((differs || s == DEV_RINGING || s == DEV_RINGINUSE) && p->devstates->observer)
		p->devstates->observer->device(p, d);
	d->busy = false;
	device_release(p, d);
}

static void settle_all(struct devstates *ds)
{
	while (ds->pbx && !list_empty(&ds->changed)) {
		struct device *d = container_of(ds->changed.next, struct device, changed);

		list_remove(&d->changed);
		settle(ds->pbx, d);
	}
}

static void end_of_turn(void *arg)
{
	struct devstates *ds = arg;

	ds->deferred = false;
	settle_all(ds);
	obj_drop(ds);
}

static void settle_soon(struct pbx *p)
{
	struct devstates *ds = p->devstates;

	if (ds->deferred)
		return;
	if (p->loop && !loop_defer(p->loop, end_of_turn, ds)) {
		obj_hold(ds);
		ds->deferred = true;
		return;
	}
	settle_all(ds);
}

static void queue(struct pbx *p, struct device *d)
{
	if (!list_linked(&d->changed))
		list_append(&p->devstates->changed, &d->changed);
	settle_soon(p);
}

void device_changed(struct pbx *p, struct str device)
{
	struct device *d;

	if (!p->devstates || !device.n)
		return;
	d = find(p, device);
	d = d ? d : device_new(p, device);
	if (d)
		queue(p, d);
}

void devices_of_tech_changed(struct pbx *p, const struct channel_tech *t)
{
	struct str type = str_z(t->type);
	struct device *d;

	if (!p->devstates)
		return;
	/* Put together first: settling them may take some away. */
	for (size_t it = 0; (d = map_next(p->devstates->by_name, &it));)
		if (str_istarts(text_view(&d->name), type) && str_starts(str_skip(text_view(&d->name), type.n), STR("/")) &&
		    !list_linked(&d->changed))
			list_append(&p->devstates->changed, &d->changed);
	if (!list_empty(&p->devstates->changed))
		settle_soon(p);
}

static struct str custom_name(struct str name)
{
	return str_istarts(name, CUSTOM) ? str_skip(name, CUSTOM.n) : name;
}

int device_set_custom(struct pbx *p, struct str name, enum device_state s)
{
	char full[280];
	struct device *d;
	int n;

	name = custom_name(name);
	if (!name.n || name.n > 255)
		return EINVAL;
	n = snprintf(full, sizeof(full), "Custom:%.*s", STR_ARG(name));
	d = device_take(p, str_mk(full, (size_t)n));
	if (!d)
		return ENOMEM;
	if (p->db)
		(void)astdb_put(p->db, CUSTOM_FAMILY, name, str_z(device_state_name(s)));
	d->custom = true;
	if (d->own != s) {
		d->own = s;
		queue(p, d);
	}
	return 0;
}

int device_del_custom(struct pbx *p, struct str name)
{
	char full[280];
	struct device *d;
	int n, err = ENOENT;

	name = custom_name(name);
	n = snprintf(full, sizeof(full), "Custom:%.*s", STR_ARG(str_sub(name, 0, 255)));
	d = find(p, str_mk(full, (size_t)n));
	if (p->db)
		err = astdb_del(p->db, CUSTOM_FAMILY, name);
	if (!d)
		return err;
	err = d->custom ? 0 : err;
	d->custom = false;
	queue(p, d);
	return err;
}

/* ---- what we are told */

void device_listen(struct pbx *p, struct device_listener *l)
{
	list_append(&p->devstates->listeners, &l->link);
}

static int set_told(struct pbx *p, struct str device, struct str source, bool published, enum device_state s)
{
	struct device *d = device_take(p, device);
	bool changed = false;
	int err = d ? device_told_set(p->devstates, d, source, published, s, &changed) : ENOMEM;

	if (err && d)
		device_release(p, d);
	if (changed)
		queue(p, d);
	return err;
}

int device_set_remote(struct pbx *p, struct str device, struct str eid, enum device_state s)
{
	return set_told(p, device, eid, false, s);
}

int device_set_published(struct pbx *p, struct str device, struct str source, enum device_state s)
{
	return set_told(p, device, source, true, s);
}

void device_del_published(struct pbx *p, struct str device, struct str source)
{
	struct device *d = find(p, device);

	if (d && device_told_del(p->devstates, d, source))
		queue(p, d);
}

int device_add_provider(struct pbx *p, const char *label, device_fn *fn)
{
	struct provider *pr = calloc(1, sizeof(*pr));
	int err;

	if (!pr)
		return ENOMEM;
	*pr = (struct provider){ .label = label, .fn = fn };
	err = map_add(p->devstates->providers, str_z(label), pr);
	if (err)
		free(pr);
	return err;
}

static bool stored_next(struct pbx *p, struct device_walk *w, struct device_row *row)
{
	struct str path, value;

	if (!p->db || !astdb_next(p->db, &w->stored, CUSTOM_FAMILY, STR_NULL, &path, &value))
		return false;
	buf_reset(&w->name);
	buf_puts(&w->name, CUSTOM, str_skip(path, CUSTOM_FAMILY.n + 2));
	if (buf_err(&w->name))
		return false;
	*row = (struct device_row){ .name = buf_view(&w->name), .state = DEV_UNKNOWN };
	(void)device_state_of(value, &row->state);
	row->own = row->state;
	row->again = find(p, row->name) != NULL;
	return true;
}

bool device_next(struct pbx *p, struct device_walk *w, struct device_row *row)
{
	const struct device *d;

	if (!p->devstates)
		return false;
	d = map_walk_next(p->devstates->by_name, &w->known);
	if (!d)
		return stored_next(p, w, row);
	*row = (struct device_row){ .name = text_view(&d->name), .state = d->state, .own = d->known ? d->local : DEV_INVALID };
	return true;
}

void device_walk_end(struct device_walk *w)
{
	map_walk_end(&w->known);
	map_walk_end(&w->stored);
	buf_free(&w->name);
}

static void devstates_obj_free(void *o)
{
	struct devstates *ds = o;
	struct device *d;
	struct provider *pr;

	for (size_t it = 0; ds->by_name && (d = map_next(ds->by_name, &it));)
		device_free(d);
	for (size_t it = 0; ds->providers && (pr = map_next(ds->providers, &it));)
		free(pr);
	map_free(ds->by_name);
	map_free(ds->providers);
	presences_free(ds);
}

int devstates_new(struct pbx *p)
{
	struct devstates *ds = obj_new(sizeof(*ds), devstates_obj_free);

	if (!ds)
		return ENOMEM;
	list_init(&ds->changed);
	list_init(&ds->listeners);
	ds->pbx = p;
	ds->by_name = map_new_ordered();
	ds->presences = map_new_ordered();
	ds->providers = map_new(true);
	p->devstates = ds;      /* pbx_free() drops it, whole or not */
	return ds->by_name && ds->presences && ds->providers ? 0 : ENOMEM;
}

void devstates_free(struct pbx *p)
{
	if (!p->devstates)
		return;
	p->devstates->pbx = NULL;
	p->devstates = obj_drop(p->devstates);
}
