/* manage/manager_page.h -- what the manager says, as XML or as a page, while it is being said.
 * Shape:   in: lines "Name: value", messages end with an empty line; a line without ':' begins a value of many lines.
 *          XML: one <response> a message with one element, each line an attribute of it; the second line of a name is
 *          "name-2". HTML: rows of a table.
 * Bounds:  keeps the line that is not whole, and the names of one message.
 * Threads: touches only its arguments. */
#ifndef MANAGE_MANAGER_PAGE_H
#define MANAGE_MANAGER_PAGE_H

#include "base/hash.h"

enum ami_format { AMI_RAW, AMI_HTML, AMI_XML };

struct ami_page {
	enum ami_format format;
	struct str dest, type;          /* of XML: the id of a response, the name of its element; views */
	struct buf line;                /* that is not whole */
	struct map *names;              /* held: struct name by name, of this message; NULL: none yet */
	bool in_message, in_data;
	int err;                        /* ENOMEM: what follows is thrown away */
};

/* `dest`, `type`: views that live as long as the page; empty: as Asterisk has them. */
void ami_page_init(struct ami_page *p, enum ami_format f, struct str dest, struct str type);
void ami_page_free(struct ami_page *p);
void ami_page_begin(struct ami_page *p, struct buf *out);
void ami_page_put(struct ami_page *p, struct str bytes, struct buf *out);
void ami_page_end(struct ami_page *p, struct buf *out);

#endif
