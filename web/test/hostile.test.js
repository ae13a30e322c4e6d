/* A server that sends what it likes: nothing is thrown, and the agent goes on. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js');

/* The same numbers in each run. */
function numbers(seed) {
	return (n) => {
		seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
		return (seed >> 8) % n;
	};
}

const PIECES = ['\r\n', '\r\n\r\n', ':', ';', '<', '>', '"', '@', ',', '%', '\0', 'sip:', 'SIP/2.0', ';tag=', '999999999999', ' ', '[::1]', 'ü', 'Content-Length: 5\r\n'];

function mutate(text, next) {
	for (let times = 1 + next(3); times; times--) {
		const at = next(text.length + 1), n = next(12);
		const kinds = [() => text.slice(0, at) + text.slice(at + n), () => text.slice(0, at) + PIECES[next(PIECES.length)] + text.slice(at),
			() => text.slice(0, at) + text.slice(at, at + n) + text.slice(at), () => text.slice(0, at) + PIECES[next(PIECES.length)] + text.slice(at + n),
			() => text.slice(0, at)];
		text = kinds[next(kinds.length)]();
	}
	return text;
}

/* Still answers, and nobody was thrown at. */
async function alive(s) {
	assert.deepEqual(s.world.errors.map((e) => e.stack), []);
	s.world.heard = s.world.wire.length;
	await s.world.ask('OPTIONS', { uri: 'sip:alice@example.com', from: '<sip:x@example.com>;tag=alive', to: '<sip:alice@example.com>', callId: `alive${s.world.heard}`, cseq: 1 });
	await s.world.next('200 OPTIONS');
}

const TOLD = ['invite', 'message', 'registered', 'registrationFailed', 'outOfDialogReferRequested'];

async function flood(s, texts, seed, times) {
	const next = numbers(seed), { world } = s;
	for (const name of TOLD)
		s.ua.on(name, () => {});
	for (let i = 0; i < times; i++) {
		world.socket.onmessage({ data: mutate(texts[next(texts.length)], next) });
		if (i % 50 === 0)
			await world.settle();
	}
	await world.pass(100);
	await alive(s);
}

const give = async (s, method, o) => {
	let text;
	s.world.give = async (t) => { text = t; };
	await s.world.ask(method, o);
	delete s.world.give;
	return text;
};

const outside = { uri: 'sip:alice@example.com', from: '"Bob" <sip:bob@example.com>;tag=caller', to: '<sip:alice@example.com>', callId: 'hostile', cseq: 1,
	headers: ['Contact: <sip:bob@example.com;transport=ws>', 'Refer-To: <sip:carol@example.com?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>',
		'Event: presence', 'Subscription-State: active;expires=3600', 'Record-Route: <sip:proxy.example.com;lr>', 'Supported: 100rel, timer',
		'Session-Expires: 1800', 'Referred-By: <sip:bob@example.com>', 'Replaces: a;to-tag=b;from-tag=c', 'Content-Disposition: session'], body: 'v=0 theirs' };

test('requests of all kinds, damaged', async () => {
	const s = new Scene('ours'), texts = [];
	await s.start({ allowOutOfDialogRefers: true, allowLegacyNotifications: true, replaces: 'supported', rel100: 'supported' });
	for (const method of ['INVITE', 'MESSAGE', 'REFER', 'NOTIFY', 'OPTIONS', 'CANCEL', 'BYE', 'ACK', 'PRACK', 'UPDATE', 'INFO', 'SUBSCRIBE', 'FOO'])
		texts.push(await give(s, method, Object.assign({}, outside, { callId: 'hostile' + method })));
	await flood(s, texts, 1, 4000);
});

test('requests inside a call, damaged', async () => {
	const s = new Scene('ours'), texts = [];
	await s.start();
	await s.upIn();
	const inside = { uri: `sip:${s.ua.contact.uri.user}@${s.ua.contact.uri.host}`, from: '<sip:bob@example.com>;tag=caller', to: `<sip:alice@example.com>;tag=${s.ourTag}`,
		callId: 'their-call', headers: outside.headers, body: 'v=0 again' };
	for (const method of ['INVITE', 'INFO', 'REFER', 'NOTIFY', 'OPTIONS', 'ACK', 'PRACK', 'UPDATE', 'MESSAGE'])
		for (let i = 0; i < 3; i++)
			texts.push(await give(s, method, Object.assign({}, inside, { cseq: 200 + texts.length,
				type: method === 'INFO' ? 'application/dtmf-relay' : method === 'NOTIFY' ? 'message/sipfrag' : 'application/sdp' })));
	await flood(s, texts, 2, 4000);
});

test('responses to everything we send, damaged', async () => {
	const s = new Scene('ours'), { write } = require('./lib/sipmessage.js');
	await s.start({ register: true, password: 'secret' });
	s.ua.invite('bob@example.com');
	s.ua.message('bob@example.com', 'x');
	s.ua.subscribe('bob@example.com', 'presence', { expires: 3600 });
	s.ua.publish('bob@example.com', 'presence', 'x');
	await s.world.settle();
	const headers = [s.contact, 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256', 'Proxy-Authenticate: Digest realm="r", nonce="n"',
		'Expires: 600', 'Min-Expires: 700', 'SIP-ETag: a', 'Require: 100rel', 'RSeq: 1', 'Retry-After: 5', 'Session-Expires: 90;refresher=uac'];
	const texts = [];
	for (const request of s.world.wire.slice())
		for (const status of [100, 180, 183, 200, 302, 401, 407, 412, 423, 481, 487, 503, 600])
			texts.push(write.response(request, status, { headers, body: status === 200 ? 'v=0 theirs' : '' }));
	await flood(s, texts, 3, 4000);
});

test('what is no SIP, and too much of it', async () => {
	const s = new Scene('ours');
	await s.start();
	for (const data of ['', '\r\n', '\r\n\r\n', 'x', '\0\0\0', 'SIP/2.0 200 OK\r\n\r\n', 'INVITE', 'a'.repeat(300000), 'OPTIONS sip:a SIP/2.0\r\n' + 'X: y\r\n'.repeat(20000) + '\r\n',
		new Uint8Array([0xff, 0xfe, 0, 1]).buffer, new ArrayBuffer(0)])
		s.world.socket.onmessage({ data });
	await s.world.pass(100);
	await alive(s);
});
