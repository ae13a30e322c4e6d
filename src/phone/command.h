/* phone/command.h -- what a person types, in two files: command.c has the input and the prompt,
 * command_table.c the commands. Threads: the loop's. */
#ifndef PHONE_COMMAND_H
#define PHONE_COMMAND_H

#include "phone/call.h"

struct watch {                  /* a subscription of ours */
	struct list link;
	struct text target;
	struct sidetone_subscription *subscription;     /* held */
};

struct commands {
	struct phone *phone;
	unsigned current;               /* number of the call that commands are about; 0: the newest */
	struct list watches;
	uv_poll_t input;
	struct buf typed;               /* of a line that is not whole, where there is no terminal */
	bool open;                      /* input is watched */
};

struct command {
	const char *name, *args, *help;
	/* `args`: trimmed. Gives what went wrong, in words; NULL: nothing. */
	const char *(*run)(struct commands *c, struct str args);
};
const struct command *command_row(size_t i); /* NULL: no more */
/* By its name, or the beginning of one. NULL: none, or several; *several says which. */
const struct command *command_find(struct str name, bool *several);
void command_run(struct commands *c, struct str line);
void watch_free(struct watch *w);

#endif
