/* Media beside SIP.js 0.9.2: the same call on both, in a page's world with a peer connection that the test
 * moves. What the handlers tell, what they ask of the browser, and what SIP.WebRTC.Simple makes of it. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const { World } = require('./lib/world.js');
const { FakePeerConnection, FakeStream, OFFER } = require('./fakes.js');

const CONTACT = 'Contact: <sip:bob@server.example.com;transport=ws>';
const OWN = ['newListener', 'removeListener', 'newTransaction', 'transactionDestroyed'];
/* The later versions' events; and the ACK, which leaves before the answer is used. */
const LATER = ['trackAdded', 'directionChanged', 'ack'];

/* A page with one library: `told` is what its objects told, and what it asked of the browser. */
class Page {
	constructor(which) {
		this.world = new World(which);
		this.SIP = this.world.SIP;
		this.told = [];
		this.streams = [];
		const page = this, { context } = this.world;
		context.RTCPeerConnection = class extends FakePeerConnection {
			constructor(configuration) {
				super(configuration);
				page.pc = this;
				page.told.push(`new RTCPeerConnection ${JSON.stringify(configuration)}`);
				/* SIP.js sets handlers, ours adds listeners. */
				for (const type of ['icecandidate', 'icegatheringstatechange', 'iceconnectionstatechange', 'track'])
					this.addEventListener(type, (event) => this[`on${type}`] && this[`on${type}`](event));
			}

			step(name, ...args) {
				page.told.push(`${name} ${JSON.stringify(args)}`);
				return super.step(name, ...args);
			}

			close() {
				page.told.push('close');
				super.close();
			}

			getReceivers() {
				return [{ track: page.remoteTrack }];
			}
		};
		context.MediaStream = FakeStream;
		context.RTCSessionDescription = function (description) {
			return { type: description.type, sdp: description.sdp };
		};
		context.navigator.mediaDevices = { getUserMedia: (constraints) => {
			this.told.push(`getUserMedia ${JSON.stringify(constraints)}`);
			const stream = new FakeStream(['audio', 'video'].filter((kind) => constraints[kind]));
			stream.getAudioTracks = () => stream.tracks.filter((t) => t.kind === 'audio');
			stream.getVideoTracks = () => stream.tracks.filter((t) => t.kind === 'video');
			this.streams.push(stream);
			return Promise.resolve(stream);
		} };
		this.remoteTrack = { kind: 'audio', stopped: 0, stop() { this.stopped++; } };
		this.listen();
	}

	listen() {
		const page = this, proto = this.SIP.EventEmitter.prototype, { emit } = proto;
		proto.emit = function (name, ...args) {
			const kind = this.peerConnection !== undefined ? 'handler' : this.sessionDescriptionHandlerFactory
				? 'session' : this.toggleMute ? 'simple' : '';
			if (kind && !OWN.includes(name) && !LATER.includes(name))
				page.told.push(`${kind}: ${name}`);
			return emit.apply(this, [name, ...args]);
		};
	}

	async start(configuration) {
		this.ua = new this.SIP.UA(Object.assign({ uri: 'sip:alice@example.com', wsServers: 'ws://server.example.com',
			register: false,
			log: { builtinEnabled: false } }, configuration));
		this.ua.on('invite', (session) => { this.call = session; });
		await this.world.open();
	}

	/* All candidates at once, as both libraries are content with. */
	async gathered() {
		await this.world.settle();
		if (this.pc && this.pc.localDescription && this.pc.iceGatheringState !== 'complete')
			this.pc.complete();
		await this.world.settle();
	}

	async callOut(options, modifiers) {
		this.call = this.ua.invite('bob@example.com', options, modifiers);
		await this.gathered();
		this.invite = await this.world.next('INVITE');
	}

	async answered() {
		await this.world.answer(this.invite, 200, { headers: [CONTACT], body: OFFER });
		await this.world.next('ACK');
		await this.world.settle();
	}

	async reinvited() {
		await this.gathered();
		this.invite = await this.world.next('INVITE');
		this.told.push(`offered ${/a=(send|recv|inactive)\w*/.exec(this.invite.body || this.invite.text || '')}`);
		await this.answered();
	}

	async callIn() {
		await this.world.ask('INVITE', { uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=caller',
			to: '<sip:alice@example.com>', callId: 'their-call', cseq: 100,
			branch: 'their-invite', headers: [CONTACT], body: OFFER, type: 'application/sdp' });
		await this.world.settle();
	}
}

/* What both tell of `scene`. `faults`: lines that only SIP.js tells, or that it tells in another place. */
function compare(name, scene, repair = (told) => told) {
	test(name, { timeout: 20000 }, async () => {
		const results = [];
		for (const which of ['theirs', 'ours']) {
			const page = new Page(which);
			await scene(page, page.world);
			await page.world.settle();
			results.push({ told: which === 'theirs' ? repair(page.told) : page.told,
				stopped: page.streams.map((s) => s.tracks.map((t) => t.stopped > 0)),
				errors: page.world.errors.map(String) });
		}
		assert.deepEqual(results[1], results[0]);
	});
}

compare('a call out with the built-in handler', async (p, w) => {
	await p.start();
	await p.callOut({ sessionDescriptionHandlerOptions: { constraints: { audio: true } } });
	await p.answered();
	p.pc.fire('track', { track: p.remoteTrack });
	for (const state of ['checking', 'connected', 'completed', 'disconnected', 'failed']) {
		p.pc.iceConnectionState = state;
		p.pc.fire('iceconnectionstatechange');
	}
	p.call.bye();
	await w.answer(await w.next('BYE'), 200);
});

compare('a call in with the built-in handler', async (p, w) => {
	await p.start({ sessionDescriptionHandlerFactoryOptions: { constraints: { audio: true, video: true },
		peerConnectionOptions: { rtcConfiguration: { iceServers: [] } } } });
	await p.callIn();
	p.call.accept();
	await p.gathered();
	await w.next('200 INVITE');
	p.call.terminate();
	await w.settle();
});

compare('modifiers see what SIP.js shows them', async (p) => {
	const modifier = p.world.own((d) => {
		p.told.push(`modifier ${d.type} ${d.sdp.length}`);
		return Promise.resolve(d);
	});
	await p.start({ sessionDescriptionHandlerFactoryOptions: { constraints: { audio: true } } });
	await p.callOut({}, [modifier, p.SIP.WebRTC.Modifiers.stripTcpCandidates]);
	await p.answered();
});

compare('hold and unhold', async (p) => {
	await p.start();
	await p.callOut({ sessionDescriptionHandlerOptions: { constraints: { audio: true } } });
	await p.answered();
	p.call.hold();
	await p.reinvited();
	p.call.unhold();
	await p.reinvited();
});

/* ---- Simple ---- */

function element(page, name) {
	return { set srcObject(stream) { page.told.push(`${name} shows ${stream ? stream.getTracks().map((t) => t.kind) : null}`); },
		play() { page.told.push(`${name} plays`); return Promise.resolve(); },
		pause() { page.told.push(`${name} pauses`); } };
}

async function simple(p, video, uri) {
	const remote = video ? { video: element(p, 'remote video') } : { audio: element(p, 'remote audio') };
	p.simple = new p.SIP.WebRTC.Simple({ media: { remote, local: video ? { video: element(p, 'local video') } : undefined },
		ua: { uri, wsServers: 'ws://server.example.com' } });
	p.ua = p.simple.ua;
	p.ua.log.builtinEnabled = false;
	await p.world.open();
}

/* The session has ended once: SIP.js says so for each of bye, failed, rejected and terminated. */
const endOnce = (told) => {
	let ended = false, playing = false;
	return told.filter((line) => {
		if (line === 'simple: new')
			ended = false;
		const about = line === 'simple: ended' || / (pauses|shows null)$/.test(line);
		if (line === 'simple: ended') {
			playing = ended;
			ended = true;
		}
		return !about || !playing;
	});
};

compare('Simple makes a call', async (p, w) => {
	await simple(p);
	p.simple.call('bob@example.com');
	await p.gathered();
	p.invite = await w.next('INVITE');
	await w.answer(p.invite, 180, { headers: [CONTACT] });
	await p.answered();
	p.simple.mute();
	p.simple.unmute();
	p.simple.sendDTMF('5');
	await w.answer(await w.next('INFO'), 200);
	p.simple.hangup();
	await w.answer(await w.next('BYE'), 200);
}, endOnce);

compare('Simple takes a call with video, and one at a time', async (p, w) => {
	await simple(p, true, 'sip:alice@example.com');
	await p.callIn();
	assert.equal(p.simple.state, 1);
	p.simple.answer();
	await p.gathered();
	await w.next('200 INVITE');
	p.simple.hangup();
	await w.settle();
	assert.equal(p.simple.state, 4);
}, endOnce);
