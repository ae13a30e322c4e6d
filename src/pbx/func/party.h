/* pbx/func/party.h -- caller ids and presentations as text. Threads: any. */
#ifndef PBX_FUNC_PARTY_H
#define PBX_FUNC_PARTY_H

#include "base/buf.h"

struct party;
struct text;

/* "Name" <number>, <number>, a number alone, a name alone: appended, without quotes, escapes and
 * the signs between digits. ENOMEM. */
int callerid_split(struct str s, struct buf *name, struct buf *number);
/* "allowed_not_screened" and the like, for enum presentation; "unknown". */
struct str presentation_word(int pres);
/* The word or its number; EINVAL, told in the log: neither. */
int presentation_of(struct str s, uint8_t *out);


/* ---- party_field.c: what "name-pres" and the like name of a party */

struct party_path {
	struct str part[4];
	size_t n;
};
struct party_path party_path(struct str s);
struct str party_part(const struct party_path *p, size_t i);         /* empty where there is none */
struct party_path party_below(const struct party_path *p, size_t skip);
bool party_is_number(struct str s);          /* "num", "number" */
/* The number that a text begins with, when a digit is the very first. EINVAL. */
int party_whole(struct str s, int *out);
int party_set_both(struct text *name, struct text *number, struct str value);        /* see callerid_split() */
/* EINVAL: no such field, or no such value of it. ENOMEM. */
int party_field_read(const struct party *p, const struct party_path *f, struct buf *out);
int party_field_write(struct party *p, const struct party_path *f, struct str value);
int party_read_subaddress(const struct party *p, const struct party_path *f, struct buf *out);
int party_write_subaddress(struct party *p, const struct party_path *f, struct str value);
int party_write_number(struct party *p, const struct party_path *f, struct str value);
/* Of the private identity: its name and number. */
int party_private_read(const struct party *p, const struct party_path *f, struct buf *out);
int party_private_write(struct party *p, const struct party_path *f, struct str value);
/* A field, or one of the private identity after "priv-". */
int party_own_read(const struct party *p, struct party_path f, struct buf *out);
int party_own_write(struct party *p, struct party_path f, struct str value);

#endif
