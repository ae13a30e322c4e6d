/* Each parameter of SIP.UA does what it says: with another value than the default something else is seen. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js');

const scene = async (configuration) => {
	const s = new Scene('ours');
	await s.start(configuration);
	return s;
};

/* The first REGISTER under this configuration. */
const register = async (configuration) => (await scene(Object.assign({ register: true }, configuration))).world.next('REGISTER');

const invite = async (configuration) => {
	const s = await scene(configuration);
	await s.callOut();
	return s.invite;
};

/* parameter: [what is looked at, the configuration, what is seen then and not without it]. */
const SEEN = {
	uri: [async (c) => (await register(c)).get('To'), { uri: 'sip:carol@example.org' }, '<sip:carol@example.org>'],
	displayName: [async (c) => (await invite(c)).get('From').split(' <')[0], { displayName: 'Ąlice' }, '"Ąlice"'],
	registrarServer: [async (c) => (await register(c)).uri, { registrarServer: 'sip:r.example.org:5070' }, 'sip:r.example.org:5070'],
	registerExpires: [async (c) => /expires=(\d+)/.exec((await register(c)).get('Contact'))[1], { registerExpires: 77 }, '77'],
	instanceId: [async (c) => /uuid:([-0-9a-f]+)/.exec((await register(c)).get('Contact'))[1],
		{ instanceId: '8f1fa16a-1165-4a96-8341-785b1ef24f02' }, '8f1fa16a-1165-4a96-8341-785b1ef24f02'],
	contactName: [async (c) => /sip:([^@]*)/.exec((await register(c)).get('Contact'))[1], { contactName: 'me' }, 'me'],
	contactTransport: [async (c) => /transport=([^;>]*)/.exec((await register(c)).get('Contact'))[1], { contactTransport: 'tls' }, 'tls'],
	hackWssInTransport: [async (c) => /transport=([^;>]*)/.exec((await register(c)).get('Contact'))[1], { hackWssInTransport: true }, 'wss'],
	hackIpInContact: [async (c) => /@([^;>]*)/.exec((await register(c)).get('Contact'))[1], { hackIpInContact: '192.0.2.77' }, '192.0.2.77'],
	hackViaTcp: [async (c) => (await register(c)).get('Via').split(' ')[0], { hackViaTcp: true }, 'SIP/2.0/TCP'],
	forceRport: [async (c) => /;rport/.test((await register(c)).get('Via')), { forceRport: true }, true],
	userAgentString: [async (c) => (await register(c)).get('User-Agent'), { userAgentString: 'Mine 1' }, 'Mine 1'],
	usePreloadedRoute: [async (c) => (await invite(c)).get('Route'), { usePreloadedRoute: true }, '<sip:server.example.com;transport=ws;lr>'],
	extraSupported: [async (c) => /\bjoin\b/.test((await invite(c)).get('Supported')), { extraSupported: ['join'] }, true],
	hackAllowUnregisteredOptionTags: [async (c) => /\bown-tag\b/.test((await invite(Object.assign({ extraSupported: ['own-tag'] }, c))).get('Supported')),
		{ hackAllowUnregisteredOptionTags: true }, true],
	rel100: [async (c) => /100rel/.test((await invite(c)).get('Supported')), { rel100: 'supported' }, true],
	replaces: [async (c) => /replaces/.test((await invite(c)).get('Supported')), { replaces: 'supported' }, true],
};

for (const [name, row] of Object.entries(SEEN)) {
	const [seen, given, expected] = row;
	test(name, async () => {
		assert.notEqual(await seen({}), expected);
		assert.equal(await seen(given), expected);
	});
}

test('register', async () => {
	for (const wanted of [true, false]) {
		const s = await scene({ register: wanted });
		await s.world.pass(500);
		assert.equal(s.world.wire.filter((m) => m.method === 'REGISTER').length, wanted ? 1 : 0);
	}
});

test('register may be changed before the connection is there', async () => {
	const s = new Scene('ours');
	s.ua = new s.SIP.UA({ uri: 'a@example.com', wsServers: 'ws://server.example.com' });
	s.ua.configuration.register = false;
	await s.world.open();
	await s.world.pass(500);
	assert.equal(s.world.wire.length, 0);
});

test('password and authorizationUser', async () => {
	const challenge = { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] };
	const answer = async (configuration) => {
		const s = await scene(Object.assign({ register: true }, configuration));
		await s.world.answer(await s.world.next('REGISTER'), 401, challenge);
		await s.world.pass(100);
		return s.world.wire.length > 1 ? s.world.wire[1].get('Authorization') : null;
	};
	assert.equal(await answer({}), null);
	const one = await answer({ password: 'one' }), two = await answer({ password: 'two' });
	const response = (value) => /response="(\w+)"/.exec(value)[1];
	assert.notEqual(response(one), response(two));
	assert.match(one, /username="alice"/);
	assert.match(await answer({ password: 'one', authorizationUser: 'bob' }), /username="bob"/);
});

test('wsServers, their weights', async () => {
	const first = async (servers) => {
		const s = new Scene('ours');
		s.ua = new s.SIP.UA({ wsServers: servers });
		await s.world.settle();
		return s.world.socket.uri;
	};
	assert.equal(await first('ws://one.example.com'), 'ws://one.example.com');
	assert.equal(await first([{ ws_uri: 'ws://one.example.com' }, { ws_uri: 'ws://two.example.com/p', weight: 3 }]), 'ws://two.example.com/p');
	assert.equal(await first(undefined), 'wss://edge.sip.onsip.com');
});

/* When the sockets are asked for, in seconds, at one server that is lost and does not come back. */
async function tries(configuration, seconds) {
	const s = await scene(configuration), { world } = s, times = [];
	const last = () => world.sockets.length;
	let known = last();
	await world.drop();
	for (let t = 0; t <= seconds * 10; t++) {
		if (last() > known) {
			known = last();
			times.push(t / 10);
			world.socket.end(1006, '');
		}
		await world.pass(100);
	}
	return times;
}

test('wsServerMaxReconnection, wsServerReconnectionTimeout', async () => {
	const usual = await tries({}, 12), fewer = await tries({ wsServerMaxReconnection: 1 }, 12), slower = await tries({ wsServerReconnectionTimeout: 6 }, 13);
	assert.deepEqual(usual.slice(0, 3).map(Math.round), [0, 4, 8]);
	assert.ok(Math.round(fewer[1]) !== 4 || fewer.length !== usual.length, fewer.join());
	assert.deepEqual(slower.slice(0, 3).map(Math.round), [0, 6, 12]);
});

test('connectionRecoveryMinInterval, connectionRecoveryMaxInterval', async () => {
	const gap = async (configuration) => {
		const times = await tries(Object.assign({ wsServerMaxReconnection: 1 }, configuration), 25);
		return Math.round(times[1] - times[0]);
	};
	assert.equal(await gap({ connectionRecoveryMinInterval: 3, connectionRecoveryMaxInterval: 3 }), 3);
	assert.equal(await gap({ connectionRecoveryMinInterval: 7, connectionRecoveryMaxInterval: 7 }), 7);
});

test('keepAliveInterval', async () => {
	const s = await scene({ keepAliveInterval: 10 });
	await s.world.pass(7900);
	assert.equal(s.world.wire.length, 0);
	await s.world.pass(2200);
	assert.deepEqual(s.world.wire.map((m) => m.text), ['\r\n\r\n']);
});

test('noAnswerTimeout', async () => {
	const s = await scene({ noAnswerTimeout: 7 });
	assert.equal(s.ua.configuration.noAnswerTimeout, 7000);
	await s.callIn();
	await s.world.pass(6500);
	assert.ok(!s.world.wire.some((m) => m.status === 408));
	await s.world.pass(1000);
	assert.ok(s.world.wire.some((m) => m.status === 408));
});

test('allowLegacyNotifications, allowOutOfDialogRefers', async () => {
	const outside = { uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=caller', to: '<sip:alice@example.com>', callId: 'x', cseq: 1,
		headers: ['Event: x', 'Subscription-State: active', 'Refer-To: <sip:carol@example.com>', 'Contact: <sip:bob@example.com>'] };
	const status = async (configuration, method) => {
		const s = await scene(configuration);
		s.ua.on('notify', () => {});
		await s.world.ask(method, outside);
		return s.world.wire.find((m) => m.cseqMethod === method).status;
	};
	assert.equal(await status({}, 'NOTIFY'), 481);
	assert.equal(await status({ allowLegacyNotifications: true }, 'NOTIFY'), 200);
	assert.equal(await status({}, 'REFER'), 405);
	assert.equal(await status({ allowOutOfDialogRefers: true }, 'REFER'), 202);
});

test('autostart', async () => {
	const s = new Scene('ours');
	s.ua = new s.SIP.UA({ autostart: false });
	await s.world.settle();
	assert.equal(s.world.sockets.length, 0);
	s.ua.start();
	await s.world.settle();
	assert.equal(s.world.sockets.length, 1);
});

test('autostop', async () => {
	for (const wanted of [true, false]) {
		const s = await scene({ autostop: wanted });
		assert.equal(typeof s.ua.environListener === 'function', wanted);
		if (wanted)
			s.ua.environListener();
		await s.world.pass(100);
		assert.equal(s.ua.isConnected(), !wanted);
	}
});

test('traceSip, log', async () => {
	for (const wanted of [true, false]) {
		const s = new Scene('ours'), lines = [];
		await s.start({ traceSip: wanted, register: true, log: { builtinEnabled: false, connector: (level, category, label, content) => lines.push(content) } });
		await s.world.next('REGISTER');
		assert.equal(lines.some((line) => /REGISTER sip:/.test(line)), wanted);
		assert.ok(lines.length > 3);
	}
	const quiet = [];
	await scene({ log: { level: 0, connector: (level) => quiet.push(level) } });
	assert.deepEqual(quiet, []);
});

test('sessionDescriptionHandlerFactory, sessionDescriptionHandlerFactoryOptions', async () => {
	const s = new Scene('ours'), made = [];
	await s.start({ sessionDescriptionHandlerFactoryOptions: s.world.run('({ a: 1 })'), sessionDescriptionHandlerFactory: s.world.own((session, options) => {
		made.push(options.a);
		return { getDescription: () => Promise.resolve({ body: 'own', contentType: 'text/x' }), hasDescription: () => true, setDescription: () => Promise.resolve(), close() {} };
	}) });
	await s.callOut();
	assert.deepEqual(made, [1]);
	assert.deepEqual([s.invite.body, s.invite.get('Content-Type')], ['own', 'text/x']);
});

test('dtmfType', async () => {
	for (const type of ['info', 'rtp']) {
		const s = await scene({ dtmfType: type }), tones = [];
		await s.up();
		s.call.sessionDescriptionHandler.sendDtmf = (text) => tones.push(text);
		s.call.dtmf('12');
		await s.world.pass(50);
		assert.deepEqual(tones, type === 'rtp' ? ['12'] : []);
		assert.equal(s.world.wire.some((m) => m.method === 'INFO'), type === 'info');
	}
});

test('custom, and what cannot be written afterwards', async () => {
	const s = await scene({ custom: { mine: 7 } }), { configuration } = s.ua;
	assert.equal(configuration.custom.mine, 7);
	assert.throws(() => { configuration.uri = 'x'; }, TypeError);
	configuration.custom = 1;
	configuration.register = true;
	assert.equal(configuration.custom, 1);
});

test('names as they were, and in the place of 0.11', async () => {
	const s = new Scene('ours');
	const ua = new s.SIP.UA(s.world.run("({ ws_servers: 'ws://old.example.com', register_expires: 71, autostart: false })"));
	assert.deepEqual([ua.configuration.wsServers[0].ws_uri, ua.configuration.registerExpires], ['ws://old.example.com', 71]);
	const later = new s.SIP.UA(s.world.run("({ transportOptions: { wsServers: ['wss://new.example.com'], maxReconnectionAttempts: 9 }, autostart: false })"));
	assert.deepEqual([later.configuration.wsServers[0].ws_uri, later.configuration.wsServerMaxReconnection], ['wss://new.example.com', 9]);
});
