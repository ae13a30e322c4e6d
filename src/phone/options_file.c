/* A file of options: lines "name = value", or one JSON object with the parameters' own names. And the
 * server when none was named. */
#include "phone/options.h"
#include "agent/json.h"
#include "sip/uri.h"
#include <errno.h>

static int say_where(struct buf *why, struct str path, size_t line)
{
	struct buf said = *why;

	/* What is wrong stands there already: the place goes before it. */
	*why = (struct buf){ 0 };
	buf_printf(why, "%.*s:%zu: ", STR_ARG(path), line);
	buf_put(why, buf_view(&said));
	buf_free(&said);
	return EINVAL;
}

static int set_line(struct phone_options *o, struct str line, struct buf *why)
{
	struct str value = line, name = str_trim(str_cut_raw(&value, '='));
	bool none = str_chr(line, '=') == line.n, took;

	value = str_unquote(str_trim(value));
	if (str_ieq(name, STR("file"))) {
		buf_put(why, STR("a file names no other"));
		return EINVAL;
	}
	return phone_options_set(o, name, none ? NULL : &value, &took, why);
}

static int read_lines(struct phone_options *o, struct str path, struct str text, struct buf *why)
{
	struct str line;
	size_t number = 0;

	while (str_line(&text, &line)) {
		number++;
		line = str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == ';' || line.p[0] == '[')
			continue;
		if (set_line(o, line, why))
			return why->n ? say_where(why, path, number) : ENOMEM;
	}
	return 0;
}

/* A string is the word it holds; whatever else there is stays as it is written. */
static int set_member(struct phone_options *o, const struct agent_json *m, struct buf *why)
{
	struct buf raw = BUF_INIT;
	struct str value;
	bool took;
	int err;

	if (m->type == AGENT_JSON_NULL)
		return 0;
	if (m->type == AGENT_JSON_STRING)
		value = m->text;
	else {
		agent_json_write(&raw, m);
		value = buf_view(&raw);
	}
	err = buf_err(&raw) ? buf_err(&raw) : phone_options_set(o, m->key, &value, &took, why);
	buf_free(&raw);
	return err;
}

static int read_object(struct phone_options *o, struct str path, struct str text, struct buf *why)
{
	struct arena *a = arena_new(4096);
	const struct agent_json *v;
	int err = a ? agent_json_parse(a, text, &v) : ENOMEM;

	if (err == EBADMSG || err == E2BIG || err == ERANGE || (!err && v->type != AGENT_JSON_OBJECT)) {
		buf_printf(why, "%.*s: this is no JSON object", STR_ARG(path));
		err = EINVAL;
	}
	for (const struct agent_json *m = err ? NULL : v->first; m && !err; m = m->next) {
		err = set_member(o, m, why);
		if (err && why->n) {
			struct buf said = *why;

			*why = (struct buf){ 0 };
			buf_puts(why, path, STR(": "), buf_view(&said));
			buf_free(&said);
		}
	}
	arena_free(a);
	return err;
}

int phone_options_read(struct phone_options *o, struct str path, struct str text, struct buf *why)
{
	struct str first = str_trim(text);

	return first.n && first.p[0] == '{' ? read_object(o, path, text, why) : read_lines(o, path, text, why);
}

int phone_default_server(struct str uri, struct text *out)
{
	struct sip_uri u;
	struct text whole = { 0 };
	struct str transport, scheme = STR("udp");
	bool bare = !str_istarts(uri, STR("sip:")) && !str_istarts(uri, STR("sips:"));
	int err = text_cat(&whole, bare ? STR("sip:") : STR_NULL, uri);

	if (err)
		return err;
	/* "600" and "tel:600" are nobody's domain, though they could be read as one. */
	err = sip_uri_parse(&u, text_view(&whole)) || !sip_uri_is_sip(&u) || !u.host.n || (bare && !u.user.n) ? EINVAL : 0;
	if (!err && sip_uri_is_sips(&u))
		scheme = STR("tls");
	else if (!err && sip_uri_param(&u, STR("transport"), &transport) &&
		 (str_ieq(transport, STR("tcp")) || str_ieq(transport, STR("tls"))))
		scheme = str_ieq(transport, STR("tcp")) ? STR("tcp") : STR("tls");
	if (!err && u.port)
		err = text_printf(out, "%.*s://%.*s:%u", STR_ARG(scheme), STR_ARG(u.host), u.port);
	else if (!err)
		err = text_printf(out, "%.*s://%.*s", STR_ARG(scheme), STR_ARG(u.host));
	text_free(&whole);
	return err;
}
