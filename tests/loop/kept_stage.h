/* tests/loop/kept_stage.h -- a service whose subscriptions are on a disk that survives it, and a phone that
 * subscribes to 100 and 101 (custom states one and two), 102 (alice), the list rooms, the mailbox of alice. */
#ifndef TESTS_KEPT_STAGE_H
#define TESTS_KEPT_STAGE_H

#include "svc_wire.h"
#include "pbx/devstate.h"
#include "service/event/subscription.h"

#define PHONE "192.0.2.1:5070"
#define TRANSPORTS WIRE_UDP "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:5060\n" \
	"[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1\n"
#define ALICE "[alice]\ntype=endpoint\naors=alice\ncontext=default\nallow=!all,ulaw\n" \
	"[alice]\ntype=aor\nmax_contacts=2\nmailboxes=box1\n"

extern const char kept_conf[];
extern struct wire t;
extern unsigned call;                   /* Call-ID of the subscription is "sN" */

int kept_setup(void **state);
int kept_teardown(void **state);
/* kill -9, and a new process with the same file. `sql` is done to it meanwhile. */
void restart_with(const char *pjsip, const char *sql);
void restart(void);
/* The newest that was sent; NULL: none. */
struct sip_msg *kept(enum sip_method m, bool request);
void another(void);                     /* the next SUBSCRIBE begins one */

struct how {
	const char *user;
	enum net_proto proto;
	uint64_t conn;
	const char *contact;
};
extern const struct how udp;

void send_by(const struct how *h, const char *to, const char *headers);
unsigned answered(void);                /* 0: not yet */
/* The status, once it is on disk. */
unsigned subscribe_by(const struct how *h, const char *to, const char *headers);
unsigned subscribe(const char *to, const char *headers);
/* The newest NOTIFY; it is answered, and its body holds `what`. Gives its CSeq. */
uint32_t notified(unsigned status, const char *state, const char *what);
unsigned version_of(const char *after);     /* the number in the newest NOTIFY's body behind that */
size_t subscriptions(void);
void set_state(const char *device, enum device_state s);

#endif
