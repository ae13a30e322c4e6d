/* States of devices, extensions and people. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/devstate.h"
#include "pbx/func/func.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

static int read_device(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)ch;
	args = str_trim(args);
	buf_put(out, args.n ? str_z(device_state_name(device_get(p, args))) : STR("INVALID"));
	return 0;
}

static int write_device(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	enum device_state s;

	(void)ch;
	args = str_trim(args);
	if (!str_istarts(args, STR("Custom:"))) {
		log_warning("DEVICE_STATE() sets states of Custom:, not of '%.*s'", STR_ARG(args));
		return EINVAL;
	}
	if (device_state_of(str_trim(value), &s) || s == DEV_UNKNOWN) {
		log_error("'%.*s' is no device state", STR_ARG(value));
		return EINVAL;
	}
	return device_set_custom(p, args, s);
}

/* "exten[@context]" */
static void place(struct str args, struct str *exten, struct str *context)
{
	*context = str_trim(args);
	*exten = str_cut_raw(context, '@');
	if (!context->n)
		*context = STR("default");
}

static const char *extension_word(int state)
{
	switch (state) {
	case EXTEN_IDLE: return "NOT_INUSE";
	case EXTEN_INUSE: return "INUSE";
	case EXTEN_BUSY: return "BUSY";
	case EXTEN_UNAVAILABLE: return "UNAVAILABLE";
	case EXTEN_RINGING: return "RINGING";
	case EXTEN_INUSE | EXTEN_RINGING: return "RINGINUSE";
	case EXTEN_INUSE | EXTEN_ONHOLD: return "HOLDINUSE";
	case EXTEN_ONHOLD: return "ONHOLD";
	default: return "UNKNOWN";
	}
}

static int read_extension(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str exten, context;

	(void)ch;
	place(args, &exten, &context);
	if (!exten.n)
		return EINVAL;
	buf_put(out, str_z(extension_word(hint_state(p, context, exten, NULL))));
	return 0;
}

static int read_hint(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2], exten, context, hint;

	(void)ch;
	pbx_args(args, v, 2);
	place(v[0], &exten, &context);
	if (hint_state(p, context, exten, &hint) < 0)
		return ENOENT;
	if (!pbx_option(v[1], 'n', NULL))
		buf_put(out, hint);
	return 0;
}

/* ---- PRESENCE_STATE(provider,value|subtype|message[,e]) */

static void put_base64(struct buf *out, struct str s)
{
	char *room = s.n && s.n < 1u << 16 ? buf_room(out, (s.n + 2) / 3 * 4 + 1) : NULL;

	if (room)
		out->n += (size_t)EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)s.p, (int)s.n);
}

static int read_presence(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct presence v;
	struct str a[3], field;

	(void)ch;
	pbx_args(args, a, 3);
	field = str_trim(a[1]);
	if (!a[0].n || !field.n)
		return EINVAL;
	if (!presence_get(p, str_trim(a[0]), &v))
		return ENOENT;
	field = str_ieq(field, STR("value")) ? v.state : str_ieq(field, STR("subtype")) ? v.subtype :
		str_ieq(field, STR("message")) ? v.message : STR_NULL;
	if (pbx_option(a[2], 'e', NULL) && field.p != v.state.p)
		put_base64(out, field);
	else
		buf_put(out, field);
	return 0;
}

static int decoded(struct str s, struct buf *out)
{
	const struct func *f = &func_base64_decode;

	return f->read(NULL, NULL, s, out);
}

static int write_presence(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct buf subtype = BUF_INIT, message = BUF_INIT;
	struct presence v;
	struct args a;
	int err = args_split(&a, value, ',', 5);

	(void)ch;
	if (err)
		return err;
	v = (struct presence){ str_trim(a.v[0]), a.v[1], a.v[2] };
	if (pbx_option(a.v[3], 'e', NULL)) {
		err = decoded(v.subtype, &subtype);
		err = err ? err : decoded(v.message, &message);
		v.subtype = buf_view(&subtype);
		v.message = buf_view(&message);
	}
	if (!str_istarts(str_trim(args), STR("CustomPresence:")))
		err = EINVAL;
	err = err ? err : presence_set_custom(p, str_trim(args), &v);
	if (err)
		log_warning("PRESENCE_STATE(%.*s) cannot be '%.*s'", STR_ARG(args), STR_ARG(value));
	buf_free(&subtype);
	buf_free(&message);
	args_free(&a);
	return err;
}

const struct func func_device_state = { .name = "DEVICE_STATE", .synopsis = "State of a device",
	.read = read_device, .write = write_device };
const struct func func_extension_state = { .name = "EXTENSION_STATE", .synopsis = "State of an extension's hint",
	.read = read_extension };
const struct func func_hint = { .name = "HINT", .synopsis = "The hint of an extension", .read = read_hint };
const struct func func_presence_state = { .name = "PRESENCE_STATE", .synopsis = "What somebody says of himself",
	.read = read_presence, .write = write_presence };
