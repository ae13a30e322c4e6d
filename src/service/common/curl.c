/* dlopen() counts and keeps: a second time costs some symbols' lookup. */
#define LOG_MODULE "service"
#include "service/common/curl.h"
#include "base/log.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CURL_SO "libcurl.so.4"

static bool find(void *lib, const char *name, void *out)
{
	void *p = dlsym(lib, name);

	memcpy(out, &p, sizeof(p));
	return p;
}

int curl_lib_load(struct curl_lib *c)
{
	void *lib = dlopen(CURL_SO, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	bool all = lib;

#define X(name) all = all && find(lib, "curl_" #name, &c->name);
	CURL_LIB(X)
#undef X
	if (!all)
		log_error("nothing can be fetched: %s; Debian has " CURL_SO " in the package libcurl4", dlerror());
	return all ? 0 : ELIBACC;
}
