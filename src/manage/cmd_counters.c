/* pjsip show counters: what came, what went, and what was dropped and why. */
#include "manage/command.h"
#include "service/event/compositor.h"
#include "service/event/publish.h"
#include "service/service.h"

struct counted {
	const char *name;
	uint64_t n;
};

static void show_counters(struct command_ctx *c, const char *title, const struct counted *v, size_t n)
{
	command_printf(c, "%s\n", title);
	for (size_t i = 0; i < n; i++)
		command_printf(c, "  %-44s %12llu\n", v[i].name, (unsigned long long)v[i].n);
}

/* How much of what is shared is in use; "of 0": there is no limit. */
static void show_shares(struct command_ctx *c, const struct shares *all)
{
	static const char *const names[SHARE_KINDS] = { "transactions of endpoints", "dialogs that others began",
		"calls that others began", "pairs of media ports", "texts that wait" };

	command_printf(c, "Shares\n");
	for (enum share_kind k = 0; k < SHARE_KINDS; k++)
		command_printf(c, "  %-44s %12zu of %zu\n", names[k], shares_used(all, k), shares_total(all, k));
}

static void show_publications(struct command_ctx *c, const struct service *svc)
{
	struct taken_counters in;
	struct publish_counters out;

	compositor_count(svc, &in);
	publications_count(svc, &out);
	const struct counted rows[] = {
		{ "taken from others", in.begun }, { "... renewed", in.renewed }, { "... changed", in.changed },
		{ "... taken back", in.removed }, { "... not renewed in time", in.expired }, { "... refused", in.refused },
		{ "... there now", in.now }, { "ours, PUBLISH accepted", out.accepted }, { "... refused", out.refused },
		{ "... not answered", out.unanswered }, { "... there now", out.now },
	};
	show_counters(c, "Publications", rows, ARRAY_LEN(rows));
}

static enum command_result counters(struct command_ctx *c)
{
	const struct service *svc = c->m->service;
	struct net_counters net = { 0 };
	struct sip_counters sip;

	if (c->args)
		return COMMAND_USAGE;
	if (svc->net)
		net_count(svc->net, &net);
	sip_stack_count(svc->sip, &sip);
	const struct counted network[] = {
		{ "messages received", net.rx }, { "messages sent", net.tx },
		{ "bytes received", net.rx_bytes }, { "bytes sent", net.tx_bytes },
		{ "not SIP, dropped", net.dropped_parse },
		{ "of strangers over stranger_rate, dropped", net.dropped_rate },
		{ "of sources over their share, dropped", net.dropped_share },
		{ "queue full, dropped", net.dropped_ring }, { "could not be sent", net.tx_errors },
		{ "connections accepted", net.accepted }, { "connections refused or put out for others", net.refused_cap },
		{ "steps of TLS handshakes that waited for their turn", net.shakes_waited },
		{ "connections closed by a deadline", net.timed_out }, { "connections open", net.conns },
	};
	const struct counted signalling[] = {
		{ "requests", sip.requests }, { "responses", sip.responses },
		{ "responses and ACKs that belong to nothing", sip.strays },
		{ "requests that came twice by two ways (482)", sip.merged },
		{ "retransmissions received", sip.retransmits_in }, { "retransmissions sent", sip.retransmits_out },
		{ "transactions without an answer", sip.timeouts }, { "refused, too many transactions", sip.refused_full },
		{ "answered requests remembered", sip.finished }, { "... forgotten to make room", sip.forgotten },
		{ "server transactions", sip.server_tx }, { "client transactions", sip.client_tx }, { "dialogs", sip.dialogs },
	};
	show_counters(c, "Network", network, ARRAY_LEN(network));
	show_counters(c, "Signalling", signalling, ARRAY_LEN(signalling));
	show_publications(c, svc);
	show_shares(c, svc->shares);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip show counters", NULL, "What came, what went, and what was dropped", counters, false, NULL },
};
const struct command_table commands_counters = { rows, ARRAY_LEN(rows) };
