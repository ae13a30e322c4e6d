/* manage/pjsip_rows.h -- how the tables of pjsip show ... and pjsip list ... print an object: a
 * row of each kind with what belongs to it below, and all options of one. The layout is
 * Asterisk's, to the column. Threads: core. */
#ifndef MANAGE_PJSIP_ROWS_H
#define MANAGE_PJSIP_ROWS_H

#include "manage/command.h"
#include "manage/pjsip_view.h"

struct pjsip_listing {
	struct command_ctx *c;
	struct service *svc;
	struct snapshot *conf;          /* held */
	struct view_identifies *ids;    /* held; of listings of endpoints */
	unsigned level;
	bool recurse, details;
	const char *direction;          /* of an auth: "In", "Out", "" */
};

/* Objects of pjsip.conf, or what comes and goes by itself. */
enum pjsip_listed { LIST_OBJECTS, LIST_CONTACTS, LIST_CHANNELS };

struct pjsip_lister {
	const char *one, *many;         /* "aor", "aors" */
	enum pjsip_listed of;
	enum object_type type;          /* of LIST_OBJECTS */
	/* What stands above them, and one of them. */
	void (*header)(struct pjsip_listing *p);
	void (*body)(struct pjsip_listing *p, const void *o);
};

/* All options of an object, by name. */
void pjsip_print_options(struct command_ctx *c, const struct object *o);

/* By its word, "aor" or "aors" (*many then). NULL: there is none of that kind. */
const struct pjsip_lister *pjsip_lister_of(struct str word, bool *many);

#endif
