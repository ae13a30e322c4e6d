/* Parses a message: start line, headers, and what is wrong with them. */
#include "sip/message.h"
#include "base/obj.h"
#include "sip/chars.h"
#include "sip/layout.h"
#include "sip/names.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define CSEQ_MAX 0x7fffffffu    /* RFC 3261 8.1.1.5 */

#define BIT(id) (1ull << (id))
_Static_assert(SIP_H_IDS <= 64, "the set of headers seen is one word");

/* One parse. The message is written field by field and is nobody else's yet. */
struct parse {
	struct sip_msg *m;
	uint64_t seen;          /* BIT() of each header met */
	bool has_length;
	uint64_t length;        /* Content-Length */
};

/* The first fault is the answer; the version is looked at before anything else,
 * because in another one nothing means what we think. */
static void set_fault(struct parse *p, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void set_fault(struct parse *p, unsigned status, const char *fmt, ...)
{
	va_list ap;

	if (p->m->fault)
		return;
	p->m->fault = status;
	va_start(ap, fmt);
	vsnprintf(p->m->fault_reason, sizeof(p->m->fault_reason), fmt, ap);
	va_end(ap);
}

/* "SIP/2.0"; another number is a fault, anything else no message. */
static int version_parse(struct parse *p, struct str s)
{
	size_t dot, end;

	if (str_eq(s, STR("SIP/2.0")))
		return 0;
	if (!str_istarts(s, STR("SIP/")))
		return EBADMSG;
	dot = span(s, 4, CHAR_DIGIT);
	end = dot < s.n ? span(s, dot + 1, CHAR_DIGIT) : dot;
	if (dot == 4 || dot == s.n || s.p[dot] != '.' || end == dot + 1 || end != s.n)
		return EBADMSG;
	if (!str_eq(from_to(s, 4, s.n), STR("2.0")))
		set_fault(p, 505, "Version Not Supported");
	return 0;
}

/* Method SP Request-URI SP SIP-Version: one blank each, none at the ends
 * (RFC 3261 7.1; RFC 4475 3.1.2.7 to 3.1.2.10). */
static int request_line_parse(struct parse *p, struct str line)
{
	struct sip_msg *m = p->m;
	size_t end = span(line, 0, CHAR_TOKEN), uri = end + 1;
	int err;

	if (!end || end == line.n || line.p[end] != ' ')
		return EBADMSG;
	m->request = true;
	m->method_name = from_to(line, 0, end);
	m->method = sip_method_of(m->method_name);
	end = span(line, uri, CHAR_URI);
	if (end == uri || end == line.n || line.p[end] != ' ')
		return EBADMSG;
	err = version_parse(p, from_to(line, end + 1, line.n));
	if (err)
		return err;
	if (sip_uri_parse(&m->ruri, from_to(line, uri, end))) {
		m->ruri = (struct sip_uri){ .text = from_to(line, uri, end) };
		set_fault(p, 400, "Bad Request-URI");
	} else if (m->ruri.headers.n) {
		set_fault(p, 400, "Request-URI with headers");      /* RFC 3261 19.1.1 */
	}
	return 0;
}

/* SIP-Version SP Status-Code SP Reason-Phrase; the phrase may be empty, and
 * then some leave out the blank before it. */
static int status_line_parse(struct parse *p, struct str line)
{
	struct str version = str_cut_raw(&line, ' '), code = str_cut_raw(&line, ' ');
	uint32_t status;
	int err = version_parse(p, version);

	if (err)
		return err;
	if (code.n != 3 || str_u32(code, &status) || status < 100 || status > 699)
		return EBADMSG;
	p->m->status = status;
	p->m->reason = line;
	return 0;
}

/* Every value of the line must be a Via; the first of the first line is ours. */
static void via_parse(struct parse *p, struct str value)
{
	struct sip_via later, *v = p->seen & BIT(SIP_H_VIA) ? &later : &p->m->via;

	do {
		if (sip_via_parse(v, value)) {
			set_fault(p, 400, "Bad Via");
			return;
		}
		v = &later;
		/* No comma outside quotes: the usual line, told without a walk. */
		if (str_chr(value, ',') == value.n)
			return;
		str_cut(&value, ',');
	} while (value.n);
}

/* Unquoted comma before the '<': is that one address, or the end of a first
 * one? Whoever is answered may be the wrong one, so there is no message
 * (RFC 4475 3.1.2.15). */
static bool comma_in_name(struct str value)
{
	struct str first = value;

	str_cut_addr(&first, ',');
	return first.n && str_chr(from_to(value, 0, value.n - first.n), '<') == value.n - first.n;
}

static int addr_parse(struct parse *p, struct sip_addr *a, struct str value, const char *name)
{
	if (!sip_addr_parse(a, value) && !a->star)
		return 0;
	*a = (struct sip_addr){ 0 };
	if (comma_in_name(value))
		return EBADMSG;
	set_fault(p, 400, "Bad %s", name);
	return 0;
}

static void call_id_parse(struct parse *p, struct str value)
{
	if (!value.n || span(value, 0, CHAR_BLANK) || str_chr(value, ' ') != value.n)
		set_fault(p, 400, "Bad Call-ID");
	else
		p->m->call_id = value;
}

static void cseq_parse(struct parse *p, struct str value)
{
	size_t end = span(value, 0, CHAR_DIGIT), from = span(value, end, CHAR_BLANK);
	struct str method = from_to(value, from, value.n);
	uint32_t n;

	if (from == end || span(method, 0, CHAR_TOKEN) != method.n || !method.n ||
	    str_u32(from_to(value, 0, end), &n) || n > CSEQ_MAX) {
		set_fault(p, 400, "Bad CSeq");
		return;
	}
	p->m->cseq = n;
	p->m->cseq_method = method;
}

static void max_forwards_parse(struct parse *p, struct str value)
{
	uint32_t n;
	int err = str_u32(value, &n);

	if (err == EBADMSG)
		set_fault(p, 400, "Bad Max-Forwards");
	else
		p->m->max_forwards = err || n > 255 ? 255 : (int)n;     /* RFC 3261 20.22 */
}

static void contact_parse(struct parse *p, struct str value)
{
	struct sip_addr a;

	while (value.n) {
		struct str one = trim(str_cut_addr(&value, ','));

		if (one.n && sip_addr_parse(&a, one))
			set_fault(p, 400, "Bad Contact");
	}
}

/* Is `s` one of the three-letter names strung together in `names`? */
static bool name_in(struct str s, struct str names)
{
	size_t at = s.n == 3 ? str_find(names, s) : names.n;

	return at < names.n && at % 3 == 0;
}

static bool number_in(struct str s, size_t digits, uint32_t lo, uint32_t hi)
{
	uint32_t v;

	return s.n <= digits && !str_u32(s, &v) && v >= lo && v <= hi;
}

/* "Sat, 13 Nov 2010 23:29:00 GMT" (RFC 3261 20.17); a day of one digit is
 * forgiven, another zone is not. */
static bool date_ok(struct str s)
{
	struct str day = str_cut_raw(&s, ','), date, month, year, hour, minute, second;

	s = trim(s);
	date = str_cut_raw(&s, ' ');
	month = str_cut_raw(&s, ' ');
	year = str_cut_raw(&s, ' ');
	hour = str_cut_raw(&s, ':');
	minute = str_cut_raw(&s, ':');
	second = str_cut_raw(&s, ' ');
	return name_in(day, STR("MonTueWedThuFriSatSun")) && number_in(date, 2, 1, 31) &&
	       name_in(month, STR("JanFebMarAprMayJunJulAugSepOctNovDec")) && number_in(year, 4, 0, 9999) &&
	       number_in(hour, 2, 0, 23) && number_in(minute, 2, 0, 59) && number_in(second, 2, 0, 60) &&
	       str_eq(trim(s), STR("GMT"));
}

/* Two lengths leave no way to tell where the message ends (RFC 4475 3.3.9). */
static int length_parse(struct parse *p, struct str value)
{
	uint64_t n;
	int err = content_length_of(value, &n);

	if (err)
		return err;
	if (p->has_length && p->length != n)
		return EBADMSG;
	p->has_length = true;
	p->length = n;
	return 0;
}

/* What is decoded on the way. Contact and Date are judged in requests only: a
 * response with a bad one still ends its transaction. */
static int known_parse(struct parse *p, enum sip_hdr_id id, struct str value)
{
	struct sip_msg *m = p->m;

	if (hdr_shape_of(id) == HDR_SINGLE && p->seen & BIT(id)) {
		struct str name = sip_hdr_name(id);

		set_fault(p, 400, "More than one %.*s", STR_ARG(name));
		return id == SIP_H_CONTENT_LENGTH ? length_parse(p, value) : 0;
	}
	switch (id) {
	case SIP_H_VIA:
		via_parse(p, value);
		return 0;
	case SIP_H_FROM:
		return addr_parse(p, &m->from, value, "From");
	case SIP_H_TO:
		return addr_parse(p, &m->to, value, "To");
	case SIP_H_CALL_ID:
		call_id_parse(p, value);
		return 0;
	case SIP_H_CSEQ:
		cseq_parse(p, value);
		return 0;
	case SIP_H_MAX_FORWARDS:
		max_forwards_parse(p, value);
		return 0;
	case SIP_H_CONTENT_LENGTH:
		return length_parse(p, value);
	case SIP_H_CONTENT_TYPE:
		m->content_type = trim(from_to(value, 0, str_chr(value, ';')));
		return 0;
	case SIP_H_CONTACT:
		if (m->request)
			contact_parse(p, value);
		return 0;
	case SIP_H_DATE:
		if (m->request && !date_ok(value))
			set_fault(p, 400, "Bad Date");
		return 0;
	default:
		return 0;
	}
}

/* The line ends of a folded header become blanks in our copy, so that no view
 * into it can carry a line end anywhere. A CR that ends no line is a fault. */
static void line_ends_check(struct parse *p, char *s, size_t n, bool folded)
{
	if (!folded) {
		if (memchr(s, '\r', n))
			set_fault(p, 400, "Stray CR in a header");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\r' && (i + 1 == n || s[i + 1] != '\n'))
			set_fault(p, 400, "Stray CR in a header");
		if (s[i] == '\r' || s[i] == '\n')
			s[i] = ' ';
	}
}

static int header_parse(struct parse *p, char *s, size_t n, bool folded)
{
	struct str line = str_mk(s, n);
	size_t end = span(line, 0, CHAR_TOKEN), colon;
	struct sip_hdr *h;

	line_ends_check(p, s, n, folded);
	colon = span(line, end, CHAR_BLANK);
	if (!end || colon == n || s[colon] != ':') {
		set_fault(p, 400, "Bad header line");
		return 0;
	}
	h = &p->m->hdr[p->m->hdrs++];
	h->name = from_to(line, 0, end);
	h->value = trim(from_to(line, colon + 1, n));
	h->id = (uint16_t)sip_hdr_id_of(h->name);
	if (h->id != SIP_H_OTHER) {
		int err = known_parse(p, h->id, h->value);

		p->seen |= BIT(h->id);
		return err;
	}
	return 0;
}

/* Where the body ends; `have` bytes follow the headers. */
static int body_parse(struct parse *p, size_t at, size_t have, bool datagram)
{
	struct sip_msg *m = p->m;
	uint64_t n = p->has_length ? p->length : datagram ? have : 0;

	if (!p->has_length && !datagram)
		set_fault(p, 400, "No Content-Length");             /* RFC 3261 18.3 */
	if (n > SIP_MAX_BODY) {
		set_fault(p, 413, "Body over %u bytes", SIP_MAX_BODY);
		n = 0;
	}
	if (n > have)
		return EBADMSG;
	m->body = str_mk(m->bytes.p + at, (size_t)n);
	m->bytes.n = at + (size_t)n;
	return 0;
}

/* RFC 3261 8.1.1: what each message has. Max-Forwards is missing in those of
 * old clients, and that is forgiven (RFC 4475 3.4.1). */
static void required_check(struct parse *p)
{
	static const uint8_t ids[] = { SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ };
	struct sip_msg *m = p->m;

	for (size_t i = 0; i < sizeof(ids); i++) {
		struct str name = sip_hdr_name(ids[i]);

		if (!(p->seen & BIT(ids[i])))
			set_fault(p, 400, "No %.*s", STR_ARG(name));
	}
	if (!m->request) {
		m->method_name = m->cseq_method;
		m->method = sip_method_of(m->method_name);
	} else if (m->cseq_method.n && !str_eq(m->cseq_method, m->method_name)) {
		set_fault(p, 400, "CSeq is of another method");
	}
}

static int message_parse(struct parse *p, const struct layout *l, char *copy, size_t have, bool datagram)
{
	struct str line = str_mk(copy + l->line[0].from, l->line[0].to - l->line[0].from);
	bool response = str_istarts(line, STR("SIP/"));
	int err = response ? status_line_parse(p, line) : request_line_parse(p, line);

	if (!err && memchr(line.p, '\r', line.n))
		err = EBADMSG;
	for (size_t i = 1; !err && i < l->lines; i++)
		err = header_parse(p, copy + l->line[i].from, l->line[i].to - l->line[i].from, l->line[i].folded);
	if (!err && l->too_many)
		set_fault(p, 400, "More than %u headers", SIP_MAX_HEADERS);
	if (!err)
		err = body_parse(p, l->head, have, datagram);
	if (!err)
		required_check(p);
	return err;
}

/* The message, its headers and its bytes are one block: nothing to free apart. */
int sip_msg_parse(struct sip_msg **msg, struct str bytes, bool datagram)
{
	struct layout l;
	struct parse p = { 0 };
	size_t skip = 0, headers;
	char *copy;
	int err;

	while (skip < bytes.n && (bytes.p[skip] == '\r' || bytes.p[skip] == '\n'))
		skip++;         /* RFC 3261 7.5 */
	bytes = from_to(bytes, skip, bytes.n);
	err = layout_of(&l, bytes);
	/* The end of a datagram is an end too: some peers leave the blank line out
	 * where no body follows. */
	if (err == EAGAIN && datagram && l.lines > 1 && l.head == bytes.n)
		err = 0;
	if (err)
		return EBADMSG;
	headers = (l.lines - 1) * sizeof(struct sip_hdr);
	p.m = obj_new(sizeof(*p.m) + headers + bytes.n, NULL);
	if (!p.m)
		return ENOMEM;
	p.m->hdr = (struct sip_hdr *)(void *)(p.m + 1);
	copy = (char *)p.m->hdr + headers;
	memcpy(copy, bytes.p, bytes.n);
	p.m->bytes = str_mk(copy, bytes.n);
	p.m->max_forwards = -1;
	err = message_parse(&p, &l, copy, bytes.n - l.head, datagram);
	if (err)
		obj_drop(p.m);
	else
		*msg = p.m;
	return err;
}

bool sip_msg_begins(struct str data)
{
	static const struct str methods[] = { STR_INIT("INVITE "), STR_INIT("REGISTER "), STR_INIT("OPTIONS "),
		STR_INIT("MESSAGE "), STR_INIT("SUBSCRIBE "), STR_INIT("PUBLISH ") };

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_starts(data, methods[i]))
			return true;
	return false;
}
