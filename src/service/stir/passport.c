/* PASSporTs and Identity headers: reading and writing. */
#include "service/stir/passport.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

/* ---- base64url ----------------------------------------------------------------------- */

void base64url_write(struct buf *out, const void *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)b[i] << 16 | (left > 1 ? (uint32_t)b[i + 1] << 8 : 0) | (left > 2 ? b[i + 2] : 0);

		buf_char(out, set[v >> 18]);
		buf_char(out, set[v >> 12 & 63]);
		if (left > 1)
			buf_char(out, set[v >> 6 & 63]);
		if (left > 2)
			buf_char(out, set[v & 63]);
	}
}

static int sextet(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 :
	       c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_read(struct buf *out, struct str s)
{
	uint32_t v = 0;
	unsigned bits = 0;

	if (s.n % 4 == 1)
		return EBADMSG;
	for (size_t i = 0; i < s.n; i++) {
		int d = sextet(s.p[i]);

		if (d < 0)
			return EBADMSG;
		v = (v << 6 | (uint32_t)d) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_char(out, (char)(v >> bits & 0xff));
		}
	}
	/* Two texts for the same bytes would be two signatures for one claim. */
	return v & ((1u << bits) - 1) ? EBADMSG : buf_err(out);
}

/* ---- reading -------------------------------------------------------------------------- */

/* A part of the JWT as a JSON object. NULL: *err says why. */
static json_t *read_object(struct str part, int *err)
{
	struct buf b = { .max = PASSPORT_MAX };
	json_error_t why;
	json_t *j = NULL;

	*err = base64url_read(&b, part);
	if (!*err) {
		j = json_loadb(b.p ? b.p : "", b.n, JSON_REJECT_DUPLICATES, &why);
		if (!j)
			*err = json_error_code(&why) == json_error_out_of_memory ? ENOMEM : EBADMSG;
	}
	buf_free(&b);
	if (j && !json_is_object(j)) {
		json_decref(j);
		j = NULL;
		*err = EBADMSG;
	}
	return j;
}

static int take_text(struct text *t, const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_string(v))
		return 0;
	return text_set(t, str_mk(json_string_value(v), json_string_length(v)));
}

static int read_header(struct passport *p, struct str part)
{
	int err;
	json_t *j = read_object(part, &err);

	if (!j)
		return err;
	err = take_text(&p->alg, j, "alg");
	err = err ? err : take_text(&p->ppt, j, "ppt");
	err = err ? err : take_text(&p->typ, j, "typ");
	err = err ? err : take_text(&p->x5u, j, "x5u");
	json_decref(j);
	return err;
}

static int read_claims(struct passport *p, struct str part)
{
	const json_t *orig, *iat;
	int err;
	json_t *j = read_object(part, &err);

	if (!j)
		return err;
	iat = json_object_get(j, "iat");
	p->iat = json_is_integer(iat) ? json_integer_value(iat) : 0;
	orig = json_object_get(j, "orig");
	p->has_orig = orig != NULL;
	p->has_dest = json_object_get(j, "dest") != NULL;
	p->has_orig_tn = json_is_string(json_object_get(orig, "tn"));
	err = take_text(&p->orig_tn, orig, "tn");
	err = err ? err : take_text(&p->attest, j, "attest");
	err = err ? err : take_text(&p->origid, j, "origid");
	json_decref(j);
	return err;
}

static int read_signature(struct passport *p, struct str part)
{
	struct buf b;
	char room[PASSPORT_SIGNATURE + 1];
	int err;

	buf_init(&b, room, sizeof(room), sizeof(room));
	err = base64url_read(&b, part);
	if (!err && b.n <= PASSPORT_SIGNATURE) {
		memcpy(p->signature, b.p, b.n);
		p->signature_n = b.n;
	}
	buf_free(&b);
	return err == ENOBUFS ? 0 : err;        /* another algorithm's */
}

int passport_read(struct passport *p, struct str identity)
{
	struct str jwt = identity, header, payload;
	int err;

	*p = (struct passport){ 0 };
	if (identity.n > PASSPORT_MAX || str_chr(identity, ';') == identity.n)
		return EBADMSG;
	jwt.n = str_chr(identity, ';');
	jwt = str_trim(jwt);
	p->signed_part = str_sub(jwt, 0, str_rchr(jwt, '.'));
	header = str_cut_raw(&jwt, '.');
	payload = str_cut_raw(&jwt, '.');
	if (!header.n || !payload.n || str_chr(jwt, '.') < jwt.n)
		return EBADMSG;
	err = read_header(p, header);
	err = err ? err : read_claims(p, payload);
	err = err ? err : read_signature(p, jwt);
	if (err)
		passport_free(p);
	return err;
}

void passport_free(struct passport *p)
{
	text_free(&p->alg);
	text_free(&p->ppt);
	text_free(&p->typ);
	text_free(&p->x5u);
	text_free(&p->attest);
	text_free(&p->origid);
	text_free(&p->orig_tn);
	*p = (struct passport){ 0 };
}

/* ---- writing ------------------------------------------------------------------------- */

static json_t *json_of(struct str s)
{
	return json_stringn(s.p ? s.p : "", s.n);
}

/* Encoded behind what is in `out`. Takes `j` over; NULL: ENOMEM. */
static int write_object(struct buf *out, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(j);
	if (!text)
		return ENOMEM;
	base64url_write(out, text, strlen(text));
	free(text);
	return buf_err(out);
}

static json_t *make_header(const struct passport_prm *prm)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "alg", "ES256", "ppt", "shaken", "typ", "passport", "x5u", json_of(prm->x5u));
}

static json_t *make_print(const struct passport_key_print *k)
{
	char room[256];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	for (size_t i = 0; i < k->digest.n; i++)
		if (k->digest.p[i] != ':')
			buf_char(&b, k->digest.p[i]);
	return json_pack("{s:s, s:o}", "alg", k->alg, "dig", json_of(buf_view(&b)));
}

/* 0, or ENOMEM. */
static int add_mky(json_t *claims, const struct passport_prm *prm)
{
	json_t *v = json_array();
	int err = v ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < prm->mkys; i++)
		err = json_array_append_new(v, make_print(&prm->mky[i])) ? ENOMEM : 0;
	if (err) {
		json_decref(v);
		return err;
	}
	return json_object_set_new(claims, "mky", v) ? ENOMEM : 0;
}

static json_t *make_claims(const struct passport_prm *prm)
{
	json_t *j = json_pack("{s:s%, s:{s:[o]}, s:I, s:{s:o}, s:o}", "attest", &prm->attest, (size_t)1, "dest", "tn",
			      json_of(prm->dest_tn), "iat", (json_int_t)prm->iat, "orig", "tn", json_of(prm->orig_tn),
			      "origid", json_of(prm->origid));

	if (j && prm->mkys && add_mky(j, prm)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

int passport_write(struct buf *out, const struct passport_prm *prm)
{
	int err = write_object(out, make_header(prm));

	buf_char(out, '.');
	return err ? err : write_object(out, make_claims(prm));
}

void passport_write_identity(struct buf *out, struct str jwt, struct str x5u)
{
	buf_puts(out, jwt, STR(";info=<"), x5u, STR(">;alg=ES256;ppt=shaken"));
}

/* ---- numbers and times ------------------------------------------------------------------ */

struct str tn_canonical(struct str s, char room[TN_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < TN_MAX; i++)
		if ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '*' || s.p[i] == '#')
			room[n++] = s.p[i];
	return str_mk(room, n);
}

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static int find_name(const char *const *v, size_t n, struct str s)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(s, str_z(v[i])))
			return (int)i;
	return -1;
}

/* "23:29:00" */
static int read_clock(struct str s, struct tm *tm)
{
	struct str h = str_cut_raw(&s, ':'), m = str_cut_raw(&s, ':');
	uint32_t hv, mv, sv;

	if (str_u32(h, &hv) || str_u32(m, &mv) || str_u32(s, &sv) || hv > 23 || mv > 59 || sv > 60)
		return EBADMSG;
	tm->tm_hour = (int)hv;
	tm->tm_min = (int)mv;
	tm->tm_sec = (int)sv;
	return 0;
}

int stir_date_read(struct str s, int64_t *out)
{
	struct str word[5], day = str_cut_raw(&s, ',');
	struct tm tm = { 0 };
	uint32_t mday, year;
	size_t n = 0;

	for (s = str_trim(s); s.n && n < ARRAY_LEN(word); s = str_ltrim(s))
		word[n++] = str_cut_raw(&s, ' ');
	if (n != ARRAY_LEN(word) || s.n || find_name(days, 7, str_trim(day)) < 0)
		return EBADMSG;
	tm.tm_mon = find_name(months, 12, word[1]);
	if (str_u32(word[0], &mday) || !mday || mday > 31 || tm.tm_mon < 0 || str_u32(word[2], &year) || year < 1970 || year > 9999 ||
	    read_clock(word[3], &tm) || (!str_ieq(word[4], STR("GMT")) && !str_ieq(word[4], STR("UTC"))))
		return EBADMSG;
	tm.tm_mday = (int)mday;
	tm.tm_year = (int)year - 1900;
	*out = timegm(&tm);
	return 0;
}

void stir_date_write(struct buf *out, int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return;
	buf_printf(out, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
		   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int64_t stir_cache_until(struct str cache_control, struct str expires, int64_t now)
{
	static const struct str names[] = { STR_INIT("s-maxage"), STR_INIT("max-age") };
	int64_t until = 0, at;
	bool found = false;

	for (size_t i = 0; !found && i < ARRAY_LEN(names); i++) {
		struct str rest = cache_control;

		while (rest.n && !found) {
			struct str value = str_trim(str_cut(&rest, ',')), name = str_trim(str_cut_raw(&value, '='));
			uint32_t s;

			if (!str_ieq(name, names[i]) || str_u32(str_unquote(str_trim(value)), &s))
				continue;
			until = now + s;
			found = true;
		}
	}
	if (!stir_date_read(expires, &at) && at > until)
		until = at;
	return until;
}
