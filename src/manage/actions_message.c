/* MessageSend: a text message outside of a call. */
#include "manage/manager_private.h"
#include "service/message/message.h"
#include <errno.h>
#include <openssl/evp.h>

#define BODY_MAX 1300           /* [bytes] decoded: what fits a SIP message over UDP */

static void add_var(void *arg, struct str name, struct str value)
{
	message_set(arg, name, value, true);
}

/* Base64 without blanks (RFC 4648 4). EBADMSG, E2BIG. */
static int decode_body(struct str in, struct text *out)
{
	unsigned char raw[BODY_MAX];
	int n;

	while (in.n % 4 == 1)
		in.n--;
	if (in.n / 4 * 3 > sizeof(raw))
		return E2BIG;
	n = EVP_DecodeBlock(raw, (const unsigned char *)in.p, (int)in.n);
	if (n < 0)
		return EBADMSG;
	/* The library counts the padding as bytes. */
	for (size_t i = in.n; i && in.p[i - 1] == '=' && n; i--)
		n--;
	return text_set(out, str_mk((const char *)raw, (size_t)n));
}

static int fill_message(struct ami_ctx *a, struct message *m, struct str to)
{
	struct str coded = ami_get(a, "Base64Body");
	int err = text_set(&m->to, to);

	if (!err)
		err = coded.n ? decode_body(coded, &m->body) : text_set(&m->body, ami_get(a, "Body"));
	if (!err)
		ami_each_var(a, add_var, m);
	return err;
}

static void message_send_action(struct ami_ctx *a)
{
	struct str dest = ami_get(a, "Destination"), to = ami_get(a, "To");
	struct message *m;
	int err;

	if (!dest.n && !to.n) {
		ami_error(a, "No 'To' address specified.");
		return;
	}
	m = message_new();
	err = m ? fill_message(a, m, dest.n ? to : STR_NULL) : ENOMEM;
	if (!err)
		err = message_send(a->m->service, m, dest.n ? dest : to, ami_get(a, "From"));
	if (err == EPROTONOSUPPORT)
		ami_error(a, "Message technology not found.");
	else if (err)
		ami_error(a, "Message failed to send.");
	else
		ami_ok(a, "Message successfully sent");
	obj_drop(m);
}

static const struct ami_action rows[] = {
	{ "MessageSend", EV_MESSAGE, "Send a text message outside of a call", message_send_action, false },
};
const struct ami_table ami_message_actions = { rows, ARRAY_LEN(rows) };
