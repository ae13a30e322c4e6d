/* config/reader.h -- Asterisk's .conf files: ordered sections of ordered
 * variables.
 * Shape:   [name](options), name = value, name => value, name += value,
 *          ; comments, ;-- nested blocks --;, #include, #tryinclude, #exec
 * Ownership: a config owns the text of its files; every view ends with it. So
 *          build what must last, then config_free().
 * Threads: one owner at a time, any thread; no global state. Blocks on files. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/report.h"

#define CONFIG_LINE_MAX 8191    /* [bytes] a longer line is skipped and reported */
#define CONFIG_INCLUDE_DEPTH 10 /* files inside files, the first included */
#define CONFIG_NEST_MAX 128     /* ;-- inside ;-- */

struct config;

struct config_var {
	struct str name, value;         /* views into the config */
	struct config_var *next;        /* in file order, inherited ones first */
	uint32_t line;
	uint16_t file;                  /* config_file_name() */
	bool arrow;                     /* written name => value */
	bool inherited;                 /* came from a template */
};

struct config_section {
	struct str name;                /* view into the config; blanks inside stay */
	struct config_var *first, *last;
	struct config_section *next;    /* in file order, templates too */
	struct config_section *same;    /* the next one of the same name */
	uint32_t line;
	uint32_t hash;                  /* the reader's own */
	uint16_t file;
	bool is_template;               /* [x](!): only to inherit from */
};

struct config_prm {
	const char *dir;                /* relative #include names start here */
	bool exec_includes;             /* obey #exec (asterisk.conf execincludes) */
};

/* Read `file` (absolute, or relative to prm->dir) and all it includes.
 * 0, ENOENT (no such file), EACCES and other errnos of open(2), EBADMSG (a fault
 * that refuses the whole file: a variable before any section, a section that
 * inherits from none, a missing #include), ENOMEM. Faults go to `r` (may be NULL). */
int config_load(struct config **cp, const struct config_prm *prm, const char *file, struct report *r);
/* The same from memory; `name` is what messages call it. */
int config_parse(struct config **cp, const struct config_prm *prm, struct str name, struct str text,
		 struct report *r);
void config_free(struct config *c);

/* Sections as an application sees them: without templates, in file order.
 * for (s = config_first(c); s; s = config_next(s)) for (v = s->first; v; v = v->next) */
const struct config_section *config_first(const struct config *c);
const struct config_section *config_next(const struct config_section *s);
const struct config_section *config_all_first(const struct config *c);       /* with templates, by .next */
/* The first section of that name (case folded), not a template; NULL. */
const struct config_section *config_section_get(const struct config *c, struct str name);
size_t config_section_count(const struct config *c);
size_t config_var_count(const struct config *c);
/* The last variable of that name (case folded), so that a section's own line
 * wins over its template's; NULL. `s` NULL gives NULL. */
const struct config_var *config_var_get(const struct config_section *s, struct str name);
/* Its value, or `otherwise`. */
struct str config_value(const struct config_section *s, struct str name, struct str otherwise);
/* The name for messages: relative to the config dir where it is inside. */
struct str config_file_name(const struct config *c, uint16_t file);
/* Report a fault at a variable's or a section's line. */
void config_fault(const struct config *c, const struct config_var *v, struct report *r,
		  enum report_level level, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* What was read, to know later whether reading again could give anything else.
 * Survives the config. */
struct config_stamp;
struct config_stamp *config_stamp_new(const struct config *c);       /* NULL: ENOMEM */
void config_stamp_free(struct config_stamp *s);
/* True while every file has its size and either its mtime or its contents, every
 * glob gives the same names, and no #exec was in it. NULL: false. */
bool config_stamp_holds(const struct config_stamp *s);

#endif
