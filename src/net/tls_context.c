/* What a transport's TLS connections are made from, now: the current SSL_CTX pair, replaced when
 * its files or its options change, and sessions that servers let us resume. */
#define LOG_MODULE "tls"
#include "net/tls_private.h"
#include "base/log.h"
#include "base/obj.h"
#include "base/text.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LOOK_EVERY_MS 1000
#define SESSIONS 64     /* of servers; a trunk or two are the rule */

enum { FILE_CERT, FILE_KEY, FILE_AUTHORITIES, FILE_AUTHORITY_FOLDER, FILES };

struct stamp {
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct saved_session {
	struct text key;
	SSL_SESSION *session;           /* held */
};

struct tls_context {
	BIO_METHOD *bio;                /* held; not changed */
	struct text name;               /* not changed */
	pthread_mutex_t lock;           /* guards all that follows */
	struct tls_pair now;            /* held */
	struct tls_prm prm;             /* views into the texts */
	struct text ca_list_file, ca_list_path, cert_file, priv_key_file, password, cipher;
	struct stamp stamp[FILES];      /* of what was loaded, or refused, last */
	uint64_t looked_ms;
	struct saved_session saved[SESSIONS];
	unsigned next_saved;
};

/* ---- files --------------------------------------------------------------------------------- */

static struct stamp stamp_of(const struct text *path)
{
	struct stamp s = { 0 };
	struct stat st;

	if (!path->n || stat(path->p, &st))
		return s;
	s = (struct stamp){ .there = true, .dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_mtim };
	return s;
}

static bool stamp_eq(const struct stamp *a, const struct stamp *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* True: something is not as it was when it was looked at last. */
static bool take_stamps(struct tls_context *t)
{
	const struct text *const paths[FILES] = { &t->cert_file, &t->priv_key_file, &t->ca_list_file, &t->ca_list_path };
	bool changed = false;

	for (unsigned i = 0; i < FILES; i++) {
		struct stamp s = stamp_of(paths[i]);

		changed |= !stamp_eq(&s, &t->stamp[i]);
		t->stamp[i] = s;
	}
	return changed;
}

static void forget_sessions(struct tls_context *t)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		SSL_SESSION_free(t->saved[i].session);
		text_free(&t->saved[i].key);
		t->saved[i] = (struct saved_session){ 0 };
	}
}

/* Stamps first: what is written while we read is seen the next time. */
static void look_at_files(struct tls_context *t, uint64_t now_ms)
{
	struct buf why = BUF_INIT;
	struct tls_pair fresh;

	if (now_ms - t->looked_ms < LOOK_EVERY_MS)
		return;
	t->looked_ms = now_ms;
	if (!take_stamps(t))
		return;
	if (tls_load(&fresh, &t->prm, &why)) {
		log_error("%s: %s; the certificate of before stays in use", text_z(&t->name), buf_z(&why));
	} else {
		tls_pair_free(&t->now);
		t->now = fresh;
		/* What was verified by the authorities of before is verified anew. */
		forget_sessions(t);
		log_notice("%s: changed certificate files are loaded", text_z(&t->name));
	}
	buf_free(&why);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void prm_free(struct tls_context *t)
{
	struct text *const texts[] = { &t->ca_list_file, &t->ca_list_path, &t->cert_file, &t->priv_key_file, &t->password,
		&t->cipher };

	if (t->password.n)
		OPENSSL_cleanse(t->password.p, t->password.n);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_free(texts[i]);
}

static void context_free(void *arg)
{
	struct tls_context *t = arg;

	tls_pair_free(&t->now);
	forget_sessions(t);
	prm_free(t);
	text_free(&t->name);
	BIO_meth_free(t->bio);
	pthread_mutex_destroy(&t->lock);
}

static int copy_prm(struct tls_context *t, const struct tls_prm *prm)
{
	int err = text_set(&t->ca_list_file, prm->ca_list_file);

	err = err ? err : text_set(&t->ca_list_path, prm->ca_list_path);
	err = err ? err : text_set(&t->cert_file, prm->cert_file);
	err = err ? err : text_set(&t->priv_key_file, prm->priv_key_file);
	err = err ? err : text_set(&t->password, prm->password);
	err = err ? err : text_set(&t->cipher, prm->cipher);
	t->prm = *prm;
	t->prm.name = text_view(&t->name);
	t->prm.ca_list_file = text_view(&t->ca_list_file);
	t->prm.ca_list_path = text_view(&t->ca_list_path);
	t->prm.cert_file = text_view(&t->cert_file);
	t->prm.priv_key_file = text_view(&t->priv_key_file);
	t->prm.password = text_view(&t->password);
	t->prm.cipher = text_view(&t->cipher);
	return err;
}

int tls_context_new(struct tls_context **out, const struct tls_prm *prm, struct buf *why)
{
	struct tls_context *t = obj_new(sizeof(*t), context_free);
	int err;

	if (!t)
		return ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->bio = tls_bio_method();
	err = t->bio ? text_set(&t->name, prm->name) : ENOMEM;
	err = err ? err : copy_prm(t, prm);
	if (!err) {
		take_stamps(t);
		err = tls_load(&t->now, &t->prm, why);
	}
	if (err)
		obj_drop(t);
	else
		*out = t;
	return err;
}

int tls_context_change(struct tls_context *t, const struct tls_prm *prm, struct buf *why)
{
	struct tls_pair fresh;
	int err = tls_load(&fresh, prm, why);

	if (err)
		return err;
	pthread_mutex_lock(&t->lock);
	err = copy_prm(t, prm);
	if (err) {
		tls_pair_free(&fresh);
	} else {
		take_stamps(t);
		tls_pair_free(&t->now);
		t->now = fresh;
		forget_sessions(t);
	}
	pthread_mutex_unlock(&t->lock);
	return err;
}

/* ---- for a connection ---------------------------------------------------------------------- */

SSL *tls_context_ssl(struct tls_context *t, enum tls_side side, uint64_t now_ms)
{
	SSL *ssl;

	pthread_mutex_lock(&t->lock);
	look_at_files(t, now_ms);
	ssl = SSL_new(side == TLS_ACCEPT ? t->now.accept : t->now.connect);
	pthread_mutex_unlock(&t->lock);
	return ssl;
}

const BIO_METHOD *tls_context_bio(const struct tls_context *t)
{
	return t->bio;
}

struct str tls_context_name(const struct tls_context *t)
{
	return text_view(&t->name);
}

void tls_context_rules(struct tls_context *t, bool *verify_server, bool *wildcards)
{
	pthread_mutex_lock(&t->lock);
	*verify_server = t->prm.verify_server;
	*wildcards = t->prm.allow_wildcard_certs;
	pthread_mutex_unlock(&t->lock);
}

static struct saved_session *find_session(struct tls_context *t, struct str key)
{
	for (unsigned i = 0; i < SESSIONS; i++)
		if (t->saved[i].session && str_eq(text_view(&t->saved[i].key), key))
			return &t->saved[i];
	return NULL;
}

/* One of TLS 1.3 is for one use (RFC 8446 C.4); its connection brings the next. */
SSL_SESSION *tls_context_session(struct tls_context *t, struct str key)
{
	SSL_SESSION *s = NULL;
	struct saved_session *have;

	pthread_mutex_lock(&t->lock);
	have = find_session(t, key);
	if (have) {
		s = have->session;
		have->session = NULL;
	}
	pthread_mutex_unlock(&t->lock);
	return s;
}

void tls_context_keep_session(struct tls_context *t, const SSL_CTX *ctx, struct str key, SSL_SESSION *s)
{
	struct saved_session *at;

	pthread_mutex_lock(&t->lock);
	at = find_session(t, key);
	if (!at)
		at = &t->saved[t->next_saved++ % SESSIONS];
	/* One that was verified by rules of before is no use any more. */
	if (ctx == t->now.connect && text_set(&at->key, key) == 0) {
		SSL_SESSION_free(at->session);
		at->session = s;
	} else {
		SSL_SESSION_free(s);
	}
	pthread_mutex_unlock(&t->lock);
}
