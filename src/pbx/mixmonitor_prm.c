/* MixMonitor's arguments: file, options, command. What they do is mixmonitor.c's. */
#define LOG_MODULE "mixmonitor"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "pbx/mixmonitor.h"
#include <errno.h>

enum { VOLUME_MAX = 4, BEEP_S = 15, SKIP_MIN_S = 1 };

/* A path from the root on, with the extension that the file will have. */
static int set_path(struct text *to, struct pbx *p, struct str name)
{
	struct str dir = p->spool_dir, tail = STR_NULL;

	if (str_ends(name, STR(".wav49"))) {
		name = str_sub(name, 0, name.n - 6);
		tail = STR(".WAV");
	}
	if (name.n && name.p[0] == '/')
		return text_cat(to, name, tail);
	return text_cat(to, dir, STR("/monitor/"), name, tail);
}

/* "x.y/name" has no extension. */
static struct str extension(struct str path)
{
	size_t dot = str_rchr(path, '.'), slash = str_rchr(path, '/');

	return dot < path.n && (slash == path.n || dot > slash) ? str_skip(path, dot + 1) : STR_NULL;
}

static int set_file(struct mixmonitor_prm *m, enum record_file which, struct pbx *p, struct str name)
{
	struct str ext;
	int err;

	if (!name.n) {
		log_warning("MixMonitor: an option that wants the name of a file has none");
		return 0;
	}
	err = set_path(&m->file[which], p, name);
	ext = extension(text_view(&m->file[which]));
	if (!err && !ext.n) {
		struct text whole = { 0 };

		err = text_cat(&whole, text_view(&m->file[which]), STR(".raw"));
		text_free(&m->file[which]);
		m->file[which] = whole;
		ext = STR("raw");
	}
	if (err)
		return err;
	m->record.path[which] = text_view(&m->file[which]);
	m->record.kind[which] = sound_kind_of(ext);
	if (m->record.kind[which])
		return 0;
	log_error("MixMonitor: '%.*s' is no format that is written; wav, wav49, gsm, ulaw, alaw, g722, sln and sln16 are some that are",
		  STR_ARG(ext));
	return EINVAL;
}

/* As Asterisk reads it: two characters at most. 0: no change. */
static int volume_of(struct str arg, const char *what)
{
	struct str digits = str_sub(arg, 0, arg.n < 2 ? arg.n : 2);
	bool minus = digits.n && digits.p[0] == '-';
	uint32_t x;

	if (!arg.n) {
		log_warning("MixMonitor: no level was said for the %s volume", what);
		return 0;
	}
	digits = minus ? str_skip(digits, 1) : digits;
	if (digits.n > 1 && (digits.p[1] < '0' || digits.p[1] > '9'))
		digits.n = 1;
	if (str_u32(digits, &x) || x > VOLUME_MAX) {
		log_notice("MixMonitor: the %s volume must be a number between -4 and 4, not '%.*s'", what, STR_ARG(arg));
		return 0;
	}
	return !x ? 0 : minus ? -(1 << x) : 1 << x;
}

static void volumes(struct mixmonitor_prm *m, struct str options)
{
	struct str arg = STR_NULL;

	if (pbx_option(options, 'v', &arg))
		m->record.volume[TAP_IN] = volume_of(arg, "heard");
	if (pbx_option(options, 'V', &arg))
		m->record.volume[TAP_OUT] = volume_of(arg, "spoken");
	if (pbx_option(options, 'W', &arg))
		m->record.volume[TAP_IN] = m->record.volume[TAP_OUT] = volume_of(arg, "combined");
}

static int beeps(struct mixmonitor_prm *m, struct str options)
{
	struct str arg = STR_NULL;
	uint32_t s = BEEP_S;

	if (!pbx_option(options, 'B', &arg))
		return 0;
	if (arg.n && str_u32(str_trim(arg), &s)) {
		log_warning("MixMonitor: '%.*s' is no interval for the beep: %u seconds", STR_ARG(arg), BEEP_S);
		s = BEEP_S;
	}
	if (!s) {
		log_warning("MixMonitor: B(0) can't be: say 1 second or more");
		return EINVAL;
	}
	m->beep_ms = (uint64_t)s * 1000;
	return 0;
}

static void skips(struct mixmonitor_prm *m, struct str options)
{
	struct str arg = STR_NULL;
	double s;

	if (!pbx_option(options, 's', &arg))
		return;
	if (!arg.n)
		log_warning("MixMonitor: option s wants a number of seconds: nothing is skipped");
	else if (str_double(arg, &s) || s > 1e9)
		log_warning("MixMonitor: '%.*s' is no number of seconds: nothing is skipped", STR_ARG(arg));
	else if (s < SKIP_MIN_S)
		log_warning("MixMonitor: %.3f seconds to skip are less than %d: nothing is skipped", s, SKIP_MIN_S);
	else
		m->record.skip_us = (uint64_t)(s * 1e6);
}

static int files(struct mixmonitor_prm *m, struct pbx *p, struct str name, struct str options)
{
	struct str arg = STR_NULL;
	int err = 0;

	if (pbx_option(options, 't', &arg))
		err = set_file(m, RECORD_OUT, p, arg);
	if (!err && pbx_option(options, 'r', &arg))
		err = set_file(m, RECORD_IN, p, arg);
	if (!err && name.n)
		err = set_file(m, RECORD_MIXED, p, name);
	return err;
}

static int parse_options(struct mixmonitor_prm *m, struct pbx *p, struct str name, struct str o)
{
	struct str arg = STR_NULL;
	int err;

	if (pbx_option(o, 'S', &arg))
		log_notice("MixMonitor: option S is the default by now and need not be said");
	volumes(m, o);
	if (pbx_option(o, 'm', &arg) && !arg.n)
		log_warning("MixMonitor: option m wants mailboxes");
	err = pbx_option(o, 'm', &arg) ? text_set(&m->mailboxes, arg) : 0;
	err = err ? err : files(m, p, name, o);
	if (!err && pbx_option(o, 'i', &arg))
		err = text_set(&m->id_variable, arg);
	err = err ? err : beeps(m, o);
	skips(m, o);
	m->record.append = pbx_option(o, 'a', &arg);
	m->record.interleaved = pbx_option(o, 'D', &arg);
	m->record.no_sync = pbx_option(o, 'n', &arg);
	m->only_bridged = pbx_option(o, 'b', &arg);
	m->beep_at_start = pbx_option(o, 'p', &arg);
	m->beep_at_end = pbx_option(o, 'P', &arg);
	m->remove = pbx_option(o, 'd', &arg);
	return err;
}

/* ^{X} is ${X}, read now: whatever the call brings stands in the command as it is, so a dialplan filters what it
 * takes from a caller. */
static int command_of(struct mixmonitor_prm *m, struct channel *ch, struct str command)
{
	struct buf b = BUF_INIT, out = BUF_INIT;
	int err;

	buf_put(&b, command);
	for (size_t i = 0; i + 1 < b.n; i++)
		if (b.p[i] == '^' && b.p[i + 1] == '{')
			b.p[i] = '$';
	pbx_substitute(ch->pbx, ch, buf_view(&b), &out);
	err = buf_err(&b) ? buf_err(&b) : buf_err(&out);
	err = err ? err : text_set(&m->command, buf_view(&out));
	buf_free(&b);
	buf_free(&out);
	return err;
}

int mixmonitor_parse(struct mixmonitor_prm *m, struct channel *ch, struct str data)
{
	struct args a;
	int err;

	*m = (struct mixmonitor_prm){ 0 };
	err = args_split(&a, data, ',', 3);
	if (err)
		return err;
	err = parse_options(m, ch->pbx, a.v[0], a.v[1]);
	if (!err && a.v[2].n)
		err = command_of(m, ch, a.v[2]);
	args_free(&a);
	if (!err && !m->file[RECORD_MIXED].n && !m->file[RECORD_IN].n && !m->file[RECORD_OUT].n) {
		log_warning("MixMonitor wants the name of a file, such as MixMonitor(call.wav), or one in r() or t()");
		err = EINVAL;
	}
	/* Two channels go into what has no header of one. */
	if (!err && m->record.interleaved && m->file[RECORD_MIXED].n && m->record.kind[RECORD_MIXED]->id != FORMAT_SLIN &&
	    m->record.kind[RECORD_MIXED]->head != SOUND_WAV) {
		log_error("MixMonitor: option D wants a file that ends in .raw, .sln or .wav");
		err = EINVAL;
	}
	return err;
}

void mixmonitor_prm_free(struct mixmonitor_prm *m)
{
	for (int i = 0; i < RECORD_FILES; i++)
		text_free(&m->file[i]);
	text_free(&m->command);
	text_free(&m->id_variable);
	text_free(&m->mailboxes);
}
