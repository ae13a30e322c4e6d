/* Functions that change a call: its formats, its digits, a refresh; and PJSIPHangup. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "base/num.h"
#include "pbx/dialplan.h"
#include "service/call/functions.h"
#include "service/call/functions_private.h"
#include <errno.h>

/* ---- PJSIP_MEDIA_OFFER(audio|video) --------------------------------------------------------- */

/* Of a call that is up, what was written is for the next refresh alone. */
static void present_formats(struct session *s, struct formats *f)
{
	*f = (struct formats){ 0 };
	if (s->formats.has_offer && (s->formats.fresh || !session_is_up(s))) {
		*f = s->formats.offer;
		return;
	}
	for (size_t i = 0; s->ep->allow && i < s->ep->allow->n; i++) {
		const struct format *row = format_by_name(s->ep->allow->v[i].name);

		if (row)
			formats_add(f, row->id, num_u8(s->ep->allow->v[i].ptime));
	}
}

static int media_type_of(struct str args, enum media_type *t)
{
	*t = media_type_parse(str_trim(args));
	return *t == MEDIA_AUDIO || *t == MEDIA_VIDEO ? 0 : EINVAL;
}

int func_media_offer_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);
	struct formats all, some = { 0 };
	enum media_type t;

	(void)p;
	if (!s || media_type_of(args, &t))
		return s ? EINVAL : ENOENT;
	present_formats(s, &all);
	formats_add_all(&some, &all, t);
	formats_write_csv(out, &some);
	return 0;
}

int func_media_offer_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);
	struct formats all, some = { 0 }, out = { 0 };
	enum media_type t;
	int err;

	(void)p;
	if (!s || media_type_of(args, &t))
		return s ? EINVAL : ENOENT;
	present_formats(s, &all);
	formats_add_all(&some, &all, t);
	err = formats_edit(&some, value, true, NULL);
	/* The other kinds stay as they are. */
	for (int k = MEDIA_AUDIO; k < MEDIA_TYPES; k++)
		formats_add_all(&out, k == (int)t ? &some : &all, (enum media_type)k);
	s->formats.offer = out;
	s->formats.has_offer = true;
	s->formats.fresh = session_is_up(s);
	return err;
}

/* ---- PJSIP_DTMF_MODE() ---------------------------------------------------------------------------- */

static const char *const dtmf_modes[] = { "rfc4733", "inband", "none", "info", "auto", "auto_info" };

int func_dtmf_mode_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);

	(void)p;
	(void)args;
	if (!s)
		return ENOENT;
	buf_put(out, str_z(dtmf_modes[s->dtmf_mode]));
	return 0;
}

int func_dtmf_mode_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);

	(void)p;
	(void)args;
	if (!s)
		return ENOENT;
	for (size_t i = 0; i < ARRAY_LEN(dtmf_modes); i++) {
		if (!str_ieq(str_trim(value), str_z(dtmf_modes[i])))
			continue;
		if (s->dtmf_mode == i)
			return 0;
		s->dtmf_mode = (uint8_t)i;
		if (!session_is_up(s))
			return session_offer_again(s) ? EINVAL : 0;
		session_media_apply(s);
		return ua_invite_refresh(s->iv, false);
	}
	return EINVAL;
}

/* ---- PJSIP_MOH_PASSTHROUGH(), PJSIP_TRANSFER_HANDLING() ------------------------------------------------ */

int func_moh_passthrough_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct session *s = session_of_channel(ch);

	(void)p;
	(void)args;
	if (s)
		buf_put(out, s->moh_passthrough ? STR("yes") : STR("no"));
	return s ? 0 : ENOENT;
}

int func_moh_passthrough_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);

	(void)p;
	(void)args;
	if (!s)
		return ENOENT;
	if (str_bool(str_trim(value), &s->moh_passthrough))
		s->moh_passthrough = false;
	return 0;
}

int func_transfer_handling_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)p;
	(void)args;
	if (!session_of_channel(ch))
		return ENOENT;
	if (!value.n || str_eq(value, STR("core")))
		return 0;
	log_warning("%s: transfers stay the server's: '%.*s' is not there", text_z(&ch->name), STR_ARG(value));
	return EINVAL;
}

/* ---- PJSIP_SEND_SESSION_REFRESH(): invite, or update ------------------------------------------------- */

/* Of its streams' kinds; in whatever order. */
static bool is_spoken(const struct session *s, const struct formats *offer)
{
	for (size_t i = 0; i < neg_count(s->neg); i++) {
		const struct neg_stream *st = neg_stream(s->neg, i);
		size_t same = 0, offered = 0;

		for (size_t k = 0; k < offer->n; k++)
			offered += format_get((enum format_id)offer->v[k].id)->type == st->type;
		for (size_t k = 0; k < st->ncodecs; k++)
			same += formats_has(offer, (enum format_id)st->codecs[k].id);
		if (same != offered || same != st->ncodecs)
			return false;
	}
	return true;
}

int func_refresh_write(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct session *s = session_of_channel(ch);
	struct formats offer;

	(void)p;
	(void)args;
	if (!s)
		return ENOENT;
	if (!session_is_up(s)) {
		log_warning("%s: nothing to refresh: the call is not answered", text_z(&ch->name));
		return EINVAL;
	}
	present_formats(s, &offer);
	s->formats.fresh = false;
	/* What is spoken already needs no word, as in Asterisk. */
	if (is_spoken(s, &offer))
		return 0;
	s->formats.offer = offer;
	s->formats.has_offer = true;
	return session_refresh_wait(s, str_eq(value, STR("update")));
}

/* ---- PJSIPHangup(code or cause name) ------------------------------------------------------------------ */

static const struct { const char *name; unsigned status; } names[] = {
	{ "UNALLOCATED", 404 }, { "NO_ROUTE_DESTINATION", 404 }, { "BUSY", 486 }, { "NOANSWER", 480 },
	{ "CALL_REJECTED", 403 }, { "NUMBER_CHANGED", 410 }, { "CONGESTION", 503 }, { "FAILURE", 500 },
	{ "BAD_REQUEST", 400 }, { "UNAUTHORIZED", 401 }, { "PAYMENT_REQUIRED", 402 }, { "FORBIDDEN", 403 },
	{ "NOT_FOUND", 404 }, { "METHOD_NOT_ALLOWED", 405 }, { "NOT_ACCEPTABLE", 406 },
	{ "PROXY_AUTHENTICATION_REQUIRED", 407 }, { "REQUEST_TIMEOUT", 408 }, { "CONFLICT", 409 }, { "GONE", 410 },
	{ "UNSUPPORTED_MEDIA_TYPE", 415 }, { "BAD_EXTENSION", 420 }, { "USE_IDENTITY_HEADER", 428 },
	{ "ANONYMITY_DISALLOWED", 433 }, { "UNSUPPORTED_CERTIFICATE", 437 }, { "INVALID_IDENTITY_HEADER", 438 },
	{ "TEMPORARILY_UNAVAILABLE", 480 }, { "CALL_TSX_DOES_NOT_EXIST", 481 }, { "LOOP_DETECTED", 482 },
	{ "TOO_MANY_HOPS", 483 }, { "ADDRESS_INCOMPLETE", 484 }, { "AMBIGUOUS", 485 }, { "BUSY_HERE", 486 },
	{ "REQUEST_TERMINATED", 487 }, { "NOT_ACCEPTABLE_HERE", 488 }, { "REQUEST_PENDING", 491 },
	{ "UNDECIPHERABLE", 493 }, { "INTERNAL_SERVER_ERROR", 500 }, { "NOT_IMPLEMENTED", 501 },
	{ "BAD_GATEWAY", 502 }, { "SERVICE_UNAVAILABLE", 503 }, { "SERVER_TIMEOUT", 504 },
	{ "BUSY_EVERYWHERE", 600 }, { "DECLINE", 603 }, { "DOES_NOT_EXIST_ANYWHERE", 604 },
	{ "NOT_ACCEPTABLE_ANYWHERE", 606 },
};

unsigned pjsip_status_named(struct str word)
{
	uint32_t status = 0;

	word = str_trim(word);
	if (str_u32(word, &status)) {
		struct str name = str_istarts(word, STR("PJSIP_SC_")) ? str_skip(word, 9) : word;

		for (size_t i = 0; i < ARRAY_LEN(names) && !status; i++)
			if (str_ieq(name, str_z(names[i].name)))
				status = names[i].status;
	}
	return status >= 400 && status <= 699 ? status : 0;
}

unsigned pjsip_hangup_status(struct str word, const char *who)
{
	unsigned status = pjsip_status_named(word);

	if (status)
		return status;
	log_warning("%s: '%.*s' is no status from 400 to 699 and no name of one; 603 is sent", who, STR_ARG(word));
	return 603;
}

int pjsip_hangup(struct channel *ch, unsigned status)
{
	struct session *s = session_of_channel(ch);

	if (!s || !s->incoming || !session_is_ringing(s)) {
		log_warning("%s: %s", text_z(&ch->name), s ? "no INVITE of its waits for a final response" : "not a PJSIP channel");
		return s ? EALREADY : ENOTSUP;
	}
	session_refuse(s, status, STR_NULL);
	ch->cause = session_cause_of(status);
	return 0;
}

int app_pjsip_hangup_run(struct channel *ch, struct str data)
{
	if (!data.n)
		log_warning("%s: PJSIPHangup needs a status", text_z(&ch->name));
	else
		pjsip_hangup(ch, pjsip_hangup_status(data, text_z(&ch->name)));
	return -1;
}
