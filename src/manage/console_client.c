/* The other end of a console: `sidetone -r` and `-rx`, a terminal on the server's socket. */
#include "manage/console.h"
#include "manage/client.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROMPT "*CLI> "

static int send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return EPIPE;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* What the server says, to stdout; NUL bytes become the prompt. False at the end. */
static bool relay_output(int fd, bool prompt)
{
	char in[16384];
	ssize_t n = read(fd, in, sizeof(in));
	size_t start = 0;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	for (size_t i = 0; i < (size_t)n; i++) {
		if (in[i])
			continue;
		send_all(1, in + start, i - start);
		if (prompt)
			send_all(1, PROMPT, sizeof(PROMPT) - 1);
		start = i + 1;
	}
	return !send_all(1, in + start, (size_t)n - start);
}

bool console_shell(struct str line, bool allowed)
{
	char *cmd;

	if (!line.n || line.p[0] != '!')
		return false;
	if (!allowed) {
		fputs("disable_remote_console_shell of asterisk.conf does not allow this\n", stdout);
		return true;
	}
	line = str_trim(str_skip(line, 1));
	cmd = str_dup(line.n ? line : STR("${SHELL:-/bin/sh}"));
	if (!cmd || system(cmd) == -1)
		fputs("The command cannot be run\n", stdout);
	free(cmd);
	return true;
}

/* Lines of the terminal to the server. False: the user is done. */
static bool type_input(int fd, bool shell)
{
	char line[4096];
	ssize_t n = read(0, line, sizeof(line));
	struct str s;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	s = str_trim(str_mk(line, (size_t)n));
	if (str_eq(s, STR("quit")) || str_eq(s, STR("exit")))
		return false;
	if (console_shell(s, shell))
		return !send_all(fd, "\n", 1);         /* for another prompt */
	return !send_all(fd, line, (size_t)n);
}

static int interactive(int fd, int verbose, bool shell)
{
	struct pollfd pfd[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	char first[32];
	int n = snprintf(first, sizeof(first), "c %d\n", verbose < 0 ? 0 : verbose);
	bool tty = isatty(1);

	if (send_all(fd, first, (size_t)n))
		return 1;
	for (;;) {
		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (pfd[0].revents && !relay_output(fd, tty)) {
			fputs("\nDisconnected from the server\n", stderr);
			return 0;
		}
		if (pfd[1].revents && !type_input(fd, shell))
			return 0;
	}
}

int console_client_run(const char *socket, const char *cmd, int verbose, bool shell)
{
	int err, fd = client_connect_unix(socket, &err);
	int code = 0;

	signal(SIGPIPE, SIG_IGN);
	if (fd < 0) {
		fprintf(stderr, "Unable to connect to remote asterisk (does %s exist?)\n", socket);
		return 1;
	}
	if (!cmd) {
		code = interactive(fd, verbose, shell);
	} else {
		struct str c = str_z(cmd);

		/* A newline would be a second command. */
		if (send_all(fd, "x ", 2) || send_all(fd, c.p, str_chr(c, '\n')) || send_all(fd, "\n", 1))
			code = 1;
		while (!code && relay_output(fd, false))
			;
	}
	close(fd);
	return code;
}
