/* What ours does beyond SIP.js, or where there is nothing to compare with. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js');

const scene = async (configuration) => {
	const s = new Scene('ours');
	await s.start(configuration);
	return s;
};

test('an authentication of the application answers challenges', async () => {
	const s = new Scene('ours'), seen = [];
	const factory = s.world.own(() => ({
		authenticate(request, challenge) {
			seen.push(`${request.method} ${request.ruri} ${challenge.realm}`);
			return challenge.realm === 'ours';
		},
		toString: () => 'Token abc',
	}));
	await s.start({ register: true, authenticationFactory: factory });
	const challenge = (realm) => ({ headers: [`WWW-Authenticate: Digest realm="${realm}", nonce="n"`] });
	await s.world.answer(await s.world.next('REGISTER'), 401, challenge('ours'));
	const again = await s.world.next('REGISTER');
	assert.equal(again.get('Authorization'), 'Token abc');
	await s.registered(again);
	assert.deepEqual(seen, ['REGISTER sip:example.com ours']);
});

test('its initialize() is waited for before the first REGISTER', async () => {
	const s = new Scene('ours'), factory = s.world.own(() => ({}));
	let ready;
	factory.initialize = () => new Promise((resolve) => { ready = resolve; });
	await s.start({ register: true, authenticationFactory: factory });
	await s.world.pass(1000);
	assert.equal(s.world.wire.length, 0);
	ready();
	await s.world.next('REGISTER');
});

for (const algorithm of ['MD5', 'SHA-256', 'SHA-512-256'])
	test(`digest with ${algorithm}: the agent's and SIP.DigestAuthentication's answer are one`, async () => {
		const s = await scene({ password: 'secret' });
		s.ua.message('bob@example.com', 'x');
		await s.world.answer(await s.world.next('MESSAGE'), 401, { headers: [`WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=${algorithm}`] });
		const value = (await s.world.next('MESSAGE')).get('Authorization'), field = (name) => new RegExp(`\\b${name}="?([^",]+)`).exec(value)[1];
		const own = new s.SIP.DigestAuthentication(s.ua);
		assert.ok(own.authenticate({ method: 'MESSAGE', ruri: 'sip:bob@example.com' }, { realm: 'r', nonce: 'n', qop: ['auth'], algorithm }));
		own.cnonce = field('cnonce');
		own.calculateResponse();
		assert.equal(own.response, field('response'));
		assert.ok(String(own).includes(`response="${own.response}"`));
	});

test('a listener that throws ends nothing but itself', async () => {
	const s = await scene({ register: true });
	s.ua.on('registered', () => { throw new Error('listener'); });
	await s.registered(await s.world.next('REGISTER'));
	assert.deepEqual(s.world.errors.map((e) => e.message), ['listener']);
	assert.ok(s.ua.isRegistered());
	await s.up();
	assert.equal(s.call.status, s.SIP.Session.C.STATUS_CONFIRMED);
});

test('a factory that throws ends its own call alone', async () => {
	const s = new Scene('ours');
	let broken = true;
	await s.start();
	const works = s.ua.configuration.sessionDescriptionHandlerFactory;
	const first = s.ua.invite('bob@example.com');
	first.sessionDescriptionHandlerFactory = () => { throw new Error('factory'); };
	const over = [];
	first.on('terminated', (message, cause) => over.push(cause));
	await s.world.pass(100);
	assert.deepEqual(over, ['WebRTC Error']);
	broken = false;
	assert.ok(works && !broken);
	await s.up();
	assert.equal(s.call.status, s.SIP.Session.C.STATUS_CONFIRMED);
});

test('hold is put back when the other side refuses it', async () => {
	const s = await scene();
	await s.up();
	s.call.hold();
	assert.equal(s.call.local_hold, true);
	await s.world.answer(await s.world.next('INVITE'), 488);
	assert.equal(s.call.local_hold, false);
});

test('the connection is made anew when the page is online again', async () => {
	const s = await scene();
	assert.equal(s.world.sockets.length, 1);
	s.ua.onlineListener();
	await s.world.pass(10);
	assert.equal(s.world.sockets.length, 2);
	await s.world.open();
	assert.ok(s.ua.isConnected());
});

test('a call that is up finds its media anew after a change of the network', async () => {
	const s = await scene(), asked = [];
	await s.up();
	const handler = s.call.sessionDescriptionHandler, { getDescription } = handler;
	Object.assign(handler, { restartsIce: true, peerConnection: { iceConnectionState: 'connected' },
		getDescription(options, modifiers) { asked.push(options); return getDescription.call(handler, options, modifiers); } });
	s.ua.onlineListener();
	await s.world.pass(10);
	assert.deepEqual(asked, []);
	await s.world.open();
	assert.equal((await s.world.next('INVITE')).get('CSeq').split(' ')[1], 'INVITE');
	assert.deepEqual(asked.map((o) => o.RTCOfferOptions), [{ iceRestart: true }]);
});

test('a timer that fires early moves the agent\'s clock', async () => {
	const s = await scene({ register: true, registerExpires: 60 });
	await s.registered(await s.world.next('REGISTER'), 60);
	/* A test's clock, as of jasmine, turns timers and leaves performance.now() where it is. */
	const { clock } = s.world, now = clock.now;
	for (let t; (t = clock.due(now + 57500));) {
		clock.clear(t.id);
		t.fn();
		await s.world.settle();
	}
	await s.world.next('REGISTER');
});
