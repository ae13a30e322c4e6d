/* rtp show settings: rtp.conf as it is in force, in Asterisk's words. */
#include "manage/command.h"

static const char *yes_no(bool v)
{
	return v ? "Yes" : "No";
}

static enum command_result settings(struct command_ctx *c)
{
	const struct rtp_conf *r = c->m->rtp;

	if (c->args)
		return COMMAND_USAGE;
	if (!r)
		return COMMAND_OK;
	command_printf(c, "\n\nGeneral Settings:\n----------------\n");
	command_printf(c, "  Port start:      %u\n  Port end:        %u\n", r->rtpstart, r->rtpend);
	command_printf(c, "  Checksums:       %s\n", yes_no(r->rtpchecksums));
	command_printf(c, "  DTMF Timeout:    %u\n", r->dtmftimeout);
	command_printf(c, "  Strict RTP:      %s\n", yes_no(r->strictrtp != RTP_STRICT_NO));
	if (r->strictrtp != RTP_STRICT_NO)
		command_printf(c, "  Probation:       %u frames\n", r->probation);
	command_printf(c, "  Replay Protect:  %s\n", yes_no(r->srtpreplayprotection));
	command_printf(c, "  ICE support:     %s\n", yes_no(r->icesupport));
	/* As written: what a name leads to is asked when it is needed. */
	command_printf(c, "  STUN:            %s\n", r->stunaddr.n ? "enabled" : "disabled");
	if (r->stunaddr.n)
		command_printf(c, "   Hostname:       %.*s\n", STR_ARG(r->stunaddr));
	else
		command_printf(c, "   Address:        0.0.0.0:0\n");
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "rtp show settings", NULL, "Display RTP settings", settings, false, NULL },
};
const struct command_table commands_rtp = { rows, ARRAY_LEN(rows) };
