/* The expressions of `pjsip show history where` from any bytes: a tree or a reason, and an answer about a message. */
#include "manage/command.h"
#include "manage/history_filter.h"
#include "base/obj.h"
#include "service/common/sip_history.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str message = STR_INIT("INVITE sip:a@b SIP/2.0\r\nCall-ID: a\r\n\r\n");
	char *mem = malloc(size + 1), *copy = malloc(size + 1);
	struct str word[COMMAND_WORDS], rest[COMMAND_WORDS];
	struct sip_history_entry e = { .number = 3, .at = 1000, .bytes = message };
	struct history_filter *f = NULL;
	struct buf why = BUF_INIT;
	size_t n;

	if (mem && copy) {
		memcpy(copy, data, size);
		n = command_split(str_mk(copy, size), mem, word, rest, COMMAND_WORDS);
		if (n != SIZE_MAX && !history_filter_new(&f, word, n, &why))
			(void)history_filter_has(f, &e);
		history_filter_free(f);
	}
	buf_free(&why);
	free(mem);
	free(copy);
	return 0;
}
