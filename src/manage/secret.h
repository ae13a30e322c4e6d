/* manage/secret.h -- what a manager or console is not shown without the right to it.
 * Threads: touches only its arguments. */
#ifndef MANAGE_SECRET_H
#define MANAGE_SECRET_H

#include "base/str.h"

#define SECRET_SHOWN "***"

/* Does an option of this name hold a password, key or token, in whatever file? Names
 * as "inbound_auth/password" (pjsip_wizard.conf) count by their last part. */
bool secret_option(struct str name);
/* `value` of option `name` as it may be shown to everybody. */
struct str secret_value(struct str name, struct str value);

#endif
