/* Sessions of the manager that no connection keeps: found by a cookie, or by the nonce of digest credentials. */
#define LOG_MODULE "manager"
#include "manage/manager_http.h"
#include "base/log.h"
#include "service/common/service.h"
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define COOKIE "mansession_id"
#define ID_BYTES 16
#define NONCE_LIFE 60           /* [s]; then the same credentials come with a new one */
#define UNKNOWN_LIFE 5          /* [s] of a session that has not logged in */
#define SESSIONS_MAX 256       /* over HTTP; the one that was not used longest makes room */

_Static_assert(AMI_WEB_ID >= DIGEST_NONCE, "a nonce is an id");

/* ---- finding ----------------------------------------------------------------------------------- */

static struct ami_session *find_session(const struct manager *mgr, struct str id, bool digest, struct str user)
{
	list_each(l, &mgr->sessions) {
		struct ami_session *s = container_of(l, struct ami_session, link);

		if (!s->web || s->web->digest != digest || (digest && !str_eq(text_view(&s->user), user)))
			continue;
		if (digest_equal(str_z(s->web->id), id) || (s->web->before[0] && digest_equal(str_z(s->web->before), id)))
			return s;
	}
	return NULL;
}

bool ami_web_proven(void *arg, const struct web_call *c)
{
	struct str id = web_cookie(web_head(c), STR(COOKIE));
	const struct ami_session *s = id.n ? find_session(arg, id, false, STR_NULL) : NULL;

	return s && s->authenticated;
}

void ami_web_cookie(const struct ami_http *h, bool over, struct buf *out)
{
	buf_printf(out, "Set-Cookie: " COOKIE "=\"%s\"; Version=1; Max-Age=%u; HttpOnly; SameSite=Strict%s\r\n", h->s->web->id,
		   over || !h->s->mgr ? 0 : h->s->mgr->conf->httptimeout, web_is_secure(h->call) ? "; Secure" : "");
}

/* ---- how long they live ------------------------------------------------------------------------ */

static void on_expired(void *arg)
{
	struct ami_session *s = arg;
	char text[SA_TEXT];

	if (s->authenticated && s->displayconnects)
		log_verbose(2, "HTTP Manager '%s' timed out from %s", text_z(&s->user), sa_text_bare(&s->peer, text));
	s->displayconnects = false;     /* so it is said once */
	ami_session_leave(s);
}

static uint32_t life_of(const struct ami_session *s)
{
	uint32_t life = s->mgr->conf->httptimeout;

	return s->authenticated || life < UNKNOWN_LIFE ? life : UNKNOWN_LIFE;
}

static void begin_use(struct ami_http *h, struct ami_session *s)
{
	h->s = obj_hold(s);
	str_copy(h->id, sizeof(h->id), str_z(s->web->id));
	s->web->in_use++;
	timer_stop(&s->auth);
}

void ami_web_leave(struct ami_http *h)
{
	struct ami_session *s = h->s;

	if (!s)
		return;
	s->web->in_use--;
	s->web->used_ms = clock_ms(h->m->clock);
	if (!s->web->in_use && !s->gone)
		timer_start(h->m->wheel, &s->auth, 1000ull * life_of(s), on_expired, s);
	h->s = obj_drop(s);
}

/* The one that nobody uses, the longest so. NULL: all are in use, or there is none. */
static struct ami_session *idlest(const struct manager *mgr, bool unknown)
{
	struct ami_session *oldest = NULL;

	list_each(l, &mgr->sessions) {
		struct ami_session *s = container_of(l, struct ami_session, link);

		if (s->web && !s->web->in_use && !(unknown && s->authenticated) && (!oldest || s->web->used_ms < oldest->web->used_ms))
			oldest = s;
	}
	return oldest;
}

static size_t count_sessions(const struct manager *mgr)
{
	size_t n = 0;

	list_each(l, &mgr->sessions)
		n += container_of(l, struct ami_session, link)->web != NULL;
	return n;
}

/* authlimit, and a bound for those that come and never log off. */
static bool make_room(struct manager *mgr)
{
	struct ami_session *s;

	if (ami_strangers(mgr, true) >= mgr->conf->authlimit) {
		s = idlest(mgr, true);
		if (!s)
			return false;
		ami_session_leave(s);
	}
	if (count_sessions(mgr) >= SESSIONS_MAX) {
		s = idlest(mgr, false);
		if (!s)
			return false;
		ami_session_leave(s);
	}
	return true;
}

static void refuse(struct ami_http *h, unsigned status, const char *title, const char *text)
{
	h->call->close = true;
	web_error(h->call, status, title, STR_NULL, text);
}

static struct ami_session *new_session(struct ami_http *h, bool digest)
{
	struct manager *mgr = h->m->manager;
	struct ami_session *s;

	if (!make_room(mgr)) {
		refuse(h, 503, "Service Unavailable", "Too many sessions");
		return NULL;
	}
	s = ami_session_new(mgr, &h->call->path.peer, &h->call->path.local);
	if (s)
		s->web = calloc(1, sizeof(*s->web));
	if (!s || !s->web) {
		if (s)
			ami_session_leave(s);
		refuse(h, 500, "Server Error", "Internal Server Error (out of memory)");
		return NULL;
	}
	s->web->digest = digest;
	return s;
}

/* ---- by cookie --------------------------------------------------------------------------------- */

static int draw_id(struct ami_session *s)
{
	uint8_t random[ID_BYTES];
	struct buf hex;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return EIO;
	buf_init(&hex, s->web->id, sizeof(s->web->id) - 1, sizeof(s->web->id) - 1);
	buf_hex(&hex, random, sizeof(random));
	return 0;
}

/* Else whoever made somebody use his cookie would have that login's rights. */
int ami_web_rename(struct ami_sink *http)
{
	struct ami_http *h = container_of(http, struct ami_http, sink);
	int err = h->digest ? 0 : draw_id(h->s);

	if (!err)
		str_copy(h->id, sizeof(h->id), str_z(h->s->web->id));
	return err;
}

bool ami_web_current(const struct ami_http *h)
{
	return h->digest || str_eq(str_z(h->id), str_z(h->s->web->id));
}

static int enter_by_cookie(struct ami_http *h)
{
	struct str id = web_cookie(web_head(h->call), STR(COOKIE));
	struct ami_session *s = id.n ? find_session(h->m->manager, id, false, STR_NULL) : NULL;

	if (!s) {
		s = new_session(h, false);
		if (!s)
			return EACCES;
		if (draw_id(s)) {
			ami_session_leave(s);
			refuse(h, 500, "Server Error", "Internal Server Error (no randomness)");
			return EIO;
		}
	}
	begin_use(h, s);
	return 0;
}

/* ---- by digest --------------------------------------------------------------------------------- */

static struct str realm_of(const struct manage *m)
{
	return m->conf && m->conf->systemname.n ? m->conf->systemname : STR("asterisk");
}

/* 401; `nonce` empty: a fresh one. */
static void challenge(struct ami_http *h, struct str nonce, bool stale)
{
	struct digest_ctx *d = h->m->service->digest;
	struct buf headers = BUF_INIT;
	char fresh[DIGEST_NONCE];

	if (!nonce.n) {
		nonce_make(d, &h->call->path.peer, realm_of(h->m), fresh);
		nonce = str_z(fresh);
	}
	buf_put(&headers, STR("WWW-authenticate: "));
	digest_write_challenge(d, &headers, DIGEST_MD5, realm_of(h->m), nonce, stale);
	buf_put(&headers, STR("\r\n"));
	web_error(h->call, 401, "Unauthorized", buf_view(&headers), "");
	buf_free(&headers);
}

static bool same_target(const struct http_head *head, struct str uri)
{
	struct str path = str_cut_raw(&uri, '?');

	return str_eq(path, head->path) && str_eq(uri, head->query);
}

static bool response_right(struct ami_http *h, const struct digest_fields *f, struct str secret)
{
	struct digest_ctx *d = h->m->service->digest;
	char ha1[DIGEST_HEX], want[DIGEST_HEX];

	if (!str_eq(f->realm, realm_of(h->m)) || !same_target(web_head(h->call), f->uri) ||
	    (f->algorithm.n && !str_ieq(f->algorithm, STR("MD5"))) || (f->qop.n && !str_eq(f->qop, STR("auth"))))
		return false;
	digest_ha1(d, DIGEST_MD5, f->username, f->realm, secret, ha1);
	digest_response(d, DIGEST_MD5, str_z(ha1), web_head(h->call)->method, f, STR_NULL, want);
	return want[0] && digest_equal(str_z(want), f->response);
}

/* Who is wrong is told to the security log, and waits as for a failed login. */
static void refuse_digest(struct ami_http *h, enum ami_security why, struct str user, struct str acl)
{
	struct ami_session *s = new_session(h, true);
	struct ami_ctx a = { .s = s, .m = h->m, .http = &h->sink };
	char text[SA_TEXT];

	if (!s)
		return;
	begin_use(h, s);
	ami_security(s, why, user, acl.n ? "ACLName" : NULL, acl);
	log_notice("%s failed to authenticate as '%.*s'", sa_text_bare(&s->peer, text), STR_ARG(user));
	ami_failed(&a);
	if (why == AMI_FAILED_ACL || why == AMI_SESSION_LIMIT)
		refuse(h, 403, "Permission denied", why == AMI_FAILED_ACL ? "Permission denied" : "Login Already In Use");
	else
		challenge(h, STR_NULL, false);
	if (!s->gone)
		ami_session_leave(s);
	ami_web_leave(h);
}

static void keep_nonce(struct ami_session *s, struct str nonce)
{
	str_copy(s->web->id, sizeof(s->web->id), nonce);
}

/* Right, but of a nonce that is over: its session goes on under a new one. */
static void renew_nonce(struct ami_http *h, const struct digest_fields *f)
{
	struct ami_session *s = find_session(h->m->manager, f->nonce, true, f->username);
	char fresh[DIGEST_NONCE];

	if (!s) {
		challenge(h, STR_NULL, true);
		return;
	}
	if (str_eq(str_z(s->web->id), f->nonce)) {
		nonce_make(h->m->service->digest, &h->call->path.peer, realm_of(h->m), fresh);
		str_copy(s->web->before, sizeof(s->web->before), str_z(s->web->id));
		keep_nonce(s, str_z(fresh));
	}
	challenge(h, str_z(s->web->id), true);
}

/* The credentials are right. */
static int enter_by_nonce(struct ami_http *h, const struct digest_fields *f, const struct manager_user *u)
{
	struct manager *mgr = h->m->manager;
	struct ami_session *s = find_session(mgr, f->nonce, true, f->username);

	if (!s && !u->allowmultiplelogin && ami_in_use(mgr, u->name)) {
		refuse_digest(h, AMI_SESSION_LIMIT, f->username, STR_NULL);
		return EACCES;
	}
	if (!s) {
		s = new_session(h, true);
		if (!s)
			return EACCES;
		keep_nonce(s, f->nonce);
		ami_enter(s, u, STR_NULL);
		ami_security(s, AMI_AUTH_OK, u->name, "UsingPassword", STR("0"));
	}
	begin_use(h, s);
	return 0;
}

static int enter_by_digest(struct ami_http *h)
{
	struct manager *mgr = h->m->manager;
	const struct manager_user *u;
	struct digest_fields f = { .stale = false };
	struct str value, acl = STR_NULL;
	enum nonce_verdict v;

	if (!h->m->service) {
		refuse(h, 503, "Service Unavailable", "The start is not over");
		return EAGAIN;
	}
	if (http_field(web_head(h->call), STR("Authorization"), &value) != 1 || digest_parse(&f, value) || f.nonce.n >= DIGEST_NONCE) {
		challenge(h, STR_NULL, false);
		return EACCES;
	}
	u = manager_conf_user(mgr->conf, f.username);
	if (!u || !u->secret.s.n) {
		refuse_digest(h, AMI_BAD_ACCOUNT, f.username, STR_NULL);
		return EACCES;
	}
	if (!acl_set_permits(u->acl, &h->call->path.peer, &acl)) {
		refuse_digest(h, AMI_FAILED_ACL, f.username, acl);
		return EACCES;
	}
	if (!response_right(h, &f, u->secret.s)) {
		refuse_digest(h, AMI_BAD_PASSWORD, f.username, STR_NULL);
		return EACCES;
	}
	v = nonce_check(h->m->service->digest, f.nonce, &h->call->path.peer, f.realm, NONCE_LIFE, f.nc, true);
	if (v == NONCE_OK)
		return enter_by_nonce(h, &f, u);
	if (v == NONCE_FORGED)
		challenge(h, STR_NULL, false);
	else
		renew_nonce(h, &f);
	return EACCES;
}

int ami_web_enter(struct ami_http *h)
{
	return h->digest ? enter_by_digest(h) : enter_by_cookie(h);
}
