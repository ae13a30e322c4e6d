/* SetDoNotDisturb and SetForwarding: of any bytes either nothing, or a number that a dialplan can take. */
#include <stdlib.h>
#include "service/event/feature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct feature_request r;
	char *copy = malloc(n ? n : 1);

	if (n)
		memcpy(copy, data, n);
	if (!feature_read(&r, str_mk(copy, n))) {
		size_t len = strlen(r.number);

		if (len > FEATURE_NUMBER_MAX || r.f >= FEATURES || r.rings > 99 || (r.on && r.f != FEATURE_DND && !len))
			abort();
		for (size_t i = 0; i < len; i++)
			if (strchr("${}[]&|,/\\\"'@;:= ", r.number[i]))
				abort();
	}
	free(copy);
	return 0;
}
