/* Access tokens for registrations: a POST with libcurl on a pool thread, and the header that has the token. */
#define LOG_MODULE "outbound"
#include "service/outbound/oauth.h"
#include "base/obj.h"
#include "net/loop.h"
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>

struct oauth_job {              /* obj: the caller's reference, and that of the work */
	struct text url, client, secret, refresh;       /* the configuration may be gone meanwhile */
	struct text token;
	oauth_done_fn *fn;              /* NULL: forgotten */
	void *arg;
	char why[160];
};

static void job_free(void *arg)
{
	struct oauth_job *j = arg;

	text_free(&j->url);
	text_free(&j->client);
	text_free(&j->secret);
	text_free(&j->refresh);
	text_free(&j->token);
}

/* ---- the answer ------------------------------------------------------------------------------------- */

/* A token of RFC 6750 2.1, so that it ends neither its quotes nor the line. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '\\' || (unsigned char)s.p[i] > '~')
			return false;
	return s.n > 0;
}

int oauth_token_of(struct str json, struct text *token)
{
	json_t *root = json.n ? json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	struct str value = str_z(json_string_value(json_object_get(root, "access_token")));
	int err = is_token(value) ? text_set(token, value) : EBADMSG;

	json_decref(root);
	return err;
}

/* ---- on a pool thread ---------------------------------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	buf_mem(arg, p, size * n);
	return buf_err(arg) ? 0 : size * n;
}

static void put_field(CURL *e, struct buf *b, const char *name, const struct text *value)
{
	char *z = curl_easy_escape(e, text_z(value), (int)value->n);

	buf_puts(b, b->n ? STR("&") : STR_NULL, str_z(name), STR("="), str_z(z));
	if (!z)
		b->err = ENOMEM;
	curl_free(z);
}

static bool set_all(CURL *e, const struct oauth_job *j, struct buf *form, struct buf *answer)
{
	bool ok = curl_easy_setopt(e, CURLOPT_URL, text_z(&j->url)) == CURLE_OK;

	put_field(e, form, "client_id", &j->client);
	put_field(e, form, "client_secret", &j->secret);
	put_field(e, form, "refresh_token", &j->refresh);
	buf_put(form, STR("&grant_type=refresh_token"));
	(void)buf_z(form);
	ok = ok && !buf_err(form) && curl_easy_setopt(e, CURLOPT_POSTFIELDS, form->p) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)OAUTH_CONNECT_S) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)OAUTH_S) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_USERAGENT, "sidetone") == CURLE_OK;
	ok = ok && curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
	return ok && curl_easy_setopt(e, CURLOPT_WRITEDATA, answer) == CURLE_OK;
}

static void work(void *arg)
{
	struct oauth_job *j = arg;
	struct buf form = BUF_INIT, answer = { .max = OAUTH_ANSWER };
	CURL *e = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : curl_easy_init();
	long status = 0;
	CURLcode code;

	if (!e || !set_all(e, j, &form, &answer)) {
		snprintf(j->why, sizeof(j->why), "out of memory");
	} else {
		code = curl_easy_perform(e);
		curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
		if (code)
			snprintf(j->why, sizeof(j->why), "%s", curl_easy_strerror(code));
		else if (oauth_token_of(buf_view(&answer), &j->token))
			snprintf(j->why, sizeof(j->why), "the answer (%ld) has no access_token", status);
	}
	curl_easy_cleanup(e);
	if (form.p)             /* it has the secret */
		explicit_bzero(form.p, form.n);
	buf_free(&form);
	buf_free(&answer);
}

static void done(void *arg)
{
	struct oauth_job *j = arg;

	if (j->fn)
		j->fn(j->arg, text_view(&j->token), j->why);
	obj_drop(j);
}

/* ---- on the core ------------------------------------------------------------------------------------------ */

int oauth_fetch(struct oauth_job **out, struct loop *l, struct str url, const struct auth_conf *a, oauth_done_fn *fn, void *arg)
{
	struct oauth_job *j = obj_new(sizeof(*j), job_free);
	int err = j ? text_set(&j->url, url.n ? url : STR(OAUTH_URL)) : ENOMEM;

	err = err ? err : text_set(&j->client, a->oauth_clientid);
	err = err ? err : text_set(&j->secret, a->oauth_secret.s);
	err = err ? err : text_set(&j->refresh, a->refresh_token.s);
	if (!err) {
		j->fn = fn;
		j->arg = arg;
		obj_hold(j);
		err = loop_work(l, work, done, j);
		if (err)
			obj_drop(j);
	}
	if (err)
		obj_drop(j);
	else
		*out = j;
	return err;
}

void oauth_forget(struct oauth_job *j)
{
	if (j)
		j->fn = NULL;
	obj_drop(j);
}

static void put_quoted(struct buf *b, struct str name, struct str value)
{
	buf_puts(b, name, STR("=\""));
	for (size_t i = 0; i < value.n; i++) {
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 127)
			continue;
		if (value.p[i] == '"' || value.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, value.p[i]);
	}
	buf_char(b, '"');
}

void oauth_write(struct buf *b, struct str token, const struct auth_conf *a)
{
	buf_put(b, STR("Authorization: Bearer "));
	put_quoted(b, STR("token"), token);
	put_quoted(b, STR(", username"), a->username);
	put_quoted(b, STR(", realm"), a->realm);
	buf_put(b, STR("\r\n"));
}
