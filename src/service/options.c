/* OPTIONS: what we can, and whether an extension is there (RFC 3261 11). */
#include "service/dispatch.h"
#include "pbx/dialplan.h"
#include "service/service.h"
#include "service/call/session.h"

/* An OPTIONS is answered as an INVITE to the same place would be (RFC 3261 11.2). */
void options_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str exten = msg->ruri.user;
	char room[1024], unescaped[256];
	struct buf b;
	unsigned status = 200;

	if (!sip_uri_is_sip(&msg->ruri)) {
		service_reply(svc, tx, 416, STR_NULL);
		return;
	}
	exten = service_exten(id->conf, &msg->ruri, unescaped, sizeof(unescaped));
	/* Who asks for nobody asks whether the server is there. */
	if (msg->ruri.user.n && !dialplan_exists(svc->pbx, id->ep->context, exten, 1, msg->from.uri.user))
		status = 404;
	buf_init(&b, room, sizeof(room), 0);
	service_abilities(id->conf, &b);
	service_reply(svc, tx, status, buf_view(&b));
	buf_free(&b);
}
