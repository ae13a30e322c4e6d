/* `sidetone check`: a whole directory judged, line by line. */
#include "manage/check.h"
#include "manage/config_help.h"
#include "data.h"
#include "net/address.h"
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct dir {
	char path[64];
	int fd;                 /* a socket that holds `port` */
	unsigned port;
};

static void put(struct dir *d, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void put(struct dir *d, const char *name, const char *fmt, ...)
{
	char path[128];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));
	struct sa sa;
	socklen_t n = sizeof(sa);

	snprintf(d->path, sizeof(d->path), "/tmp/sidetone-test-XXXXXX");
	if (!mkdtemp(d->path))
		return -1;
	sa_parse(&sa, STR("127.0.0.1"));
	d->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(d->fd, &sa.u.s, sa_len(&sa)) || getsockname(d->fd, &sa.u.s, &n))
		return -1;
	d->port = sa_port(&sa);
	put(d, "asterisk.conf", "[directories]\nastdbdir=%s\nastrundir=%s\nastlogdir=%s\nastspooldir=%s/spool/deep\n",
	    d->path, d->path, d->path, d->path);
	put(d, "extensions.conf", "[inside]\nexten => 600,1,Answer()\n");
	put(d, "pjsip.conf", "[udp]\ntype=transport\nbind=127.0.0.1:0\n[a]\ntype=endpoint\ncontext=inside\n");
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct dir *d = *state;
	const struct dirent *e;
	char path[512];
	DIR *all;

	close(d->fd);
	all = opendir(d->path);
	while (all && (e = readdir(all))) {
		snprintf(path, sizeof(path), "%s/%s", d->path, e->d_name);
		unlink(path);
	}
	if (all)
		closedir(all);
	rmdir(d->path);
	free(d);
	return 0;
}

static char *run(const char *path, int want)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	int code = check_run(path, f);

	fclose(f);
	if (code != want)
		fail_msg("exit code %d; %s", code, text);
	return text;
}

static void has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no line '%s' in:\n%s", line, text);
}

static void without_fault(void **state)
{
	struct dir *d = *state;
	char *text, want[128];

	/* Port 0 would be 5060; another program may have that on this machine. */
	put(d, "pjsip.conf", "[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1\n[a]\ntype=endpoint\ncontext=inside\n");
	text = run(d->path, 0);
	snprintf(want, sizeof(want), "%s is without fault: 1 endpoints, 0 aors, 0 auths, 1 transports\n", d->path);
	assert_string_equal(text, want);
	free(text);
}

/* Whatever files there may be besides, and all that they may say: no complaint. */
static void other_files(void **state)
{
	struct str data = data_read("config", "other-options.tsv"), rest = data, line;
	char section[64] = "", file[64] = "", path[128];
	struct dir *d = *state;
	FILE *f = NULL;
	char *text;

	while (str_line(&rest, &line)) {
		struct str name = str_cut_raw(&line, '\t'), sec = str_cut_raw(&line, '\t'), option = str_cut_raw(&line, '\t');

		if (str_starts(name, STR("#")))
			continue;
		if (!f || !str_eq(name, str_z(file))) {
			if (f)
				fclose(f);
			str_copy(file, sizeof(file), name);
			snprintf(path, sizeof(path), "%s/%s", d->path, file);
			f = fopen(path, "a");
			assert_non_null(f);
			section[0] = 0;
		}
		if (!str_eq(sec, str_z(section)))
			fprintf(f, "[%s]\n", str_copy(section, sizeof(section), sec));
		fprintf(f, "%.*s = %.*s\n", STR_ARG(option), STR_ARG(line));
	}
	fclose(f);
	free((void *)(size_t)data.p);
	put(d, "pjsip.conf", "[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1\n[a]\ntype=endpoint\ncontext=inside\n"
	    "rtp_engine=other\n[c]\ntype=contact\nuri=sip:c@127.0.0.1\n");
	text = run(d->path, 0);
	has(text, " is without fault: ");
	has(text, "taken, and without a meaning here: ");
	has(text, " contact/uri, endpoint/rtp_engine");
	free(text);
}

/* Arguments that are wrong in every call; those that a call decides are not judged. */
static void arguments_of_applications(void **state)
{
	struct dir *d = *state;
	char *text;

	put(d, "extensions.conf", "[inside]\nexten => 600,1,StatsD(g,a,1)\n same => n(x),StatsD(m,a,1)\n same => n,StatsD(${T},a)\n"
	    "exten => 601,1,StatsD\n");
	put(d, "statsd.conf", "[general]\nenabled=yes\nserver=a:x\n");
	put(d, "pjsip.conf", "[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1\n[a]\ntype=endpoint\ncontext=inside\n");
	text = run(d->path, 1);
	has(text, "extensions.conf:3: StatsD(m,a,1) in 'inside': the type is none of g, c, ms, s");
	has(text, "extensions.conf:5: StatsD() in 'inside': needs a type, a name and a value");
	has(text, "statsd.conf: server 'a:x' is neither an address nor a name, with or without a port");
	has(text, "3 faults in");
	free(text);
}

/* stir_shaken.conf, and endpoints that name a profile of it. */
static void callers(void **state)
{
	struct dir *d = *state;
	char *text;

	put(d, "stir_shaken.conf", "[verification]\nca_file=/nowhere\nmax_cache_size=5\n[p]\ntype=profile\n[1]\ntype=tn\nattest_leve=A\n");
	put(d, "pjsip.conf", "[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1\n[a]\ntype=endpoint\ncontext=inside\nstir_shaken_profile=q\n"
	    "[b]\ntype=endpoint\ncontext=inside\nstir_shaken_profile=p\nstir_shaken=yes\n");
	text = run(d->path, 1);
	has(text, "stir_shaken.conf:1: verification 'verification' ca_*, crl_* and untrusted_cert_*: '/nowhere' cannot be read: No such file");
	has(text, "stir_shaken.conf:8: tn '1': unknown option 'attest_leve'; did you mean 'attest_level'?");
	has(text, "endpoint/stir_shaken, stir_shaken.conf/max_cache_size\n");
	has(text, "pjsip.conf:5: endpoint 'a': stir_shaken_profile: stir_shaken.conf has no profile 'q' without fault");
	has(text, "3 faults in");
	free(text);
}

static void many_faults(void **state)
{
	static const char *const want[] = {
		"pjsip.conf:1: transport 'udp': 127.0.0.1:%u is in use by another program; stop that, or take another port",
		"pjsip.conf:4: transport 'two': transport 'udp' binds to the same port; take another one",
		"pjsip.conf:9: endpoint 'a': unknown option 'alow'; did you mean 'allow'?",
		"pjsip.conf:12: endpoint 'b': aors: there is no aor 'x'; add a section [x] with type=aor",
		"pjsip.conf:18: section 'c': unknown type 'endpint'; did you mean 'endpoint'?",
		"manager.conf:2: [general]: unknown option 'prot'; did you mean 'port'?",
		"manager.conf:4: user 'joe': read: 'sistem' is not a class of events",
		("logger.conf:2: [logfiles] full.txt: 'wrning' is not error, warning, notice, verbose, verbose(N), debug, "
		 "dtmf, security or *"),
		"rtp.conf:2: [general] rtpstart: 80 is not within 1024..65535",
		"sidetone.conf:2: [limits]: unknown option 'stranger_rat'; did you mean 'stranger_rate'?",
		"geolocation.conf:3: profile 'g': there is no location 'h'",
		"features.conf:1: a line before any [section]; put it under one: 'x'",
		"sidetone.conf:3: unknown section [limit]; did you mean [limits]?",
		"sidetone.conf:5: unknown section [telephones]\n",
		"sidetone.conf: [watchdog] abort_ms: 20 is too short for a busy machine; 1000 is used",
		"extensions.conf: is not in ",
		"taken, and without a meaning here: subscription_persistence/tag\n",
		"16 faults in ",
	};
	struct dir *d = *state;
	char *text, line[256], path[128];

	put(d, "pjsip.conf", "[udp]\ntype=transport\nbind=127.0.0.1:%u\n[two]\ntype=transport\nbind=127.0.0.1:%u\n"
	    "[a]\ntype=endpoint\nalow=ulaw\n[b]\ntype=endpoint\naors=x\nice_support=no\n[s]\ntype=subscription_persistence\ntag=1\n[c]\ntype=endpint\n",
	    d->port, d->port);
	put(d, "manager.conf", "[general]\nprot=5038\n[joe]\nread=sistem\nsecret=x\n");
	put(d, "logger.conf", "[logfiles]\nfull.txt => wrning,verbose(3)\n");
	put(d, "rtp.conf", "[general]\nrtpstart=80\n");
	put(d, "sidetone.conf", "[limits]\nstranger_rat=80\n[limit]\nstranger_rate=5\n[telephones]\n[watchdog]\nabort_ms=20\n");
	put(d, "features.conf", "x=1\n");
	put(d, "geolocation.conf", "[g]\ntype=profile\nlocation_reference=h\n");
	snprintf(path, sizeof(path), "%s/extensions.conf", d->path);
	unlink(path);
	text = run(d->path, 1);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct buf b = BUF_INIT;
		struct str rest = str_z(want[i]);
		size_t at = str_find(rest, STR("%u"));

		buf_put(&b, str_sub(rest, 0, at));
		if (at < rest.n) {
			buf_u64(&b, d->port);
			buf_put(&b, str_skip(rest, at + 2));
		}
		has(text, str_copy(line, sizeof(line), buf_view(&b)));
		buf_free(&b);
	}
	/* Sorted by line within a file, though ports are tried last. */
	assert_true(strstr(text, "pjsip.conf:1:") < strstr(text, "pjsip.conf:9:"));
	free(text);
}

static void whole_files(void **state)
{
	struct dir *d = *state;
	char *text = run("/nowhere/at/all", 1), path[128], want[256];

	has(text, "/nowhere/at/all: there is no such directory");
	free(text);
	snprintf(path, sizeof(path), "%s/pjsip.conf", d->path);
	unlink(path);
	text = run(d->path, 1);
	snprintf(want, sizeof(want), "pjsip.conf: is not in %s; there is nothing to serve without it\n", d->path);
	has(text, want);
	free(text);
	put(d, "pjsip.conf", "[a](none)\ntype=endpoint\n");
	text = run(d->path, 1);
	has(text, "pjsip.conf:1: inherits from a section that is not there (it must stand above): 'none'\n");
	free(text);
}

static void faxes(void **state)
{
	struct dir *d = *state;
	char *text;

	put(d, "extensions.conf", "[inside]\nexten => 600,1,SendFAX(/a.tif,z)\n same => n,SendFAX(/a.tif&/b.tif)\n"
	    " same => n,ReceiveFAX()\n same => n,ReceiveFAX(/x.tif,fz)\n same => n,SendFAX(/a.tif,${O})\n"
	    " same => n,ReceiveFAX(/a.tif,c)\n");
	put(d, "res_fax.conf", "[general]\nmaxrate=9601\nmodems=v17,v18\nt38timeout=0\nstatusevents=yes\n");
	text = run(d->path, 1);
	has(text, "extensions.conf:3: SendFAX(/a.tif&/b.tif) in 'inside': it takes one file; put all pages into one\n");
	has(text, "extensions.conf:4: ReceiveFAX() in 'inside': it needs a file\n");
	has(text, "extensions.conf:5: ReceiveFAX(/x.tif,fz) in 'inside': its options are d, f, F and s\n");
	has(text, "extensions.conf:7: ReceiveFAX(/a.tif,c) in 'inside': options a and c are polling, which is not there\n");
	has(text, "res_fax.conf:2: [general] maxrate: '9601' is not 2400, 4800, 7200, 9600, 12000, 14400, 28800 or 33600\n");
	has(text, "res_fax.conf:3: [general] modems: 'v18' is not v17, v27, v29 or v34\n");
	has(text, "res_fax.conf:4: [general] t38timeout: ");
	has(text, "7 faults in ");
	free(text);
	put(d, "extensions.conf", "[inside]\nexten => 600,1,Answer()\n");
	put(d, "res_fax.conf", "[general]\nmaxrate=2400\n");
	text = run(d->path, 1);
	has(text, "res_fax.conf: maxrate is less than minrate 4800; the defaults are used: 4800 to 14400 by v17,v27,v29\n");
	free(text);
	put(d, "res_fax.conf", "[general]\nmodem=v29\nminrate=7200\nmaxrate=14400\n");
	text = run(d->path, 1);
	has(text, "res_fax.conf: none of the modems does maxrate 14400; ");
	free(text);
}

static void directories(void **state)
{
	struct dir *d = *state;
	char *text, want[256];

	put(d, "asterisk.conf", "[directories]\nastdbdir=%s/pjsip.conf/x\nastrundir=%s\nastlogdir=%s\nastspooldir=%s\n"
	    "astetcdir=/etc\n", d->path, d->path, d->path, d->path);
	text = run(d->path, 1);
	snprintf(want, sizeof(want), "asterisk.conf: astdbdir '%s/pjsip.conf/x' cannot be written (%s/pjsip.conf: Not a "
		 "directory)", d->path, d->path);
	has(text, want);
	has(text, "asterisk.conf: astetcdir is '/etc', so a server started with this file reads its configuration there");
	free(text);
}

static void help(void **state)
{
	static const struct {
		const char *module, *type, *option;
		int err;
		const char *has;
	} tv[] = {
		{ "", "", "", 0, "res_pjsip" },
		{ "res_pjsip", "", "", 0, "Configuration option types for res_pjsip:\nendpoint" },
		{ "res_pjsip", "endpoint", "", 0, "rtp_symmetric             -- " },
		{ "res_pjsip", "endpoint", "timers_min_se", 0, "Values:   90..4294967295 s\n  Default:  90\n" },
		{ "res_pjsip", "endpoint", "DTMF_mode", 0, "rfc4733, inband, none, info, auto, auto_info" },
		{ "res_pjsip_acl", "acl", "permit", 0, "may be repeated" },
		{ "nothing", "", "", ENOENT, "Module nothing not found." },
		{ "res_pjsip", "nothing", "", ENOENT, "Unknown configuration type nothing" },
		{ "res_pjsip", "endpoint", "nothing", ENOENT, "No option nothing found for res_pjsip:endpoint" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct buf b = BUF_INIT;

		assert_int_equal(config_help(&b, str_z(tv[i].module), str_z(tv[i].type), str_z(tv[i].option)), tv[i].err);
		has(buf_z(&b), tv[i].has);
		buf_free(&b);
	}
}

/* docs/options.md is what the tables say. */
static void options_md(void **state)
{
	struct buf b = BUF_INIT, file = BUF_INIT;
	size_t n;
	FILE *f = fopen(TEST_DATA "/../../docs/options.md", "r");

	(void)state;
	assert_non_null(f);
	do {
		char *at = buf_room(&file, 4096);

		n = fread(at, 1, 4096, f);
		file.n += n;
	} while (n);
	fclose(f);
	config_markdown(&b);
	if (!str_eq(buf_view(&b), buf_view(&file)))
		fail_msg("docs/options.md is not what the tables say; run build/sidetone options-md > docs/options.md");
	buf_free(&b);
	buf_free(&file);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(without_fault), T(other_files), T(many_faults), T(arguments_of_applications), T(callers), T(faxes), T(whole_files), T(directories), cmocka_unit_test(help),
		cmocka_unit_test(options_md),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
