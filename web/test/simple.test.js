/* SIP.WebRTC.Simple, over a UA that the test plays. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const SIP = require('../src/index.js');
const { fakeBrowser, FakeStream, FakeTrack } = require('./fakes.js');

const { Simple } = SIP.WebRTC, { C } = Simple;

/* An element of a page: audio or video. */
function element() {
	return { played: 0, paused: 0, play() { this.played++; return Promise.reject(new Error('not yet')); },
		pause() { this.paused++; } };
}

class FakeSession extends SIP.EventEmitter {
	constructor() {
		super();
		this.calls = [];
		this.local_hold = false;
		const senders = [{ track: new FakeTrack('audio') }, { track: new FakeTrack('video') }, { track: null }];
		this.sessionDescriptionHandler = new SIP.EventEmitter();
		this.sessionDescriptionHandler.peerConnection = { getSenders: () => senders,
			getReceivers: () => [{ track: new FakeTrack('audio') }] };
		for (const name of ['accept', 'reject', 'bye', 'cancel', 'hold', 'unhold', 'dtmf', 'terminate'])
			this[name] = (...args) => { this.calls.push([name, ...args]); return name; };
	}

	get tracks() {
		return this.sessionDescriptionHandler.peerConnection.getSenders().map((s) => s.track).filter(Boolean);
	}
}

/* Simple with a UA of the test's in the place of SIP.UA. */
function setup(t, { media, ua, browser } = {}) {
	const devices = fakeBrowser(browser), { UA } = SIP;
	const made = [], warnings = [];
	SIP.UA = function (configuration) {
		const fake = new SIP.EventEmitter();
		Object.assign(fake, { configuration, registered: true, calls: [], isRegistered: () => fake.registered });
		fake.getLogger = () => ({ log() {}, warn: (w) => warnings.push(w) });
		fake.invite = (...args) => { fake.calls.push(['invite', ...args]); fake.session = new FakeSession(); return fake.session; };
		fake.message = (...args) => fake.calls.push(['message', ...args]);
		made.push(fake);
		return fake;
	};
	t.after(() => {
		SIP.UA = UA;
		devices.restore();
	});
	const elements = { remote: { audio: element() } };
	const simple = new Simple({ media: media || elements, ua: ua || { uri: 'sip:me@h', wsServers: 'wss://h', other: 1 } });
	const told = [];
	for (const name of ['registered', 'unregistered', 'new', 'ringing', 'connecting', 'connected', 'ended', 'hold', 'unhold',
		'mute', 'unmute', 'dtmf', 'message'])
		simple.on(name, (arg) => told.push([name, arg]));
	return { simple, fake: made[0], told, warnings, elements, names: () => told.map(([name]) => name) };
}

test('it needs an element to play in', () => {
	for (const remote of [{}, { audio: null }])
		assert.throws(() => new Simple({ media: { remote }, ua: {} }),
			{ message: 'At least one remote audio or video element is required for Simple.' });
});

test('its user agent has the options that are its business', (t) => {
	const { fake, simple } = setup(t);

	assert.deepEqual(fake.configuration, { uri: 'sip:me@h', wsServers: 'wss://h', authorizationUser: undefined, password: undefined,
		displayName: undefined, traceSip: undefined, userAgentString: undefined,
		register: true, sessionDescriptionHandlerFactoryOptions: {} });
	assert.deepEqual([simple.ua, simple.state, C], [fake, 0, { STATUS_NULL: 0, STATUS_NEW: 1, STATUS_CONNECTING: 2,
		STATUS_CONNECTED: 3, STATUS_COMPLETED: 4 }]);
	const safari = setup(t, { browser: { userAgent: 'Mozilla/5.0 (Macintosh) Version/17 Safari/605' } });
	assert.deepEqual(safari.fake.configuration.sessionDescriptionHandlerFactoryOptions,
		{ modifiers: [SIP.WebRTC.Modifiers.stripG722] });
});

test('registration is passed on', (t) => {
	const { fake, told } = setup(t);

	for (const name of ['registered', 'unregistered', 'registrationFailed'])
		fake.emit(name);
	fake.emit('message', 'm');
	assert.deepEqual(told, [['registered', fake], ['unregistered', fake], ['unregistered', fake], ['message', 'm']]);
});

test('a call that is made', (t) => {
	const { simple, fake, elements, names, told } = setup(t);
	const session = simple.call('bob');

	assert.equal(session, fake.session);
	assert.deepEqual(fake.calls[0], ['invite', 'bob', { sessionDescriptionHandlerOptions: { constraints: { audio: true,
		video: false } } }]);
	assert.equal(elements.remote.audio.autoplay, true);
	assert.equal(simple.state, C.STATUS_NEW);
	session.emit('progress');
	assert.equal(simple.state, C.STATUS_CONNECTING);
	session.emit('progress');
	session.emit('accepted');
	assert.equal(simple.state, C.STATUS_CONNECTED);
	assert.ok(elements.remote.audio.srcObject instanceof FakeStream);
	assert.equal(elements.remote.audio.played, 1);
	session.sessionDescriptionHandler.emit('addTrack');
	assert.equal(elements.remote.audio.played, 2);
	assert.equal(simple.sendDTMF('5'), undefined);
	session.emit('dtmf', 'digit');
	assert.equal(simple.hangup(), 'bye');
	for (const name of ['bye', 'terminated'])
		session.emit(name);
	assert.deepEqual(names(), ['new', 'connecting', 'connecting', 'connected', 'dtmf', 'ended']);
	assert.equal(told[4][1], 'digit');
	assert.deepEqual(session.calls.map(([n, arg]) => [n, arg]), [['dtmf', '5'], ['bye', undefined]]);
	assert.equal(elements.remote.audio.srcObject, null);
	assert.equal(elements.remote.audio.paused, 1);
	assert.equal(simple.state, C.STATUS_COMPLETED);
	assert.ok(simple.call('again'));
});

test('a call that comes', (t) => {
	const { simple, fake, names, warnings } = setup(t);
	const session = new FakeSession(), second = new FakeSession();

	fake.emit('invite', session);
	fake.emit('invite', second);
	assert.deepEqual(second.calls, [['reject']]);
	assert.match(warnings[0], /only supports 1 call/);
	assert.equal(simple.answer(), 'accept');
	assert.deepEqual(session.calls[0][1], { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } });
	session.emit('accepted');
	assert.equal(simple.answer(), undefined);
	assert.equal(simple.reject(), undefined);
	assert.deepEqual(names(), ['new', 'ringing', 'connected']);
});

test('a call that is refused or taken back ends once', (t) => {
	const { simple, fake, names } = setup(t);
	const incoming = new FakeSession();

	fake.emit('invite', incoming);
	assert.equal(simple.reject(), 'reject');
	for (const name of ['rejected', 'failed', 'terminated'])
		incoming.emit(name);
	assert.deepEqual(names(), ['new', 'ringing', 'ended']);
	const outgoing = simple.call('bob');
	assert.equal(simple.hangup(), 'cancel');
	/* What the one before still tells is not about this one. */
	incoming.emit('terminated');
	assert.equal(simple.state, C.STATUS_NEW);
	outgoing.emit('failed');
	const third = new FakeSession();
	delete third.cancel;
	fake.emit('invite', third);
	assert.equal(simple.hangup(), 'terminate');
});

test('hold also mutes, and is told when the other side agreed', (t) => {
	const { simple, names, warnings } = setup(t);
	const session = simple.call('bob');

	session.emit('accepted');
	assert.equal(simple.hold(), 'hold');
	assert.ok(session.tracks.every((track) => track.enabled === false));
	session.local_hold = true;
	session.emit('reinviteAccepted', session);
	session.emit('reinviteAccepted', session);
	assert.equal(simple.hold(), undefined);
	assert.equal(simple.unhold(), 'unhold');
	assert.ok(session.tracks.every((track) => track.enabled === true));
	session.emit('reinviteFailed', session);
	session.emit('reinviteAccepted', session);
	assert.equal(simple.unhold(), 'unhold');
	session.local_hold = false;
	session.emit('reinviteAccepted', session);
	assert.equal(simple.unhold(), undefined);
	assert.deepEqual(names().filter((n) => !/new|connected/.test(n)), ['mute', 'hold', 'unmute', 'unmute', 'unhold']);
	assert.deepEqual(warnings, ['Cannot put call on hold', 'Cannot unhold a call that is not on hold']);
});

test('out of state nothing is done, and a warning says why', (t) => {
	const { simple, fake, warnings } = setup(t);

	for (const [method, ...args] of [['answer'], ['reject'], ['hangup'], ['hold'], ['unhold'], ['mute'], ['unmute'], ['sendDTMF',
		'1'], ['message', 'bob'], ['message', '', 'text']])
		assert.equal(simple[method](...args), undefined);
	assert.equal(warnings.length, 10);
	fake.registered = false;
	for (const [method, ...args] of [['call', 'bob'], ['message', 'bob', 'text']])
		assert.equal(simple[method](...args), undefined);
	assert.deepEqual(fake.calls, []);
	fake.registered = true;
	simple.message('bob', 'text');
	simple.call('bob');
	assert.equal(simple.call('carol'), undefined);
	assert.deepEqual(fake.calls.map(([n, who]) => [n, who]), [['message', 'bob'], ['invite', 'bob']]);
	/* Without a uri it is anonymous, and does not register. */
	const anonymous = setup(t, { ua: { wsServers: 'wss://h' } });
	anonymous.fake.registered = false;
	assert.ok(anonymous.simple.call('bob'));
});

test('with video, both pictures are shown, and our own is not heard', (t) => {
	const media = { remote: { video: element(), audio: element() }, local: { video: element() } };
	const { simple } = setup(t, { media });
	const session = simple.call('bob');

	session.emit('accepted');
	assert.equal(media.remote.video.played, 1);
	assert.equal(media.remote.audio.played, 0);
	assert.equal(media.local.video.played, 1);
	assert.equal(media.local.video.volume, 0);
	assert.deepEqual(media.local.video.srcObject.getTracks().map((track) => track.kind), ['video']);
	session.emit('terminated');
	assert.deepEqual([media.remote.video, media.remote.audio, media.local.video].map((e) => e.srcObject), [null, null, null]);
});
