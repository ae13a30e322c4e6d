/* service/stir/stir_conf.h -- stir_shaken.conf: [attestation], [verification], sections of type=tn and type=profile,
 * and what each profile comes to over the global sections.
 * Ownership: a section and the whole are objs; a section owns its strings, lists, keys and authorities, and an
 * effective profile holds those that it was made of. A reload keeps a section that cannot be read as it was.
 * Threads: built by one, which may block on files and on the network; immutable from then on. */
#ifndef SERVICE_STIR_CONF_H
#define SERVICE_STIR_CONF_H

#include "config/option.h"
#include "service/object/object.h"
#include "service/stir/stir_cert.h"

enum stir_kind { STIR_ATTESTATION, STIR_VERIFICATION, STIR_TN, STIR_PROFILE, STIR_KINDS };
enum stir_behavior { STIR_OFF, STIR_ATTEST, STIR_VERIFY, STIR_ON };     /* ON: both bits */
enum stir_action { STIR_CONTINUE, STIR_REJECT, STIR_RETURN_REASON, STIR_ACTION_NOT_SET };
enum stir_bool { STIR_NO, STIR_YES, STIR_NOT_SET };

struct stir_section {           /* obj */
	struct str name;
	const char *file;
	uint32_t line;
	uint8_t kind;                   /* enum stir_kind */
	uint8_t endpoint_behavior;      /* enum stir_behavior */
	bool global_disable;
	/* attestation */
	struct str private_key_file, public_cert_url;
	uint8_t attest_level, unknown_tn_attest_level;  /* 'A', 'B', 'C'; 0: not set */
	uint8_t check_tn_cert_public_url, send_mky;     /* enum stir_bool */
	/* verification */
	struct str ca_file, ca_path, crl_file, crl_path, untrusted_cert_file, untrusted_cert_path, cert_cache_dir;
	uint32_t curl_timeout, max_iat_age, max_date_header_age, max_cache_entry_age;   /* [s] 0: not set */
	uint32_t max_cache_size;
	uint8_t failure_action;         /* enum stir_action */
	uint8_t use_rfc9410_responses, relax_x5u_port_scheme_restrictions, relax_x5u_path_restrictions, load_system_certs,
		ignore_sip_date_header; /* enum stir_bool */
	const struct acl_set *acl;      /* NULL: not set */
	/* made of these */
	struct stir_key *key;           /* held; NULL: none */
	struct stir_store *store;       /* held; NULL: none */
	struct arena *arena;            /* held; NULL: an effective profile */
	struct acl_set **acls;          /* held */
	size_t acl_n;
	struct stir_section *of[3];     /* held: what an effective profile's strings and lists belong to */
};

struct stir_list {
	struct stir_section **v;        /* held, each; in file order */
	size_t n;
};

struct stir_conf {              /* obj */
	struct stir_section *attestation, *verification;        /* held; NULL: not there, and so switched off */
	struct stir_list tns, profiles, eprofiles;
	bool old_format;                /* of before Asterisk 18.22: nothing is read */
};

struct stir_conf_prm {
	const struct config_prm *files;
	const struct named_acls *acls;  /* NULL: none */
	struct str data_dir;            /* where keys/stir_shaken/cache is */
	const struct stir_conf *previous;       /* view; NULL */
	bool only_check;                /* nothing is made, fetched or written */
};
/* No file: an empty one, and 0. */
int stir_conf_load(struct stir_conf **out, const struct stir_conf_prm *prm, struct report *r);
int stir_conf_parse(struct stir_conf **out, struct str text, const struct stir_conf_prm *prm, struct report *r);
const struct option_set *stir_conf_options(unsigned i);      /* by enum stir_kind; NULL after the last */
struct stir_section *stir_list_get(const struct stir_list *l, struct str name);      /* view; NULL */

/* For the number, under an effective profile: how a call of it is signed. False: it is not. */
struct stir_signing {
	const struct stir_key *key;     /* views, of the configuration */
	struct str url;
	char level;
	bool mky;
};
enum stir_sign_fault { STIR_SIGN_OK, STIR_SIGN_UNKNOWN, STIR_SIGN_NO_LEVEL, STIR_SIGN_NO_URL, STIR_SIGN_NO_KEY };
enum stir_sign_fault stir_conf_signing(const struct stir_conf *c, const struct stir_section *eprofile, struct str tn,
				       struct stir_signing *out);

/* `x5u` by the rules of a profile (ATIS-1000074 5.3.1). */
bool stir_x5u_allowed(const struct stir_section *eprofile, struct str x5u);

#endif
