/* When a local description may go out: at once when the peer takes candidates later, otherwise as soon
 * as it has a candidate that the peer can use, all of them are there, or the time is up. */
'use strict';

const Timers = require('./timers.js');
const { transportCount } = require('./sdp.js');

function typeOf(candidate) {
	const found = / typ (\S+)/.exec(candidate.candidate || '');
	return candidate.type || (found && found[1]);
}

/* Whether this one is of use to a peer of whom nothing is known but what `wish` says. */
function isUsable(candidate, wish) {
	const type = typeOf(candidate);
	if (wish.relayOnly)
		return type === 'relay';
	return wish.reachable || type === 'srflx' || type === 'prflx' || type === 'relay';
}

class IceWait {
	/* wish: {atOnce, relayOnly, reachable, hasServers, timeout (ms, 0: none)} */
	constructor(pc, wish) {
		this.pc = pc;
		this.wish = wish;
		this.usable = new Set();
		this.promise = new Promise((resolve) => {
			this.resolve = resolve;
		});
		this.done = false;
		if (wish.atOnce || pc.iceGatheringState === 'complete')
			this.finish();
		else if (wish.timeout > 0)
			this.timer = Timers.setTimeout(() => this.finish('timeout'), wish.timeout);
	}

	/* Each candidate as it comes; null or an empty one is the end. */
	take(candidate) {
		if (!candidate || !candidate.candidate)
			return this.finish();
		/* Without servers all there is are the host's own, which are there in no time. */
		if (!this.wish.hasServers && !this.wish.relayOnly)
			return undefined;
		if (isUsable(candidate, this.wish))
			this.usable.add(candidate.sdpMid || candidate.sdpMLineIndex || 0);
		const local = this.pc.localDescription;
		if (this.usable.size >= this.transportsOf(local))
			this.finish();
		return undefined;
	}

	/* The sections whose candidates differ. Once a bundle is agreed on there is one transport. */
	transportsOf(local) {
		if (!local || !local.sdp)
			return 1;
		return /^answer$/.test(local.type) && /^a=group:BUNDLE /m.test(local.sdp) ? 1 : Math.max(1, transportCount(local.sdp));
	}

	finish(how) {
		if (this.done)
			return;
		this.done = true;
		if (this.timer !== undefined)
			Timers.clearTimeout(this.timer);
		this.resolve(how);
	}
}

module.exports = IceWait;
