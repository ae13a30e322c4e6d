/* SIP messages as lines of a ladder. They are read as text: a ladder shows also what is no message. */
#include "phone/ladder.h"
#include <time.h>

#define WIDTH 100
#define LABEL_LEAST 16
#define NOTE 40                 /* [columns] beside the ladder */
#define CALL_ID 8               /* its first letters tell two calls apart */

void ladder_write_time(struct buf *b, int64_t wall_us)
{
	time_t s = (time_t)(wall_us / 1000000);
	struct tm tm;

	if (localtime_r(&s, &tm))
		buf_printf(b, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_us / 1000 % 1000));
}

/* The first header of that name, in its long or compact form. */
static struct str find_header(struct str message, const char *name, const char *compact)
{
	struct str line;

	str_line(&message, &line);
	while (str_line(&message, &line) && line.n) {
		struct str value = line, got = str_trim(str_cut_raw(&value, ':'));

		if (str_ieq(got, str_z(name)) || (compact && str_ieq(got, str_z(compact))))
			return str_trim(value);
	}
	return STR_NULL;
}

static const char *colour_of(struct str first)
{
	if (!str_starts(first, STR("SIP/2.0 ")) || first.n < 9)
		return "\033[1;36m";
	switch (first.p[8]) {
	case '1':
		return "\033[33m";
	case '2':
		return "\033[32m";
	case '3':
		return "\033[35m";
	default:
		return "\033[31m";
	}
}

/* A request without its version, a response without it too: that is always the same. */
static struct str label_of(struct str first)
{
	struct str label = str_starts(first, STR("SIP/2.0 ")) ? str_skip(first, 8) : first;

	if (str_ends(label, STR(" SIP/2.0")))
		label = str_sub(label, 0, label.n - 8);
	return str_trim(label);
}

/* How many bytes the character at the start has; 0: none that may be shown. */
static size_t shown_bytes(struct str s, bool ascii)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (!n || n > s.n || (ascii && n > 1) || (n == 1 && (c < ' ' || c == 0x7f)))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	return n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0 ? 0 : n;
}

void ladder_escape(struct buf *b, struct str s, bool ascii)
{
	while (s.n) {
		size_t n = shown_bytes(s, ascii);

		if (n)
			buf_mem(b, s.p, n);
		else
			buf_printf(b, "\\x%02x", (unsigned)(unsigned char)s.p[0]);
		s = str_skip(s, n ? n : 1);
	}
}

/* Escaped, and at most so many columns of it. Gives how many there are. */
static size_t put_cut(struct buf *b, struct str s, size_t columns, bool ascii)
{
	struct buf safe = BUF_INIT;
	size_t used = 0, at = 0;

	ladder_escape(&safe, s, ascii);
	while (at < safe.n && used < columns) {
		size_t from = at++;

		while (at < safe.n && ((unsigned char)safe.p[at] & 0xc0) == 0x80)
			at++;
		buf_mem(b, safe.p + from, at - from);
		used++;
	}
	buf_free(&safe);
	return used;
}

static void put_times(struct buf *b, const char *what, size_t n)
{
	while (n--)
		buf_put(b, str_z(what));
}

static void put_arrow(struct buf *b, const struct ladder *l, bool sent, struct str label, size_t body)
{
	const char *dash = l->ascii ? "-" : "─", *left = l->ascii ? "<" : "◀", *right = l->ascii ? ">" : "▶";
	struct buf text = BUF_INIT;
	size_t n = put_cut(&text, label, body - 6, l->ascii), rest = body - n - 6;

	if (sent) {
		put_times(b, dash, 3);
		buf_puts(b, STR(" "), buf_view(&text), STR(" "));
		put_times(b, dash, rest);
		buf_put(b, str_z(right));
	} else {
		buf_put(b, str_z(left));
		put_times(b, dash, rest);
		buf_puts(b, STR(" "), buf_view(&text), STR(" "));
		put_times(b, dash, 3);
	}
	buf_free(&text);
}

static void put_note(struct buf *b, struct str message, bool ascii)
{
	struct str type = find_header(message, "Content-Type", "c"), length = find_header(message, "Content-Length", "l");

	buf_char(b, ' ');
	put_cut(b, find_header(message, "CSeq", NULL), 20, ascii);
	buf_put(b, STR("  "));
	put_cut(b, str_sub(find_header(message, "Call-ID", "i"), 0, CALL_ID), CALL_ID, ascii);
	if (type.n) {
		buf_put(b, STR("  "));
		put_cut(b, type, 30, ascii);
		buf_char(b, ' ');
		put_cut(b, length, 6, ascii);
	}
}

void ladder_write(struct buf *b, const struct ladder *l, bool sent, int64_t wall_us, struct str message)
{
	size_t width = l->width ? l->width : WIDTH, body = width > NOTE + LABEL_LEAST + 15 ? width - NOTE - 15 : LABEL_LEAST;
	const char *bar = l->ascii ? "|" : "│";
	struct str rest = message, first;

	if (!str_line(&rest, &first))
		return;
	ladder_write_time(b, wall_us);
	buf_puts(b, STR(" "), str_z(bar), l->colour ? str_z(colour_of(first)) : STR_NULL);
	put_arrow(b, l, sent, label_of(first), body);
	buf_puts(b, l->colour ? STR("\033[0m") : STR_NULL, str_z(bar));
	put_note(b, message, l->ascii);
}
