/* tests/loop/alice.h -- a phone that calls a service without sockets, and whoever is
 * called in turn: what they say is written here, what they hear is looked up in the
 * wire. One of each a program. */
#ifndef TESTS_LOOP_ALICE_H
#define TESTS_LOOP_ALICE_H

#include "svc_wire.h"

#define ALICE "127.0.0.1:5061"
#define SDP_HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define SDP_ULAW SDP_HEAD "m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define SDP_VIDEO SDP_ULAW "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
/* Ports of those whom she calls. */
#define BOB 5062
#define CARL 5063
/* Their sections of pjsip.conf, by a template [phone]. */
#define ALICE_LINE "[alice](phone)\naors=alice\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n"
#define BOB_LINE "[bob](phone)\naors=bob\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

extern struct wire t;
extern char tag[64];            /* the service's, of alice's dialog */
extern unsigned call_number;    /* alice's calls differ in Call-ID and branch by it */
extern const char *from_uri, *from_header;      /* parameters of her From */

void alice_begins(void);         /* a test: nothing was before */
/* Its end: all calls are hung up, nobody answers that, and `ms` pass: 40000 for the timers of
 * transactions that nobody ends. wire_close() is the test's. */
void alice_ends(uint64_t ms);
/* A request of hers. `more`: whole header lines. `body`: SDP. */
void alice(const char *method, const char *exten, unsigned cseq, const char *more, const char *body);
/* The newest message kept that is a response to `m` (NULL: none) ... */
struct sip_msg *response(enum sip_method m);
/* ... or a request to that port: its place in the wire; SIZE_MAX: none. */
size_t request(enum sip_method m, uint16_t port);
struct sip_msg *requested(enum sip_method m, uint16_t port);     /* the same, which must be there */
unsigned status(enum sip_method m);
unsigned count(enum sip_method m, unsigned code);
void learn_tag(void);
void alice_calls(const char *exten);
void alice_talks(const char *exten);     /* ... and is answered, and says ACK */
/* The same over a phone at `port`, who answers with the same `sdp`. */
void alice_talks_to(const char *exten, uint16_t port, const char *sdp);
/* Whatever was before is over: her next request begins another call. */
void alice_starts_anew(void);
/* The called side answers the newest request of `m` to `port`. */
void answer(enum sip_method m, uint16_t port, unsigned code, const char *headers, const char *body);
/* The same, with another To tag. */
void fork_answer(const char *fork, enum sip_method m, uint16_t port, unsigned code, const char *headers, const char *body);
size_t channels(void);
struct channel *channel_at(size_t n);    /* in the order in which they came */
struct channel *only_channel(void);      /* there is no other */
/* A variable of the whole dialplan; the next call's buffer. */
const char *global(const char *name);
void set_global(const char *name, const char *value);
bool has(struct str text, const char *what);

#endif
