/* pbx/app/judge.h -- for `check`: what applications say of their arguments before anything runs. false, and `why`
 * (a sentence without its end): with these, before substitution, it can only fail, or does not do what was meant. What
 * a variable decides is taken as right. Threads: any. */
#ifndef PBX_APP_JUDGE_H
#define PBX_APP_JUDGE_H

#include "base/buf.h"

bool app_judge_receive_fax(struct str data, struct buf *why);
bool app_judge_send_fax(struct str data, struct buf *why);
bool app_judge_statsd(struct str data, struct buf *why);

#endif
