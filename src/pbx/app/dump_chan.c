/* DumpChan: all that is known of a channel, into the log. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"

/* DumpChan([level]): all that is known of the channel into the log. */
static int run(struct channel *ch, struct str data)
{
	struct channel *peer = bridge_peer(ch);

	(void)data;
	log_verbose(0, "Channel %s: unique id %s, linked id %s, state %s, caller %s <%s>, connected %s <%s>, "
		    "at %s,%s,%d, application %s(%s), language %s, account %s, peer %s", text_z(&ch->name),
		    text_z(&ch->uniqueid), text_z(&ch->linkedid), channel_state_name(ch->state),
		    text_z(&ch->caller.name), text_z(&ch->caller.number), text_z(&ch->connected.name),
		    text_z(&ch->connected.number), text_z(&ch->context), text_z(&ch->exten), ch->priority,
		    text_z(&ch->app), text_z(&ch->appdata), text_z(&ch->language), text_z(&ch->accountcode),
		    peer ? text_z(&peer->name) : "none");
	list_each(l, &ch->vars.head) {
		const struct var *v = container_of(l, struct var, link);

		log_verbose(0, "  %.*s=%.*s", STR_ARG(v->name), STR_ARG(v->value));
	}
	return 0;
}

const struct app app_dump_chan = { .name = "DumpChan", .synopsis = "Write what is known of the channel to the log",
	.run = run };
