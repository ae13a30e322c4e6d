/* PJSIP... and MessageSend: what is sent to others when somebody asks. */
#include "manage/manager_private.h"
#include "base/obj.h"
#include "service/message.h"
#include "service/outbound.h"
#include <errno.h>
#include <openssl/evp.h>

static void registration(struct ami_ctx *a, int (*fn)(struct service *, struct str), const char *all,
			 const char *one)
{
	struct str name = ami_get(a, "Registration");

	if (!name.n)
		ami_error(a, "Registration parameter missing.");
	else if (fn(a->m->service, name))
		ami_error(a, "Unable to retrieve registration entry");
	else
		ami_ok(a, "%s", str_eq(name, STR("*all")) ? all : one);
}

static void do_register(struct ami_ctx *a)
{
	registration(a, outbound_register, "Reregistrations queued.", "Reregistration sent");
}

static void do_unregister(struct ami_ctx *a)
{
	registration(a, outbound_unregister, "Unregistrations queued.", "Unregistration sent");
}

/* ---- messages --------------------------------------------------------- */

struct reading {
	struct message *m;
	int err;
};

static void read_var(void *arg, struct str name, struct str value)
{
	struct reading *r = arg;

	if (!r->err)
		r->err = message_set(r->m, name, value, true);
}

/* Base64Body is for text that a header cannot hold: line ends, for one. */
static int read_body(struct ami_ctx *a, struct message *m)
{
	struct str coded = str_trim(ami_get(a, "Base64Body"));
	struct buf b = BUF_INIT;
	char *to;
	int n, err;

	if (!coded.n)
		return text_set(&m->body, ami_get(a, "Body"));
	if (coded.n % 4)
		return EBADMSG;
	to = buf_room(&b, coded.n);
	n = to ? EVP_DecodeBlock((unsigned char *)to, (const unsigned char *)coded.p, (int)coded.n) : 0;
	for (size_t i = coded.n; n > 0 && i > 0 && coded.p[i - 1] == '='; i--)
		n--;
	err = !to ? ENOMEM : n < 0 ? EBADMSG : text_set(&m->body, str_mk(to, (size_t)n));
	buf_free(&b);
	return err;
}

static void send_message(struct ami_ctx *a)
{
	struct str dest = ami_get(a, "Destination"), to = ami_get(a, "To");
	struct reading r = { message_new(), 0 };

	if (!dest.n && !to.n) {
		ami_error(a, "No 'To' address specified.");
		obj_drop(r.m);
		return;
	}
	r.err = r.m ? read_body(a, r.m) : ENOMEM;
	if (!r.err)
		ami_each_var(a, read_var, &r);
	if (!r.err && dest.n)
		r.err = text_set(&r.m->to, to);
	if (!r.err)
		r.err = message_send(a->m->service, r.m, dest.n ? dest : to, ami_get(a, "From"));
	if (r.err)
		ami_error(a, r.err == EPROTONOSUPPORT ? "Message technology not found." : "Message failed to send.");
	else
		ami_ok(a, "Message successfully sent");
	obj_drop(r.m);
}

static const struct ami_action rows[] = {
	{ "MessageSend", EV_MESSAGE, "Send a text message to an endpoint or a URI", send_message, false },
	{ "PJSIPRegister", EV_SYSTEM | EV_REPORTING, "Register anew with another server", do_register, false },
	{ "PJSIPUnregister", EV_SYSTEM | EV_REPORTING, "End a registration with another server", do_unregister, false },
};
const struct ami_table ami_pjsip_send_actions = { rows, ARRAY_LEN(rows) };
