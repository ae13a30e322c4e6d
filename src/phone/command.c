/* The interactive phone: a terminal with a prompt, or lines of a pipe. */
#include "phone/command.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void set_prompt(struct commands *c)
{
	struct screen *s = &c->phone->screen;
	const struct call *call = call_find(c->phone, c->current);
	unsigned n = 0;

	for (struct list *e = c->phone->calls.next; e != &c->phone->calls; e = e->next)
		n += !container_of(e, struct call, link)->over;
	call = call ? call : call_find(c->phone, 0);
	if (call)
		text_printf(&s->prompt, "call %u of %u> ", call->number, n);
	else
		text_set(&s->prompt, sidetone_ua_is_registered(c->phone->ua) ? STR("sidetone-ua> ") : STR("(not registered)> "));
}

/* ---- input ---------------------------------------------------------------------------------------------- */

static void close_input(struct commands *c)
{
	if (c->open)
		uv_poll_stop(&c->input);
	c->open = false;
}

static void complete(struct commands *c)
{
	struct line *l = &c->phone->screen.line;
	bool several;
	const struct command *row = command_find(buf_view(&l->text), &several);

	if (!row || l->at != l->text.n)
		return;
	line_insert(l, str_skip(str_z(row->name), l->text.n));
	line_insert(l, STR(" "));
}

static void on_key(struct commands *c, char key)
{
	struct screen *s = &c->phone->screen;
	struct text line = { 0 };

	switch (line_feed(&s->line, key)) {
	case LINE_DONE:
		text_set(&line, buf_view(&s->line.text));
		if (write(STDOUT_FILENO, "\r\n", 2) < 0)
			close_input(c);
		line_next(&s->line);
		command_run(c, text_view(&line));
		text_free(&line);
		set_prompt(c);
		break;
	case LINE_TAB:
		complete(c);
		break;
	case LINE_CLEAR:
		if (write(STDOUT_FILENO, "\033[H\033[2J", 7) < 0)
			close_input(c);
		break;
	case LINE_INTERRUPT:
	case LINE_END:
		phone_leave(c->phone, 0);
		return;
	case LINE_CHANGED:
		break;
	case LINE_NOTHING:
		return;
	}
	screen_draw(s);
}

static void take_lines(struct commands *c, struct str bytes)
{
	size_t end;

	buf_put(&c->typed, bytes);
	while ((end = str_chr(buf_view(&c->typed), '\n')) < c->typed.n) {
		command_run(c, str_sub(buf_view(&c->typed), 0, end));
		memmove(c->typed.p, c->typed.p + end + 1, c->typed.n - end - 1);
		c->typed.n -= end + 1;
	}
}

/* False: that was all. */
static bool read_input(struct commands *c)
{
	char room[4096];
	ssize_t n = read(STDIN_FILENO, room, sizeof(room));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	if (!c->phone->screen.prompting)
		take_lines(c, str_mk(room, (size_t)n));
	else
		for (ssize_t i = 0; i < n; i++)
			on_key(c, room[i]);
	return true;
}

static void on_input(uv_poll_t *h, int status, int events)
{
	struct commands *c = h->data;

	(void)status;
	(void)events;
	if (read_input(c))
		return;
	close_input(c);
	phone_leave(c->phone, 0);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static void start(struct phone *p)
{
	struct commands *c = calloc(1, sizeof(*c));

	p->own = c;
	if (!c) {
		phone_leave(p, EXIT_FAILURE);
		return;
	}
	c->phone = p;
	list_init(&c->watches);
	p->devices = true;
	if (p->screen.tty && !p->options.json && !screen_raw(true)) {
		p->screen.prompting = true;
		screen_say(&p->screen, "'help' lists the commands, 'quit' leaves.");
	}
	set_prompt(c);
	screen_draw(&p->screen);
	c->input.data = c;
	/* A file is always ready, and in no set of epoll. */
	if (uv_poll_init(loop_uv(host_loop(p->loop)), &c->input, STDIN_FILENO)) {
		while (read_input(c))
			;
		phone_leave(p, 0);
		return;
	}
	c->open = true;
	uv_poll_start(&c->input, UV_READABLE, on_input);
}

static void event(struct phone *p, const struct sidetone_event *e, struct call *call)
{
	struct commands *c = p->own;

	if (!c || p->leaving)
		return;
	if (e->type == SIDETONE_INVITE && call) {
		if (p->screen.prompting && write(STDOUT_FILENO, "\a", 1) < 0)
			close_input(c);
		if (call->replaces || p->options.auto_answer)
			call_answer(call);
		else if (p->options.reject.n)
			command_run(c, STR("reject"));
		else if (!p->options.json)
			screen_say(&p->screen, "'answer' takes it, 'reject' refuses it");
	}
	if (e->type == SIDETONE_SUBSCRIPTION_STATE && e->subscription && e->text && !p->options.json)
		say_text(p, "subscription: %s", e->text);
	set_prompt(c);
	screen_draw(&p->screen);
}

static void interrupted(struct phone *p)
{
	phone_leave(p, EXIT_INTERRUPTED);
}

static void free_commands(uv_handle_t *h)
{
	free(h->data);
}

static void end(struct phone *p)
{
	struct commands *c = p->own;

	p->own = NULL;
	if (!c)
		return;
	while (!list_empty(&c->watches))
		watch_free(container_of(c->watches.next, struct watch, link));
	buf_free(&c->typed);
	if (c->input.type)
		uv_close((uv_handle_t *)&c->input, free_commands);
	else
		free(c);
}

const struct phone_mode command_mode = { .start = start, .event = event, .interrupted = interrupted, .end = end };
