/* service/event/private.h -- what the files of event/ share.
 *
 *   subscribe.c     a SUBSCRIBE: what is asked for, its renewal and its end
 *   tree.c          what is watched: one resource, or a list, which may hold lists
 *   keep.c          it is on disk before it is answered; restore.c  those of the process before
 *   notification.c  its notifier (ua/notify.h): what is told when, and its end
 *   list_body.c     what a NOTIFY holds
 *   package.c       the event packages and the bodies, a row each
 *   exten.c         presence and dialog: the hints of the dialplan
 *   body_exten.c    their bodies: PIDF, XPIDF, dialog-info
 *   body_diff.c     PIDF of which only the changes are told
 *   publish.c       what we publish at other servers; publisher.c how
 *   states.c        states of devices and mailboxes, to and from other servers
 *   compositor.c    what others publish here
 *   document.c      what phones publish of themselves: PIDF and dialog-info, read
 *   reg.c           event reg: the contacts of an AOR
 *   feature.c       event as-feature-event: do not disturb and forwarding, which phones set; feature_read.c
 *   conference.c    event conference: who is in it; the rooms are somebody else's
 *   winfo.c         events presence.winfo and dialog.winfo: who subscribes to an extension
 *   refer.c         REFER outside of a call, and the subscription that it implies
 *   mwi.c           mailboxes, and message-summary
 *   mwi_told.c      what other servers tell of theirs without being asked
 *   upstream.c      the same, asked for (type=outbound-subscription)
 *   mwi_unasked.c   the same without a SUBSCRIBE, by an endpoint's mailboxes=
 *
 * A subscription is a notifier, which has the dialog, the time and the order of NOTIFYs, and
 * a tree of nodes; a leaf watches its resource and calls node_changed(). All belong to the core. */
#ifndef SERVICE_EVENT_PRIVATE_H
#define SERVICE_EVENT_PRIVATE_H

#include "base/buf.h"
#include "service/common/dialog.h"
#include "service/common/xml.h"
#include "service/event/subscription.h"
#include "ua/notify.h"

struct node {
	struct subscription *sub;
	struct text resource;           /* user part of the URI that names it */
	struct text display;            /* how a list calls it; empty: the resource */
	struct node **child;            /* held, n of them; n 0: a leaf */
	size_t n;
	bool full_state;                /* a list: each NOTIFY has all of it */
	bool over;                      /* a leaf: its resource is gone */
	bool changed;                   /* since it was last told */
	uint32_t version;               /* of the list, or of dialog-info: in the next one */
	struct buf body;                /* a leaf's last, when its watch has ended before it is said */
	struct text type;               /* of a body that is not of its row's type */
	struct buf before;              /* body_diff.c: the document that was told last */
	void *watch;                    /* the package's */
};

enum body_kind { BODY_EXTEN, BODY_MESSAGES, BODY_REG, BODY_WINFO, BODY_FEATURES, BODY_CONFERENCE, BODY_REFER };

/* One event. */
struct package {
	struct str name;                /* "presence" */
	struct str accept;              /* without an Accept header */
	enum body_kind kind;
	bool unnamed;                   /* Allow-Events has it otherwise */
	bool extra;                     /* Asterisk has it not: Allow-Events names it only to who asks for such a one */
	const struct package *of;       /* X.winfo: X; else NULL */
	uint32_t pace_ms;               /* one NOTIFY in so long at most; 0: as it comes */
	/* 200, or what a SUBSCRIBE for `resource` is refused with. */
	unsigned (*may)(struct service *svc, const struct endpoint *ep, struct str resource);
	/* The body of a SUBSCRIBE, which is not answered yet: 0, or what to refuse it with. Optional. */
	unsigned (*take)(struct subscription *s, const struct sip_msg *subscribe);
	int (*start)(struct node *leaf);        /* from now on node_changed() */
	void (*stop)(struct node *leaf);        /* once for each start() */
	/* What a list with resource_display_name calls it; NULL: no name. */
	void (*display)(struct service *svc, const struct endpoint *ep, struct str resource, struct buf *out);
};

struct body_row {
	enum body_kind kind;
	struct str type;
	/* One of the two, when a NOTIFY goes out. `write`: a whole body. `tell`: `full` or only what has changed
	 * since the last one; ENODATA: nothing has. */
	int (*write)(struct node *leaf, struct buf *b);
	int (*tell)(struct node *leaf, bool full, struct buf *b);
};

/* What the disk has of a subscription. */
struct kept {
	uint64_t row;                   /* 0: nothing */
	uint32_t cseq, version;         /* greater numbers make it write */
	int64_t expires_us;             /* [wall] the end that is written, or on its way */
	bool writing;                   /* numbers are on their way */
};

struct subscription {           /* obj */
	struct list link;               /* in subscriptions.all, and when it has ended, in .ending */
	uint64_t serial;                /* greater than of all that were there before */
	struct service *svc;
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* of conf */
	const struct package *pkg;
	const struct body_row *body;
	struct ua_notify *notify;       /* freed with it; NULL: it is over */
	struct node *root;              /* held */
	struct share_account account;   /* of its dialog */
	struct text user_agent;         /* lower case */
	struct text transport;          /* NOTIFYs leave by it (symmetric_transport); empty: as the endpoint says */
	struct text host;               /* of the URI that was subscribed to: "pbx.example:5060" */
	struct text uri_params;         /* of that URI: "user=phone" */
	bool is_sips, is_list;
	uint32_t batch_ms;              /* changes are gathered for so long; 0: told at once */
	uint64_t since_ms;              /* when it began */
	uint64_t told_ms;               /* when the newest NOTIFY was written */
	bool waits;                     /* for the disk: it is none yet, and counted */
	bool prune_on_boot;             /* only the connection of its SUBSCRIBE leads there */
	struct flow_member on_flow;     /* of that connection */
	struct kept kept;
};

/* Of the URI that was subscribed to. */
static inline struct str subscription_scheme(const struct subscription *s)
{
	return s->is_sips ? STR("sips") : STR("sip");
}

struct subscriptions {          /* service.subscriptions */
	struct list all;                /* struct subscription, oldest first */
	struct list ending;             /* those whose last NOTIFY is not answered yet */
	uint64_t serial;                /* of the newest */
	uint64_t restored;              /* those up to this serial are of the process before */
	struct subscription *told;      /* held: the last of these that has its first NOTIFY; NULL: none, or all */
	struct timer tell;              /* when the next of these get theirs */
	struct map *flows;              /* of those that end with a connection: service/common/flow.h */
	struct map *mailboxes;          /* struct mailbox by name */
	struct map *unasked;            /* struct unasked by endpoint */
	struct list newcomers;          /* mwi_unasked.c: contacts that hear of their mailboxes ... */
	struct timer tell_newcomers;    /* ... when this fires */
	struct contact_observer contacts;
	struct list reg_watches;        /* reg.c */
	struct list referrals;          /* refer.c */
	struct list winfo_watches;      /* winfo.c */
	/* winfo.c: one is there; it has ended, and its notifier is there still. */
	void (*came)(const struct subscription *s);
	void (*went)(const struct subscription *s, enum ua_event_reason reason);
	struct list conferences;        /* conference.c */
	struct list feature_watches;    /* feature.c */
	struct list mailbox_listeners;  /* struct mailbox_listener */
	size_t remote_mailboxes;
	struct upstreams *upstreams;    /* upstream.c; NULL: not started */
	struct compositor *compositor;  /* compositor.c; NULL: not started */
	struct map *kept_states;        /* keep_publication.c: what servers have said, on disk; NULL: nothing is kept */
	bool restoring;                 /* what is said comes from the disk */
	struct publications *publications;      /* publish.c; NULL: not started */
};

/* ---- subscribe.c */
struct subscription *subscription_new(struct service *svc, struct snapshot *conf, const struct endpoint *ep);
struct ua_notify_prm subscription_prm(struct subscription *s);       /* as the configuration that it has now says */
void subscription_enter(struct subscription *s);     /* it is one */
/* The next in their order; NULL: none. `at` NULL: the first. */
struct subscription *subscription_after(const struct subscriptions *all, const struct subscription *at);

/* ---- keep.c */
/* It is on disk with `seconds` to live when done() comes, with 0 or an errno; never inside this. EALREADY: nothing is
 * kept, done() does not come. */
int subscription_keep(struct subscription *s, uint32_t seconds, void (*done)(void *arg, int err), void *arg);
void subscription_unkeep(struct subscription *s);
/* After a NOTIFY, or a body: writes when the numbers on disk will not do much longer. */
void subscription_keep_numbers(struct subscription *s, uint32_t version);

/* ---- package.c */
const struct package *package_find(struct str event);
/* By what Accept says. NULL: nothing that we write. */
const struct body_row *body_find(const struct package *p, const struct sip_msg *subscribe);
const struct body_row *body_of(const struct package *p, struct str type);   /* NULL: it has no such body */
/* "presence, dialog, message-summary, refer"; `extra`: and what Asterisk has not. */
void package_names(struct buf *b, bool extra);

/* ---- tree.c */
/* 200 and *out, or the status to refuse with. */
unsigned tree_build(struct subscription *s, struct str resource, bool eventlist, struct node **out);
int tree_start(struct node *n);              /* every leaf watches */
void tree_stop(struct node *n);              /* no leaf watches any more */
void tree_free(struct node *n);              /* stops too */
bool tree_same(const struct node *a, const struct node *b);
bool tree_over(const struct node *n);        /* no leaf is left */
uint32_t tree_version(const struct node *n); /* the greatest of all */
void tree_set_version(struct node *n, uint32_t version);
/* Before tree_stop(): what a last NOTIFY may still tell. */
void tree_keep(struct node *n);
void node_uri(const struct node *n, struct buf *b);  /* sip:RESOURCE@HOST */

/* ---- list_body.c */
/* ENODATA: nothing of it changed, and not everything was asked for. */
int node_body(struct node *n, bool full, struct text *type, struct buf *b);

/* ---- notification.c */
int subscription_count(struct subscription *s);      /* one more of its endpoint. ENOSPC: it has enough */
void subscription_uncount(struct subscription *s);
/* A leaf's resource has another state, or (`over`) none any more. */
void node_changed(struct node *leaf, bool over);
/* It is none any more, though its last NOTIFY may still be on its way. */
void subscription_leave(struct subscription *s);
/* The last NOTIFY, then no more. */
void subscription_end(struct subscription *s, enum ua_event_reason reason);
void subscription_cut_off(struct subscription *s);    /* its connection is gone: it ends, and nobody is told */
void subscription_abandon(struct subscription *s);   /* at the end of the program: come again */
bool subscription_has_ended(const struct subscription *s);
/* struct ua_notify_prm: say, changed. `arg` is the subscription. */
int subscription_say(void *arg, struct ua_notify *n, bool full, struct sip_out *out);
void subscription_changed(void *arg, struct ua_notify *n, const struct ua_notify_event *e);
struct event *subscription_test_new(struct service *svc, const char *state);
void subscription_test_event(struct subscription *s, const char *state);

/* ---- winfo.c: RFC 3857, 3858 */
void winfo_start(struct subscriptions *all);
int body_watcherinfo(struct node *leaf, bool full, struct buf *b);

/* ---- feature.c */
int body_features(struct node *leaf, bool full, struct buf *b);

/* ---- conference.c */
int body_conference(struct node *leaf, bool full, struct buf *b);

/* ---- refer.c */
void referrals_free(struct service *svc);
int body_refer(struct node *leaf, bool full, struct buf *b);

/* ---- reg.c: RFC 3680 */
void reg_contact_changed(struct service *svc, struct location *l, struct contact *c, enum contact_why why);
int body_reginfo(struct node *leaf, bool full, struct buf *b);

/* ---- body_exten.c, exten.c, mwi.c, reg.c: rows */
extern const struct package package_presence, package_dialog, package_messages, package_reg,
	package_presence_winfo, package_dialog_winfo, package_features, package_conference,
	package_refer;
int body_pidf(struct node *leaf, struct buf *b);
int body_pidf_diff(struct node *leaf, bool full, struct buf *b);
int body_xpidf(struct node *leaf, struct buf *b);
int body_dialog_info(struct node *leaf, struct buf *b);
int body_messages(struct node *leaf, struct buf *b);
struct str exten_context(const struct endpoint *ep);

/* ---- mwi.c */
struct mailbox_watch {
	struct list link;               /* in mailbox.watches */
	struct mailbox *box;            /* held in the map while watched */
	void (*fn)(void *arg, struct mailbox_watch *w);
	void *arg;
};
int mailbox_watch(struct service *svc, struct str name, struct mailbox_watch *w);
void mailbox_unwatch(struct mailbox_watch *w);
struct str mailbox_name(const struct mailbox *m);
void mailbox_counts(const struct mailbox *m, uint32_t *new_msgs, uint32_t *old_msgs);
/* Subscriptions that are there already have their mailboxes for themselves. */
void messages_replace_unasked(struct service *svc, struct str endpoint);
void mwi_write_body(struct buf *b, struct str account, uint32_t new_msgs, uint32_t old_msgs);
int mwi_start(struct service *svc);
void mwi_free(struct service *svc);

/* ---- mwi_told.c */
struct summary {                /* RFC 3842 5.2 */
	uint32_t new_msgs, old_msgs, urgent_new, urgent_old;
	struct str account;
	bool has_waiting;               /* Messages-Waiting was there */
};
/* False: it has no Voice-Message line. With Messages-Waiting alone new_msgs is then 1 or 0. A view. */
bool summary_read(struct str body, struct summary *out);

/* ---- mwi_unasked.c */
void unasked_contact_added(struct service *svc, struct contact *c);
int unasked_rebuild(struct service *svc);    /* from the configuration; tells whoever is new */
void unasked_free(struct service *svc);
/* May `ep` subscribe to a mailbox that it is told of unasked? */
bool unasked_allows(struct service *svc, const struct endpoint *ep, struct str mailbox);
/* A subscription replaces it (mwi_subscribe_replaces_unsolicited), or does no longer. */
void unasked_replace(struct service *svc, struct str endpoint, struct str mailbox, bool replaced);

#endif
