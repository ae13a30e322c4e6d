/* Who tried what on the manager interface: one event for managers that may hear
 * of it, and one line of the security log in the form that fail2ban reads. */
#define LOG_MODULE "manager"
#include "manage/manager_private.h"
#include "base/log.h"
#include <time.h>

/* `version`: of the kind's set of fields. */
static const struct {
	const char *name, *version;
	bool bad;
} kinds[AMI_SECURITY_KINDS] = {
	[AMI_AUTH_OK] = { "SuccessfulAuth", "1", false },
	[AMI_BAD_ACCOUNT] = { "InvalidAccountID", "1", true },
	[AMI_BAD_PASSWORD] = { "InvalidPassword", "2", true },
	[AMI_BAD_CHALLENGE] = { "ChallengeResponseFailed", "1", true },
	[AMI_FAILED_ACL] = { "FailedACL", "1", true },
	[AMI_SESSION_LIMIT] = { "SessionLimit", "1", true },
	[AMI_NOT_ALLOWED] = { "RequestNotAllowed", "1", true },
	[AMI_BAD_FORMAT] = { "RequestBadFormat", "1", true },
};

struct both {
	struct event *e;        /* NULL: nobody listens */
	struct buf line;
};

static void put_field(struct both *b, const char *key, struct str value)
{
	event_put(b->e, key, value);
	buf_puts(&b->line, STR(","), str_z(key), STR("=\""));
	/* A quote would end the field for who reads the line. */
	for (size_t i = 0; i < value.n; i++)
		buf_char(&b->line, value.p[i] == '"' ? '\'' : value.p[i]);
	buf_char(&b->line, '"');
}

static void put_address(struct both *b, const char *key, const struct sa *a)
{
	char host[SA_TEXT], text[SA_TEXT + 24];
	int n = snprintf(text, sizeof(text), "%s/TCP/%s/%u", sa_is_v6(a) ? "IPV6" : "IPV4", sa_text_bare(a, host),
			 sa_port(a));

	put_field(b, key, str_mk(text, n > 0 ? (size_t)n : 0));
}

static void put_time(struct both *b, const char *key, int64_t us)
{
	time_t s = (time_t)(us / 1000000);
	char day[40], zone[8], text[64];
	struct tm tm;

	localtime_r(&s, &tm);
	if (!strftime(day, sizeof(day), "%FT%T", &tm) || !strftime(zone, sizeof(zone), "%z", &tm))
		return;
	snprintf(text, sizeof(text), "%s.%03d%s", day, (int)(us / 1000 % 1000), zone);
	put_field(b, key, str_z(text));
}

void ami_security(struct ami_session *s, enum ami_security k, struct str account, const char *key, struct str value)
{
	struct manage *m = s->mgr ? s->mgr->m : NULL;
	struct both b = { 0 };
	char id[24];

	if (!m)
		return;
	b.e = m->pbx ? event_new(m->pbx->events, kinds[k].name, EV_SECURITY) : NULL;
	if (!b.e && !(log_mask() & (1u << LOG_SECURITY)))
		return;
	buf_puts(&b.line, STR("SecurityEvent=\""), str_z(kinds[k].name), STR("\""));
	put_time(&b, "EventTV", clock_wall_us(m->clock));
	put_field(&b, "Severity", kinds[k].bad ? STR("Error") : STR("Informational"));
	put_field(&b, "Service", STR("AMI"));
	put_field(&b, "EventVersion", str_z(kinds[k].version));
	put_field(&b, "AccountID", account);
	snprintf(id, sizeof(id), "0x%llx", (unsigned long long)s->serial);
	put_field(&b, "SessionID", str_z(id));
	put_address(&b, "LocalAddress", &s->local);
	put_address(&b, "RemoteAddress", &s->peer);
	if (key)
		put_field(&b, key, value);
	put_time(&b, "SessionTV", s->started_us);
	log_security("%.*s", STR_ARG(buf_view(&b.line)));
	buf_free(&b.line);
	if (b.e)
		event_send(m->pbx->events, b.e);
}
