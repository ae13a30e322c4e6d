/* Headers of a message: finding them, and lists in them. */
#include "sip/message.h"
#include "sip/chars.h"
#include "sip/names.h"
#include <errno.h>

const struct sip_hdr *sip_hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
	for (size_t i = 0; i < m->hdrs; i++)
		if (m->hdr[i].id == id)
			return &m->hdr[i];
	return NULL;
}

struct str sip_hdr_value(const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_hdr(m, id);

	return h ? h->value : STR_NULL;
}

const struct sip_hdr *sip_hdr_named(const struct sip_msg *m, struct str name, size_t nth)
{
	enum sip_hdr_id id = sip_hdr_id_of(name);

	for (size_t i = 0; i < m->hdrs; i++) {
		const struct sip_hdr *h = &m->hdr[i];

		if (h->id != id || (id == SIP_H_OTHER && !str_ieq(h->name, name)))
			continue;
		if (!nth--)
			return h;
	}
	return NULL;
}

bool sip_each(const struct sip_msg *m, enum sip_hdr_id id, struct sip_each *e, struct str *value)
{
	bool list = hdr_shape_of(id) == HDR_LIST;

	for (;;) {
		while (e->rest.n) {
			struct str one = e->rest;

			if (list)
				one = trim(str_cut_addr(&e->rest, ','));
			else
				e->rest = STR_NULL;
			if (one.n) {
				*value = one;
				return true;
			}
		}
		while (e->line < m->hdrs && m->hdr[e->line].id != id)
			e->line++;
		if (e->line == m->hdrs)
			return false;
		e->rest = m->hdr[e->line++].value;
	}
}

bool sip_hdr_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct str token)
{
	struct sip_each e = { 0 };
	struct str v;

	while (sip_each(m, id, &e, &v))
		if (str_ieq(v, token))
			return true;
	return false;
}

/* The number in front of parameters or a comment: "1800;refresher=uas", "18000 (busy)". */
int sip_hdr_u32(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out)
{
	const struct sip_hdr *h = sip_hdr(m, id);
	size_t end, after;

	if (!h)
		return ENOENT;
	end = span(h->value, 0, CHAR_DIGIT);
	after = span(h->value, end, CHAR_BLANK);
	if (after < h->value.n && h->value.p[after] != ';' && h->value.p[after] != '(')
		return EBADMSG;
	return str_u32(from_to(h->value, 0, end), out);
}

/* RFC 3261 7.3.1: a fold, with all blanks around it, is one SP. The parser has
 * made blanks of the line ends, so runs of blanks are what is left of folds. */
struct str sip_unfold(struct arena *a, struct str value)
{
	char *p = NULL;
	size_t n = 0;

	for (size_t i = 0; i < value.n;) {
		size_t end = span(value, i, CHAR_BLANK);

		if (end == i) {
			if (p)
				p[n] = value.p[i];
			n++;
			i++;
			continue;
		}
		if (!p && (end > i + 1 || value.p[i] != ' ')) {
			p = arena_alloc(a, value.n);
			if (!p)
				return STR_NULL;
			memcpy(p, value.p, n);
		}
		if (p)
			p[n] = ' ';
		n++;
		i = end;
	}
	return p ? str_mk(p, n) : value;
}
