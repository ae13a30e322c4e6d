/* The options of stir_shaken.conf. What the rows of the global sections have as defaults is not set in profiles and
 * numbers, so that it shows through. */
#include "service/object/objects.h"
#include "service/stir/stir_conf.h"

static const struct option_choice bools[] = {
	{ "not_set", STIR_NOT_SET }, { "yes", STIR_YES }, { "no", STIR_NO }, { NULL, 0 },
};
static const struct option_choice levels[] = {
	{ "not_set", 0 }, { "A", 'A' }, { "B", 'B' }, { "C", 'C' }, { NULL, 0 },
};
static const struct option_choice actions[] = {
	{ "continue", STIR_CONTINUE }, { "reject_request", STIR_REJECT }, { "continue_return_reason", STIR_RETURN_REASON },
	{ "not_set", STIR_ACTION_NOT_SET }, { NULL, 0 },
};
static const struct option_choice behaviors[] = {
	{ "off", STIR_OFF }, { "none", STIR_OFF }, { "attest", STIR_ATTEST }, { "verify", STIR_VERIFY }, { "on", STIR_ON },
	{ "both", STIR_ON }, { NULL, 0 },
};

#define S struct stir_section
#define AGE 4294967.0   /* [s] */
#define ATTEST(bool_default) \
	OPT_ENUM(S, attest_level, levels, "not_set", 0, "Level of attestation (RFC 8588): A, B or C."), \
	OPT_ENUM(S, check_tn_cert_public_url, bools, bool_default, 0, \
		"At each load fetch public_cert_url: without a valid certificate there, or with a private key, the section is refused."), \
	OPT_STR(S, private_key_file, NULL, 0, "Private key (P-256, PEM) that calls are signed with."), \
	OPT_STR(S, public_cert_url, NULL, 0, "Where others find the certificate of that key: x5u."), \
	OPT_ENUM(S, send_mky, bools, bool_default, 0, "Sign the fingerprint of DTLS too (mky, RFC 8225 5.2.2).")
#define UNKNOWN_TN \
	OPT_ENUM(S, unknown_tn_attest_level, levels, "not_set", 0, "Level for callers without a section of type=tn; not set: their calls are not signed.")
#define ACLS(n, pf, v, h) OPT_CUSTOM_AS(n, S, acl, const struct acl_set *, pf, NULL, v, NULL, OPT_HIDDEN, h)
#define VERIFY(bool_default, action, timeout, iat, date, age, size) \
	OPT_STR(S, ca_file, NULL, 0, "Authorities that are trusted, PEM."), \
	OPT_STR(S, ca_path, NULL, 0, "The same, a directory made by `openssl rehash`."), \
	OPT_STR(S, cert_cache_dir, NULL, 0, "Where fetched certificates are kept; empty: keys/stir_shaken/cache in the data directory."), \
	OPT_STR(S, crl_file, NULL, 0, "Revocation lists, PEM."), \
	OPT_STR(S, crl_path, NULL, 0, "The same, a directory made by `openssl rehash`."), \
	OPT_UINT(S, curl_timeout, timeout, 0, 3600, "s", 0, "How long fetching a certificate may take; 0: as if it were not said."), \
	OPT_ENUM(S, failure_action, actions, action, 0, "What a call gets whose caller is not proven. A profile that does not say it has continue."), \
	OPT_ENUM(S, ignore_sip_date_header, bools, bool_default, 0, "A call without a Date header is judged by iat alone."), \
	OPT_ENUM(S, load_system_certs, bools, bool_default, 0, "Trust the system's authorities too."), \
	OPT_UINT(S, max_cache_entry_age, age, 0, AGE, "s", 0, \
		"How long a certificate is kept; longer when its server says so, never longer than it is valid."), \
	OPT_UINT(S, max_cache_size, size, 0, 4294967295.0, NULL, OPT_OLD, "Kept for compatibility: as in Asterisk the cache has no bound."), \
	OPT_UINT(S, max_date_header_age, date, 0, AGE, "s", 0, "How old a call's Date may be."), \
	OPT_UINT(S, max_iat_age, iat, 0, AGE, "s", 0, "How old its signature may be."), \
	OPT_ENUM(S, relax_x5u_path_restrictions, bools, bool_default, 0, "x5u may have a user, a query or a fragment."), \
	OPT_ENUM(S, relax_x5u_port_scheme_restrictions, bools, bool_default, 0, "x5u may be http, and have any port."), \
	OPT_STR(S, untrusted_cert_file, NULL, 0, "Certificates that may help to verify revocation lists, PEM."), \
	OPT_STR(S, untrusted_cert_path, NULL, 0, "The same, a directory made by `openssl rehash`."), \
	OPT_ENUM(S, use_rfc9410_responses, bools, bool_default, 0, "Reason headers have the protocol STIR (RFC 9410), else SIP."), \
	ACLS("x5u_acl", parse_acl, "names from acl.conf between commas", "Lists that the address of a certificate's server must pass."), \
	ACLS("x5u_deny", parse_deny, "address or network; may be repeated", "Addresses that no certificate is fetched from; without any " \
		"x5u_ line these are the special ones (RFC 6890)."), \
	ACLS("x5u_permit", parse_permit, "address or network; may be repeated", "Addresses that it is, although a deny above fits.")

static const struct option attestation_rows[] = {
	ATTEST("no"),
	OPT_BOOL(S, global_disable, "no", OPT_YESNO, "No call is signed."),
	UNKNOWN_TN,
};
static const struct option verification_rows[] = {
	VERIFY("no", "continue", "2", "15", "15", "3600", "1000"),
	OPT_BOOL(S, global_disable, "no", OPT_YESNO, "No call is verified."),
};
static const struct option tn_rows[] = {
	ATTEST("not_set"),
};
static const struct option profile_rows[] = {
	ATTEST("not_set"),
	OPT_ENUM(S, endpoint_behavior, behaviors, "off", 0, "What is done for the endpoints that name this profile."),
	UNKNOWN_TN,
	VERIFY("not_set", "not_set", "0", "0", "0", "0", "0"),
};

#define SET(nm, rws, h) { .type = nm, .file = "stir_shaken.conf", .rows = rws, .n = ARRAY_LEN(rws), .size = sizeof(S), .help = h }
static const struct option_set sets[STIR_KINDS] = {
	[STIR_ATTESTATION] = SET("attestation", attestation_rows, "How calls of ours are signed: the one section of this name."),
	[STIR_VERIFICATION] = SET("verification", verification_rows, "How callers are verified: the one section of this name."),
	[STIR_TN] = SET("tn", tn_rows, "A number whose calls are signed: a section with type=tn, named by its digits, * and #. "
		"What it does not say, profile and [attestation] do."),
	[STIR_PROFILE] = SET("profile", profile_rows, "What stir_shaken_profile of endpoints names: a section with type=profile. What "
		"it does not say, the global sections do."),
};

const struct option_set *stir_conf_options(unsigned i)
{
	return i < STIR_KINDS ? &sets[i] : NULL;
}
