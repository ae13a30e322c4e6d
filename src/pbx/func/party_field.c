/* The fields of a party as CALLERID(), CONNECTEDLINE() and REDIRECTING() name them, by parts joined
 * with -: "from-name-pres"; the functions are party.c's. */
#include "pbx/channel.h"
#include "pbx/func/party.h"
#include "pbx/func/text.h"
#include <errno.h>
#include <limits.h>

static bool truth(struct str s)
{
	int64_t n;

	return text_leading_int(s, &n) && n != 0;
}

/* The number that a text begins with, when a digit is the very first. */
int party_whole(struct str s, int *out)
{
	int64_t n;

	s = str_trim(s);
	if (!s.n || s.p[0] < '0' || s.p[0] > '9' || !text_leading_int(s, &n) || n > INT_MAX)
		return EINVAL;
	*out = (int)n;
	return 0;
}

/* ---- the path of a field */

struct str party_part(const struct party_path *p, size_t i)
{
	return i < p->n ? p->part[i] : STR("");
}

struct party_path party_path(struct str s)
{
	struct party_path p = { .n = 0 };

	while (s.n && p.n < ARRAY_LEN(p.part))
		p.part[p.n++] = str_cut_raw(&s, '-');
	return p;
}

struct party_path party_below(const struct party_path *p, size_t skip)
{
	struct party_path q = { .n = p->n - skip };

	for (size_t i = 0; i < q.n; i++)
		q.part[i] = p->part[i + skip];
	return q;
}

bool party_is_number(struct str s) { return str_istarts(s, STR("num")); }
static bool is_presentation(struct str s) { return str_istarts(s, STR("pres")); }

/* A field that has no parts. */
static bool is_whole(struct str s)
{
	return str_ieq(s, STR("all")) || str_ieq(s, STR("tag")) || str_ieq(s, STR("ton")) || is_presentation(s);
}

/* In the order of their numbers, but for the first two. */
static const struct str charsets[] = {
	STR_INIT("iso8859-1"), STR_INIT("unknown"), STR_INIT("withdrawn"), STR_INIT("iso8859-2"), STR_INIT("iso8859-3"),
	STR_INIT("iso8859-4"), STR_INIT("iso8859-5"), STR_INIT("iso8859-7"), STR_INIT("bmp"), STR_INIT("utf8"),
};

static int charset_of(struct str s, uint8_t *out)
{
	int64_t n;

	if (s.n && s.p[0] >= '0' && s.p[0] <= '9' && text_leading_int(s, &n)) {
		*out = (uint8_t)(n < 2 ? 1 - n : n);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(charsets); i++)
		if (str_ieq(s, charsets[i])) {
			*out = (uint8_t)i;
			return 0;
		}
	return EINVAL;
}

/* ---- reading */

static void put_bool(struct buf *out, bool v) { buf_char(out, v ? '1' : '0'); }

static int read_name(const struct party *p, const struct party_path *f, struct buf *out)
{
	struct str sub = party_part(f, 0);

	if (f->n > 1)
		return EINVAL;
	if (!sub.n)
		buf_put(out, p->name_valid ? text_view(&p->name) : STR_NULL);
	else if (str_ieq(sub, STR("valid")))
		put_bool(out, p->name_valid);
	else if (str_ieq(sub, STR("charset")))
		buf_put(out, p->charset < ARRAY_LEN(charsets) ? charsets[p->charset] : STR("unknown"));
	else if (is_presentation(sub))
		buf_put(out, presentation_word(p->name_pres));
	else
		return EINVAL;
	return 0;
}

static int read_number(const struct party *p, const struct party_path *f, struct buf *out)
{
	struct str sub = party_part(f, 0);

	if (f->n > 1)
		return EINVAL;
	if (!sub.n)
		buf_put(out, p->number_valid ? text_view(&p->number) : STR_NULL);
	else if (str_ieq(sub, STR("valid")))
		put_bool(out, p->number_valid);
	else if (str_ieq(sub, STR("plan")))
		buf_printf(out, "%d", p->ton);
	else if (is_presentation(sub))
		buf_put(out, presentation_word(p->number_pres));
	else
		return EINVAL;
	return 0;
}

int party_read_subaddress(const struct party *p, const struct party_path *f, struct buf *out)
{
	struct str sub = party_part(f, 0);

	if (f->n > 1)
		return EINVAL;
	if (!sub.n)
		buf_put(out, text_view(&p->subaddress));
	else if (str_ieq(sub, STR("valid")))
		put_bool(out, p->subaddress_valid);
	else if (str_ieq(sub, STR("type")))
		buf_char(out, p->subaddress_user ? '2' : '0');
	else if (str_ieq(sub, STR("odd")))
		put_bool(out, p->subaddress_odd);
	else
		return EINVAL;
	return 0;
}

int party_field_read(const struct party *p, const struct party_path *f, struct buf *out)
{
	struct str first = party_part(f, 0);
	struct party_path rest = f->n ? party_below(f, 1) : *f;

	if (f->n > 1 && is_whole(first))
		return EINVAL;
	if (str_ieq(first, STR("all")))
		buf_printf(out, "\"%s\" <%s>", p->name_valid ? text_z(&p->name) : "",
			   p->number_valid ? text_z(&p->number) : "");
	else if (str_ieq(first, STR("name")))
		return read_name(p, &rest, out);
	else if (party_is_number(first))
		return read_number(p, &rest, out);
	else if (str_istarts(first, STR("subaddr")))
		return party_read_subaddress(p, &rest, out);
	else if (str_ieq(first, STR("tag")))
		buf_put(out, text_view(&p->tag));
	else if (str_ieq(first, STR("ton")))
		buf_printf(out, "%d", p->ton);
	else if (is_presentation(first))
		buf_put(out, presentation_word(party_presentation(p)));
	else
		return EINVAL;
	return 0;
}

/* ---- writing */

static int write_name(struct party *p, const struct party_path *f, struct str value)
{
	struct str sub = party_part(f, 0);

	if (f->n > 1)
		return EINVAL;
	if (!sub.n) {
		p->name_valid = true;
		return text_set(&p->name, str_rtrim(value));
	}
	if (str_ieq(sub, STR("valid")))
		p->name_valid = truth(value);
	else if (is_presentation(sub))
		return presentation_of(value, &p->name_pres);
	else if (str_ieq(sub, STR("charset")))
		return charset_of(str_trim(value), &p->charset);
	else
		return EINVAL;
	return 0;
}

int party_write_number(struct party *p, const struct party_path *f, struct str value)
{
	struct str sub = party_part(f, 0);

	if (f->n > 1)
		return EINVAL;
	if (!sub.n) {
		p->number_valid = true;
		return text_set(&p->number, str_rtrim(value));
	}
	if (str_ieq(sub, STR("valid"))) {
		p->number_valid = truth(value);
	} else if (is_presentation(sub)) {
		return presentation_of(value, &p->number_pres);
	} else if (str_ieq(sub, STR("plan"))) {
		return party_whole(value, &p->ton);
	} else {
		return EINVAL;
	}
	return 0;
}

int party_set_both(struct text *name, struct text *number, struct str value)
{
	struct buf n = BUF_INIT, m = BUF_INIT;
	int err = callerid_split(value, &n, &m);

	err = err ? err : text_set(name, buf_view(&n));
	err = err ? err : text_set(number, buf_view(&m));
	buf_free(&n);
	buf_free(&m);
	return err;
}

static int write_all(struct party *p, struct str value)
{
	p->name_valid = p->number_valid = true;
	return party_set_both(&p->name, &p->number, value);
}

int party_write_subaddress(struct party *p, const struct party_path *f, struct str value)
{
	struct str sub = party_part(f, 0);

	if (f->n > 1)
		return EINVAL;
	if (!sub.n)
		return text_set(&p->subaddress, str_rtrim(value));
	if (str_ieq(sub, STR("valid")))
		p->subaddress_valid = truth(value);
	else if (str_ieq(sub, STR("type")))
		p->subaddress_user = truth(value);
	else if (str_ieq(sub, STR("odd")))
		p->subaddress_odd = truth(value);
	else
		return EINVAL;
	return 0;
}

int party_field_write(struct party *p, const struct party_path *f, struct str value)
{
	struct party_path plan = { .part = { STR_INIT("plan") }, .n = 1 };
	struct str first = party_part(f, 0);
	struct party_path rest = f->n ? party_below(f, 1) : *f;
	int err;

	if (f->n > 1 && is_whole(first))
		return EINVAL;
	if (str_ieq(first, STR("all")))
		return write_all(p, value);
	if (str_ieq(first, STR("name")))
		return write_name(p, &rest, value);
	if (party_is_number(first))
		return party_write_number(p, &rest, value);
	if (str_istarts(first, STR("subaddr")))
		return party_write_subaddress(p, &rest, value);
	if (str_ieq(first, STR("tag")))
		return text_set(&p->tag, str_rtrim(value));
	if (str_ieq(first, STR("ton")))
		return party_write_number(p, &plan, value);
	if (!is_presentation(first))
		return EINVAL;
	err = presentation_of(value, &p->name_pres);
	if (!err)
		p->number_pres = p->name_pres;
	return err;
}

/* The private identity has a name and a number of its own, no more. */
int party_private_read(const struct party *p, const struct party_path *f, struct buf *out)
{
	struct party view = { .name = p->priv_name, .number = p->priv_number, .name_valid = p->priv_valid,
		.number_valid = p->priv_valid };

	return party_field_read(&view, f, out);
}

int party_private_write(struct party *p, const struct party_path *f, struct str value)
{
	p->priv_valid = true;
	if (f->n == 1 && str_ieq(party_part(f, 0), STR("all")))
		return party_set_both(&p->priv_name, &p->priv_number, value);
	if (f->n == 1 && str_ieq(party_part(f, 0), STR("name")))
		return text_set(&p->priv_name, str_rtrim(value));
	if (f->n == 1 && party_is_number(party_part(f, 0)))
		return text_set(&p->priv_number, str_rtrim(value));
	return f->n > 1 && is_presentation(party_part(f, 1)) ? 0 : EINVAL;
}

/* A field, or one of the private identity after "priv-". */
int party_own_read(const struct party *p, struct party_path f, struct buf *out)
{
	bool private = str_ieq(party_part(&f, 0), STR("priv")) && f.n > 1;

	if (!private)
		return party_field_read(p, &f, out);
	f = party_below(&f, 1);
	return party_private_read(p, &f, out);
}

int party_own_write(struct party *p, struct party_path f, struct str value)
{
	bool private = str_ieq(party_part(&f, 0), STR("priv")) && f.n > 1;

	if (!private)
		return party_field_write(p, &f, value);
	f = party_below(&f, 1);
	return party_private_write(p, &f, value);
}
