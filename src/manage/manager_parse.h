/* manage/manager_parse.h -- messages of the manager interface out of a stream
 * of bytes.
 * Shape:   "Name: value" lines, ended by CRLF or LF; an empty line ends the
 *          message. A line without ':' is kept, it has no name.
 * Limits:  1024 bytes a line (over HTTP as many as a request has), 128 lines a message; over them the message is
 *          read to its end and given with an error.
 * Threads: touches only its arguments. */
#ifndef MANAGE_MANAGER_PARSE_H
#define MANAGE_MANAGER_PARSE_H

#include "base/buf.h"

#define AMI_LINE_MAX 1024
#define AMI_LINES_MAX 128

struct ami_line {
	struct str line, name, value;   /* views into the message's text; value without leading blanks */
};

struct ami_message {
	struct buf text;                /* all lines, one after another */
	size_t end[AMI_LINES_MAX];      /* where each ends in text */
	struct ami_line v[AMI_LINES_MAX];       /* set when the message is complete */
	size_t n;
};

struct ami_parser {
	struct ami_message msg;
	size_t line_max;                /* [bytes] AMI_LINE_MAX; over HTTP a request bounds it */
	size_t line;                    /* where in msg.text the current line starts */
	bool too_long, too_many, done;
	bool skip;                      /* the rest of this line is thrown away */
};

void ami_parser_init(struct ami_parser *p);
void ami_parser_free(struct ami_parser *p);
/* Takes bytes off *in. 0: a message is complete, p->msg is it until the next
 * call; EAGAIN: all taken, more needed; EMSGSIZE: complete, but a line was too
 * long; E2BIG: too many lines; ENOMEM. */
int ami_parse(struct ami_parser *p, struct str *in);

/* First header of that name (case folded), or an empty view. */
struct str ami_header(const struct ami_message *m, struct str name);

#endif
