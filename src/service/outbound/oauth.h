/* service/outbound/oauth.h -- access tokens of OAuth 2.0 for registrations (auth_type=google_oauth): a refresh
 * token is changed for one (RFC 6749 6), which REGISTER brings along (RFC 6750).
 * Threads: core; the server of tokens is asked on a pool thread. */
#ifndef SERVICE_OUTBOUND_OAUTH_H
#define SERVICE_OUTBOUND_OAUTH_H

#include "base/text.h"
#include "service/object/object.h"

#define OAUTH_URL "https://www.googleapis.com/oauth2/v3/token"
enum { OAUTH_S = 20, OAUTH_CONNECT_S = 10, OAUTH_ANSWER = 16 * 1024 /* [bytes] */ };

struct loop;
struct oauth_job;               /* obj */
/* `token` empty: there is none, and `why` says why. */
typedef void oauth_done_fn(void *arg, struct str token, const char *why);
/* `fn` follows, unless oauth_forget() comes first. `url` empty: OAUTH_URL. The caller owns *out. ENOMEM. */
int oauth_fetch(struct oauth_job **out, struct loop *l, struct str url, const struct auth_conf *a, oauth_done_fn *fn, void *arg);
void oauth_forget(struct oauth_job *j);      /* no callback any more; drops the reference. NULL: nothing */
/* access_token of the server's answer (RFC 6749 5.1), when it is one that a header can have. EBADMSG, ENOMEM. */
int oauth_token_of(struct str json, struct text *token);
/* "Authorization: Bearer ...\r\n", as Asterisk writes it. What no quoted string can have is left out. */
void oauth_write(struct buf *b, struct str token, const struct auth_conf *a);

#endif
