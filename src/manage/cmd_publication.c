/* pjsip show publications: what others publish here, and we elsewhere. */
#include "manage/command.h"
#include "service/event/compositor.h"
#include "service/event/publish.h"

static enum command_result inbound(struct command_ctx *c)
{
	struct map_walk w = { 0 };
	struct taken_row r;
	unsigned n = 0;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n %-20s %-20s %-20s %-12s %8s  %s\n", "Endpoint", "Event", "Resource", "State", "Expires", "ETag");
	while (compositor_next(c->m->service, &w, &r)) {
		command_printf(c, " %-20.*s %-20.*s %-20.*s %-12s %8u  %.*s\n", STR_ARG(r.endpoint), STR_ARG(r.event),
			       STR_ARG(r.resource), r.device.n ? device_state_name(r.state) : "-", r.left_s, STR_ARG(r.etag));
		n++;
		if (!command_row(c))
			break;
	}
	map_walk_end(&w);
	command_printf(c, "\n%u publications\n", n);
	return COMMAND_OK;
}

static enum command_result outbound(struct command_ctx *c)
{
	struct publisher_walk w = { 0 };
	struct publisher_row r;
	unsigned n = 0;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n %-20s %-20s %-32s %-10s %6s %8s  %s\n", "Section", "Event", "To", "State", "Answer", "Next", "ETag");
	while (publisher_next(c->m->service, &w, &r)) {
		command_printf(c, " %-20.*s %-20.*s %-32.*s %-10s %6u %8u  %.*s\n", STR_ARG(r.section), STR_ARG(r.event),
			       STR_ARG(r.target), r.state, r.status, r.left_s, STR_ARG(r.etag));
		n++;
		if (!command_row(c))
			break;
	}
	publisher_walk_end(&w);
	command_printf(c, "\n%u publications\n", n);
	return COMMAND_OK;
}

static enum command_result send_publish(struct command_ctx *c)
{
	if (c->args != 1)
		return COMMAND_USAGE;
	if (publications_send(c->m->service, c->arg[0])) {
		command_printf(c, "No outbound-publish '%.*s' publishes anything\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	command_printf(c, "All states of '%.*s' are published again\n", STR_ARG(c->arg[0]));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip show publications inbound", NULL, "What others publish here", inbound, false, NULL },
	{ "pjsip show publications outbound", NULL, "What is published at other servers", outbound, false, NULL },
	{ "pjsip send publish", "<outbound-publish>", "Publish all states of a section again", send_publish, false, NULL },
};
const struct command_table commands_publication = { rows, ARRAY_LEN(rows) };
