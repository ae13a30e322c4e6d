/* config/reader_internal.h -- what the reader's own files share. */
#ifndef CONFIG_READER_INTERNAL_H
#define CONFIG_READER_INTERNAL_H

#include "base/arena.h"
#include "config/reader.h"
#include <sys/stat.h>
#include <time.h>

/* Everything an #include can multiply is bounded, or one short file that includes
 * itself twice would fill the memory. */
#define FILES_MAX 65535u
#define BYTES_MAX ((size_t)512 << 20)
#define VARS_MAX ((size_t)8 << 20)
#define VALUE_MAX ((size_t)256 << 10)

struct file {
	struct str path;        /* view into the arena, terminated */
	struct str shown;       /* view into path */
	char *text;             /* held; what all views point into */
	size_t size;
	uint64_t hash;          /* of the bytes before they were cut up */
	struct timespec mtime;
	bool memory;            /* no file at all */
};

struct pattern {
	struct pattern *next;
	struct str glob;        /* absolute, terminated */
	uint64_t hash;          /* of the names it gave, and whether they are there */
};

/* Sections of one name, in the order they came. */
struct bucket {
	struct config_section *first, *last;
};

struct config {
	struct arena *arena;            /* held: sections, variables, paths */
	struct str dir;                 /* terminated; empty: no files */
	struct file *file;              /* held, malloc */
	size_t files, file_cap;
	struct config_section *first, *last;
	struct config_section *current; /* where an included file goes on */
	struct bucket *bucket;          /* held, malloc: open addressing by name */
	size_t bucket_mask, buckets;
	size_t sections, vars, bytes;
	struct pattern *patterns;
	bool has_exec;
};

struct load {
	struct config *c;
	const struct config_prm *prm;
	struct report *r;
	unsigned depth;         /* includes open now */
};

/* reader_parse.c: cut up file `f`. `*cat` is the section that variables before the
 * first header go to; it moves on. */
int parse_file(struct load *l, uint16_t f, struct config_section **cat);
/* reader.c: all files that `name` gives, parsed. ENOENT when there is none. */
int load_files(struct load *l, struct str name, struct config_section **cat);
/* The output of a command, parsed. */
int load_command(struct load *l, struct str command, struct config_section **cat);
/* Takes `text` (malloc). */
int add_file(struct load *l, struct str path, char *text, size_t size, uint16_t *f);
int add_section(struct config *c, struct config_section *s);
struct config_section *find_section(const struct config *c, struct str name);
uint64_t hash_names(char *const *v, size_t n);

#endif
