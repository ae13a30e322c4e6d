/* fax ...: faxes under way, their counts and settings. */
#include "manage/command.h"
#include "config/settings.h"
#include "pbx/fax.h"
#include "pbx/pbx.h"

static enum command_result capabilities(struct command_ctx *c)
{
	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n\nRegistered FAX Technology Modules:\n\n");
	command_printf(c, "%-15s : %s\n%-15s : %s\n%-15s : %s\n\n", "Type", "Spandsp", "Description", "Spandsp FAX Driver", "Capabilities",
		       "SEND RECEIVE T.38 G.711 GATEWAY");
	command_printf(c, "1 registered modules\n\n");
	return COMMAND_OK;
}

static enum command_result version(struct command_ctx *c)
{
	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "FAX For Asterisk Components:\n\tApplications: %s\n\tSpandsp FAX Driver: %s\n\n", text_z(&c->m->version),
		       faxterm_version());
	return COMMAND_OK;
}

static enum command_result settings(struct command_ctx *c)
{
	const struct faxes *f = c->m->pbx->fax;
	struct buf modems = BUF_INIT;

	if (c->args)
		return COMMAND_USAGE;
	fax_modems_write(&modems, f->modems);
	command_printf(c, "FAX For Asterisk Settings:\n\tECM: %s\n\tStatus Events: %s\n", f->ecm ? "Enabled" : "Disabled",
		       f->statusevents ? "On" : "Off");
	command_printf(c, "\tMinimum Bit Rate: %u\n\tMaximum Bit Rate: %u\n", f->minrate, f->maxrate);
	command_printf(c, "\tModem Modulations Allowed: %.*s\n\tT.38 Negotiation Timeout: %u\n", STR_ARG(buf_view(&modems)),
		       f->t38timeout);
	command_printf(c, "\n\nFAX Technology Modules:\n\nSpandsp (Spandsp FAX Driver) Settings:\n");
	buf_free(&modems);
	return COMMAND_OK;
}

static void row(struct command_ctx *c, const char *what, unsigned n)
{
	command_printf(c, "%-22s : %u\n", what, n);
}

static void show_terminal(struct command_ctx *c, const struct fax_session *s, const struct faxterm_stats *st)
{
	bool receive = s->d->kind == FAX_KIND_RECEIVE;
	struct str files = text_view(&s->d->files), file = fax_file_next(&files);

	command_printf(c, "%-22s : %s\n", "Last Status", faxterm_reason(st->code));
	command_printf(c, "%-22s : %s\n", "ECM Mode", st->ecm ? "Yes" : "No");
	row(c, "Data Rate", st->rate);
	command_printf(c, "%-22s : %ux%u\n", "Image Resolution", st->x, st->y);
	row(c, "Page Number", (receive ? st->received : st->sent) + 1);
	command_printf(c, "%-22s : %.*s\n", "File Name", STR_ARG(file));
	command_printf(c, "\nData Statistics:\n");
	row(c, "Tx Pages", st->sent);
	row(c, "Rx Pages", st->received);
	row(c, "Longest Bad Line Run", st->longest_bad_run);
	row(c, "Total Bad Lines", st->bad_lines);
}

static void show_gateway(struct command_ctx *c, const struct faxterm_stats *st)
{
	command_printf(c, "%-22s : %s\n", "ECM Mode", st->ecm ? "Yes" : "No");
	row(c, "Data Rate", st->rate);
	row(c, "Page Number", st->sent + 1);
}

static void show_session(struct command_ctx *c, const struct fax_session *s)
{
	static const char *const operations[] = { "none", "Transmit", "Receive", "Gateway", "V.21 Detect" };
	struct faxterm_stats st;

	command_printf(c, "%-22s : %s\n", "channel", text_z(&s->channel));
	row(c, "session", s->id);
	command_printf(c, "%-22s : %s\n", "operation", operations[s->d->kind]);
	command_printf(c, "%-22s : %s\n", "state", fax_state_name(s->state));
	if (s->state == FAX_STATE_UNINITIALIZED || !fax_session_numbers(s, &st))
		return;
	if (s->d->kind == FAX_KIND_GATEWAY)
		show_gateway(c, &st);
	else
		show_terminal(c, s, &st);
}

static enum command_result session(struct command_ctx *c)
{
	struct fax_session *s;
	uint32_t id;

	if (c->args != 1)
		return COMMAND_USAGE;
	if (str_u32(command_arg(c, 0), &id)) {
		command_printf(c, "'%.*s' is no session number\n", STR_ARG(command_arg(c, 0)));
		return COMMAND_OK;
	}
	command_printf(c, "\nFAX Session Details:\n--------------------\n\n");
	s = fax_session_find(c->m->pbx->fax, id);
	if (s)
		show_session(c, s);
	command_printf(c, "\n\n");
	return COMMAND_OK;
}

/* The first that is newer. Not held: it may be gone after command_row(). */
static struct fax_session *next_of(struct faxes *f, int64_t after)
{
	list_each(l, &f->sessions) {
		struct fax_session *s = container_of(l, struct fax_session, link);

		if ((int64_t)s->id > after)
			return s;
	}
	return NULL;
}

static enum command_result sessions(struct command_ctx *c)
{
	int64_t after = -1;
	struct fax_session *s;
	unsigned n = 0;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\nCurrent FAX Sessions:\n\n%-30.30s %-10.10s %-10.10s %-5.5s %-10.10s %-15.15s %-30.30s\n", "Channel",
		       "Tech", "FAXID", "Type", "Operation", "State", "File(s)");
	while ((s = next_of(c->m->pbx->fax, after))) {
		after = s->id;
		n++;
		command_printf(c, "%-30.30s %-10.10s %-10u %-5.5s %-10.10s %-15.15s %-30s\n", text_z(&s->channel), "Spandsp", s->id,
			       fax_session_type(s), fax_kind_name(s->d->kind), fax_state_name(s->state), text_z(&s->d->files));
		if (!command_row(c))
			return COMMAND_OK;
	}
	command_printf(c, "\n%u FAX sessions\n\n", n);
	return COMMAND_OK;
}

static void count(struct command_ctx *c, const char *what, unsigned n)
{
	command_printf(c, "%-20.20s : %u\n", what, n);
}

static void show_ends(struct command_ctx *c, const struct faxes *f, bool t38)
{
	static const char *const names[FAX_ENDS] = { "Success", "Call Dropped", "No FAX", "Negotiation Failed", "Train Failure",
		"Retries Exceeded", "Protocol Error", "TX Protocol Error", "RX Protocol Error", "File Error", "Memory Error",
		"Unknown Error" };

	command_printf(c, "\n%-20.20s\n", t38 ? "Spandsp T.38" : "Spandsp G.711");
	for (unsigned i = 0; i < FAX_ENDS; i++) {
		count(c, names[i], f->ends[t38][i]);
		if (!i && !t38)
			count(c, "Switched to T.38", f->switched);
	}
}

static enum command_result stats(struct command_ctx *c)
{
	const struct faxes *f = c->m->pbx->fax;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\nFAX Statistics:\n---------------\n\n");
	count(c, "Current Sessions", f->active);
	count(c, "Reserved Sessions", 0);
	count(c, "Transmit Attempts", f->sent);
	count(c, "Receive Attempts", f->received);
	count(c, "Completed FAXes", f->complete);
	count(c, "Failed FAXes", f->failed);
	show_ends(c, f, false);
	show_ends(c, f, true);
	command_printf(c, "\n\n");
	return COMMAND_OK;
}

static enum command_result debug(struct command_ctx *c)
{
	bool on = str_ieq(command_arg(c, 0), STR("on"));

	if (c->args != 1 || (!on && !str_ieq(command_arg(c, 0), STR("off"))))
		return COMMAND_USAGE;
	c->m->pbx->fax->debug = on;
	command_printf(c, "\n\nFAX Debug %s\n\n", on ? "Enabled" : "Disabled");
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "fax show capabilities", NULL, "What faxes can be made of", capabilities, false, NULL },
	{ "fax show session", "<session number>", "One fax that is under way", session, false, NULL },
	{ "fax show sessions", NULL, "List the faxes that are under way", sessions, false, NULL },
	{ "fax show settings", NULL, "What faxes may do that say nothing else: res_fax.conf", settings, false, NULL },
	{ "fax show stats", NULL, "Counts of all faxes and how they ended", stats, false, NULL },
	{ "fax show version", NULL, "Versions of what makes faxes", version, false, NULL },
	{ "fax set debug", "{on|off}", "Whether new faxes say in the debug log what they do", debug, false, NULL },
};
const struct command_table commands_fax = { rows, ARRAY_LEN(rows) };
