/* One thing to do, for scripts: its outcome becomes the exit code. What happens within a call stands in
 * one_shot_call.c. */
#include "phone/one_shot.h"
#include <errno.h>
#include <stdlib.h>

static void fail_of(struct phone *p, const struct sidetone_event *e)
{
	unsigned status = e->message ? sidetone_message_status(e->message) : 0;

	one_shot_finish(p, outcome_of(status, e->cause), status, e->cause, 0);
}

/* ---- the things to do ------------------------------------------------------------------------------------ */

static void wait_over(struct one_shot *s)
{
	one_shot_finish(s->phone, s->reached, s->status, NULL, 0);
}

/* It worked. Some stay for --seconds before they say so. */
static void reach(struct phone *p, enum outcome o, unsigned status)
{
	struct one_shot *s = p->own;

	if (s->reached != OUTCOME_NONE)
		return;
	s->reached = o;
	s->status = status;
	if (p->options.seconds > 0)
		one_shot_after(s, p->options.seconds, wait_over);
	else
		wait_over(s);
}

static int start_message(struct phone *p)
{
	const struct phone_options *o = &p->options;
	const struct sidetone_request_options r = { .method = "MESSAGE", .target = text_z(&o->target), .body = text_z(&o->text),
		.content_type = o->content_type.n ? o->content_type.p : "text/plain", .headers = o->headers.p };

	return sidetone_ua_request(p->ua, &r, NULL);
}

/* Without a target it is the server that is asked: the domain of our URI. */
static int start_options(struct phone *p)
{
	char *json = sidetone_ua_get_json(p->ua, "registrarServer");
	struct str server = str_unquote(str_z(json));
	struct text target = { 0 };
	int err = text_set(&target, p->options.target.n ? text_view(&p->options.target) : server);

	if (!err) {
		const struct sidetone_request_options r = { .method = "OPTIONS", .target = text_z(&target),
			.headers = p->options.headers.p };

		err = sidetone_ua_request(p->ua, &r, NULL);
	}
	text_free(&target);
	free(json);
	return err;
}

static uint32_t expires_of(const struct phone *p)
{
	return p->options.expires < 0 ? 3600 : (uint32_t)p->options.expires;
}

static int start_subscribe(struct phone *p)
{
	const struct phone_options *o = &p->options;
	const struct sidetone_request_options r = { .target = text_z(&o->target), .headers = o->headers.p };
	struct one_shot *s = p->own;

	return sidetone_ua_subscribe(p->ua, &r, text_z(&o->event), expires_of(p), &s->subscription);
}

static int start_publish(struct phone *p)
{
	const struct phone_options *o = &p->options;
	struct one_shot *s = p->own;
	char *json = sidetone_ua_get_json(p->ua, "uri");
	struct text target = { 0 };
	int err = text_set(&target, o->target.n ? text_view(&o->target) : str_unquote(str_z(json)));

	if (!err) {
		const struct sidetone_request_options r = { .target = text_z(&target), .body = text_z(&o->body),
			.content_type = o->content_type.n ? o->content_type.p : "text/plain", .headers = o->headers.p };

		err = sidetone_ua_publish(p->ua, &r, text_z(&o->event), expires_of(p), &s->publication);
	}
	text_free(&target);
	free(json);
	return err;
}

static int start_nothing(struct phone *p)
{
	(void)p;
	return 0;
}

static int (*const starts[])(struct phone *p) = {
	[TASK_REGISTER] = start_nothing, [TASK_ANSWER] = start_nothing, [TASK_CALL] = one_shot_call, [TASK_MESSAGE] = start_message,
	[TASK_OPTIONS] = start_options, [TASK_SUBSCRIBE] = start_subscribe, [TASK_PUBLISH] = start_publish,
};

static void gave_up(struct one_shot *s)
{
	one_shot_finish(s->phone, OUTCOME_NO_ANSWER, 0, "no answer in time", 0);
}

static void start(struct phone *p)
{
	struct one_shot *s = calloc(1, sizeof(*s));
	int err = s ? 0 : ENOMEM;

	p->own = s;
	if (!err) {
		s->phone = p;
		err = starts[p->options.task](p);
	}
	if (!err && p->options.task != TASK_CALL && p->options.timeout > 0)
		err = one_shot_after(s, p->options.timeout, gave_up);
	if (!err)
		return;
	screen_error(&p->screen, "%s", *sidetone_ua_error(p->ua) ? sidetone_ua_error(p->ua) : strerror(err));
	one_shot_leave(p, EXIT_USAGE);
}

/* ---- what comes of them ------------------------------------------------------------------------------------ */

static bool is_registering(const struct phone *p)
{
	return p->options.task == TASK_REGISTER || p->options.task == TASK_ANSWER;
}

static void on_message(struct phone *p, const struct sidetone_event *e)
{
	unsigned status = e->message ? sidetone_message_status(e->message) : 0;

	switch (e->type) {
	case SIDETONE_REGISTERED:
		if (p->options.task == TASK_REGISTER)
			reach(p, OUTCOME_REGISTERED, status);
		break;
	case SIDETONE_REGISTRATION_FAILED:
		if (is_registering(p))
			fail_of(p, e);
		break;
	case SIDETONE_ACCEPTED:
		if (e->request && !e->session)
			reach(p, OUTCOME_ACCEPTED, status);
		break;
	case SIDETONE_PUBLISHED:
		reach(p, OUTCOME_ACCEPTED, status);
		break;
	case SIDETONE_NOTIFY:
		if (e->subscription)
			reach(p, OUTCOME_NOTIFIED, 0);
		break;
	case SIDETONE_FAILED:
		if (!e->session)
			fail_of(p, e);
		break;
	default:
		break;
	}
}

static void on_event(struct phone *p, const struct sidetone_event *e, struct call *c)
{
	struct one_shot *s = p->own;

	if (!s)
		return;
	if (p->leaving) {
		/* It is freed after this. */
		if (c && c == s->call && c->over)
			s->call = NULL;
		return;
	}
	/* Every server was tried once: a script does not wait for better times. */
	if (e->type == SIDETONE_DISCONNECTED && p->unreachable >= p->servers && !call_find(p, 0))
		one_shot_finish(p, OUTCOME_DISCONNECTED, 0, e->text && *e->text ? e->text : "Connection Error", 0);
	else if (e->type == SIDETONE_DISCONNECTED && p->unreachable >= p->servers)
		one_shot_unreachable(p, e);
	else if (c)
		one_shot_call_event(p, e, c);
	else
		on_message(p, e);
}

static void interrupted(struct phone *p)
{
	one_shot_leave(p, EXIT_INTERRUPTED);
}

static void end(struct phone *p)
{
	struct one_shot *s = p->own;

	p->own = NULL;
	if (!s)
		return;
	sidetone_timer_cancel(s->timer);
	sidetone_timer_cancel(s->second);
	sidetone_subscription_free(s->subscription);
	sidetone_publication_free(s->publication);
	free(s);
}

const struct phone_mode one_shot_mode = { .start = start, .event = on_event, .media = one_shot_media, .interrupted = interrupted,
	.end = end };
