/* service/object/objects.h -- what the tables of service/objects_*.c share: custom
 * parsers and writers, and what a load gathers while an object is read.
 * Threads: a build has one owner; nothing here is global. */
#ifndef SERVICE_OBJECT_OBJECTS_H
#define SERVICE_OBJECT_OBJECTS_H

#include "service/object/settings.h"

/* Rules of one acl_set while its lines are read: "p10.0.0.0/8\n", "d0.0.0.0/0\n",
 * "nNAME\n". Equal texts share one acl_set. */
struct acl_text {
	struct buf b;
};

struct object_build {
	struct option_ctx ctx;          /* .user is this */
	const char *type;               /* "endpoint": the type being read */
	const struct config *c;         /* what is being read */
	const struct config_section *s;
	struct report *r;
	const struct named_acls *acls;  /* view; NULL: none */
	const struct global_conf *global;       /* view; there before any auth is read */
	struct acl_text acl, contact_acl;
	struct conf_var *var;           /* held: set_var, event_*, phoneprov's, gathered */
	size_t vars, var_cap;
	struct map *acl_sets;           /* held: text of the rules -> struct acl_set */
	struct acl_set **set;           /* held until the snapshot takes it: all acl_sets */
	size_t sets, set_cap;
	regex_t **regex;                /* the same for compiled expressions */
	size_t regexes, regex_cap;
};

/* Empty what belongs to one object. */
void build_reset(struct object_build *b);
void build_free(struct object_build *b);
/* A fault of the object as a whole, at its section's line; gives EBADMSG. */
int build_fault(struct object_build *b, enum report_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The set for gathered rules, *out NULL when there are none. A name that acl.conf
 * does not have is reported; the set then refuses everybody. */
int build_acl(struct object_build *b, struct acl_text *t, const struct acl_set **out);
int build_vars(struct object_build *b, const struct conf_var_list **out);
/* "/re/": compiled into *out; anything else: *out NULL. EBADMSG is reported. */
int build_regex(struct object_build *b, const char *option, struct str text, regex_t **out);
/* "sip:" or "sips:" and something behind. EBADMSG is reported. */
int build_uri(struct object_build *b, const char *option, struct str uri);

option_parse_fn parse_codecs_allow, parse_codecs_disallow;      /* const struct codec_list * */
option_write_fn write_codecs;
option_parse_fn parse_codec_prefs;                              /* struct codec_prefs */
option_write_fn write_codec_prefs;
option_parse_fn parse_tos;                                      /* uint8_t */
option_write_fn write_u8;
option_parse_fn parse_dscp;                                     /* uint8_t, low bits cleared */
option_parse_fn parse_groups;                                   /* uint64_t */
option_write_fn write_groups;
option_parse_fn parse_acl, parse_permit, parse_deny;            /* const struct acl_set * */
option_parse_fn parse_contact_acl, parse_contact_permit, parse_contact_deny;
option_write_fn write_acl;
option_parse_fn parse_set_var;                                  /* const struct conf_var_list * */
option_parse_fn parse_any_var;                                  /* the option's own name and value */
option_parse_fn parse_each_var;                                 /* the same; repeats all count */
option_parse_fn parse_event_var;                                /* event_NAME=value */
option_write_fn write_vars;
option_parse_fn parse_algorithms;                               /* struct algorithm_list */
option_write_fn write_algorithms;
option_parse_fn parse_readable;                                 /* struct str: a file that can be read */
option_write_fn write_str;
option_parse_fn parse_media_address;                            /* struct str */
option_parse_fn parse_user_part;                                /* struct str */
option_parse_fn parse_mechanisms;                               /* struct str: a list in canonical letters */
#define MECHANISM_VALUES "none, msrp-tls, sdes-srtp, dtls-srtp with ;parameters, between commas"
option_parse_fn parse_time;                                     /* int64_t */
option_write_fn write_time;

/* An object of an older snapshot, copied bytes and all, so that the old one can go.
 * `index` is that type's. Nothing is reported. ENOMEM. */
int keep_object(struct object_build *b, enum object_type t, const struct option_index *index,
		const struct object *old, struct object **out);
/* finish_* of a type, or nothing. */
int finish_object(struct object_build *b, enum object_type t, void *o);

/* The codec names allow= knows; NULL after the last. Their order is allow=all's. */
const char *codec_name_at(size_t i);

extern const struct option_set endpoint_options, auth_options, aor_options, contact_options,
	domain_alias_options, transport_options, system_options, global_options, registration_options,
	outbound_publish_options, outbound_subscription_options, inbound_publication_options, asterisk_publication_options,
	identify_options, acl_options, resource_list_options, subscription_persistence_options,
	phoneprov_options;

/* After all lines of an object: what only the whole shows. 0, EBADMSG (reported:
 * the object is refused), ENOMEM. */
int finish_endpoint(struct object_build *b, struct endpoint *e);
int finish_auth(struct object_build *b, struct auth_conf *a);
int finish_aor(struct object_build *b, struct aor *a);
int finish_transport(struct object_build *b, struct transport_conf *t);
int finish_registration(struct object_build *b, struct registration_conf *r);
int finish_outbound_publish(struct object_build *b, struct outbound_publish *p);
int finish_outbound_subscription(struct object_build *b, struct outbound_subscription *s);
int finish_inbound_publication(struct object_build *b, struct inbound_publication *p);
int finish_identify(struct object_build *b, struct identify_conf *i);
int finish_acl(struct object_build *b, struct acl_conf *a);
int finish_resource_list(struct object_build *b, struct resource_list *l);
int finish_phoneprov(struct object_build *b, struct phoneprov_conf *p);

#endif
