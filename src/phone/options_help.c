/* --help and the completion of bash, out of the tables of options, parameters and outcomes. */
#include "phone/options.h"
#include "agent/config.h"
#include "phone/outcome.h"

#define INDENT 28

/* Words, each line from column `indent` on. */
static void put_wrapped(struct buf *b, struct str text, size_t indent, size_t width)
{
	size_t room = width > indent + 20 ? width - indent : 20, at = 0;

	while (text.n) {
		struct str word = str_cut_raw(&text, ' ');

		if (at && at + 1 + word.n > room) {
			buf_printf(b, "\n%*s", (int)indent, "");
			at = 0;
		}
		buf_puts(b, at ? STR(" ") : STR_NULL, word);
		at += word.n + (at ? 1 : 0);
	}
	buf_char(b, '\n');
}

static void put_row(struct buf *b, const char *name, const char *arg, struct str help, size_t width)
{
	size_t from = b->n, used;

	buf_puts(b, STR("  --"), str_z(name));
	if (arg)
		buf_puts(b, STR(" "), str_z(arg));
	used = b->n - from;
	if (used + 2 > INDENT)
		buf_printf(b, "\n%*s", INDENT, "");
	else
		buf_printf(b, "%*s", (int)(INDENT - used), "");
	put_wrapped(b, help, INDENT, width);
}

static bool is_ours(const struct agent_param *row)
{
	return !row->browser_only && !row->script_only;
}

static void put_param(struct buf *b, const struct agent_param *row, size_t width)
{
	const char *def = row->def ? row->def : row->fallback;
	struct buf help = BUF_INIT;

	buf_puts(&help, str_z(row->help), STR(" "), str_z(row->type), STR("."));
	if (def && !str_eq(str_z(row->name), STR("wsServers")))
		buf_puts(&help, STR(" Default: "), str_z(def), STR("."));
	else if (def)
		buf_put(&help, STR(" Default: udp: and the domain of uri. --server is the same."));
	put_row(b, row->name, str_eq(str_z(row->ts), STR("boolean")) ? NULL : "VALUE", buf_view(&help), width);
	buf_free(&help);
}

void phone_write_help(struct buf *b, size_t width)
{
	const struct phone_option *own;
	const struct agent_param *row;

	buf_put(b, STR("sidetone-ua: a SIP phone for the terminal and for scripts.\n\n"
		       "  sidetone-ua --uri sip:1001@example.com --password P              interactive; 'help' there\n"
		       "  sidetone-ua --uri ... --call sip:600@example.com --seconds 5     one call\n"
		       "  sidetone-ua --uri ... --message 'Hello' --to bob                 one message\n\n"
		       "Options, as --name value or --name=value, or as lines \"name = value\" of a file:\n\n"));
	for (size_t i = 0; (own = phone_option(i)); i++)
		put_row(b, own->name, own->arg, str_z(own->help), width);
	buf_put(b, STR("\nParameters of the agent, spelled like this, register-expires or register_expires:\n\n"));
	for (size_t i = 0; (row = agent_param(i)); i++)
		if (is_ours(row))
			put_param(b, row, width);
	buf_put(b, STR("\nThe environment: SIDETONE_UA_PASSWORD, which no list of processes shows; NO_COLOR.\n"
		       "\nOutcomes and exit codes:\n\n"));
	for (int o = OUTCOME_NONE + 1; o < OUTCOMES; o++)
		buf_printf(b, "  %-14s %3d  %s\n", outcome_row((enum outcome)o)->word, outcome_row((enum outcome)o)->exit_code,
			   outcome_row((enum outcome)o)->help);
	buf_printf(b, "  %-14s %3d  %s\n", "", EXIT_USAGE, "an option or a parameter is wrong");
	buf_printf(b, "  %-14s %3d  %s\n", "", EXIT_UNEXPECTED, "it did not end as --expect said");
	buf_printf(b, "  %-14s %3d  %s\n", "", EXIT_INTERRUPTED, "interrupted");
}

void phone_write_completion(struct buf *b)
{
	const struct phone_option *own;
	const struct agent_param *row;

	buf_put(b, STR("# bash completion of sidetone-ua\n"
		       "_sidetone_ua()\n{\n"
		       "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		       "\tcase $before in\n"
		       "\t--play|--record|--file|--ca-list-file|--ca-list-path|--cert-file|--priv-key-file)\n"
		       "\t\tCOMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
		       "\t--colour) COMPREPLY=($(compgen -W 'auto always never' -- \"$word\")); return ;;\n"
		       "\t--encryption) COMPREPLY=($(compgen -W 'none sdes dtls' -- \"$word\")); return ;;\n"
		       "\t--expect) COMPREPLY=($(compgen -W '"));
	for (int o = OUTCOME_NONE + 1; o < OUTCOMES; o++)
		buf_puts(b, o > OUTCOME_NONE + 1 ? STR(" ") : STR_NULL, str_z(outcome_row((enum outcome)o)->word));
	buf_put(b, STR("' -- \"$word\")); return ;;\n\tesac\n\tCOMPREPLY=($(compgen -W '--server"));
	for (size_t i = 0; (own = phone_option(i)); i++)
		buf_puts(b, STR(" --"), str_z(own->name));
	for (size_t i = 0; (row = agent_param(i)); i++)
		if (is_ours(row) && !str_eq(str_z(row->name), STR("register")))
			buf_puts(b, STR(" --"), str_z(row->name));
	buf_put(b, STR("' -- \"$word\"))\n}\ncomplete -F _sidetone_ua sidetone-ua\n"));
}
