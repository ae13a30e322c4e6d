/* config/option.h -- options as data. One row says everything about an option:
 * the parser, the defaults, `check`, `config show help`, the manager's field
 * names and docs/options.md all come from it, so they cannot drift.
 * Threads: tables are const; an option_index has one owner, reading it is free. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/intern.h"
#include "config/reader.h"
#include "base/log.h"

/* The kind of a row fixes the type of its field (OPT_* macros below check it). */
enum option_kind {
	OPTION_BOOL,    /* bool */
	OPTION_INT,     /* int32_t, min..max */
	OPTION_UINT,    /* uint32_t, min..max */
	OPTION_DOUBLE,  /* double */
	OPTION_STRING,  /* struct str; an interned, terminated copy */
	OPTION_SECRET,  /* struct secret; never printed */
	OPTION_ENUM,    /* uint8_t; one of choices */
	OPTION_LIST,    /* struct str_list; comma separated; OPT_ADD: lines add up */
	OPTION_CUSTOM,  /* parse and write functions; any field */
	OPTION_IGNORED, /* taken and not kept: type=, options without any effect */
};

enum option_flag {
	OPT_LATER = 1,          /* read and judged; its behaviour is not there yet */
	OPT_ADD = 2,            /* each line adds to a list, the first replaces the default */
	OPT_WHOLE = 4,          /* list: a line is one element, commas stay */
	OPT_RESTART = 8,        /* a reload does not apply it */
	OPT_REQUIRED = 16,      /* an object without it is refused */
	OPT_HIDDEN = 32,        /* not in the manager's fields (write-only rows) */
	OPT_PREFIX = 64,        /* the name ends in *: any option that starts so */
	OPT_OLD = 128,          /* another name says the same */
	OPT_YESNO = 256,        /* bool: shown as yes and no, not true and false */
	OPT_YESNO_CAP = 512,    /* bool: shown as Yes and No */
	OPT_PRIVATE = 1024,     /* custom: holds a secret */
	OPT_VOID = 2048,        /* taken for other programs' sake; what it is about is not here */
	OPT_IF_SET = 4096,      /* shown only when it says something */
	OPT_SHOWN = 8192,       /* ignored: its default is shown */
};

struct option_choice {
	const char *name;       /* NULL ends the list; the first name of a value is the one shown */
	uint8_t value;
};

struct option;
struct option_ctx;

/* Parse `value` into `field`. 0, EBADMSG (say why with option_why), ENOMEM. */
typedef int option_parse_fn(struct option_ctx *ctx, const struct option *o, void *field, struct str value);
/* The canonical text of `field`, as the manager and the console show it. */
typedef void option_write_fn(struct buf *b, const struct option *o, const void *field);

struct option {
	const char *name;
	const char *aliases;    /* NULL, or other names separated by blanks */
	const char *def;        /* default as text; NULL: the field stays zero */
	const char *help;       /* one sentence */
	const char *unit;       /* NULL, "s", "ms", "bytes" ... */
	const struct option_choice *choices;
	option_parse_fn *parse; /* OPTION_CUSTOM */
	option_write_fn *write; /* OPTION_CUSTOM; NULL: not shown */
	const char *values;     /* OPTION_CUSTOM: its syntax, for help */
	double min, max;
	uint16_t offset;
	uint16_t flags;
	uint8_t kind;           /* enum option_kind */
};

/* One object type. */
struct option_set {
	const char *type;               /* "endpoint" */
	const char *file;               /* "pjsip.conf" */
	const char *help;
	const struct option *rows;
	size_t n;
	size_t size;                    /* of the struct */
};

/* Offset of S.f, checked to be of type T: a bool row on an int field does not
 * compile, because no branch of _Generic fits. */
#define OPT_AT(S, f, T) (uint16_t)(offsetof(S, f) + 0 * sizeof(_Generic(&((S *)0)->f, T *: (char)0)))

#define OPT_BOOL(S, f, d, fl, h) \
	{ .name = #f, .kind = OPTION_BOOL, .offset = OPT_AT(S, f, bool), .def = d, .flags = fl, .help = h }
#define OPT_INT(S, f, d, lo, hi, u, fl, h) \
	{ .name = #f, .kind = OPTION_INT, .offset = OPT_AT(S, f, int32_t), .def = d, .min = lo, .max = hi, \
	  .unit = u, .flags = fl, .help = h }
#define OPT_UINT(S, f, d, lo, hi, u, fl, h) \
	{ .name = #f, .kind = OPTION_UINT, .offset = OPT_AT(S, f, uint32_t), .def = d, .min = lo, .max = hi, \
	  .unit = u, .flags = fl, .help = h }
#define OPT_DOUBLE(S, f, d, lo, hi, u, fl, h) \
	{ .name = #f, .kind = OPTION_DOUBLE, .offset = OPT_AT(S, f, double), .def = d, .min = lo, .max = hi, \
	  .unit = u, .flags = fl, .help = h }
#define OPT_STR(S, f, d, fl, h) \
	{ .name = #f, .kind = OPTION_STRING, .offset = OPT_AT(S, f, struct str), .def = d, .flags = fl, .help = h }
#define OPT_SECRET(S, f, fl, h) \
	{ .name = #f, .kind = OPTION_SECRET, .offset = OPT_AT(S, f, struct secret), .flags = fl, .help = h }
#define OPT_ENUM(S, f, c, d, fl, h) \
	{ .name = #f, .kind = OPTION_ENUM, .offset = OPT_AT(S, f, uint8_t), .choices = c, .def = d, .flags = fl, .help = h }
#define OPT_LIST(S, f, d, fl, h) \
	{ .name = #f, .kind = OPTION_LIST, .offset = OPT_AT(S, f, struct str_list), .def = d, .flags = fl, .help = h }
/* T: the type of the field, v: its syntax for help. */
#define OPT_CUSTOM(S, f, T, pf, wf, v, d, fl, h) \
	{ .name = #f, .kind = OPTION_CUSTOM, .offset = OPT_AT(S, f, T), .parse = pf, .write = wf, .values = v, \
	  .def = d, .flags = fl, .help = h }
/* The same under a name that is no field's. */
#define OPT_CUSTOM_AS(nm, S, f, T, pf, wf, v, d, fl, h) \
	{ .name = nm, .kind = OPTION_CUSTOM, .offset = OPT_AT(S, f, T), .parse = pf, .write = wf, .values = v, \
	  .def = d, .flags = fl, .help = h }
#define OPT_NONE(nm, d, fl, h) \
	{ .name = nm, .kind = OPTION_IGNORED, .def = d, .flags = fl, .help = h }

/* What a parse works with; one for a whole load. */
struct option_ctx {
	struct arena *arena;            /* view: where what is parsed will live */
	struct intern *intern;          /* view */
	void *user;                     /* view: the caller's, for custom parsers */
	void *obj;                      /* view: the struct being filled */
	const struct option *row;       /* the row being parsed */
	struct str object;              /* the section's name */
	struct str name;                /* the option's name as written (for OPT_PREFIX) */
	uint64_t seen[4];               /* rows met in this object, by number */
	bool first;                     /* no earlier line of this object set this row */
	char why[256];                  /* terminated reason of the last EBADMSG */
};
int option_why(struct option_ctx *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));                  /* fills why, gives EBADMSG */

/* Interned copies into a list, growing by doubling; `first` starts it anew. */
int option_list_add(struct option_ctx *ctx, struct str_list *l, struct str s);

/* A set made quick to search, with the image of an object that has only defaults. */
struct option_index;
/* ENOMEM; EBADMSG: a default does not parse (a bug of the table; why says which). */
int option_index_new(struct option_index **ip, const struct option_set *set, struct option_ctx *ctx);
void option_index_free(struct option_index *i);
const struct option_set *option_index_set(const struct option_index *i);
/* The row for a name as written (case folded, aliases, OPT_PREFIX); NULL. */
const struct option *option_find(const struct option_index *i, struct str name);
/* The nearest name within reach, or an empty view. */
struct str option_nearest(const struct option_index *i, struct str name);

/* Copy the defaults into `obj` and forget which rows were seen. */
void option_begin(const struct option_index *i, struct option_ctx *ctx, void *obj);
/* One variable. 0, ENOENT (unknown name), EBADMSG (why is set), ENOMEM. */
int option_apply(const struct option_index *i, struct option_ctx *ctx, void *obj,
		 struct str name, struct str value);
bool option_seen(const struct option_index *i, const struct option_ctx *ctx, const struct option *o);
/* A whole section; names beginning with @ and the variable `type` are skipped.
 * Every fault is reported as "TYPE 'NAME': ..." with its line. EBADMSG when the
 * object must be refused. */
int option_apply_section(const struct option_index *i, struct option_ctx *ctx, void *obj,
			 const struct config *c, const struct config_section *s, struct report *r);

/* The value of a row in an object, as text ("" for secrets that are empty, ***
 * otherwise; pass `reveal` for the manager's AuthDetail). */
void option_write(struct buf *b, const struct option *o, const void *obj, bool reveal);
/* Do two objects say the same in every row? False also when memory is short. */
bool option_same(const struct option_set *set, const void *a, const void *b);
/* OptionName for option_name; the manager's field. */
void option_camel(struct buf *b, const char *name);
/* Rows in table order; skip those with OPT_HIDDEN when showing. */
#define option_each(o, set) \
	for (const struct option *o = (set)->rows; o < (set)->rows + (set)->n; o++)

/* Help texts for the console and the documentation. */
const char *option_kind_name(const struct option *o);        /* "boolean", "number" ... */
void option_write_values(struct buf *b, const struct option *o);     /* "yes|no", "1..65535 s" */
void option_help(struct buf *b, const struct option_set *set, const struct option *o);
void option_help_set(struct buf *b, const struct option_set *set);
void option_markdown(struct buf *b, const struct option_set *set);

#endif
