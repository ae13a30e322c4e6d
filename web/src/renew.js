/* Calls outlive a change of the network. Media that has lost its way finds another one by an offer with an ICE restart,
 * as soon as there is a connection that carries the offer. Handlers of the application's own are left alone. */
'use strict';
const SIP = require('./sip.js');

const LOST = ['disconnected', 'failed'];

const pcOf = (session) => {
	const { sessionDescriptionHandler: handler } = session;
	return handler && handler.restartsIce ? handler.peerConnection : null;
};

function renew(session) {
	const { ua, sessionDescriptionHandler: handler, sessionDescriptionHandlerOptions: said } = session;
	if (!session.way_lost || session.status !== SIP.Session.C.STATUS_CONFIRMED || session.pendingReinvite || !ua.isConnected())
		return;
	session.way_lost = false;
	try {
		session.sendReinvite({
			sessionDescriptionHandlerOptions: { RTCOfferOptions: Object.assign({}, said && said.RTCOfferOptions, { iceRestart: true }) },
			modifiers: (session.modifiers || []).concat(session.local_hold ? [handler.holdModifier] : []),
		});
	} catch (e) {
		/* Theirs is under way: after it. */
		session.way_lost = true;
	}
}

const all = (ua) => Object.values(ua.sessions);

/* Another network, or the same one again: all media is looked for anew when there is a connection. */
function networkChanged(ua) {
	for (const session of all(ua))
		session.way_lost = Boolean(pcOf(session));
}

/* There is one; it may be new because the network is, though nobody said so. */
function connected(ua) {
	for (const session of all(ua)) {
		const pc = pcOf(session);
		session.way_lost = session.way_lost || Boolean(pc && LOST.includes(pc.iceConnectionState));
		renew(session);
	}
}

/* Their answer, or ours, is there; `broken`: the connection went before it came. */
function settled(session, broken) {
	session.way_lost = session.way_lost || Boolean(broken && pcOf(session));
	renew(session);
}

/* The handler gives up with what it has. */
function failed(session) {
	session.way_lost = true;
	renew(session);
}

module.exports = { networkChanged, connected, settled, failed };
