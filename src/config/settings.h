/* config/settings.h -- asterisk.conf, codecs.conf, dsp.conf, logger.conf, rtp.conf and sidetone.conf.
 * Ownership: each is an obj that owns its strings; every str is terminated.
 * Threads: built by one, immutable from then on. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/obj.h"
#include "config/option.h"

/* asterisk.conf */
struct asterisk_conf {          /* obj */
	struct arena *arena;            /* held */
	/* [directories]; none ends in a slash */
	struct str astetcdir, astmoddir, astvarlibdir, astdbdir, astkeydir, astdatadir, astagidir,
		astspooldir, astrundir, astlogdir, astsbindir, astcachedir;
	/* [files] */
	struct str astctlpermissions, astctlowner, astctlgroup, astctl;
	/* [options] */
	struct str systemname, runuser, rungroup, defaultlanguage, documentation_language, entityid,
		record_cache_dir, lockmode, stdexten, channel_storage_backend;
	double maxload;                 /* 0: no limit */
	int32_t verbose, debug, trace;
	uint32_t maxcalls;              /* 0: no limit */
	uint32_t maxfiles, minmemfree;  /* [count], [MB]; 0: leave */
	uint32_t mindtmfduration;       /* [ms] */
	uint32_t rtp_pt_dynamic;
	bool timestamp, execincludes, refdebug, nofork, alwaysfork, quiet, console, highpriority, initcrypto,
		nocolor, dontwarn, dumpcore, cache_record_files, cache_media_frames, transcode_via_sln,
		transmit_silence, rtp_use_dynamic, autosystemname, languageprefix, lightbackground,
		forceblackbackground, hideconnect, lockconfdir, live_dangerously, hide_messaging_ami_events,
		sounds_search_custom_dir, disable_remote_console_shell;
	bool has_verbose, has_debug;    /* the file set them: -v and -d then add */
};

/* `path` of asterisk.conf. When the file is not there: the defaults and 0, with a
 * note in `r`. When it does not say astetcdir, the file's own directory is it, so
 * that `-C DIR/asterisk.conf` and `check DIR` need no other word. */
int asterisk_conf_load(struct asterisk_conf **cp, const char *path, struct report *r);
const struct option_set *asterisk_conf_options(unsigned i);  /* directories, files, options; NULL after */

/* rtp.conf [general]; addresses stay text here (media resolves them). */
enum rtp_strict { RTP_STRICT_NO, RTP_STRICT_YES, RTP_STRICT_SEQNO };
struct rtp_conf {               /* obj */
	struct arena *arena;            /* held */
	uint32_t rtpstart, rtpend;      /* even, odd; start < end */
	uint32_t rtcpinterval;          /* [ms] */
	uint32_t dtmftimeout;           /* [samples at 8 kHz] */
	uint32_t probation;             /* packets in order before a source is trusted */
	uint32_t dtls_mtu;              /* [bytes] */
	uint8_t strictrtp;              /* enum rtp_strict */
	bool rtpchecksums, srtpreplayprotection, icesupport, stun_software_attribute,
		stunaddr_reresolve_ttl_0;
	struct str stunaddr, turnaddr, turnusername;
	struct secret turnpassword;
	struct str_list ice_deny, ice_permit, ice_acl, stun_deny, stun_permit, stun_acl;
	struct str_list ice_host_candidates;    /* "local=advertised[,include]" */
};
int rtp_conf_load(struct rtp_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *rtp_conf_options(void);

/* codecs.conf [opus] */
enum codecs_band { CODECS_NARROW, CODECS_MEDIUM, CODECS_WIDE, CODECS_SUPER_WIDE, CODECS_FULL };
enum codecs_signal { CODECS_AUTO, CODECS_VOICE, CODECS_MUSIC };
enum codecs_application { CODECS_VOIP, CODECS_AUDIO, CODECS_LOW_DELAY };
struct codecs_conf {            /* obj */
	struct arena *arena;            /* held */
	struct str type;
	uint32_t packet_loss;           /* [%] */
	uint32_t complexity;            /* 0 to 10 */
	uint32_t max_playback_rate;     /* [Hz] */
	uint32_t bitrate;               /* [bit/s]; 0: auto */
	uint8_t max_bandwidth;          /* enum codecs_band */
	uint8_t signal;                 /* enum codecs_signal */
	uint8_t application;            /* enum codecs_application */
	bool cbr, fec, dtx;
};
int codecs_conf_load(struct codecs_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *codecs_conf_options(void);

/* res_fax.conf [general] */
enum { FAX_MODEM_V17 = 1, FAX_MODEM_V27 = 2, FAX_MODEM_V29 = 4, FAX_MODEM_V34 = 8 };
struct fax_conf {               /* obj */
	struct arena *arena;            /* held */
	uint32_t minrate, maxrate;      /* [bit/s] */
	uint32_t modems;                /* FAX_MODEM_V17 | ... */
	uint32_t t38timeout;            /* [ms] */
	bool statusevents, ecm;
};

/* dsp.conf [default] */
struct dsp_conf {               /* obj */
	struct arena *arena;            /* held */
	uint32_t silencethreshold;      /* mean magnitude */
	uint32_t dtmf_hits_to_begin, dtmf_misses_to_end;        /* [blocks of 12.75 ms] */
	double dtmf_normal_twist, dtmf_reverse_twist;
	double relax_dtmf_normal_twist, relax_dtmf_reverse_twist;
};
int fax_conf_load(struct fax_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *fax_conf_options(void);
/* May a fax be as fast as `rate` by one of these modems? */
bool fax_modem_does(uint32_t modems, uint32_t rate);
/* A rate of T.30; 0: none. */
uint32_t fax_rate_of(struct str s);
/* "v17,v29" into bits; false: *bad is none of them (the others count). */
bool fax_modems_of(struct str s, uint32_t *bits, struct str *bad);
void fax_modems_write(struct buf *b, uint32_t bits);         /* "V17,V27,V29" */
int dsp_conf_load(struct dsp_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *dsp_conf_options(void);

/* udptl.conf [general] */
struct udptl_conf {             /* obj */
	struct arena *arena;            /* held */
	uint32_t udptlstart, udptlend;
	uint32_t udptlfecentries, udptlfecspan;         /* 1 to 5 */
	bool udptlchecksums, use_even_ports;
};
int udptl_conf_load(struct udptl_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *udptl_conf_options(void);

/* statsd.conf [general]; the server stays text here */
struct statsd_conf {            /* obj */
	struct arena *arena;            /* held */
	struct str server, prefix;
	bool enabled, add_newline, meter_support;
};
int statsd_conf_load(struct statsd_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *statsd_conf_options(void);

/* modules.conf says load (preload, require) of this module ("res_chan_stats.so") by name: it is one
 * that Asterisk does not load by itself. */
bool modules_conf_load(const struct config_prm *prm, struct str module);
/* modules.conf says noload of this module ("res_srtp.so"): what it does in Asterisk is not
 * to be done here either. No such file: false. */
bool modules_conf_noload(const struct config_prm *prm, struct str module);

/* logger.conf */
enum logger_kind { LOGGER_FILE, LOGGER_CONSOLE, LOGGER_SYSLOG };
enum logger_format { LOGGER_DEFAULT, LOGGER_JSON, LOGGER_PLAIN };
enum logger_rotate { ROTATE_SEQUENTIAL, ROTATE_ROTATE, ROTATE_TIMESTAMP, ROTATE_NONE };
/* Levels that log.h does not have, as bits beside (1 << enum log_level). */
#define LOGGER_TRACE (1u << 24)
#define LOGGER_FAX (1u << 25)
/* Bit number LOGGER_CUSTOM + i: custom_levels.v[i]. */
enum { LOGGER_CUSTOM = 8, LOGGER_CUSTOM_MAX = 16 };
struct logger_channel {
	struct str name;                /* as written: "console", "full.txt", "syslog.local0" */
	struct str file;                /* a file's path: absolute, or relative to astlogdir */
	struct str facility;            /* syslog's */
	uint32_t levels;                /* bit (1 << enum log_level), LOGGER_* */
	int32_t verbosity;              /* verbose(N); -1: as the console's */
	uint32_t line;
	uint8_t kind;                   /* enum logger_kind */
	uint8_t format;                 /* enum logger_format */
};
struct logger_conf {            /* obj */
	struct arena *arena;            /* held */
	struct str dateformat, queue_log_name, exec_after_rotate;
	struct str_list custom_levels;
	uint32_t logger_queue_limit;
	uint8_t rotatestrategy;         /* enum logger_rotate */
	bool appendhostname, display_callids, queue_log, queue_log_to_file, queue_log_realtime_use_gmt;
	const struct logger_channel *channel;   /* in file order */
	size_t channels;
};
/* No file: one console with error, warning, notice, verbose. */
int logger_conf_load(struct logger_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *logger_conf_options(void);
/* "[json]error,verbose(3)" into levels, verbosity and format; for `logger add channel`.
 * EBADMSG names the first unknown level in *bad (may be NULL), the rest still counts. */
int logger_levels_parse(struct logger_channel *ch, struct str components, struct str *bad);

/* sidetone.conf: [threads], [limits], [watchdog] */
struct own_conf {               /* obj */
	struct arena *arena;            /* held */
	uint32_t io_threads, media_threads;
	uint32_t stranger_rate;         /* net_limits.stranger_rate */
	/* struct share_limits of service/common/shares.h */
	uint32_t max_share, max_transactions, transaction_memory /* [MB] */, max_dialogs;
	uint32_t address_transactions, address_calls, endpoint_calls;
	uint32_t warn_ms, abort_ms;     /* watchdog_prm */
};
int own_conf_load(struct own_conf **cp, const struct config_prm *prm, struct report *r);
const struct option_set *own_conf_options(unsigned i);       /* NULL after the last */

#endif
