/* A fax terminal on a channel, from its start to its result. */
#define LOG_MODULE "fax"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/fax.h"
#include <errno.h>

enum { LOOK_MS = 1000, IDLE_MS = 10000 };        /* IDLE: nothing is heard nor said for so long */

struct fax {                    /* on the fiber's stack */
	struct channel *ch;
	struct fax_details *d;
	struct fax_session *session;
	struct faxrun *run;
	struct fiber *fiber;
	struct media_session *on;       /* compared only */
	bool over;                      /* there is a result */
	uint64_t steps, moved_ms;       /* as last seen; when they changed */
};

static void on_told(void *arg)
{
	struct fax *f = arg;

	f->over = true;
	if (!f->ch->dead)
		channel_event_simple(f->ch, CE_WAKE);
	fiber_wake(f->fiber);
}

/* The session may come late, or become another one. */
static void attach(struct fax *f)
{
	struct media_session *s = channel_media(f->ch);

	if (!s || (s == f->on && faxrun_attached(f->run)))
		return;
	f->on = s;
	if (faxrun_sound(f->run, s))
		log_warning("%s: the fax cannot hear the call", text_z(&f->ch->name));
}

static bool is_idle(struct fax *f)
{
	uint64_t now = clock_ms(f->ch->pbx->clock), steps = faxrun_steps(f->run);

	if (steps != f->steps)
		f->moved_ms = now;
	f->steps = steps;
	return now - f->moved_ms >= IDLE_MS;
}

static void wait_for_result(struct fax *f)
{
	faxrun_end(f->run);
	while (!f->over)
		fiber_wait();
}

/* false: the channel is gone. */
static bool follow(struct fax *f)
{
	while (!f->over) {
		struct chan_event *e = NULL;
		int err;

		attach(f);
		err = channel_next(f->ch, LOOK_MS, &e);
		if (!err)
			chan_event_free(e);
		if (err == ECANCELED) {
			fax_result_default(f->d, "remote channel hungup", "HANGUP");
			wait_for_result(f);
			return false;
		}
		if (!f->over && is_idle(f)) {
			log_error("channel '%s' FAX session '%u' failure, reason: 'fax session timed-out' (TIMEOUT)",
				  text_z(&f->ch->name), f->session->id);
			wait_for_result(f);
			fax_result(f->d, "FAILED", "fax session timed-out", "TIMEOUT");
			return true;
		}
	}
	return true;
}

static void take_result(struct fax *f)
{
	struct fax_details *d = f->d;
	struct faxes *all = f->ch->pbx->fax;
	struct faxterm_stats st;
	const char *reason;

	faxrun_stats(f->run, &st);
	reason = faxterm_reason(st.code);
	all->ends[st.t38][faxterm_end_of(st.code)]++;
	fax_result(d, st.code ? "FAILED" : "SUCCESS", reason, st.code ? reason : NULL);
	if (st.local[0])
		(void)text_set(&d->local, str_z(st.local));
	if (st.remote[0])
		(void)text_set(&d->remote, str_z(st.remote));
	d->pages = d->kind == FAX_KIND_RECEIVE ? st.received : st.sent;
	(void)text_printf(&d->rate, "%u", st.rate);
	(void)text_printf(&d->resolution, "%ux%u", st.x, st.y);
	f->session->state = FAX_STATE_COMPLETE;
}

static unsigned modems_of(uint32_t bits)
{
	return (bits & 1 ? FAX_V17 : 0) | (bits & 2 ? FAX_V27 : 0) | (bits & 4 ? FAX_V29 : 0) | (bits & 8 ? FAX_V34 : 0);
}

static int start(struct fax *f)
{
	struct fax_details *d = f->d;
	struct str files = text_view(&d->files);
	const struct faxrun_prm prm = { .media = f->ch->pbx->media, .told = on_told, .arg = f,
		.term = { .send = d->kind == FAX_KIND_SEND, .file = fax_file_next(&files), .ident = text_view(&d->local),
			.header = text_view(&d->header), .ecm = d->ecm, .modems = modems_of(d->modems), .maxrate = d->maxrate,
			.debug = d->debug } };
	int err = faxrun_new(&f->run, &prm);

	if (!err)
		f->session->run = f->run;
	return err;
}

static void from_variable(struct channel *ch, struct text *t, struct str name)
{
	struct buf b = BUF_INIT;

	if (!t->n && pbx_getvar(ch->pbx, ch, name, &b))
		(void)text_set(t, buf_view(&b));
	buf_free(&b);
}

static void run(struct fax *f, bool *alive)
{
	struct fax_details *d = f->d;
	int err;

	fax_result(d, "", "", "");
	fax_variables(f->ch, d);
	channel_moh_stop(f->ch);
	err = start(f);
	if (err) {
		log_error("channel '%s' FAX session '%u' failure, reason: 'failed to start FAX session' (%s)", text_z(&f->ch->name),
			  f->session->id, strerror(err));
		fax_result(d, "FAILED", "failed to start FAX session", "INIT_ERROR");
		return;
	}
	f->session->state = FAX_STATE_ACTIVE;
	fax_tell_status(f->ch, d, "FAX Transmission In Progress");
	f->moved_ms = clock_ms(f->ch->pbx->clock);
	*alive = follow(f);
	if (str_eq(text_view(&d->error), STR("TIMEOUT")))
		f->session->state = FAX_STATE_COMPLETE;
	else
		take_result(f);
	f->session->run = NULL;
	faxrun_free(f->run);
}

void fax_run(struct channel *ch, struct fax_details *d, bool *alive)
{
	struct faxes *all = ch->pbx->fax;
	struct fax f = { .ch = ch, .d = d, .fiber = fiber_self(), .session = fax_session_new(ch, d) };

	*alive = true;
	if (!f.session) {
		log_error("no memory for a fax of '%s'", text_z(&ch->name));
		fax_tell_status(ch, d, "No Available Resource");
		all->failed++;
		return;
	}
	from_variable(ch, &d->header, STR("LOCALHEADERINFO"));
	fax_tell_status(ch, d, "Allocating Resources");
	run(&f, alive);
	fax_variables(ch, d);
	all->complete++;
	if (str_eq(text_view(&d->result), STR("FAILED")))
		all->failed++;
	fax_session_over(f.session);
}
