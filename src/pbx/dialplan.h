/* pbx/dialplan.h -- extensions.conf as an immutable snapshot, and running it.
 * Threads: built on any, used on core. */
#ifndef PBX_DIALPLAN_H
#define PBX_DIALPLAN_H

#include "pbx/channel.h"

struct dialplan;        /* obj */
struct config;

/* From a parsed extensions.conf. Faults go to `report` one line each; a bad
 * line never loses the others. `globals` gets [globals]. */
typedef void report_fn(void *arg, struct str file, unsigned line, struct str text);
int dialplan_build(struct dialplan **out, const struct config *cfg, struct vars *globals,
		   report_fn *report, void *arg);

/* Make it the one in use: p->globals gets `globals` (moved; may be NULL), the hints
 * are recomputed. Takes over the reference. Core. */
void dialplan_install(struct pbx *p, struct dialplan *plan, struct vars *globals);
/* Does the dialplan know a bit of [general]? */
bool dialplan_autofallthrough(const struct dialplan *d);

enum match { MATCH_NONE, MATCH_PARTIAL /* more digits could */, MATCH_EXACT };
/* Includes (with times), switches and patterns considered. `caller`: for exten/callerid forms. */
enum match dialplan_match(struct pbx *p, struct str context, struct str exten, struct str caller);
bool dialplan_exists(struct pbx *p, struct str context, struct str exten, int priority, struct str caller);
bool dialplan_has_context(struct pbx *p, struct str context);
/* Could more digits make a longer match (overlap, WaitExten)? */
bool dialplan_can_grow(struct pbx *p, struct str context, struct str exten, struct str caller);
/* Priority number of a label; 0: none. */
int dialplan_label(struct pbx *p, struct str context, struct str exten, struct str label, struct str caller);
/* Text for `dialplan show [exten@][context]`. */
void dialplan_show(struct pbx *p, struct str what, struct buf *out);
/* `max` rows of it from row `from` on, for listing in steps. True: there are more; else
 * the last line is there too. */
bool dialplan_show_part(struct pbx *p, struct str what, size_t from, size_t max, struct buf *out);
/* Is there what dialplan_show(what) would list? */
bool dialplan_has(struct pbx *p, struct str what);
/* The same as rows, for the manager's ShowDialPlan. `context` and `exten` empty:
 * all. False: that context or extension does not exist. */
enum dialplan_row_type { ROW_CONTEXT, ROW_STEP, ROW_INCLUDE, ROW_IGNOREPAT, ROW_SWITCH, ROW_CONTEXT_END };
struct dialplan_row {
	enum dialplan_row_type type;
	struct str context, registrar;
	struct str exten, cid, label, app, data, file;  /* ROW_STEP; priority -1: a hint, app its text */
	int priority;
	unsigned line;
	bool has_cid, first;            /* first: of its extension */
	bool included;                  /* ROW_CONTEXT: reached through an include */
	struct str text;                /* the include, pattern or switch */
};
struct dialplan_count {
	bool context, exten;            /* what was asked for exists */
	unsigned contexts, extens, steps;
};
typedef void dialplan_row_fn(void *arg, const struct dialplan_row *row);
void dialplan_each(struct pbx *p, struct str context, struct str exten, struct dialplan_count *n,
		   dialplan_row_fn *fn, void *arg);
/* regcontext, dialplan add extension, ...: what is added stands in a small layer over
 * what extensions.conf says and survives reloads; what is removed of extensions.conf
 * is there again after the next one. 0, ENOENT, EEXIST, EINVAL, ENOMEM. */
int dialplan_add(struct pbx *p, struct str context, struct str exten, int priority, struct str app,
		 struct str data);
int dialplan_remove(struct pbx *p, struct str context, struct str exten, int priority /* 0: all */);
int dialplan_remove_context(struct pbx *p, struct str name);
int dialplan_add_include(struct pbx *p, struct str context, struct str included /* "name[,times]" */);
int dialplan_remove_include(struct pbx *p, struct str context, struct str included);
int dialplan_add_ignorepat(struct pbx *p, struct str context, struct str pattern);
int dialplan_remove_ignorepat(struct pbx *p, struct str context, struct str pattern);

/* Start the dialplan for `ch` at its context/exten/priority on a new fiber; when
 * it ends the channel is destroyed. EBUSY: it has a fiber. */
int pbx_start(struct channel *ch);
/* Run one application on a new fiber, then destroy (Originate Application). */
int pbx_start_h(struct channel *ch, struct str context);       /* what h does, then it ends. ENOENT: there is none */
int pbx_start_app(struct channel *ch, struct str app, struct str data);
/* The same, on the calling fiber, which need not be ch's own. GoSub runs until its
 * Return() and leaves ch where it was. 0; ENOENT no such application; ECANCELED it
 * wants the channel hung up. */
int pbx_exec(struct channel *ch, struct str app, struct str data);
/* A subroutine as pbx_exec(GoSub), also when the channel is hung up already. */
int pbx_exec_sub(struct channel *ch, struct str where, bool though_hungup);
/* Send a channel, wherever it is, to another place in the dialplan: a running
 * fiber leaves its application, one without fiber gets one. EBUSY: it is being
 * dialled by somebody else. */
int pbx_async_goto(struct channel *ch, struct str context, struct str exten, int priority);
/* Goto's argument: [[context,]exten,]priority|label, or +n, -n. Inside a running
 * dialplan the channel stands one before it, as the next step is one further.
 * EINVAL, ENOENT no such label. */
int pbx_parse_goto(struct channel *ch, struct str where);

/* ${...} and $[...] replaced, functions called. `ch` may be NULL. */
void pbx_substitute(struct pbx *p, struct channel *ch, struct str text, struct buf *out);
/* A variable or built-in (${EXTEN}, ${CHANNEL}, ...): false: not set. */
bool pbx_getvar(struct pbx *p, struct channel *ch, struct str name, struct buf *out);
/* NAME or FUNC(args); sends VarSet. */
int pbx_setvar(struct pbx *p, struct channel *ch, struct str name, struct str value);
/* VarSet of LOCAL(name). */
void pbx_tell_local(struct channel *ch, struct str name, struct str value);
/* What a new channel gets from its maker (_NAME and __NAME), with a VarSet for each. ENOMEM. */
int pbx_inherit_vars(struct channel *to, const struct channel *from);
/* $[...] alone. */
int pbx_expression(struct str text, struct buf *out);
/* Arguments of an application: split at commas that stand outside (), [] and
 * quotes; \ escapes. Fills at most `max`, the last takes the rest; gives the
 * count. All of out[] is set; quotes and \ stay in the views. */
size_t pbx_args(struct str data, struct str *out, size_t max);
/* The same with quotes and \ taken away, in memory of its own; args_free() it.
 * The last of `max` (at most ARGS_MAX) takes the rest as it stands. */
#define ARGS_MAX 64
struct args {
	char *bytes;            /* held */
	size_t n;
	struct str v[ARGS_MAX];         /* views into bytes; empty from n on */
};
int args_split(struct args *a, struct str data, char sep, size_t max);
void args_free(struct args *a);
/* One argument without its quotes and backslashes. */
void pbx_arg_put(struct str arg, struct buf *out);
/* Options "tT(x)r(ring)": is `opt` there, and its (argument). */
bool pbx_option(struct str options, char opt, struct str *arg);

#endif
