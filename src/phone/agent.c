/* The agent of the phone: made of the options, and its events handed round. */
#include "phone/call.h"
#include "agent/json.h"
#include <errno.h>
#include <stdlib.h>

#define LEAVE_MS 3000           /* for answers to BYE and REGISTER; who does not answer is not waited for */

/* ---- events ---------------------------------------------------------------------------------------- */

/* It leads another way than before: so does the sound of the calls. */
static void renew_sound(struct phone *p)
{
	for (struct list *l = p->calls.next; l != &p->calls; l = l->next) {
		struct call *c = container_of(l, struct call, link);

		if (c->up && !c->over)
			sidetone_media_renew(p->media, c->session);
	}
}

static void note_connection(struct phone *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_CONNECTED)
		renew_sound(p);
	if (e->type == SIDETONE_CONNECTED)
		p->unreachable = 0;
	else if (e->type == SIDETONE_DISCONNECTED && !p->connected)
		p->unreachable++;       /* else it was there, and is tried again */
	if (e->type == SIDETONE_CONNECTED || e->type == SIDETONE_DISCONNECTED)
		p->connected = e->type == SIDETONE_CONNECTED;
}

static void on_event(void *arg, const struct sidetone_event *e)
{
	struct phone *p = arg;
	struct call *c;

	p->depth++;
	c = call_event(p, e);
	note_connection(p, e);
	say_event(p, e, c);
	sidetone_media_handle(p->media, e);
	if (p->ua)
		p->mode->event(p, e, c);
	if (e->type == SIDETONE_MESSAGE)
		sidetone_incoming_free(e->incoming);
	/* Events come inside of others: what an outer one is about stays. */
	if (!--p->depth)
		call_sweep(p);
	if (e->type == SIDETONE_DISCONNECTED && p->leaving)
		sidetone_loop_stop(p->loop);
}

static void on_media(void *arg, const struct sidetone_media_event *e)
{
	struct phone *p = arg;

	if (e->type == SIDETONE_MEDIA_AGREED)
		call_agreed(p, e->session);
	say_media(p, e);
	if (p->mode->media)
		p->mode->media(p, e);
	if (!p->depth)
		call_sweep(p);
}

/* Where nobody could be reached somebody may be now. */
static void on_network(void *arg)
{
	struct phone *p = arg;

	if (p->ua && !p->leaving && !sidetone_ua_is_connected(p->ua))
		sidetone_ua_network_changed(p->ua);
}

/* ---- its parts --------------------------------------------------------------------------------------- */

static void on_log(void *arg, int level, const char *category, const char *text)
{
	static const char *const levels[] = { "error", "warning", "notice", "debug" };

	screen_error(&((struct phone *)arg)->screen, "%s: %s: %s", levels[level & 3], category, text);
}

static const char *said(const struct text *t)
{
	return t->n ? t->p : NULL;
}

static int make_loop(struct phone *p)
{
	const struct phone_options *o = &p->options;
	const struct sidetone_loop_options l = { .ca_list_file = said(&o->ca_list_file), .ca_list_path = said(&o->ca_list_path),
		.cert_file = said(&o->cert_file), .priv_key_file = said(&o->priv_key_file), .no_verify = o->no_verify,
		.from = said(&o->from), .nameserver = said(&o->nameserver), .log = o->verbose ? on_log : NULL, .log_arg = p };
	char why[300];

	if (!sidetone_loop_new(&p->loop, &l, why, sizeof(why)))
		return 0;
	screen_error(&p->screen, "%s", why);
	return EXIT_USAGE;
}

static int make_media(struct phone *p)
{
	static const char *const words[] = { [SIDETONE_PLAIN] = "none", [SIDETONE_SDES] = "sdes", [SIDETONE_DTLS] = "dtls" };
	const struct phone_options *o = &p->options;
	struct sidetone_media_options m;
	char why[300] = "";
	int err = 0;

	sidetone_media_options_init(&m);
	m.address = said(&o->from);
	m.codecs = said(&o->codecs);
	m.public_address = said(&o->public_address);
	m.optional_encryption = o->optional_encryption;
	m.ice = o->ice;
	m.stun = said(&o->stun);
	m.turn = said(&o->turn);
	m.turn_user = said(&o->turn_user);
	m.turn_password = said(&o->turn_password);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(text_view(&o->encryption), str_z(words[i])))
			m.encryption = (enum sidetone_encryption)i;
	m.digits = str_eq(phone_options_param(o, "dtmfType"), STR("\"info\"")) ? SIDETONE_DIGITS_INFO : SIDETONE_DIGITS_AUTO;
	err = sidetone_media_new(&p->media, &m, on_media, p, why, sizeof(why));
	err = err ? err : sidetone_loop_media(p->loop, p->media);
	if (err)
		screen_error(&p->screen, "%s", *why ? why : strerror(err));
	return err ? EXIT_USAGE : 0;
}

static int set_one(struct phone *p, const char *name, const char *json)
{
	if (!sidetone_ua_set_json(p->ua, name, json))
		return 0;
	screen_error(&p->screen, "%s", sidetone_ua_error(p->ua));
	return EXIT_USAGE;
}

/* The server that serves whoever we are, or whom we want. */
static int set_server(struct phone *p)
{
	struct arena *a = arena_new(1024);
	struct str uri = phone_options_param(&p->options, "uri");
	const struct agent_json *v = NULL;
	struct text server = { 0 };
	int err = !a || (uri.n && agent_json_parse(a, uri, &v)) ? ENOMEM : 0;

	if (!err)
		err = phone_default_server(v ? v->text : text_view(&p->options.target), &server);
	if (!err && sidetone_ua_set_string(p->ua, "wsServers", text_z(&server)))
		err = EINVAL;
	if (err)
		screen_error(&p->screen, "no server to connect to: give --server udp:HOST, or --uri sip:USER@HOST");
	text_free(&server);
	arena_free(a);
	return err ? EXIT_USAGE : 0;
}

/* Who only asks or calls needs no registration. */
static bool wants_registration(const struct phone *p)
{
	enum phone_task t = p->options.task;

	return t == TASK_REGISTER || t == TASK_ANSWER || (t == TASK_INTERACTIVE && phone_options_param(&p->options, "uri").n);
}

static int set_parameters(struct phone *p)
{
	const struct phone_options *o = &p->options;
	int code = 0;

	for (size_t i = 0; i < o->n_settings && !code; i++)
		code = set_one(p, text_z(&o->settings[i].name), text_z(&o->settings[i].json));
	if (!code && !phone_options_param(o, "register").n)
		code = set_one(p, "register", wants_registration(p) ? "true" : "false");
	if (!code && !phone_options_param(o, "replaces").n)
		code = set_one(p, "replaces", "\"supported\"");
	if (!code && !phone_options_param(o, "wsServers").n)
		code = set_server(p);
	return code;
}

static void count_servers(struct phone *p)
{
	char *json = sidetone_ua_get_json(p->ua, "wsServers");
	struct arena *a = arena_new(4096);
	const struct agent_json *v;

	p->servers = 1;
	if (json && a && !agent_json_parse(a, str_z(json), &v) && v->type == AGENT_JSON_LIST && v->n)
		p->servers = (unsigned)v->n;
	arena_free(a);
	free(json);
}

int phone_agent_start(struct phone *p)
{
	int code = make_loop(p);

	code = code ? code : make_media(p);
	if (code)
		return code;
	p->ua = sidetone_ua_new(sidetone_loop_core(p->loop), on_event, p);
	if (!p->ua) {
		screen_error(&p->screen, "out of memory");
		return EXIT_FAILURE;
	}
	code = set_parameters(p);
	if (code)
		return code;
	count_servers(p);
	sidetone_loop_on_network(p->loop, on_network, p);
	if (sidetone_ua_start(p->ua)) {
		screen_error(&p->screen, "%s", sidetone_ua_error(p->ua));
		return EXIT_USAGE;
	}
	return 0;
}

/* ---- the end --------------------------------------------------------------------------------------------- */

static void on_late(void *arg)
{
	sidetone_loop_stop(((struct phone *)arg)->loop);
}

void phone_leave(struct phone *p, int exit_code)
{
	bool connected = sidetone_ua_is_connected(p->ua);

	if (p->leaving) {
		sidetone_loop_stop(p->loop);
		return;
	}
	p->leaving = true;
	p->exit_code = exit_code;
	if (!connected || sidetone_loop_after(p->loop, LEAVE_MS, on_late, p, NULL))
		sidetone_loop_stop(p->loop);
	sidetone_ua_stop(p->ua);
}
