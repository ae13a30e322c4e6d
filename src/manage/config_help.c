/* `config show help`: the option tables in words. */
#include "manage/config_help.h"
#include "config/settings.h"
#include "service/geoloc/geoloc.h"
#include "service/object/http_conf.h"
#include "service/object/settings.h"
#include "service/object/wizard.h"
#include "service/stir/stir_conf.h"
#include <errno.h>

/* The names that `config show help` calls modules are Asterisk's, because scripts
 * and fingers know them. */
struct module {
	const char *name, *help;
	const struct option_set *(*set)(unsigned i);    /* NULL after the last */
};

static const struct option_set *pjsip_set(unsigned i)
{
	return object_options((enum object_type)i);
}

static const struct option_set *wizard_set(unsigned i)
{
	return i ? NULL : &wizard_options;
}

static const struct option_set *rtp_set(unsigned i)
{
	return i ? NULL : rtp_conf_options();
}

static const struct option_set *codecs_set(unsigned i)
{
	return i ? NULL : codecs_conf_options();
}

static const struct option_set *dsp_set(unsigned i)
{
	return i ? NULL : dsp_conf_options();
}

static const struct option_set *statsd_set(unsigned i)
{
	return i ? NULL : statsd_conf_options();
}

static const struct option_set *fax_set(unsigned i)
{
	return i ? NULL : fax_conf_options();
}

static const struct option_set *logger_set(unsigned i)
{
	return i ? NULL : logger_conf_options();
}

static const struct module modules[] = {
	{ "res_pjsip", "The SIP service: pjsip.conf.", pjsip_set },
	{ "res_pjsip_config_wizard", "Shorter configuration: pjsip_wizard.conf.", wizard_set },
	{ "core", "The program itself: asterisk.conf.", asterisk_conf_options },
	{ "http", "Where WebSockets are served: http.conf.", http_conf_options },
	{ "manager", "The manager interface: manager.conf.", manager_conf_options },
	{ "res_rtp_asterisk", "Media: rtp.conf.", rtp_set },
	{ "codec_opus", "Opus: codecs.conf.", codecs_set },
	{ "dsp", "What is heard in sound: dsp.conf.", dsp_set },
	{ "res_stir_shaken", "Callers proven, calls signed (STIR/SHAKEN): stir_shaken.conf.", stir_conf_options },
	{ "statsd", "Numbers for a StatsD server: statsd.conf.", statsd_set },
	{ "res_fax", "Faxes: res_fax.conf.", fax_set },
	{ "logger", "Logs: logger.conf.", logger_set },
	{ "res_geolocation", "Where callers are: geolocation.conf.", geoloc_conf_options },
	{ "sidetone", "What Asterisk has no file for: sidetone.conf.", own_conf_options },
};

/* Types that Asterisk has in modules of their own. */
static const char *const also_pjsip[] = {
	"res_pjsip_acl", "res_pjsip_endpoint_identifier_ip", "res_pjsip_outbound_publish",
	"res_pjsip_outbound_registration", "res_pjsip_phoneprov_provider", "res_pjsip_publish_asterisk",
	"res_pjsip_pubsub",
};

static const struct module *find_module(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		if (str_ieq(name, str_z(modules[i].name)))
			return &modules[i];
	for (size_t i = 0; i < ARRAY_LEN(also_pjsip); i++)
		if (str_ieq(name, str_z(also_pjsip[i])))
			return &modules[0];
	return NULL;
}

static const struct option_set *find_set(const struct module *m, struct str type)
{
	const struct option_set *s;

	for (unsigned i = 0; (s = m->set(i)); i++)
		if (str_ieq(type, str_z(s->type)))
			return s;
	return NULL;
}

static const struct option *find_option(const struct option_set *s, struct str name)
{
	option_each(o, s)
		if (str_ieq(name, str_z(o->name)))
			return o;
	return NULL;
}

static void list_modules(struct buf *b)
{
	buf_put(b, STR("These have configuration help (config show help MODULE):\n"));
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		buf_printf(b, "\t%-20s %s\n", modules[i].name, modules[i].help);
}

static void list_types(struct buf *b, const struct module *m, struct str name)
{
	const struct option_set *s;

	buf_printf(b, "%s\n\nConfiguration option types for %.*s:\n", m->help, STR_ARG(name));
	for (unsigned i = 0; (s = m->set(i)); i++)
		buf_printf(b, "%-25s -- %s\n", s->type, s->help);
}

int config_help(struct buf *b, struct str module, struct str type, struct str option)
{
	const struct module *m;
	const struct option_set *s;
	const struct option *o;

	if (!module.n) {
		list_modules(b);
		return 0;
	}
	m = find_module(module);
	if (!m) {
		buf_printf(b, "Module %.*s not found.\n", STR_ARG(module));
		return ENOENT;
	}
	if (!type.n) {
		list_types(b, m, module);
		return 0;
	}
	s = find_set(m, type);
	if (!s) {
		buf_printf(b, "Unknown configuration type %.*s\n", STR_ARG(type));
		return ENOENT;
	}
	if (!option.n) {
		option_help_set(b, s);
		return 0;
	}
	o = find_option(s, option);
	if (!o) {
		buf_printf(b, "No option %.*s found for %.*s:%.*s\n", STR_ARG(option), STR_ARG(module), STR_ARG(type));
		return ENOENT;
	}
	option_help(b, s, o);
	return 0;
}

void config_markdown(struct buf *b)
{
	const struct option_set *s;

	buf_put(b, STR("# Options\n\nMade from the tables that read the files; do not edit. This makes it again: "
		       "`build/sidetone options-md > docs/options.md`\n\n*Not yet*: the option is read and judged, but has no effect in "
		       "this version. *Needs a restart*: a reload leaves it as it is.\n\n"));
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		for (unsigned k = 0; (s = modules[i].set(k)); k++)
			option_markdown(b, s);
	/* One newline ends the file. */
	if (b->n && b->p[b->n - 1] == '\n')
		b->n--;
}
