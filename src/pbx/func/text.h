/* pbx/func/text.h -- what several text functions need. Threads: core. */
#ifndef PBX_FUNC_TEXT_H
#define PBX_FUNC_TEXT_H

#include "pbx/func/func.h"

/* Appends `s` with \n, \t, \\, \xHH, \0OO and their like made into bytes (no NUL). */
void text_unescape(struct str s, struct buf *out);
/* Takes one character, perhaps escaped, off *s. False: none left. */
bool text_take(struct str *s, char *c);
/* What ${name} stands for; name may be FUNC(args) or have :offset:length. */
void text_variable(struct pbx *p, struct channel *ch, struct str name, struct buf *out);
/* The number that `s` begins with, whatever follows it. False: none does. */
bool text_leading_int(struct str s, int64_t *out);
bool text_leading_number(struct str s, double *out);

#endif
