/* What an action reads of its request and writes as its answer: headers, errors, lists, variables. */
#include "manage/manager_private.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include <errno.h>

#define VARIABLES 64            /* in one header */
#define PIECE (64u << 10)       /* [bytes] of a long answer sent at once */
#define FLUSH (32u << 10)       /* [bytes] of an answer that is still being written */

bool ami_get_bool(const struct ami_ctx *a, const char *name)
{
	bool yes = false;

	str_bool(ami_get(a, name), &yes);
	return yes;
}

struct channel *ami_get_channel(struct ami_ctx *a, const char *name, const char *missing, const char *unknown)
{
	struct str s = ami_get(a, name);
	struct channel *ch;

	if (!s.n) {
		ami_error(a, "%s", missing);
		return NULL;
	}
	ch = channel_by_name(a->m->pbx, s);
	if (!ch)
		ami_error(a, "%s", unknown);
	return ch;
}

void ami_each_var(const struct ami_ctx *a, ami_var_fn *fn, void *arg)
{
	for (size_t i = 0; i < a->msg->n; i++) {
		struct str v[VARIABLES];
		size_t n;

		if (!str_ieq(a->msg->v[i].name, STR("Variable")))
			continue;
		n = pbx_args(a->msg->v[i].value, v, VARIABLES);
		for (size_t k = 0; k < n; k++) {
			struct str value = v[k], name = str_trim(str_cut_raw(&value, '='));

			if (name.n)
				fn(arg, name, str_unquote(str_trim(value)));
		}
	}
}

/* ---- writing ---------------------------------------------------------- */

static void put_value(struct buf *b, struct str v)
{
	while (v.n) {
		size_t n = 0;

		while (n < v.n && v.p[n] != '\r' && v.p[n] != '\n' && v.p[n])
			n++;
		buf_put(b, str_sub(v, 0, n));
		if (n < v.n)
			buf_char(b, ' ');
		v = str_skip(v, n + 1);
	}
}

void ami_put(struct ami_ctx *a, const char *key, struct str value)
{
	buf_puts(&a->out, str_z(key), STR(": "));
	put_value(&a->out, value);
	buf_put(&a->out, STR("\r\n"));
}

static void vput(struct ami_ctx *a, const char *key, const char *fmt, va_list ap)
{
	char mem[512];
	struct buf b;

	buf_init(&b, mem, sizeof(mem), 0);
	buf_vprintf(&b, fmt, ap);
	ami_put(a, key, buf_view(&b));
	buf_free(&b);
}

void ami_printf(struct ami_ctx *a, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vput(a, key, fmt, ap);
	va_end(ap);
}

static void put_id(struct ami_ctx *a)
{
	if (a->id.n)
		ami_put(a, "ActionID", a->id);
}

void ami_error(struct ami_ctx *a, const char *fmt, ...)
{
	va_list ap;

	ami_put(a, "Response", STR("Error"));
	put_id(a);
	va_start(ap, fmt);
	vput(a, "Message", fmt, ap);
	va_end(ap);
	ami_end(a);
}

void ami_ok(struct ami_ctx *a, const char *fmt, ...)
{
	va_list ap;

	ami_start(a);
	va_start(ap, fmt);
	vput(a, "Message", fmt, ap);
	va_end(ap);
	ami_end(a);
}

void ami_start(struct ami_ctx *a)
{
	ami_put(a, "Response", STR("Success"));
	put_id(a);
}

void ami_list_start(struct ami_ctx *a, const char *message)
{
	ami_start(a);
	ami_put(a, "EventList", STR("start"));
	ami_put(a, "Message", str_z(message));
	ami_end(a);
	a->items = 0;
}

void ami_event(struct ami_ctx *a, const char *name)
{
	ami_put(a, "Event", str_z(name));
	put_id(a);
}

void ami_end(struct ami_ctx *a)
{
	buf_put(&a->out, STR("\r\n"));
}

static bool go_on(struct ami_ctx *a)
{
	pace_step(a->m->pace);
	return !ami_gone(a) && !a->m->stopping;
}

bool ami_pause(struct ami_ctx *a)
{
	if (a->out.n >= FLUSH) {
		if (ami_flush(a))
			return false;
		ami_release(a);
		/* Over HTTP events come behind the whole answer. */
		if ((!a->http && ami_take_events(a->s, NULL)) || ami_drain(a->s, a->http))
			return false;
		a->s->hold = true;
	}
	return go_on(a);
}

bool ami_item_end(struct ami_ctx *a)
{
	ami_end(a);
	a->items++;
	return ami_pause(a);
}

bool ami_line_end(struct ami_ctx *a)
{
	if (a->out.n >= FLUSH && (ami_flush(a) || ami_drain(a->s, a->http)))
		return false;
	return go_on(a);
}

void ami_list_complete(struct ami_ctx *a, const char *event)
{
	ami_event(a, event);
	ami_put(a, "EventList", STR("Complete"));
	ami_printf(a, "ListItems", "%zu", a->items);
}

void ami_list_end(struct ami_ctx *a, const char *event)
{
	ami_list_complete(a, event);
	ami_end(a);
}

void ami_channel(struct ami_ctx *a, const struct channel *ch)
{
	struct event e = { .name = "", .body = a->out };

	event_channel(&e, "", ch);
	a->out = e.body;
}

/* In pieces, so that a long answer never fills the queue of a peer that reads. */
int ami_flush(struct ami_ctx *a)
{
	struct str left = buf_view(&a->out);
	int err = buf_err(&a->out);

	if (err)
		ami_session_leave(a->s);
	while (left.n && !err && !a->s->gone) {
		struct str piece = str_sub(left, 0, PIECE);

		left = str_skip(left, piece.n);
		err = ami_send(a->s, a->http, piece);
		if (!err && left.n)
			err = ami_drain(a->s, a->http);
	}
	buf_reset(&a->out);
	return a->s->gone ? EPIPE : err;
}

void ami_release(struct ami_ctx *a)
{
	a->s->hold = false;
	ami_pump(a->s);
}
