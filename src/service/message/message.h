/* service/message/message.h -- text messages outside of calls (RFC 3428): those that come
 * run the dialplan on a Message channel, one after the other; those that go are
 * MessageSend()'s and the manager's. Threads: core. */
#ifndef SERVICE_MESSAGE_MESSAGE_H
#define SERVICE_MESSAGE_MESSAGE_H

#include "service/common/service.h"

/* What MESSAGE() and MESSAGE_DATA() see; a note of its channel. */
struct message {                /* obj */
	struct text to, from, body;
	struct text context, exten;
	struct list data;               /* struct message_data */
	struct list link;               /* in the queue */
	struct share_account account;   /* whose place there it takes */
};
struct message_data {
	struct list link;
	struct text name, value;
	bool sent;                      /* as a header, when the message goes out again */
};
struct message *message_new(void);                                   /* NULL: ENOMEM */
int message_set(struct message *m, struct str name, struct str value, bool sent);     /* value empty: removes */
bool message_get(const struct message *m, struct str name, struct str *value);

int messages_start(struct service *svc);
void messages_free(struct service *svc);

/* message_send.c */
/* To `dest` ("pjsip:alice", "pjsip:sip:bob@host"); `from` empty: m->from.
 * EPROTONOSUPPORT not pjsip:, else as reach_find(). Redirections are followed
 * where the endpoint allows it. */
int message_send(struct service *svc, const struct message *m, struct str dest, struct str from);
/* Those on their way are forgotten. */
void message_deliveries_free(struct list *deliveries);
struct list *message_deliveries(struct service *svc);

/* For functions.c */
int func_message_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out);
int func_message_write(struct pbx *p, struct channel *ch, struct str args, struct str value);
int func_message_data_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out);
int func_message_data_write(struct pbx *p, struct channel *ch, struct str args, struct str value);
int app_message_send_run(struct channel *ch, struct str data);

method_fn message_request;

#endif
