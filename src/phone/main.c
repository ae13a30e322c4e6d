/* sidetone-ua: a SIP phone for the terminal and for scripts. Start, signals and end; docs/sidetone-ua.1. */
#include "phone/call.h"
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef SIDETONE_VERSION
#define SIDETONE_VERSION "unknown"
#endif

static void on_signal(uv_signal_t *h, int number)
{
	struct phone *p = h->data;

	(void)number;
	p->mode->interrupted(p);
}

static void watch_signals(struct phone *p)
{
	static const int numbers[ARRAY_LEN(p->signals)] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(loop_uv(host_loop(p->loop)), &p->signals[i]);
		p->signals[i].data = p;
		uv_signal_start(&p->signals[i], on_signal, numbers[i]);
	}
}

static void forget_signals(struct phone *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
		uv_close((uv_handle_t *)&p->signals[i], NULL);
}

static int print(void (*write_it)(struct buf *b))
{
	struct buf b = BUF_INIT;
	int code = EXIT_FAILURE;

	write_it(&b);
	if (!buf_err(&b) && write(STDOUT_FILENO, b.p, b.n) == (ssize_t)b.n)
		code = EXIT_SUCCESS;
	buf_free(&b);
	return code;
}

static void write_help(struct buf *b)
{
	const char *columns = getenv("COLUMNS");
	uint32_t width = 0;

	phone_write_help(b, columns && !str_u32(str_z(columns), &width) && width > 40 ? width : 100);
}

static void write_version(struct buf *b)
{
	buf_put(b, STR("sidetone-ua " SIDETONE_VERSION "\n"));
}

static void put_device(void *arg, const char *name, unsigned inputs, unsigned outputs)
{
	buf_printf(arg, "%s%s%s\n", name, inputs ? ", microphone" : "", outputs ? ", loudspeaker" : "");
}

static void write_devices(struct buf *b)
{
	int err = sidetone_media_list_devices(put_device, b);

	if (err)
		buf_printf(b, "no devices: %s\n", err == ENOTSUP ? "built without PortAudio" : strerror(err));
}

static int run(struct phone *p)
{
	int code = phone_agent_start(p);

	if (code)
		return code;
	watch_signals(p);
	p->mode->start(p);
	sidetone_loop_run(p->loop);
	forget_signals(p);
	return p->exit_code;
}

static void end(struct phone *p)
{
	struct sidetone_ua *ua = p->ua;

	if (p->mode->end && ua)
		p->mode->end(p);
	screen_end(&p->screen);
	call_free_all(p);
	p->ua = NULL;
	sidetone_ua_free(ua);
	if (p->loop)
		sidetone_loop_media(p->loop, NULL);
	sidetone_media_free(p->media);
	sidetone_loop_free(p->loop);
	phone_options_free(&p->options);
}

int main(int argc, char **argv)
{
	struct phone p = { 0 };
	struct buf why = BUF_INIT;
	int code;

	signal(SIGPIPE, SIG_IGN);
	list_init(&p.calls);
	phone_options_init(&p.options);
	code = phone_options_parse(&p.options, argc, argv, &why) ? EXIT_USAGE : 0;
	screen_start(&p.screen, &p.options);
	p.mode = p.options.task == TASK_INTERACTIVE ? &command_mode : &one_shot_mode;
	if (code)
		screen_error(&p.screen, "%s", why.n ? buf_z(&why) : "out of memory");
	else if (p.options.task == TASK_HELP)
		code = print(write_help);
	else if (p.options.task == TASK_VERSION)
		code = print(write_version);
	else if (p.options.task == TASK_DEVICES)
		code = print(write_devices);
	else if (p.options.task == TASK_COMPLETION)
		code = print(phone_write_completion);
	else
		code = run(&p);
	buf_free(&why);
	end(&p);
	return code;
}
