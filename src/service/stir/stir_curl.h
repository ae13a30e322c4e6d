/* service/stir/stir_curl.h -- one fetch of a certificate with libcurl: its limits, and what comes of it.
 * Threads: the one that runs the transfer. */
#ifndef SERVICE_STIR_CURL_H
#define SERVICE_STIR_CURL_H

#include "service/stir/stir_fetch.h"
#include <curl/curl.h>

/* The transfer of a GET; its callbacks fill the job. NULL: the job says why. */
CURL *stir_curl_new(struct stir_job *j);
/* It is over: the job's `status`, or `why`. */
void stir_curl_over(struct stir_job *j, CURL *easy, CURLcode code);
/* A line of the answer's head. False: there are too many, or no memory. */
bool stir_curl_header(struct stir_job *j, struct str line);

#endif
