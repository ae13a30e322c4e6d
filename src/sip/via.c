/* Via headers (RFC 3261 20.42, RFC 3581). */
#include "sip/message.h"
#include "sip/chars.h"
#include <errno.h>

/* "SIP / 2.0 / UDP" from s.p[*i] on; *i moves behind it. Any version: the start
 * line answers for that. */
static int protocol_parse(struct str s, size_t *i, struct str *protocol)
{
	struct str part[3];

	for (size_t k = 0; k < 3; k++) {
		size_t from = span(s, *i, CHAR_BLANK), end = span(s, from, CHAR_TOKEN);

		if (end == from)
			return EBADMSG;
		part[k] = from_to(s, from, end);
		*i = end;
		if (k == 2)
			break;
		end = span(s, end, CHAR_BLANK);
		if (end == s.n || s.p[end] != '/')
			return EBADMSG;
		*i = end + 1;
	}
	*protocol = part[2];
	return str_ieq(part[0], STR("SIP")) ? 0 : EBADMSG;
}

/* A quote must close, and nothing but parameters may stand here. */
static int params_parse(struct sip_via *v, struct str params)
{
	struct str name, value, rest = params;

	while (param_next(&rest, &name, &value)) {
		if (name.n == 6 && str_ieq(name, STR("branch"))) {
			if (!v->branch.n)
				v->branch = value;
		} else if (name.n == 8 && str_ieq(name, STR("received"))) {
			v->received = value;
		} else if (name.n == 5 && str_ieq(name, STR("rport"))) {
			v->has_rport = true;
			if (value.n && port_of(value, &v->rport))
				return EBADMSG;
		}
	}
	v->params = params;
	return 0;
}

/* The end of the first value of a Via line: its comma, or s.n; SIZE_MAX: a
 * quote that never ends. */
static size_t value_end(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != ',') {
		if (s.p[i] == '"') {
			i = span_quoted(s, i);
			if (!i)
				return SIZE_MAX;
		} else {
			i++;
		}
	}
	return i;
}

int sip_via_parse(struct sip_via *out, struct str value)
{
	struct sip_via v = { 0 };
	size_t i = 0, end = value_end(value);
	struct str s;
	int err;

	if (end == SIZE_MAX)
		return EBADMSG;
	s = trim(from_to(value, 0, end));
	err = protocol_parse(s, &i, &v.protocol);
	if (err)
		return err;
	/* LWS must part the protocol from the host (RFC 3261 25.1). */
	end = span(s, i, CHAR_BLANK);
	if (end == i)
		return EBADMSG;
	i = host_span(s, end);
	if (!i)
		return EBADMSG;
	v.host = from_to(s, end, i);
	i = span(s, i, CHAR_BLANK);
	if (i < s.n && s.p[i] == ':') {
		i = span(s, i + 1, CHAR_BLANK);
		end = span(s, i, CHAR_DIGIT);
		if (port_of(from_to(s, i, end), &v.port))
			return EBADMSG;
		i = span(s, end, CHAR_BLANK);
	}
	if (i < s.n && s.p[i] != ';')
		return EBADMSG;
	if (i < s.n)
		err = params_parse(&v, from_to(s, i + 1, s.n));
	if (!err)
		*out = v;
	return err;
}
