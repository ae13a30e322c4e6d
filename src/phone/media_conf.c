/* phone/media_conf.c -- the options of a user agent's media, read and checked. */
#include "phone/media.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "media/codec.h"

void phone_why(char *why, size_t n, const char *fmt, ...)
{
	va_list ap;

	if (!why || !n)
		return;
	va_start(ap, fmt);
	vsnprintf(why, n, fmt, ap);
	va_end(ap);
}

void sidetone_media_options_init(struct sidetone_media_options *o)
{
	*o = (struct sidetone_media_options){ .rtcp_mux = true, .threads = 1, .rtcp_ms = 5000 };
}

static int read_codecs(struct phone_conf *c, const char *text, char *why, size_t why_n)
{
	struct str bad = STR_NULL;

	if (formats_edit(&c->formats, str_z(text ? text : "opus,g722,alaw,ulaw"), true, &bad)) {
		phone_why(why, why_n, "codecs: there is no '%.*s'", STR_ARG(bad));
		return EINVAL;
	}
	for (unsigned i = 0; i < c->formats.n; i++) {
		enum format_id id = (enum format_id)c->formats.v[i].id;

		if (format_get(id)->type == MEDIA_AUDIO && format_get(id)->encoding && codec_get(id))
			continue;
		phone_why(why, why_n, "codecs: '%s' cannot be spoken", format_get(id)->name);
		return EINVAL;
	}
	if (c->formats.n)
		return 0;
	phone_why(why, why_n, "codecs: there is none");
	return EINVAL;
}

static int read_address(struct sa *out, const char *text)
{
	*out = (struct sa){ 0 };
	if (!text || !text[0])
		return 0;
	return sa_parse_host(out, str_z(text), 0) || sa_is_any(out) ? EINVAL : 0;
}

int phone_conf_way(struct phone_conf *c, const char *address)
{
	struct sa own;

	if (read_address(&own, address))
		return EINVAL;
	c->way = own;
	return 0;
}

int phone_conf_address(struct phone_conf *c, const char *address, const char *public_address)
{
	struct sa own, shown;

	if (read_address(&own, address) || read_address(&shown, public_address))
		return EINVAL;
	c->address = own;
	c->public = shown;
	return 0;
}

static int check_ports(const struct sidetone_media_options *o, char *why, size_t why_n)
{
	unsigned even = (o->port_min + 1u) & ~1u;

	if ((!o->port_min && !o->port_max) || (o->port_min && even + 1 <= o->port_max))
		return 0;
	phone_why(why, why_n, "ports %u-%u: no pair of them", o->port_min, o->port_max);
	return EINVAL;
}

static int read_enums(struct phone_conf *c, const struct sidetone_media_options *o, char *why, size_t why_n)
{
	if ((unsigned)o->encryption > SIDETONE_DTLS || (unsigned)o->digits > SIDETONE_DIGITS_INBAND) {
		phone_why(why, why_n, "encryption %d, digits %d: there are no such", (int)o->encryption, (int)o->digits);
		return EINVAL;
	}
	c->encryption = o->encryption;
	c->digits = o->digits;
	return 0;
}

int phone_conf_read(struct phone_conf *c, const struct sidetone_media_options *o, char *why, size_t why_n)
{
	int err = read_codecs(c, o->codecs, why, why_n);

	c->optional = o->optional_encryption;
	c->rtcp_mux = o->rtcp_mux;
	c->bundle = o->bundle;
	c->ice = o->ice;
	c->silence_ms = o->silence_ms;
	err = err ? err : read_enums(c, o, why, why_n);
	err = err ? err : check_ports(o, why, why_n);
	if (!err && phone_conf_address(c, o->address, o->public_address)) {
		phone_why(why, why_n, "address '%s', public_address '%s': not both are addresses", o->address ? o->address : "",
			  o->public_address ? o->public_address : "");
		err = EINVAL;
	}
	if (!err && (text_set(&c->turn_user, str_z(o->turn_user)) || text_set(&c->turn_password, str_z(o->turn_password))))
		err = ENOMEM;
	return err;
}

void phone_conf_free(struct phone_conf *c)
{
	text_free(&c->turn_user);
	if (c->turn_password.p)
		explicit_bzero(c->turn_password.p, c->turn_password.n);
	text_free(&c->turn_password);
}
