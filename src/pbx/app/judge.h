/* pbx/app/judge.h -- arguments of applications that are wrong whatever the call, for `check`.
 * Threads: touches only its arguments. */
#ifndef PBX_APP_JUDGE_H
#define PBX_APP_JUDGE_H

#include "base/str.h"

/* What is wrong with arguments that hold nothing to be substituted; NULL: nothing. */
typedef const char *app_judge_fn(struct str data);
app_judge_fn judge_statsd, judge_receive_fax, judge_send_fax, judge_queue_log;

/* The same of any other application of this folder, into `why`. False: nothing, or there is no such application. */
#define APP_WHY 160
bool app_judge(struct str app, struct str data, char why[APP_WHY]);

/* "5", "0.5", "500ms", "2m", "1h": seconds unless a unit stands there. False: none of these. */
bool app_duration(struct str s, uint64_t *ms);

#endif
