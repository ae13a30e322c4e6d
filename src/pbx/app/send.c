/* SendDTMF, SendText: to the other end of a channel. */
#define LOG_MODULE "send"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include <string.h>

static uint32_t number(struct str s, uint32_t preset)
{
	uint32_t n;

	return s.n && !str_u32(str_trim(s), &n) && n ? n : preset;
}

static unsigned pause_ms(char c)
{
	return c == 'w' ? 500 : c == 'W' ? 1000 : 0;
}

int app_send_digits(struct channel *ch, struct channel *to, struct str digits, uint32_t gap, uint32_t ms)
{
	/* Some need a moment of silence before the first. */
	if (channel_sleep(ch, 100))
		return -1;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.p[i];
		uint64_t wait = pause_ms(c);

		if (!wait && (c == 'f' || c == 'F')) {
			channel_indicate(to, IND_FLASH, NULL);
			wait = gap;
		} else if (!wait) {
			if (str_chr(STR("0123456789*#ABCDabcd"), c) == 20) {
				log_warning("'%c' is no digit", c & 0x7f);
				continue;
			}
			channel_digit_untold(to, c >= 'a' && c <= 'd' ? (char)(c - 32) : c, ms);
			wait = (uint64_t)ms + gap;
		}
		if (channel_sleep(ch, wait))
			return -1;
	}
	return 0;
}

/* SendDTMF(digits[,gap ms[,length ms[,channel[,options]]]]) */
static int run_dtmf(struct channel *ch, struct str data)
{
	struct str v[5] = { { 0 } };
	struct channel *to = ch;
	int ret;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("SendDTMF needs digits");
		return 0;
	}
	if (v[3].n)
		to = channel_by_name(ch->pbx, v[3]);
	if (!to) {
		log_warning("SendDTMF: no channel '%.*s'", STR_ARG(v[3]));
		return 0;
	}
	if (pbx_option(v[4], 'a', NULL) && channel_answer(to))
		return -1;
	obj_hold(to);
	ret = app_send_digits(ch, to, v[0], number(v[1], 250), number(v[2], 100));
	obj_drop(to);
	return ret;
}

/* The variable, which is for one SendText(). */
static void take(struct channel *ch, const char *name, struct buf *b)
{
	if (pbx_getvar(ch->pbx, ch, str_z(name), b))
		pbx_setvar(ch->pbx, ch, str_z(name), STR(""));
}

static char control(char c)
{
	switch (c) {
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	default: return c;
	}
}

/* \n, \r, \t and \\ as the dialplan writes them. */
static void unescape(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		bool pair = b->p[i] == '\\' && i + 1 < b->n && memchr("nrt\\", b->p[i + 1], 4);

		b->p[n++] = pair ? control(b->p[++i]) : b->p[i];
	}
	b->n = n;
}

/* SendText([text]): SENDTEXTSTATUS, SENDTEXTTYPE */
static int run_text(struct channel *ch, struct str data)
{
	struct buf from = BUF_INIT, to = BUF_INIT, type = BUF_INIT, body = BUF_INIT;
	const struct channel_tech *t = ch->tech;
	struct str status = STR("UNSUPPORTED"), how = STR("NONE");
	int err = 0, ret = 0;

	take(ch, "SENDTEXT_FROM_DISPLAYNAME", &from);
	take(ch, "SENDTEXT_TO_DISPLAYNAME", &to);
	take(ch, "SENDTEXT_CONTENT_TYPE", &type);
	take(ch, "SENDTEXT_BODY", &body);
	if (!body.n)
		buf_put(&body, data);
	unescape(&body);
	if (buf_err(&from) || buf_err(&to) || buf_err(&type) || buf_err(&body)) {
		ret = -1;
	} else if (t->text_as) {
		how = STR("ENHANCED");
		err = t->text_as(ch, buf_view(&body), buf_view(&type), buf_view(&from), buf_view(&to));
	} else if (t->text && type.n && !str_istarts(buf_view(&type), STR("text/"))) {
		ret = -1;
	} else if (t->text) {
		how = STR("BASIC");
		err = t->text(ch, buf_view(&body), STR("text/plain"));
	}
	if (!ret) {
		if (t->text || t->text_as)
			status = err ? STR("FAILURE") : STR("SUCCESS");
		pbx_setvar(ch->pbx, ch, STR("SENDTEXTTYPE"), how);
		pbx_setvar(ch->pbx, ch, STR("SENDTEXTSTATUS"), status);
	}
	buf_free(&from);
	buf_free(&to);
	buf_free(&type);
	buf_free(&body);
	return ret;
}

const struct app app_send_dtmf = { .name = "SendDTMF", .synopsis = "Send digits", .run = run_dtmf };
const struct app app_send_text = { .name = "SendText", .synopsis = "Send a text message over the call", .run = run_text };
