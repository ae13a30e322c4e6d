/* service/stir/stir.h -- STIR/SHAKEN at work (RFC 8224, 8225, 8226, 8588): who calls us is proven by an Identity header
 * and the certificate that it names, and our calls are signed, as stir_shaken.conf's profiles say.
 * What it means for a call is service/call/session_stir.c's.
 * Threads: core. Certificates are fetched and files touched by the thread of stir_fetch.h. */
#ifndef SERVICE_STIR_H
#define SERVICE_STIR_H

#include "base/list.h"
#include "service/common/service.h"
#include "service/stir/stir_fetch.h"

/* Checks of one endpoint that wait for certificates: a trunk whose certificates' server is slow must not have all of
 * STIR_FETCHES. */
#define STIR_CHECKS_PER_ENDPOINT 64

/* In place of stir_fetch_submit(), for tests: it has `j` as its own reference, or gives an error. */
typedef int stir_submit_fn(void *arg, struct stir_job *j);

struct stir {
	struct stir_conf *conf;         /* held; NULL: none */
	struct stir_fetch *fetch;       /* made when first needed */
	stir_submit_fn *submit;         /* NULL: fetch */
	void *submit_arg;
	struct list checks;             /* struct stir_check that wait, held */
	struct list fetches;              /* what is fetched for them: stir_verify.c */
};

/* In force from now on; holds `c`. ENOMEM */
int stir_set_conf(struct service *svc, struct stir_conf *c);
const struct stir_conf *stir_conf_of(const struct service *svc);     /* NULL: none */
void stir_set_submit(struct service *svc, stir_submit_fn *fn, void *arg);
int stir_submit(struct service *svc, struct stir_job *j);            /* as stir_fetch_submit() */
/* The effective profile of that name, if it does `what` (STIR_ATTEST, STIR_VERIFY). NULL: it does not, or there is
 * none, which is logged for `endpoint`. */
struct stir_section *stir_profile(const struct service *svc, struct str name, enum stir_behavior what, struct str endpoint);

/* ---- verification: stir_verify.c */
struct stir_check {             /* obj */
	struct list link;               /* in stir.checks, while it waits */
	struct service *svc;
	struct stir_section *profile;   /* held: the effective one */
	struct text endpoint, caller, identity, attestation, hash, file;
	struct passport passport;
	enum stir_result result;
	bool over;
	char why[STIR_WHY];
	struct stir_job *job;           /* held: reads the file of the certificate. NULL */
	struct list waits;              /* in stir_get.waiters */
	void (*done)(struct stir_check *c);     /* NULL: nobody asks any more */
	void *arg;
};
struct stir_check_prm {
	struct str endpoint, profile;   /* names */
	struct str caller;              /* its number, as we know it */
	struct str identity, date;      /* of the INVITE; empty: none */
	void (*done)(struct stir_check *c);     /* once, never before stir_check_new() returns */
	void *arg;
};
/* ENOENT: the profile verifies nothing. ENOMEM. 0: *out is the caller's; `over`, or `done` will be called. */
int stir_check_new(struct stir_check **out, struct service *svc, const struct stir_check_prm *prm);
void stir_check_forget(struct stir_check *c);        /* no callback any more */
void stir_free(struct service *svc);                 /* the end: nobody who waits is told */

/* ---- signing: stir_sign.c */
struct stir_sign_prm {
	struct str endpoint, profile;   /* names */
	struct str orig, dest;          /* numbers, as they are known */
	struct str fingerprint;         /* "sha-256 AB:CD": of DTLS; empty: none */
};
/* Whole header lines: Identity, and Date when `date`. Nothing: the profile signs no such call. */
void stir_sign(struct service *svc, const struct stir_sign_prm *prm, bool date, struct buf *h);

#endif
