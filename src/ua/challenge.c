/* Credentials for the challenges of a 401 or 407 (RFC 3261 22.2, 22.3; RFC 8760: of one
 * realm the first algorithm that both know). */
#include "ua/challenge.h"

#define MAX_CHALLENGES 3        /* a chain of proxies, each with its realm */
#define MAX_REALMS 8            /* in one response */

static bool is_repeated(struct ua_challenges *c, const struct sip_msg *msg)
{
	struct digest_fields f;
	struct str v = sip_hdr_value(msg, msg->status == 407 ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE);

	if (c->answered >= MAX_CHALLENGES || !v.n)
		return true;
	if (digest_parse(&f, v))
		return false;
	/* The same realm again, not because the nonce was old: the password is wrong. */
	if (c->last_realm.n && str_eq(text_view(&c->last_realm), f.realm) && !f.stale)
		return true;
	return text_set(&c->last_realm, f.realm) != 0;
}

static int write_answer(struct digest_ctx *digest, struct sip_out *out, struct buf *b, const struct digest_fields *f,
			enum digest_alg alg, const struct ua_credentials *cred, bool proxy)
{
	struct digest_answer_prm prm = { .challenge = f, .alg = alg, .username = cred->username,
		.password = cred->password, .ha1 = cred->ha1[alg], .method = out->method_name, .uri = out->ruri,
		.body = out->body, .nc = 1 };
	int err;

	buf_put(b, proxy ? STR("Proxy-Authorization: ") : STR("Authorization: "));
	err = digest_answer(digest, &prm, b);
	buf_put(b, STR("\r\n"));
	return err;
}

static bool is_done(const struct str *done, size_t n, struct str realm)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(done[i], realm))
			return true;
	return n == MAX_REALMS;
}

/* What answered the challenges of others, a proxy on the way for one, stays (22.3). */
static void keep_others(const struct sip_out *out, struct buf *b, const struct str *done, size_t n)
{
	struct str rest = out->auth, line;

	while (str_line(&rest, &line)) {
		struct digest_fields f;

		if (!digest_parse(&f, str_trim(str_skip(line, str_chr(line, ':') + 1))) && !is_done(done, n, f.realm))
			buf_puts(b, line, STR("\r\n"));
	}
}

bool ua_challenge_answer(struct ua_challenges *c, struct digest_ctx *digest, struct sip_out *out,
			 const struct sip_msg *msg, ua_credentials_fn *credentials, void *arg)
{
	struct str done[MAX_REALMS];
	struct buf b = BUF_INIT;
	size_t n = 0;
	int err = 0;

	if (!credentials || is_repeated(c, msg))
		return false;
	for (size_t h = 0; h < msg->hdrs && !err; h++) {
		bool proxy = msg->hdr[h].id == SIP_H_PROXY_AUTHENTICATE;
		struct ua_credentials cred = { .username = STR_NULL };
		struct digest_fields f;
		enum digest_alg alg;

		if ((!proxy && msg->hdr[h].id != SIP_H_WWW_AUTHENTICATE) || digest_parse(&f, msg->hdr[h].value) ||
		    digest_alg_of(f.algorithm, &alg))
			continue;
		if (is_done(done, n, f.realm) || !credentials(arg, f.realm, &cred) || !cred.supports[alg])
			continue;
		done[n++] = f.realm;
		err = write_answer(digest, out, &b, &f, alg, &cred, proxy);
	}
	if (!err && n)
		keep_others(out, &b, done, n);
	err = err ? err : buf_err(&b);
	if (!err && n) {
		out->auth = sip_out_dup(out, buf_view(&b));
		c->answered++;
	}
	buf_free(&b);
	return !err && n;
}
