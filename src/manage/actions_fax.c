/* Faxes under way, and their counts, as a manager asks for them. */
#include "manage/manager_private.h"
#include "pbx/fax.h"
#include "pbx/pbx.h"

/* "a&b" of the application as "a,b". */
static void put_files(struct ami_ctx *a, const struct fax_details *d)
{
	struct str rest = text_view(&d->files);
	struct buf b = BUF_INIT;

	while (rest.n) {
		buf_put(&b, fax_file_next(&rest));
		if (rest.n)
			buf_put(&b, STR(","));
	}
	ami_put(a, "Files", buf_view(&b));
	buf_free(&b);
}

/* The first that is newer: what goes meanwhile is passed over. Not held. */
static struct fax_session *next_of(struct faxes *f, int64_t after)
{
	list_each(l, &f->sessions) {
		struct fax_session *s = container_of(l, struct fax_session, link);

		if ((int64_t)s->id > after)
			return s;
	}
	return NULL;
}

static void sessions(struct ami_ctx *a)
{
	int64_t after = -1;
	struct fax_session *s;

	ami_list_start(a, "FAXSessionsEntry event list will follow");
	while ((s = next_of(a->m->pbx->fax, after))) {
		after = s->id;
		ami_event(a, "FAXSessionsEntry");
		ami_put(a, "Channel", text_view(&s->channel));
		ami_put(a, "Technology", STR("Spandsp"));
		ami_printf(a, "SessionNumber", "%u", s->id);
		ami_put(a, "SessionType", str_z(fax_session_type(s)));
		ami_put(a, "Operation", str_z(fax_kind_name(s->d->kind)));
		ami_put(a, "State", str_z(fax_state_name(s->state)));
		put_files(a, s->d);
		if (!ami_item_end(a))
			break;
	}
	ami_list_complete(a, "FAXSessionsComplete");
	ami_printf(a, "Total", "%zu", a->items);
	ami_end(a);
}

static void put_numbers(struct ami_ctx *a, const struct fax_session *s, const struct faxterm_stats *st)
{
	bool gateway = s->d->kind == FAX_KIND_GATEWAY, receive = s->d->kind == FAX_KIND_RECEIVE;
	struct str files = text_view(&s->d->files);

	ami_put(a, "ErrorCorrectionMode", gateway ? (st->ecm ? STR("yes") : STR("no")) : st->ecm ? STR("Yes") : STR("No"));
	ami_printf(a, "DataRate", "%u", st->rate);
	if (!gateway)
		ami_printf(a, "ImageResolution", "%ux%u", st->x, st->y);
	ami_printf(a, "PageNumber", "%u", (receive ? st->received : st->sent) + 1);
	if (gateway)
		return;
	ami_put(a, "FileName", fax_file_next(&files));
	ami_printf(a, "PagesTransmitted", "%u", st->sent);
	ami_printf(a, "PagesReceived", "%u", st->received);
	ami_printf(a, "TotalBadLines", "%u", st->bad_lines);
}

static void session(struct ami_ctx *a)
{
	struct faxterm_stats st;
	struct fax_session *s;
	uint32_t id;

	if (str_u32(ami_get(a, "SessionNumber"), &id)) {
		ami_error(a, "Invalid session ID");
		return;
	}
	s = fax_session_find(a->m->pbx->fax, id);
	if (!s) {
		ami_error(a, "Session not found");
		return;
	}
	ami_ok(a, "FAXSession event will follow");
	ami_event(a, "FAXSession");
	ami_printf(a, "SessionNumber", "%u", s->id);
	ami_put(a, "Operation", str_z(fax_kind_name(s->d->kind)));
	ami_put(a, "State", str_z(fax_state_name(s->state)));
	if (s->state != FAX_STATE_UNINITIALIZED && fax_session_numbers(s, &st))
		put_numbers(a, s, &st);
	ami_end(a);
}

static void stats(struct ami_ctx *a)
{
	const struct faxes *f = a->m->pbx->fax;

	ami_ok(a, "FAXStats event will follow");
	ami_event(a, "FAXStats");
	ami_printf(a, "CurrentSessions", "%u", f->active);
	ami_put(a, "ReservedSessions", STR("0"));
	ami_printf(a, "TransmitAttempts", "%u", f->sent);
	ami_printf(a, "ReceiveAttempts", "%u", f->received);
	ami_printf(a, "CompletedFAXes", "%u", f->complete);
	ami_printf(a, "FailedFAXes", "%u", f->failed);
	ami_end(a);
}

static const struct ami_action rows[] = {
	{ "FAXSession", EV_CALL, "One fax that is under way", session, false },
	{ "FAXSessions", EV_CALL, "List the faxes that are under way", sessions, false },
	{ "FAXStats", EV_REPORTING, "Counts of all faxes", stats, false },
};
const struct ami_table ami_fax_actions = { rows, ARRAY_LEN(rows) };
