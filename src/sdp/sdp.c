/* sdp/sdp.c -- session descriptions from bytes and back (RFC 8866). */
#include "sdp/sdp.h"
#include "base/arena.h"
#include "base/obj.h"
#include <errno.h>
#include "base/poison.h"

static const char *const proto_names[SDP_PROTOS] = {
	"", "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udptl",
	"TCP/MSRP",
};

const char *sdp_dir_name(enum sdp_dir d)
{
	static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

	return names[(unsigned)d & 3];
}

const char *sdp_proto_name(enum sdp_proto p)
{
	return (unsigned)p < SDP_PROTOS ? proto_names[p] : "";
}

static enum sdp_proto proto_parse(struct str s)
{
	for (unsigned i = 1; i < SDP_PROTOS; i++)
		if (str_ieq(s, str_z(proto_names[i])))
			return (enum sdp_proto)i;
	return SDP_PROTO_OTHER;
}

static bool dir_parse(struct str name, enum sdp_dir *out)
{
	for (unsigned i = 0; i < 4; i++)
		if (str_ieq(name, str_z(sdp_dir_name((enum sdp_dir)i)))) {
			*out = (enum sdp_dir)i;
			return true;
		}
	return false;
}

/* Next word; several blanks count as one, as phones write them so. */
static struct str word(struct str *s)
{
	size_t i = 0;
	struct str w;

	*s = str_ltrim(*s);
	while (i < s->n && s->p[i] != ' ' && s->p[i] != '\t')
		i++;
	w = str_sub(*s, 0, i);
	*s = str_ltrim(str_skip(*s, i));
	return w;
}

const struct sdp_attr *sdp_attr_next(const struct sdp_attr *a, size_t n, const char *name, size_t *it)
{
	while (*it < n) {
		const struct sdp_attr *x = &a[(*it)++];

		if (str_ieq(x->name, str_z(name)))
			return x;
	}
	return NULL;
}

const struct sdp_attr *sdp_attr_find(const struct sdp_attr *a, size_t n, const char *name)
{
	size_t it = 0;

	return sdp_attr_next(a, n, name, &it);
}

static struct str attr_value(const struct sdp_attr *a, size_t n, const char *name)
{
	const struct sdp_attr *x = sdp_attr_find(a, n, name);

	return x ? x->value : STR_NULL;
}

size_t sdp_ssrcs(const struct sdp_media *m, uint32_t *v, size_t max)
{
	const struct sdp_attr *a;
	size_t it = 0, n = 0;

	while (n < max && (a = sdp_attr_next(m->attrs, m->nattrs, "ssrc", &it))) {
		struct str rest = a->value;
		size_t i = 0;

		if (str_u32(str_cut_raw(&rest, ' '), &v[n]))
			continue;
		while (i < n && v[i] != v[n])
			i++;
		n += i == n;
	}
	return n;
}

static void sdp_free(void *arg)
{
	struct sdp *s = arg;

	arena_free(s->arena);
}

/* ---- first pass: how much there is, so that arrays are of exact size */

struct counts {
	size_t media, attrs;
};

static int count_lines(struct str text, struct counts *c)
{
	struct str line;

	*c = (struct counts){ 0 };
	while (str_line(&text, &line)) {
		if (str_starts(line, STR("m=")) && ++c->media > SDP_MAX_MEDIA)
			return E2BIG;
		if (str_starts(line, STR("a=")) && ++c->attrs > SDP_MAX_ATTRS)
			return E2BIG;
	}
	return 0;
}

/* ---- lines */

/* c=IN IP4 192.0.2.1[/ttl[/count]] */
static int conn_parse(struct str v, struct str *addr)
{
	struct str net = word(&v), type = word(&v), host = word(&v);

	if (!str_ieq(net, STR("IN")) || !host.n || v.n ||
	    (!str_ieq(type, STR("IP4")) && !str_ieq(type, STR("IP6"))))
		return EBADMSG;
	*addr = str_cut_raw(&host, '/');
	return addr->n ? 0 : EBADMSG;
}

static void origin_parse(struct sdp *s, struct str v)
{
	s->owner = word(&v);
	s->id = word(&v);
	s->version = word(&v);
	if (str_u64(s->id, &s->id_num))
		s->id_num = 0;
	if (str_u64(s->version, &s->version_num))
		s->version_num = 0;
}

/* m=audio 49170[/2] RTP/AVP 0 8 101 */
static int media_parse(struct sdp *s, struct sdp_media *m, struct str v)
{
	struct str ports, port, rest;
	uint32_t num, nports = 1;
	size_t n = 0;

	m->type_text = word(&v);
	ports = word(&v);
	m->proto_text = word(&v);
	port = str_cut_raw(&ports, '/');
	if (!m->type_text.n || !m->proto_text.n || str_u32(port, &num) || num > UINT16_MAX)
		return EBADMSG;
	if (ports.n && (str_u32(ports, &nports) || nports > UINT16_MAX))
		return EBADMSG;
	m->type = media_type_parse(m->type_text);
	m->proto = proto_parse(m->proto_text);
	m->port = (uint16_t)num;
	m->nports = (uint16_t)nports;
	for (rest = v; word(&rest).n; )
		if (++n > SDP_MAX_FMTS)
			return E2BIG;
	m->fmts = arena_alloc(s->arena, (n + 1) * sizeof(*m->fmts));
	if (!m->fmts)
		return ENOMEM;
	for (; m->nfmts < n; m->nfmts++)
		m->fmts[m->nfmts] = word(&v);
	return n ? 0 : EBADMSG;
}

static int attr_parse(struct sdp_attr *a, struct str v)
{
	a->name = str_trim(str_cut_raw(&v, ':'));
	a->value = str_trim(v);
	return a->name.n ? 0 : EBADMSG;
}

/* ---- what attributes say */

static void rtpmap_decode(struct sdp_rtpmap *r, struct str v)
{
	uint32_t clock, ch;
	struct str enc;

	/* Words after the mapping are dropped: there are phones that repeat the
	 * format list there. */
	v = word(&v);
	enc = str_cut_raw(&v, '/');
	if (!enc.n || str_u32(str_cut_raw(&v, '/'), &clock) || !clock)
		return;
	r->encoding = enc;
	r->clock = clock;
	if (v.n && !str_u32(v, &ch) && ch > 0 && ch <= 8)
		r->channels = (uint8_t)ch;
}

/* One pass over the attributes, whatever their number. */
static void rtpmaps_fill(struct sdp_media *m, const uint8_t slot[128])
{
	for (size_t i = 0; i < m->nattrs; i++) {
		const struct sdp_attr *a = &m->attrs[i];
		bool map = str_ieq(a->name, STR("rtpmap"));
		struct sdp_rtpmap *r;
		struct str v = a->value;
		uint32_t pt;

		if (!map && !str_ieq(a->name, STR("fmtp")))
			continue;
		if (str_u32(word(&v), &pt) || pt > 127 || !slot[pt])
			continue;
		r = &m->rtpmap[slot[pt] - 1];
		if (map && !r->encoding.n)
			rtpmap_decode(r, v);
		else if (!map && !r->fmtp.n)
			r->fmtp = v;
	}
}

static int rtpmaps_decode(struct sdp *s, struct sdp_media *m)
{
	uint8_t slot[128] = { 0 };

	if (!sdp_proto_is_rtp(m->proto))
		return 0;
	m->rtpmap = arena_alloc(s->arena, (m->nfmts + 1) * sizeof(*m->rtpmap));
	if (!m->rtpmap)
		return ENOMEM;
	for (size_t i = 0; i < m->nfmts; i++) {
		uint32_t pt;

		if (str_u32(m->fmts[i], &pt) || pt > 127 || slot[pt])
			continue;
		m->rtpmap[m->nrtpmap].pt = (uint8_t)pt;
		m->rtpmap[m->nrtpmap++].channels = 1;
		slot[pt] = (uint8_t)m->nrtpmap;
	}
	rtpmaps_fill(m, slot);
	/* A dynamic number means nothing by itself (RFC 8866 section 6.6). */
	for (size_t i = 0; i < m->nrtpmap && (m->port || m->bundle_only); i++)
		if (m->rtpmap[i].pt >= 96 && !m->rtpmap[i].encoding.n)
			return EBADMSG;
	return 0;
}

static uint32_t ms_of(const struct sdp_media *m, const char *name)
{
	struct str v = attr_value(m->attrs, m->nattrs, name);
	uint32_t ms;

	/* RFC 8866 section 6.4: may have a fraction; nobody sends over a second. */
	v = str_cut_raw(&v, '.');
	return str_u32(v, &ms) || ms > 1000 ? 0 : ms;
}

/* a=rtcp:53020 [IN IP4 126.16.64.4] (RFC 3605) */
static void rtcp_decode(struct sdp_media *m)
{
	struct str v = attr_value(m->attrs, m->nattrs, "rtcp"), host;
	uint32_t port;

	m->rtcp = m->addr;
	if (sa_is_set(&m->addr))
		sa_set_port(&m->rtcp, m->port < UINT16_MAX ? (uint16_t)(m->port + 1) : m->port);
	if (str_u32(word(&v), &port) || !port || port > UINT16_MAX)
		return;
	if (v.n && !conn_parse(v, &host))
		sa_parse_host(&m->rtcp, host, (uint16_t)port);
	else if (sa_is_set(&m->rtcp))
		sa_set_port(&m->rtcp, (uint16_t)port);
}

static struct str own_or_session(const struct sdp *s, const struct sdp_media *m, const char *name)
{
	const struct sdp_attr *a = sdp_attr_find(m->attrs, m->nattrs, name);

	return a ? a->value : attr_value(s->attrs, s->nattrs, name);
}

static int media_decode(struct sdp *s, struct sdp_media *m)
{
	if (!m->conn.n)
		m->conn = s->conn;
	if (m->conn.n && sa_parse_host(&m->addr, m->conn, m->port))
		m->addr = (struct sa){ 0 };
	rtcp_decode(m);
	m->dir = s->dir;
	for (size_t i = 0; i < m->nattrs; i++)
		m->dir_set = dir_parse(m->attrs[i].name, &m->dir) || m->dir_set;
	m->ptime = ms_of(m, "ptime");
	m->maxptime = ms_of(m, "maxptime");
	m->rtcp_mux = sdp_attr_find(m->attrs, m->nattrs, "rtcp-mux") != NULL;
	m->has_crypto = sdp_attr_find(m->attrs, m->nattrs, "crypto") != NULL;
	m->bundle_only = !m->port && sdp_attr_find(m->attrs, m->nattrs, "bundle-only") != NULL;
	m->ice_mismatch = sdp_attr_find(m->attrs, m->nattrs, "ice-mismatch") != NULL;
	m->ice_lite = sdp_attr_find(s->attrs, s->nattrs, "ice-lite") != NULL;
	m->mid = attr_value(m->attrs, m->nattrs, "mid");
	m->setup = own_or_session(s, m, "setup");
	m->fingerprint = own_or_session(s, m, "fingerprint");
	m->ice_ufrag = own_or_session(s, m, "ice-ufrag");
	m->ice_pwd = own_or_session(s, m, "ice-pwd");
	m->connection = own_or_session(s, m, "connection");
	return rtpmaps_decode(s, m);
}

/* ---- the whole */

static int line_parse(struct sdp *s, struct sdp_attr *attrs, size_t *nattrs, struct str line)
{
	struct sdp_media *m = s->nmedia ? &s->media[s->nmedia - 1] : NULL;
	struct str v = str_skip(line, 2);
	int err = 0;

	switch (line.p[0]) {
	case 'o':
		if (!m)
			origin_parse(s, v);
		break;
	case 's':
		if (!m)
			s->name = v;
		break;
	case 'c':
		err = conn_parse(v, m ? &m->conn : &s->conn);
		break;
	case 'm':
		m = &s->media[s->nmedia++];
		m->attrs = &attrs[*nattrs];
		err = media_parse(s, m, v);
		break;
	case 'a':
		err = attr_parse(&attrs[(*nattrs)++], v);
		if (m)
			m->nattrs++;
		else
			s->nattrs++;
		break;
	default:        /* i u e p b t r z k: nothing that we use */
		break;
	}
	return err;
}

/* A lone CR or a NUL would become a line of its own in what we write from it. */
static bool has_control(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t')
			return true;
	return false;
}

static int lines_parse(struct sdp *s)
{
	struct str rest = s->text, line;
	struct sdp_attr *attrs;
	struct counts c;
	size_t nattrs = 0;
	bool first = true;
	int err = count_lines(rest, &c);

	if (err)
		return err;
	attrs = arena_alloc(s->arena, (c.attrs + 1) * sizeof(*attrs));
	s->media = arena_alloc(s->arena, (c.media + 1) * sizeof(*s->media));
	if (!attrs || !s->media)
		return ENOMEM;
	s->attrs = attrs;
	while (!err && str_line(&rest, &line)) {
		if (!str_trim(line).n)
			continue;
		if (has_control(line))
			return EBADMSG;
		if (line.n < 2 || line.p[1] != '=' || line.p[0] < 'a' || line.p[0] > 'z')
			return EBADMSG;
		if (first && !str_eq(str_trim(line), STR("v=0")))
			return EBADMSG;
		first = false;
		err = line_parse(s, attrs, &nattrs, line);
	}
	return err ? err : first ? EBADMSG : 0;
}

int sdp_parse(struct sdp **out, struct str body)
{
	struct sdp *s;
	int err;

	if (body.n > SDP_MAX_TEXT)
		return E2BIG;
	s = obj_new(sizeof(*s), sdp_free);
	if (!s)
		return ENOMEM;
	s->arena = arena_new(2048);
	if (s->arena)
		s->text = arena_dup(s->arena, body);
	if (!s->arena || (body.n && !s->text.p)) {
		err = ENOMEM;
		goto out;
	}
	s->dir = SDP_SENDRECV;
	err = lines_parse(s);
	if (err)
		goto out;
	for (size_t i = 0; i < s->nattrs; i++)
		dir_parse(s->attrs[i].name, &s->dir);
	s->group = attr_value(s->attrs, s->nattrs, "group");
	for (size_t i = 0; i < s->nmedia && !err; i++)
		err = media_decode(s, &s->media[i]);
	if (!err && arena_failed(s->arena))
		err = ENOMEM;
 out:
	if (err)
		obj_drop(s);
	else
		*out = s;
	return err;
}

static void write_attrs(struct buf *b, const struct sdp_attr *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, STR("a="), a[i].name);
		if (a[i].value.n)
			buf_puts(b, STR(":"), a[i].value);
		buf_put(b, STR("\r\n"));
	}
}

static void write_conn(struct buf *b, struct str addr)
{
	buf_puts(b, STR("c=IN "), str_chr(addr, ':') < addr.n ? STR("IP6 ") : STR("IP4 "), addr, STR("\r\n"));
}

void sdp_write(struct buf *b, const struct sdp *s)
{
	struct str origin = s->conn.n ? s->conn : STR("0.0.0.0");

	buf_put(b, STR("v=0\r\no="));
	buf_puts(b, s->owner.n ? s->owner : STR("-"), STR(" "), s->id.n ? s->id : STR("0"), STR(" "),
		 s->version.n ? s->version : STR("0"));
	buf_puts(b, STR(" IN "), str_chr(origin, ':') < origin.n ? STR("IP6 ") : STR("IP4 "), origin,
		 STR("\r\ns="), s->name.n ? s->name : STR("-"), STR("\r\n"));
	if (s->conn.n)
		write_conn(b, s->conn);
	buf_put(b, STR("t=0 0\r\n"));
	write_attrs(b, s->attrs, s->nattrs);
	for (size_t i = 0; i < s->nmedia; i++) {
		const struct sdp_media *m = &s->media[i];

		buf_puts(b, STR("m="), m->type_text, STR(" "));
		buf_u64(b, m->port);
		if (m->nports > 1) {
			buf_char(b, '/');
			buf_u64(b, m->nports);
		}
		buf_puts(b, STR(" "), m->proto_text);
		for (size_t j = 0; j < m->nfmts; j++)
			buf_puts(b, STR(" "), m->fmts[j]);
		buf_put(b, STR("\r\n"));
		if (m->conn.n && !str_eq(m->conn, s->conn))
			write_conn(b, m->conn);
		write_attrs(b, m->attrs, m->nattrs);
	}
}
