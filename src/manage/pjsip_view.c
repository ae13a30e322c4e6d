/* What several commands and actions show of endpoints, AORs and contacts. */
#include "service/place/endpoint_state.h"
#include "manage/pjsip_view.h"
#include "pbx/devstate.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "service/outbound/outbound.h"
#include "service/outbound/outbound.h"
#include <errno.h>
#include <stdlib.h>

/* ---- sorted ----------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;

	return str_cmp((*x)->name, (*y)->name);
}

const struct object **view_sorted(struct manage *m, const struct snapshot *conf, enum object_type t, size_t *n)
{
	const struct object_list *l = &conf->list[t];
	const struct object **v = l->n ? malloc(l->n * sizeof(struct object *)) : NULL;

	*n = v ? l->n : 0;
	for (size_t i = 0; i < *n; i++)
		v[i] = l->v[i];
	if (manage_sort(m, v, *n, by_name)) {
		free(v);
		*n = 0;
		return NULL;
	}
	return v;
}

static int by_id(const void *a, const void *b)
{
	const struct contact *const *x = a, *const *y = b;

	return str_cmp((*x)->id, (*y)->id);
}

struct contact **view_contacts(struct manage *m, size_t *n)
{
	struct service *svc = m->service;
	struct contact **v;
	struct location *l;
	size_t count = 0;

	*n = 0;
	for (size_t it = 0; (l = location_next(svc, &it)); )
		count += l->n;
	v = count ? malloc(count * sizeof(struct contact *)) : NULL;
	if (!v)
		return NULL;
	for (size_t it = 0; (l = location_next(svc, &it)); )
		list_each(e, &l->contacts)
			if (*n < count)
				v[(*n)++] = obj_hold(container_of(e, struct contact, link));
	if (manage_sort(m, v, *n, by_id)) {
		view_contacts_free(v, *n);
		*n = 0;
		return NULL;
	}
	return v;
}

struct contact **view_aor_contacts_held(struct service *svc, struct str aor, size_t *n)
{
	struct location *l = location_get(svc, aor, false);
	struct contact **v = l && l->n ? malloc(l->n * sizeof(struct contact *)) : NULL;

	*n = 0;
	if (v)
		list_each(e, &l->contacts)
			if (*n < l->n)
				v[(*n)++] = obj_hold(container_of(e, struct contact, link));
	return v;
}

void view_contacts_free(struct contact **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		obj_drop(v[i]);
	free(v);
}

/* ---- identifies ------------------------------------------------------- */

struct view_identifies {
	size_t n;
	const struct identify_conf *v[];
};

static int by_endpoint(const void *a, const void *b)
{
	const struct identify_conf *const *x = a, *const *y = b;
	int c = str_cmp((*x)->endpoint, (*y)->endpoint);

	return c ? c : str_cmp((*x)->name, (*y)->name);
}

struct view_identifies *view_identifies_new(struct manage *m, const struct snapshot *conf)
{
	size_t n = conf->list[OBJECT_IDENTIFY].n;
	struct view_identifies *v = malloc(sizeof(*v) + n * sizeof(v->v[0]));

	if (!v)
		return NULL;
	v->n = n;
	for (size_t i = 0; i < n; i++)
		v->v[i] = (const struct identify_conf *)(const void *)conf->list[OBJECT_IDENTIFY].v[i];
	if (manage_sort(m, v->v, n, by_endpoint)) {
		free(v);
		return NULL;
	}
	return v;
}

void view_identifies_free(struct view_identifies *v)
{
	free(v);
}

const struct identify_conf *view_identify(const struct view_identifies *v, struct str endpoint, size_t i)
{
	size_t lo = 0, hi = v ? v->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(v->v[mid]->endpoint, endpoint) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return v && lo + i < v->n && str_eq(v->v[lo + i]->endpoint, endpoint) ? v->v[lo + i] : NULL;
}

/* ---- endpoints -------------------------------------------------------- */

const char *view_device_state(struct service *svc, struct str endpoint)
{
	static const char *const names[DEV_STATES] = { [DEV_UNKNOWN] = "Unknown", [DEV_NOT_INUSE] = "Not in use",
		[DEV_INUSE] = "In use", [DEV_BUSY] = "Busy", [DEV_INVALID] = "Invalid",
		[DEV_UNAVAILABLE] = "Unavailable", [DEV_RINGING] = "Ringing", [DEV_RINGINUSE] = "Ring+Inuse",
		[DEV_ONHOLD] = "On Hold" };
	int s = endpoint_device_state(svc, endpoint);

	return s >= 0 && s < DEV_STATES ? names[s] : "Unknown";
}

unsigned view_channels(struct service *svc, struct str endpoint)
{
	const struct endpoint_state *s = endpoint_state_get(svc, endpoint, false);

	return s ? s->channels : 0;
}

void view_aor_contacts(struct service *svc, struct str aor, bool tail, struct buf *b)
{
	struct location *l = location_get(svc, aor, false);
	bool any = false;

	if (!l)
		return;
	list_each(e, &l->contacts) {
		if (any)
			buf_char(b, ',');
		buf_puts(b, aor, STR("/"), container_of(e, struct contact, link)->uri);
		any = true;
	}
	if (any && tail)
		buf_char(b, ',');
}

bool view_shown(const struct option *o, const struct object *obj)
{
	struct buf b = BUF_INIT;
	bool any;

	if (o->flags & (OPT_HIDDEN | OPT_PREFIX) || (o->kind == OPTION_CUSTOM && !o->write))
		return false;
	if (o->kind == OPTION_IGNORED)
		return o->flags & OPT_SHOWN;
	if (!(o->flags & OPT_IF_SET))
		return true;
	option_write(&b, o, obj, false);
	any = b.n > 0;
	buf_free(&b);
	return any;
}

void view_option(struct service *svc, const struct option *o, const struct object *obj, bool reveal, struct buf *b)
{
	if (obj->type == OBJECT_AOR && str_eq(str_z(o->name), STR("contact")))
		view_aor_contacts(svc, obj->name, false, b);
	else
		option_write(b, o, obj, reveal);
}

int64_t view_hangup_time(struct manage *m, struct channel *ch)
{
	struct buf b = BUF_INIT;
	uint32_t left = 0;

	if (pbx_getvar(m->pbx, ch, STR("TIMEOUT(absolute)"), &b))
		(void)str_u32(str_sub(buf_view(&b), 0, str_chr(buf_view(&b), '.')), &left);
	buf_free(&b);
	return left ? clock_wall_s(m->clock) + left : 0;
}

void view_hms(struct buf *b, int64_t s)
{
	if (s < 0)
		s = 0;
	buf_printf(b, "%02lld:%02d:%02d", (long long)(s / 3600), (int)(s % 3600 / 60), (int)(s % 60));
}

const char *view_registration(struct service *svc, struct str name, int64_t *left)
{
	return outbound_status_name(outbound_status(svc, name, left));
}

void view_qualify_aor(struct service *svc, struct str aor)
{
	struct location *l = location_get(svc, aor, false);

	if (!l)
		return;
	/* An answer that comes at once may change the list: hold the next one's place. */
	list_each_safe(e, tmp, &l->contacts)
		contact_qualify_now(svc, container_of(e, struct contact, link));
}

/* ---- maintenance ------------------------------------------------------ */

bool view_maintenance(const struct service *svc, struct str endpoint)
{
	return svc->guard.maintenance && map_get(svc->guard.maintenance, endpoint);
}

int view_set_maintenance(struct service *svc, struct str endpoint, bool on)
{
	char *z;

	if (on == view_maintenance(svc, endpoint))
		return 0;
	if (!on) {
		free(map_del(svc->guard.maintenance, endpoint));
		return 1;
	}
	if (!svc->guard.maintenance)
		svc->guard.maintenance = map_new_ordered();
	z = svc->guard.maintenance ? str_dup(endpoint) : NULL;
	if (!z || map_add(svc->guard.maintenance, str_mk(z, endpoint.n), z)) {
		free(z);
		return -ENOMEM;
	}
	return 1;
}

void view_tell_maintenance(struct service *svc, struct str endpoint, bool on)
{
	struct event *e = event_new(svc->pbx->events, "PJSIPMaintenanceStatus", EV_SYSTEM);

	event_put(e, "Endpoint", endpoint);
	event_put(e, "Status", on ? STR("enabled") : STR("disabled"));
	event_send(svc->pbx->events, e);
}

void view_maintenance_free(struct service *svc)
{
	char *z;

	for (size_t it = 0; svc->guard.maintenance && (z = map_next(svc->guard.maintenance, &it)); ) {
		map_del(svc->guard.maintenance, str_z(z));
		free(z);
	}
}
