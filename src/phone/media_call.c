/* phone/media_call.c -- the calls of a media: found, made, told of, their certificates. What the other files stand on. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/obj.h"
#include "media/dtls.h"
#include <errno.h>

struct phone_call *phone_call_of(struct sidetone_media *m, struct sidetone_session *s)
{
	list_each(l, &m->calls)
		if (container_of(l, struct phone_call, link)->s == s)
			return container_of(l, struct phone_call, link);
	return NULL;
}

struct phone_call *phone_call_make(struct sidetone_media *m, struct sidetone_session *s)
{
	struct phone_call *c = phone_call_of(m, s);

	if (c)
		return c;
	c = obj_new(sizeof(*c), m->call_free);
	if (!c)
		return NULL;
	c->m = m;
	c->s = s;
	c->want = SDP_SENDRECV;
	c->says = -1;
	list_append(&m->calls, &c->link);
	return c;
}

int phone_call_want(struct sidetone_media *m, struct sidetone_session *s, struct phone_call **out)
{
	*out = phone_call_of(m, s);
	if (!*out && m->user->is_over(s))
		return ENOTCONN;
	*out = *out ? *out : phone_call_make(m, s);
	return *out ? 0 : ENOMEM;
}

void phone_tell(struct phone_call *c, const struct sidetone_media_event *e)
{
	struct sidetone_media_event mine = *e;

	mine.session = c->s;
	if (c->m && c->m->fn)
		c->m->fn(c->m->arg, &mine);
}

struct neg_stream *phone_stream(const struct phone_call *c)
{
	return c->neg ? neg_first(c->neg, MEDIA_AUDIO) : NULL;
}

struct dtls_identity *phone_identity(const struct phone_call *c)
{
	return c->identity ? c->identity : c->m->identity;
}

int phone_identity_new(struct dtls_cert **cert, struct dtls_identity **out, char *why, size_t why_n)
{
	struct dtls_identity_prm d = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256 };
	char text[200] = "";
	int err = dtls_cert_new(cert);

	if (!err)
		err = dtls_identity_new(out, &d, *cert, text);
	if (err)
		phone_why(why, why_n, "encryption: %s", text[0] ? text : strerror(err));
	return err;
}

const char *sidetone_media_event_name(enum sidetone_media_event_type t)
{
	static const char *const names[] = {
		[SIDETONE_MEDIA_AGREED] = "agreed", [SIDETONE_MEDIA_REFUSED] = "refused", [SIDETONE_MEDIA_FLOWS] = "flows",
		[SIDETONE_MEDIA_SECURED] = "secured", [SIDETONE_MEDIA_PATH] = "path", [SIDETONE_MEDIA_SILENT] = "silent",
		[SIDETONE_MEDIA_DIGIT] = "digit", [SIDETONE_MEDIA_DIGIT_END] = "digitEnd",
		[SIDETONE_MEDIA_DIGITS_SENT] = "digitsSent", [SIDETONE_MEDIA_PLAYED] = "played",
		[SIDETONE_MEDIA_RECORDED] = "recorded", [SIDETONE_MEDIA_TONE_DONE] = "toneDone",
		[SIDETONE_MEDIA_DEVICE_LOST] = "deviceLost", [SIDETONE_MEDIA_STATS] = "stats",
	};

	_Static_assert(ARRAY_LEN(names) == SIDETONE_MEDIA_EVENT_TYPES, "each has one");
	return (unsigned)t < ARRAY_LEN(names) ? names[t] : "";
}
