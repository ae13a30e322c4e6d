/* A section of stir_shaken.conf, and what it refers to. */
#include "service/stir/stir_load.h"
#include "base/obj.h"
#include "service/stir/stir_fetch.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void section_free(void *arg)
{
	struct stir_section *x = arg;

	for (size_t i = 0; i < x->acl_n; i++)
		for (size_t k = 0; k < x->acls[i]->n; k++)
			obj_drop(x->acls[i]->v[k]);
	free(x->acls);
	obj_drop(x->key);
	obj_drop(x->store);
	for (size_t i = 0; i < ARRAY_LEN(x->of); i++)
		obj_drop(x->of[i]);
	arena_free(x->arena);
}

struct stir_section *stir_section_new(void)
{
	return obj_new(sizeof(struct stir_section), section_free);
}

/* ---- addresses that no certificate is fetched from, unless x5u_ lines say otherwise ------------- */

/* RFC 6890, as Asterisk has them: not the ways from IPv6 to IPv4 (64:ff9b::/96, 2002::/16). */
#define SPECIAL "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.0.0.0/24,192.0.0.0/29," \
	"192.88.99.0/24,192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,240.0.0.0/4,255.255.255.255/32," \
	"::1/128,::/128,100::/64,2001::/23,2001::/32,2001:2::/48,2001:db8::/32,2001:10::/28,fc00::/7,fe80::/10"

static int set_acl(struct stir_section *x, struct object_build *b)
{
	int err = build_acl(b, &b->acl, &x->acl);

	if (!err && !x->acl && x->kind == STIR_VERIFICATION) {
		build_reset(b);
		err = parse_permit(&b->ctx, NULL, NULL, STR("0.0.0.0/0"));
		err = err ? err : parse_deny(&b->ctx, NULL, NULL, STR(SPECIAL));
		err = err ? err : build_acl(b, &b->acl, &x->acl);
	}
	return err;
}

/* ---- what signs ------------------------------------------------------------------------------------ */

static int fault(struct stir_load *l, const struct stir_section *x, const char *option, const char *why)
{
	report_add(l->r, REPORT_ERROR, str_z(x->file), x->line, "%s '%.*s' %s: %s", stir_conf_options(x->kind)->type,
		   STR_ARG(x->name), option, why);
	return EBADMSG;
}

/* Others must not read what signs in our name. */
static void check_mode(struct stir_load *l, const struct stir_section *x)
{
	struct stat st;

	if (!stat(x->private_key_file.p, &st) && (st.st_mode & (S_IRWXG | S_IRWXO)))
		report_add(l->r, REPORT_NOTE, str_z(x->file), x->line, "%s '%.*s' private_key_file: others than its owner may read or "
			   "write '%.*s'", stir_conf_options(x->kind)->type, STR_ARG(x->name), STR_ARG(x->private_key_file));
}

static const char *judge_public(struct stir_job *j)
{
	struct stir_cert *c;
	bool valid;

	if (j->status / 100 != 2)
		return j->why[0] ? j->why : "no certificate is there";
	if (stir_pem_has_key(buf_view(&j->body)))
		return "DANGER: a private key is there for everybody to read";
	c = stir_cert_read(buf_view(&j->body));
	valid = c && stir_cert_valid_at(c, time(NULL));
	stir_cert_free(c);
	return !c ? "what is there is no certificate in PEM" : valid ? NULL : "the certificate there is not valid today";
}

static int check_public(struct stir_load *l, struct stir_section *x)
{
	struct stir_job *j = stir_job_new(STIR_JOB_GET, NULL);
	const char *why;
	int err = j ? text_set(&j->url, x->public_cert_url) : ENOMEM;

	if (!err) {
		stir_fetch_now(j);
		why = judge_public(j);
		err = why ? fault(l, x, "public_cert_url", why) : 0;
	}
	obj_drop(j);
	return err;
}

static int finish_attestation(struct stir_load *l, struct stir_section *x)
{
	char why[STIR_WHY] = "";
	int err = 0;

	if (x->private_key_file.n) {
		err = stir_key_load(&x->key, x->private_key_file, why);
		if (err == EBADMSG)
			return fault(l, x, "private_key_file", why);
		check_mode(l, x);
	}
	if (!err && !l->prm->only_check && x->check_tn_cert_public_url == STIR_YES && x->public_cert_url.n)
		err = check_public(l, x);
	return err;
}

/* ---- what verifies ----------------------------------------------------------------------------------- */

static int make_dirs(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return errno;
		*p = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? errno : 0;
}

/* The directory of the data directory is made where it is missing; without it nothing is kept, and that is all. */
static int default_dir(struct stir_load *l, struct stir_section *x)
{
	struct str dir = arena_cat(x->arena, l->prm->data_dir, STR("/keys/stir_shaken/cache"));
	char *z = dir.p ? str_dup(dir) : NULL;
	int err = z ? 0 : ENOMEM, bad;

	if (!err && !l->prm->only_check) {
		bad = make_dirs(z);
		if (!bad && access(z, W_OK | X_OK))
			bad = errno;
		if (bad)
			report_add(l->r, REPORT_WARNING, str_z(x->file), x->line, "[verification] cert_cache_dir: '%s' cannot be written (%s), so "
				   "certificates are fetched for each call", z, strerror(bad));
	}
	free(z);
	if (!err)
		x->cert_cache_dir = dir;
	return err;
}

static int check_dir(struct stir_load *l, struct stir_section *x)
{
	if (x->cert_cache_dir.n)
		return access(x->cert_cache_dir.p, W_OK | X_OK) ? fault(l, x, "cert_cache_dir", "cannot be written") : 0;
	return x->kind == STIR_VERIFICATION && l->prm->data_dir.n ? default_dir(l, x) : 0;
}

static int finish_verification(struct stir_load *l, struct stir_section *x)
{
	struct stir_store_prm prm = { .ca_file = x->ca_file, .ca_path = x->ca_path, .crl_file = x->crl_file,
		.crl_path = x->crl_path, .untrusted_file = x->untrusted_cert_file, .untrusted_path = x->untrusted_cert_path,
		.system = x->load_system_certs == STIR_YES };
	char why[STIR_WHY] = "";
	int err = 0;

	if (x->ca_file.n || x->ca_path.n || x->crl_file.n || x->crl_path.n || x->untrusted_cert_file.n ||
	    x->untrusted_cert_path.n || prm.system)
		err = stir_store_new(&x->store, &prm, why);
	if (err == EBADMSG)
		return fault(l, x, "ca_*, crl_* and untrusted_cert_*", why);
	return err ? err : check_dir(l, x);
}

/* ---- the section -------------------------------------------------------------------------------------- */

static int check_name(struct stir_load *l, const struct stir_section *x)
{
	char room[TN_MAX];

	if (x->kind == STIR_TN && !str_eq(tn_canonical(x->name, room), x->name))
		report_add(l->r, REPORT_WARNING, str_z(x->file), x->line, "tn '%.*s' is no caller's number: there are only digits, * and # in "
			   "one", STR_ARG(x->name));
	return 0;
}

static int finish(struct stir_load *l, struct stir_section *x)
{
	bool profile = x->kind == STIR_PROFILE;
	bool attests = x->kind == STIR_ATTESTATION || x->kind == STIR_TN || (profile && (x->endpoint_behavior & STIR_ATTEST));
	bool verifies = x->kind == STIR_VERIFICATION || (profile && (x->endpoint_behavior & STIR_VERIFY));
	int err = check_name(l, x);

	if (!err && attests)
		err = finish_attestation(l, x);
	if (!err && verifies)
		err = finish_verification(l, x);
	return err;
}

int stir_section_read(struct stir_load *l, const struct option_index *i, enum stir_kind k, const struct config *c,
		      const struct config_section *s, struct stir_section **out)
{
	struct stir_section *x = stir_section_new();
	struct arena *a = arena_new(0);
	struct object_build b = { .type = stir_conf_options(k)->type, .c = c, .s = s, .r = l->r, .acls = l->prm->acls };
	int err = x && a ? 0 : ENOMEM;

	b.ctx.arena = a;
	b.ctx.user = &b;
	b.ctx.intern = a ? intern_new(a) : NULL;
	if (!b.ctx.intern)
		err = ENOMEM;
	err = err ? err : option_apply_section(i, &b.ctx, x, c, s, l->r);
	if (!err) {
		x->kind = (uint8_t)k;
		x->line = s->line;
		x->name = intern_str(b.ctx.intern, s->name, &err);
		x->file = intern_str(b.ctx.intern, config_file_name(c, s->file), &err).p;
	}
	err = err ? err : set_acl(x, &b);
	if (x)
		x->arena = a;
	else
		arena_free(a);
	if (!err) {
		/* The sets are the section's from here on. */
		x->acls = b.set;
		x->acl_n = b.sets;
		b.set = NULL;
		b.sets = 0;
		err = finish(l, x);
	}
	intern_free(b.ctx.intern);
	build_free(&b);
	if (!err && arena_failed(a))
		err = ENOMEM;
	if (err)
		obj_drop(x);
	else
		*out = x;
	return err;
}
