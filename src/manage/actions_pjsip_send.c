/* PJSIP... and MessageSend: what is sent to others when somebody asks. */
#include "manage/manager_private.h"
#include "service/outbound.h"

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

static const struct ami_action rows[] = {
	{ "PJSIPRegister", EV_SYSTEM | EV_REPORTING, "Register anew with another server", do_register, false },
	{ "PJSIPUnregister", EV_SYSTEM | EV_REPORTING, "End a registration with another server", do_unregister, false },
};
const struct ami_table ami_pjsip_send_actions = { rows, ARRAY_LEN(rows) };
