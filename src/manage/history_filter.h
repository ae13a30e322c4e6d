/* manage/history_filter.h -- which entries of the history of SIP messages are asked for:
 *   number > 5 and (addr = 192.0.2.3:5060 or sip.msg.call-id like ^a)
 * Fields: number, timestamp [s since 1970], addr, sip.msg.request.method, sip.msg.call-id. Operators: = == != < > <= >=
 * like (an extended regular expression), and && or || not !, parentheses. `not` binds tighter than `and`, that
 * tighter than `or`. Threads: core. */
#ifndef MANAGE_HISTORY_FILTER_H
#define MANAGE_HISTORY_FILTER_H

#include "base/buf.h"

struct history_filter;
struct sip_history_entry;

/* `words`, which must live as long. 0; EINVAL: `why` says what is wrong; ENOMEM. */
int history_filter_new(struct history_filter **out, const struct str *words, size_t n, struct buf *why);
bool history_filter_has(const struct history_filter *f, const struct sip_history_entry *e);
void history_filter_free(struct history_filter *f);  /* NULL is fine */

#endif
