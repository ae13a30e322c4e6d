/* Actions about the session itself: who it is, what it wants to hear. */
#define LOG_MODULE "manager"
#include "manage/manager_private.h"
#include "base/fiber.h"
#include "base/log.h"
#include "manage/command.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define FAILED_DELAY 1000       /* [ms] before a failed login is answered: slows guessing */
#define COMMAND_MAX (32u << 20) /* [bytes] of output that wait to be sent */
#define COMMAND_BEGIN (64u << 10)       /* [bytes] after which a Command's answer begins before its end */

/* ---- waiting ---------------------------------------------------------- */

/* Until `ms` have passed or the session has gone; with `arrival` also until an event
 * passes its filters or the peer sends more. */
static void wait_ms(struct ami_ctx *a, uint64_t ms, bool arrival)
{
	struct ami_session *s = a->s;
	uint64_t end = clock_ms(a->m->clock) + ms, seen = s->inputs;

	s->waiter = fiber_self();
	while (!ami_gone(a) && !a->m->stopping && !(arrival && (s->inputs != seen || ami_event_waits(s)))) {
		uint64_t now = clock_ms(a->m->clock);

		if (ms == UINT64_MAX)
			fiber_wait();
		else if (now >= end)
			break;
		else
			fiber_sleep(a->m->wheel, end - now);
	}
	/* Over HTTP another request of this session may wait by now. */
	if (s->waiter == fiber_self())
		s->waiter = NULL;
}

void ami_failed(struct ami_ctx *a)
{
	wait_ms(a, FAILED_DELAY, false);
}

/* ---- login ------------------------------------------------------------ */

static bool digest_right(const struct ami_session *s, struct str secret, struct str key)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char mem[64];
	struct buf in = BUF_INIT, hex;
	bool right;

	buf_init(&hex, mem, sizeof(mem), sizeof(mem));
	buf_puts(&in, str_z(s->challenge), secret);
	right = !buf_err(&in) && EVP_Digest(in.p, in.n, md, &n, EVP_md5(), NULL);
	if (right)
		buf_hex(&hex, md, n);
	if (in.p)
		OPENSSL_cleanse(in.p, in.n);
	buf_free(&in);
	return right && key.n == hex.n && !CRYPTO_memcmp(key.p, hex.p, hex.n);
}

static bool password_right(struct str secret, struct str given)
{
	uint8_t a[EVP_MAX_MD_SIZE], b[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	/* Hashed first, so that the time says nothing about the length either. */
	if (!EVP_Digest(secret.p, secret.n, a, &n, EVP_sha256(), NULL) ||
	    !EVP_Digest(given.p, given.n, b, &n, EVP_sha256(), NULL))
		return false;
	return !CRYPTO_memcmp(a, b, n);
}

/* Tells what was wrong only to the security log: the peer hears the same words. */
static bool may_login(struct ami_ctx *a, struct str name, const struct manager_user *u)
{
	bool md5 = str_ieq(ami_get(a, "AuthType"), STR("MD5"));
	struct str which = STR_NULL;
	bool right;

	if (!u || !u->secret.s.n) {
		ami_security(a->s, AMI_BAD_ACCOUNT, name, NULL, STR_NULL);
		return false;
	}
	if (!acl_set_permits(u->acl, &a->s->peer, &which)) {
		ami_security(a->s, AMI_FAILED_ACL, name, which.n ? "ACLName" : NULL, which);
		return false;
	}
	if (md5)
		right = a->s->challenge[0] && digest_right(a->s, u->secret.s, ami_get(a, "Key"));
	else
		right = password_right(u->secret.s, ami_get(a, "Secret"));
	if (!right)
		ami_security(a->s, md5 ? AMI_BAD_CHALLENGE : AMI_BAD_PASSWORD, name, NULL, STR_NULL);
	return right;
}

bool ami_in_use(const struct manager *mgr, struct str user)
{
	list_each(l, &mgr->sessions) {
		const struct ami_session *s = container_of(l, struct ami_session, link);

		if (s->authenticated && str_eq(text_view(&s->user), user))
			return true;
	}
	return false;
}

void ami_enter(struct ami_session *s, const struct manager_user *u, struct str events)
{
	unsigned mask = 0;
	char text[SA_TEXT];

	s->authenticated = true;
	timer_stop(&s->auth);
	text_set(&s->user, u->name);
	s->conf = obj_hold(s->mgr->conf);
	s->vars = u->setvar;
	s->read = ami_ev_of_perm(u->read);
	s->write = ami_ev_of_perm(u->write);
	/* Who comes with a cookie hears of events once it asks for them, as in Asterisk. */
	s->send = s->web && !s->web->digest ? 0 : s->read;
	if (events.n && ami_mask_parse(events, &mask))
		s->send = s->read & mask;
	s->displayconnects = u->displayconnects;
	if (ami_login_filters(s, u))
		log_warning("Too many filters for manager '%s'", text_z(&s->user));
	ami_sessions_changed(s->mgr);
	if (s->displayconnects)
		log_verbose(2, "%sManager '%s' logged on from %s", s->web ? "HTTP " : "", text_z(&s->user), sa_text_bare(&s->peer, text));
}

static void refuse_login(struct ami_ctx *a, const char *why)
{
	timer_stop(&a->s->auth);
	ami_failed(a);
	ami_error(a, "%s", why);
	a->close = true;
}

static void login(struct ami_ctx *a)
{
	struct str user = ami_get(a, "Username");
	const struct manager_user *u;
	char text[SA_TEXT];

	if (a->s->authenticated) {
		ami_ok(a, "Already authenticated");
		return;
	}
	u = user.n ? manager_conf_user(a->s->mgr->conf, user) : NULL;
	if (u && !u->allowmultiplelogin && ami_in_use(a->s->mgr, user)) {
		ami_security(a->s, AMI_SESSION_LIMIT, user, NULL, STR_NULL);
		refuse_login(a, "Login Already In Use");
		return;
	}
	if (!may_login(a, user, u)) {
		log_notice("%s failed to authenticate as '%.*s'", sa_text_bare(&a->s->peer, text), STR_ARG(user));
		refuse_login(a, "Authentication failed");
		return;
	}
	if (a->http && a->http->rename(a->http)) {
		refuse_login(a, "No randomness");
		return;
	}
	ami_enter(a->s, u, ami_get(a, "Events"));
	ami_ok(a, "Authentication accepted");
	/* Always 0: in Asterisk's words a password is what a TLS client may do without. */
	ami_security(a->s, AMI_AUTH_OK, user, "UsingPassword", STR("0"));
	if ((a->s->send & EV_SYSTEM) && a->m->booted) {
		buf_put(&a->out, STR("Event: FullyBooted\r\nPrivilege: system,all\r\n"));
		manage_write_booted(a->m, &a->out);
		ami_end(a);
	}
}

static void give_challenge(struct ami_ctx *a)
{
	struct ami_session *s = a->s;
	uint32_t n = 0;

	if (!str_ieq(ami_get(a, "AuthType"), STR("MD5"))) {
		ami_error(a, "Must specify AuthType");
		return;
	}
	if (!s->challenge[0]) {
		if (RAND_bytes((unsigned char *)&n, sizeof(n)) != 1) {
			ami_error(a, "No randomness");
			return;
		}
		snprintf(s->challenge, sizeof(s->challenge), "%u", n);
	}
	ami_start(a);
	ami_put(a, "Challenge", str_z(s->challenge));
	ami_end(a);
}

static void logoff(struct ami_ctx *a)
{
	ami_put(a, "Response", STR("Goodbye"));
	if (a->id.n)
		ami_put(a, "ActionID", a->id);
	ami_put(a, "Message", STR("Thanks for all the fish."));
	ami_end(a);
	a->close = true;
}

/* ---- the small ones --------------------------------------------------- */

static void ping(struct ami_ctx *a)
{
	int64_t now = clock_wall_us(a->m->clock);

	ami_start(a);
	ami_put(a, "Ping", STR("Pong"));
	ami_printf(a, "Timestamp", "%lld.%06lld", (long long)(now / 1000000), (long long)(now % 1000000));
	ami_end(a);
}

static void events(struct ami_ctx *a)
{
	unsigned mask;

	if (!ami_mask_parse(ami_get(a, "EventMask"), &mask)) {
		if (!a->s->mgr->conf->brokeneventsaction)
			ami_error(a, "Invalid event mask");
		return;
	}
	a->s->send = a->s->read & mask;
	ami_sessions_changed(a->s->mgr);
	if (a->s->mgr->conf->brokeneventsaction && mask == AMI_EV_ALL)
		return;
	ami_start(a);
	ami_put(a, "Events", mask ? STR("On") : STR("Off"));
	ami_end(a);
}

static void add_filter(struct ami_ctx *a)
{
	struct str criteria = ami_get(a, "MatchCriteria");
	int err;

	if (!str_ieq(ami_get(a, "Operation"), STR("Add"))) {
		ami_error(a, "Unknown operation");
		return;
	}
	err = ami_filters_add(&a->s->filters, criteria.n > 0, criteria, ami_get(a, "Filter"));
	if (!err)
		ami_ok(a, "Success");
	else if (err == EINVAL)
		ami_error(a, "Filter did not compile.  Check the syntax of the filter given.");
	else if (err == EBADMSG)
		ami_error(a, "Filter was formatted incorrectly.  Check the syntax of the filter given.");
	else
		ami_error(a, "Internal Error. Failed adding filter.");
}

static void list_commands(struct ami_ctx *a)
{
	size_t n = 0;
	void **v = map_sorted(a->s->mgr->actions, &n);

	ami_start(a);
	for (size_t i = 0; v && i < n; i++) {
		const struct ami_action *row = v[i];

		if (row->privilege && !(a->s->write & row->privilege))
			continue;
		buf_printf(&a->out, "%s: %s (Priv: ", row->name, row->summary);
		ami_write_privilege(&a->out, row->privilege);
		buf_put(&a->out, STR(")\r\n"));
	}
	free(v);
	ami_end(a);
}

#define WAIT_MARGIN 10          /* [s] by which a WaitEvent over HTTP ends before its session would */

/* [ms]; UINT64_MAX: as long as it likes. */
static uint64_t most_of(const struct ami_session *s)
{
	uint32_t life = s->web && s->mgr ? s->mgr->conf->httptimeout : 0;

	if (!s->web)
		return UINT64_MAX;
	return life > WAIT_MARGIN ? 1000ull * (life - WAIT_MARGIN) : 0;
}

/* How long, [ms]; UINT64_MAX: for ever. */
static uint64_t wait_of(struct ami_ctx *a)
{
	struct str s = ami_get(a, "Timeout");
	uint64_t ms = UINT64_MAX, most = most_of(a->s);
	int64_t t = -1;

	if (s.n && !str_i64(s, &t) && t >= 0 && t <= 86400 * 365)
		ms = (uint64_t)t * 1000;
	return ms < most ? ms : most;
}

static void wait_event(struct ami_ctx *a)
{
	uint64_t ms = wait_of(a);

	if (a->http) {
		/* Of several requests that wait, the newest gets the events. */
		a->s->inputs++;
		if (a->s->waiter)
			fiber_wake(a->s->waiter);
		if (!a->s->send) {
			a->s->send = a->s->read;
			ami_sessions_changed(a->s->mgr);
		}
	}
	wait_ms(a, ms, true);
	ami_ok(a, "Waiting for Event completed.");
	if (ami_flush(a))
		return;
	ami_release(a);
	if ((!a->http || !a->s->waiter) && ami_take_events(a->s, a->http))
		return;
	ami_event(a, "WaitEventComplete");
	ami_end(a);
}

static void user_event(struct ami_ctx *a)
{
	struct event *e = event_new(a->m->pbx->events, "UserEvent", EV_USER);

	ami_ok(a, "Event Sent");
	if (!e)
		return;
	event_put(e, "UserEvent", ami_get(a, "UserEvent"));
	for (size_t i = 0; i < a->msg->n; i++) {
		const struct ami_line *l = &a->msg->v[i];

		if (!str_ieq(l->name, STR("UserEvent")) && !str_ieq(l->name, STR("Action")))
			buf_puts(&e->body, l->line, STR("\r\n"));
	}
	event_send(a->m->pbx->events, e);
}

/* ---- Command ---------------------------------------------------------- */

/* Output on its way. What it begins with is known when the command is done, or when
 * so much has come that it cannot have failed at once. */
struct output {
	struct ami_ctx *a;
	struct buf text;                /* not sent yet */
	bool begun;
};

static void begin_output(struct output *o, enum command_result res)
{
	if (o->begun)
		return;
	o->begun = true;
	o->a->s->hold = true;
	ami_put(o->a, "Response", res == COMMAND_OK ? STR("Success") : STR("Error"));
	if (o->a->id.n)
		ami_put(o->a, "ActionID", o->a->id);
	ami_put(o->a, "Message", STR("Command output follows"));
}

/* Whole lines; with `all` also the last one that has no end. */
static int put_lines(struct output *o, bool all)
{
	struct str rest = buf_view(&o->text), line;

	while (rest.n && (all || str_chr(rest, '\n') < rest.n) && str_line(&rest, &line)) {
		ami_put(o->a, "Output", line);
		if (!ami_line_end(o->a))
			return EPIPE;
	}
	o->text.n = rest.n;
	if (rest.n)
		memmove(o->text.p, rest.p, rest.n);
	return 0;
}

static int collect_output(void *arg, struct str text)
{
	struct output *o = arg;

	buf_put(&o->text, text);
	if (buf_err(&o->text))
		return ENOMEM;
	if (o->a->s->gone)
		return EPIPE;
	if (!o->begun && o->text.n < COMMAND_BEGIN)
		return 0;
	begin_output(o, COMMAND_OK);
	return put_lines(o, false);
}

static bool blacklisted(struct str cmd)
{
	static const char *const words[][2] = { { "module", "load" }, { "module", "unload" },
		{ "restart", "gracefully" } };
	struct str one, two, rest = str_trim(cmd);

	one = str_cut_raw(&rest, ' ');
	rest = str_ltrim(rest);
	two = str_cut_raw(&rest, ' ');
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(one, str_z(words[i][0])) && str_ieq(two, str_z(words[i][1])))
			return true;
	return false;
}

static void run_command(struct ami_ctx *a)
{
	struct str cmd = ami_get(a, "Command");
	struct output o = { .a = a, .text = { .max = COMMAND_MAX } };
	enum command_result res;

	if (!cmd.n) {
		ami_error(a, "No command provided");
		return;
	}
	if (blacklisted(cmd)) {
		ami_error(a, "Command blacklisted");
		return;
	}
	ami_release(a);
	res = command_run(a->m, cmd, collect_output, &o);
	begin_output(&o, res);
	if (!o.text.n && !a->out.n)
		ami_put(a, "Output", STR_NULL);
	put_lines(&o, true);
	ami_end(a);
	buf_free(&o.text);
}

static const struct ami_action rows[] = {
	{ "Login", 0, "Log in", login, true },
	{ "Challenge", 0, "Ask for a challenge, for a login by MD5", give_challenge, true },
	{ "Logoff", 0, "Log off", logoff, true },
	{ "Ping", 0, "Keep the connection alive", ping, true },
	{ "Events", 0, "Choose which events to get", events, true },
	{ "Filter", EV_SYSTEM, "Add an event filter to this session", add_filter, true },
	{ "ListCommands", 0, "List the actions this user may send", list_commands, true },
	{ "WaitEvent", 0, "Wait until an event comes", wait_event, true },
	{ "UserEvent", EV_USER, "Send an event of your own", user_event, false },
	{ "Command", EV_COMMAND, "Run a console command", run_command, true },
};
const struct ami_table ami_session_actions = { rows, ARRAY_LEN(rows) };
