/* The fields of a digest challenge or answer (RFC 7616 3.3, 3.4). */
#include "sip/digest.h"
#include "sip/chars.h"
#include <errno.h>

#define VALUE_MAX 8192          /* [bytes] the whole header */
#define FIELD_MAX 1024
#define FIELDS_MAX 32

enum quoting { QUOTED, EITHER };

struct field {
	struct str name;
	size_t at;              /* of the view in struct digest_fields */
	enum quoting quoting;
};

#define F(name, quoting) { STR_INIT(#name), offsetof(struct digest_fields, name), quoting }

/* RFC 7616 3.3 and 3.4 say which are quoted. Where they say token, phones send
 * either, and no meaning hangs on it. */
static const struct field fields[] = {
	F(username, QUOTED), F(realm, QUOTED), F(nonce, QUOTED), F(uri, QUOTED), F(response, QUOTED),
	F(cnonce, QUOTED), F(opaque, QUOTED), F(domain, QUOTED), F(qop, EITHER), F(algorithm, EITHER),
	F(nc, EITHER),
};

static int value_of(struct str s, bool quoted, struct str *value)
{
	bool is_quoted = s.n && s.p[0] == '"';

	if (is_quoted && span_quoted(s, 0) != s.n)
		return EBADMSG;
	if (!is_quoted && (quoted || span(s, 0, CHAR_TOKEN) != s.n || !s.n))
		return EBADMSG;
	*value = is_quoted ? from_to(s, 1, s.n - 1) : s;
	return value->n > FIELD_MAX ? EBADMSG : 0;
}

static int field_parse(struct digest_fields *f, unsigned *seen, struct str name, struct str text)
{
	struct str v;
	int err;

	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		if (name.n != fields[i].name.n || !str_ieq(name, fields[i].name))
			continue;
		err = *seen & 1u << i ? EBADMSG : value_of(text, fields[i].quoting == QUOTED, &v);
		if (!err)
			memcpy((char *)f + fields[i].at, &v, sizeof(v));
		*seen |= 1u << i;
		return err;
	}
	if (str_ieq(name, STR("stale"))) {
		err = value_of(text, false, &v);
		f->stale = !err && str_ieq(v, STR("true"));
		return err;
	}
	if (str_ieq(name, STR("username*")))
		f->has_username_ext = true;
	return 0;               /* auth-param: anything else is kept out of the way */
}

int digest_parse(struct digest_fields *out, struct str value)
{
	struct digest_fields f = { 0 };
	struct str s = trim(value);
	unsigned seen = 0, count = 0;
	int err = 0;

	if (s.n > VALUE_MAX || !str_istarts(s, STR("Digest")) || s.n < 7 || !char_is(s.p[6], CHAR_BLANK))
		return EBADMSG;
	s = from_to(s, 7, s.n);
	while (s.n && !err) {
		struct str one = trim(str_cut(&s, ','));
		size_t eq = str_chr(one, '=');

		if (!one.n)
			continue;       /* an empty list element (RFC 7230 section 7) */
		if (eq == one.n || ++count > FIELDS_MAX)
			return EBADMSG;
		err = field_parse(&f, &seen, trim(from_to(one, 0, eq)), trim(from_to(one, eq + 1, one.n)));
	}
	if (!err)
		*out = f;
	return err;
}
