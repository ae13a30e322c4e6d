/* Whom we trust: authorities, revocations and certificates that may help to get there, out of files. */
#include "base/obj.h"
#include "service/stir/stir_private.h"
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

struct stir_store {             /* obj */
	X509_STORE *trusted;
	STACK_OF(X509) *untrusted;
	STACK_OF(X509_CRL) *crls;
};

static void store_free(void *arg)
{
	struct stir_store *s = arg;

	X509_STORE_free(s->trusted);
	sk_X509_pop_free(s->untrusted, X509_free);
	sk_X509_CRL_pop_free(s->crls, X509_CRL_free);
}

/* ---- loading ------------------------------------------------------------------------------ */

/* What is read from one place. */
enum content { TRUSTED, UNTRUSTED, CRLS };

static int take_cert(struct stir_store *s, enum content what, X509 *x)
{
	int ok = what == TRUSTED ? X509_STORE_add_cert(s->trusted, x) : sk_X509_push(s->untrusted, x) > 0;

	/* The store holds it itself; the stack has this reference. */
	if (what == TRUSTED || !ok)
		X509_free(x);
	return ok ? 0 : ENOMEM;
}

/* All that a file holds. EBADMSG: nothing. */
static int read_all(struct stir_store *s, enum content what, BIO *bio)
{
	size_t n = 0;
	int err = 0;

	while (!err) {
		X509 *x = what == CRLS ? NULL : PEM_read_bio_X509(bio, NULL, stir_no_password, NULL);
		X509_CRL *crl = what == CRLS ? PEM_read_bio_X509_CRL(bio, NULL, stir_no_password, NULL) : NULL;

		if (!x && !crl)
			break;
		n++;
		if (x)
			err = take_cert(s, what, x);
		else if (sk_X509_CRL_push(s->crls, crl) <= 0) {
			X509_CRL_free(crl);
			err = ENOMEM;
		}
	}
	ERR_clear_error();
	return err ? err : n ? 0 : EBADMSG;
}

static int load_file(struct stir_store *s, enum content what, const char *path, char why[STIR_WHY])
{
	BIO *bio = BIO_new_file(path, "re");
	int err = bio ? read_all(s, what, bio) : EBADMSG;

	if (!bio)
		snprintf(why, STIR_WHY, "'%s' cannot be read: %s", path, strerror(errno));
	else if (err == EBADMSG)
		snprintf(why, STIR_WHY, "'%s' has no %s in PEM", path, what == CRLS ? "revocation list" : "certificate");
	ERR_clear_error();
	BIO_free(bio);
	return err;
}

/* "5ed36f99.0", "5ed36f99.r0": what `openssl rehash` makes of a name. */
static bool is_hashed(const char *name, enum content what)
{
	struct str s = str_z(name), hash = str_cut_raw(&s, '.');
	uint8_t bytes[4];
	uint32_t n;

	if (what == CRLS && !str_starts(s, STR("r")))
		return false;
	if (what == CRLS)
		s = str_skip(s, 1);
	return !str_hex(hash, bytes, sizeof(bytes)) && !str_u32(s, &n);
}

static int load_dir(struct stir_store *s, enum content what, const char *path, char why[STIR_WHY])
{
	DIR *d = opendir(path);
	struct dirent *e;
	int err = 0;

	if (!d) {
		snprintf(why, STIR_WHY, "'%s' cannot be read: %s", path, strerror(errno));
		return EBADMSG;
	}
	while (!err && (e = readdir(d))) {
		struct buf b = BUF_INIT;

		if (!is_hashed(e->d_name, what))
			continue;
		buf_printf(&b, "%s/%s", path, e->d_name);
		err = buf_err(&b) ? ENOMEM : load_file(s, what, buf_z(&b), why);
		buf_free(&b);
	}
	closedir(d);
	return err;
}

static int load(struct stir_store *s, enum content what, struct str file, struct str dir, char why[STIR_WHY])
{
	char *f = file.n ? str_dup(file) : NULL, *d = dir.n ? str_dup(dir) : NULL;
	int err = (file.n && !f) || (dir.n && !d) ? ENOMEM : 0;

	if (!err && f)
		err = load_file(s, what, f, why);
	if (!err && d)
		err = load_dir(s, what, d, why);
	free(f);
	free(d);
	return err;
}

int stir_store_new(struct stir_store **out, const struct stir_store_prm *prm, char why[STIR_WHY])
{
	struct stir_store *s = obj_new(sizeof(*s), store_free);
	int err = s ? 0 : ENOMEM;

	if (err)
		return err;
	s->trusted = X509_STORE_new();
	s->untrusted = sk_X509_new_null();
	s->crls = sk_X509_CRL_new_null();
	if (!s->trusted || !s->untrusted || !s->crls)
		err = ENOMEM;
	err = err ? err : load(s, TRUSTED, prm->ca_file, prm->ca_path, why);
	err = err ? err : load(s, CRLS, prm->crl_file, prm->crl_path, why);
	err = err ? err : load(s, UNTRUSTED, prm->untrusted_file, prm->untrusted_path, why);
	if (!err && prm->system)
		X509_STORE_set_default_paths(s->trusted);
	if (!err && (prm->crl_file.n || prm->crl_path.n))
		X509_STORE_set_flags(s->trusted, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_EXTENDED_CRL_SUPPORT);
	ERR_clear_error();
	if (err)
		obj_drop(s);
	else
		*out = s;
	return err;
}

static void write_name(struct buf *out, const char *what, const X509_NAME *name)
{
	char text[512];

	if (X509_NAME_oneline(name, text, sizeof(text)))
		buf_printf(out, "%s: %s\n", what, text);
}

size_t stir_store_write(const struct stir_store *s, struct buf *out)
{
	STACK_OF(X509_OBJECT) *objs = X509_STORE_get0_objects(s->trusted);
	size_t n = 0;

	for (int i = 0; i < sk_X509_OBJECT_num(objs); i++) {
		X509 *x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objs, i));

		if (x) {
			write_name(out, "Cert", X509_get_subject_name(x));
			n++;
		}
	}
	for (int i = 0; i < sk_X509_num(s->untrusted); i++, n++)
		write_name(out, "Untrusted", X509_get_subject_name(sk_X509_value(s->untrusted, i)));
	for (int i = 0; i < sk_X509_CRL_num(s->crls); i++, n++)
		write_name(out, "CRL", X509_CRL_get_issuer(sk_X509_CRL_value(s->crls, i)));
	return n;
}

/* ---- asking --------------------------------------------------------------------------------- */

bool stir_cert_trusted(const struct stir_cert *c, const struct stir_store *s, int64_t now, const char **why)
{
	X509_STORE_CTX *ctx = s ? X509_STORE_CTX_new() : NULL;
	STACK_OF(X509) *helpers = s ? sk_X509_dup(c->chain) : NULL;
	const char *text = s ? "out of memory" : "no ca_file or ca_path says whom to trust";
	bool ok = false, ready = ctx && helpers;

	for (int i = 0; ready && i < sk_X509_num(s->untrusted); i++)
		ready = sk_X509_push(helpers, sk_X509_value(s->untrusted, i)) > 0;
	if (ready && X509_STORE_CTX_init(ctx, s->trusted, c->leaf, helpers) == 1) {
		X509_STORE_CTX_set0_crls(ctx, s->crls);
		X509_STORE_CTX_set_time(ctx, 0, (time_t)now);
		ok = X509_verify_cert(ctx) == 1;
		text = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	}
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	sk_X509_free(helpers);
	if (why)
		*why = ok ? "" : text;
	return ok;
}
