/* PJSIPNotify: a NOTIFY on demand. */
#include "manage/manager_private.h"
#include "pbx/channel.h"
#include "service/message/notify.h"
#include <errno.h>
#include <stdlib.h>

#define ITEMS_MAX 256

struct items {
	struct notify_item v[ITEMS_MAX];
	size_t n;
};

static void add_item(void *arg, struct str name, struct str value)
{
	struct items *l = arg;

	if (l->n < ITEMS_MAX)
		l->v[l->n++] = (struct notify_item){ name, value };
}

static void send_to(struct ami_ctx *a, const struct notify_item *v, size_t n)
{
	struct str endpoint = ami_get(a, "Endpoint"), uri = ami_get(a, "URI");
	struct channel *ch;
	int err;

	if (endpoint.n) {
		if (str_istarts(endpoint, STR("sip/")))
			endpoint = str_skip(endpoint, 4);
		if (str_istarts(endpoint, STR("pjsip/")))
			endpoint = str_skip(endpoint, 6);
		err = notify_endpoint(a->m->service, endpoint, v, n);
	} else if (uri.n) {
		err = notify_uri(a->m->service, uri, v, n);
	} else {
		ch = channel_by_name(a->m->pbx, ami_get(a, "Channel"));
		err = ch ? notify_channel(ch, v, n) : ENOENT;
	}
	/* What becomes of it after that is in the log, as in Asterisk. */
	if (err == ENOMEM)
		ami_error(a, "Unable to allocate NOTIFY task data");
	else if (err == ENOENT && endpoint.n)
		ami_error(a, "Unable to retrieve endpoint %.*s", STR_ARG(endpoint));
	else if ((err == ENOENT || err == ENOTCONN) && !endpoint.n && !uri.n)
		ami_error(a, "Channel not found");
	else
		ami_ok(a, "NOTIFY sent");
}

static void send_notify(struct ami_ctx *a)
{
	struct str option = ami_get(a, "Option"), channel = ami_get(a, "Channel");
	int places = (ami_get(a, "Endpoint").n > 0) + (ami_get(a, "URI").n > 0) + (channel.n > 0);
	const struct notify_kind *kind;
	struct items *l;

	if ((option.n > 0) == (ami_get(a, "Variable").n > 0)) {
		ami_error(a, "PJSIPNotify requires either an Option or Variable(s).You must use only one of them.");
		return;
	}
	if (places != 1) {
		ami_error(a, "PJSIPNotify requires either an endpoint name, a SIP URI, or a channel.%s",
			  places ? "  You must use only one of them." : "");
		return;
	}
	if (option.n) {
		kind = notify_kind(a->m->service, option);
		/* As Asterisk, which has no options for calls, finds it first. */
		if (!kind && channel.n && !channel_by_name(a->m->pbx, channel))
			ami_error(a, "Channel not found");
		else if (kind)
			send_to(a, kind->v, kind->n);
		else
			ami_error(a, "Unable to find notify type '%.*s'", STR_ARG(option));
		return;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		ami_error(a, "Unable to allocate NOTIFY task data");
		return;
	}
	ami_each_var(a, add_item, l);
	send_to(a, l->v, l->n);
	free(l);
}

static const struct ami_action rows[] = {
	{ "PJSIPNotify", EV_SYSTEM, "Send a NOTIFY to an endpoint, a URI or a call", send_notify, false },
};
const struct ami_table ami_notify_actions = { rows, ARRAY_LEN(rows) };
