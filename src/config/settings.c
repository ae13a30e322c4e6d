/* asterisk.conf, rtp.conf and the other small files, each read by a table of options. */
#include "config/settings_internal.h"
#include "base/entity.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX32 4294967295.0
#define S OPT_RESTART

/* asterisk.conf */

#define A struct asterisk_conf
#define DIR(f, d, h) OPT_STR(A, f, d, S, h)
static const struct option dir_rows[] = {
	DIR(astetcdir, "/etc/asterisk", "Where the configuration is."),
	OPT_STR(A, astmoddir, "/usr/lib/asterisk/modules", OPT_VOID, "Where modules are: there are none to load."),
	DIR(astvarlibdir, "/var/lib/asterisk", "Where data that lasts is kept."),
	DIR(astdbdir, "", "Where the databases are; empty: astvarlibdir."),
	DIR(astkeydir, "", "Where keys are; empty: astvarlibdir."),
	DIR(astdatadir, "", "Where sounds are; empty: astvarlibdir."),
	DIR(astagidir, "", "Kept for compatibility: where AGI programs are."),
	DIR(astspooldir, "/var/spool/asterisk", "Where recordings and call files are."),
	DIR(astrundir, "/var/run/asterisk", "Where the console's socket and the pid file are."),
	DIR(astlogdir, "/var/log/asterisk", "Where logs are."),
	OPT_STR(A, astsbindir, "/usr/sbin", OPT_VOID, "Where the program is."),
	DIR(astcachedir, "/var/cache/asterisk", "Where what can be made again is kept."),
};
static const struct option_set dir_set = {
	.type = "directories", .file = "asterisk.conf", .rows = dir_rows, .n = ARRAY_LEN(dir_rows), .size = sizeof(A),
	.help = "Where things are.",
};

static const struct option file_rows[] = {
	OPT_STR(A, astctlpermissions, NULL, S, "Mode of the console's socket, in octal."),
	OPT_STR(A, astctlowner, NULL, S, "Owner of the console's socket; a name or a number."),
	OPT_STR(A, astctlgroup, NULL, S, "Group of the console's socket; a name or a number."),
	OPT_STR(A, astctl, "asterisk.ctl", S, "Name of the console's socket in astrundir."),
};
static const struct option_set file_set = {
	.type = "files", .file = "asterisk.conf", .rows = file_rows, .n = ARRAY_LEN(file_rows), .size = sizeof(A),
	.help = "The console's socket.",
};

/* These take a level, or yes for 1. */
static int parse_level(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int64_t v;
	bool b;

	(void)o;
	if (!str_i64(value, &v) && v >= 0 && v < 100)
		*(int32_t *)field = (int32_t)v;
	else if (!str_bool(value, &b))
		*(int32_t *)field = b;
	else
		return option_why(ctx, "'%.*s' is neither a level nor yes or no", STR_ARG(value));
	return 0;
}

static void write_level(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_printf(b, "%d", *(const int32_t *)field);
}

static int parse_entityid(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int err = 0;

	(void)o;
	if (value.n && !entity_id_is(value))
		return option_why(ctx, "'%.*s' is not written like a hardware address: six bytes in hexadecimal, joined by colons",
				  STR_ARG(value));
	*(struct str *)field = intern_str(ctx->intern, value, &err);
	return err;
}

static void write_entityid(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_put(b, *(const struct str *)field);
}

#define LEVEL(f, fl, h) OPT_CUSTOM(A, f, int32_t, parse_level, write_level, "0..99, yes, no", "0", fl, h)
#define B(f, d, fl, h) OPT_BOOL(A, f, d, fl, h)
static const struct option option_rows[] = {
	LEVEL(verbose, S, "Verbosity of the log and the console."),
	LEVEL(debug, S, "Debug level."),
	LEVEL(trace, OPT_VOID, "Trace level: what functions of Asterisk enter and leave."),
	B(timestamp, "no", OPT_VOID, "Put the time before each line of the console: it always stands there."),
	B(execincludes, "no", S, "Allow #exec in configuration files."),
	B(refdebug, "no", OPT_VOID, "Counts of references in a file, for programmers of Asterisk."),
	B(nofork, "no", S, "Stay in the foreground, as with -f."),
	B(alwaysfork, "no", S, "Go to the background whatever else is said, as with -F."),
	B(quiet, "no", OPT_VOID, "Print nothing at the start: nothing is."),
	B(console, "no", S, "Stay in the foreground and log to the terminal, as with -c."),
	B(highpriority, "no", S, "Run with realtime priority, as with -p."),
	B(initcrypto, "no", OPT_VOID, "Ask for the passphrases of keys at the start; here a key is where an option names it."),
	B(nocolor, "no", OPT_VOID, "No colours on the console: there are none."),
	B(dontwarn, "no", OPT_VOID, "Leave out warnings about old options of Asterisk."),
	B(dumpcore, "no", S, "Leave a core file after a crash."),
	B(cache_record_files, "no", OPT_VOID, "Record into record_cache_dir first: here a thread of its own writes recordings, so that a slow disk holds nobody up."),
	B(cache_media_frames, "yes", OPT_VOID, "Keep memory of media frames; here packets need none."),
	OPT_STR(A, record_cache_dir, "/tmp", OPT_VOID, "Where recordings are cached: they are not."),
	B(transcode_via_sln, "yes", OPT_VOID, "Transcode by way of signed linear: here it always is."),
	{ .name = "transmit_silence", .aliases = "transmit_silence_during_record", .kind = OPTION_BOOL,
	  .offset = OPT_AT(A, transmit_silence, bool), .def = "no", .flags = S,
	  .help = "Send silence while a channel only waits: Wait(), WaitUntil()." },
	OPT_UINT(A, mindtmfduration, "80", 0, 10000, "ms", S, "Shortest digit; shorter ones are stretched."),
	B(rtp_use_dynamic, "yes", OPT_VOID, "no: the same dynamic payload numbers in all calls; here each line of SDP has its own."),
	OPT_UINT(A, rtp_pt_dynamic, "35", 0, 127, NULL, OPT_VOID, "First payload number for what finds none from 96 to 127; here a line of SDP never has so many formats."),
	OPT_UINT(A, maxcalls, "0", 0, MAX32, "calls", S, "Most calls at a time; 0: no limit."),
	OPT_DOUBLE(A, maxload, "0", 0, 10000, NULL, S, "Load average from which on calls are refused; 0: no limit."),
	OPT_UINT(A, maxfiles, "0", 0, MAX32, "files", S, "Most open files; 0: leave the limit."),
	OPT_UINT(A, minmemfree, "0", 0, MAX32, "MB", S, "Available memory (MemAvailable) below which calls are refused; 0: no limit."),
	OPT_STR(A, runuser, NULL, S, "User to run as."),
	OPT_STR(A, rungroup, NULL, S, "Group to run as."),
	OPT_STR(A, systemname, NULL, S, "Name put before unique ids and into manager events."),
	B(autosystemname, "no", S, "Take the host's name for it."),
	B(languageprefix, "yes", S, "Language comes first in paths of sounds: en/digits/1; no: digits/en/1."),
	OPT_STR(A, defaultlanguage, "en", S, "Language of prompts."),
	OPT_STR(A, documentation_language, "en_US", OPT_VOID, "Language of help texts: they are in English."),
	OPT_STR(A, lockmode, "lockfile", S, "How lockconfdir locks: lockfile, or flock."),
	OPT_CUSTOM(A, entityid, struct str, parse_entityid, write_entityid, "xx:xx:xx:xx:xx:xx", NULL, S,
		   "Id of this server among others; empty: the hardware address of the first network interface."),
	B(lightbackground, "no", OPT_VOID, "The terminal is light: here nothing is coloured."),
	B(forceblackbackground, "no", OPT_VOID, "Make the terminal black: here nothing is coloured."),
	B(hideconnect, "no", S, "Say nothing when remote consoles come and go."),
	B(lockconfdir, "no", S, "Lock the configuration's folder while it is read again."),
	OPT_STR(A, stdexten, "gosub", OPT_VOID, "How users.conf calls extensions: it is not read."),
	B(live_dangerously, "no", S, "Let the manager reach functions that can run programs or read files."),
	B(hide_messaging_ami_events, "no", S, "Leave out manager events of the channel that runs texts, but for UserEvent."),
	B(sounds_search_custom_dir, "no", S, "Look for sounds in custom/ of their directory first."),
	OPT_STR(A, channel_storage_backend, NULL, OPT_VOID, "How Asterisk keeps its channels in memory."),
	B(disable_remote_console_shell, "no", 0, "Remote consoles (-r) may not run ! commands."),
};
#undef B
static const struct option_set option_set = {
	.type = "options", .file = "asterisk.conf", .rows = option_rows, .n = ARRAY_LEN(option_rows), .size = sizeof(A),
	.help = "How the program runs.",
};

const struct option_set *asterisk_conf_options(unsigned i)
{
	static const struct option_set *const sets[] = { &dir_set, &file_set, &option_set };

	return i < ARRAY_LEN(sets) ? sets[i] : NULL;
}

static void asterisk_conf_free(void *p)
{
	arena_free(((struct asterisk_conf *)p)->arena);
}

static void no_slash(struct str *s)
{
	while (s->n > 1 && s->p[s->n - 1] == '/')
		s->n--;
}

/* astvarlibdir stands for what is not said; the rest loses its last slash. */
static int finish_dirs(struct asterisk_conf *c, struct settings_work *w, const char *dir)
{
	struct str *const all[] = { &c->astetcdir, &c->astmoddir, &c->astvarlibdir, &c->astdbdir, &c->astkeydir,
		&c->astdatadir, &c->astagidir, &c->astspooldir, &c->astrundir, &c->astlogdir, &c->astsbindir,
		&c->astcachedir };
	const struct config_section *s = w->c ? config_section_get(w->c, STR("directories")) : NULL;
	int err = 0;

	if (!config_var_get(s, STR("astetcdir")))
		c->astetcdir = intern_str(w->ctx.intern, str_z(dir), &err);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		no_slash(all[i]);
	if (!c->astdbdir.n)
		c->astdbdir = c->astvarlibdir;
	if (!c->astkeydir.n)
		c->astkeydir = c->astvarlibdir;
	if (!c->astdatadir.n)
		c->astdatadir = c->astvarlibdir;
	if (!c->astagidir.n)
		c->astagidir = arena_printf(c->arena, "%.*s/agi-bin", STR_ARG(c->astvarlibdir));
	/* Whoever takes these as C strings finds an end: what a slash was is not cut
	 * out of the interned bytes. */
	for (size_t i = 0; !err && i < ARRAY_LEN(all); i++)
		*all[i] = intern_str(w->ctx.intern, *all[i], &err);
	return err;
}

/* autosystemname: as Asterisk, whatever systemname says. */
static int name_after_host(struct asterisk_conf *c, struct intern *intern)
{
	char host[256] = "";
	int err = 0;

	if (gethostname(host, sizeof(host) - 1) || !host[0])
		str_copy(host, sizeof(host), STR("localhost"));
	c->systemname = intern_str(intern, str_z(host), &err);
	return err;
}

static const char *dir_of(const char *path, char *out, size_t size)
{
	size_t slash = str_rchr(str_z(path), '/');

	if (!path[slash])
		return ".";
	return str_copy(out, size, slash ? str_mk(path, slash) : STR("/"));
}

int asterisk_conf_load(struct asterisk_conf **cp, const char *path, struct report *r)
{
	struct asterisk_conf *c = obj_new(sizeof(*c), asterisk_conf_free);
	char dir[4096];
	struct config_prm prm = { .dir = dir_of(path, dir, sizeof(dir)) };
	struct settings_work w = { 0 };
	const struct config_section *s;
	size_t base = str_rchr(str_z(path), '/');
	int err;

	if (!c)
		return ENOMEM;
	c->arena = arena_new(0);
	err = c->arena ? settings_begin(&w, c->arena, r) : ENOMEM;
	if (err)
		goto out;
	err = settings_file(&w, &prm, path[base] ? path + base + 1 : path);
	if (err)
		goto out;
	if (!w.c)
		report_add(r, REPORT_NOTE, str_z(path), 0, "is not there; the defaults are used");
	err = settings_apply(&w, &dir_set, c, STR("directories"));
	if (!err)
		err = settings_apply(&w, &file_set, c, STR("files"));
	if (!err)
		err = settings_apply(&w, &option_set, c, STR("options"));
	if (!err)
		err = finish_dirs(c, &w, prm.dir);
	s = w.c ? config_section_get(w.c, STR("options")) : NULL;
	if (!err && c->autosystemname)
		err = name_after_host(c, w.ctx.intern);
	c->has_verbose = config_var_get(s, STR("verbose")) != NULL;
	c->has_debug = config_var_get(s, STR("debug")) != NULL;
	if (!err && arena_failed(c->arena))
		err = ENOMEM;
 out:
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
#undef A

/* rtp.conf */

#define R struct rtp_conf
static const struct option_choice stricts[] = {
	{ "no", RTP_STRICT_NO }, { "yes", RTP_STRICT_YES }, { "seqno", RTP_STRICT_SEQNO }, { NULL, 0 } };
#define ADDRS(n, f, h) \
	{ .name = n, .kind = OPTION_LIST, .offset = OPT_AT(R, f, struct str_list), .flags = OPT_ADD, .help = h }
static const struct option rtp_rows[] = {
	OPT_UINT(R, rtpstart, "5000", 1024, 65535, NULL, 0, "First port for media; made even."),
	OPT_UINT(R, rtpend, "31000", 1024, 65535, NULL, 0, "Last port for media; made odd."),
	OPT_UINT(R, rtcpinterval, "5000", 500, 60000, "ms", S, "Time between RTCP reports."),
	OPT_BOOL(R, rtpchecksums, "yes", 0, "Send RTP over IPv4 with UDP checksums."),
	OPT_UINT(R, dtmftimeout, "1200", 0, 256000, "samples", S, "A digit ends when its event is silent for so long."),
	OPT_ENUM(R, strictrtp, stricts, "yes", S, "Drop media that does not come from where the call's media came from first. seqno: "
		"who is not known may send its first packets all at once; yes: not faster than sound takes."),
	OPT_UINT(R, probation, "4", 1, 250, "packets", S, "Packets in order that make a source trusted."),
	OPT_BOOL(R, srtpreplayprotection, "yes", 0, "Drop SRTP packets seen before."),
	OPT_BOOL(R, icesupport, "yes", 0, "Allow ICE where an endpoint has it."),
	OPT_BOOL(R, stun_software_attribute, "yes", 0, "Name this program in STUN messages."),
	OPT_BOOL(R, stunaddr_reresolve_ttl_0, "no", 0, "Look the STUN server up again when its TTL is 0."),
	OPT_STR(R, stunaddr, NULL, 0, "STUN server, host or host:port."),
	OPT_STR(R, turnaddr, NULL, 0, "TURN server, host or host:port. It is asked over UDP, and over TCP when nothing is answered there; "
		"?transport=udp or ?transport=tcp (or \\;transport=) after it: over that only."),
	OPT_STR(R, turnusername, NULL, 0, "User there."),
	OPT_SECRET(R, turnpassword, 0, "Password there."),
	OPT_UINT(R, dtls_mtu, "1200", 256, 65535, "bytes", 0, "Longest DTLS packet."),
	ADDRS("ice_deny", ice_deny, "Networks whose addresses are no ICE candidates."),
	ADDRS("ice_permit", ice_permit, "Networks whose addresses are, although an ice_deny above fits."),
	ADDRS("ice_acl", ice_acl, "Named lists for the same."),
	ADDRS("stun_deny", stun_deny, "Networks from which STUN is not asked."),
	ADDRS("stun_permit", stun_permit, "Networks from which it is, although a stun_deny above fits."),
	ADDRS("stun_acl", stun_acl, "Named lists for the same."),
	ADDRS("ice_blacklist", ice_deny, "Old name of ice_deny."),
	ADDRS("stun_blacklist", stun_deny, "Old name of stun_deny."),
};
static const struct option_set rtp_set = {
	.type = "general", .file = "rtp.conf", .rows = rtp_rows, .n = ARRAY_LEN(rtp_rows), .size = sizeof(R),
	.help = "Media: ports, RTCP, ICE.",
};

const struct option_set *rtp_conf_options(void)
{
	return &rtp_set;
}

static void rtp_conf_free(void *p)
{
	arena_free(((struct rtp_conf *)p)->arena);
}

static int rtp_candidates(struct rtp_conf *c, struct settings_work *w)
{
	const struct config_section *s = w->c ? config_section_get(w->c, STR("ice_host_candidates")) : NULL;
	int err = 0;

	for (const struct config_var *v = s ? s->first : NULL; !err && v; v = v->next) {
		struct str text = arena_printf(c->arena, "%.*s=%.*s", STR_ARG(v->name), STR_ARG(v->value));

		err = text.p ? option_list_add(&w->ctx, &c->ice_host_candidates, text) : ENOMEM;
	}
	return err;
}

int rtp_conf_load(struct rtp_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct rtp_conf *c = obj_new(sizeof(*c), rtp_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "rtp.conf");
	if (!err)
		err = settings_apply(&w, &rtp_set, c, STR("general"));
	if (!err)
		err = rtp_candidates(c, &w);
	/* RFC 3550 section 11: RTP on the even port, RTCP on the odd one behind. */
	c->rtpstart += c->rtpstart & 1;
	c->rtpend -= !(c->rtpend & 1);
	if (!err && c->rtpend <= c->rtpstart) {
		report_add(r, REPORT_ERROR, STR("rtp.conf"), 0, "rtpstart is not below rtpend; 5000 to 31000 is used");
		c->rtpstart = 5000;
		c->rtpend = 30999;
	}
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
#undef R
