/* service/stir/stir_fetch.h -- what STIR needs from files and from certificates' servers, off the core: one thread of
 * its own with all fetches at once, so that no slow server holds up another's.
 * Bounds:  STIR_FETCHES jobs at a time, STIR_BODY_MAX bytes of a body, the job's time; http and https only, no
 *          redirect, no proxy, no address that the job's lists refuse: asked of the address that is connected to.
 * Ownership: a job is an obj; the thread holds it until `done` was called.
 * Threads: core, but for stir_fetch_now(): any that may block. The thread begins with the first job. */
#ifndef SERVICE_STIR_FETCH_H
#define SERVICE_STIR_FETCH_H

#include "net/loop.h"
#include "service/stir/stir_conf.h"

#define STIR_FETCHES 256
#define STIR_BODY_MAX 8192      /* [bytes] as in Asterisk */

enum stir_job_kind {
	STIR_JOB_READ,          /* `file` into `body` */
	STIR_JOB_GET,           /* `url` into `body` and the headers */
	STIR_JOB_WRITE,         /* `body` into `file` */
	STIR_JOB_REMOVE         /* `file` */
};

struct stir_job {               /* obj */
	enum stir_job_kind kind;
	struct text url, file;
	struct stir_section *section;   /* held: its acl and curl_timeout; NULL: no lists, 5 seconds */
	void (*done)(struct stir_job *j);       /* on the core, once; not when the service ends before. NULL: nobody asks */
	void *arg;                      /* whoever goes before sets `done` to NULL */
	/* what came of it */
	int err;                        /* READ, WRITE: errno */
	long status;                    /* GET: of HTTP; 0: no answer, and `why` */
	struct buf body;
	struct text cache_control, expires;
	char why[STIR_WHY];
	struct stir_job *next;          /* the thread's own */
	void *easy;
	size_t header_bytes;
};
struct stir_job *stir_job_new(enum stir_job_kind kind, struct stir_section *section);        /* NULL: ENOMEM */

struct stir_fetch;
struct stir_fetch *stir_fetch_new(struct loop *l);   /* NULL: ENOMEM */
void stir_fetch_free(struct stir_fetch *f);          /* what runs is given up */
/* Holds `j`. ENOBUFS: STIR_FETCHES run; ENOMEM, errno of pthread_create(). */
int stir_fetch_submit(struct stir_fetch *f, struct stir_job *j);
/* A GET, here and now. */
void stir_fetch_now(struct stir_job *j);

#endif
