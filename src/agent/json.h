/* agent/json.h -- JSON values (RFC 8259), as parameters come: read strictly, written compactly.
 * Shape:   a tree in the reader's arena; lists and objects are chains of members in their order.
 * Bounds:  AGENT_JSON_BYTES long, AGENT_JSON_DEPTH deep, so that a page or a file cannot use up the stack.
 * Threads: touches only its arguments. */
#ifndef AGENT_JSON_H
#define AGENT_JSON_H

#include "base/arena.h"
#include "base/buf.h"

#define AGENT_JSON_BYTES 65536
#define AGENT_JSON_DEPTH 16

enum agent_json_type {
	AGENT_JSON_NULL, AGENT_JSON_BOOL, AGENT_JSON_NUMBER, AGENT_JSON_STRING, AGENT_JSON_LIST, AGENT_JSON_OBJECT
};

struct agent_json {
	enum agent_json_type type;
	bool truth;
	double number;
	size_t n;                       /* of a list or an object: how many members */
	struct str text;                /* a string's bytes, UTF-8, may hold NUL; a number as it was written */
	struct str key;                 /* its name in the object it is in */
	const struct agent_json *first, *next;
};

/* One value with blanks around it, and nothing else. EBADMSG grammar, depth, or no UTF-8; E2BIG; ERANGE a number
 * that no double holds; ENOMEM. The tree looks into `s` and into the arena. */
int agent_json_parse(struct arena *a, struct str s, const struct agent_json **out);
/* Of several members with that name the last counts, as everywhere in JavaScript. NULL: none. */
const struct agent_json *agent_json_member(const struct agent_json *object, struct str key);
/* As JSON.stringify() writes it, numbers as they were written. */
void agent_json_write(struct buf *b, const struct agent_json *v);
void agent_json_write_string(struct buf *b, struct str s);
/* The shortest of what reads back as the same number; no number but a finite one. */
void agent_json_write_number(struct buf *b, double v);

#endif
