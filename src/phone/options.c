/* Options and parameters by their names. The command line is read in options_line.c, files in options_file.c. */
#include "phone/options.h"
#include "agent/config.h"
#include <errno.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 64

void phone_options_init(struct phone_options *o)
{
	*o = (struct phone_options){ .seconds = -1, .timeout = -1, .ring = -1, .tone = -1, .expires = -1 };
}

void phone_options_free(struct phone_options *o)
{
	struct text *const texts[] = { &o->target, &o->text, &o->event, &o->transfer, &o->play, &o->record, &o->dtmf, &o->expect,
		&o->headers, &o->content_type, &o->body, &o->reject, &o->file, &o->ca_list_file, &o->ca_list_path, &o->cert_file,
		&o->priv_key_file, &o->from, &o->nameserver, &o->codecs, &o->encryption, &o->stun,
		&o->turn, &o->turn_user, &o->turn_password, &o->public_address, &o->microphone, &o->loudspeaker };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_free(texts[i]);
	for (size_t i = 0; i < o->n_settings; i++) {
		text_free(&o->settings[i].name);
		text_free(&o->settings[i].json);
	}
	free(o->settings);
	phone_options_init(o);
}

/* ---- names ---------------------------------------------------------------------------------------- */

/* registerExpires, register-expires and register_expires are one name. */
static struct str plain_name(char room[NAME_MAX_BYTES], struct str name)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < NAME_MAX_BYTES; i++)
		if (name.p[i] != '-' && name.p[i] != '_')
			room[n++] = name.p[i];
	return str_mk(room, n);
}

static bool is_name(const char *row, struct str name)
{
	char a[NAME_MAX_BYTES], b[NAME_MAX_BYTES];

	return name.n < NAME_MAX_BYTES && str_ieq(plain_name(a, str_z(row)), plain_name(b, name));
}

static const struct phone_option *find_option(struct str name)
{
	const struct phone_option *row;

	for (size_t i = 0; (row = phone_option(i)); i++)
		if (is_name(row->name, name))
			return row;
	return NULL;
}

static const struct agent_param *find_param(struct str name)
{
	const struct agent_param *row;

	for (size_t i = 0; (row = agent_param(i)); i++)
		if (!row->browser_only && !row->script_only && is_name(row->name, name))
			return row;
	/* What everybody calls it who is not in a browser. */
	return is_name("server", name) ? find_param(STR("wsServers")) : NULL;
}

static int unknown_name(struct str name, struct buf *why)
{
	const struct phone_option *own;
	const struct agent_param *row;
	const char *best = NULL;
	unsigned least = 4;

	for (size_t i = 0; (own = phone_option(i)); i++)
		if (str_distance(name, str_z(own->name)) < least) {
			best = own->name;
			least = str_distance(name, str_z(best));
		}
	for (size_t i = 0; (row = agent_param(i)); i++)
		if (!row->browser_only && !row->script_only && str_distance(name, str_z(row->name)) < least) {
			best = row->name;
			least = str_distance(name, str_z(best));
		}
	buf_put(why, STR("there is no option or parameter '"));
	buf_escape(why, str_sub(name, 0, NAME_MAX_BYTES));
	buf_put(why, STR("'"));
	if (best)
		buf_printf(why, "; did you mean '%s'?", best);
	return EINVAL;
}

/* ---- values --------------------------------------------------------------------------------------- */

static int keep_setting(struct phone_options *o, const char *name, struct str json)
{
	struct phone_setting *more = realloc(o->settings, (o->n_settings + 1) * sizeof(*more));
	struct phone_setting s = { 0 };
	int err = more ? text_set(&s.name, str_z(name)) : ENOMEM;

	if (more)
		o->settings = more;
	err = err ? err : text_set(&s.json, json);
	if (err) {
		text_free(&s.name);
		return err;
	}
	o->settings[o->n_settings++] = s;
	return 0;
}

/* As it will be in the agent: judged now, so that the error names what the person wrote. */
static int set_param(struct phone_options *o, const struct agent_param *row, struct str word, struct buf *why)
{
	struct text said = { 0 }, json = { 0 };
	struct agent_config c;
	int err = agent_config_init(&c);

	if (err)
		return err;
	err = agent_config_set_word(&c, str_z(row->name), word, &said);
	if (!err)
		err = agent_config_get_json(&c, str_z(row->name), &json);
	if (!err)
		err = keep_setting(o, row->name, text_view(&json));
	if (err && said.n)
		buf_printf(why, "%s; it is %s", text_z(&said), row->type);
	agent_config_free(&c);
	text_free(&said);
	text_free(&json);
	return err == ENOENT ? EINVAL : err;
}

/* udp:host is what people write, udp://host what the parameter takes. */
static int set_server(struct phone_options *o, const struct agent_param *row, struct str word, struct buf *why)
{
	struct text whole = { 0 };
	struct str rest = word, scheme = str_cut_raw(&rest, ':');
	bool in_short = scheme.n < word.n && !str_starts(rest, STR("//")) &&
			(str_ieq(scheme, STR("udp")) || str_ieq(scheme, STR("tcp")) || str_ieq(scheme, STR("tls")));
	int err = in_short ? text_cat(&whole, scheme, STR("://"), rest) : text_set(&whole, word);

	err = err ? err : set_param(o, row, text_view(&whole), why);
	text_free(&whole);
	return err;
}

static int bad_value(const struct phone_option *row, struct str value, int err, struct buf *why)
{
	if (err == EEXIST) {
		buf_printf(why, "--%s: one thing at a time", row->name);
		return EINVAL;
	}
	if (err != EINVAL)
		return err;
	buf_put(why, STR("'"));
	buf_escape(why, str_sub(value, 0, 200));
	buf_printf(why, "' is no value for '%s' (%s: %s)", row->name, row->arg ? row->arg : "yes or no", row->help);
	return EINVAL;
}

static int set_own(struct phone_options *o, const struct phone_option *row, const struct str *value, bool *took, struct buf *why)
{
	struct str v = value && row->arg ? *value : STR_NULL;
	int err;

	*took = row->arg != NULL;
	if (row->arg && !value) {
		buf_printf(why, "'%s' needs a value: %s, %s", row->name, row->arg, row->help);
		return EINVAL;
	}
	err = row->set(o, row, v);
	return err ? bad_value(row, v, err, why) : 0;
}

static bool is_truth(const struct agent_param *row)
{
	return !strcmp(row->ts, "boolean");
}

static bool is_word_of_truth(const struct str *v)
{
	return v && (str_eq(*v, STR("true")) || str_eq(*v, STR("false")));
}

int phone_options_set(struct phone_options *o, struct str name, const struct str *value, bool *took, struct buf *why)
{
	const struct phone_option *own = find_option(name);
	const struct agent_param *row = find_param(name);

	*took = false;
	/* `register` is both: with true or false the agent's. */
	if (own && !(row && is_word_of_truth(value)))
		return set_own(o, own, value, took, why);
	if (!row)
		return unknown_name(name, why);
	if (is_truth(row) && !is_word_of_truth(value))
		return set_param(o, row, STR("true"), why);
	*took = true;
	if (!value) {
		buf_printf(why, "'%s' needs a value: %s", row->name, row->type);
		return EINVAL;
	}
	return str_eq(str_z(row->name), STR("wsServers")) ? set_server(o, row, *value, why) : set_param(o, row, *value, why);
}

struct str phone_options_param(const struct phone_options *o, const char *name)
{
	for (size_t i = o->n_settings; i--; )
		if (!strcmp(text_z(&o->settings[i].name), name))
			return text_view(&o->settings[i].json);
	return STR_NULL;
}

int phone_options_switch(struct phone_options *o, struct str name, struct str value)
{
	const struct phone_option *own = find_option(name);

	return own && !own->arg && own->task == TASK_INTERACTIVE ? own->set(o, own, value) : EINVAL;
}
