/* A manager's session: its input is served message by message on a fiber of its own,
 * each in the session's turn (pace.h) and only when the peer reads what it has got. */
#define LOG_MODULE "manager"
#include "manage/manager_private.h"
#include "base/fiber.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define OUT_LIMIT (4u << 20)    /* [bytes]; answers stop far below, see AMI_OUT_LOW */
#define IN_LIMIT (16u << 10)    /* [bytes] of actions waiting for one that runs; then the socket is not read */
/* writetimeout's default of 100 ms is about a full kernel buffer that nobody
 * reads; a client that collects garbage pauses longer than that. */
#define STALL_MIN 1000          /* [ms] */

static void session_free(void *arg)
{
	struct ami_session *s = arg;

	obj_drop(s->client);
	free(s->web);
	obj_drop(s->conf);
	ami_parser_free(&s->parser);
	ami_filters_free(&s->filters);
	buf_free(&s->in);
	ami_forget_events(s);
	text_free(&s->user);
}

void ami_session_leave(struct ami_session *s)
{
	struct manager *mgr = s->mgr;

	if (s->gone)
		return;
	s->gone = true;
	timer_stop(&s->auth);
	if (s->client)
		client_close(s->client);
	list_remove(&s->link);
	list_remove(&s->pump.link);
	ami_forget_events(s);
	if (s->authenticated && s->displayconnects) {
		char text[SA_TEXT];

		log_verbose(2, "%sManager '%s' logged off from %s", s->web ? "HTTP " : "", text_z(&s->user), sa_text_bare(&s->peer, text));
	}
	s->mgr = NULL;
	s->send = 0;
	if (s->waiter)
		fiber_wake(s->waiter);
	ami_sessions_changed(mgr);
	obj_drop(s);
}

bool ami_gone(const struct ami_ctx *a)
{
	return a->s->gone || (a->http && a->http->gone(a->http));
}

int ami_send(struct ami_session *s, struct ami_sink *http, struct str bytes)
{
	return http ? http->send(http, bytes) : client_send(s->client, bytes);
}

int ami_drain(struct ami_session *s, struct ami_sink *http)
{
	return http ? http->drain(http) : client_drain(s->client, AMI_OUT_LOW);
}

/* ---- one message ------------------------------------------------------ */

static bool open_to_all(struct str action)
{
	return str_ieq(action, STR("Login")) || str_ieq(action, STR("Logoff")) || str_ieq(action, STR("Challenge"));
}

static struct str action_name(const struct ami_message *msg)
{
	for (size_t i = 0; i < msg->n; i++)
		if (msg->v[i].value.n && str_ieq(msg->v[i].name, STR("Action")))
			return msg->v[i].value;
	return STR_NULL;
}

static void denied(struct ami_ctx *a, struct str action)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, STR("Action: "), action);
	ami_security(a->s, AMI_NOT_ALLOWED, text_view(&a->s->user), "RequestType", buf_view(&b));
	buf_free(&b);
	ami_error(a, "Permission denied");
}

static void name_fiber(const struct ami_session *s, struct str what)
{
	const struct str words[] = { STR("manager "), text_view(&s->user), STR(": "), what };

	fiber_set_name(fiber_self(), words, ARRAY_LEN(words));
}

static void run_action(struct ami_ctx *a)
{
	struct str name = action_name(a->msg);
	const struct ami_action *row;

	if (!name.n) {
		ami_security(a->s, AMI_BAD_FORMAT, text_view(&a->s->user), "RequestType", STR("Action: NONE"));
		ami_error(a, "Missing action in request");
		return;
	}
	if (a->m->stopping) {
		ami_error(a, "Asterisk is shutting down");
		return;
	}
	if (!a->s->authenticated && !open_to_all(name)) {
		denied(a, name);
		return;
	}
	row = map_get(a->s->mgr->actions, name);
	if (!row) {
		ami_error(a, "Invalid/unknown command: %.*s. Use Action: ListCommands to show available commands.",
			  STR_ARG(name));
	} else if (row->privilege && !(a->s->write & row->privilege)) {
		denied(a, name);
	} else if (!row->early && manage_wait_booted(a->m)) {
		ami_error(a, "Asterisk is shutting down");
	} else if (a->s->mgr) {
		row->run(a);
	}
}

void ami_serve(struct ami_ctx *a, int fault)
{
	a->id = ami_get(a, "ActionID");
	a->s->hold = true;
	name_fiber(a->s, action_name(a->msg));
	if (fault == EMSGSIZE)
		ami_error(a, "Failed to parse message: line too long");
	else if (fault)
		ami_error(a, "Too many lines in message or allocation failure");
	else
		run_action(a);
	if (!a->s->gone)
		ami_flush(a);
	if (!a->s->gone)
		ami_release(a);
}

static void serve_message(struct ami_session *s, int fault)
{
	struct ami_ctx a = { .s = s, .m = obj_hold(s->mgr->m), .msg = &s->parser.msg };

	ami_serve(&a, fault);
	if (a.close)
		ami_session_leave(s);
	buf_free(&a.out);
	obj_drop(a.m);
}

/* One message of `in`. False: none is whole, or the session is over. */
static bool serve_next(struct ami_session *s)
{
	struct str in = buf_view(&s->in);
	int err = ami_parse(&s->parser, &in);
	size_t used = s->in.n - in.n;

	s->in.n -= used;
	memmove(s->in.p, s->in.p + used, s->in.n);
	if (err == ENOMEM)
		ami_session_leave(s);
	else if (err != EAGAIN)
		serve_message(s, err);
	if (!s->gone)
		client_pause(s->client, s->in.n >= IN_LIMIT);
	return err != EAGAIN && !s->gone;
}

/* On a fiber, until the input is used up. Events of before an action go out before
 * its answer; while the peer does not read, nothing more is done for it. */
static void work_session(void *arg)
{
	struct ami_session *s = arg;
	struct manage *m = s->mgr ? obj_hold(s->mgr->m) : NULL;

	name_fiber(s, STR_NULL);
	do {
		if (s->gone || client_drain(s->client, AMI_OUT_LOW) || ami_take_events(s, NULL))
			break;
		pace_step(m->pace);
	} while (!s->gone && serve_next(s));
	s->running = false;
	obj_drop(s);
	obj_drop(m);
}

static void start_work(struct ami_session *s)
{
	struct fiber *f = fiber_new(work_session, s, 0);

	if (!f) {
		ami_session_leave(s);
		return;
	}
	s->running = true;
	obj_hold(s);
	fiber_wake(f);
}

static void on_data(void *arg, struct str bytes)
{
	struct ami_session *s = arg;

	obj_hold(s);
	buf_put(&s->in, bytes);
	if (buf_err(&s->in)) {
		ami_session_leave(s);
	} else {
		client_pause(s->client, s->in.n >= IN_LIMIT);
		s->inputs++;
		if (s->waiter)
			fiber_wake(s->waiter);
		if (!s->running)
			start_work(s);
	}
	obj_drop(s);
}

static void on_written(void *arg)
{
	ami_pump(arg);
}

static void on_closed(void *arg, int err)
{
	struct ami_session *s = arg;
	char text[SA_TEXT];

	if (err == ETIMEDOUT || err == EPIPE)
		log_warning("Manager '%s' at %s does not read: disconnected", text_z(&s->user),
			    sa_text(&s->peer, text));
	ami_session_leave(s);
}

/* ---- arrival ---------------------------------------------------------- */

static void on_auth_timeout(void *arg)
{
	struct ami_session *s = arg;
	char text[SA_TEXT];

	if (s->mgr->conf->displayconnects)
		log_verbose(2, "Client from %s failed to authenticate in time", sa_text_bare(&s->peer, text));
	ami_session_leave(s);
}

struct ami_session *ami_session_new(struct manager *mgr, const struct sa *peer, const struct sa *local)
{
	struct ami_session *s = obj_new(sizeof(*s), session_free);

	if (!s)
		return NULL;
	s->mgr = mgr;
	s->peer = *peer;
	s->local = *local;
	s->in.max = 4 * IN_LIMIT;
	ami_pump_init(s);
	ami_parser_init(&s->parser);
	ami_filters_init(&s->filters);
	s->started_us = clock_wall_us(mgr->m->clock);
	s->serial = ++mgr->serial;
	list_append(&mgr->sessions, &s->link);
	return s;
}

size_t ami_strangers(const struct manager *mgr, bool web)
{
	size_t n = 0;

	list_each(l, &mgr->sessions) {
		const struct ami_session *s = container_of(l, struct ami_session, link);

		n += !s->authenticated && (s->web != NULL) == web;
	}
	return n;
}

void ami_session_accept(void *arg, struct client *client)
{
	static const struct client_ops ops = { on_data, on_closed, on_written };
	struct manager *mgr = arg;
	struct sa peer = client_peer(client);
	struct ami_session *s = ami_strangers(mgr, false) < mgr->conf->authlimit ? ami_session_new(mgr, &peer, &mgr->bound) : NULL;

	if (!s) {
		client_close(client);
		obj_drop(client);
		return;
	}
	s->client = client;
	client_limits(client, OUT_LIMIT, STALL_MIN);
	client_start(client, &ops, s);
	timer_start(mgr->m->wheel, &s->auth, 1000ull * mgr->conf->authtimeout, on_auth_timeout, s);
	client_send(client, STR("Asterisk Call Manager/" AMI_VERSION "\r\n"));
}

int ami_login_filters(struct ami_session *s, const struct manager_user *u)
{
	int err = 0;

	if (s->client)
		client_limits(s->client, OUT_LIMIT, u->writetimeout > STALL_MIN ? u->writetimeout : STALL_MIN);
	for (size_t i = 0; u->eventfilter && i < u->eventfilter->n && !err; i++) {
		struct str name = u->eventfilter->v[i].name;
		size_t open = str_chr(name, '(');
		struct str criteria = str_skip(name, open + 1);

		if (str_ends(criteria, STR(")")))
			criteria.n--;
		err = ami_filters_add(&s->filters, open < name.n, criteria, u->eventfilter->v[i].value);
		if (err == EBADMSG || err == EINVAL) {
			log_warning("manager.conf: user '%.*s': %.*s is not a filter", STR_ARG(u->name), STR_ARG(name));
			err = 0;
		}
	}
	return err;
}
