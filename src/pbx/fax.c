/* Faxes of channels: their details, sessions and counts, and what variables and managers are told of them. */
#define LOG_MODULE "fax"
#include "pbx/fax.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/settings.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>

static const char key[] = "fax";

/* ---- all of a pbx */

struct faxes *faxes_new(void)
{
	struct faxes *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	faxterm_prepare();
	list_init(&f->sessions);
	f->modems = FAX_MODEM_V17 | FAX_MODEM_V27 | FAX_MODEM_V29;
	f->minrate = 4800;
	f->maxrate = 14400;
	f->t38timeout = 5000;
	f->ecm = true;
	return f;
}

void faxes_free(struct faxes *f)
{
	if (!f)
		return;
	while (!list_empty(&f->sessions)) {
		struct fax_session *s = container_of(f->sessions.next, struct fax_session, link);

		list_remove(&s->link);
		s->all = NULL;
		obj_drop(s);
	}
	free(f);
}

void faxes_set(struct faxes *f, const struct fax_conf *c)
{
	f->modems = c->modems;
	f->minrate = c->minrate;
	f->maxrate = c->maxrate;
	f->t38timeout = c->t38timeout;
	f->statusevents = c->statusevents;
	f->ecm = c->ecm;
}

/* ---- details */

static void details_free(void *arg)
{
	struct fax_details *d = arg;
	struct text *const texts[] = { &d->header, &d->local, &d->remote, &d->result, &d->resultstr, &d->error, &d->rate,
		&d->resolution, &d->files };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_free(texts[i]);
}

struct fax_details *fax_find(struct channel *ch)
{
	return channel_note(ch, key);
}

struct fax_details *fax_get(struct channel *ch)
{
	const struct faxes *f = ch->pbx->fax;
	struct fax_details *d = fax_find(ch);

	if (d)
		return d;
	d = obj_new(sizeof(*d), details_free);
	if (!d)
		return NULL;
	d->modems = f->modems;
	d->minrate = f->minrate;
	d->maxrate = f->maxrate;
	d->t38timeout = f->t38timeout;
	d->ecm = f->ecm;
	d->statusevents = f->statusevents;
	d->theirs.max_ifp = 400;
	return channel_note_set(ch, key, d) ? NULL : d;
}

/* Without memory the text before stays: less is told, and nothing else depends on it. */
static void put(struct text *t, const char *z)
{
	if (z && text_set(t, str_z(z)))
		log_error("no memory for the result of a fax");
}

void fax_result(struct fax_details *d, const char *result, const char *resultstr, const char *error)
{
	put(&d->result, result);
	put(&d->resultstr, resultstr);
	put(&d->error, error);
}

void fax_result_default(struct fax_details *d, const char *resultstr, const char *error)
{
	fax_result(d, d->result.n ? NULL : "FAILED", d->resultstr.n ? NULL : resultstr, d->error.n ? NULL : error);
}

/* An empty one is unset, as the dialplan reads both. */
static void variable(struct channel *ch, struct str name, const struct text *t)
{
	if (t->n)
		pbx_setvar(ch->pbx, ch, name, text_view(t));
	else
		(void)vars_set(&ch->vars, name, STR_NULL);
}

void fax_variables(struct channel *ch, struct fax_details *d)
{
	char pages[16];

	variable(ch, STR("FAXSTATUS"), &d->result);
	variable(ch, STR("FAXERROR"), &d->error);
	variable(ch, STR("FAXSTATUSSTRING"), &d->resultstr);
	pbx_setvar(ch->pbx, ch, STR("REMOTESTATIONID"), d->remote.n ? text_view(&d->remote) : STR(""));
	pbx_setvar(ch->pbx, ch, STR("LOCALSTATIONID"), d->local.n ? text_view(&d->local) : STR(""));
	variable(ch, STR("FAXBITRATE"), &d->rate);
	variable(ch, STR("FAXRESOLUTION"), &d->resolution);
	pbx_setvar(ch->pbx, ch, STR("FAXMODE"), d->t38 ? STR("T38") : STR("audio"));
	snprintf(pages, sizeof(pages), "%u", d->pages);
	pbx_setvar(ch->pbx, ch, STR("FAXPAGES"), str_z(pages));
}

struct str fax_file_next(struct str *rest)
{
	return str_cut_raw(rest, '&');
}

/* ---- managers */

static void put_files(struct event *e, const struct fax_details *d)
{
	struct str rest = text_view(&d->files);

	while (rest.n)
		event_put(e, "FileName", fax_file_next(&rest));
}

void fax_tell_status(struct channel *ch, struct fax_details *d, const char *status)
{
	struct event *e;

	/* One that has no file has no status to tell: a gateway. */
	if (!d->statusevents || !d->files.n)
		return;
	e = channel_event_begin(ch, "FAXStatus", EV_CALL);
	if (!e)
		return;
	event_put(e, "Operation", d->kind == FAX_KIND_GATEWAY ? STR("gateway") : d->kind == FAX_KIND_RECEIVE ? STR("receive") : STR("send"));
	event_put(e, "Status", str_z(status));
	event_put(e, "LocalStationID", text_view(&d->local));
	put_files(e, d);
	event_send(ch->pbx->events, e);
}

void fax_tell_end(struct channel *ch, struct fax_details *d, const char *event)
{
	struct event *e = channel_event_begin(ch, event, EV_CALL);

	if (!e)
		return;
	event_put(e, "LocalStationID", text_view(&d->local));
	event_put(e, "RemoteStationID", text_view(&d->remote));
	event_printf(e, "PagesTransferred", "%u", d->pages);
	event_put(e, "Resolution", text_view(&d->resolution));
	event_put(e, "TransferRate", text_view(&d->rate));
	put_files(e, d);
	event_send(ch->pbx->events, e);
}

/* ---- sessions */

static void session_free(void *arg)
{
	struct fax_session *s = arg;

	text_free(&s->channel);
	obj_drop(s->d);
}

struct fax_session *fax_session_new(struct channel *ch, struct fax_details *d)
{
	struct fax_session *s = obj_new(sizeof(*s), session_free);

	if (!s || text_set(&s->channel, text_view(&ch->name)))
		return obj_drop(s);
	s->all = ch->pbx->fax;
	s->d = obj_hold(d);
	d->id = s->id = s->all->next_id++;
	s->all->active++;
	list_append(&s->all->sessions, &s->link);
	return obj_hold(s);
}

void fax_session_over(struct fax_session *s)
{
	if (s->all) {
		s->all->active--;
		s->all = NULL;
		list_remove(&s->link);
		obj_drop(s);
	}
	obj_drop(s);
}

struct fax_session *fax_session_find(struct faxes *f, unsigned id)
{
	list_each(l, &f->sessions) {
		struct fax_session *s = container_of(l, struct fax_session, link);

		if (s->id == id)
			return s;
	}
	return NULL;
}

const char *fax_state_name(enum fax_session_state s)
{
	static const char *const names[] = { "Uninitialized", "Initialized", "Open", "Active", "Complete" };

	return (unsigned)s < ARRAY_LEN(names) ? names[s] : "Unknown";
}

const char *fax_kind_name(enum fax_kind k)
{
	static const char *const names[] = { "none", "send", "receive", "gateway", "V.21" };

	return (unsigned)k < ARRAY_LEN(names) ? names[k] : "none";
}

const char *fax_session_type(const struct fax_session *s)
{
	if (s->d->kind != FAX_KIND_SEND && s->d->kind != FAX_KIND_RECEIVE)
		return "none";
	return s->d->can_audio ? "G.711" : "T.38";
}

bool fax_session_numbers(const struct fax_session *s, struct faxterm_stats *out)
{
	if (s->run)
		faxrun_stats(s->run, out);
	else if (s->numbers)
		s->numbers(s->arg, out);
	else
		return false;
	return true;
}
