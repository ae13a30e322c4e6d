/* $[...] from any bytes: an end in time, and a result that stands for a text. */
#include "base/buf.h"
#include "base/log.h"
#include "pbx/expression.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);   /* exact size: ASan sees one byte too many */
	struct buf out = BUF_INIT;

	log_set_mask(0);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	(void)expression_eval(NULL, NULL, str_mk(copy, size), &out);
	buf_free(&out);
	free(copy);
	return 0;
}
