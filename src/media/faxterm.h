/* media/faxterm.h -- a fax machine without its telephone: T.30 over the modems of T.4 (audio), or over T.38
 * (IFPs), by spandsp. It is fed and asked in steps of any length, best of 20 ms, and knows neither sessions
 * nor sockets nor the clock: what it is fed is the time that passes.
 * A page is read or written as a whole, between two others: that step blocks on the disk, and encodes or
 * decodes the page (5 to 20 ms of CPU). Therefore it does not run on a media thread: faxrun.h.
 * Threads: one owner; several terminals may run on several threads. */
#ifndef MEDIA_FAXTERM_H
#define MEDIA_FAXTERM_H

#include "base/str.h"

enum { FAX_RATE = 8000, FAX_SAMPLES = 160 };    /* [Hz]; [samples] of 20 ms */
enum { FAX_PATH_MAX = 255 };                    /* [bytes] of a file's name: spandsp's room */
enum { FAX_V17 = 1, FAX_V27 = 2, FAX_V29 = 4, FAX_V34 = 8 };     /* modems; V.34 is none of spandsp's */

/* What the peer's T.38 wants: its offer or answer, as in T.38 Annex D. */
struct fax_t38 {
	unsigned version;
	unsigned max_ifp;               /* [bytes] that it takes; 0: as many as there are */
	bool fill_bit_removal, mmr, jbig;
	bool local_tcf;                 /* rate management 1: the gateways make the training; else 2: it is passed on */
};

struct faxterm_prm {
	bool send;                      /* and call: CNG; else receive, with CED */
	struct str file;                /* TIFF/F, read or made anew */
	struct str ident;               /* at most 20 characters; a longer one is not sent (T.30 5.3.6.2.5) */
	struct str header;              /* at most 50 characters above each page that is sent; a longer one is not */
	bool ecm;
	unsigned modems;                /* FAX_V17 | ... */
	unsigned maxrate;               /* [bit/s] modems that need more are left out; 0: none is */
	bool debug;                     /* spandsp's own words into the debug log */
	/* T.38: an IFP that leaves, `copies` times. Inside of faxterm_pass(), _ifp() and _t38(). */
	void (*send_ifp)(void *arg, const uint8_t *p, size_t n, unsigned copies);
	void *arg;
};

struct faxterm_stats {
	bool t38, done;
	int code;                       /* spandsp's T30_ERR_..., 0: all is well (so far) */
	bool ecm;
	unsigned rate;                  /* [bit/s] */
	unsigned x, y;                  /* [dots/m] of the last page, as spandsp counts */
	unsigned sent, received;        /* pages */
	unsigned bad_lines, longest_bad_run;
	char local[32], remote[32];     /* station ids, as far as known */
	char header[64];
};

struct faxterm;

/* A terminal for audio. EINVAL: the name of the file is empty or too long; ENOMEM. */
int faxterm_new(struct faxterm **out, const struct faxterm_prm *prm);
void faxterm_free(struct faxterm *f);   /* NULL is taken */
/* From here on by T.38, from the beginning: what was under way in audio is forgotten. ENOMEM: still in audio. */
int faxterm_t38(struct faxterm *f, const struct fax_t38 *t);
/* Audio: what was heard (it may be changed), and what to say, always `n` samples. */
void faxterm_hear(struct faxterm *f, int16_t *pcm, size_t n);
/* Sound that was lost on its way: the modems go on in time, as if they had heard it. */
void faxterm_miss(struct faxterm *f, size_t n);
void faxterm_say(struct faxterm *f, int16_t *pcm, size_t n);
/* T.38: an IFP that came, with its number; `samples` of 1/8000 s have passed. */
void faxterm_ifp(struct faxterm *f, const uint8_t *p, size_t n, uint16_t seq);
void faxterm_pass(struct faxterm *f, unsigned samples);
/* The call is over. The result is known afterwards. */
void faxterm_end(struct faxterm *f);
/* There is a result; nothing changes any more. */
bool faxterm_done(const struct faxterm *f);
void faxterm_stats(const struct faxterm *f, struct faxterm_stats *out);
/* What spandsp and libtiff print goes into the log from now on: once, before any thread has a fax. */
void faxterm_prepare(void);
const char *faxterm_version(void);   /* spandsp's */
/* spandsp's sentence for .code. */
const char *faxterm_reason(int code);
/* For `fax show stats`: which kind of end a code is. */
enum fax_end {
	FAX_END_SUCCESS, FAX_END_DROPPED, FAX_END_NO_FAX, FAX_END_REFUSED, FAX_END_UNTRAINED, FAX_END_RETRIES, FAX_END_PROTOCOL,
	FAX_END_TX_PROTOCOL, FAX_END_RX_PROTOCOL, FAX_END_FILE, FAX_END_MEMORY, FAX_END_UNKNOWN, FAX_ENDS
};
enum fax_end faxterm_end_of(int code);

#endif
