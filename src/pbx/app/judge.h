/* pbx/app/judge.h -- arguments of applications that are wrong whatever the call, for `check`.
 * Threads: touches only its arguments. */
#ifndef PBX_APP_JUDGE_H
#define PBX_APP_JUDGE_H

#include "base/str.h"

/* What is wrong with arguments that hold nothing to be substituted; NULL: nothing. */
typedef const char *app_judge_fn(struct str data);
app_judge_fn judge_statsd, judge_receive_fax, judge_send_fax, judge_queue_log;

#endif
