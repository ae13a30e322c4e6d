/* The media handler of a browser: one RTCPeerConnection for one session. What its parts do with text is
 * in sdp.js, when a description may leave in ice_wait.js, the devices in sdh_devices.js. */
'use strict';

const SessionDescriptionHandler = require('./sdh.js');
const Exceptions = require('./exceptions.js');
const IceWait = require('./ice_wait.js');
const Devices = require('./sdh_devices.js');
const Trickle = require('./sdh_trickle.js');
const renew = require('./renew.js');
const { reducePromises } = require('./utils.js');
const { hold, agreedDirection, isReachable } = require('./sdp.js');

const ICE_CHECKING_TIMEOUT = 5000;
const DEFAULT_CONSTRAINTS = { audio: true, video: true };
const DEFAULT_ICE_SERVERS = [{ urls: 'stun:stun.l.google.com:19302' }];
const ICE_EVENTS = { new: '', checking: 'Checking', connected: 'Connected', completed: 'Completed', failed: 'Failed',
	disconnected: 'Disconnected', closed: 'Closed' };

function isSupported() {
	return typeof RTCPeerConnection !== 'undefined';
}

function filled(object) {
	return object && Object.keys(object).length > 0 ? object : undefined;
}

function rtcConfigurationOf(peerConnectionOptions) {
	const given = Object.assign({}, peerConnectionOptions.rtcConfiguration);
	given.iceServers = given.iceServers || DEFAULT_ICE_SERVERS;
	return given;
}

function plain(description) {
	return { type: description.type, sdp: description.sdp };
}

function WebRTCSessionDescriptionHandler(session, options) {
	SessionDescriptionHandler.call(this);
	this.options = options || {};
	this.session = session;
	this.logger = session.ua.getLogger('sip.invitecontext.sessionDescriptionHandler', session.id);
	this.modifiers = [].concat(this.options.modifiers || []);
	this.peerConnection = null;
	/* Those of a call are laid over these: {audio: true} alone does not take the camera away. */
	this.constraints = filled(this.options.constraints) || DEFAULT_CONSTRAINTS;
	this.direction = null;
	this.closed = false;
	const hidden = { devices: new Devices(this), trickle: new Trickle(this), used: null, wait: null, gathering: false, had_way: false };
	for (const name of Object.keys(hidden))
		Object.defineProperty(this, `_${name}`, { value: hidden[name], writable: true });
	if (isSupported())
		this.connect(this.options.peerConnectionOptions);
	else
		this.logger.error('WebRTC is not supported here');
	session.on('reinviteFailed', () => this.rollbackDescription());
	session.emit('SessionDescriptionHandler-created', this);
}
WebRTCSessionDescriptionHandler.prototype = Object.create(SessionDescriptionHandler.prototype, {
	constructor: { value: WebRTCSessionDescriptionHandler, writable: true, configurable: true },
});

WebRTCSessionDescriptionHandler.defaultFactory = (session, options) => new WebRTCSessionDescriptionHandler(session, options);

/* What a session asks for. */
Object.assign(WebRTCSessionDescriptionHandler.prototype, {
	/* options: {constraints, peerConnectionOptions {rtcConfiguration, iceCheckingTimeout, trickle}, RTCOfferOptions} */
	getDescription(options, modifiers) {
		const given = options || {}, list = this.modifiersOf(modifiers);
		return Promise.resolve().then(() => {
			this.connect(filled(given.peerConnectionOptions));
			this.constraints = Object.assign({}, this.constraints, given.constraints);
			return this._devices.acquire(this.constraints);
		}).then(() => this.createDescription(given.RTCOfferOptions, list)).then((description) => {
			this.emit('getDescription', description);
			this.noteDirection();
			return { body: description.sdp, contentType: 'application/sdp' };
		}).catch((e) => {
			this.logger.error(`no description: ${e && e.message || e}`);
			const error = new Exceptions.GetDescriptionError(e && e.message || String(e));
			error.error = e;
			throw error;
		});
	},

	setDescription(body, options, modifiers) {
		const given = options || {};
		return Promise.resolve().then(() => {
			this.connect(filled(given.peerConnectionOptions));
			const type = this.peerConnection.signalingState === 'have-local-offer' ? 'answer' : 'offer';
			return reducePromises(this.modifiersOf(modifiers), { type, sdp: body });
		}).then((description) => {
			this.emit('setDescription', description);
			return this.peerConnection.setRemoteDescription(description);
		}).then(() => {
			this.emit('setRemoteDescription', this.peerConnection.getReceivers());
			this.noteDirection();
			this._trickle.remoteSet();
			this.emit('confirmed', this);
		}).catch((e) => {
			this.logger.error(`the description was not taken: ${e && e.message || e}`);
			this.emit('peerConnection-setRemoteDescriptionFailed', e);
			throw e;
		});
	},

	/* Takes back an offer that was refused, ours or theirs, so that the next one finds the state of before. */
	rollbackDescription() {
		const pc = this.peerConnection, state = pc && pc.signalingState;
		const set = { 'have-local-offer': 'setLocalDescription', 'have-remote-offer': 'setRemoteDescription' }[state];
		if (!set)
			return Promise.resolve();
		return Promise.resolve(pc[set]({ type: 'rollback' })).catch((e) => {
			this.logger.warn(`an offer could not be taken back: ${e && e.message || e}`);
		});
	},

	hasDescription(contentType) {
		return /^\s*application\/sdp\s*(;|$)/i.test(contentType || '');
	},

	holdModifier(description) {
		if (description && description.sdp)
			description.sdp = hold(description.sdp);
		return Promise.resolve(description);
	},

	/* 'sendrecv', 'sendonly', 'recvonly', 'inactive'; null until there is an answer. */
	getDirection() {
		return this.direction;
	},

	/* Telephone events (RFC 4733) in the media. False when the peer or the browser cannot. */
	sendDtmf(tones, options) {
		const { duration, interToneGap } = options || {};
		return this._devices.sendDtmf(String(tones), duration, interToneGap);
	},

	/* Whether an INFO with this body is for the handler: candidates of a trickling peer. */
	hasTrickle(contentType) {
		return /^\s*application\/trickle-ice-sdpfrag\s*(;|$)/i.test(contentType || '');
	},

	addTrickle(body) {
		return this._trickle.receive(body);
	},

	close() {
		if (this.closed)
			return;
		this.closed = true;
		this._trickle.stop();
		if (this._wait)
			this._wait.finish();
		this._devices.close();
		if (this.peerConnection && this.peerConnection.signalingState !== 'closed')
			this.peerConnection.close();
	},
});

/* How it is done. */
const inner = {
	modifiersOf(modifiers) {
		return [].concat(modifiers || [], this.modifiers);
	},

	/* Makes the peer connection; another one when these options differ and nothing was negotiated yet. */
	connect(peerConnectionOptions) {
		if (this.closed)
			throw new Error('the session has ended');
		if (!isSupported())
			throw new Exceptions.NotSupportedError('WebRTC is not supported');
		if (this.peerConnection && (!peerConnectionOptions || JSON.stringify(peerConnectionOptions) === this._used))
			return;
		if (this.peerConnection && (this.peerConnection.remoteDescription || this.peerConnection.localDescription)) {
			this.applyOptions(peerConnectionOptions);
			return;
		}
		const old = this.peerConnection;
		this.applyOptions(peerConnectionOptions);
		this.peerConnection = new RTCPeerConnection(this._configuration);
		this._devices.moveTo(this.peerConnection);
		this.watch(this.peerConnection);
		if (old)
			old.close();
		this.session.emit('peerConnection-created', this.peerConnection);
	},

	applyOptions(peerConnectionOptions) {
		const options = peerConnectionOptions || {};
		this._used = JSON.stringify(options);
		Object.defineProperty(this, '_configuration', { value: rtcConfigurationOf(options), configurable: true });
		const timeout = options.iceCheckingTimeout === undefined ? ICE_CHECKING_TIMEOUT : options.iceCheckingTimeout;
		Object.defineProperty(this, '_timeout', { value: timeout, configurable: true });
		this._trickle.wish = options.trickle;
	},

	watch(pc) {
		const mine = (act) => (event) => {
			if (this.peerConnection === pc)
				act(event);
		};
		pc.addEventListener('track', mine((event) => {
			this.emit('addTrack', event);
			this.session.emit('trackAdded');
		}));
		pc.addEventListener('addstream', mine((event) => this.emit('addStream', event)));
		pc.addEventListener('icecandidate', mine((event) => this.takeCandidate(event)));
		pc.addEventListener('icegatheringstatechange', mine(() => this.takeGatheringState()));
		pc.addEventListener('iceconnectionstatechange', mine(() => {
			const state = pc.iceConnectionState;
			if (Object.prototype.hasOwnProperty.call(ICE_EVENTS, state))
				this.emit(`iceConnection${ICE_EVENTS[state]}`, pc);
			else
				this.logger.warn(`unknown ICE connection state: ${state}`);
			this.noteWay(state);
		}));
	},

	/* One that there was is looked for anew; one that there never was is not. */
	noteWay(state) {
		const had = this._had_way;
		this._had_way = state === 'connected' || state === 'completed' || (had && state !== 'failed');
		if (had && state === 'failed')
			renew.failed(this.session);
	},

	takeGatheringState() {
		const state = this.peerConnection.iceGatheringState;
		if (state === 'gathering')
			this.beginGathering();
		else if (state === 'complete')
			this.endGathering();
	},

	takeCandidate(event) {
		this.emit('iceCandidate', event);
		if (!event.candidate)
			return this.endGathering();
		this.beginGathering();
		this._trickle.take(event.candidate);
		if (this._wait)
			this._wait.take(event.candidate);
		return undefined;
	},

	beginGathering() {
		if (this._gathering)
			return;
		this._gathering = true;
		this.emit('iceGathering', this.peerConnection);
	},

	endGathering() {
		if (this._wait)
			this._wait.finish();
		if (!this._gathering)
			return;
		this._gathering = false;
		this._trickle.end();
		this.tellGathered();
	},

	/* Once for each description: when all is gathered, or when it leaves before. */
	tellGathered() {
		if (this._told)
			return;
		this._told = true;
		this.emit('iceGatheringComplete', this);
	},

	/* An offer, or the answer to the peer's: {type, sdp} with the candidates that were waited for. */
	createDescription(rtcOfferOptions, modifiers) {
		const pc = this.peerConnection;
		const make = pc.signalingState === 'have-remote-offer' ? 'createAnswer' : 'createOffer';
		return Promise.resolve(pc[make](rtcOfferOptions || {})).catch((e) => {
			this.emit(`peerConnection-${make}Failed`, e);
			throw e;
		}).then((description) => reducePromises(modifiers, plain(description))).then((description) => {
			/* Where all candidates are there from before, nothing is gathered. */
			this._told = pc.iceGatheringState === 'complete';
			return Promise.resolve(pc.setLocalDescription(description)).catch((e) => {
				this.emit('peerConnection-SetLocalDescriptionFailed', e);
				throw e;
			});
		}).then(() => this.waitForCandidates(pc)).then(() => reducePromises(modifiers, plain(pc.localDescription)));
	},

	waitForCandidates(pc) {
		const remote = pc.remoteDescription && pc.remoteDescription.sdp;
		const trickles = this._trickle.begin();
		this._wait = new IceWait(pc, {
			atOnce: trickles,
			relayOnly: this._configuration.iceTransportPolicy === 'relay',
			hasServers: this._configuration.iceServers.length > 0,
			reachable: isReachable(remote),
			timeout: this._timeout,
		});
		return this._wait.promise.then((how) => {
			this._wait = null;
			if (this.closed)
				throw new Error('the session has ended');
			if (how === 'timeout')
				this.logger.log(`candidates were not complete after ${this._timeout} ms`);
			if (!trickles)
				this.tellGathered();
		});
	},

	/* After an offer has its answer, either way. */
	noteDirection() {
		const pc = this.peerConnection;
		if (!pc.localDescription || !pc.remoteDescription || (pc.signalingState && pc.signalingState !== 'stable'))
			return;
		const direction = agreedDirection(pc.localDescription.sdp, pc.remoteDescription.sdp);
		if (direction === this.direction)
			return;
		this.direction = direction;
		this.session.emit('directionChanged');
	},
};
inner._told = false;
inner.restartsIce = true;
for (const name of Object.keys(inner))
	Object.defineProperty(WebRTCSessionDescriptionHandler.prototype, name,
		{ value: inner[name], writable: true, configurable: true });

module.exports = WebRTCSessionDescriptionHandler;
