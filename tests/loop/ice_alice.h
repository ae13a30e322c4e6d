/* tests/loop/ice_alice.h -- alice with an ICE agent on a socket of hers, and the rtp.conf of the server that
 * she calls. One of each a program. */
#ifndef TESTS_LOOP_ICE_ALICE_H
#define TESTS_LOOP_ICE_ALICE_H

#include "alice.h"
#include "service/call/session.h"
#include "service/common/ice.h"

struct ice_peer {
	int fd;
	struct sa at;
	struct ice *ice;
	struct stun_hash hash;
	enum ice_state state;
	unsigned data;
};
extern struct ice_peer peer;
extern char sdp_text[2048];

int ice_setup(void **state);
int ice_teardown(void **state);
void pass_with_peer(unsigned ms);
const char *her_sdp(const char *ufrag, const char *pwd, const char *candidate);
const char *agents_sdp(void);            /* with her agent's credentials and address */
struct media_session *media(void);       /* of the only channel */
void rtp_conf(const char *text);         /* is in force from now on */
struct str answered(void);               /* the SDP of the 200 */
void describe_to_peer(struct str body);  /* the server's lines, into her agent */

#endif
