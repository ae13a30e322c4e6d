/* A line of a terminal: keys in, text and escape sequences out. */
#include "phone/line.h"

static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const struct line *l, size_t at)
{
	while (at && is_tail(l->text.p[--at]))
		;
	return at;
}

static size_t after(const struct line *l, size_t at)
{
	if (at < l->text.n)
		at++;
	while (at < l->text.n && is_tail(l->text.p[at]))
		at++;
	return at;
}

static void cut(struct line *l, size_t from, size_t to)
{
	if (to > from)
		memmove(l->text.p + from, l->text.p + to, l->text.n - to);
	l->text.n -= to - from;
	l->at = from;
}

void line_insert(struct line *l, struct str s)
{
	if (!s.n || !buf_room(&l->text, s.n))
		return;
	memmove(l->text.p + l->at + s.n, l->text.p + l->at, l->text.n - l->at);
	memcpy(l->text.p + l->at, s.p, s.n);
	l->text.n += s.n;
	l->at += s.n;
}

static enum line_key show(struct line *l, size_t which)
{
	if (which > l->n)
		return LINE_NOTHING;
	l->shown = which;
	l->text.n = l->at = 0;
	if (which < l->n)
		line_insert(l, text_view(&l->history[which]));
	return LINE_CHANGED;
}

void line_next(struct line *l)
{
	struct str s = str_trim(buf_view(&l->text));

	if (s.n && !(l->n && str_eq(text_view(&l->history[l->n - 1]), s))) {
		if (l->n == LINE_HISTORY) {
			text_free(&l->history[0]);
			memmove(l->history, l->history + 1, (LINE_HISTORY - 1) * sizeof(l->history[0]));
			l->history[--l->n] = (struct text){ 0 };
		}
		if (!text_set(&l->history[l->n], s))
			l->n++;
	}
	l->text.n = l->at = 0;
	l->shown = l->n;
}

void line_free(struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		text_free(&l->history[i]);
	buf_free(&l->text);
	*l = (struct line){ 0 };
}

static size_t word_before(const struct line *l)
{
	size_t at = l->at;

	while (at && l->text.p[at - 1] == ' ')
		at--;
	while (at && l->text.p[at - 1] != ' ')
		at--;
	return at;
}

/* ESC [ A and the like. LINE_NOTHING: not whole, or no key of ours. */
static enum line_key feed_escape(struct line *l, char c)
{
	l->escape[l->escape_n++] = c;
	if (l->escape_n == 2 && (c == '[' || c == 'O'))
		return LINE_NOTHING;
	if (l->escape_n > 2 && l->escape_n < sizeof(l->escape) && ((c >= '0' && c <= '9') || c == ';'))
		return LINE_NOTHING;
	c = l->escape_n == 4 && c == '~' ? l->escape[2] : c;
	l->escape_n = 0;
	switch (c) {
	case 'A':
		return l->shown ? show(l, l->shown - 1) : LINE_NOTHING;
	case 'B':
		return show(l, l->shown + 1);
	case 'C':
		l->at = after(l, l->at);
		return LINE_CHANGED;
	case 'D':
		l->at = before(l, l->at);
		return LINE_CHANGED;
	case 'H':
	case '1':
	case '7':
		l->at = 0;
		return LINE_CHANGED;
	case 'F':
	case '4':
	case '8':
		l->at = l->text.n;
		return LINE_CHANGED;
	case '3':
		cut(l, l->at, after(l, l->at));
		return LINE_CHANGED;
	default:
		return LINE_NOTHING;
	}
}

static enum line_key feed_control(struct line *l, char c)
{
	switch (c) {
	case '\r':
	case '\n':
		return LINE_DONE;
	case '\t':
		return LINE_TAB;
	case 1:         /* Ctrl-A */
		l->at = 0;
		return LINE_CHANGED;
	case 3:
		return LINE_INTERRUPT;
	case 4:
		if (!l->text.n)
			return LINE_END;
		cut(l, l->at, after(l, l->at));
		return LINE_CHANGED;
	case 5:
		l->at = l->text.n;
		return LINE_CHANGED;
	case 8:
	case 127:
		cut(l, before(l, l->at), l->at);
		return LINE_CHANGED;
	case 11:
		cut(l, l->at, l->text.n);
		return LINE_CHANGED;
	case 12:
		return LINE_CLEAR;
	case 21:
		cut(l, 0, l->at);
		return LINE_CHANGED;
	case 23:
		cut(l, word_before(l), l->at);
		return LINE_CHANGED;
	default:
		return LINE_NOTHING;
	}
}

enum line_key line_feed(struct line *l, char c)
{
	if (l->escape_n)
		return feed_escape(l, c);
	if (c == 27) {
		l->escape[l->escape_n++] = c;
		return LINE_NOTHING;
	}
	if ((unsigned char)c < ' ' || c == 127)
		return feed_control(l, c);
	line_insert(l, str_mk(&c, 1));
	return LINE_CHANGED;
}

static size_t columns_of(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += !is_tail(s.p[i]);
	return n;
}

void line_draw(struct buf *b, const struct line *l, struct str prompt, size_t columns)
{
	size_t room = columns > columns_of(prompt) + 8 ? columns - columns_of(prompt) - 1 : 8;
	struct str text = buf_view(&l->text);
	size_t from = 0, to, left;

	while (columns_of(str_sub(text, from, l->at - from)) >= room)
		from = after(l, from);
	for (to = from; to < text.n && columns_of(str_sub(text, from, to - from)) < room; )
		to = after(l, to);
	buf_puts(b, STR("\r\033[K"), prompt, str_sub(text, from, to - from));
	left = columns_of(str_sub(text, l->at, to - l->at));
	if (left)
		buf_printf(b, "\033[%zuD", left);
}
