/* The server as a process: flags, the daemon, signals, the end. */
#include "main/run.h"
#include "main/server_private.h"
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static void print_transports(void *arg, struct server *s)
{
	const char *etc = arg;

	for (size_t i = 0; i < s->service->transports.n; i++) {
		const struct service_transport *t = &s->service->transports.v[i];
		char where[SA_TEXT];

		printf("Listening on %s %s\n", net_proto_name(t->proto), sa_text(&t->bound, where));
	}
	if (!s->service->transports.n)
		printf("Listening nowhere: no transport in %s/pjsip.conf could be opened (see the lines above).\n", etc);
	printf("Sidetone ready\n");
	fflush(stdout);
}

int run_main(int argc, char **argv)
{
	struct server_prm prm = { .terminal = true, .ready = print_transports };
	struct text path = { 0 };
	struct stat st;
	int code, at;

	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		if (str_eq(str_z(argv[at]), STR("--bind")) && at + 1 < argc)
			prm.bind = argv[++at];
		else if (str_eq(str_z(argv[at]), STR("-v")))
			prm.verbose++;
		else
			at = argc;
	}
	if (at + 1 != argc) {
		fputs("usage: sidetone run [--bind ADDRESS] [-v] DIR|ASTERISK.CONF\n", stderr);
		return 2;
	}
	prm.arg = argv[at];
	if (stat(argv[at], &st)) {
		fprintf(stderr, "sidetone: '%s': %s; name the directory that holds pjsip.conf\n", argv[at],
			strerror(errno));
		return 1;
	}
	if (S_ISDIR(st.st_mode))
		text_printf(&path, "%s/asterisk.conf", argv[at]);
	else
		text_set(&path, str_z(argv[at]));
	prm.config = text_z(&path);
	code = server_run(&prm);
	text_free(&path);
	return code;
}
