/* media/hook_no_speech.c -- built without libspeexdsp: nothing takes noise away or keeps a level, and
 * who asks for it is told so. */
#include "media/hooks.h"
#include <errno.h>
#include "base/poison.h"

bool media_speech_exists(void) { return false; }

void media_speech_set(struct media_hook *h, const struct media_speech *rx, const struct media_speech *tx)
{
	(void)h;
	(void)rx;
	(void)tx;
}

int media_speech_start(struct media_hook **out, struct media_session *s, const struct media_speech *rx, const struct media_speech *tx)
{
	(void)out;
	(void)s;
	(void)rx;
	(void)tx;
	return ENOSYS;
}
