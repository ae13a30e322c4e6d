/* What tests put in the place of an agent and a browser. */
'use strict';
const { EventEmitter, URI, Timers } = require('../src/index.js');

/* A UA as far as messages need one. What is logged is in `lines`. */
function fakeUA(configuration, contact) {
	const lines = [];
	const logger = {};
	for (const level of ['log', 'warn', 'error', 'debug'])
		logger[level] = (text) => lines.push(`${level}: ${text}`);
	return {
		lines,
		getLogger: () => logger,
		configuration: Object.assign({ userAgentString: 'tests', viaHost: 'host.invalid', uri: URI.parse('sip:me@Home.example'),
			rel100: 'none',
			replaces: 'none', displayName: '', extraSupported: [], sipjsId: 'abcde', usePreloadedRoute: false }, configuration),
		contact: Object.assign({ pub_gruu: null, temp_gruu: null }, contact),
		transactions: { ist: {}, nist: {}, ict: {}, nict: {} },
		transport: null,
	};
}

/* A session as far as a media handler needs one. `told`: [name, ...arguments] of each event. */
function fakeSession(ua = fakeUA()) {
	const session = new EventEmitter();
	Object.assign(session, { ua, id: 'session', told: [], sent: [] });
	session.emit = function (name, ...args) {
		this.told.push([name, ...args]);
		return EventEmitter.prototype.emit.call(this, name, ...args);
	};
	session.sendRequest = (method, options) => session.sent.push([method, options]);
	return session;
}

class FakeTrack {
	constructor(kind) {
		this.kind = kind;
		this.enabled = true;
		this.stopped = 0;
	}

	stop() {
		this.stopped++;
	}
}

class FakeStream {
	constructor(kinds = []) {
		this.tracks = kinds.map((kind) => new FakeTrack(kind));
	}

	addTrack(track) {
		this.tracks.push(track);
	}

	getTracks() {
		return this.tracks;
	}
}

const OFFER = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0 101', 'c=IN IP4 0.0.0.0',
	'a=ice-ufrag:uf', 'a=ice-pwd:pw',
	'a=mid:0', 'a=sendrecv', 'a=rtpmap:101 telephone-event/8000', ''].join('\r\n');

/* An RTCPeerConnection whose test says when candidates come: candidate(text), complete(). */
class FakePeerConnection {
	constructor(configuration) {
		Object.assign(this, { configuration, signalingState: 'stable', iceGatheringState: 'new', iceConnectionState: 'new',
			localDescription: null,
			remoteDescription: null, listeners: {}, senders: [], receivers: [], added: [], calls: [], fails: {} });
		FakePeerConnection.made.push(this);
	}

	addEventListener(type, listener) {
		(this.listeners[type] = this.listeners[type] || []).push(listener);
	}

	fire(type, event = {}) {
		for (const listener of this.listeners[type] || [])
			listener(event);
	}

	step(name, ...args) {
		this.calls.push([name, ...args]);
		return this.fails[name] ? Promise.reject(this.fails[name]) : Promise.resolve();
	}

	createOffer(options) {
		return this.step('createOffer', options).then(() => ({ type: 'offer', sdp: OFFER }));
	}

	createAnswer(options) {
		return this.step('createAnswer', options).then(() => ({ type: 'answer', sdp: OFFER }));
	}

	setLocalDescription(description) {
		return this.step('setLocalDescription', description).then(() => {
			if (description.type === 'rollback') {
				this.signalingState = 'stable';
				return;
			}
			this.localDescription = description;
			this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
			if (this.iceGatheringState === 'new') {
				this.iceGatheringState = 'gathering';
				this.fire('icegatheringstatechange');
			}
		});
	}

	setRemoteDescription(description) {
		return this.step('setRemoteDescription', description).then(() => {
			this.remoteDescription = description;
			this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
		});
	}

	candidate(text, sdpMid = '0') {
		const candidate = { candidate: text, sdpMid, sdpMLineIndex: Number(sdpMid) };
		this.localDescription = { type: this.localDescription.type, sdp: `${this.localDescription.sdp}a=${text}\r\n` };
		this.fire('icecandidate', { candidate });
	}

	complete() {
		this.iceGatheringState = 'complete';
		this.fire('icegatheringstatechange');
		this.fire('icecandidate', { candidate: null });
	}

	addIceCandidate(candidate) {
		this.added.push(candidate);
		return Promise.resolve();
	}

	addTrack(track, stream) {
		const sender = { track, stream, dtmf: track.kind === 'audio' ? { canInsertDTMF: true, sent: [],
			insertDTMF(...args) { this.sent.push(args); } } : null };
		sender.replaceTrack = (other) => {
			sender.track = other;
			return Promise.resolve();
		};
		this.senders.push(sender);
		return sender;
	}

	removeTrack(sender) {
		sender.track = null;
	}

	getSenders() {
		return this.senders;
	}

	getReceivers() {
		return this.receivers;
	}

	close() {
		this.calls.push(['close']);
		this.signalingState = 'closed';
	}
}
FakePeerConnection.made = [];

const originals = {};

/* A clock in the place of SIP.Timers': tick(ms) lets time pass. */
function fakeClock() {
	const { setTimeout: set, clearTimeout: clear } = Timers;
	let now = 0, ids = 0, due = [];
	Timers.setTimeout = (fn, ms) => {
		due.push({ id: ++ids, at: now + ms, fn });
		return ids;
	};
	Timers.clearTimeout = (id) => { due = due.filter((d) => d.id !== id); };
	return {
		tick(ms) {
			now += ms;
			for (const d of due.filter(({ at }) => at <= now)) {
				Timers.clearTimeout(d.id);
				d.fn();
			}
		},
		waiting: () => due.length,
		restore: () => Object.assign(Timers, { setTimeout: set, clearTimeout: clear }),
	};
}

/* Puts a browser's globals in place, until the function that it gives is called. `devices`: what
 * getUserMedia does. */
function fakeBrowser({ userAgent = 'Chrome', devices } = {}) {
	const asked = [], streams = [];
	const getUserMedia = devices || ((constraints) => {
		const stream = new FakeStream(['audio', 'video'].filter((kind) => constraints[kind]));
		asked.push(constraints);
		streams.push(stream);
		return Promise.resolve(stream);
	});
	const values = { RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream, navigator: { userAgent,
		mediaDevices: { getUserMedia } } };
	for (const name of Object.keys(values)) {
		if (!(name in originals))
			originals[name] = Object.getOwnPropertyDescriptor(globalThis, name);
		Object.defineProperty(globalThis, name, { value: values[name], configurable: true, writable: true });
	}
	FakePeerConnection.made = [];
	return { asked, streams, restore() {
		for (const name of Object.keys(values))
			if (originals[name])
				Object.defineProperty(globalThis, name, originals[name]);
			else
				delete globalThis[name];
	} };
}

/* Lets promises that are kept already run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

module.exports = { fakeUA, fakeSession, fakeBrowser, fakeClock, FakePeerConnection, FakeStream, FakeTrack, OFFER, turn };
