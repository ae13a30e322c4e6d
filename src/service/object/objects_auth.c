/* Options of type=auth, aor and contact. */
#include "service/object/objects.h"
#include "base/list.h"
#include <errno.h>

#define MAX32 4294967295.0
#define L OPT_LATER

static const struct option_choice auth_types[] = {
	{ "userpass", AUTH_USERPASS }, { "md5", AUTH_MD5 }, { "digest", AUTH_DIGEST },
	{ "google_oauth", AUTH_GOOGLE_OAUTH }, { NULL, 0 } };

/* Length of a hash in hex digits (RFC 7616 3.3). */
static size_t hex_len(enum digest_alg a)
{
	return a == DIGEST_MD5 ? 32 : 64;
}

static int set_ha1(struct option_ctx *ctx, struct secret *ha1, enum digest_alg alg, struct str hex)
{
	struct str name = digest_alg_name(alg);
	char low[DIGEST_HEX];
	int err = 0;

	if (hex.n != hex_len(alg))
		return option_why(ctx, "a %.*s digest has %zu hex digits, not %zu", STR_ARG(name), hex_len(alg), hex.n);
	for (size_t i = 0; i < hex.n; i++) {
		char c = hex.p[i];

		if (c >= 'A' && c <= 'F')
			c = (char)(c + 32);
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return option_why(ctx, "a digest is written in hex digits");
		low[i] = c;
	}
	ha1[alg].s = intern_str(ctx->intern, str_mk(low, hex.n), &err);
	return err;
}

/* ALGORITHM:HEX between commas. The digits must be those of user:realm:password
 * with the realm that is used (RFC 7616 3.4.2 A1). */
static int parse_password_digest(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int err = 0;

	(void)o;
	while (!err && value.n) {
		struct str hex = str_trim(str_cut_raw(&value, ',')), name;
		enum digest_alg alg;

		if (!hex.n)
			continue;
		if (str_chr(hex, ':') == hex.n)
			return option_why(ctx, "is not ALGORITHM:HEX");
		name = str_trim(str_cut_raw(&hex, ':'));
		if (digest_alg_of(name, &alg))
			return option_why(ctx, "'%.*s' is not MD5, SHA-256 or SHA-512-256", STR_ARG(name));
		err = set_ha1(ctx, field, alg, str_trim(hex));
	}
	return err;
}

static int parse_md5_cred(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	(void)o;
	return value.n ? set_ha1(ctx, field, DIGEST_MD5, value) : 0;
}

static void write_password_digest(struct buf *b, const struct option *o, const void *field)
{
	const struct secret *ha1 = field;
	bool any = false;

	(void)o;
	for (size_t i = 0; i < DIGEST_ALGS; i++) {
		if (!ha1[i].s.n)
			continue;
		buf_puts(b, any ? STR(",") : STR(""), digest_alg_name((enum digest_alg)i), STR(":"), ha1[i].s);
		any = true;
	}
}

static void write_md5_cred(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_put(b, ((const struct secret *)field)[DIGEST_MD5].s);
}

#define A struct auth_conf
static const struct option auth_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be auth."),
	OPT_ENUM(A, auth_type, auth_types, "userpass", 0,
		"digest (userpass and md5 are its old names) or google_oauth."),
	OPT_STR(A, username, NULL, 0, "User name to ask for or to answer with."),
	OPT_SECRET(A, password, 0, "Password in the clear; serves every algorithm."),
	OPT_CUSTOM_AS("password_digest", A, ha1[0], struct secret, parse_password_digest, write_password_digest,
		"ALGORITHM:HEX; may be repeated", NULL, OPT_PRIVATE,
		"Hash of user:realm:password, so that no password need be stored."),
	OPT_CUSTOM_AS("md5_cred", A, ha1[0], struct secret, parse_md5_cred, write_md5_cred, "32 hex digits", NULL,
		OPT_PRIVATE | OPT_OLD, "Old form of password_digest with MD5."),
	OPT_CUSTOM(A, supported_algorithms_uac, struct algorithm_list, parse_algorithms, write_algorithms,
		"MD5, SHA-256, SHA-512-256 between commas", NULL, 0,
		"Algorithms used to answer challenges; empty: global default_auth_algorithms_uac."),
	OPT_CUSTOM(A, supported_algorithms_uas, struct algorithm_list, parse_algorithms, write_algorithms,
		"MD5, SHA-256, SHA-512-256 between commas", NULL, 0,
		"Algorithms offered in challenges, in this order; empty: global default_auth_algorithms_uas."),
	OPT_SECRET(A, refresh_token, L, "OAuth refresh token."),
	OPT_STR(A, oauth_clientid, NULL, L, "OAuth client id."),
	OPT_SECRET(A, oauth_secret, L, "OAuth client secret."),
	OPT_STR(A, realm, NULL, 0, "Realm of challenges; empty: global default_realm as server, any as client."),
	OPT_UINT(A, nonce_lifetime, "32", 1, MAX32, "s", 0, "How long a nonce may be used."),
};
#undef A

const struct option_set auth_options = {
	.type = "auth", .file = "pjsip.conf", .rows = auth_rows, .n = ARRAY_LEN(auth_rows), .size = sizeof(struct auth_conf),
	.help = "Credentials: to challenge requests with, or to answer challenges with.",
};

static int need_credentials(struct object_build *b, const struct auth_conf *a, const struct algorithm_list *l,
			    const char *which)
{
	for (size_t i = 0; i < l->n; i++) {
		struct str name = digest_alg_name((enum digest_alg)l->v[i]);

		if (!a->password.s.n && !a->ha1[l->v[i]].s.n)
			return build_fault(b, REPORT_ERROR, "auth '%.*s': %s has %.*s, but there is neither a password nor a "
					   "password_digest for it", STR_ARG(a->name), which, STR_ARG(name));
	}
	return 0;
}

bool auth_proves(const struct auth_conf *a, enum digest_alg alg)
{
	if (!a->password.s.n && !a->ha1[alg].s.n)
		return false;
	for (size_t i = 0; i < a->supported_algorithms_uas.n; i++)
		if (a->supported_algorithms_uas.v[i] == alg)
			return true;
	return false;
}

bool auth_proves_any(const struct auth_conf *a)
{
	for (unsigned alg = 0; alg < DIGEST_ALGS; alg++)
		if (auth_proves(a, (enum digest_alg)alg))
			return true;
	return false;
}

int finish_auth(struct object_build *b, struct auth_conf *a)
{
	int err;

	if (!a->username.n)
		return build_fault(b, REPORT_ERROR, "auth '%.*s': needs username=", STR_ARG(a->name));
	if (a->auth_type == AUTH_GOOGLE_OAUTH) {
		if (a->refresh_token.s.n && a->oauth_clientid.n && a->oauth_secret.s.n)
			return 0;
		return build_fault(b, REPORT_ERROR, "auth '%.*s': google_oauth needs refresh_token, oauth_clientid and "
				   "oauth_secret", STR_ARG(a->name));
	}
	a->own_algorithms_uas |= a->supported_algorithms_uas.n > 0;
	a->own_algorithms_uac |= a->supported_algorithms_uac.n > 0;
	if (!a->own_algorithms_uas)
		a->supported_algorithms_uas = b->global->default_auth_algorithms_uas;
	if (!a->own_algorithms_uac)
		a->supported_algorithms_uac = b->global->default_auth_algorithms_uac;
	err = need_credentials(b, a, &a->supported_algorithms_uas, "supported_algorithms_uas");
	return err ? err : need_credentials(b, a, &a->supported_algorithms_uac, "supported_algorithms_uac");
}

#define A struct aor
static const struct option aor_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be aor."),
	OPT_LIST(A, contact, NULL, OPT_ADD, "Permanent contacts: URIs that need not register."),
	OPT_UINT(A, default_expiration, "3600", 0, MAX32, "s", 0, "Lifetime of a contact that asks for none."),
	OPT_LIST(A, mailboxes, NULL, 0, "Mailboxes whose state subscriptions to this AOR get."),
	OPT_STR(A, voicemail_extension, NULL, 0, "Extension put into Message-Account."),
	OPT_UINT(A, maximum_expiration, "7200", 0, MAX32, "s", 0, "Longest lifetime of a contact; more is cut."),
	OPT_UINT(A, max_contacts, "0", 0, MAX32, "contacts", 0, "How many contacts may be registered; 0: none."),
	OPT_UINT(A, minimum_expiration, "60", 0, MAX32, "s", 0, "Shortest lifetime of a contact; less is raised."),
	OPT_BOOL(A, remove_existing, "no", 0, "A new contact may push out the one that expires first."),
	OPT_BOOL(A, remove_unavailable, "no", 0, "Push out unreachable contacts first."),
	OPT_UINT(A, qualify_frequency, "0", 0, 86400, "s", 0, "Interval of OPTIONS to each contact; 0: none."),
	OPT_DOUBLE(A, qualify_timeout, "3.0", 0, 86400, "s", 0, "How long to wait for its answer; 0: the transaction's time."),
	OPT_BOOL(A, qualify_2xx_only, "no", 0, "Only a 2xx proves a contact reachable."),
	OPT_BOOL(A, authenticate_qualify, "no", OPT_VOID, "Whether to answer a challenge to such an OPTIONS: the endpoint's outbound_auth decides, as in Asterisk."),
	OPT_STR(A, outbound_proxy, NULL, 0, "Full URI of the proxy that OPTIONS to contacts go through."),
	OPT_BOOL(A, support_path, "no", 0, "Store and use Path (RFC 3327)."),
};
#undef A

const struct option_set aor_options = {
	.type = "aor", .file = "pjsip.conf", .rows = aor_rows, .n = ARRAY_LEN(aor_rows), .size = sizeof(struct aor),
	.help = "An address of record: where an endpoint registers, and the contacts it is reached at.",
};

int finish_aor(struct object_build *b, struct aor *a)
{
	if (a->maximum_expiration < a->minimum_expiration)
		build_fault(b, REPORT_WARNING, "aor '%.*s': maximum_expiration is below minimum_expiration",
			    STR_ARG(a->name));
	for (size_t i = 0; i < a->contact.n; i++) {
		int err = build_uri(b, "contact", a->contact.v[i]);

		if (err)
			return err;
	}
	return 0;
}

#define C struct contact_conf
static const struct option contact_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be contact."),
	OPT_STR(C, uri, NULL, OPT_REQUIRED | OPT_VOID, "Where requests go."),
	OPT_CUSTOM(C, expiration_time, int64_t, parse_time, write_time, "seconds since 1970", NULL, OPT_VOID,
		"When it ends; 0: never."),
	OPT_UINT(C, qualify_frequency, "0", 0, 86400, "s", OPT_VOID, "Interval of OPTIONS; 0: none."),
	OPT_DOUBLE(C, qualify_timeout, "3.0", 0, 86400, "s", OPT_VOID, "How long to wait for the answer."),
	OPT_BOOL(C, qualify_2xx_only, "no", OPT_VOID, "Only a 2xx proves it reachable."),
	OPT_BOOL(C, authenticate_qualify, "no", OPT_YESNO | OPT_VOID, "Answer a challenge to the OPTIONS."),
	OPT_STR(C, outbound_proxy, NULL, OPT_VOID, "Full URI of the proxy to it."),
	OPT_STR(C, path, NULL, OPT_VOID, "Stored Path (RFC 3327)."),
	OPT_STR(C, user_agent, NULL, OPT_VOID, "User-Agent of the REGISTER."),
	OPT_STR(C, endpoint, NULL, OPT_VOID, "Endpoint that registered it."),
	OPT_STR(C, reg_server, NULL, OPT_VOID, "Server that took the registration."),
	OPT_STR(C, via_addr, NULL, OPT_VOID, "Host of the REGISTER's last Via."),
	OPT_UINT(C, via_port, "0", 0, 65535, NULL, OPT_VOID, "Port of it."),
	OPT_STR(C, call_id, NULL, OPT_VOID, "Call-ID of the REGISTER."),
	OPT_BOOL(C, prune_on_boot, "no", OPT_YESNO | OPT_VOID, "Cannot survive a restart: its connection is gone then."),
};
#undef C

const struct option_set contact_options = {
	.type = "contact", .file = "pjsip.conf", .rows = contact_rows, .n = ARRAY_LEN(contact_rows),
	.size = sizeof(struct contact_conf),
	.help = "A contact as it is stored. Registrations make these; a section of this type is read and changes nothing: "
		"contact= of an aor is what stays.",
};

static const struct option alias_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be domain_alias."),
	OPT_STR(struct domain_alias, domain, NULL, 0, "The domain that this section's name stands for."),
};

const struct option_set domain_alias_options = {
	.type = "domain_alias", .file = "pjsip.conf", .rows = alias_rows, .n = ARRAY_LEN(alias_rows),
	.size = sizeof(struct domain_alias),
	.help = "Another name of a domain: the section's name is looked up as the domain.",
};
