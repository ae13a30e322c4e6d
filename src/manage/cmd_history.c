/* pjsip set history, pjsip show history: the SIP messages of the last time. */
#include "manage/command.h"
#include "manage/history_filter.h"
#include "service/common/service.h"
#include <errno.h>

static enum command_result set_history(struct command_ctx *c)
{
	struct sip_history *h = &c->m->service->wire.history;
	struct str what = command_arg(c, 0);

	if (c->args != 1)
		return COMMAND_USAGE;
	if (str_ieq(what, STR("on"))) {
		h->on = true;
		command_printf(c, "PJSIP History enabled\n");
	} else if (str_ieq(what, STR("off"))) {
		h->on = false;
		command_printf(c, "PJSIP History disabled\n");
	} else if (str_ieq(what, STR("clear"))) {
		sip_history_clear(h);
		command_printf(c, "PJSIP History cleared\n");
	} else {
		return COMMAND_USAGE;
	}
	return COMMAND_OK;
}

/* Nothing in a message may do something to the terminal. */
static void put_printable(struct command_ctx *c, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i];

		buf_char(&c->out, b < 32 && b != '\r' && b != '\n' && b != '\t' ? '?' : s.p[i]);
	}
}

static void put_entry(struct command_ctx *c, const struct sip_history_entry *e)
{
	char peer[SA_TEXT];

	command_printf(c, "<--- History Entry %u %s %s at %-10lld --->\n", e->number, e->sent ? "Sent to" : "Received from",
		       sa_text(&e->peer, peer), (long long)e->at);
	put_printable(c, e->bytes);
	command_put(c, STR("\n"));
}

static void put_row(struct command_ctx *c, const struct sip_history_entry *e)
{
	struct str message = e->bytes, line = STR_NULL;
	char peer[SA_TEXT];

	(void)str_line(&message, &line);
	command_printf(c, "%-5.5u %-10lld %-5.5s %-24.24s ", e->number, (long long)e->at, e->sent ? "* ==>" : "* <==",
		       sa_text(&e->peer, peer));
	put_printable(c, str_sub(line, 0, 200));
	command_put(c, STR("\n"));
}

static void put_header(struct command_ctx *c)
{
	command_printf(c, "%-5.5s %-10.10s %-30.30s %-35.35s\n", "No.", "Timestamp", "(Dir) Address", "SIP Message");
	command_printf(c, "===== ========== ============================== ===================================\n");
}

/* The next that is asked for, behind `e` or the first; held. */
static struct sip_history_entry *next_entry(struct command_ctx *c, struct sip_history_entry *e, const struct history_filter *f)
{
	struct sip_history *h = &c->m->service->wire.history;
	struct list *l = e && e->listed ? e->link.next : h->entries.next;

	for (; l != &h->entries; l = l->next) {
		struct sip_history_entry *next = container_of(l, struct sip_history_entry, link);

		/* Whatever went while this one waited: never back to what was shown. */
		if ((!e || next->number > e->number) && (!f || history_filter_has(f, next)))
			return obj_hold(next);
	}
	return NULL;
}

/* One alone is shown as a whole. */
static void show_entries(struct command_ctx *c, const struct history_filter *f)
{
	struct sip_history_entry *e = next_entry(c, NULL, f), *next = e ? next_entry(c, e, f) : NULL;

	if (e && !next) {
		put_entry(c, e);
		obj_drop(e);
		return;
	}
	put_header(c);
	while (e) {
		put_row(c, e);
		if (!command_row(c)) {
			obj_drop(next);
			next = NULL;
		}
		obj_drop(e);
		e = next;
		next = e ? next_entry(c, e, f) : NULL;
	}
}

static enum command_result show_number(struct command_ctx *c)
{
	struct sip_history *h = &c->m->service->wire.history;
	uint32_t number;

	if (str_u32(c->arg[1], &number)) {
		command_printf(c, "'%.*s' is not a valid entry number\n", STR_ARG(c->arg[1]));
		return COMMAND_FAILED;
	}
	list_each(l, &h->entries) {
		const struct sip_history_entry *e = container_of(l, struct sip_history_entry, link);

		if (e->number != number)
			continue;
		put_entry(c, e);
		return COMMAND_OK;
	}
	command_printf(c, "Entry '%u' does not exist\n", number);
	return COMMAND_FAILED;
}

static enum command_result show_history(struct command_ctx *c)
{
	struct history_filter *f = NULL;
	struct buf why = BUF_INIT;
	int err;

	if (c->args == 2 && str_ieq(c->arg[0], STR("entry")))
		return show_number(c);
	if (c->args && !str_ieq(c->arg[0], STR("where")))
		return COMMAND_USAGE;
	if (c->args) {
		err = history_filter_new(&f, c->arg + 1, c->args - 1, &why);
		if (err)
			command_printf(c, "%s\n", why.n ? buf_z(&why) : "No memory");
		buf_free(&why);
		if (err)
			return COMMAND_FAILED;
	}
	show_entries(c, f);
	history_filter_free(f);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip set history", "{on|off|clear}", "Keep SIP messages in memory, or forget them", set_history, false,
	  "The newest 10000 messages, of 16 MB at most. off keeps those that are there, clear forgets them." },
	{ "pjsip show history", "[entry <num>|where [...]]", "Show the SIP messages that were kept", show_history, false,
	  "where FIELD OPERATOR VALUE, with and, or, not and parentheses. Fields: number, timestamp, addr,\n"
	  "       sip.msg.request.method, sip.msg.call-id. Operators: = != < > <= >= like. As in:\n"
	  "       pjsip show history where number > 5 and (addr = 192.168.0.3:5060 or sip.msg.call-id like ^a)" },
};
const struct command_table commands_history = { rows, ARRAY_LEN(rows) };
