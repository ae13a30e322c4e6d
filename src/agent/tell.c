/* What an agent tells its application, and what waits until there is a connection. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include <stdarg.h>

/* ---- telling ------------------------------------------------------------------------------ */

void agent_tell(struct sidetone_ua *ua, struct sidetone_event e)
{
	e.ua = ua;
	if (ua->fn)
		ua->fn(ua->arg, &e);
}

void agent_log(struct sidetone_ua *ua, int level, const char *category, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	if (level > ua->config.log.level)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_LOG, .status = level, .cause = category, .text = buf_z(&b),
		.text_n = b.n });
	buf_free(&b);
}

int agent_fail(struct sidetone_ua *ua, int err, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	text_set(&ua->error, buf_view(&b));
	buf_free(&b);
	return err;
}

const char *sidetone_ua_error(const struct sidetone_ua *ua)
{
	return text_z(&ua->error);
}

/* ---- the connection --------------------------------------------------------------------- */

bool agent_is_up(const struct sidetone_ua *ua)
{
	return ua->net.state == AGENT_LINK_UP;
}

static void start_waiting(void *arg)
{
	struct sidetone_ua *ua = arg;

	obj_hold(ua);
	while (agent_is_up(ua) && !list_empty(&ua->waiting)) {
		struct agent_start *s = container_of(ua->waiting.next, struct agent_start, link);

		list_remove(&s->link);
		s->fn(s->arg);
	}
	obj_drop(ua);
}

void agent_start_waiting(struct sidetone_ua *ua)
{
	if (agent_is_up(ua) && !timer_running(&ua->start_later))
		timer_start(ua->core->wheel, &ua->start_later, 0, start_waiting, ua);
}

void agent_when_up(struct sidetone_ua *ua, struct agent_start *s, void (*fn)(void *arg), void *arg)
{
	s->fn = fn;
	s->arg = arg;
	list_append(&ua->waiting, &s->link);
	agent_start_waiting(ua);
}

bool agent_credentials(void *arg, struct str realm, struct ua_credentials *out)
{
	struct sidetone_ua *ua = arg;

	(void)realm;
	if (!ua->config.password.n)
		return false;
	out->username = text_view(&ua->config.authorization_user);
	out->password = text_view(&ua->config.password);
	for (int a = 0; a < DIGEST_ALGS; a++)
		out->supports[a] = true;
	return true;
}
