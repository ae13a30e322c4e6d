/* SendFAX, ReceiveFAX. */
#define LOG_MODULE "fax"
#include "base/fiber.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/settings.h"
#include "pbx/app/app.h"
#include "pbx/app/judge.h"
#include "pbx/fax.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fail(struct channel *ch, struct fax_details *d, const char *error, const char *resultstr)
{
	fax_result(d, NULL, resultstr, error);
	fax_variables(ch, d);
	return -1;
}

/* What the dialplan has set as variables and not by FAXOPT(), before all of them have a new meaning. */
static void take_ident(struct channel *ch, struct fax_details *d)
{
	struct buf b = BUF_INIT;

	if (!d->local.n && pbx_getvar(ch->pbx, ch, STR("LOCALSTATIONID"), &b) && b.n)
		(void)text_set(&d->local, buf_view(&b));
	buf_free(&b);
}

/* Nothing of a fax before this one. */
static void forget(struct fax_details *d)
{
	text_free(&d->files);
	text_free(&d->remote);
	text_free(&d->rate);
	text_free(&d->resolution);
	d->pages = 0;
	d->t38 = d->can_audio = d->can_t38 = d->allow_audio = d->request_t38 = false;
}

static struct fax_details *begin(struct channel *ch, enum fax_kind kind)
{
	struct fax_details *d = fax_get(ch);

	if (!d) {
		pbx_setvar(ch->pbx, ch, STR("FAXSTATUS"), STR("FAILED"));
		pbx_setvar(ch->pbx, ch, STR("FAXERROR"), STR("MEMORY_ERROR"));
		pbx_setvar(ch->pbx, ch, STR("FAXSTATUSSTRING"), STR("error allocating memory"));
		return NULL;
	}
	take_ident(ch, d);
	forget(d);
	d->kind = kind;
	fax_result(d, "FAILED", "error starting fax session", "INIT_ERROR");
	fax_variables(ch, d);
	return d;
}

/* false: the result says why. */
static bool rates_fit(struct channel *ch, struct fax_details *d)
{
	if (d->maxrate < d->minrate) {
		log_error("maxrate %u is less than minrate %u", d->maxrate, d->minrate);
		fail(ch, d, "INVALID_ARGUMENTS", "maxrate is less than minrate");
		return false;
	}
	if (!fax_modem_does(d->modems, d->minrate)) {
		log_error("none of the modems of this fax does its minrate %u", d->minrate);
		fail(ch, d, "INVALID_ARGUMENTS", "incompatible 'modems' and 'minrate' settings");
		return false;
	}
	if (!fax_modem_does(d->modems, d->maxrate)) {
		log_error("none of the modems of this fax does its maxrate %u", d->maxrate);
		fail(ch, d, "INVALID_ARGUMENTS", "incompatible 'modems' and 'maxrate' settings");
		return false;
	}
	return true;
}

static void take_options(struct channel *ch, struct fax_details *d, struct str options)
{
	if (pbx_option(options, 'd', NULL) || ch->pbx->fax->debug)
		d->debug = true;
	if (pbx_option(options, 's', NULL))
		d->statusevents = true;
	d->allow_audio = pbx_option(options, 'f', NULL) || pbx_option(options, 'F', NULL);
	d->request_t38 = d->kind == FAX_KIND_SEND && pbx_option(options, 'z', NULL);
}

/* ---- may the files be read? On a pool thread: their disk may be slow. */

struct look {
	struct fiber *fiber;
	char *files;                    /* owned */
	bool good, done;
};

static void look_work(void *arg)
{
	struct look *l = arg;
	struct str rest = str_z(l->files);

	l->good = true;
	while (l->good && rest.n) {
		struct str one = fax_file_next(&rest);
		char path[FAX_PATH_MAX + 1];

		l->good = one.n && one.n <= FAX_PATH_MAX && !access(str_copy(path, sizeof(path), one), R_OK);
	}
}

static void look_done(void *arg)
{
	struct look *l = arg;

	l->done = true;
	fiber_wake(l->fiber);
}

static bool may_be_read(struct channel *ch, struct str files)
{
	struct look l = { .fiber = fiber_self(), .files = str_dup(files) };

	if (!l.files)
		return false;
	if (loop_work(ch->pbx->loop, look_work, look_done, &l))
		look_work(&l);
	else
		while (!l.done)
			fiber_wait();
	free(l.files);
	return l.good;
}

/* ---- the two */

static int answer(struct channel *ch, struct fax_details *d)
{
	if (ch->state == CHAN_UP || !channel_answer_settled(ch, 0))
		return 0;
	log_warning("channel '%s' failed answer attempt", text_z(&ch->name));
	return fail(ch, d, NULL, "error answering channel");
}

/* NULL, with the result set: not with these arguments. */
static struct fax_details *prepare(struct channel *ch, enum fax_kind kind, struct str data, struct str v[2])
{
	const char *name = kind == FAX_KIND_SEND ? "SendFAX" : "ReceiveFAX";
	struct fax_details *d = begin(ch, kind);

	if (!d || !rates_fit(ch, d))
		return NULL;
	pbx_args(data, v, 2);
	if (!v[0].n) {
		log_warning("%s needs a file: %s(file[,options])", name, name);
		fail(ch, d, "INVALID_ARGUMENTS", "invalid arguments");
		return NULL;
	}
	if (pbx_option(v[1], 'a', NULL) || pbx_option(v[1], 'c', NULL)) {
		log_warning("%s does not poll: options a and c", name);
		fail(ch, d, "INVALID_ARGUMENTS", "invalid arguments");
		return NULL;
	}
	return d;
}

static int have(struct channel *ch, struct fax_details *d, struct str options)
{
	bool alive = true;
	int err = answer(ch, d);

	if (err)
		return err;
	(void)options;
	d->can_audio = true;
	fax_run(ch, d, &alive);
	fax_tell_end(ch, d, d->kind == FAX_KIND_SEND ? "SendFAX" : "ReceiveFAX");
	return alive ? 0 : -1;
}

/* ReceiveFAX(file[,options]) */
static int run_receive(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	struct fax_details *d = prepare(ch, FAX_KIND_RECEIVE, data, v);

	if (!d)
		return -1;
	ch->pbx->fax->received++;
	if (text_set(&d->files, v[0]))
		return fail(ch, d, "MEMORY_ERROR", "error allocating memory");
	log_verbose(3, "Channel '%s' receiving FAX '%.*s'", text_z(&ch->name), STR_ARG(v[0]));
	take_options(ch, d, v[1]);
	return have(ch, d, v[1]);
}

/* SendFAX(file[&file...][,options]) */
static int run_send(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	struct fax_details *d = prepare(ch, FAX_KIND_SEND, data, v);

	if (!d)
		return -1;
	ch->pbx->fax->sent++;
	if (!may_be_read(ch, v[0])) {
		log_error("SendFAX: '%.*s' is not there or cannot be read", STR_ARG(v[0]));
		return fail(ch, d, "FILE_ERROR", "error reading file");
	}
	if (text_set(&d->files, v[0]))
		return fail(ch, d, "MEMORY_ERROR", "error allocating memory");
	/* One call, one document, as with Asterisk and spandsp. */
	if (str_chr(v[0], '&') < v[0].n) {
		log_error("SendFAX: several files in one fax; put their pages into one");
		return fail(ch, d, NULL, "error reserving fax session");
	}
	log_verbose(3, "Channel '%s' sending FAX '%.*s'", text_z(&ch->name), STR_ARG(v[0]));
	take_options(ch, d, v[1]);
	return have(ch, d, v[1]);
}

/* ---- for `check` */

/* What cannot be known yet is taken as right. */
static bool is_known(struct str s)
{
	return str_chr(s, '$') == s.n;
}

static bool judge_options(struct str options, struct str known, struct buf *why)
{
	for (size_t i = 0; is_known(options) && i < options.n; i++) {
		char c = options.p[i];

		if (c == 'a' || c == 'c')
			buf_printf(why, "option %c is polling, which is not there", c);
		else if (str_chr(known, c) == known.n)
			buf_printf(why, "option '%c' is none of %.*s", c & 0x7f, STR_ARG(known));
		if (why->n)
			return false;
	}
	return true;
}

static bool judge(struct str data, struct str known, struct buf *why)
{
	struct str v[2] = { { 0 } };

	pbx_args(data, v, 2);
	if (!v[0].n)
		buf_put(why, STR("needs a file"));
	else if (is_known(v[0]) && v[0].n > FAX_PATH_MAX)
		buf_printf(why, "the file's name is longer than %d bytes", FAX_PATH_MAX);
	return !why->n && judge_options(str_trim(v[1]), known, why);
}

bool app_judge_receive_fax(struct str data, struct buf *why)
{
	return judge(data, STR("dfFs"), why);
}

bool app_judge_send_fax(struct str data, struct buf *why)
{
	struct str v[2] = { { 0 } };

	pbx_args(data, v, 2);
	if (str_chr(v[0], '&') < v[0].n && is_known(v[0])) {
		buf_put(why, STR("takes one file; put all pages into one"));
		return false;
	}
	return judge(data, STR("dfFsz"), why);
}

const struct app app_receive_fax = { .name = "ReceiveFAX", .synopsis = "Receive a fax into a TIFF file", .run = run_receive };
const struct app app_send_fax = { .name = "SendFAX", .synopsis = "Send a TIFF file as a fax", .run = run_send };
