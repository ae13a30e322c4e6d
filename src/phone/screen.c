/* The terminal: lines of the phone above the line that is being typed. */
#include "phone/phone.h"
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static void write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return;
		s = str_skip(s, n > 0 ? (size_t)n : 0);
	}
}

static size_t columns(void)
{
	struct winsize w;

	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col ? w.ws_col : 80;
}

void screen_start(struct screen *s, const struct phone_options *o)
{
	const char *term = getenv("TERM");

	setlocale(LC_CTYPE, "");
	s->tty = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	s->colour = o->colour == COLOUR_ALWAYS || (o->colour == COLOUR_AUTO && isatty(STDOUT_FILENO) && !getenv("NO_COLOR") &&
						   term && strcmp(term, "dumb") != 0);
	s->ladder = (struct ladder){ .colour = s->colour, .ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
		.width = isatty(STDOUT_FILENO) ? (unsigned)columns() : 0 };
}

void screen_end(struct screen *s)
{
	if (s->prompting)
		screen_raw(false);
	s->prompting = false;
	line_free(&s->line);
	text_free(&s->prompt);
}

void screen_put(struct screen *s, struct str line)
{
	struct buf b = BUF_INIT;

	if (s->prompting)
		buf_put(&b, STR("\r\033[K"));
	buf_puts(&b, line, STR("\n"));
	if (!buf_err(&b))
		write_all(STDOUT_FILENO, buf_view(&b));
	buf_free(&b);
	screen_draw(s);
}

void screen_say(struct screen *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT, safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	ladder_escape(&safe, buf_view(&b), s->ladder.ascii);
	screen_put(s, buf_view(&safe));
	buf_free(&b);
	buf_free(&safe);
}

void screen_error(struct screen *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT, safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (s->prompting)
		buf_put(&safe, STR("\r\033[K"));
	buf_put(&safe, STR("sidetone-ua: "));
	ladder_escape(&safe, buf_view(&b), s->ladder.ascii);
	buf_put(&safe, STR("\n"));
	write_all(STDERR_FILENO, buf_view(&safe));
	buf_free(&b);
	buf_free(&safe);
	screen_draw(s);
}

void screen_draw(struct screen *s)
{
	struct buf b = BUF_INIT;

	if (!s->prompting)
		return;
	line_draw(&b, &s->line, text_view(&s->prompt), columns());
	write_all(STDOUT_FILENO, buf_view(&b));
	buf_free(&b);
}

/* What it was before is not kept: a terminal that was raw already had somebody to blame. */
int screen_raw(bool on)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t))
		return errno;
	if (on) {
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
		t.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	} else {
		t.c_lflag |= ICANON | ECHO | ISIG;
		t.c_iflag |= ICRNL | IXON;
	}
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &t) ? errno : 0;
}
