/* service/common/curl.h -- libcurl, loaded when something is fetched for the first time. It brings 25 libraries with it:
 * linked to, they would be half of what a console's start takes, and most servers fetch nothing. Threads: any. */
#ifndef SERVICE_CURL_H
#define SERVICE_CURL_H

#include <curl/curl.h>

/* Its functions, without their curl_. */
#define CURL_LIB(X) \
	X(global_init) X(global_cleanup) X(free) \
	X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_perform) X(easy_escape) X(easy_strerror) X(easy_cleanup) \
	X(multi_init) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_poll) X(multi_wakeup) \
	X(multi_info_read) X(multi_cleanup)

struct curl_lib {
#define X(name) typeof(curl_##name) *name;
	CURL_LIB(X)
#undef X
};

/* It stays loaded, and may be asked for again. ELIBACC: it is not there, which is logged. */
int curl_lib_load(struct curl_lib *c);

#endif
