/* service/object/object.h -- what pjsip.conf describes: one struct a type, one field an
 * option. A field has the option's name ('-' as '_', 100rel as rel100) and a
 * row in service/objects_*.c gives its text, default and help.
 * Ownership: a snapshot (obj) owns all its objects, their strings, lists and
 *          compiled rules. Whoever keeps an object holds its snapshot (`of`).
 * Threads: built on a worker, immutable from then on; read by any thread that
 *          holds the snapshot. Pointers between objects stay inside one snapshot. */
#ifndef SERVICE_OBJECT_OBJECT_H
#define SERVICE_OBJECT_OBJECT_H

#include "base/hash.h"
#include "base/obj.h"
#include "config/option.h"
#include "net/acl.h"
#include "pbx/presentation.h"
#include "sip/digest.h"
#include <regex.h>

struct snapshot;

enum object_type {
	OBJECT_ENDPOINT, OBJECT_AUTH, OBJECT_AOR, OBJECT_DOMAIN_ALIAS, OBJECT_TRANSPORT, OBJECT_CONTACT,
	OBJECT_SYSTEM, OBJECT_GLOBAL, OBJECT_REGISTRATION, OBJECT_OUTBOUND_PUBLISH, OBJECT_OUTBOUND_SUBSCRIPTION,
	OBJECT_INBOUND_PUBLICATION, OBJECT_ASTERISK_PUBLICATION, OBJECT_IDENTIFY, OBJECT_ACL,
	OBJECT_RESOURCE_LIST, OBJECT_SUBSCRIPTION_PERSISTENCE, OBJECT_PHONEPROV, OBJECT_TYPES,
};

/* Every object starts with this. */
struct object {
	struct str name;                /* the section's name */
	const struct snapshot *of;      /* not held: the snapshot that owns it */
	const char *file;               /* where it was defined; terminated */
	uint32_t line;
	uint8_t type;                   /* enum object_type */
	bool kept;                      /* refused at this reload: its last good version */
};
#define OBJECT_HEAD union { struct object o; struct { struct str name; const struct snapshot *of; }; }

/* allow= and disallow= after all edits, in order of preference. */
struct codec_pref {
	struct str name;                /* canonical: "ulaw", "opus", "h264" */
	uint16_t ptime;                 /* [ms] from name:ptime; 0: the codec's own */
};
struct codec_list {
	uint16_t n;
	struct codec_pref v[];
};

/* set_var: NAME=value, in file order. */
struct conf_var {
	struct str name, value;
};
struct conf_var_list {
	uint16_t n;
	struct conf_var v[];
};

/* deny and permit lines of the object itself first, then the named ones. All of
 * them must permit. */
struct acl_set {
	struct str_list names;          /* acl=, as written */
	struct str rules;               /* every line of it, in the loader's own form */
	uint16_t n;
	bool undefined;                 /* a name that acl.conf does not have: refuses everybody */
	struct acl *v[];                /* held */
};
/* `which`: the name of the list that refused ("" for the object's own lines); may be
 * NULL. `s` NULL permits. */
bool acl_set_permits(const struct acl_set *s, const struct sa *peer, struct str *which);

enum endpoint_100rel { REL100_NO, REL100_YES, REL100_REQUIRED, REL100_PEER_SUPPORTED };
enum endpoint_timers { TIMERS_NO, TIMERS_YES, TIMERS_REQUIRED, TIMERS_ALWAYS };
enum endpoint_dtmf_mode { DTMF_RFC4733, DTMF_INBAND, DTMF_NONE, DTMF_INFO, DTMF_AUTO, DTMF_AUTO_INFO };
enum endpoint_refresh { REFRESH_INVITE, REFRESH_UPDATE };
enum endpoint_glare { GLARE_NONE, GLARE_OUTGOING, GLARE_INCOMING };
enum endpoint_redirect { REDIRECT_USER, REDIRECT_URI_CORE, REDIRECT_URI_PJSIP };
enum endpoint_encryption { ENCRYPTION_NO, ENCRYPTION_SDES, ENCRYPTION_DTLS };
enum endpoint_t38_ec { T38_EC_NONE, T38_EC_FEC, T38_EC_REDUNDANCY };
enum endpoint_dtls_verify { DTLS_VERIFY_NO, DTLS_VERIFY_FINGERPRINT, DTLS_VERIFY_CERTIFICATE, DTLS_VERIFY_YES };
enum endpoint_dtls_setup { DTLS_SETUP_ACTIVE, DTLS_SETUP_PASSIVE, DTLS_SETUP_ACTPASS,
	DTLS_SETUP_HOLDCONN };
enum endpoint_dtls_hash { DTLS_HASH_SHA256, DTLS_HASH_SHA1 };
enum endpoint_offer_pref { OFFER_PREF_LOCAL, OFFER_PREF_LOCAL_MERGE, OFFER_PREF_LOCAL_FIRST,
	OFFER_PREF_REMOTE, OFFER_PREF_REMOTE_MERGE, OFFER_PREF_REMOTE_FIRST };
enum security_negotiation { SECURITY_NO, SECURITY_MEDIASEC };
/* identify_by: permitted methods, also in the order written. */
enum identify_method { IDENTIFY_USERNAME = 1, IDENTIFY_AUTH_USERNAME = 2, IDENTIFY_IP = 4,
	IDENTIFY_HEADER = 8, IDENTIFY_REQUEST_URI = 16 };
struct identify_by {
	uint8_t mask;                   /* enum identify_method */
	uint8_t n;
	uint8_t v[5];
};

enum codec_pref_prefer { PREFER_PENDING, PREFER_CONFIGURED };
enum codec_pref_operation { OPERATION_INTERSECT, OPERATION_UNION, OPERATION_ONLY_PREFERRED,
	OPERATION_ONLY_NONPREFERRED };
struct codec_prefs {
	uint8_t prefer, operation;
	bool keep_first, transcode_prevent;
};

struct auth_list {
	struct auth_conf *const *v;     /* n of them; view into the snapshot */
	size_t n;
};

struct endpoint {
	OBJECT_HEAD;
	/* Resolved from aors, auth and outbound_auth; in their order; what is missing
	 * was reported and is left out. */
	struct aor *const *aor_objs;
	struct auth_conf *const *auth_objs;
	struct auth_list outbound_auths;
	struct transport_conf *transport_obj;   /* NULL: by the target */
	const struct codec_list *allow;         /* disallow edits the same list */
	const struct conf_var_list *set_var;    /* NULL: none */
	const struct acl_set *acl;              /* acl, deny, permit; NULL: none */
	const struct acl_set *contact_acl;      /* contact_acl, contact_deny, contact_permit */
	uint64_t call_group, pickup_group;      /* bit n: group n, 0..63 */
	/* auth_n is 0 only where auth= names nothing. Where none of the named ones is
	 * there, an auth that nobody can satisfy stands in: never an open endpoint. */
	uint16_t aor_n, auth_n;

	struct str overlap_context, callerid_name, callerid_num, callerid_tag, context, media_address,
		voicemail_extension, moh_suggest, outbound_proxy, tenantid, transport, tone_zone, language,
		record_on_feature, record_off_feature, rtp_engine, sdp_owner, sdp_session, from_user,
		mwi_from_user, from_domain, dtls_cert_file, dtls_private_key, dtls_cipher, dtls_ca_file,
		dtls_ca_path, message_context, accountcode, subscribe_context, contact_user,
		incoming_mwi_mailbox, stir_shaken_profile, geoloc_incoming_call_profile,
		geoloc_outgoing_call_profile;
	struct str security_mechanisms; /* "sdes-srtp;mediaplane, msrp-tls" */
	struct str_list aors, auth, outbound_auth, mailboxes, named_call_group, named_pickup_group;
	struct codec_prefs codec_prefs_incoming_offer, codec_prefs_outgoing_offer,
		codec_prefs_incoming_answer, codec_prefs_outgoing_answer;

	uint32_t timers_min_se, timers_sess_expires;    /* [s] */
	uint32_t device_state_busy_at;                  /* 0: never */
	uint32_t t38_udptl_maxdatagram;                 /* [bytes] */
	uint32_t fax_detect_timeout;                    /* [s] */
	uint32_t dtls_rekey;                            /* [s] 0: never */
	uint32_t cos_audio, cos_video;
	uint32_t sub_min_expiry;                        /* [s] */
	uint32_t rtp_keepalive, rtp_timeout, rtp_timeout_hold;  /* [s] 0: off */
	uint32_t rtp_port_start, rtp_port_end;          /* 0: rtp.conf's */
	uint32_t max_audio_streams, max_video_streams;

	struct identify_by identify_by;
	uint8_t tos_audio, tos_video;                   /* whole TOS octet */
	uint8_t rel100;                                 /* enum endpoint_100rel */
	uint8_t timers;                                 /* enum endpoint_timers */
	uint8_t dtmf_mode;                              /* enum endpoint_dtmf_mode */
	uint8_t callerid_privacy;                       /* enum presentation */
	uint8_t direct_media_method, connected_line_method;     /* enum endpoint_refresh */
	uint8_t direct_media_glare_mitigation;          /* enum endpoint_glare */
	uint8_t redirect_method;                        /* enum endpoint_redirect */
	uint8_t media_encryption;                       /* enum endpoint_encryption */
	uint8_t t38_udptl_ec;                           /* enum endpoint_t38_ec */
	uint8_t dtls_verify, dtls_setup, dtls_fingerprint;      /* enum endpoint_dtls_* */
	uint8_t incoming_call_offer_pref, outgoing_call_offer_pref;     /* enum endpoint_offer_pref */
	uint8_t security_negotiation;                   /* enum security_negotiation */
	bool follow_redirect_message;                   /* follow_redirect_methods has message */

	bool aggregate_mwi, allow_overlap, trust_connected_line, send_connected_line, direct_media,
		disable_direct_media_on_nat, bind_rtp_to_media_address, force_rport, ice_support,
		mwi_subscribe_replaces_unsolicited, rewrite_contact, rtp_ipv6, rtp_symmetric, send_diversion,
		send_history_info, send_pai, send_rpid, rpid_immediate, trust_id_inbound, trust_id_outbound,
		use_ptime, use_avpf, force_avp, media_use_received_transport, media_encryption_optimistic,
		g726_non_standard, inband_progress, t38_udptl, fax_detect, t38_udptl_nat, t38_udptl_ipv6,
		t38_bind_udptl_to_media_address, one_touch_recording, allow_transfer, user_eq_phone,
		moh_passthrough, allow_subscribe, dtls_auto_generate_cert, srtp_tag_32, preferred_codec_only,
		asymmetric_rtp_codec, rtcp_mux, refer_blind_progress, notify_early_inuse_ringing, bundle,
		webrtc, follow_early_media_fork, accept_multiple_sdp_answers, suppress_q850_reason_headers,
		ignore_183_without_sdp, allow_unauthenticated_options, send_aoc, suppress_moh_on_sendonly;
};

enum auth_type { AUTH_USERPASS, AUTH_MD5, AUTH_DIGEST, AUTH_GOOGLE_OAUTH };   /* the first three are one */
struct algorithm_list {
	uint8_t n;
	uint8_t v[DIGEST_ALGS];         /* enum digest_alg */
};

struct auth_conf {
	OBJECT_HEAD;
	struct str username, realm;     /* realm empty: server global default_realm, client any */
	struct secret password;
	struct secret ha1[DIGEST_ALGS]; /* password_digest and md5_cred, lower-case hex; empty: none */
	struct secret refresh_token, oauth_secret;
	struct str oauth_clientid;
	uint32_t nonce_lifetime;        /* [s] */
	uint8_t auth_type;              /* enum auth_type */
	/* What the object leaves out is filled in from global; not for google_oauth. */
	struct algorithm_list supported_algorithms_uac, supported_algorithms_uas;
	bool own_algorithms_uac, own_algorithms_uas;    /* the object named them itself */
};
/* As server: is `alg` offered, and is there a secret that tells a right response from
 * a wrong one? An empty password is none. */
bool auth_proves(const struct auth_conf *a, enum digest_alg alg);
bool auth_proves_any(const struct auth_conf *a);

struct contact_conf {           /* type=contact, and each static contact of an aor */
	OBJECT_HEAD;
	struct str uri, outbound_proxy, path, user_agent, endpoint, reg_server, via_addr, call_id;
	double qualify_timeout;         /* [s] */
	int64_t expiration_time;        /* [s since 1970] 0: permanent */
	uint32_t qualify_frequency;     /* [s] 0: never */
	uint32_t via_port;
	bool qualify_2xx_only, authenticate_qualify, prune_on_boot;
};

struct aor {
	OBJECT_HEAD;
	struct str_list contact;        /* permanent contacts, their URIs */
	struct str_list mailboxes;
	struct str voicemail_extension, outbound_proxy;
	double qualify_timeout;         /* [s] */
	uint32_t default_expiration, maximum_expiration, minimum_expiration;    /* [s] */
	uint32_t max_contacts;          /* 0: none may register */
	uint32_t qualify_frequency;     /* [s] 0: never */
	bool remove_existing, remove_unavailable, qualify_2xx_only, authenticate_qualify, support_path;
};

struct domain_alias {
	OBJECT_HEAD;                    /* name: the alias */
	struct str domain;
};

enum transport_protocol { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_WS, TRANSPORT_WSS,
	TRANSPORT_FLOW };
enum transport_method { TLS_METHOD_UNSPECIFIED, TLS_METHOD_TLSV1, TLS_METHOD_TLSV1_1,
	TLS_METHOD_TLSV1_2, TLS_METHOD_TLSV1_3, TLS_METHOD_SSLV2, TLS_METHOD_SSLV3, TLS_METHOD_SSLV23 };

struct transport_conf {
	OBJECT_HEAD;
	struct sa bind;                 /* port filled in: 5060, 5061 for TLS; of WebSocket 0: as http.conf says */
	const struct netmask *local_net;        /* local_net_n of them */
	struct str bind_text;           /* as written */
	struct str ca_list_file, ca_list_path, cert_file, priv_key_file, domain, external_media_address,
		external_signaling_address, external_signaling_hostname;
	struct str_list cipher, local_net_text;
	struct secret password;
	uint32_t async_operations, external_signaling_port, cos;
	int32_t tcp_keepalive_idle_time, tcp_keepalive_interval_time;   /* [s] */
	int32_t tcp_keepalive_probe_count;
	int32_t websocket_write_timeout;        /* [ms] */
	struct str_list websocket_origins;
	uint16_t local_net_n;
	uint8_t method;                 /* enum transport_method */
	uint8_t protocol;               /* enum transport_protocol */
	uint8_t tos;                    /* whole TOS octet */
	bool require_client_cert, verify_client, verify_server, tcp_keepalive_enable, allow_reload,
		allow_wildcard_certs, symmetric_transport;
};

struct system_conf {
	OBJECT_HEAD;
	uint32_t timer_t1, timer_b;     /* [ms] */
	uint32_t taskpool_minimum_size, taskpool_initial_size, taskpool_auto_increment,
		taskpool_idle_timeout, taskpool_max_size, threadpool_initial_size, threadpool_auto_increment,
		threadpool_idle_timeout, threadpool_max_size;
	bool compact_headers, disable_tcp_switch, follow_early_media_fork, accept_multiple_sdp_answers,
		disable_rport;
};

enum overload_trigger { OVERLOAD_GLOBAL, OVERLOAD_PJSIP_ONLY, OVERLOAD_NONE };

#define GLOBAL_USER_AGENT "Sidetone/0.1.0"     /* of a configuration that says none */

struct global_conf {
	OBJECT_HEAD;
	struct str user_agent, regcontext, default_outbound_endpoint, default_voicemail_extension,
		default_from_user, default_realm;
	struct str debug;               /* "yes", "no" or an address */
	struct str_list endpoint_identifier_order;      /* trimmed, unlike Asterisk's */
	uint32_t max_forwards;
	uint32_t keep_alive_interval, contact_expiration_check_interval, max_initial_qualify_time,
		unidentified_request_period, unidentified_request_prune_interval;       /* [s] */
	uint32_t unidentified_request_count, mwi_tps_queue_high;
	int32_t mwi_tps_queue_low;
	uint8_t taskprocessor_overload_trigger;         /* enum overload_trigger */
	struct algorithm_list default_auth_algorithms_uac, default_auth_algorithms_uas;
	bool disable_multi_domain, mwi_disable_initial_unsolicited, ignore_uri_user_options,
		use_callerid_contact, send_contact_status_on_update_registration, norefersub,
		allow_sending_180_after_183, all_codecs_on_empty_reinvite;
};

struct registration_conf {
	OBJECT_HEAD;
	struct auth_list outbound_auths;
	struct endpoint *endpoint_obj;
	struct transport_conf *transport_obj;
	struct str client_uri, server_uri, contact_user, contact_header_params, outbound_proxy, transport,
		endpoint, user_agent, security_mechanisms;
	struct str_list outbound_auth;
	uint32_t expiration, max_random_initial_delay, retry_interval, forbidden_retry_interval,
		fatal_retry_interval;   /* [s] */
	uint32_t max_retries;
	uint8_t security_negotiation;   /* enum security_negotiation */
	bool auth_rejection_permanent, line, support_path, support_outbound;
};

struct outbound_publish {
	OBJECT_HEAD;
	struct auth_list outbound_auths;
	struct str_list outbound_auth;
	struct str outbound_proxy, server_uri, from_uri, to_uri, event, transport;
	struct str body;                /* "@body": content type */
	/* Regular expressions (extended, case folds): "@context" and its like. */
	struct str context, exten, device_state_filter, mailbox_state_filter;
	uint32_t expiration;            /* [s] */
	uint32_t max_auth_attempts;
	bool multi_user;
};

/* Ours alone: Asterisk subscribes to nobody. */
struct outbound_subscription {
	OBJECT_HEAD;
	struct auth_list outbound_auths;
	struct str_list outbound_auth;
	struct str outbound_proxy, server_uri, from_uri, event, mailbox, transport;
	uint32_t expiration, retry_interval, max_retry_interval, fatal_retry_interval;     /* [s] */
};

struct inbound_publication {
	OBJECT_HEAD;
	struct endpoint *endpoint_obj;  /* NULL: any endpoint may publish */
	struct str endpoint;
	const struct conf_var_list *events;     /* event_PACKAGE=resource, without "event_" */
};

struct asterisk_publication {
	OBJECT_HEAD;
	struct str devicestate_publish, mailboxstate_publish, device_state_filter, mailbox_state_filter;
	bool device_state, mailbox_state;
};

struct identify_conf {
	OBJECT_HEAD;
	struct endpoint *endpoint_obj;  /* NULL: missing, so the rule never matches */
	const struct netmask *nets;     /* net_n literal addresses and networks of match */
	regex_t *header_re;             /* match_header "Name: /re/"; NULL: exact compare */
	regex_t *request_uri_re;        /* match_request_uri /re/ */
	uint16_t net_n;
	uint32_t order;                 /* among all identify sections of its snapshot */
	struct str endpoint;
	struct str_list match;          /* as written */
	struct str_list hosts;          /* the names in match, still to be resolved */
	struct str match_header, match_request_uri;
	struct str header_name, header_value;   /* match_header cut at ':' */
	bool srv_lookups;
};

struct acl_conf {               /* type=acl: for every request; also contacts */
	OBJECT_HEAD;
	const struct acl_set *acl, *contact_acl;        /* NULL: none */
};

struct resource_list {
	OBJECT_HEAD;
	struct str event;
	struct str_list list_item;
	uint32_t notification_batch_interval;   /* [ms] */
	bool full_state, resource_display_name;
};

struct subscription_persistence {
	OBJECT_HEAD;
	struct str packet, src_name, transport_key, local_name, tag, endpoint, contact_uri, generator_data;
	int64_t expires;                /* [s since 1970] */
	uint32_t src_port, local_port, cseq;
	bool prune_on_boot;
};

struct phoneprov_conf {
	OBJECT_HEAD;
	struct str endpoint, MAC, PROFILE;
	const struct conf_var_list *vars;       /* every other line */
};

/* has_hint of pjsip_wizard.conf: hint_exten of the context shows PJSIP/endpoint. */
struct wizard_hint {
	struct str context, exten, endpoint;
	struct str application;         /* at priority 1, "App(args)"; empty: none */
};

/* The table of a type, and its name in type=. */
const struct option_set *object_options(enum object_type t);
struct str object_type_name(enum object_type t);
/* OBJECT_TYPES when there is none of that name. */
enum object_type object_type_of(struct str name);

/* All objects of one type. */
struct object_list {
	struct map *by_name;            /* exact names; NULL while n == 0 */
	struct object **v;              /* file order */
	size_t n;
};

struct snapshot_prm {
	const char *dir;                /* the configuration directory */
	bool exec_includes;
	struct snapshot *previous;      /* the running one, or NULL; refused objects are kept from it */
};

struct identify_rules;

struct snapshot {               /* obj */
	struct arena *arena;
	struct object_list list[OBJECT_TYPES];
	struct global_conf *global;     /* never NULL: defaults where the file has none */
	struct system_conf *system;     /* never NULL */
	struct http_conf *http;         /* http.conf; never NULL: nothing is enabled where there is none */
	/* Asks for credentials that nobody has, in the default realm and algorithms: for
	 * names that do not exist, and for endpoints that must let nobody in. Never NULL. */
	struct auth_conf *nobody;
	/* What need not be looked for, so that a stranger costs no more than a known name. */
	bool has_anonymous;             /* an endpoint of that name, or anonymous@DOMAIN */
	bool has_auth_username;         /* in some endpoint's identify_by */
	const struct wizard_hint *hints;        /* hint_n of them */
	size_t hint_n;
	uint64_t serial;                /* grows with each build */
	const struct identify_rules *identify_rules;    /* the identify sections by what they match; never NULL */
	struct snapshot_parts *parts;   /* snapshot.c's own */
};

/* Read pjsip.conf, pjsip_wizard.conf, acl.conf and http.conf. Blocks: call it on a worker.
 * 0 and a snapshot (one reference); EALREADY: nothing changed, *sp is untouched;
 * EBADMSG: the file as a whole cannot be read, keep what is running; ENOENT: no
 * pjsip.conf; ENOMEM. Refused objects are in `r` and do not fail the build. */
int snapshot_build(struct snapshot **sp, const struct snapshot_prm *prm, struct report *r);
/* From memory, for tests: the text of a pjsip.conf, and of an acl.conf (may be empty). */
int snapshot_parse(struct snapshot **sp, struct str pjsip, struct str acl, struct snapshot *previous,
		   struct report *r);

const struct object *snapshot_get(const struct snapshot *s, enum object_type t, struct str name);
/* acl.conf: a view. NULL: no such file. */
struct named_acls;
const struct named_acls *snapshot_acls(const struct snapshot *s);

#define SNAPSHOT_GETTER(fn, S, T) \
	static inline const struct S *fn(const struct snapshot *s, struct str name) \
	{ return (const struct S *)(const void *)snapshot_get(s, T, name); }
SNAPSHOT_GETTER(snapshot_endpoint, endpoint, OBJECT_ENDPOINT)
SNAPSHOT_GETTER(snapshot_auth, auth_conf, OBJECT_AUTH)
SNAPSHOT_GETTER(snapshot_aor, aor, OBJECT_AOR)
SNAPSHOT_GETTER(snapshot_domain_alias, domain_alias, OBJECT_DOMAIN_ALIAS)
SNAPSHOT_GETTER(snapshot_transport, transport_conf, OBJECT_TRANSPORT)
SNAPSHOT_GETTER(snapshot_contact, contact_conf, OBJECT_CONTACT)
SNAPSHOT_GETTER(snapshot_registration, registration_conf, OBJECT_REGISTRATION)
SNAPSHOT_GETTER(snapshot_identify, identify_conf, OBJECT_IDENTIFY)
SNAPSHOT_GETTER(snapshot_resource_list, resource_list, OBJECT_RESOURCE_LIST)
SNAPSHOT_GETTER(snapshot_outbound_publish, outbound_publish, OBJECT_OUTBOUND_PUBLISH)
SNAPSHOT_GETTER(snapshot_outbound_subscription, outbound_subscription, OBJECT_OUTBOUND_SUBSCRIPTION)
SNAPSHOT_GETTER(snapshot_inbound_publication, inbound_publication, OBJECT_INBOUND_PUBLICATION)
SNAPSHOT_GETTER(snapshot_asterisk_publication, asterisk_publication, OBJECT_ASTERISK_PUBLICATION)

/* snapshot_each(aor, OBJECT_AOR, a, s) { ... a->name ... }: all of a type in file order. */
#define snapshot_each(S, T, var, s) \
	for (size_t var##_i = 0; var##_i < (s)->list[T].n; var##_i++) \
		for (const struct S *var = (const struct S *)(const void *)(s)->list[T].v[var##_i]; var; var = NULL)

#endif
