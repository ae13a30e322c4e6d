/* pbx/dialplan_private.h -- the shape of a dialplan, for the files that build,
 * search, show and run it.
 * What dialplan_build() made of extensions.conf loses what a command takes out of it;
 * p->added has the same shape and changes at any time. So: no pointer into either may be
 * kept over a wait.
 * Threads: as dialplan.h. */
#ifndef PBX_DIALPLAN_PRIVATE_H
#define PBX_DIALPLAN_PRIVATE_H

#include "base/hash.h"
#include "pbx/dialplan.h"
#include "pbx/timing.h"

#define PRIORITY_HINT (-1)
#define INCLUDE_DEPTH 128       /* contexts that one search visits */

struct step {                   /* one malloc, bytes at its end */
	int priority;
	uint32_t line;
	struct str label, app, data, file;
	char bytes[];
};

struct exten {                  /* one malloc, bytes at its end */
	struct str name;        /* as shown: without blanks */
	struct str key;         /* as matched: without dashes too (but inside []) */
	struct str cid;         /* pattern for the caller's number */
	bool has_cid;
	size_t order;           /* as read, for those that compare equal */
	struct step **step;     /* held; by priority */
	size_t steps, cap;
	char bytes[];
};

struct exten_list {
	struct exten **v;       /* held; in the order of pattern_cmp() */
	size_t n, cap;
};

struct include {
	struct str name;        /* views into text */
	bool timed;
	struct timing timing;
	char *text;             /* held */
};

struct context {
	struct str name;        /* view into text */
	char *text;             /* held */
	const char *registrar;
	struct exten_list plain, patterns;
	struct include *include;        /* held */
	size_t includes;
	char **ignorepat, **swtch;      /* held */
	size_t ignorepats, switches;
	bool autohints;
	struct map *index;      /* while building: exten by key and caller pattern */
};

struct dialplan {               /* obj */
	struct map *contexts;           /* by name; case matters */
	struct context **order;         /* held; as read */
	size_t n, cap;
	size_t extens, hints;
	bool autofallthrough, fixed, writeprotect, clearglobals;
	bool changing;          /* p->added: kept sorted at each step */
};

struct dialplan *dialplan_new(void);
struct context *dialplan_context(const struct dialplan *d, struct str name);
int dialplan_context_make(struct dialplan *d, struct str name, const char *registrar, struct context **out);

struct step_prm {
	struct str exten;       /* perhaps with /callerid */
	int priority;
	struct str label, app, data, file;
	uint32_t line;
};
/* EEXIST: that priority is there already; nothing changes. */
int dialplan_put(struct dialplan *d, struct context *c, const struct step_prm *prm);
struct exten *dialplan_exten(const struct context *c, struct str exten);
int exten_label(const struct exten *e, struct str label);    /* 0: none */
const struct step *exten_step(const struct exten *e, int priority);
void exten_free(struct exten *e);
void context_free(struct context *c);
#define LIST_MAX 4096           /* includes, ignorepats or switches of one context */
/* "context[,times]" (taken over, also on failure). EEXIST: it has that one already; EINVAL: no name, or
 * too many. EBADMSG: it is there, but some of its times are not understood. */
int context_include(struct context *c, char *text);
void dialplan_sort(struct dialplan *d);
/* Where among the names (no patterns) the first stands that is not before `key`. */
size_t exten_list_find(const struct exten_list *l, struct str key);

/* ---- searching */

enum find_action { FIND_STEP, FIND_LABEL, FIND_CAN, FIND_MORE };

struct find {
	struct str context, exten, caller, label;
	int priority;
	enum find_action action;
};

struct found {
	const struct context *context;
	const struct exten *exten;
	const struct step *step;
};
bool dialplan_find(struct pbx *p, const struct find *f, struct found *out);
bool dialplan_ignores(struct pbx *p, struct str context, struct str digits);

#endif
