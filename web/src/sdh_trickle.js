/* Candidates that go to, or come from, a peer after the description: trickle ICE over INFO (RFC 8840).
 * It is used only with a peer that says it can, in Supported and in its description. */
'use strict';

const { writeFragment, readFragment } = require('./sdp.js');

const TYPE = 'application/trickle-ice-sdpfrag';
const TRICKLE_OPTION = /^a=ice-options:(?:.*[ \t])?trickle(?:[ \t]|$)/m;

function supports(message) {
	return message && message.getHeaders &&
		message.getHeaders('supported').some((value) => value.split(',').some((tag) => tag.trim().toLowerCase() === 'trickle-ice'));
}

class Trickle {
	constructor(handler) {
		this.handler = handler;
		this.wish = undefined;		/* true or false: the application knows better */
		this.active = false;
		this.mine = [];			/* not sent yet */
		this.complete = false;
		this.theirs = [];		/* not added yet */
		this.listening = false;
	}

	/* Whether the peer takes candidates later. For a first offer nobody knows: then it does not. */
	peerCan() {
		const { session, peerConnection } = this.handler;
		if (this.wish !== undefined)
			return Boolean(this.wish);
		const remote = peerConnection.remoteDescription;
		return Boolean(remote && TRICKLE_OPTION.test(remote.sdp) && supports(session.request));
	}

	/* A new local description. True when it need not wait for candidates. */
	begin() {
		this.active = this.peerCan();
		this.mine = [];
		this.complete = this.handler.peerConnection.iceGatheringState === 'complete';
		return this.active;
	}

	take(candidate) {
		if (!this.active || !candidate.candidate)
			return;
		this.mine.push({ candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex });
		this.send();
	}

	end() {
		this.complete = true;
		if (this.active)
			this.send();
	}

	/* INFO belongs to a dialog: until there is one the candidates wait. Those of one turn go together. */
	send() {
		const { session } = this.handler;
		if (this.pending)
			return;
		if (!session.dialog) {
			this.waitForDialog(session);
			return;
		}
		this.pending = Promise.resolve().then(() => {
			this.pending = null;
			if (!this.active || (!this.mine.length && !this.complete))
				return;
			const body = writeFragment(this.handler.peerConnection.localDescription.sdp, this.mine.splice(0), this.complete);
			session.sendRequest('INFO', { extraHeaders: ['Info-Package: trickle-ice', 'Content-Disposition: Info-Package'],
				body: { body, contentType: TYPE } });
			if (this.complete)
				this.active = false;
		}).catch((e) => this.handler.logger.warn(`candidates were not sent: ${e.message}`));
	}

	waitForDialog(session) {
		if (this.listening)
			return;
		this.listening = true;
		for (const event of ['dialog', 'accepted', 'confirmed'])
			session.on(event, () => {
				if (this.active && session.dialog && (this.mine.length || this.complete))
					this.send();
			});
	}

	/* The body of an INFO. What comes before the description it belongs to waits for it. */
	receive(body) {
		this.theirs.push(body);
		return this.handler.peerConnection.remoteDescription ? this.remoteSet() : Promise.resolve();
	}

	remoteSet() {
		const { peerConnection: pc, logger } = this.handler, remote = pc.remoteDescription && pc.remoteDescription.sdp;
		const candidates = [].concat(...this.theirs.splice(0).map((body) => readFragment(body, remote)));
		const add = (candidate) => Promise.resolve(pc.addIceCandidate(candidate))
			.catch((e) => logger.warn(`a candidate was not taken: ${e.message}`));
		return Promise.all(candidates.map(add)).then(() => undefined);
	}

	stop() {
		this.active = false;
	}
}

module.exports = Trickle;
