/* Bytes of a manager's peer, in pieces as the input itself says; filters and
 * console lines out of what the messages hold. Whatever the pieces, the messages
 * must be the same. */
#include "manage/command.h"
#include "manage/manager_filter.h"
#include "manage/manager_parse.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that all messages of `text` together give. */
static uint64_t digest(struct str text, size_t step)
{
	struct ami_parser p;
	uint64_t sum = 0;

	ami_parser_init(&p);
	while (text.n) {
		struct str piece = str_sub(text, 0, step);
		int err = ami_parse(&p, &piece);

		text = str_skip(text, (text.n < step ? text.n : step) - piece.n);
		if (err == EAGAIN)
			continue;
		sum = sum * 31 + (uint64_t)err + p.msg.n;
		for (size_t i = 0; i < p.msg.n; i++) {
			sum = sum * 31 + p.msg.v[i].line.n + p.msg.v[i].name.n + p.msg.v[i].value.n;
			if (p.msg.v[i].line.n > AMI_LINE_MAX)
				abort();
		}
		if (p.msg.n > AMI_LINES_MAX)
			abort();
	}
	ami_parser_free(&p);
	return sum;
}

static void filters(struct str text)
{
	struct ami_filters f;
	struct str line;

	ami_filters_init(&f);
	for (struct str rest = text; str_line(&rest, &line); ) {
		struct str value = line, name = str_cut_raw(&value, '=');

		ami_filters_add(&f, true, name, str_find(name, STR("method(")) < name.n ? value : STR_NULL);
		ami_filters_add(&f, false, STR_NULL, line);
	}
	ami_filters_pass(&f, STR("Newchannel"), text);
	ami_filters_free(&f);
}

static void lines(struct str text)
{
	struct str line, word[COMMAND_WORDS], rest[COMMAND_WORDS];

	while (str_line(&text, &line)) {
		char *mem = malloc(line.n ? line.n : 1);

		if (mem)
			command_split(line, mem, word, rest, COMMAND_WORDS);
		free(mem);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size ? data[0] + 1u : 1;
	char *copy = malloc(size ? size : 1);   /* exact size: ASan sees one byte too many */
	struct str text = str_mk(copy, size);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (digest(text, SIZE_MAX) != digest(text, step))
		abort();
	if (size < 4096)
		filters(text);
	lines(text);
	free(copy);
	return 0;
}
