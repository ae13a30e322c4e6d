/* rtp, rtcp, stun ...: rtp.conf as it is in force, and packets to look at, in Asterisk's words. */
#include "manage/command.h"
#include "service/common/ice.h"
#include "service/common/service.h"

static const char *yes_no(bool v)
{
	return v ? "Yes" : "No";
}

static const char *enabled(bool v)
{
	return v ? "Enabled" : "Disabled";
}

/* ---- rtp show settings, stun show status ------------------------------------------------ */

static void put_stun(struct command_ctx *c, const struct rtp_conf *r)
{
	struct service_ice_server s = { 0 };
	char text[SA_TEXT] = "0.0.0.0:0";

	if (c->m->service)
		service_ice_server(c->m->service, &s);
	if (sa_is_set(&s.addr))
		sa_text(&s.addr, text);
	command_printf(c, "  STUN:            %s\n", r->stunaddr.n ? "enabled" : "disabled");
	if (!s.host.n) {
		command_printf(c, "   Address:        %s\n", text);
		return;
	}
	command_printf(c, "   Hostname:       %.*s:%u\n   Resolved Addr:  %s%s\n", STR_ARG(s.host), s.port, text,
		       !sa_is_set(&s.addr) ? " (lookup failed)" : s.again ? "" : " (possibly stale)");
	command_printf(c, "   Last TTL:       %u  (periodic resolution %s)\n   Reresove TTL 0: %s\n", s.ttl,
		       s.again ? "enabled" : "disabled", yes_no(r->stunaddr_reresolve_ttl_0));
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
	put_stun(c, r);
	return COMMAND_OK;
}

static enum command_result stun_status(struct command_ctx *c)
{
	struct service_ice_server s = { 0 };
	char ours[SA_TEXT] = "0.0.0.0", host[SA_TEXT];

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "%-25s %-5s %-7s %-8s %-7s %-16s %-s\n", "Hostname", "Port", "Period", "Retries", "Status", "ExternAddr",
		       "ExternPort");
	service_ice_server(c->m->service, &s);
	if (!s.host.n && !sa_is_set(&s.addr))
		return COMMAND_OK;
	if (sa_is_set(&s.external))
		sa_text_bare(&s.external, ours);
	command_printf(c, "%-25.*s %-5u %-7u %-8d %-7s %-16s %-u\n",
		       STR_ARG(s.host.n ? s.host : str_z(sa_text_bare(&s.addr, host))), s.port, s.ttl, SERVICE_ICE_RETRIES,
		       sa_is_set(&s.external) ? "OK" : s.failed ? "FAIL" : "INIT", ours, sa_port(&s.external));
	return COMMAND_OK;
}

/* ---- set debug ---------------------------------------------------------------------------- */

static enum command_result apply(struct command_ctx *c)
{
	if (!service_debug_apply(c->m->service))
		return COMMAND_OK;
	command_printf(c, "No memory\n");
	return COMMAND_FAILED;
}

/* Words and missing line ends are those that scripts know. */
static enum command_result resolve_stun(struct command_ctx *c)
{
	struct service_ice_server s = { 0 };
	char addr[SA_TEXT];
	int err;

	if (c->args)
		return COMMAND_USAGE;
	service_ice_server(c->m->service, &s);
	err = service_ice_resolve(c->m->service);
	if (!err)
		command_printf(c, "Triggered background stun hostname resolution for '%.*s'.  Run 'rtp show settings' to check results.\n",
			       STR_ARG(s.host));
	else if (err != ENOENT)
		command_printf(c, "Failed to setup recurring DNS resolution of stunaddr '%.*s'", STR_ARG(s.host));
	else if (sa_is_set(&s.addr))
		command_printf(c, "RTP STUN server specified as IP address '%s'. Resolution not required./n", sa_text_bare(&s.addr, addr));
	else
		command_printf(c, "RTP STUN disabled./n");
	return COMMAND_OK;
}

/* on, off, ip ADDRESS[:PORT] */
static enum command_result set_packets(struct command_ctx *c, enum debug_category what, struct sa *only, const char *name)
{
	struct service_debug *d = &c->m->service->debug;
	bool on = str_ieq(command_arg(c, 0), STR("on"));
	char text[SA_TEXT];
	struct sa a;

	if (c->args == 1 && (on || str_ieq(c->arg[0], STR("off")))) {
		d->level[what] = on ? DEBUG_ALL_LEVELS : 0;
		if (on)
			*only = (struct sa){ 0 };
		command_printf(c, "%s Packet Debugging %s\n", name, enabled(on));
		return apply(c);
	}
	if (c->args != 2 || !str_ieq(c->arg[0], STR("ip")))
		return COMMAND_USAGE;
	if (sa_parse(&a, c->arg[1])) {
		command_printf(c, "Lookup failed for '%.*s'\n", STR_ARG(c->arg[1]));
		return COMMAND_FAILED;
	}
	*only = a;
	d->level[what] = DEBUG_ALL_LEVELS;
	command_printf(c, "%s Packet Debugging Enabled for address: %s\n", name, sa_text(&a, text));
	return apply(c);
}

static enum command_result rtp_debug(struct command_ctx *c)
{
	return set_packets(c, DEBUG_RTP_PACKET, &c->m->service->debug.rtp, "RTP");
}

static enum command_result rtcp_debug(struct command_ctx *c)
{
	return set_packets(c, DEBUG_RTCP_PACKET, &c->m->service->debug.rtcp, "RTCP");
}

/* Exactly on or off. */
static bool is_switch(struct command_ctx *c, bool *on)
{
	*on = str_ieq(command_arg(c, 0), STR("on"));
	return c->args == 1 && (*on || str_ieq(c->arg[0], STR("off")));
}

static enum command_result rtcp_stats(struct command_ctx *c)
{
	bool on;

	if (!is_switch(c, &on))
		return COMMAND_USAGE;
	c->m->service->debug.stats = on;
	command_printf(c, "RTCP Stats %s\n", enabled(on));
	return apply(c);
}

static enum command_result stun_debug(struct command_ctx *c)
{
	bool on;

	if (!is_switch(c, &on))
		return COMMAND_USAGE;
	c->m->service->debug.level[DEBUG_STUN_PACKET] = on ? DEBUG_ALL_LEVELS : 0;
	command_printf(c, "STUN Debugging %s\n", enabled(on));
	return apply(c);
}

/* ---- core set debug category ---------------------------------------------------------------- */

static void put_categories(struct command_ctx *c)
{
	command_printf(c, "The categories are");
	for (unsigned i = 0; i < DEBUG_CATEGORIES; i++) {
		struct str name = debug_category_name((enum debug_category)i);

		command_printf(c, " %.*s", STR_ARG(name));
	}
	command_printf(c, "\n");
}

/* "ice", "ice:2" */
static bool category_arg(struct command_ctx *c, struct str word, enum debug_category *what, uint8_t *level)
{
	struct str rest = word, name = str_cut_raw(&rest, ':');
	uint32_t n = DEBUG_ALL_LEVELS;

	*what = debug_category_of(name);
	if (*what == DEBUG_CATEGORIES) {
		command_printf(c, "There is no category '%.*s'. ", STR_ARG(name));
		put_categories(c);
		return false;
	}
	if (name.n != word.n && (str_u32(rest, &n) || n >= DEBUG_ALL_LEVELS)) {
		command_printf(c, "'%.*s': the level is a number up to %d\n", STR_ARG(word), DEBUG_ALL_LEVELS - 1);
		return false;
	}
	*level = (uint8_t)n;
	return true;
}

static enum command_result set_category(struct command_ctx *c)
{
	struct service_debug *d = &c->m->service->debug;
	bool off = str_ieq(command_arg(c, 0), STR("off"));
	enum debug_category what;
	uint8_t level;

	if (!c->args)
		return COMMAND_USAGE;
	for (size_t i = off; i < c->args; i++)
		if (!category_arg(c, c->arg[i], &what, &level))
			return COMMAND_FAILED;
	if (off && c->args == 1)
		memset(d->level, 0, sizeof(d->level));
	for (size_t i = off; i < c->args; i++)
		if (category_arg(c, c->arg[i], &what, &level))
			d->level[what] = off ? 0 : level;
	return apply(c);
}

static const struct command rows[] = {
	{ "rtp show settings", NULL, "Display RTP settings", settings, false, NULL },
	{ "rtp set debug", "{on|off|ip host[:port]}", "Enable/Disable RTP debugging", rtp_debug, false,
	  "Shows each RTP packet, or those from and to one address, at most 2000 a second." },
	{ "rtcp set debug", "{on|off|ip host[:port]}", "Enable/Disable RTCP debugging", rtcp_debug, false,
	  "Shows each RTCP packet, or those from and to one address." },
	{ "rtcp set stats", "{on|off}", "Enable/Disable RTCP stats", rtcp_stats, false,
	  "Shows what each report says of loss, jitter, round trip and quality." },
	{ "stun set debug", "{on|off}", "Enable/Disable STUN debugging", stun_debug, false, NULL },
	{ "rtp resolve stun hostname", NULL, "Look the STUN server's name up now", resolve_stun, false, NULL },
	{ "stun show status", NULL, "Show STUN servers and statuses", stun_status, false, NULL },
	{ "core set debug category", "<category>[:<sublevel>] [category[:<sublevel] ...] | off [<category> ...]",
	  "Enable/disable debugging categories", set_category, false,
	  "rtp, rtp_packet, rtcp, rtcp_packet, dtls, dtls_packet, ice, stun, stun_packet: their lines of level debug are\n"
	  "shown, with a sublevel those up to it. Packets come as verbose lines." },
};
const struct command_table commands_rtp = { rows, ARRAY_LEN(rows) };
