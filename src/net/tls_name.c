/* Whose certificate is it: the names in it, compared by the rules of RFC 5922. */
#include "net/tls_private.h"
#include "net/address.h"
#include <errno.h>
#include <openssl/x509v3.h>

#define SHOWN 8         /* names that a refusal lists */

struct name_check {
	struct str name;        /* without a dot at its end */
	bool is_address, wildcards;
	struct sa address;
	struct buf *why;
	unsigned shown;
};

static struct str asn1_view(const ASN1_STRING *s)
{
	return str_mk((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static struct str without_dot(struct str s)
{
	return s.n && s.p[s.n - 1] == '.' ? str_sub(s, 0, s.n - 1) : s;
}

static void show_name(struct name_check *k, const char *kind, struct str name)
{
	if (k->shown < SHOWN)
		buf_printf(k->why, "%s%s%.*s", k->shown ? ", " : "", kind, STR_ARG(name));
	k->shown++;
}

/* The first label may be '*', whole, and stands for one label; two must follow it. */
static bool wildcard_matches(struct str pattern, struct str name)
{
	struct str rest = name, tail;

	if (!str_starts(pattern, STR("*.")))
		return false;
	tail = str_skip(pattern, 2);
	str_cut_raw(&rest, '.');
	return rest.n && str_chr(tail, '*') == tail.n && str_chr(tail, '.') < tail.n && str_ieq(tail, rest);
}

static bool name_matches(struct name_check *k, const char *kind, struct str got)
{
	show_name(k, kind, got);
	got = without_dot(got);
	return got.n && (str_ieq(got, k->name) || (k->wildcards && !k->is_address && wildcard_matches(got, k->name)));
}

/* sip:example.com, without a user part and a port; what else it says is not ours. */
static bool sip_host(struct str uri, struct str *host)
{
	if (!str_istarts(uri, STR("sip:")) || str_chr(uri, '@') < uri.n)
		return false;
	*host = str_skip(uri, 4);
	*host = str_cut_raw(host, ';');
	*host = str_cut_raw(host, '?');
	return host->n != 0;
}

static bool address_matches(struct name_check *k, const ASN1_STRING *s)
{
	struct str raw = asn1_view(s), want;
	char text[SA_TEXT];
	struct sa a;

	if (raw.n == 4) {
		sa_from(&a, (const struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, sizeof(struct sockaddr_in));
		memcpy(&a.u.in4.sin_addr, raw.p, 4);
	} else if (raw.n == 16) {
		sa_from(&a, (const struct sockaddr *)&(struct sockaddr_in6){ .sin6_family = AF_INET6 }, sizeof(struct sockaddr_in6));
		memcpy(&a.u.in6.sin6_addr, raw.p, 16);
	} else {
		return false;
	}
	want = str_z(sa_text_bare(&a, text));
	show_name(k, "IP ", want);
	return k->is_address && sa_eq_host(&a, &k->address);
}

static bool has_nul(struct str s)
{
	return str_chr(s, '\0') < s.n;
}

/* A name with a NUL in it reads as two different ones: its maker means harm. */
static bool any_nul(const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if ((n->type == GEN_URI || n->type == GEN_DNS || n->type == GEN_EMAIL) && has_nul(asn1_view(n->d.ia5)))
			return true;
	}
	return false;
}

/* Names of one kind; *seen: there are some, whether they fit or not. */
static bool match_kind(struct name_check *k, const GENERAL_NAMES *names, int type, bool *seen)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		struct str host;

		if (n->type != type)
			continue;
		if (type == GEN_URI) {
			if (!sip_host(asn1_view(n->d.ia5), &host))
				continue;
			*seen = true;
			if (name_matches(k, "sip:", host))
				return true;
		} else if (type == GEN_DNS) {
			*seen = true;
			if (name_matches(k, "", asn1_view(n->d.ia5)))
				return true;
		} else if (address_matches(k, n->d.iPAddress)) {
			return true;
		}
	}
	return false;
}

static bool match_alt_names(struct name_check *k, const GENERAL_NAMES *names)
{
	bool sip = false, dns = false;

	if (match_kind(k, names, GEN_URI, &sip))
		return true;
	/* Who names SIP domains has named them all. */
	if (sip)
		return false;
	return match_kind(k, names, GEN_DNS, &dns) || match_kind(k, names, GEN_IPADD, &dns);
}

/* The most specific one is the last. */
static int match_common_name(struct name_check *k, const X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1, next;
	unsigned char *utf8 = NULL;
	struct str cn;
	int n, err;

	while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		at = next;
	if (at < 0)
		return EACCES;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (n < 0)
		return EACCES;
	cn = str_mk((const char *)utf8, (size_t)n);
	err = has_nul(cn) ? EBADMSG : name_matches(k, "CN=", cn) ? 0 : EACCES;
	OPENSSL_free(utf8);
	return err;
}

int tls_name_check(const X509 *cert, struct str name, bool wildcards, struct buf *why)
{
	struct buf names = BUF_INIT;
	struct name_check k = { .name = without_dot(name), .wildcards = wildcards, .why = &names };
	int crit, err = EACCES;
	GENERAL_NAMES *alt;

	k.is_address = sa_parse_host(&k.address, k.name, 1) == 0;
	alt = X509_get_ext_d2i(cert, NID_subject_alt_name, &crit, NULL);
	if (!alt && crit != -1)
		err = EBADMSG;          /* it is there, twice or not readable */
	else if (alt && any_nul(alt))
		err = EBADMSG;
	else if (alt && k.name.n)
		err = match_alt_names(&k, alt) ? 0 : EACCES;
	else if (k.name.n)
		err = match_common_name(&k, cert);
	GENERAL_NAMES_free(alt);
	if (err == EBADMSG)
		buf_printf(why, "the names in its certificate are malformed");
	else if (err)
		buf_printf(why, "its certificate is not for '%.*s' but for %.*s%s", STR_ARG(k.name),
			   STR_ARG(names.n ? buf_view(&names) : STR("nobody")), k.shown > SHOWN ? ", ..." : "");
	buf_free(&names);
	return err ? EACCES : 0;
}
