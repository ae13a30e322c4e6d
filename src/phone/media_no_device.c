/* phone/media_no_device.c -- in place of media_device.c where PortAudio was not there when this was built. */
#include "phone/media.h"
#include <errno.h>

int sidetone_media_devices(struct sidetone_media *m, struct sidetone_session *s, const char *input, const char *output,
			   char *why, size_t why_n)
{
	if (!input && !output)
		return sidetone_media_pcm(m, s, NULL);
	phone_why(why, why_n, "microphones and loudspeakers: built without PortAudio");
	return ENOTSUP;
}

int sidetone_media_list_devices(void (*fn)(void *arg, const char *name, unsigned inputs, unsigned outputs), void *arg)
{
	(void)fn;
	(void)arg;
	return ENOTSUP;
}
