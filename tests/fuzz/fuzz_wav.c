/* Sound files: the first byte says which kind and what to make of it. */
#include <stdlib.h>
#include "base/obj.h"
#include "media/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum format_id ids[] = { FORMAT_NONE, FORMAT_NONE, FORMAT_ULAW, FORMAT_GSM, FORMAT_SLIN16, FORMAT_G729 };
	static const enum format_id wants[] = { FORMAT_ULAW, FORMAT_SLIN, FORMAT_GSM, FORMAT_SLIN16, FORMAT_H264 };
	struct sound *s = NULL;
	char *copy;

	if (n < 1)
		return 0;
	copy = malloc(n);
	memcpy(copy, data + 1, n - 1);
	if (!file_decode(&s, str_mk(copy, n - 1), ids[data[0] % 6], wants[data[0] / 6 % 5]))
		obj_drop(s);
	free(copy);
	return 0;
}
