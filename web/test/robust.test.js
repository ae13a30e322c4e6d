/* What goes wrong outside of a caller's sight: damaged messages, listeners that throw, calls that never leave. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js'), { write } = require('./lib/sipmessage.js');

async function scene(configuration) {
	const s = new Scene('ours');
	await s.start(configuration);
	return s;
}

/* Before its server is there. */
function offline() {
	const s = new Scene('ours');
	s.ua = new s.SIP.UA({ uri: 'sip:alice@example.com', wsServers: 'ws://server.example.com', register: false,
		sessionDescriptionHandlerFactory: s.world.own(() => ({ getDescription: () => Promise.resolve({ body: 'v=0' }),
			hasDescription: () => true, setDescription: () => Promise.resolve(), close() { s.media.push('close'); } })) });
	return s;
}

function endOf(call) {
	const heard = [];
	for (const name of ['cancel', 'failed', 'terminated'])
		call.on(name, (message, cause) => heard.push(cause ? `${name} ${cause}` : name));
	return heard;
}

const errors = (s) => s.world.errors.map((e) => e.message);

test('a 2xx whose To cannot be read sets up the call all the same', async () => {
	const s = await scene();
	await s.callOut();
	const text = write.response(s.invite, 200, { headers: [s.contact], body: 'v=0 theirs' });
	await s.world.give(text.replace(/\r\nTo: [^\r]*/, '\r\nTo: "B" <sip:b^b@example.com>;x="y" z;tag=server'));
	await s.world.next('ACK');
	assert.deepEqual(errors(s), []);
	assert.equal(s.call.dialog.id.remote_tag, 'server');
	assert.equal(String(s.call.dialog.remote_uri), 'sip:b^b@example.com');
	s.call.terminate();
	await s.world.next('BYE');
});

test('a NOTIFY and a MESSAGE whose From cannot be read are told', async () => {
	const s = await scene(), heard = [], FROM = '<sip:b^b@example.com>;tag=server';
	const subscription = s.ua.subscribe('bob@example.com', 'presence', { expires: 3600 });
	subscription.on('notify', ({ request }) => heard.push(request.from_tag));
	s.ua.on('message', (m) => heard.push(`${m.remoteIdentity.uri} ${m.body}`));
	const subscribe = await s.world.next('SUBSCRIBE'), to = '<sip:alice@example.com>';
	await s.world.answer(subscribe, 200, { headers: [s.contact, 'Expires: 3600'] });
	await s.world.ask('NOTIFY', { uri: 'sip:alice@example.com', from: FROM, to: subscribe.get('From'), callId: subscribe.get('Call-ID'), cseq: 1,
		headers: [s.contact, 'Event: presence', 'Subscription-State: active;expires=3600'] });
	await s.world.ask('MESSAGE', { uri: 'sip:alice@example.com', from: FROM, to, callId: 'text', cseq: 1, type: 'text/plain', body: 'hello' });
	assert.deepEqual(errors(s), []);
	assert.deepEqual(heard, ['server', 'sip:b^b@example.com hello']);
});

test('a subscription that was ended gives back what the agent has of it', async () => {
	const s = await scene(), subscription = s.ua.subscribe('bob@example.com', 'presence', { expires: 3600 });
	const subscribe = await s.world.next('SUBSCRIBE');
	const notify = (state, cseq) => s.world.ask('NOTIFY', { uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=server', to: subscribe.get('From'),
		callId: subscribe.get('Call-ID'), cseq, headers: [s.contact, 'Event: presence', `Subscription-State: ${state}`] });
	await s.world.answer(subscribe, 200, { headers: [s.contact, 'Expires: 3600'] });
	await notify('active;expires=3600', 1);
	subscription.unsubscribe();
	await s.world.answer(await s.world.next('SUBSCRIBE'), 200, { headers: [s.contact, 'Expires: 0'] });
	await notify('terminated;reason=timeout', 2);
	await s.world.pass(64000);
	assert.equal(subscription.handle, 0);
	assert.deepEqual([Object.keys(s.ua.subscriptions), Object.keys(s.ua.dialogs), subscription.state], [[], [], 'terminated']);
});

test('a call that waits for a connection can be ended, and does not leave later', async () => {
	const s = offline(), call = s.ua.invite('bob@example.com'), heard = endOf(call);
	call.cancel();
	await s.world.settle();
	assert.deepEqual(heard, ['cancel', 'failed Canceled', 'terminated Canceled']);
	await s.world.open();
	assert.deepEqual([s.world.wire.length, Object.keys(s.ua.sessions), errors(s)], [0, [], []]);
});

test('stop() ends a call that waits for a connection', async () => {
	const s = offline(), heard = endOf(s.ua.invite('bob@example.com'));
	await s.world.settle();
	s.ua.stop();
	await s.world.settle();
	s.ua.start();
	await s.world.open();
	assert.deepEqual(heard, ['cancel', 'failed Canceled', 'terminated Canceled']);
	assert.equal(s.world.wire.filter((m) => m.method === 'INVITE').length, 0);
});

test('a call that cannot be written fails, and gives its media back', async () => {
	const s = await scene(), heard = endOf(s.ua.invite('bob@example.com', { extraHeaders: ['nonsense'] }));
	await s.world.settle();
	assert.deepEqual(heard, ['failed Internal Error', 'terminated Internal Error']);
	assert.deepEqual(s.media.filter((m) => m === 'close'), ['close']);
	assert.deepEqual(s.ua.sessions, s.world.run('({})'));
});

test('whoever waits for the connection and throws keeps no other from it', async () => {
	const s = offline();
	s.ua.message('bob@example.com', 'x', { extraHeaders: ['nonsense'] });
	s.ua.message('bob@example.com', 'second');
	s.ua.on('inviteSent', () => { throw new Error('listener'); });
	s.ua.invite('bob@example.com');
	await s.world.open();
	assert.equal((await s.world.next('MESSAGE')).body, 'second');
	await s.world.next('INVITE');
	assert.equal(errors(s).length, 2);
	assert.equal(s.ua.agent.unsent.length, 0);
});

test('a listener of the transport that throws fails neither what left nor what came', async () => {
	const s = await scene({ traceSip: true, log: { connector(level, category, label, text) { if (/WebSocket text|sending/.test(text)) throw new Error('log'); } } });
	const heard = [];
	s.ua.transport.on('messageSent', () => { throw new Error('sent'); });
	s.ua.transport.on('message', () => { throw new Error('came'); });
	s.ua.message('bob@example.com', 'x').on('failed', () => heard.push('failed')).on('accepted', () => heard.push('accepted'));
	await s.world.answer(await s.world.next('MESSAGE'), 200);
	await s.world.settle();
	assert.deepEqual(heard, ['accepted']);
	assert.deepEqual([...new Set(errors(s))].sort(), ['came', 'log', 'sent']);
});

test('an INFO whose listener throws cannot be answered twice', async () => {
	const s = await scene();
	let info;
	await s.upIn({ onInfo(request) { info = request; throw new Error('listener'); } });
	await s.inside('INFO', { type: 'text/plain', body: 'x' });
	assert.deepEqual(errors(s), ['listener']);
	assert.equal(info.served.incoming, 0);
	info.reply(200);
});

test('a session that is over takes no commands', async () => {
	const s = await scene();
	await s.up();
	const { call } = s;
	call.terminate();
	await s.world.answer(await s.world.next('BYE'), 200);
	assert.throws(() => call.reinvite(), { name: 'INVALID_STATE_ERROR' });
	assert.throws(() => call.sendRequest('INFO'), { name: 'INVALID_STATE_ERROR' });
	assert.equal(s.ua.agent.unsent.length, 0);
});

test('a request that is given up waits for nothing', async () => {
	const s = await scene(), { ua } = s;
	assert.throws(() => ua.message('bob@example.com', 'x', { extraHeaders: ['nonsense'] }));
	assert.equal(ua.agent.unsent.length, 0);
});

test('a call from someone whose name has no quotes rings', async () => {
	const s = await scene();
	await s.world.ask('INVITE', { uri: 'sip:alice@example.com', from: 'Bob Ünï <sip:bob@example.com;alias=>;tag=caller;x=', to: '<sip:alice@example.com>', callId: 'name', cseq: 1,
		headers: [s.contact], body: 'v=0 theirs' });
	assert.equal(s.call.remoteIdentity.displayName, 'Bob Ünï');
});
