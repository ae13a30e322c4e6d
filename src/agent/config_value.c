/* One value in one field: what each kind of parameter takes, and how it is shown. Servers have a file
 * of their own, config_server.c. */
#include "agent/config_private.h"
#include "net/address.h"
#include "sip/uri.h"
#include <errno.h>

/* ---- true and false, numbers */

int agent_read_bool(struct agent_reading *r, void *field, const struct agent_json *v)
{
	(void)r;
	if (v->type != AGENT_JSON_BOOL)
		return EINVAL;
	*(bool *)field = v->truth;
	return 0;
}

void agent_write_bool(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	buf_put(b, *(const bool *)agent_row_field(row, c) ? STR("true") : STR("false"));
}

/* A string may hold a number, as forms give it, but not one with an exponent. */
int agent_read_whole(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct str s = str_trim(v->text);
	double d = v->number;

	if (v->type == AGENT_JSON_STRING) {
		if (str_chr(s, 'e') < s.n || str_chr(s, 'E') < s.n || str_double(s, &d))
			return EINVAL;
	} else if (v->type != AGENT_JSON_NUMBER) {
		return EINVAL;
	}
	if (!(d >= r->row->least && d <= UINT32_MAX) || (double)(uint32_t)d < d)
		return EINVAL;
	*(uint32_t *)field = (uint32_t)d;
	return 0;
}

void agent_write_whole(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	buf_u64(b, *(const uint32_t *)agent_row_field(row, c));
}

/* ---- text */

/* These go into header lines: a line end would begin another header. */
static bool is_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool is_word_byte(char c, const char *marks)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr(marks, c));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_word_byte(s.p[i], "-.!%*_+`'~"))
			return false;
	return s.n > 0;
}

/* Of strings, numbers, true and false what JavaScript's String() makes; false: it is none of these. */
static bool string_of(const struct agent_json *v, struct str *out)
{
	if (v->type == AGENT_JSON_BOOL)
		*out = v->truth ? STR("true") : STR("false");
	else if (v->type == AGENT_JSON_STRING || v->type == AGENT_JSON_NUMBER)
		*out = v->text;
	else
		return false;
	return true;
}

int agent_read_line(struct agent_reading *r, void *field, const struct agent_json *v)
{
	(void)r;
	return v->type == AGENT_JSON_STRING && is_line(v->text) ? text_set(field, v->text) : EINVAL;
}

/* May it stand between double quotes as it is? A backslash takes the next character with it (RFC 3261 25.1). */
static bool is_quotable(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || (s.p[i] == '\\' && (i + 1 == s.n || s.p[i + 1] == '"' || (s.p[i + 1] & 0x80))))
			return false;
		i += s.p[i] == '\\';
	}
	return is_line(s);
}

/* false is none, as in JavaScript, where whoever reads it asks whether it is true. */
int agent_read_quotable(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct str s;

	(void)r;
	if (!string_of(v, &s) || !is_quotable(s))
		return EINVAL;
	return text_set(field, v->type == AGENT_JSON_BOOL && !v->truth ? STR_NULL : s);
}

/* It only ever goes into a hash: every byte may stand in it. */
int agent_read_secret(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct str s;

	(void)r;
	return string_of(v, &s) ? text_set(field, s) : EINVAL;
}

int agent_read_token(struct agent_reading *r, void *field, const struct agent_json *v)
{
	(void)r;
	return v->type == AGENT_JSON_STRING && is_token(v->text) ? text_set(field, v->text) : EINVAL;
}

void agent_write_line(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	agent_json_write_string(b, text_view(agent_row_field(row, c)));
}

void agent_write_text(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	const struct text *t = agent_row_field(row, c);

	if (t->n)
		agent_json_write_string(b, text_view(t));
	else
		buf_put(b, STR("null"));
}

/* ---- hosts and URIs */

/* RFC 3261 25.1, hostname, with underscores inside, as they are seen: no label is empty or has a hyphen at an
 * end, and the last one begins with a letter, so that "1.2.3" is no name. */
static bool is_host_name(struct str s)
{
	struct str label = STR_NULL;

	if (str_ends(s, STR(".")))
		s.n--;
	do {
		label = str_cut_raw(&s, '.');
		for (size_t i = 0; i < label.n; i++)
			if (!is_word_byte(label.p[i], i && i + 1 < label.n ? "-_" : "_"))
				return false;
	} while (label.n && s.n);
	return label.n && is_word_byte(label.p[0], "_") && !(label.p[0] >= '0' && label.p[0] <= '9');
}

bool agent_is_host(struct str s)
{
	bool v6 = str_starts(s, STR("["));
	struct sa a;

	if (v6 ? str_ends(s, STR("]")) : str_chr(s, ':') == s.n)
		if (!sa_parse(&a, s) && sa_port(&a) == 0)
			return true;
	return !v6 && is_host_name(s);
}

/* true: a random address, which agent_config_finish() draws. */
int agent_read_host(struct agent_reading *r, void *field, const struct agent_json *v)
{
	(void)r;
	if (v->type == AGENT_JSON_BOOL)
		return text_set(field, v->truth ? STR("true") : STR_NULL);
	return v->type == AGENT_JSON_STRING && agent_is_host(v->text) ? text_set(field, v->text) : EINVAL;
}

void agent_write_host(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	struct str s = text_view(agent_row_field(row, c));

	if (!s.n)
		buf_put(b, STR("false"));
	else if (str_eq(s, STR("true")))
		buf_put(b, s);
	else
		agent_json_write_string(b, s);
}

/* A user part as the grammar has it, escapes included (RFC 3261 25.1); but for those of control characters,
 * since without its escapes it is the name in credentials. */
static bool is_user(struct str s)
{
	uint8_t byte;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (str_hex(str_sub(s, i + 1, 2), &byte, 1) || byte < 0x20 || byte == 0x7f)
				return false;
			i += 2;
		} else if (!is_word_byte(s.p[i], "-_.!~*'()&=+$,;?/")) {
			return false;
		}
	}
	return true;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] & 0x80)
			return false;
	return true;
}

/* A URI for From, To or a Request-URI, in which neither a password nor headers may stand. With sip: put before
 * it "sips:a@b" is a user named sips with a password, so it falls with these. */
static int read_sip_uri(struct agent_reading *r, void *field, const struct agent_json *v, bool with_user)
{
	struct str s = v->text, rest;
	struct sip_uri u;

	if (v->type != AGENT_JSON_STRING)
		return EINVAL;
	rest = str_skip(s, str_istarts(s, STR("sip:")) ? 4 : 0);
	s = arena_cat(r->a, STR("sip:"), rest);
	if (!s.n)
		return ENOMEM;
	if (sip_uri_parse(&u, s) || !is_ascii(s) || !is_user(u.user) || !agent_is_host(u.host) || u.password.p || u.headers.p ||
	    (u.user.n > 0) != with_user)
		return EINVAL;
	/* The grammar of a host and a port lets "sips:5061" pass. */
	if (str_istarts(rest, STR("sips:")))
		return EINVAL;
	return text_set(field, s);
}

int agent_read_uri(struct agent_reading *r, void *field, const struct agent_json *v)
{
	return read_sip_uri(r, field, v, true);
}

int agent_read_registrar(struct agent_reading *r, void *field, const struct agent_json *v)
{
	return read_sip_uri(r, field, v, false);
}

/* What is escaped already stays so; the rest becomes it. */
int agent_read_user(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct buf b = BUF_INIT;
	int err;

	if (v->type != AGENT_JSON_STRING || !is_line(v->text))
		return EINVAL;
	sip_escape_user(&b, sip_unescape(r->a, v->text));
	err = buf_err(&b) || arena_failed(r->a) ? ENOMEM : text_set(field, buf_view(&b));
	buf_free(&b);
	return err;
}

/* 8-4-4-4-12 hexadecimal digits (RFC 4122 3). */
static bool is_uuid(struct str s)
{
	static const size_t bytes[] = { 4, 2, 2, 2, 6 };
	uint8_t room[6];

	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		if (str_hex(str_sub(s, 0, 2 * bytes[i]), room, bytes[i]))
			return false;
		s = str_skip(s, 2 * bytes[i]);
		if (i + 1 < ARRAY_LEN(bytes) && !str_starts(s, STR("-")))
			return false;
		s = str_skip(s, i + 1 < ARRAY_LEN(bytes));
	}
	return !s.n;
}

int agent_read_instance(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct str s = str_skip(v->text, str_istarts(v->text, STR("uuid:")) ? 5 : 0);

	(void)r;
	return v->type == AGENT_JSON_STRING && is_uuid(s) ? text_set(field, s) : EINVAL;
}

/* ---- words of a list: what is none of them is the first, without an error */

static const struct str supported[] = { STR_INIT("none"), STR_INIT("supported"), STR_INIT("required") };
static const struct str dtmf[] = { STR_INIT("info"), STR_INIT("rtp") };
static const struct str levels[] = { STR_INIT("error"), STR_INIT("warn"), STR_INIT("log"), STR_INIT("debug") };

/* n: none of them. */
static size_t find_word(const struct str *words, size_t n, const struct agent_json *v)
{
	size_t i = 0;

	while (i < n && (v->type != AGENT_JSON_STRING || !str_eq(v->text, words[i])))
		i++;
	return i;
}

int agent_read_supported(struct agent_reading *r, void *field, const struct agent_json *v)
{
	static const enum agent_supported values[] = { AGENT_NONE, AGENT_SUPPORTED, AGENT_REQUIRED, AGENT_NONE };

	(void)r;
	*(enum agent_supported *)field = values[find_word(supported, ARRAY_LEN(supported), v)];
	return 0;
}

void agent_write_supported(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	agent_json_write_string(b, supported[*(const enum agent_supported *)agent_row_field(row, c)]);
}

int agent_read_dtmf(struct agent_reading *r, void *field, const struct agent_json *v)
{
	(void)r;
	*(enum agent_dtmf *)field = find_word(dtmf, ARRAY_LEN(dtmf), v) == 1 ? AGENT_DTMF_RTP : AGENT_DTMF_INFO;
	return 0;
}

void agent_write_dtmf(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	agent_json_write_string(b, dtmf[*(const enum agent_dtmf *)agent_row_field(row, c)]);
}

/* ---- log */

static int warn(struct agent_reading *r, const char *what, const struct agent_json *v)
{
	struct buf b = BUF_INIT;
	int err = 0;

	agent_json_write(&b, v);
	if (r->why)
		err = text_printf(r->why, "invalid \"%s\" parameter value: %.*s", what, STR_ARG(buf_view(&b)));
	else if (buf_err(&b))
		err = ENOMEM;
	buf_free(&b);
	return err;
}

/* A name, 0 to 3, or more, which is 3. -1: none of these. */
static int level_of(const struct agent_json *v)
{
	size_t i = find_word(levels, ARRAY_LEN(levels), v);
	double d = v->number;

	if (i < ARRAY_LEN(levels))
		return (int)i;
	if (v->type != AGENT_JSON_NUMBER && (v->type != AGENT_JSON_STRING || str_double(v->text, &d)))
		return -1;
	return !(d >= 0) ? -1 : d > 3 ? 3 : (int)d;
}

/* Logging is no reason to fail: what is wrong is said, and left as it was. */
int agent_read_log(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct agent_log *log = field;
	const struct agent_json *m;
	int level, err = 0;

	if (v->type != AGENT_JSON_OBJECT)
		return warn(r, "log", v);
	m = agent_json_member(v, STR("builtinEnabled"));
	if (m && m->type == AGENT_JSON_BOOL)
		log->builtin = m->truth;
	else if (m)
		err = warn(r, "builtinEnabled", m);
	m = agent_json_member(v, STR("level"));
	level = m ? level_of(m) : -1;
	if (level >= 0)
		log->level = level;
	else if (m && !err)
		err = warn(r, "level", m);
	return err;
}

void agent_write_log(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	const struct agent_log *log = agent_row_field(row, c);

	buf_printf(b, "{\"builtinEnabled\":%s,\"level\":%d}", log->builtin ? "true" : "false", log->level);
}

/* ---- lists of option tags */

int agent_read_tags(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct buf b = BUF_INIT;
	int err = v->type == AGENT_JSON_LIST ? 0 : EINVAL;

	(void)r;
	for (const struct agent_json *m = v->first; m && !err; m = m->next) {
		err = m->type == AGENT_JSON_STRING && is_token(m->text) ? 0 : EINVAL;
		buf_puts(&b, b.n ? STR(", ") : STR_NULL, m->text);
	}
	if (!err)
		err = buf_err(&b) ? ENOMEM : text_set(field, buf_view(&b));
	buf_free(&b);
	return err;
}

void agent_write_tags(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	struct str s = text_view(agent_row_field(row, c));

	buf_char(b, '[');
	while (s.n) {
		agent_json_write_string(b, str_trim(str_cut_raw(&s, ',')));
		if (s.n)
			buf_char(b, ',');
	}
	buf_char(b, ']');
}
