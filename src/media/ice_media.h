/* media/ice_media.h -- ICE of a session's wire, for the core.
 *
 * The use:  media_ice_start() when an SDP of ours will offer or answer ICE; its lines are written of
 *           media_ice_own() and media_ice_local(). media_ice_remote() when the peer's SDP with ICE is
 *           there, beside media_session_set(). From then on the wire sends to, and takes media from,
 *           checked addresses only. media_ice_stop() when the peer's SDP has no ICE: the wire is as any other.
 * Events:   MEDIA_ICE: state or path changed (.ice.state, .peer). ICE_LOST: nothing is sent any more.
 *           MEDIA_ICE_CANDIDATE: a reflexive or relayed one was found; it is in media_ice_local()
 *           then, and may be trickled. MEDIA_ICE_GATHERED: there will be no more.
 * BUNDLE:   the agent is the wire's: any of its sessions will do, and the first hears the events.
 * Threads:  core. The agent itself is the media thread's. Errors: as media.h. */
#ifndef MEDIA_ICE_MEDIA_H
#define MEDIA_ICE_MEDIA_H

#include "media/ice.h"
#include "media/media.h"

struct media_ice_host {
	struct sa addr;                 /* of an interface; the port is not looked at */
	struct sa shown;                /* what the SDP says instead; unset: addr */
	bool no_servers;                /* STUN and TURN are not asked from here */
};

struct media_ice_prm {
	enum ice_role role;
	unsigned components;            /* 1 when RTCP is surely on RTP's port; else 2 */
	const struct media_ice_host *host;      /* the best first */
	size_t nhosts;
	struct sa stun, turn;           /* unset: none */
	enum ice_server turn_kind;      /* how `turn` is reached; ICE_STUN (0): as ICE_TURN */
	struct str turn_user, turn_password;
	bool software;                  /* rtp.conf stun_software_attribute */
};

/* EEXIST: it has an agent. EINVAL: no host that the wire's sockets could serve. ENOMEM, ENOTSUP. */
int media_ice_start(struct media_session *s, const struct media_ice_prm *prm);
bool media_ice_is_on(const struct media_session *s);
const struct ice_own *media_ice_own(const struct media_session *s);  /* NULL: it has none */
size_t media_ice_locals(const struct media_session *s);
const struct ice_candidate *media_ice_local(const struct media_session *s, size_t i);
bool media_ice_gathered(const struct media_session *s);
/* true: media goes over our relay, which receives this component's at *at. */
bool media_ice_relay(const struct media_session *s, unsigned component, struct sa *at);
enum ice_state media_ice_state(const struct media_session *s);
/* The peer's credentials differ from those that were given last: it restarts. */
bool media_ice_is_other(const struct media_session *s, struct str ufrag, struct str pwd);
/* Are checks under way, or done, with who has this ufrag? */
bool media_ice_knows(const struct media_session *s, struct str ufrag);
/* The peer's description with `n` candidates; `mux`: RTCP comes on RTP's port, or
 * has no candidates: there is one component. The views need not outlive the call.
 * EPROTO: other credentials without a restart. EBADMSG, ERANGE: those cannot be. */
int media_ice_remote(struct media_session *s, const struct ice_remote *r, bool mux, const struct candidate *c, size_t n);
/* What trickled in for these credentials. ESTALE: of another generation. */
int media_ice_more(struct media_session *s, struct str ufrag, const struct candidate *c, size_t n, bool done);
int media_ice_restart(struct media_session *s, enum ice_role role);
/* Another has answered the same offer (a fork): our credentials stay, and media_ice_remote() brings its own. */
int media_ice_forget_remote(struct media_session *s);
/* The offer came to nothing: the restart is undone; an agent that has had no peer yet is stopped. */
int media_ice_undo(struct media_session *s);
int media_ice_stop(struct media_session *s);

#endif
