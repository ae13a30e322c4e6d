/* pbx/fax.h -- faxes of channels: what FAXOPT() sets and reads, the sessions under way, the counts of all. The
 * applications are pbx/app/fax.c, what happens while one runs is fax_run.c. The terminal itself is media/faxrun.h.
 * Threads: core. */
#ifndef PBX_FAX_H
#define PBX_FAX_H

#include "media/faxrun.h"
#include "pbx/channel.h"

struct fax_conf;

enum fax_kind { FAX_KIND_NONE, FAX_KIND_SEND, FAX_KIND_RECEIVE, FAX_KIND_GATEWAY, FAX_KIND_V21 };
/* The names are the manager's. */
enum fax_session_state { FAX_STATE_UNINITIALIZED, FAX_STATE_INITIALIZED, FAX_STATE_OPEN, FAX_STATE_ACTIVE, FAX_STATE_COMPLETE };

/* What a channel has of faxes: set by FAXOPT() and the applications, read back afterwards. A note of the channel. */
struct fax_details {            /* obj */
	enum fax_kind kind;
	bool ecm, statusevents, debug, allow_audio, request_t38, negotiate_both, t38;
	bool can_audio, can_t38;        /* what this fax may still become */
	uint32_t modems, minrate, maxrate;      /* FAX_MODEM_V17 | ...; [bit/s] */
	uint32_t t38timeout;            /* [ms] */
	struct text header, local, remote;
	struct text result, resultstr, error;   /* FAXSTATUS, FAXSTATUSSTRING, FAXERROR */
	struct text rate, resolution;
	unsigned pages, id;             /* id: of its last session */
	struct text files;              /* separated by '&', as given */
	struct fax_t38 theirs;          /* what the peer's T.38 takes */
};

/* One that is under way. */
struct fax_session {            /* obj; faxes.sessions holds one reference */
	struct list link;
	struct faxes *all;              /* NULL: it is over */
	unsigned id;
	enum fax_session_state state;
	struct text channel;
	struct fax_details *d;          /* held */
	struct faxrun *run;             /* view; of a terminal. NULL: none yet */
	/* Of a gateway. NULL: it is none, or has not begun. */
	void (*numbers)(void *arg, struct faxterm_stats *out);
	void *arg;
};

/* Of a whole pbx. */
struct faxes {
	uint32_t modems, minrate, maxrate, t38timeout;  /* res_fax.conf */
	bool statusevents, ecm;
	bool debug;                     /* `fax set debug on` */
	struct list sessions;           /* of struct fax_session, oldest first */
	unsigned active, sent, received, complete, failed, next_id;
	unsigned ends[2][FAX_ENDS], switched;   /* [1]: by T.38 */
};
struct faxes *faxes_new(void);       /* with the defaults of res_fax.conf; NULL: no memory */
void faxes_free(struct faxes *f);
void faxes_set(struct faxes *f, const struct fax_conf *c);

/* ---- details. Views */

struct fax_details *fax_find(struct channel *ch);    /* NULL: none yet */
struct fax_details *fax_get(struct channel *ch);     /* made when there are none; NULL: no memory */
/* The three at once; NULL leaves one as it is. */
void fax_result(struct fax_details *d, const char *result, const char *resultstr, const char *error);
/* The same, but what is there already stays. */
void fax_result_default(struct fax_details *d, const char *resultstr, const char *error);
/* FAXSTATUS and all the others, as the details have them. */
void fax_variables(struct channel *ch, struct fax_details *d);

/* ---- what managers are told */

void fax_tell_status(struct channel *ch, struct fax_details *d, const char *status); /* FAXStatus, when it is wanted */
void fax_tell_end(struct channel *ch, struct fax_details *d, const char *event);     /* SendFAX, ReceiveFAX */

/* ---- sessions */

/* With the next number, which the details keep. NULL: no memory. Held by the caller too. */
struct fax_session *fax_session_new(struct channel *ch, struct fax_details *d);
void fax_session_over(struct fax_session *s);        /* out of the list; drops the caller's reference */
struct fax_session *fax_session_find(struct faxes *f, unsigned id);
const char *fax_state_name(enum fax_session_state s);        /* "Active", ... */
const char *fax_kind_name(enum fax_kind k);          /* "send", "receive", "gateway", "V.21", "none" */
const char *fax_session_type(const struct fax_session *s);   /* "G.711", "T.38", "none" */
/* false: it has no numbers (yet). */
bool fax_session_numbers(const struct fax_session *s, struct faxterm_stats *out);
struct str fax_file_next(struct str *rest);          /* cuts the next of details.files off; empty: there is none */

/* ---- fax_run.c */

/* The terminal, from its start to its end, on ch's fiber; the details have what it is to do and get the result.
 * `channel_alive`: it was not hung up meanwhile. */
void fax_run(struct channel *ch, struct fax_details *d, bool *channel_alive);

#endif
