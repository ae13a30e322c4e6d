/* The program's entry: which of its faces is called. */
#include "main/run.h"
#include "main/server.h"
#include "manage/check.h"
#include "manage/config_help.h"
#include "manage/console.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/asterisk/asterisk.conf"

static void usage(FILE *out)
{
	fputs("sidetone " SIDETONE_VERSION " - a SIP server for Asterisk's pjsip.conf and extensions.conf\n"
	      "\n"
	      "  sidetone [-f] [-C FILE]        start (in the background unless -f, -c, -v or -d)\n"
	      "  sidetone run [--bind ADDR] DIR start in the foreground with the configuration in DIR\n"
	      "  sidetone check DIR             judge the configuration in DIR, start nothing\n"
	      "  sidetone -r | -rx COMMAND      console of the running server\n"
	      "\n"
	      "  -C FILE  asterisk.conf to use (" DEFAULT_CONFIG ")\n"
	      "  -f       stay in the foreground      -c  stay, and log to the terminal\n"
	      "  -F       to the background all the same       -p  with realtime priority\n"
	      "  -v -d    more verbose, more debug    -g  dump core\n"
	      "  -r -R    remote console              -x  one command, then leave\n"
	      "  -V       version                     -h  this text\n"
	      "  -U USER -G GROUP  run as these       -L LOAD -M CALLS  refuse calls over these\n"
	      "  -q -m -n -i -B -W -t -T -I -X -e are taken, and mean nothing here\n", out);
}

struct args {
	const char *config, *command;
	bool foreground, fork, console, remote, config_given, high_priority;
	int verbose, debug;
	const char *user, *group;
	double max_load;
	uint32_t max_calls;
};

/* Its faults are told by whoever goes on with it. NULL: it cannot be read. */
static struct asterisk_conf *load(const char *config)
{
	struct report *r = report_new();
	struct asterisk_conf *c = NULL;

	if (r && asterisk_conf_load(&c, config, r))
		c = NULL;
	report_free(r);
	return c;
}

static int remote(const struct args *a)
{
	struct asterisk_conf *c = load(a->config);
	struct buf b = BUF_INIT;
	char *path;
	int code;

	if (c)
		buf_puts(&b, c->astrundir, STR("/"), c->astctl.n ? c->astctl : STR("asterisk.ctl"));
	path = buf_take(&b);
	code = c && path ? console_client_run(path, a->command, a->verbose, !c->disable_remote_console_shell) : 1;
	free(path);
	obj_drop(c);
	return code;
}

/* What asterisk.conf says of it counts as if it had been asked for. */
static void add_options(struct args *a)
{
	struct asterisk_conf *c = load(a->config);

	if (!c)
		return;
	a->foreground |= c->nofork;
	a->console |= c->console;
	a->fork |= c->alwaysfork;
	a->high_priority |= c->highpriority;
	obj_drop(c);
}

static void raise_priority(void)
{
	struct sched_param p = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_RR, &p))
		fprintf(stderr, "sidetone: realtime priority (-p, highpriority) is not granted: %s\n", strerror(errno));
}

static int start(const struct args *a)
{
	struct server_prm prm = { .config = a->config, .terminal = a->console && !a->fork, .verbose = a->verbose,
		.debug = a->debug, .user = a->user, .group = a->group, .max_load = a->max_load, .max_calls = a->max_calls };

	if (a->config_given && access(a->config, R_OK)) {
		fprintf(stderr, "sidetone: '%s' cannot be read: %s; name an asterisk.conf after -C\n", a->config,
			strerror(errno));
		return 1;
	}
	if ((a->fork || (!a->foreground && !a->console)) && daemon(1, 0)) {
		perror("sidetone: cannot go to the background");
		return 1;
	}
	if (a->high_priority)
		raise_priority();
	return server_run(&prm);
}

static int limit(int err, char flag, const char *given)
{
	if (err)
		fprintf(stderr, "sidetone: -%c needs a number, not '%s'\n", flag, given);
	return err ? 2 : 0;
}

static bool parse(struct args *a, int argc, char **argv, int *code)
{
	*code = 0;
	for (int o; (o = getopt(argc, argv, "BC:cde:FfG:ghIiL:M:mnpqRrs:TtU:VvWXx:")) != -1; ) {
		switch (o) {
		case 'C': a->config = optarg; a->config_given = true; break;
		case 'c': a->console = true; break;
		case 'd': a->debug++; a->foreground = true; break;
		case 'f': a->foreground = true; break;
		case 'F': a->fork = true; break;
		case 'p': a->high_priority = true; break;
		case 'G': a->group = optarg; break;
		case 'L': *code = limit(str_double(str_z(optarg), &a->max_load), 'L', optarg); break;
		case 'M': *code = limit(str_u32(str_z(optarg), &a->max_calls), 'M', optarg); break;
		case 'r': case 'R': a->remote = true; break;
		case 'U': a->user = optarg; break;
		case 'v': a->verbose++; break;
		case 'x': a->command = optarg; a->remote = true; break;
		case 'V': puts("Asterisk " ASTERISK_VERSION " (Sidetone " SIDETONE_VERSION ")"); return false;
		case 'h': usage(stdout); return false;
		case '?': usage(stderr); *code = 2; return false;
		default: break;         /* taken, without meaning here */
		}
		if (*code)
			return false;
	}
	return true;
}

/* docs/options.md comes from here, so it cannot differ from what is read. */
static int print_options(void)
{
	struct buf b = BUF_INIT;
	int err;

	config_markdown(&b);
	err = buf_err(&b) || fwrite(b.p, 1, b.n, stdout) != b.n;
	buf_free(&b);
	return err;
}

int main(int argc, char **argv)
{
	struct args a = { .config = DEFAULT_CONFIG };
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && str_eq(str_z(argv[1]), STR("check"))) {
		if (argc != 3) {
			fputs("usage: sidetone check DIR\n", stderr);
			return 2;
		}
		return check_run(argv[2], stdout);
	}
	if (argc > 1 && str_eq(str_z(argv[1]), STR("options-md")))
		return print_options();
	if (argc > 1 && str_eq(str_z(argv[1]), STR("run")))
		return run_main(argc - 1, argv + 1);
	if (!parse(&a, argc, argv, &code))
		return code;
	if (a.remote)
		return remote(&a);
	add_options(&a);
	return start(&a);
}
