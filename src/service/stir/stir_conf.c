/* stir_shaken.conf into sections, and sections into effective profiles. What a section refers to outside of the file is
 * stir_load.c's. */
#include "service/stir/stir_load.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

#define FILE_NAME "stir_shaken.conf"

static void conf_free(void *arg)
{
	struct stir_conf *c = arg;
	struct stir_list *const lists[] = { &c->tns, &c->profiles, &c->eprofiles };

	obj_drop(c->attestation);
	obj_drop(c->verification);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (size_t k = 0; k < lists[i]->n; k++)
			obj_drop(lists[i]->v[k]);
		free(lists[i]->v);
	}
}

struct stir_section *stir_list_get(const struct stir_list *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i]->name, name))
			return l->v[i];
	return NULL;
}

/* Takes `x` over. */
static int list_add(struct stir_list *l, struct stir_section *x)
{
	/* Full at each power of two, so no capacity need be stored. */
	if (!(l->n & (l->n - 1))) {
		struct stir_section **v = realloc(l->v, (l->n ? l->n * 2 : 1) * sizeof(struct stir_section *));

		if (!v) {
			obj_drop(x);
			return ENOMEM;
		}
		l->v = v;
	}
	l->v[l->n++] = x;
	return 0;
}

/* ---- effective profiles --------------------------------------------------------------------- */

#define TAKE_STR(f) do { if (src->f.n) dst->f = src->f; } while (0)
#define TAKE_NUM(f) do { if (src->f) dst->f = src->f; } while (0)
#define TAKE_BOOL(f) do { if (src->f != STIR_NOT_SET) dst->f = src->f; } while (0)

static void overlay_attestation(struct stir_section *dst, const struct stir_section *src)
{
	TAKE_STR(private_key_file);
	TAKE_STR(public_cert_url);
	TAKE_NUM(attest_level);
	TAKE_NUM(unknown_tn_attest_level);
	TAKE_BOOL(check_tn_cert_public_url);
	TAKE_BOOL(send_mky);
	if (src->key) {
		obj_drop(dst->key);
		dst->key = obj_hold(src->key);
	}
}

static void overlay_verification(struct stir_section *dst, const struct stir_section *src)
{
	/* As in Asterisk those who are trusted are one whole, and [verification]'s come first. */
	if (!dst->store && src->store) {
		TAKE_STR(ca_file);
		TAKE_STR(ca_path);
		TAKE_STR(crl_file);
		TAKE_STR(crl_path);
		TAKE_STR(untrusted_cert_file);
		TAKE_STR(untrusted_cert_path);
		dst->store = obj_hold(src->store);
	}
	TAKE_STR(cert_cache_dir);
	TAKE_NUM(curl_timeout);
	TAKE_NUM(max_iat_age);
	TAKE_NUM(max_date_header_age);
	TAKE_NUM(max_cache_entry_age);
	TAKE_NUM(max_cache_size);
	/* As in Asterisk a profile that does not say it lets calls go on. */
	dst->failure_action = src->failure_action == STIR_ACTION_NOT_SET ? STIR_CONTINUE : src->failure_action;
	TAKE_BOOL(use_rfc9410_responses);
	TAKE_BOOL(relax_x5u_port_scheme_restrictions);
	TAKE_BOOL(relax_x5u_path_restrictions);
	TAKE_BOOL(load_system_certs);
	TAKE_BOOL(ignore_sip_date_header);
	if (src->acl)
		dst->acl = src->acl;
}

static int make_effective(struct stir_conf *c, struct stir_section *p, struct report *r)
{
	const struct stir_section *a = c->attestation, *v = c->verification;
	struct stir_section *e = stir_section_new();
	uint8_t off = 0;

	if (!e)
		return ENOMEM;
	e->name = p->name;
	e->file = p->file;
	e->line = p->line;
	e->kind = STIR_PROFILE;
	e->curl_timeout = 2;
	e->max_iat_age = e->max_date_header_age = 15;
	e->max_cache_entry_age = 3600;
	e->of[0] = obj_hold(c->attestation);
	e->of[1] = obj_hold(c->verification);
	e->of[2] = obj_hold(p);
	if (a)
		overlay_attestation(e, a);
	if (v)
		overlay_verification(e, v);
	overlay_attestation(e, p);
	overlay_verification(e, p);
	off |= !a || a->global_disable ? STIR_ATTEST : 0;
	off |= !v || v->global_disable ? STIR_VERIFY : 0;
	e->endpoint_behavior = p->endpoint_behavior & (uint8_t)~off;
	if ((e->endpoint_behavior & STIR_VERIFY) && !e->store)
		report_add(r, REPORT_ERROR, str_z(p->file), p->line, "profile '%.*s': neither it nor [verification] has ca_file or "
			   "ca_path, so no caller can be proven", STR_ARG(p->name));
	if ((e->endpoint_behavior & STIR_VERIFY) && p->failure_action == STIR_ACTION_NOT_SET && v->failure_action != STIR_CONTINUE)
		report_add(r, REPORT_WARNING, str_z(p->file), p->line, "profile '%.*s' has no failure_action, so it is continue: "
			   "[verification]'s has no effect, as in Asterisk", STR_ARG(p->name));
	if (v && v->store && p->store)
		report_add(r, REPORT_WARNING, str_z(p->file), p->line, "profile '%.*s': its authorities (ca_file, ca_path, crl_*, "
			   "untrusted_cert_*) have no effect, as [verification] has some", STR_ARG(p->name));
	return list_add(&c->eprofiles, e);
}

enum stir_sign_fault stir_conf_signing(const struct stir_conf *c, const struct stir_section *eprofile, struct str tn,
				       struct stir_signing *out)
{
	const struct stir_section *t = stir_list_get(&c->tns, tn);

	if (!tn.n || (!t && !eprofile->unknown_tn_attest_level))
		return STIR_SIGN_UNKNOWN;
	*out = (struct stir_signing){ .key = eprofile->key, .url = eprofile->public_cert_url, .mky = eprofile->send_mky == STIR_YES,
		.level = (char)(t ? eprofile->attest_level : eprofile->unknown_tn_attest_level) };
	if (t) {
		out->key = t->key ? t->key : out->key;
		out->url = t->public_cert_url.n ? t->public_cert_url : out->url;
		out->mky = t->send_mky == STIR_NOT_SET ? out->mky : t->send_mky == STIR_YES;
		out->level = t->attest_level ? (char)t->attest_level : out->level;
	}
	return !out->level ? STIR_SIGN_NO_LEVEL : !out->url.n ? STIR_SIGN_NO_URL : !out->key ? STIR_SIGN_NO_KEY : STIR_SIGN_OK;
}

/* ---- x5u --------------------------------------------------------------------------------------- */

/* "host", "host:port", "[v6]:port": nothing else. */
static bool is_authority(struct str s, bool any_port)
{
	struct str host = s, port = STR_NULL;
	size_t end = s.n && s.p[0] == '[' ? str_chr(s, ']') : 0, colon = str_chr(str_skip(s, end), ':') + end;
	uint32_t n;

	if (end == s.n && s.n)
		return false;
	if (colon < s.n) {
		host = str_sub(s, 0, colon);
		port = str_skip(s, colon + 1);
		if (str_u32(port, &n) || !n || n > 65535 || (!any_port && n != 443 && n != 8443))
			return false;
	}
	return host.n > (end ? 2 : 0) && (!end || host.n == end + 1);
}

bool stir_x5u_allowed(const struct stir_section *p, struct str x5u)
{
	bool any_scheme = p->relax_x5u_port_scheme_restrictions == STIR_YES;
	bool any_path = p->relax_x5u_path_restrictions == STIR_YES;
	struct str rest, authority;
	size_t at;

	for (size_t i = 0; i < x5u.n; i++)
		if ((unsigned char)x5u.p[i] <= ' ' || x5u.p[i] == 0x7f)
			return false;
	if (str_starts(x5u, STR("https://")))
		rest = str_skip(x5u, 8);
	else if (any_scheme && str_starts(x5u, STR("http://")))
		rest = str_skip(x5u, 7);
	else
		return false;
	for (at = 0; at < rest.n && !memchr("/?#", rest.p[at], 3); )
		at++;
	authority = str_sub(rest, 0, at);
	rest = str_skip(rest, at);
	at = str_rchr(authority, '@');
	if (!any_path && (at < authority.n || str_chr(rest, '?') < rest.n || str_chr(rest, '#') < rest.n))
		return false;
	if (at < authority.n)
		authority = str_skip(authority, at + 1);
	return is_authority(authority, any_scheme);
}

/* ---- the file ------------------------------------------------------------------------------------ */

struct loading {
	struct stir_conf *c;
	struct stir_load ld;
	struct option_index *index[STIR_KINDS];         /* held */
};

/* Which kind a section is; STIR_KINDS: none, which was said. */
static enum stir_kind kind_of(struct loading *l, const struct config *c, const struct config_section *s)
{
	struct str type = config_value(s, STR("type"), STR_NULL), file = config_file_name(c, s->file);
	struct report *r = l->ld.r;

	for (unsigned k = STIR_ATTESTATION; k <= STIR_VERIFICATION; k++) {
		struct str name = str_z(stir_conf_options(k)->type);

		if (str_ieq(s->name, name) && (!type.n || str_ieq(type, name)))
			return (enum stir_kind)k;
		if (str_ieq(type, name)) {
			report_add(r, REPORT_WARNING, file, s->line, "section '%.*s' is ignored: that of type %.*s is called [%.*s]",
				   STR_ARG(s->name), STR_ARG(type), STR_ARG(name));
			return STIR_KINDS;
		}
	}
	for (unsigned k = STIR_TN; k <= STIR_PROFILE; k++)
		if (str_ieq(type, str_z(stir_conf_options(k)->type)))
			return (enum stir_kind)k;
	report_add(r, type.n ? REPORT_ERROR : REPORT_WARNING, file, s->line, type.n ?
		   "section '%.*s': unknown type '%.*s'; there are tn and profile" :
		   "section '%.*s' has no type=tn or type=profile, so it is ignored%.*s", STR_ARG(s->name), STR_ARG(type));
	return STIR_KINDS;
}

/* Where a section of that kind and name is to go: *one, or a list. */
static struct stir_section **place_of(struct stir_conf *c, enum stir_kind k, struct stir_list **list)
{
	*list = k == STIR_TN ? &c->tns : k == STIR_PROFILE ? &c->profiles : NULL;
	return k == STIR_ATTESTATION ? &c->attestation : k == STIR_VERIFICATION ? &c->verification : NULL;
}

/* As it was before this reload; NULL. */
static struct stir_section *find_old(const struct loading *l, enum stir_kind k, struct str name)
{
	const struct stir_conf *old = l->ld.prm->previous;

	if (!old)
		return NULL;
	if (k == STIR_ATTESTATION || k == STIR_VERIFICATION)
		return k == STIR_ATTESTATION ? old->attestation : old->verification;
	return stir_list_get(k == STIR_TN ? &old->tns : &old->profiles, name);
}

static int read_one(struct loading *l, const struct config *c, const struct config_section *s, enum stir_kind k)
{
	struct stir_section *x = NULL, *old, **one;
	struct stir_list *list;
	int err;

	one = place_of(l->c, k, &list);
	if (one ? *one != NULL : stir_list_get(list, s->name) != NULL) {
		report_add(l->ld.r, REPORT_ERROR, config_file_name(c, s->file), s->line, "%s '%.*s' is there twice; the first counts",
			   stir_conf_options(k)->type, STR_ARG(s->name));
		return 0;
	}
	err = stir_section_read(&l->ld, l->index[k], k, c, s, &x);
	old = err == EBADMSG ? find_old(l, k, s->name) : NULL;
	if (err == EBADMSG) {
		report_add(l->ld.r, REPORT_NOTE, config_file_name(c, s->file), s->line, old ? "%s '%.*s': goes on as it was before this reload" :
			   "%s '%.*s': is left out", stir_conf_options(k)->type, STR_ARG(s->name));
		x = obj_hold(old);
		err = 0;
	}
	if (err || !x)
		return err;
	if (!one)
		return list_add(list, x);
	*one = x;
	return 0;
}

static bool is_old_format(const struct config *c, struct report *r)
{
	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		struct str type = config_value(s, STR("type"), STR_NULL);

		if (!str_ieq(s->name, STR("general")) && !str_ieq(type, STR("store")) && !str_ieq(type, STR("certificate")))
			continue;
		report_add(r, REPORT_ERROR, config_file_name(c, s->file), s->line, "section '%.*s' is of the format before Asterisk 18.22, so "
			   "nothing of the file is read; see stir_shaken.conf of docs/options.md", STR_ARG(s->name));
		return true;
	}
	return false;
}

static int read_file(struct loading *l, const struct config *c)
{
	int err = 0;

	l->c->old_format = is_old_format(c, l->ld.r);
	for (const struct config_section *s = l->c->old_format ? NULL : config_first(c); !err && s; s = config_next(s)) {
		enum stir_kind k = kind_of(l, c, s);

		if (k != STIR_KINDS)
			err = read_one(l, c, s, k);
	}
	for (size_t i = 0; !err && i < l->c->profiles.n; i++)
		err = make_effective(l->c, l->c->profiles.v[i], l->ld.r);
	return err;
}

static int build(struct stir_conf **out, const struct config *c, const struct stir_conf_prm *prm, struct report *r)
{
	struct loading l = { .c = obj_new(sizeof(*l.c), conf_free), .ld = { .prm = prm, .r = r } };
	struct arena *a = arena_new(0);
	struct option_ctx ctx = { .arena = a };
	int err = l.c && a ? 0 : ENOMEM;

	/* The defaults of the tables: none of them is kept in `a`. */
	ctx.intern = a ? intern_new(a) : NULL;
	for (unsigned k = 0; !err && k < STIR_KINDS; k++)
		err = ctx.intern ? option_index_new(&l.index[k], stir_conf_options(k), &ctx) : ENOMEM;
	err = err ? err : read_file(&l, c);
	for (unsigned k = 0; k < STIR_KINDS; k++)
		option_index_free(l.index[k]);
	intern_free(ctx.intern);
	arena_free(a);
	if (err)
		obj_drop(l.c);
	else
		*out = l.c;
	return err;
}

int stir_conf_parse(struct stir_conf **out, struct str text, const struct stir_conf_prm *prm, struct report *r)
{
	struct config_prm none = { 0 };
	struct config *c = NULL;
	int err = config_parse(&c, prm->files ? prm->files : &none, STR(FILE_NAME), text, r);

	if (!err)
		err = build(out, c, prm, r);
	config_free(c);
	return err;
}

int stir_conf_load(struct stir_conf **out, const struct stir_conf_prm *prm, struct report *r)
{
	struct config *c = NULL;
	int err = config_load(&c, prm->files, FILE_NAME, r);

	if (err == ENOENT)
		return stir_conf_parse(out, STR_NULL, prm, r);
	if (err && err != EBADMSG && err != ENOMEM)
		report_add(r, REPORT_ERROR, STR(FILE_NAME), 0, "cannot be read: %s", strerror(err));
	if (!err)
		err = build(out, c, prm, r);
	config_free(c);
	return err;
}
