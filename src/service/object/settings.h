/* service/object/settings.h -- manager.conf, and acl.conf's named lists.
 * Ownership: each is an obj that owns its strings and lists.
 * Threads: built by one, immutable from then on. */
#ifndef SERVICE_OBJECT_SETTINGS_H
#define SERVICE_OBJECT_SETTINGS_H

#include "service/object/object.h"

/* acl.conf */
struct named_acls;              /* obj */
/* No file: an empty set and 0. */
int named_acls_load(struct named_acls **ap, const struct config_prm *prm, struct report *r);
int named_acls_parse(struct named_acls **ap, struct str text, struct report *r);
int named_acls_build(struct named_acls **ap, const struct config *c, struct report *r);
struct acl *named_acls_get(const struct named_acls *a, struct str name);      /* view; NULL */
size_t named_acls_count(const struct named_acls *a);
/* In file order; `file`, `line` where it stands. */
struct acl *named_acls_at(const struct named_acls *a, size_t i);

/* Classes of the manager's events and actions; the numbers are shown nowhere. */
enum manager_perm {
	PERM_SYSTEM = 1 << 0, PERM_CALL = 1 << 1, PERM_LOG = 1 << 2, PERM_VERBOSE = 1 << 3,
	PERM_COMMAND = 1 << 4, PERM_AGENT = 1 << 5, PERM_USER = 1 << 6, PERM_CONFIG = 1 << 7,
	PERM_DTMF = 1 << 8, PERM_REPORTING = 1 << 9, PERM_CDR = 1 << 10, PERM_DIALPLAN = 1 << 11,
	PERM_ORIGINATE = 1 << 12, PERM_AGI = 1 << 13, PERM_HOOKRESPONSE = 1 << 14, PERM_CC = 1 << 15,
	PERM_AOC = 1 << 16, PERM_TEST = 1 << 17, PERM_SECURITY = 1 << 18, PERM_MESSAGE = 1 << 19,
	PERM_ALL = 0x7fffffff,
};
/* "system,call" or "all"; EBADMSG: an unknown word is in *bad (may be NULL), the
 * others are still set in *mask. */
int manager_perm_parse(struct str s, uint32_t *mask, struct str *bad);
/* "system,call", in the order of the enum; "<none>" for 0. */
void manager_perm_write(struct buf *b, uint32_t mask);

struct manager_user {
	struct str name;
	struct secret secret;
	const struct acl_set *acl;      /* deny, permit, acl; NULL: from anywhere */
	const struct conf_var_list *setvar;     /* NULL: none */
	const struct conf_var_list *eventfilter;        /* name as written ("eventfilter(...)") and value */
	uint32_t read, write;           /* enum manager_perm */
	uint32_t writetimeout;          /* [ms] */
	uint32_t line;
	bool displayconnects, allowmultiplelogin;
};

struct manager_conf {           /* obj */
	struct arena *arena;            /* held */
	struct str bindaddr, tlsbindaddr, tlscertfile, tlsprivatekey, tlscipher;
	struct sa listen;               /* bindaddr and port; [::]:5038 when not set */
	struct sa tls_listen;           /* tlsbindaddr; port 5039 when it names none */
	struct str_list channelvars, disabledevents;
	struct str_list allowed_origins;        /* other sites whose pages may ask over HTTP */
	uint32_t port, httptimeout, authtimeout, authlimit;     /* timeouts in [s] */
	bool enabled, webenabled, brokeneventsaction, allowmultiplelogin, displayconnects, timestampevents,
		debug, tlsenable, tlsdisablev1, tlsdisablev11, tlsdisablev12, tlsservercipherorder;
	const struct manager_user *user;        /* in file order */
	size_t users;
	struct acl_set **acls;          /* held, for the destructor */
	size_t acl_n;
};
/* No file: not enabled, and 0. */
int manager_conf_load(struct manager_conf **cp, const struct config_prm *prm, const struct named_acls *acls,
		      struct report *r);
int manager_conf_parse(struct manager_conf **cp, struct str text, const struct named_acls *acls,
		       struct report *r);
const struct option_set *manager_conf_options(unsigned i);   /* general, user; NULL after */
const struct manager_user *manager_conf_user(const struct manager_conf *c, struct str name);

#endif
