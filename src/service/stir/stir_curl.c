/* One fetch of a certificate: what libcurl may do for it, and what it may not. */
#include "service/stir/stir_curl.h"
#include "base/log.h"
#include "base/obj.h"
#include "net/address.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX (32u << 10)    /* [bytes] of all header lines */
#define NOW_S 5L                /* for a fetch without a profile */

static void job_free(void *arg)
{
	struct stir_job *j = arg;

	text_free(&j->url);
	text_free(&j->file);
	text_free(&j->cache_control);
	text_free(&j->expires);
	buf_free(&j->body);
	obj_drop(j->section);
}

struct stir_job *stir_job_new(enum stir_job_kind kind, struct stir_section *section)
{
	struct stir_job *j = obj_new(sizeof(*j), job_free);

	if (!j)
		return NULL;
	j->kind = kind;
	j->section = obj_hold(section);
	j->body.max = STIR_BODY_MAX;
	return j;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct stir_job *j = arg;

	buf_mem(&j->body, p, size * n);
	return buf_err(&j->body) ? 0 : size * n;        /* 0: the transfer ends */
}

bool stir_curl_header(struct stir_job *j, struct str line)
{
	struct str value = line, name = str_trim(str_cut_raw(&value, ':'));
	int err = 0;

	j->header_bytes += line.n;
	if (str_ieq(name, STR("Cache-Control")))
		err = text_set(&j->cache_control, str_trim(value));
	else if (str_ieq(name, STR("Expires")))
		err = text_set(&j->expires, str_trim(value));
	return !err && j->header_bytes <= HEAD_MAX;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	return stir_curl_header(arg, str_mk(p, size * n)) ? size * n : 0;
}

/* The address that is connected to, whatever name led there: a name may lead elsewhere the next time. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
	struct stir_job *j = arg;
	char text[SA_TEXT];
	struct sa sa = { 0 };

	(void)purpose;
	if (at->family != AF_INET && at->family != AF_INET6)
		return CURL_SOCKET_BAD;
	sa_from(&sa, &at->addr, at->addrlen);
	if (j->section && !acl_set_permits(j->section->acl, &sa, NULL)) {
		snprintf(j->why, sizeof(j->why), "x5u_acl, x5u_deny and x5u_permit refuse %s", sa_text_bare(&sa, text));
		return CURL_SOCKET_BAD;
	}
	return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
}

static bool set_all(CURL *e, struct stir_job *j)
{
	long s = j->section && j->section->curl_timeout ? (long)j->section->curl_timeout : NOW_S;
	bool ok = curl_easy_setopt(e, CURLOPT_URL, text_z(&j->url)) == CURLE_OK;

	ok = ok && curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	/* A proxy of the environment would be connected to in place of the address that the lists judge. */
	ok = ok && curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;        /* ATIS-1000074 */
	/* A connection that another profile's lists allowed is not taken up. */
	ok = ok && curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_TIMEOUT, s) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	/* A name that is still being looked up when the time is over does not hold up the thread. */
	ok = ok && curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_MAXFILESIZE, (long)STIR_BODY_MAX) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_USERAGENT, "sidetone") == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_WRITEDATA, j) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_HEADERDATA, j) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, j) == CURLE_OK;
	return ok && curl_easy_setopt(e, CURLOPT_PRIVATE, j) == CURLE_OK;
}

CURL *stir_curl_new(struct stir_job *j)
{
	CURL *e = curl_easy_init();

	if (!e || !set_all(e, j)) {
		snprintf(j->why, sizeof(j->why), "out of memory");
		curl_easy_cleanup(e);
		return NULL;
	}
	return e;
}

void stir_curl_over(struct stir_job *j, CURL *easy, CURLcode code)
{
	long status = 0;

	if (code == CURLE_OK && curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK) {
		j->status = status;
		return;
	}
	if (buf_err(&j->body) == ENOBUFS || code == CURLE_FILESIZE_EXCEEDED)
		snprintf(j->why, sizeof(j->why), "it is larger than %d bytes", STIR_BODY_MAX);
	else if (!j->why[0])
		snprintf(j->why, sizeof(j->why), "%s", curl_easy_strerror(code));
}

void stir_fetch_now(struct stir_job *j)
{
	CURL *e = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : stir_curl_new(j);

	if (e) {
		stir_curl_over(j, e, curl_easy_perform(e));
		curl_easy_cleanup(e);
	}
	curl_global_cleanup();
}
