/* sdp/negotiate_int.h -- what negotiate.c and negotiate_write.c share. */
#ifndef SDP_NEGOTIATE_INT_H
#define SDP_NEGOTIATE_INT_H

#include "sdp/negotiate.h"

enum { NEG_NO_PT = 255, NEG_MAX_EXTRA = 64, NEG_MAX_KEYS = 4 };

struct neg_extra {              /* a further a= line, or an fmtp of our offers */
	struct text name, value;
	uint8_t id;             /* enum format_id of an fmtp, else 0 */
};

struct neg_row {                /* a stream with what only negotiation needs */
	struct neg_stream s;
	uint8_t pt[FORMATS];    /* our number of each format; NEG_NO_PT: none yet */
	struct {
		uint32_t rate;  /* 0: free */
		uint8_t pt;
	} te[NEG_MAX_EVENTS];
	struct neg_extra *extra;
	size_t nextra;
	uint8_t ext_known[RTP_EXTS];    /* numbers that header extensions have had; they keep them */
	bool grouped;           /* in a group of BUNDLE: in force, or as our next offer has it */
	bool bundle_only;       /* our next offer has no transport for it but the group's */
	bool offer_active;      /* our next offer keeps it */
	bool offered_active;    /* the last one did, with these: */
	struct formats offered;
	int offered_in;         /* and shared the transport of this one; -1: had its own, */
	void *offered_port;     /* held; here, which another fork's answer may need; NULL: none */
	uint8_t offered_ext[RTP_EXTS];
	/* negotiate_secure.c: what our last offer said */
	struct crypto_line keys[NEG_MAX_KEYS];
	uint8_t nkeys;
	enum crypto_setup setup;
};

struct neg_state {              /* what a refused offer puts back */
	struct neg_row *v[SDP_MAX_MEDIA];
	size_t n;
};

struct neg {
	struct neg_state now, saved;
	bool has_saved;
	size_t agreed;          /* streams at the last complete exchange */
	bool offered;           /* an offer of ours is out */
	bool answerable;        /* our last offer may get (further, forked) answers */
	bool answering;         /* an offer of theirs is in */
	struct text owner, session;
	struct neg_prm prm;     /* the views in it are unset */
	uint64_t id, version;
	bool sent;              /* an SDP of ours has been written */
	struct text local;      /* the last of them */
	size_t local_rest;      /* where its text after o= begins */
	const char *why;        /* of the last NEG_KEYS */
	struct sdp *remote, *remote_saved;      /* held */
};

struct neg_row *neg_row_new(enum media_type t);             /* NULL: ENOMEM, as of a copy */
struct neg_row *neg_row_copy(const struct neg_row *r);
void neg_row_free(struct neg_row *r);                        /* NULL allowed */
void neg_wanted_set(struct neg_stream *s);      /* our next offer has what was agreed on */
void neg_codecs_free(struct neg_stream *s);
void neg_extras_free(struct neg_row *r);
/* The peer gives a number a meaning: whatever else had it here gets another. */
void neg_pt_learn(struct neg_row *r, enum format_id id, uint8_t pt);
void neg_te_learn(struct neg_row *r, uint32_t rate, uint8_t pt);

/* Keep what is in force for neg_rollback(), unless kept already. */
int neg_save(struct neg *n);
/* What our offers say of a format, by neg_fmtp_set(); empty: nothing. */
struct str neg_fmtp_wanted(const struct neg_row *r, enum format_id id);
/* Our number for a format: the one it has, its usual one, a free one. NEG_NO_PT: none left. */
uint8_t neg_pt(const struct neg *n, struct neg_row *r, enum format_id id);
/* The value of a parameter in a=fmtp ("mode=20;x=y"); empty: none. */
struct str neg_fmtp_param(struct str fmtp, struct str name);
/* Digits are the first sound's: this stream is it, and events are wanted. */
bool neg_has_digits(const struct neg *n, const struct neg_row *r);
uint8_t neg_te_pt(const struct neg *n, struct neg_row *r, uint32_t rate);
enum sdp_dir neg_dir_offer(const struct neg_stream *s);
void neg_committed(struct neg *n);      /* an answer is written or taken: what it says is in force */
/* The offer came to nothing. `ours`: its numbers stay, for another fork's answer. */
void neg_put_back(struct neg *n, bool ours);
/* "nack pli" and the like. */
struct str neg_feedback_name(enum neg_feedback f);

/* ---- negotiate_bundle.c */
struct neg_group_walk {         /* zeroed to start */
	size_t it;
	struct str names;
	unsigned group;         /* 1, 2, ...: that the line is of */
};
/* The lines of the peer's groups, in the order in which they may be the tagged ones. */
bool neg_bundle_next(const struct neg *n, const struct sdp *s, struct neg_group_walk *w, size_t *line);
unsigned neg_bundle_group(const struct neg *n, const struct sdp *s, size_t line);      /* its group; 0: none */
int neg_bundle_offer(struct neg *n);    /* names and places for our next offer; ENOMEM */
void neg_bundle_offered(struct neg *n); /* it is written: what an answer to it may need */
/* Do packets of this stream have to say their name? There are others on its transport. */
bool neg_bundle_names(const struct neg *n, const struct neg_row *r, bool answer);
void neg_write_mid(struct buf *b, const struct neg *n, const struct neg_row *r, bool answer);
/* Addresses and direction, as the peer's m= line has them, or that of its tagged stream. */
void neg_remote_set(struct neg *n, struct neg_row *r, const struct sdp_media *m);

/* ---- negotiate_ext.c */
void neg_ext_take(const struct neg *n, struct neg_row *r, const struct sdp_media *m);
void neg_ext_limit(const struct neg *n, struct neg_row *r, bool answer);       /* to what both legs have */
void neg_ext_offer(const struct neg *n, struct neg_row *r);            /* chooses the numbers of our offer */
void neg_ext_answered(const struct neg *n, struct neg_row *r, const struct sdp_media *m);
void neg_ext_write(struct buf *b, const struct neg_row *r, bool answer);

/* negotiate_secure.c */
/* `t`: the line whose keys count, of its tagged stream. */
bool neg_profile_fits(const struct neg_prm *p, const struct sdp_media *m, const struct sdp_media *t);
/* EPROTO: it cannot be. Sets r->s.secure. */
int neg_secure_take(struct neg *n, struct neg_row *r, const struct sdp_media *m, bool answer, enum neg_verdict *why);
int neg_secure_offer(struct neg *n);    /* make the keys that our offer needs */
enum sdp_proto neg_secure_proto(const struct neg_prm *p);   /* of an m= line of ours for RTP */
void neg_secure_write(struct buf *b, const struct neg *n, struct neg_row *r, bool answer);

#endif
