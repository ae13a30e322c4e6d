/* tests/loop/stir_calls.h -- alice's calls, which wait until they are proven or not, and hers to bob, which are signed.
 * The certificates' server and the cache's files are the test's: jobs[] is what the service asked of them. */
#ifndef TESTS_LOOP_STIR_CALLS_H
#define TESTS_LOOP_STIR_CALLS_H

#include "alice.h"
#include "../unit/stir_stage.h"
#include "service/stir/stir.h"

#define X5U "https://certs.example/c.pem"
#define DATE "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
#define NUMBER "18005551212"
#define STIR_JOBS 80

extern struct pki pki;
extern struct stir_job *jobs[STIR_JOBS];        /* held: not answered yet; the oldest first */
extern size_t njobs;
extern int submit_err;                  /* jobs are refused */

int stir_setup_all(void **state);
int stir_teardown_all(void **state);
int stir_setup(void **state);
int stir_teardown(void **state);
/* The oldest job, which is of that kind, is done ... */
void job_done(enum stir_job_kind kind);
/* ... and has given that. `status` 0: nothing. */
void job_gives(enum stir_job_kind kind, long status, struct str body);
/* stir_shaken.conf, with profiles `in` for alice and `out` for bob; `profile` stands at the end of `in`. */
void put_conf(const char *profile);
/* An INVITE of hers. `number`: as her trunk asserts it; `date`: a header line; NULL: none. */
void calls_as(const char *number, const char *exten, const char *date, const char *identity);
void calls(const char *exten, const char *date, const char *identity);
const char *good(void);         /* an Identity value that proves NUMBER */
struct str good_pem(void);      /* ... by this certificate */
/* The dialplan has run, and her call is answered. */
void assert_result(const char *result);

#endif
