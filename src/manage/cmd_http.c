/* http show status: the server of HTTP, in Asterisk's words. */
#include "manage/command.h"
#include "service/web/web.h"

static void put_redirects(struct command_ctx *c, const struct http_conf *h)
{
	command_printf(c, "\nEnabled Redirects:\n");
	if (!h->redirects_n)
		command_printf(c, "  None.\n");
	for (size_t i = 0; i < h->redirects_n; i++)
		command_printf(c, "  %.*s => %.*s\n", STR_ARG(h->redirects[i].from), STR_ARG(h->redirects[i].to));
}

static void put_restrictions(struct command_ctx *c, const struct http_conf *h)
{
	command_printf(c, "\nPath Restrictions:\n");
	if (!h->restrictions)
		command_printf(c, "  None.\n");
	for (const struct http_restriction *x = h->restrictions; x; x = x->next)
		command_printf(c, "  Path: %.*s\n%s", STR_ARG(x->path), x->acl ? "" : "    No ACL configured\n");
}

static enum command_result status(struct command_ctx *c)
{
	const struct web *w = c->m->web;
	const struct http_conf *h = w ? web_conf(w) : NULL;
	const struct web_route *r;
	char text[SA_TEXT];
	struct sa at;

	if (c->args)
		return COMMAND_USAGE;
	if (!h) {
		command_printf(c, "HTTP Server Status:\nPrefix: \nServer: \nServer Disabled\n\n");
		return COMMAND_OK;
	}
	command_printf(c, "HTTP Server Status:\nPrefix: %.*s\nServer: %.*s\n", STR_ARG(h->path), STR_ARG(h->servername));
	if (web_bound(w, false, &at))
		command_printf(c, "Server Enabled and Bound to %s\n\n", sa_text(&at, text));
	else
		command_printf(c, "Server Disabled\n\n");
	if (web_bound(w, true, &at))
		command_printf(c, "HTTPS Server Enabled and Bound to %s\n\n", sa_text(&at, text));
	command_printf(c, "Enabled URI's:\n");
	if (!web_route_at(w, 0))
		command_printf(c, "None.\n");
	for (size_t i = 0; (r = web_route_at(w, i)); i++)
		command_printf(c, "%.*s%s%s => %s\n", STR_ARG(h->path), r->path, r->below ? "/..." : "", r->description);
	put_redirects(c, h);
	put_restrictions(c, h);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "http show status", NULL, "Display HTTP server status", status, true, NULL },
};
const struct command_table commands_http = { rows, ARRAY_LEN(rows) };
