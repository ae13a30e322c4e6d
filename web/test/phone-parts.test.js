/* The phone on a page, without a page: devices that must go off, and messages that are kept. */
'use strict';
const { test, beforeEach } = require('node:test'), assert = require('node:assert/strict');
const { pathToFileURL } = require('node:url');
const path = require('node:path'), fs = require('node:fs');
const { FakeStream } = require('./fakes.js');

const part = (name) => import(pathToFileURL(path.join(__dirname, `../phone/${name}.js`)));
const stored = new Map(), asked = [];

/* An element of which nobody looks at anything. */
const node = new Proxy({}, { get: (o, name) => (name === 'children' ? [] : name === 'hidden' ? true : () => node), set: () => true });

function stream(kinds) {
	const it = new FakeStream(kinds), of = (kind) => it.tracks.filter((t) => t.kind === kind);
	return Object.assign(it, { getAudioTracks: () => of('audio'), getVideoTracks: () => of('video') });
}

beforeEach(() => {
	const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
	stored.clear();
	asked.length = 0;
	set('document', { getElementById: () => node, createElement: () => node, hidden: false });
	set('localStorage', { getItem: (k) => (stored.has(k) ? stored.get(k) : null), setItem: (k, v) => stored.set(k, v), removeItem: (k) => stored.delete(k) });
	set('navigator', { mediaDevices: { getUserMedia: () => new Promise((resolve) => asked.push(resolve)) } });
	set('CustomEvent', class extends Event {});
});

async function call(senders) {
	const { Call } = await part('call');
	const it = Object.create(Call.prototype);
	const values = { session: { local_hold: false }, state: 'up', muted: false, video: true, constraints: () => ({}), change() {}, tell() {},
		handler: { peerConnection: { getSenders: () => senders } } };
	for (const name of Object.keys(values))
		Object.defineProperty(it, name, { value: values[name], writable: true });
	return it;
}

function sendersOf(kinds, replaceTrack) {
	return stream(kinds).tracks.map((track) => ({ track, async replaceTrack(t) {
		if (replaceTrack)
			await replaceTrack(t);
		this.track = t;
	} }));
}

test('a device that is there only when the call is over goes off', async () => {
	const it = await call(sendersOf(['audio'])), fresh = stream(['audio', 'video']), done = it.useDevices();
	it.state = 'ended';
	asked[0](fresh);
	await done;
	assert.deepEqual(fresh.tracks.map((t) => t.stopped), [1, 1]);
});

test('a track that cannot be sent goes off, and one that is sent stays', async () => {
	const it = await call(sendersOf(['audio', 'video'], (t) => { if (t.kind === 'video') throw new Error('no'); }));
	const fresh = stream(['audio', 'video']), done = it.useDevices();
	asked[0](fresh);
	await assert.rejects(done, /no/);
	assert.deepEqual(fresh.tracks.map((t) => t.stopped), [0, 1]);
});

test('a camera that is changed on hold is not seen', async () => {
	const it = await call(sendersOf(['audio', 'video'])), fresh = stream(['audio', 'video']), done = it.useDevices();
	it.session.local_hold = true;
	asked[0](fresh);
	await done;
	assert.deepEqual(fresh.tracks.map((t) => t.enabled), [false, false]);
});

test('two quick presses leave no microphone on', async () => {
	const { Devices } = await part('devices'), it = Object.create(Devices.prototype);
	for (const [name, value] of Object.entries({ testing: null, analysers: new Map(), present: null, chosen: {}, list() {} }))
		Object.defineProperty(it, name, { value, writable: true });
	const done = [it.test(), it.test()], streams = asked.map(() => stream(['audio']));
	asked.forEach((resolve, i) => resolve(streams[i]));
	await Promise.all(done);
	assert.equal(it.testing, null);
	assert.ok(streams.every((s) => s.tracks[0].stopped === 1));
	const again = it.test(), one = stream(['audio']);
	asked[streams.length](one);
	await again;
	assert.equal(it.testing, one);
});

async function messages(lasting, account = '100') {
	const { Messages } = await part('messages'), { diary } = await part('dom'), it = Object.create(Messages.prototype);
	if (diary)
		diary.begin(lasting);
	it.show = () => {};
	it.use({ account, domain: 'example.com', addEventListener() {} });
	return it;
}

const came = (it, peer, text, at = 1) => it.came({ peer, name: '', text, type: 'text/plain', at });

test('a peer may have the name of anything', async () => {
	const it = await messages(true);
	for (const peer of ['constructor', '__proto__', 'toString'])
		came(it, peer, 'x');
	const again = await messages(true);
	assert.deepEqual([...again.chats.keys()].sort(), ['__proto__', 'constructor', 'toString']);
	assert.equal(again.chat('__proto__').list[0].text, 'x');
});

test('strangers cannot fill the browser', async () => {
	const it = await messages(true);
	it.peer = 'p0';
	for (let i = 0; i < 150; i++)
		came(it, `p${i}`, 'x'.repeat(50000), i);
	assert.ok(it.chats.size <= 101 && it.chats.has('p0') && it.chats.has('p149') && !it.chats.has('p1'));
	assert.ok(it.chat('p149').list[0].text.length < 5000);
	for (let i = 0; i < 20; i++)
		for (let n = 0; n < 60; n++)
			came(it, `q${i}`, 'x'.repeat(2000), 200 + i);
	assert.ok([...stored.values()].join('').length < 6e5);
});

test('who is not to be remembered leaves nothing behind', async () => {
	came(await messages(true), '200', 'x');
	assert.equal(stored.size, 1);
	const it = await messages(false);
	assert.equal(it.chats.size, 0);
	came(it, '200', 'x');
	assert.equal(it.chats.size, 1);
	assert.equal(stored.size, 0);
	assert.equal((await messages(false)).chats.size, 0);
	const { History } = await part('history'), history = Object.create(History.prototype);
	history.show = () => {};
	history.use({ account: '100', domain: 'example.com' });
	history.add({ number: '1' });
	assert.equal(stored.size, 0);
});

test('logging out takes the password off the page', () => {
	const text = fs.readFileSync(path.join(__dirname, '../phone/phone.js'), 'utf8');
	assert.match(/function logout\(\) \{[^]*?\n\}/.exec(text)[0], /\$\('password'\)\.value = ''/);
});
