/* What phones publish of themselves (PIDF, dialog-info): of any bytes either nothing, or a state that such a
 * document can say. */
#include <stdlib.h>
#include "base/str.h"
#include "service/event/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(document_fn *read, struct str body, bool presence)
{
	enum device_state s = DEV_STATES;

	if (read(body, &s))
		return;
	switch (s) {
	case DEV_UNKNOWN: case DEV_UNAVAILABLE:
		if (!presence)
			abort();
		break;
	case DEV_RINGING: case DEV_RINGINUSE: case DEV_ONHOLD:
		if (presence)
			abort();
		break;
	case DEV_NOT_INUSE: case DEV_INUSE: case DEV_BUSY:
		break;
	default:
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n ? n : 1);

	if (n)
		memcpy(copy, data, n);
	check(document_presence, str_mk(copy, n), true);
	check(document_dialogs, str_mk(copy, n), false);
	free(copy);
	return 0;
}
