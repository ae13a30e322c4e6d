/* The manager interface as a whole: privileges, which actions there are, listening, start and end. */
#define LOG_MODULE "manager"
#include "manage/manager_http.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "base/log.h"
#include "base/obj.h"
#include "net/tls.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include <errno.h>
#include <stdlib.h>

/* A new group of actions is a file and a line here. */
static const struct ami_table *const tables[] = {
	&ami_session_actions, &ami_core_actions, &ami_channel_actions, &ami_call_actions, &ami_dialplan_actions,
	&ami_state_actions, &ami_db_actions, &ami_config_actions, &ami_config_edit_actions, &ami_bridge_actions, &ami_pjsip_actions,
	&ami_pjsip_do_actions, &ami_message_actions, &ami_notify_actions, &ami_subscription_actions, &ami_aoc_actions, &ami_mixmonitor_actions,
	&ami_fax_actions, &ami_digit_actions,
};

static const struct { unsigned ev; const char *name; } privileges[] = {
	{ EV_SYSTEM, "system" }, { EV_CALL, "call" }, { EV_LOG, "log" }, { EV_VERBOSE, "verbose" },
	{ EV_COMMAND, "command" }, { EV_AGENT, "agent" }, { EV_USER, "user" }, { EV_CONFIG, "config" },
	{ EV_DTMF, "dtmf" }, { EV_REPORTING, "reporting" }, { EV_CDR, "cdr" }, { EV_DIALPLAN, "dialplan" },
	{ EV_ORIGINATE, "originate" }, { EV_AGI, "agi" }, { EV_CC, "cc" }, { EV_AOC, "aoc" }, { EV_TEST, "test" },
	{ EV_SECURITY, "security" }, { EV_MESSAGE, "message" },
};

/* ---- privileges ------------------------------------------------------- */

unsigned ami_ev_of_perm(uint32_t perm)
{
	static const struct { uint32_t perm; unsigned ev; } moved[] = {
		{ PERM_CC, EV_CC }, { PERM_AOC, EV_AOC }, { PERM_TEST, EV_TEST }, { PERM_SECURITY, EV_SECURITY },
		{ PERM_MESSAGE, EV_MESSAGE },
	};
	unsigned ev = perm & (PERM_HOOKRESPONSE - 1u);

	if (perm == PERM_ALL)
		return AMI_EV_ALL;
	for (size_t i = 0; i < ARRAY_LEN(moved); i++)
		if (perm & moved[i].perm)
			ev |= moved[i].ev;
	return ev;
}

/* The word "all" ends every list, because Asterisk's does and scripts know it. */
void ami_write_privilege(struct buf *b, unsigned ev)
{
	if (!ev) {
		buf_put(b, STR("<none>"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(privileges); i++)
		if (ev & privileges[i].ev)
			buf_puts(b, str_z(privileges[i].name), STR(","));
	buf_put(b, STR("all"));
}

bool ami_mask_parse(struct str s, unsigned *ev)
{
	uint32_t perm;
	bool yes;

	s = str_trim(s);
	if (!s.n)
		return false;
	if (!str_u32(s, &perm)) {
		*ev = perm;
	} else if (!str_bool(s, &yes)) {
		*ev = yes ? AMI_EV_ALL : 0;
	} else {
		manager_perm_parse(s, &perm, NULL);
		*ev = ami_ev_of_perm(perm);
	}
	return true;
}

/* ---- events ----------------------------------------------------------- */

static bool disabled(const struct manager *mgr, const char *name)
{
	const struct str_list *l = &mgr->conf->disabledevents;

	for (size_t i = 0; i < l->n; i++)
		if (str_ieq(l->v[i], str_z(name)))
			return true;
	return false;
}

/* hide_messaging_ami_events: of the channel that runs texts only what the dialplan itself says is told. */
static bool is_hidden(const struct manager *mgr, const struct event *e)
{
	return mgr->m->conf && mgr->m->conf->hide_messaging_ami_events && strcmp(e->name, "UserEvent") &&
	       str_starts(buf_view(&e->body), STR("Channel: Message/"));
}

static void write_event(struct manager *mgr, struct buf *b, const struct event *e)
{
	buf_printf(b, "Event: %s\r\nPrivilege: ", e->name);
	ami_write_privilege(b, e->privilege);
	buf_put(b, STR("\r\n"));
	if (mgr->conf->timestampevents) {
		int64_t now = clock_wall_us(mgr->m->clock);

		buf_printf(b, "Timestamp: %lld.%06lld\r\n", (long long)(now / 1000000), (long long)(now % 1000000));
	}
	/* Who reads File, Line and Func learns from them which event it is, and no more. */
	if (mgr->debug)
		buf_printf(b, "SequenceNumber: %u\r\nFile: %s\r\nLine: 0\r\nFunc: %s\r\n", mgr->sequence++, "manager.c", e->name);
	if (mgr->m->pbx->systemname.n)
		buf_puts(b, STR("SystemName: "), mgr->m->pbx->systemname, STR("\r\n"));
	buf_puts(b, buf_view(&e->body), STR("\r\n"));
}

/* channelvars: as they are now, a name with ) at its end is a function's. What has no value is told empty. */
static void on_channel(void *arg, struct event *e, const char *prefix, struct channel *ch)
{
	const struct str_list *l = &((struct manager *)arg)->conf->channelvars;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < l->n; i++) {
		buf_reset(&b);
		buf_puts(&b, l->v[i], STR("="));
		pbx_getvar(ch->pbx, ch, l->v[i], &b);
		event_put_as(e, prefix, "ChanVariable", buf_view(&b));
	}
	buf_free(&b);
}

static void on_event(void *arg, const struct event *e)
{
	struct manager *mgr = arg;
	struct ami_event *one = NULL;

	if (disabled(mgr, e->name) || is_hidden(mgr, e))
		return;
	/* Written once, when the first session wants it. */
	list_each_safe(l, tmp, &mgr->sessions) {
		struct ami_session *s = container_of(l, struct ami_session, link);

		if ((s->send & e->privilege) != e->privilege)
			continue;
		if (!one) {
			struct buf b = BUF_INIT;

			write_event(mgr, &b, e);
			one = ami_event_new(&b);
			if (!one) {
				buf_free(&b);
				return;
			}
		}
		ami_session_event(s, one);
	}
	obj_drop(one);
}

void ami_sessions_changed(struct manager *mgr)
{
	struct events *ev = mgr->m->pbx ? mgr->m->pbx->events : NULL;
	unsigned mask = 0;

	list_each(l, &mgr->sessions)
		mask |= container_of(l, struct ami_session, link)->send;
	if (!ev || (mask == mgr->mask && (mgr->events || !mask)))
		return;
	mgr->mask = mask;
	if (!mgr->events)
		mgr->events = events_listen(ev, mask, on_event, mgr);
	else
		events_mask(ev, mgr->events, mask);
}

static void ask_for_variables(struct manager *mgr)
{
	bool any = mgr->conf && mgr->conf->channelvars.n;

	if (mgr->m->pbx)
		events_channel_more(mgr->m->pbx->events, any ? on_channel : NULL, mgr);
}

void manager_listen_events(struct manager *mgr)
{
	ask_for_variables(mgr);
	ami_sessions_changed(mgr);
}

/* ---- life ------------------------------------------------------------- */

static int add_actions(struct manager *mgr)
{
	int err = 0;

	mgr->actions = map_new(true);
	if (!mgr->actions)
		return ENOMEM;
	for (size_t t = 0; t < ARRAY_LEN(tables) && !err; t++)
		for (size_t i = 0; i < tables[t]->n && !err; i++)
			err = map_add(mgr->actions, str_z(tables[t]->v[i].name),
				      (void *)(size_t)&tables[t]->v[i]);
	return err;
}

int manager_new(struct manager **out, struct manage *m)
{
	struct manager *mgr = calloc(1, sizeof(*mgr));
	int err;

	if (!mgr)
		return ENOMEM;
	mgr->m = m;
	list_init(&mgr->sessions);
	err = add_actions(mgr);
	if (err)
		manager_stop(mgr);
	else
		*out = mgr;
	return err;
}

void manager_stop(struct manager *mgr)
{
	if (!mgr)
		return;
	manager_set_web(mgr, NULL);
	if (mgr->m->pbx)
		events_channel_more(mgr->m->pbx->events, NULL, NULL);
	client_unlisten(mgr->listener);
	client_unlisten(mgr->tls_listener);
	obj_drop(mgr->tls);
	while (!list_empty(&mgr->sessions))
		ami_session_leave(container_of(mgr->sessions.next, struct ami_session, link));
	if (mgr->events)
		events_unlisten(mgr->m->pbx->events, mgr->events);
	map_free(mgr->actions);
	obj_drop(mgr->conf);
	free(mgr);
}

/* ---- listening -------------------------------------------------------- */

static int listen_at(struct manager *mgr, struct client_listener **sl, const struct sa *at, struct sa *bound, struct report *r)
{
	char text[SA_TEXT];
	int err = client_listen_tcp(sl, mgr->m->loop, at, ami_session_accept, mgr, bound);

	if (err)
		report_add(r, REPORT_ERROR, STR("manager.conf"), 0, "cannot listen on %s: %s", sa_text(at, text), strerror(err));
	return err;
}

static void unlisten(struct client_listener **sl, struct sa *bound)
{
	client_unlisten(*sl);
	*sl = NULL;
	*bound = (struct sa){ 0 };
}

/* In the clear: as before when nothing about it changed. */
static int listen_plain(struct manager *mgr, const struct manager_conf *before, const struct manager_conf *conf, struct report *r)
{
	if (mgr->listener && conf && conf->enabled && before && sa_eq(&before->listen, &conf->listen))
		return 0;
	unlisten(&mgr->listener, &mgr->bound);
	return conf && conf->enabled ? listen_at(mgr, &mgr->listener, &conf->listen, &mgr->bound, r) : 0;
}

/* With TLS. Another certificate is for the handshakes from now on; with a faulty one those of before stay. */
static int listen_secure(struct manager *mgr, const struct manager_conf *before, const struct manager_conf *conf, struct report *r)
{
	struct tls_prm prm = { .name = STR("manager.conf") };
	struct buf why = BUF_INIT;
	int err;

	if (!conf || !conf->enabled || !conf->tlsenable) {
		unlisten(&mgr->tls_listener, &mgr->tls_bound);
		mgr->tls = obj_drop(mgr->tls);
		return 0;
	}
	prm.cert_file = conf->tlscertfile;
	prm.priv_key_file = conf->tlsprivatekey;
	prm.cipher = conf->tlscipher;
	prm.version = conf->tlsdisablev12 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
	err = mgr->tls ? tls_context_change(mgr->tls, &prm, &why) : tls_context_new(&mgr->tls, &prm, &why);
	if (err)
		report_add(r, REPORT_ERROR, STR("manager.conf"), 0, "TLS (here cert_file is tlscertfile, priv_key_file is tlsprivatekey): "
			   "%s", why.n ? buf_z(&why) : strerror(err));
	buf_free(&why);
	if (err || (mgr->tls_listener && before && sa_eq(&before->tls_listen, &conf->tls_listen)))
		return err;
	unlisten(&mgr->tls_listener, &mgr->tls_bound);
	err = listen_at(mgr, &mgr->tls_listener, &conf->tls_listen, &mgr->tls_bound, r);
	if (!err)
		client_listener_secure(mgr->tls_listener, mgr->tls);
	return err;
}

int manager_set_conf(struct manager *mgr, struct manager_conf *conf, struct report *r)
{
	struct manager_conf *before = obj_hold(mgr->conf);
	int err, secure;

	/* Without one its sessions go on under the last. */
	if (conf) {
		obj_hold(conf);
		obj_drop(mgr->conf);
		mgr->conf = conf;
		mgr->debug = conf->debug;
	}
	ask_for_variables(mgr);
	err = listen_plain(mgr, before, conf, r);
	secure = listen_secure(mgr, before, conf, r);
	obj_drop(before);
	return err ? err : secure;
}

struct sa manager_bound(const struct manager *mgr) { return mgr->bound; }

int manager_set_web(struct manager *mgr, struct web *web)
{
	if (mgr->web == web)
		return 0;
	if (mgr->web) {
		web_remove_routes(mgr->web, mgr);
		web_set_proof(mgr->web, NULL, NULL);
	}
	obj_drop(mgr->web);
	mgr->web = obj_hold(web);
	if (!web)
		return 0;
	web_set_proof(web, ami_web_proven, mgr);
	return web_add_routes(web, ami_http_routes, AMI_HTTP_ROUTES, mgr);
}
