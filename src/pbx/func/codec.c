/* Texts in other clothes: URIs, base64, digests, printf. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/func/text.h"
#include <errno.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>

static int uri_encode(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	for (size_t i = 0; i < args.n; i++) {
		unsigned char c = (unsigned char)args.p[i];

		if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr("-_.!~*'()", c))
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
	return 0;
}

/* The text ends where it has a NUL. */
static int uri_decode(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	for (size_t i = 0; i < args.n; i++) {
		uint8_t c;

		if (args.p[i] == '%' && !str_hex(str_sub(args, i + 1, 2), &c, 1)) {
			if (!c)
				break;
			buf_char(out, (char)c);
			i += 2;
		} else {
			buf_char(out, args.p[i]);
		}
	}
	return 0;
}

static int digest(const EVP_MD *md, struct str args, struct buf *out)
{
	uint8_t d[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!args.n)
		return EINVAL;
	if (EVP_Digest(args.p, args.n, d, &n, md, NULL) != 1)
		return EIO;
	buf_hex(out, d, n);
	return 0;
}

static int md5(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	return digest(EVP_md5(), args, out);
}

static int sha1(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	return digest(EVP_sha1(), args, out);
}

static int base64_encode(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	char *room;

	(void)p;
	(void)ch;
	if (!args.n)
		return 0;
	if (args.n > 1u << 20)
		return E2BIG;
	room = buf_room(out, (args.n + 2) / 3 * 4 + 1);
	if (!room)
		return ENOMEM;
	out->n += (size_t)EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)args.p, (int)args.n);
	return 0;
}

/* What a character stands for; all bits when it is none of base64's. */
static uint32_t base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : UINT32_MAX;
}

/* Up to the first =, complete or not; the text ends where it has a NUL. */
static int base64_decode(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	unsigned bits = 0;
	uint32_t v = 0;

	(void)p;
	(void)ch;
	if (args.n > 1u << 20)
		return E2BIG;
	for (size_t i = 0; i < args.n && args.p[i] != '='; i++) {
		v = v << 6 | base64_value(args.p[i]);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (!(v >> bits & 0xff))
			break;
		buf_char(out, (char)(v >> bits & 0xff));
	}
	return 0;
}

/* ---- SPRINTF(format,arguments...) */

static void put_text(struct buf *out, struct str v, struct str spec)
{
	uint32_t width = 0, most = UINT32_MAX;
	struct str precision = str_skip(spec, 1), flags;
	bool left;
	size_t pad;

	precision.n -= precision.n > 0;
	flags = str_cut_raw(&precision, '.');
	left = str_starts(flags, STR("-"));
	(void)str_u32(str_skip(flags, left), &width);
	if (precision.n && str_u32(precision, &most))
		most = UINT32_MAX;
	v = str_sub(v, 0, most);
	pad = width < 1024 && width > v.n ? width - v.n : 0;
	for (size_t i = 0; i < pad && !left; i++)
		buf_char(out, ' ');
	buf_put(out, v);
	for (size_t i = 0; i < pad && left; i++)
		buf_char(out, ' ');
}

/* One "%-5.2f" with its argument. `spec` was checked: flags, digits, a letter. */
static int put_one(struct buf *out, struct str spec, struct str v)
{
	char c = spec.p[spec.n - 1], format[32], number[400] = "";
	int64_t i = 0;
	double d = 0;
	size_t n = spec.n - 1;
	bool half = false;

	v = c == 's' ? v : str_trim(v);
	if (c == 's') {
		put_text(out, v, spec);
		return 0;
	}
	for (; strchr("hlLqjzt", spec.p[n - 1]); n--)  /* numbers have 32 bits, whatever size is named */
		half = half || spec.p[n - 1] == 'h';
	memcpy(format, spec.p, n);
	if (strchr("dioxXuc", c)) {
		if (v.n && !text_leading_int(v, &i))
			return EINVAL;
		snprintf(format + n, sizeof(format) - n, "%c", c);
		i = half ? (int16_t)i : i;
		snprintf(number, sizeof(number), format, c == 'c' ? (int)i & 0xff : (int)(int32_t)i);
	} else {
		if (v.n && str_double(v, &d))
			return EINVAL;
		snprintf(format + n, sizeof(format) - n, "%c", c);
		snprintf(number, sizeof(number), format, d);
	}
	buf_put(out, str_z(number));
	return 0;
}

/* Length of the conversion at the start of `s` (after %); 0: none that is known. */
static size_t spec_length(struct str s)
{
	size_t i = 1;
	unsigned digits = 0;

	while (i < s.n && s.p[i] && strchr("-+ #0123456789.", s.p[i])) {
		digits = s.p[i] >= '0' && s.p[i] <= '9' ? digits + 1 : 0;
		if (digits > 3 || i > 16)
			return 0;
		i++;
	}
	while (i < s.n && s.p[i] && strchr("hlLqjzt", s.p[i]) && i < 18)
		i++;
	return i < s.n && s.p[i] && strchr("dioxXucfFeEgGaAs", s.p[i]) ? i + 1 : 0;
}

static int print(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct args a;
	size_t next = 1;
	int err = args_split(&a, args, ',', ARGS_MAX);

	(void)p;
	(void)ch;
	for (size_t i = 0; !err && i < a.v[0].n; i++) {
		struct str s = str_skip(a.v[0], i);
		size_t n;

		if (s.p[0] != '%') {
			buf_char(out, s.p[0]);
			continue;
		}
		if (str_starts(s, STR("%%"))) {
			buf_char(out, '%');
			i++;
			continue;
		}
		n = spec_length(s);
		if (!n || next >= a.n) {
			log_error("SPRINTF: '%.*s' is not understood or has no argument", STR_ARG(s));
			err = EINVAL;
			break;
		}
		err = put_one(out, str_sub(s, 0, n), a.v[next++]);
		i += n - 1;
	}
	args_free(&a);
	return err;
}

const struct func func_uriencode = { .name = "URIENCODE", .synopsis = "Escaped for a URI", .read = uri_encode };
const struct func func_uridecode = { .name = "URIDECODE", .synopsis = "Without the escapes of a URI",
	.read = uri_decode };
const struct func func_md5 = { .name = "MD5", .synopsis = "MD5 digest", .read = md5 };
const struct func func_sha1 = { .name = "SHA1", .synopsis = "SHA-1 digest", .read = sha1 };
const struct func func_base64_encode = { .name = "BASE64_ENCODE", .synopsis = "In base64", .read = base64_encode };
const struct func func_base64_decode = { .name = "BASE64_DECODE", .synopsis = "From base64", .read = base64_decode };
const struct func func_format = { .name = "SPRINTF", .synopsis = "Formats values", .read = print };
