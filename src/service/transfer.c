#define LOG_MODULE "transfer"
#include "service/transfer.h"
#include "base/log.h"
#include <errno.h>

/* "sip:bob@host" as it is; "PJSIP/bob" becomes the endpoint's contact. */
static int target_uri(struct session *s, struct str dest, struct buf *b)
{
	const struct endpoint *ep;
	struct location *l;
	struct contact *c;

	if (str_istarts(dest, STR("PJSIP/")))
		dest = str_skip(dest, 6);
	if (str_istarts(dest, STR("sip:")) || str_istarts(dest, STR("sips:"))) {
		buf_put(b, dest);
		return 0;
	}
	ep = snapshot_endpoint(s->svc->conf, dest);
	for (size_t i = 0; ep && i < ep->aor_n; i++) {
		l = location_get(s->svc, ep->aor_objs[i]->name, false);
		c = l ? location_pick(l) : NULL;
		if (c) {
			buf_put(b, text_view(&c->uri));
			return 0;
		}
	}
	if (ep)
		return EHOSTUNREACH;
	buf_puts(b, STR("sip:"), dest);
	if (str_chr(dest, '@') == dest.n) {
		buf_char(b, '@');
		sa_write_host(b, &s->dlg->path.peer);
	}
	return 0;
}

static int redirect(struct session *s, struct str uri)
{
	char room[512];
	struct buf h;
	int err;

	buf_init(&h, room, sizeof(room), sizeof(room));
	buf_puts(&h, STR("Contact: <"), uri, STR(">\r\n"));
	err = buf_err(&h);
	if (!err)
		err = sip_stx_respond(s->uas, 302, STR_NULL, buf_view(&h), STR_NULL, STR_NULL);
	return err;
}

static int send_refer(struct session *s, struct str uri)
{
	struct sip_out *o = sip_dialog_request(s->dlg, SIP_REFER);
	int err;

	if (!o)
		return ENOMEM;
	sip_out_header(o, STR("Refer-To"), uri);
	err = session_send(s, o, NULL, NULL);
	obj_drop(o);
	return err;
}

int transfer_channel(struct channel *ch, struct str dest)
{
	struct session *s = SESSION_OF(ch);
	struct buf uri = BUF_INIT;
	int err = target_uri(s, dest, &uri);

	if (!err)
		err = buf_err(&uri);
	if (!err && s->st == SESSION_UP)
		err = send_refer(s, buf_view(&uri));
	else if (!err && s->incoming && s->st == SESSION_RINGING)
		err = redirect(s, buf_view(&uri));
	else if (!err)
		err = ENOTCONN;
	buf_free(&uri);
	return err;
}

bool transfer_replaces(struct service *svc, struct identity *id, struct sip_stx *tx, struct sip_msg *msg)
{
	(void)svc;
	(void)id;
	(void)tx;
	(void)msg;
	return false;
}

void transfer_refer(struct session *s, struct sip_stx *tx, struct sip_msg *msg)
{
	(void)msg;
	service_reply(s->svc, tx, 603, STR_NULL);
}

void transfer_notify(struct session *s, struct sip_stx *tx, struct sip_msg *msg)
{
	(void)msg;
	service_reply(s->svc, tx, 200, STR_NULL);
}
