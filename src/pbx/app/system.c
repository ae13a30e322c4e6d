/* System, TrySystem: a command of the shell, for whose end the call waits. */
#define LOG_MODULE "system"
#include "base/buf.h"
#include "base/fiber.h"
#include "base/log.h"
#include "pbx/after.h"
#include "pbx/app/app.h"
#include "pbx/channel.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { LOOK_MS = 5, LOOK_MOST_MS = 100 };       /* between two looks whether it has ended */

static int octal(struct str s, size_t *at)
{
	int v = 0;

	for (unsigned n = 0; n < 3 && *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '7'; n++)
		v = v * 8 + (s.p[(*at)++] - '0');
	return v & 0xff;
}

static int hex(struct str s, size_t *at)
{
	static const char digits[] = "0123456789abcdef";
	int v = 0;

	for (unsigned n = 0; n < 2 && *at < s.n; n++, (*at)++) {
		const char *d = strchr(digits, s.p[*at] | 0x20);

		if (!s.p[*at] || !d)
			break;
		v = v * 16 + (int)(d - digits);
	}
	return v;
}

/* \n, \t, \x41, \101 and their like are what they stand for; another character is itself. */
static void unescape(struct str s, struct buf *out)
{
	static const char letters[] = "abfnrtv", codes[] = "\a\b\f\n\r\t\v";

	for (size_t i = 0; i < s.n;) {
		const char *l;

		if (s.p[i] != '\\' || i + 1 == s.n) {
			buf_char(out, s.p[i++]);
			continue;
		}
		i++;
		l = strchr(letters, s.p[i]);
		if (s.p[i] >= '0' && s.p[i] <= '7') {
			buf_char(out, (char)octal(s, &i));
		} else if (s.p[i] == 'x') {
			i++;
			buf_char(out, (char)hex(s, &i));
		} else {
			buf_char(out, l ? codes[l - letters] : s.p[i]);
			i++;
		}
	}
}

/* "'command'" has them without need. */
static struct str bare(struct str s)
{
	if (s.n < 2 || (s.p[0] != '"' && s.p[0] != '\'') || s.p[s.n - 1] != s.p[0])
		return s;
	log_notice("A command needs no quotes around it");
	return str_sub(s, 1, s.n - 2);
}

/* Others live on this thread: it is looked at now and then. The exit code; <0: none. */
static int wait_for(struct channel *ch, pid_t pid)
{
	uint64_t ms = LOOK_MS;
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		(void)fiber_sleep(ch->pbx->wheel, ms);
		ms = ms * 2 < LOOK_MOST_MS ? ms * 2 : LOOK_MOST_MS;
	}
	if (got < 0)
		return errno == ECHILD ? 0 : -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* SYSTEMSTATUS. False: it could not be run. */
static bool command(struct channel *ch, struct str data)
{
	struct buf b = BUF_INIT;
	char *text = NULL;
	int code = -1;
	pid_t pid;

	unescape(data, &b);
	text = buf_err(&b) ? NULL : str_dup(bare(buf_view(&b)));
	if (data.n && text && !after_spawn(&pid, text))
		code = wait_for(ch, pid);
	if (code < 0 || code == 127)
		log_warning("Unable to run '%.*s'", STR_ARG(data));
	if (!ch->dead)
		(void)pbx_setvar(ch->pbx, ch, STR("SYSTEMSTATUS"),
				 code < 0 || code == 127 ? STR("FAILURE") : code ? STR("APPERROR") : STR("SUCCESS"));
	free(text);
	buf_free(&b);
	return code >= 0 && code != 127;
}

static int run(struct channel *ch, struct str data)
{
	return command(ch, data) ? 0 : -1;
}

static int run_try(struct channel *ch, struct str data)
{
	(void)command(ch, data);
	return 0;
}

const struct app app_system = { .name = "System", .synopsis = "Run a command of the shell, which must be there: SYSTEMSTATUS",
	.run = run };
const struct app app_try_system = { .name = "TrySystem", .synopsis = "Run a command of the shell: SYSTEMSTATUS", .run = run_try };
