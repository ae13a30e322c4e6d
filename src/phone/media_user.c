/* phone/media_user.c -- the agent whose sessions have media. */
#include "phone/media.h"

static bool is_over(const struct sidetone_session *s)
{
	return sidetone_session_status(s) == SIDETONE_STATUS_TERMINATED;
}

int sidetone_media_new(struct sidetone_media **out, const struct sidetone_media_options *o, sidetone_media_event_fn *fn,
		       void *arg, char *why, size_t why_n)
{
	static const struct phone_media_user agent = { sidetone_session_describe, sidetone_session_described,
		sidetone_session_reinvite, sidetone_session_info_digit, is_over };
	int err = phone_media_new(out, o, &(struct phone_media_prm){ .user = &agent, .why = why, .why_n = why_n });

	if (!err)
		phone_media_listen(*out, fn, arg);
	return err;
}
