/* Texts that come: a Message channel runs the dialplan for one after the other; MESSAGE() and
 * MESSAGE_DATA(). Those that go are sent in message_send.c. */
#define LOG_MODULE "message"
#include "service/common/party.h"
#include "service/message/message.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/call/session.h"
#include <errno.h>
#include <stdlib.h>

struct messages {
	struct service *svc;
	struct list queue;              /* struct message */
	struct channel *running;        /* not held: its end tells us */
	struct timer next;
	struct list deliveries;
};

static const char note[] = "message";

static struct messages *messages_of(struct service *svc)
{
	return svc->messages;
}

struct list *message_deliveries(struct service *svc)
{
	return svc->messages ? &messages_of(svc)->deliveries : NULL;
}

/* ---- a message ----------------------------------------------------------- */

static void data_free(struct message_data *d)
{
	list_remove(&d->link);
	text_free(&d->name);
	text_free(&d->value);
	free(d);
}

static void message_free(void *arg)
{
	struct message *m = arg;

	while (!list_empty(&m->data))
		data_free(container_of(m->data.next, struct message_data, link));
	text_free(&m->to);
	text_free(&m->from);
	text_free(&m->body);
	text_free(&m->context);
	text_free(&m->exten);
	share_close(&m->account);
}

struct message *message_new(void)
{
	struct message *m = obj_new(sizeof(*m), message_free);

	if (m)
		list_init(&m->data);
	return m;
}

static struct message_data *find_data(const struct message *m, struct str name)
{
	list_each(l, &m->data) {
		struct message_data *d = container_of(l, struct message_data, link);

		if (str_ieq(text_view(&d->name), name))
			return d;
	}
	return NULL;
}

int message_set(struct message *m, struct str name, struct str value, bool sent)
{
	struct message_data *d = find_data(m, name);
	int err;

	if (!value.n) {
		if (d)
			data_free(d);
		return 0;
	}
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return ENOMEM;
		list_append(&m->data, &d->link);
		err = text_set(&d->name, name);
		if (err) {
			data_free(d);
			return err;
		}
	}
	d->sent |= sent;
	return text_set(&d->value, value);
}

bool message_get(const struct message *m, struct str name, struct str *value)
{
	const struct message_data *d = find_data(m, name);

	*value = d ? text_view(&d->value) : STR_NULL;
	return d != NULL;
}

/* ---- one after the other through the dialplan ------------------------------------ */

static void on_hangup(struct channel *ch);

static const struct channel_tech message_tech = {
	.type = "Message",
	.description = "Text messages in the dialplan",
	.internal = true,
	.hangup = on_hangup,
};

static void run_next(void *arg)
{
	struct messages *q = arg;
	struct channel_new_prm prm = { .pbx = q->svc->pbx, .tech = &message_tech, .pvt = q,
		.name = STR("Message/ast_msg_queue"), .state = CHAN_UP };
	struct message *m;

	if (q->running || list_empty(&q->queue))
		return;
	m = container_of(q->queue.next, struct message, link);
	list_remove(&m->link);
	share_close(&m->account);
	prm.context = text_view(&m->context);
	prm.exten = text_view(&m->exten);
	if (channel_new(&q->running, &prm)) {
		log_warning("a message for %s@%s is lost: no channel for it", text_z(&m->exten), text_z(&m->context));
		q->running = NULL;
		obj_drop(m);
		if (!list_empty(&q->queue))
			timer_start(q->svc->wheel, &q->next, 0, run_next, q);
		return;
	}
	q->running->priority = 1;
	/* The note takes the queue's reference. */
	if (channel_note_set(q->running, note, m) || pbx_start(q->running))
		channel_destroy(q->running);
}

static void on_hangup(struct channel *ch)
{
	struct messages *q = ch->pvt;

	ch->pvt = NULL;
	if (!q || q->running != ch)
		return;
	q->running = NULL;
	if (!list_empty(&q->queue))
		timer_start(q->svc->wheel, &q->next, 0, run_next, q);
}

int messages_start(struct service *svc)
{
	struct messages *q = calloc(1, sizeof(*q));

	if (!q)
		return ENOMEM;
	q->svc = svc;
	list_init(&q->queue);
	list_init(&q->deliveries);
	svc->messages = q;
	return 0;
}

void messages_free(struct service *svc)
{
	struct messages *q = messages_of(svc);

	if (!q)
		return;
	timer_stop(&q->next);
	if (q->running)
		q->running->pvt = NULL;
	while (!list_empty(&q->queue)) {
		struct message *m = container_of(q->queue.next, struct message, link);

		list_remove(&m->link);
		obj_drop(m);
	}
	message_deliveries_free(&q->deliveries);
	free(q);
	svc->messages = NULL;
}

/* ---- a MESSAGE that came -------------------------------------------------------------- */

/* "scheme:user@host": what a To and a From are worth showing. */
static void put_uri(struct buf *b, const struct sip_addr *a)
{
	if (!sip_uri_is_sip(&a->uri)) {
		buf_put(b, a->uri_text);
		return;
	}
	buf_puts(b, a->uri.scheme, STR(":"), a->uri.user, a->uri.user.n ? STR("@") : STR_NULL, a->uri.host);
}

static void put_display(struct buf *b, const struct sip_addr *a)
{
	if (!a->display.n)
		return;
	buf_char(b, '"');
	for (size_t i = 0; i < a->display.n; i++)
		buf_char(b, (unsigned char)a->display.p[i] < ' ' ? ' ' : a->display.p[i]);
	buf_put(b, STR("\" "));
}

/* As MessageSend() takes it: pjsip: in place of sip:, so that an answer finds the
 * endpoint of that name. */
static int read_parties(struct message *m, const struct sip_msg *msg)
{
	struct buf b = BUF_INIT;
	int err;

	if (msg->to.display.n) {
		buf_put(&b, STR("pjsip:"));
		put_display(&b, &msg->to);
		buf_char(&b, '<');
		put_uri(&b, &msg->to);
		buf_char(&b, '>');
	} else {
		buf_put(&b, sip_uri_is_sip(&msg->to.uri) ? STR("pj") : STR("pjsip:"));
		put_uri(&b, &msg->to);
	}
	err = buf_err(&b) ? ENOMEM : text_set(&m->to, buf_view(&b));
	buf_reset(&b);
	put_display(&b, &msg->from);
	buf_char(&b, '<');
	put_uri(&b, &msg->from);
	buf_char(&b, '>');
	if (!err)
		err = buf_err(&b) ? ENOMEM : text_set(&m->from, buf_view(&b));
	buf_free(&b);
	return err;
}

static int read_headers(struct message *m, const struct identity *id, const struct sip_msg *msg)
{
	struct buf value = BUF_INIT;
	char room[SA_TEXT];
	int err = message_set(m, STR("PJSIP_RECVADDR"), str_z(sa_text(&msg->from_path.peer, room)), false);

	if (!err)
		err = message_set(m, STR("PJSIP_TRANSPORT"), str_z(net_proto_lower(msg->from_path.proto)), false);
	if (!err)
		err = message_set(m, STR("PJSIP_ENDPOINT"), id->ep->name, false);
	for (size_t i = 0; !err && i < msg->hdrs; i++) {
		const struct sip_hdr *h = &msg->hdr[i];

		buf_reset(&value);
		if (h->id == SIP_H_FROM || h->id == SIP_H_TO)
			service_put_party(&value, h->id == SIP_H_FROM ? &msg->from : &msg->to, h->value);
		else
			buf_put(&value, h->value);
		err = buf_err(&value);
		err = err ? err : message_set(m, h->id == SIP_H_OTHER ? h->name : sip_hdr_name((enum sip_hdr_id)h->id),
					      buf_view(&value), false);
	}
	buf_free(&value);
	return err;
}

static int queue_text(struct service *svc, const struct identity *id, const struct sip_msg *msg, struct str context,
		      struct str exten)
{
	struct message *m = message_new();
	struct str body = msg->body;
	int err = m ? 0 : ENOMEM;

	while (body.n && (body.p[body.n - 1] == '\r' || body.p[body.n - 1] == '\n'))
		body.n--;
	if (!err)
		err = text_set(&m->context, context);
	if (!err)
		err = text_set(&m->exten, exten);
	if (!err)
		err = text_set(&m->body, body);
	if (!err)
		err = read_parties(m, msg);
	if (!err)
		err = read_headers(m, id, msg);
	if (!err) {
		share_open(&m->account, svc->shares, id->ep->name, &msg->from_path.peer);
		err = share_take(&m->account, SHARE_MESSAGE);
	}
	if (err) {
		obj_drop(m);
		return err;
	}
	list_append(&messages_of(svc)->queue, &m->link);
	if (!messages_of(svc)->running)
		timer_start(svc->wheel, &messages_of(svc)->next, 0, run_next, messages_of(svc));
	return 0;
}

void message_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str context = id->ep->message_context.n ? id->ep->message_context : id->ep->context, exten;
	char room[256];

	if (!sip_uri_is_sip(&msg->ruri) && !sip_uri_is_tel(&msg->ruri)) {
		service_reply(svc, tx, 416, STR_NULL);
		return;
	}
	if (!str_ieq(msg->content_type, STR("text/plain"))) {
		service_reply(svc, tx, 415, STR("Accept: text/plain\r\n"));
		return;
	}
	exten = service_exten(id->conf, &msg->ruri, room, sizeof(room));
	if (!dialplan_exists(svc->pbx, context, exten, 1, msg->from.uri.user)) {
		service_reply(svc, tx, 404, STR_NULL);
		return;
	}
	if (queue_text(svc, id, msg, context, exten))
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
	else
		service_reply(svc, tx, 202, STR_NULL);
}

/* ---- MESSAGE(), MESSAGE_DATA(), MessageSend() --------------------------------------------- */

static struct message *get_message(struct channel *ch, bool create)
{
	struct message *m = ch ? channel_note(ch, note) : NULL;

	if (m || !ch || !create)
		return m;
	m = message_new();
	return m && !channel_note_set(ch, note, m) ? m : NULL;
}

static struct text *field_of(struct message *m, struct str name)
{
	if (str_ieq(name, STR("to")))
		return &m->to;
	if (str_ieq(name, STR("from")))
		return &m->from;
	return str_ieq(name, STR("body")) ? &m->body : NULL;
}

int func_message_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct message *m = get_message(ch, false);
	struct text *t = m ? field_of(m, str_trim(args)) : NULL;

	(void)p;
	if (t)
		buf_put(out, text_view(t));
	return t ? 0 : m ? EINVAL : ENOENT;
}

static int mark_outbound(struct message *m, struct str how)
{
	bool all = str_ieq(how, STR("mark_all_outbound"));

	if (!all && !str_ieq(how, STR("clear_all_outbound")))
		return EINVAL;
	list_each(l, &m->data) {
		struct message_data *d = container_of(l, struct message_data, link);

		/* Whose it was is nobody else's. */
		d->sent = all && !str_ieq(text_view(&d->name), STR("PJSIP_ENDPOINT"));
	}
	return 0;
}

int func_message_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct message *m = get_message(ch, true);
	struct text *t = m ? field_of(m, str_trim(args)) : NULL;

	(void)p;
	if (!m)
		return ch ? ENOMEM : ENOENT;
	if (str_ieq(str_trim(args), STR("custom_data")))
		return mark_outbound(m, str_trim(value));
	return t ? text_set(t, value) : EINVAL;
}

int func_message_data_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct message *m = get_message(ch, false);
	struct str value;

	(void)p;
	if (!m)
		return ENOENT;
	if (message_get(m, str_trim(args), &value))
		buf_put(out, value);
	return 0;
}

int func_message_data_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct message *m = get_message(ch, true);

	(void)p;
	return !m ? ENOENT : !str_trim(args).n ? EINVAL : message_set(m, str_trim(args), value, true);
}

int app_message_send_run(struct channel *ch, struct str data)
{
	struct message *m = get_message(ch, false);
	const char *status = "FAILURE";
	struct args a;

	if (args_split(&a, data, ',', 3))
		return 0;
	if (!str_trim(a.v[0]).n) {
		status = "INVALID_URI";
	} else if (!m) {
		log_warning("MessageSend: the channel has no message; MESSAGE(body) sets one");
	} else {
		struct service *svc = ch->pbx->service;
		int err = str_trim(a.v[2]).n ? text_set(&m->to, str_trim(a.v[2])) : 0;

		if (!err)
			err = svc ? message_send(svc, m, str_trim(a.v[0]), str_trim(a.v[1])) : ESHUTDOWN;
		status = !err ? "SUCCESS" : err == EPROTONOSUPPORT ? "INVALID_PROTOCOL" : "FAILURE";
	}
	args_free(&a);
	pbx_setvar(ch->pbx, ch, STR("MESSAGE_SEND_STATUS"), str_z(status));
	return 0;
}
