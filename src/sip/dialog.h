/* sip/dialog.h -- dialogs (RFC 3261 12). Threads: core. */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include "sip/out.h"

struct sip_dialog;
struct sip_dialog_user {
	void *arg;
	/* A request inside the dialog, CSeq already checked. Answer on `tx`. */
	void (*request)(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg);
	/* ACK to our 2xx (or a repeated one). */
	void (*ack)(void *arg, struct sip_dialog *d, struct sip_msg *msg);
	void *owner;    /* as in struct sip_server_tx_user */
};

struct sip_dialog {             /* obj */
	struct sip_stack *stack;
	struct sip_dialog_user user;
	/* Words: owned, each with a NUL behind. */
	struct str call_id, local_tag, remote_tag;      /* remote empty: UAC before any response */
	struct str local, remote;       /* From/To header values without the tag parameter */
	struct str target;              /* remote target URI */
	struct str route;               /* route set in sending order, comma list */
	struct str contact;             /* our Contact header value */
	uint32_t local_cseq, remote_cseq;
	bool remote_cseq_set, uac, confirmed, secure;
	struct net_path path;           /* how the last message of the peer came; used while conn lives or no route tells otherwise */
	bool use_path;                  /* send to path, not to what target and route resolve to */
	struct str via_host;
	struct str user_agent;          /* sip_dialog_set_agent() */
	/* private */
	struct sip_dialog *fork_next;
	bool in_map;
	struct list link;
};

/* For a request that makes one (INVITE, SUBSCRIBE, REFER). Uses tx->to_tag. */
int sip_dialog_new_uas(struct sip_dialog **out, struct sip_server_tx *tx, struct str contact,
		       const struct sip_dialog_user *user);
/* One of a process that has ended, as it was kept; views are copied. */
struct sip_dialog_kept {
	struct str call_id, local_tag, remote_tag, local, remote, target, route, contact;
	uint32_t local_cseq, remote_cseq;
	bool secure, use_path;
	struct net_path path;           /* conn 0. Of a stream only the protocol counts: nothing is sent back by it */
};
/* As the UAS. EBADMSG: something in it cannot stand in a message; EEXIST: there is such a dialog. */
int sip_dialog_restore(struct sip_dialog **out, struct sip_stack *s, const struct sip_dialog_kept *k,
		       const struct sip_dialog_user *user);
/* For a request that we are about to send: fills out->from (adds the tag), to,
 * call_id, cseq. `local`, `remote`: header values without tags. */
int sip_dialog_new_uac(struct sip_dialog **out, struct sip_stack *s, struct sip_out *req, struct str local,
		       struct str remote, struct str contact, const struct sip_dialog_user *user);
/* A 101-299 response to the request that made it: takes remote tag, target and
 * route set; a second tag (fork) makes a new dialog, in *fork when not NULL. */
int sip_dialog_response(struct sip_dialog *d, const struct sip_msg *msg, struct sip_dialog **fork);
/* The peer's request made the dialog, not a response: a NOTIFY (RFC 6665 4.4.1). Takes its
 * tag, target and route set; responses do not change the route set after that. */
int sip_dialog_learn(struct sip_dialog *d, const struct sip_msg *request);
/* The same when `request` is another peer's than that of `d`: a second dialog with the
 * Call-ID and our tag of `d`. */
int sip_dialog_new_fork(struct sip_dialog **out, const struct sip_dialog *d, const struct sip_msg *request,
			const struct sip_dialog_user *user);
/* Next request in the dialog, with cseq taken (ACK: `cseq` of its INVITE). */
struct sip_out *sip_dialog_request(struct sip_dialog *d, enum sip_method m);
struct sip_out *sip_dialog_ack(struct sip_dialog *d, uint32_t invite_cseq);
/* Target refresh: Contact of a 2xx or of a re-INVITE/UPDATE. */
int sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *msg);
int sip_dialog_set_target(struct sip_dialog *d, struct str uri);
int sip_dialog_set_route(struct sip_dialog *d, struct str route);
/* Sent-by of our requests' Via; empty: the path's. Copied. */
int sip_dialog_set_via(struct sip_dialog *d, struct str sent_by);
/* User-Agent of our requests; copied. */
int sip_dialog_set_agent(struct sip_dialog *d, struct str agent);
/* No more requests are matched to it and its user is told nothing more; references may stay. */
void sip_dialog_close(struct sip_dialog *d);
/* By what Replaces, REFER targets and ourselves name; tags as in the message received. */
struct sip_dialog *sip_dialog_find(struct sip_stack *s, struct str call_id, struct str local_tag,
				   struct str remote_tag);
/* Any with that Call-ID and tag of ours, whatever the peer's tag is. NULL: none. */
struct sip_dialog *sip_dialog_sibling(struct sip_stack *s, struct str call_id, struct str local_tag);

#endif
