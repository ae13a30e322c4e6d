/* service/stir/passport.h -- PASSporT (RFC 8225) with the shaken extension (RFC 8588) and the Identity header it
 * travels in (RFC 8224): bytes in, fields out, and back. No key, file or network: a signature is checked by
 * stir_cert.h over the bytes that this finds.
 * Ownership: a struct passport owns what passport_free() gives back; its `signed_part` looks into the header's value.
 * Threads: touches only its arguments. */
#ifndef SERVICE_STIR_PASSPORT_H
#define SERVICE_STIR_PASSPORT_H

#include "base/text.h"
#include "base/buf.h"

#define PASSPORT_MAX 16384      /* [bytes] of an Identity header's value */
#define PASSPORT_SIGNATURE 64   /* [bytes] r and s of ES256 (RFC 7518 3.4) */
#define TN_MAX 128              /* [bytes] of a telephone number */

struct passport {
	struct str signed_part;         /* view: header "." payload, as it came */
	uint8_t signature[PASSPORT_SIGNATURE];
	size_t signature_n;             /* that are there; more than fit: 0 */
	struct text alg, ppt, typ, x5u; /* of the JWT's header; empty: not there, or no text */
	struct text attest, origid, orig_tn;
	int64_t iat;                    /* [s] 0: not there */
	bool has_orig, has_orig_tn, has_dest;
};
/* The value of an Identity header. EBADMSG: no JWT stands before its first ';', or one whose parts are no base64url
 * or no JSON objects, or there is no ';' (compact form, without info: shaken needs the full one); ENOMEM. */
int passport_read(struct passport *p, struct str identity);
void passport_free(struct passport *p);

/* What one of ours says. */
struct passport_key_print {
	const char *alg;                /* "sha-256" */
	struct str digest;              /* hex digits, perhaps with colons, which are left out */
};
struct passport_prm {
	struct str x5u, orig_tn, dest_tn, origid;
	char attest;                    /* 'A', 'B' or 'C' */
	int64_t iat;                    /* [s] */
	const struct passport_key_print *mky;
	size_t mkys;                    /* 0: no mky claim */
};
/* base64url(header) "." base64url(payload): what is to be signed. ENOMEM */
int passport_write(struct buf *out, const struct passport_prm *prm);
/* The header's value: `jwt`, which the signature is already part of, and its parameters. */
void passport_write_identity(struct buf *out, struct str jwt, struct str x5u);

/* RFC 4648 5, without padding. Read: EBADMSG, also for bits left over; ENOBUFS from the buffer. */
void base64url_write(struct buf *out, const void *p, size_t n);
int base64url_read(struct buf *out, struct str s);

/* The digits, * and # of a number (RFC 8224 8.3); cut to what fits. Gives a view of `room`. */
struct str tn_canonical(struct str s, char room[TN_MAX]);
/* A SIP date: "Sat, 13 Nov 2010 23:29:00 GMT" (RFC 3261 20.17), in seconds since 1970. EBADMSG */
int stir_date_read(struct str s, int64_t *out);
void stir_date_write(struct buf *out, int64_t at);

/* What a certificate's server says of how long it may be kept: the largest of Cache-Control's s-maxage, else its
 * max-age, and Expires, as a time; 0: nothing. */
int64_t stir_cache_until(struct str cache_control, struct str expires, int64_t now);

#endif
