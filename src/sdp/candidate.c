/* sdp/candidate.c -- the attributes of ICE in an SDP (RFC 8839). Fragments that
 * trickle are in sdpfrag.c. */
#include "sdp/candidate.h"
#include <errno.h>
#include "base/poison.h"

static const char *const type_names[CANDIDATE_TYPES] = { "host", "prflx", "srflx", "relay" };

const char *candidate_type_name(enum candidate_type t)
{
	return (unsigned)t < CANDIDATE_TYPES ? type_names[t] : "";
}

static enum candidate_type type_parse(struct str s)
{
	for (unsigned i = 0; i < CANDIDATE_TYPES; i++)
		if (str_ieq(s, str_z(type_names[i])))
			return (enum candidate_type)i;
	return CANDIDATE_TYPES;
}

static enum candidate_transport transport_parse(struct str s)
{
	return str_ieq(s, STR("UDP")) ? CANDIDATE_UDP : str_ieq(s, STR("TCP")) ? CANDIDATE_TCP : CANDIDATE_TRANSPORT_OTHER;
}

/* Next word; several blanks count as one. */
static struct str next_word(struct str *s)
{
	struct str w;

	*s = str_ltrim(*s);
	w = str_cut_raw(s, ' ');
	return w;
}

static bool is_ice_chars(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
			return false;
	}
	return true;
}

/* Visible ASCII: nothing that could end a line or a word when it is written again. */
static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static int range_parse(struct str s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint32_t v;
	int err = str_u32(s, &v);

	if (err)
		return err;
	if (v < min || v > max)
		return ERANGE;
	*out = v;
	return 0;
}

/* ---- a=candidate */

/* raddr, rport and the pairs after them. */
static int tail_parse(struct candidate *c, struct str v)
{
	struct str rest = str_trim(v), raddr = STR_NULL;
	uint32_t port = 0;
	bool has_port = false;
	int err = 0;

	c->ext = STR_NULL;
	while (!err && rest.n) {
		struct str whole = rest, name = next_word(&rest), value = next_word(&rest);

		rest = str_ltrim(rest);
		if (!is_visible(name) || !is_visible(value))
			return EBADMSG;
		if (str_ieq(name, STR("raddr"))) {
			raddr = value;
		} else if (str_ieq(name, STR("rport"))) {
			err = range_parse(value, 0, UINT16_MAX, &port);
			has_port = true;
		} else if (!c->ext.n) {
			c->ext = whole;
		}
	}
	if (!err && raddr.n && has_port && sa_parse_host(&c->related, raddr, (uint16_t)port))
		c->related = (struct sa){ 0 };
	return err;
}

int candidate_parse(struct candidate *out, struct str value)
{
	struct candidate c = { 0 };
	struct str v = str_trim(value), word;
	uint32_t n = 0;
	int err;

	c.foundation = next_word(&v);
	if (!c.foundation.n || !is_ice_chars(c.foundation))
		return EBADMSG;
	if (c.foundation.n > CANDIDATE_FOUNDATION_MAX)
		return ERANGE;
	err = range_parse(next_word(&v), 1, 256, &n);
	c.component = (uint16_t)n;
	c.transport_text = next_word(&v);
	c.transport = transport_parse(c.transport_text);
	if (!err && !is_visible(c.transport_text))
		err = EBADMSG;
	if (!err)
		err = range_parse(next_word(&v), 1, INT32_MAX, &c.priority);
	c.host = next_word(&v);
	if (!err && !is_visible(c.host))
		err = EBADMSG;
	if (!err)
		err = range_parse(next_word(&v), 0, UINT16_MAX, &n);
	c.port = (uint16_t)n;
	word = next_word(&v);
	c.type_text = next_word(&v);
	c.type = type_parse(c.type_text);
	if (!err && (!str_ieq(word, STR("typ")) || !is_visible(c.type_text)))
		err = EBADMSG;
	if (!err)
		err = tail_parse(&c, v);
	if (err)
		return err;
	if (sa_parse_host(&c.addr, c.host, c.port))
		c.addr = (struct sa){ 0 };
	*out = c;
	return 0;
}

bool candidate_usable(const struct candidate *c)
{
	return c->transport == CANDIDATE_UDP && c->type < CANDIDATE_TYPES && sa_is_set(&c->addr) && c->port;
}

bool candidate_is_mdns(const struct candidate *c)
{
	return !sa_is_set(&c->addr) && c->host.n > 6 && str_ieq(str_skip(c->host, c->host.n - 6), STR(".local"));
}

struct str candidate_ext(const struct candidate *c, struct str name)
{
	struct str rest = c->ext;

	while (rest.n) {
		struct str n = next_word(&rest), v = next_word(&rest);

		rest = str_ltrim(rest);
		if (str_ieq(n, name))
			return v;
	}
	return STR_NULL;
}

/* raddr and rport may stand among them: they are written already. */
static void write_ext(struct buf *b, struct str rest)
{
	while (rest.n) {
		struct str name = next_word(&rest), value = next_word(&rest);

		rest = str_ltrim(rest);
		if (!str_ieq(name, STR("raddr")) && !str_ieq(name, STR("rport")))
			buf_puts(b, STR(" "), name, STR(" "), value);
	}
}

void candidate_write(struct buf *b, const struct candidate *c)
{
	buf_put(b, c->foundation);
	buf_char(b, ' ');
	buf_u64(b, c->component);
	buf_puts(b, STR(" "), c->transport_text.n ? c->transport_text : STR("UDP"), STR(" "));
	buf_u64(b, c->priority);
	buf_char(b, ' ');
	if (sa_is_set(&c->addr))
		sa_write_bare(b, &c->addr);
	else
		buf_put(b, c->host);
	buf_char(b, ' ');
	buf_u64(b, sa_is_set(&c->addr) ? sa_port(&c->addr) : c->port);
	buf_puts(b, STR(" typ "), c->type < CANDIDATE_TYPES ? str_z(type_names[c->type]) : c->type_text);
	if (sa_is_set(&c->related)) {
		buf_put(b, STR(" raddr "));
		sa_write_bare(b, &c->related);
		buf_put(b, STR(" rport "));
		buf_u64(b, sa_port(&c->related));
	}
	write_ext(b, c->ext);
}

/* ---- the rest of an m= line */

static int credential_check(struct str s, size_t min)
{
	if (!is_ice_chars(s))
		return EBADMSG;
	return s.n < min || s.n > ICE_CREDENTIAL_MAX ? ERANGE : 0;
}

int ice_ufrag_check(struct str ufrag) { return credential_check(ufrag, ICE_UFRAG_MIN); }
int ice_pwd_check(struct str pwd) { return credential_check(pwd, ICE_PWD_MIN); }

static const struct sdp_attr *find_either(const struct sdp *s, const struct sdp_media *m, const char *name)
{
	const struct sdp_attr *a = sdp_attr_find(m->attrs, m->nattrs, name);

	return a ? a : sdp_attr_find(s->attrs, s->nattrs, name);
}

static bool has_option(struct str options, struct str name)
{
	while (options.n) {
		if (str_eq(next_word(&options), name))
			return true;
		options = str_ltrim(options);
	}
	return false;
}

int ice_desc_read(struct ice_desc *d, const struct sdp *s, const struct sdp_media *m)
{
	/* The options of a session hold for each of its lines, beside their own. */
	const struct sdp_attr *own = sdp_attr_find(m->attrs, m->nattrs, "ice-options");
	const struct sdp_attr *all = sdp_attr_find(s->attrs, s->nattrs, "ice-options");
	const struct sdp_attr *remote = sdp_attr_find(m->attrs, m->nattrs, "remote-candidates");
	int err;

	if (!m->ice_ufrag.n && !m->ice_pwd.n)
		return ENOENT;
	if (!m->ice_ufrag.n || !m->ice_pwd.n)
		return EBADMSG;
	err = ice_ufrag_check(m->ice_ufrag);
	if (!err)
		err = ice_pwd_check(m->ice_pwd);
	if (err)
		return err;
	*d = (struct ice_desc){ .ufrag = m->ice_ufrag, .pwd = m->ice_pwd, .lite = m->ice_lite, .mismatch = m->ice_mismatch };
	d->trickle = (own && has_option(own->value, STR("trickle"))) || (all && has_option(all->value, STR("trickle")));
	d->ice2 = (own && has_option(own->value, STR("ice2"))) || (all && has_option(all->value, STR("ice2")));
	d->end_of_candidates = find_either(s, m, "end-of-candidates") != NULL;
	d->remote_candidates = remote ? remote->value : STR_NULL;
	return 0;
}

bool ice_candidate_next(const struct sdp_media *m, size_t *it, struct candidate *c)
{
	const struct sdp_attr *a;

	while ((a = sdp_attr_next(m->attrs, m->nattrs, "candidate", it)))
		if (!candidate_parse(c, a->value) && candidate_usable(c))
			return true;
	return false;
}

bool ice_has_component(const struct sdp_media *m, unsigned component)
{
	const struct sdp_attr *a;
	struct candidate c;
	size_t it = 0;

	while ((a = sdp_attr_next(m->attrs, m->nattrs, "candidate", &it)))
		if (!candidate_parse(&c, a->value) && c.component == component)
			return true;
	return false;
}

bool ice_default_matches(const struct sdp_media *m, bool trickle)
{
	size_t it = 0;
	struct candidate c;
	const struct sdp_attr *a;
	bool any = false;

	if (!sa_is_set(&m->addr))
		return true;            /* a name: nothing to compare with */
	if (trickle && sa_is_any(&m->addr) && m->port == 9)
		return true;
	while ((a = sdp_attr_next(m->attrs, m->nattrs, "candidate", &it))) {
		if (candidate_parse(&c, a->value) || c.component != 1)
			continue;
		any = true;
		if (sa_is_set(&c.addr) && sa_eq(&c.addr, &m->addr))
			return true;
	}
	/* Without candidates there is nothing that it could differ from. */
	return !any;
}

int ice_remote_candidate(struct str *v, uint16_t *component, struct sa *addr)
{
	struct str rest = str_trim(*v), n, host, port;
	uint32_t num, p;
	struct sa a;

	if (!rest.n)
		return ENOENT;
	n = next_word(&rest);
	host = next_word(&rest);
	port = next_word(&rest);
	if (range_parse(n, 1, 256, &num) || range_parse(port, 1, UINT16_MAX, &p) || sa_parse_host(&a, host, (uint16_t)p))
		return EBADMSG;
	*v = rest;
	*component = (uint16_t)num;
	*addr = a;
	return 0;
}

void ice_remote_candidate_write(struct buf *b, uint16_t component, const struct sa *addr)
{
	if (b->n)
		buf_char(b, ' ');
	buf_u64(b, component);
	buf_char(b, ' ');
	sa_write_bare(b, addr);
	buf_char(b, ' ');
	buf_u64(b, sa_port(addr));
}
