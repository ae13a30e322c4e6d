/* The media handler in a real browser: two of them in a page of Chromium talk to each other. The
 * browser's driver comes with tools/install-browser. */
'use strict';
const { test, before, after } = require('node:test'), assert = require('node:assert').strict;
const fs = require('node:fs'), path = require('node:path');

const { chromium } = require('../../tests/browser/node_modules/playwright-core');

/* A page reads no files: the machine's bytes are in the text. */
function textOf(file) {
	if (path.basename(file) !== 'wasm.js')
		return fs.readFileSync(file, 'utf8');
	return `module.exports=()=>Uint8Array.from(atob('${Buffer.from(require(file)()).toString('base64')}'),(c)=>c.charCodeAt(0));`;
}

/* The parts about media, as one script that defines SIP. */
function bundle() {
	const root = path.join(__dirname, '../src'), seen = new Map(), modules = [];
	const visit = (file) => {
		if (!seen.has(file)) {
			seen.set(file, seen.size);
			const id = seen.get(file);
			modules.push(`${id}:function(module,exports,require){${textOf(file)
				.replace(/\brequire\((['"])([^'"]+)\1\)/g, (all, q,
					name) => name.startsWith('node:') ? '{}' : `require(${visit(require.resolve(name, { paths: [path.dirname(file)] }))})`)}\n}`);
		}
		return seen.get(file);
	};
	const [emitter, media] = ['emitter.js', 'media.js'].map((name) => visit(path.join(root, name)));
	return `window.SIP=(function(){'use strict';var made={},all={${modules.join(',\n')}};function require(id){if(!made[id]){made[id]={exports:{}};` +
		`all[id].call(made[id].exports,made[id],made[id].exports,require)}return made[id].exports}return Object.assign({EventEmitter:require(${emitter})},require(${media}))})();`;
}

/* What runs in the page. */
function helpers() {
	const { SIP } = window;
	const logger = { log() {}, debug() {}, warn: (t) => console.log(t), error: (t) => console.log(t) };

	/* A handler with a session that notes what it is told. */
	window.make = (options) => {
		const session = new SIP.EventEmitter(), told = [];
		session.ua = { getLogger: () => logger };
		session.emit = function (name, ...args) { told.push(name); return SIP.EventEmitter.prototype.emit.call(this, name,
			...args); };
		const handler = SIP.WebRTC.SessionDescriptionHandler.defaultFactory(session, Object.assign({ constraints: { audio: true },
			peerConnectionOptions: { rtcConfiguration: { iceServers: [] } } }, options));
		for (const name of ['iceConnectionConnected', 'iceConnectionCompleted', 'iceGatheringComplete', 'addTrack'])
			handler.on(name, () => told.push(name));
		return { handler, session, told };
	};
	window.agree = async (caller, callee, options, modifiers) => {
		const offer = await caller.handler.getDescription(options, modifiers);
		await callee.handler.setDescription(offer.body, options);
		const answer = await callee.handler.getDescription(options);
		await caller.handler.setDescription(answer.body, options);
		return { offer, answer };
	};
	window.until = async (condition, what) => {
		const end = performance.now() + 15000;
		while (!await condition()) {
			if (performance.now() > end)
				throw new Error(`not in time: ${what}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	};
	window.received = async ({ handler }) => {
		let packets = 0;
		(await handler.peerConnection.getStats()).forEach((s) => { if (s.type === 'inbound-rtp') packets += s.packetsReceived; });
		return packets;
	};
}

let browser, page;

before(async () => {
	browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
		args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
		'--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required'] });
	page = await browser.newPage();
	await page.route('http://localhost/**', (route) => route.fulfill({ contentType: 'text/html',
		body: '<!doctype html><title>media</title>' }));
	await page.goto('http://localhost/');
	await page.addScriptTag({ content: bundle() });
	await page.evaluate(helpers);
});

after(() => browser && browser.close());

test('two handlers talk, hold, go on, and end', async () => {
	const seen = await page.evaluate(async () => {
		const a = window.make(), b = window.make(), steps = {};
		const { offer } = await window.agree(a, b);
		steps.candidates = /a=candidate/.test(offer.body);
		await window.until(async () => await window.received(a) > 5 && await window.received(b) > 5, 'sound both ways');
		steps.directions = [a.handler.getDirection(), b.handler.getDirection()];
		steps.told = [a.told, b.told];

		const { offer: held } = await window.agree(a, b, {}, [a.handler.holdModifier]);
		steps.heldOffer = /a=sendonly/.test(held.body) && !/a=sendrecv/.test(held.body);
		steps.held = [a.handler.getDirection(), b.handler.getDirection()];
		const before = await window.received(a);
		await window.agree(a, b);
		steps.resumed = [a.handler.getDirection(), b.handler.getDirection()];
		await window.until(async () => await window.received(a) > before + 5, 'sound after hold');

		steps.dtmf = a.handler.sendDtmf('12', { duration: 100, interToneGap: 70 });
		const tracks = a.handler.peerConnection.getSenders().map((s) => s.track).filter(Boolean);
		a.handler.close();
		a.handler.close();
		b.handler.close();
		steps.ended = [a.handler.peerConnection.signalingState, tracks.map((t) => t.readyState)];
		return steps;
	});

	assert.equal(seen.candidates, true);
	assert.deepEqual(seen.directions, ['sendrecv', 'sendrecv']);
	for (const told of seen.told)
		for (const name of ['peerConnection-created', 'SessionDescriptionHandler-created', 'iceGatheringComplete', 'addTrack',
			'trackAdded', 'directionChanged'])
			assert.ok(told.includes(name), `${name} in ${told}`);
	assert.ok(seen.told.some((told) => told.includes('iceConnectionConnected')));
	assert.equal(seen.heldOffer, true);
	assert.deepEqual(seen.held, ['sendonly', 'recvonly']);
	assert.deepEqual(seen.resumed, ['sendrecv', 'sendrecv']);
	assert.equal(seen.dtmf, true);
	assert.deepEqual(seen.ended, ['closed', ['ended']]);
});

test('trickled candidates connect, and a refused offer is taken back', async () => {
	const seen = await page.evaluate(async () => {
		const a = window.make({ peerConnectionOptions: { trickle: true, rtcConfiguration: { iceServers: [] } } });
		const b = window.make({ peerConnectionOptions: { trickle: true, rtcConfiguration: { iceServers: [] } } });
		for (const [from, to] of [[a, b], [b, a]]) {
			from.session.dialog = {};
			from.session.sendRequest = (method, options) => to.handler.addTrickle(options.body.body);
		}
		const { offer } = await window.agree(a, b);
		await window.until(async () => await window.received(a) > 5 && await window.received(b) > 5,
			'sound with trickled candidates');
		await a.handler.getDescription();
		const offered = a.handler.peerConnection.signalingState;
		a.session.emit('reinviteFailed');
		await window.until(() => a.handler.peerConnection.signalingState === 'stable', 'rollback');
		await window.agree(b, a);
		const direction = a.handler.getDirection();
		a.handler.close();
		b.handler.close();
		return { early: !/a=candidate/.test(offer.body), offered, direction };
	});

	assert.deepEqual(seen, { early: true, offered: 'have-local-offer', direction: 'sendrecv' });
});

test('modifiers make descriptions that a browser takes', async () => {
	const seen = await page.evaluate(async () => {
		const { SIP } = window, m = SIP.WebRTC.Modifiers, a = window.make(), b = window.make({ modifiers: [m.stripTcpCandidates] });
		const { offer, answer } = await window.agree(a, b, {}, [m.stripTelephoneEvent, m.stripG722, m.stripTcpCandidates,
			m.cleanJitsiSdpImageattr]);
		await window.until(async () => await window.received(b) > 5, 'sound');
		a.handler.close();
		b.handler.close();
		return [offer.body, answer.body].map((body) => /telephone-event|G722|candidate:\S+ \d tcp/i.test(body));
	});

	assert.deepEqual(seen, [false, false]);
});
