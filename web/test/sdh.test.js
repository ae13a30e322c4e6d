/* The media handler of a browser, with a peer connection that the test moves. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const { WebRTC, SessionDescriptionHandler, Exceptions, EventEmitter, IncomingRequest } = require('../src/index.js');
const { fakeUA, fakeSession, fakeBrowser, fakeClock, FakePeerConnection, FakeTrack, OFFER, turn } = require('./fakes.js');

const HOST = 'candidate:1 1 udp 1 192.168.0.5 5 typ host',
	SRFLX = 'candidate:2 1 udp 1 198.51.100.7 5 typ srflx raddr 192.168.0.5 rport 5',
	RELAY = 'candidate:3 1 udp 1 203.0.113.7 5 typ relay raddr 198.51.100.7 rport 5';
const factory = WebRTC.SessionDescriptionHandler.defaultFactory;

/* {handler, session, pc, told (names of the handler's events), devices}; everything is as before when the test ends. */
function setup(t, options, browserOptions) {
	const devices = fakeBrowser(browserOptions);
	t.after(devices.restore);
	const clock = fakeClock();
	t.after(clock.restore);
	const session = fakeSession();
	const handler = factory(session, options);
	const told = [];
	handler.emit = function (name, ...args) {
		told.push(name);
		return EventEmitter.prototype.emit.call(this, name, ...args);
	};
	return { handler, session, devices, told, clock, get pc() { return handler.peerConnection; } };
}

/* Whether a promise is kept by now, after everything that can happen has. */
async function state(promise) {
	let is = 'waiting';
	promise.then(() => { is = 'kept'; }, () => { is = 'broken'; });
	for (let i = 0; i < 5; i++)
		await turn();
	return is;
}


test('the abstract handler has what a session calls', () => {
	const mine = Object.create(SessionDescriptionHandler.prototype);
	for (const name of ['close', 'getDescription', 'hasDescription', 'holdModifier', 'setDescription'])
		assert.equal(mine[name](), undefined);
	mine.close = () => 'mine';
	assert.equal(mine.close(), 'mine');
	let heard;
	mine.on('x', (v) => { heard = v; }).emit('x', 5);
	assert.equal(heard, 5);
});

test('the session hears of the peer connection, then of the handler', (t) => {
	const { session, handler, pc } = setup(t);

	assert.deepEqual(session.told.map(([name]) => name).filter((n) => n !== 'newListener'), ['peerConnection-created',
		'SessionDescriptionHandler-created']);
	assert.equal(session.told.find(([n]) => n === 'peerConnection-created')[1], pc);
	assert.ok(handler instanceof SessionDescriptionHandler);
	assert.deepEqual(pc.configuration.iceServers, [{ urls: 'stun:stun.l.google.com:19302' }]);
});

test('an offer waits for a candidate that is of use, and no longer', async (t) => {
	const all = setup(t), { handler, told, devices } = all;
	const promise = handler.getDescription({}, []);

	assert.equal(await state(promise), 'waiting');
	assert.deepEqual(devices.asked, [{ audio: true, video: true }]);
	all.pc.candidate(HOST);
	assert.equal(await state(promise), 'waiting');
	all.pc.candidate(SRFLX);
	assert.equal(await state(promise), 'kept');
	const { body, contentType } = await promise;
	assert.equal(contentType, 'application/sdp');
	assert.match(body, /typ host[^]*typ srflx/);
	assert.deepEqual(told, ['userMediaRequest', 'userMedia', 'iceGathering', 'iceCandidate', 'iceCandidate', 'iceGatheringComplete',
		'getDescription']);
});

test('an offer leaves when all candidates are there', async (t) => {
	const all = setup(t);
	const promise = all.handler.getDescription();

	await state(promise);
	all.pc.candidate(HOST);
	all.pc.complete();
	assert.equal(await state(promise), 'kept');
	assert.equal(all.told.filter((n) => n === 'iceGatheringComplete').length, 1);
});

test('an offer leaves when the time is up', async (t) => {
	for (const [given, early, late] of [[undefined, 4999, 5000], [{ iceCheckingTimeout: 300 }, 299, 300]]) {
		const { handler, clock } = setup(t, { peerConnectionOptions: given });
		const promise = handler.getDescription();
		await state(promise);
		clock.tick(early);
		assert.equal(await state(promise), 'waiting');
		clock.tick(late - early);
		assert.equal(await state(promise), 'kept');
	}
});

test('without a limit an offer waits', async (t) => {
	const all = setup(t, { peerConnectionOptions: { iceCheckingTimeout: 0 } });
	const promise = all.handler.getDescription();

	await state(promise);
	all.clock.tick(3600000);
	assert.equal(await state(promise), 'waiting');
	all.pc.complete();
	assert.equal(await state(promise), 'kept');
});

test('which candidates are of use depends on servers and policy', async (t) => {
	for (const [rtcConfiguration, candidate, wanted] of [
		[{ iceServers: [] }, HOST, 'waiting'], [{ iceServers: [{ urls: 'stun:s' }] }, HOST, 'waiting'],
			[{ iceServers: [{ urls: 'stun:s' }] }, SRFLX, 'kept'], [{ iceServers: [{ urls: 'turn:s' }] }, RELAY, 'kept'],
		[{ iceServers: [{ urls: 'turn:s' }], iceTransportPolicy: 'relay' }, SRFLX, 'waiting'], [{ iceServers: [{ urls: 'turn:s' }],
			iceTransportPolicy: 'relay' }, RELAY, 'kept'],
	]) {
		const all = setup(t, { peerConnectionOptions: { rtcConfiguration } });
		const promise = all.handler.getDescription();
		await state(promise);
		all.pc.candidate(candidate);
		assert.equal(await state(promise), wanted, JSON.stringify([rtcConfiguration, candidate]));
	}
});

test('each medium needs a candidate of its own', async (t) => {
	const all = setup(t);
	const promise = all.handler.getDescription();

	await state(promise);
	all.pc.localDescription.sdp += 'm=video 9 x 96\r\na=mid:1\r\n';
	all.pc.candidate(SRFLX, '0');
	assert.equal(await state(promise), 'waiting');
	all.pc.candidate(SRFLX, '1');
	assert.equal(await state(promise), 'kept');
});

test('an answer to a peer that can be reached leaves with the first candidate', async (t) => {
	const all = setup(t);

	await all.handler.setDescription(`${OFFER}a=candidate:1 1 udp 5 198.51.100.1 5 typ host\r\n`);
	const promise = all.handler.getDescription();
	assert.equal(await state(promise), 'waiting');
	all.pc.candidate(HOST);
	assert.equal(await state(promise), 'kept');
	assert.deepEqual(all.pc.calls.map(([name]) => name), ['setRemoteDescription', 'createAnswer', 'setLocalDescription']);
});

function trickling(session) {
	session.request = new IncomingRequest(fakeUA());
	session.request.addHeader('Supported', 'outbound, Trickle-ICE');
}

test('a peer that trickles gets the answer at once, and the candidates in INFO', async (t) => {
	const all = setup(t), { handler, session } = all;

	trickling(session);
	await handler.setDescription(`${OFFER}a=ice-options:trickle\r\n`);
	const promise = handler.getDescription();
	assert.equal(await state(promise), 'kept');
	all.pc.candidate(HOST);
	await turn();
	assert.deepEqual(session.sent, []);
	session.dialog = {};
	session.emit('dialog', session.dialog);
	await turn();
	all.pc.candidate(SRFLX);
	all.pc.complete();
	await turn();
	assert.equal(session.sent.length, 2);
	const [method, { extraHeaders, body }] = session.sent[0];
	assert.equal(method, 'INFO');
	assert.deepEqual(extraHeaders, ['Info-Package: trickle-ice', 'Content-Disposition: Info-Package']);
	assert.equal(body.contentType, 'application/trickle-ice-sdpfrag');
	assert.match(body.body, /^a=ice-ufrag:uf\r\na=ice-pwd:pw\r\nm=audio [^]*a=mid:0\r\na=candidate:1 1 udp [^]*typ host\r\n$/);
	assert.match(session.sent[1][1].body.body, /a=candidate:2 [^]*a=end-of-candidates\r\n$/);
	assert.equal(all.told.filter((n) => n === 'iceGatheringComplete').length, 1);
});

test('only a peer that says so in both places trickles, unless the application knows', async (t) => {
	for (const [supported, options, given, wanted] of [[true, '', undefined, 'waiting'], [false, 'a=ice-options:trickle\r\n',
		undefined, 'waiting'], [true, 'a=ice-options:ice2 trickle\r\n', undefined, 'kept'],
		[false, '', { trickle: true }, 'kept'], [true, 'a=ice-options:trickle\r\n', { trickle: false }, 'waiting']]) {
		const { handler, session } = setup(t, { peerConnectionOptions: given });
		if (supported)
			trickling(session);
		await handler.setDescription(OFFER + options);
		assert.equal(await state(handler.getDescription()), wanted);
	}
});

test('candidates that come are added, after the description that they belong to', async (t) => {
	const all = setup(t), { handler } = all;
	const body = 'a=ice-ufrag:uf\r\na=ice-pwd:pw\r\nm=audio 9 x 0\r\na=mid:0\r\na=candidate:9 1 udp 1 1.2.3.4 5 typ host\r\n';

	assert.equal(handler.hasTrickle('Application/trickle-ice-sdpfrag'), true);
	assert.equal(handler.hasTrickle('application/sdp'), false);
	await handler.addTrickle(body);
	assert.deepEqual(all.pc.added, []);
	await handler.setDescription(OFFER);
	assert.equal(all.pc.added.length, 1);
	await handler.addTrickle(body.replace(':9', ':8'));
	all.pc.addIceCandidate = () => Promise.reject(new Error('old'));
	await handler.addTrickle(body);
	assert.ok(all.session.ua.lines.includes('warn: a candidate was not taken: old'));
	assert.deepEqual(all.pc.added.map((c) => [c.candidate.slice(0, 11), c.sdpMid, c.sdpMLineIndex]), [['candidate:9', '0', 0],
		['candidate:8', '0', 0]]);
});

test('modifiers see a local description twice, those of the call first', async (t) => {
	const seen = [];
	const modifier = (name) => (d) => { seen.push(name); return Promise.resolve(Object.assign(d,
		{ sdp: `${d.sdp}a=${name}\r\n` })); };
	const all = setup(t, { modifiers: [modifier('own')] });
	const promise = all.handler.getDescription({}, [modifier('call')]);

	await state(promise);
	assert.deepEqual(seen, ['call', 'own']);
	assert.match(all.pc.localDescription.sdp, /a=call\r\na=own\r\n$/);
	all.pc.complete();
	await promise;
	assert.deepEqual(seen, ['call', 'own', 'call', 'own']);
	all.pc.signalingState = 'have-local-offer';
	await all.handler.setDescription(OFFER, {}, modifier('one'));
	assert.equal(all.pc.remoteDescription.type, 'answer');
	assert.deepEqual(seen.slice(4), ['one', 'own']);
	assert.match(all.pc.remoteDescription.sdp, /a=one\r\na=own\r\n$/);
});

test('constraints: of the call, of the configuration, or both media; the same are not asked for again', async (t) => {
	const all = setup(t, { constraints: { audio: true } }), { handler, devices } = all;
	const offer = async (options) => {
		const promise = handler.getDescription(options);
		await state(promise);
		all.pc.complete();
		return promise;
	};

	await offer({ constraints: {} });
	await offer({});
	assert.deepEqual(devices.asked, [{ audio: true }]);
	const first = all.pc.senders[0].track;
	/* Laid over what was asked for before. */
	await offer({ constraints: { video: true } });
	assert.deepEqual(devices.asked[1], { audio: true, video: true });
	assert.deepEqual(all.pc.senders.map((s) => s.track.kind), ['audio', 'video']);
	assert.notEqual(all.pc.senders[0].track, first);
	assert.equal(first.stopped, 1);
	await offer({ constraints: { video: false } });
	assert.deepEqual(all.pc.senders.map((s) => s.track && s.track.kind), ['audio', null]);
	await offer({ constraints: { audio: false, video: false } });
	assert.equal(devices.asked.length, 3);
	await offer({ RTCOfferOptions: { iceRestart: true } });
	assert.deepEqual(all.pc.calls.filter(([n]) => n === 'createOffer').pop()[1], { iceRestart: true });
});

test('other options of the connection make another one, before anything was agreed', async (t) => {
	const all = setup(t), first = all.pc;
	const promise = all.handler.getDescription({ peerConnectionOptions: { rtcConfiguration: { iceServers: [{ urls: 'turn:t' }] } } });

	await state(promise);
	assert.notEqual(all.pc, first);
	assert.equal(first.signalingState, 'closed');
	assert.equal(all.pc.configuration.iceServers[0].urls, 'turn:t');
	const second = all.pc;
	all.pc.complete();
	await promise;
	/* The devices that were asked for go along. */
	assert.deepEqual(second.senders.map((s) => s.track.kind), ['audio', 'video']);
	await state(all.handler.getDescription({ peerConnectionOptions: { iceCheckingTimeout: 1 } }));
	assert.equal(all.pc, second);
});

test('the same options of the connection make no other one, and tracks go along to another', async (t) => {
	const peerConnectionOptions = { iceCheckingTimeout: 7 };
	const all = setup(t, { peerConnectionOptions }), { handler } = all, first = all.pc;

	first.fails.createOffer = new Error('no');
	await assert.rejects(handler.getDescription({ peerConnectionOptions: { iceCheckingTimeout: 7 } }));
	assert.equal(all.pc, first);
	await state(handler.getDescription({ peerConnectionOptions: { iceCheckingTimeout: 8 } }));
	assert.notEqual(all.pc, first);
	assert.deepEqual(all.pc.senders.map((s) => s.track.kind), ['audio', 'video']);
	assert.equal(all.devices.asked.length, 1);
});

test('after close no candidates leave', async (t) => {
	const all = setup(t, { peerConnectionOptions: { trickle: true } }), { handler, session } = all;

	session.dialog = {};
	await handler.getDescription();
	all.pc.candidate(HOST);
	handler.close();
	await turn();
	assert.deepEqual(session.sent, []);
});

test('whatever fails is told and breaks the promise', async (t) => {
	for (const [step, event] of [['createOffer', 'peerConnection-createOfferFailed'], ['setLocalDescription',
		'peerConnection-SetLocalDescriptionFailed']]) {
		const all = setup(t), cause = new Error('no');
		all.pc.fails[step] = cause;
		await assert.rejects(all.handler.getDescription(), (e) => e instanceof Exceptions.GetDescriptionError &&
			e.error === cause && e.message === 'no');
		assert.ok(all.told.includes(event), event);
	}
	const remote = setup(t);
	remote.pc.fails.setRemoteDescription = new Error('bad');
	await assert.rejects(remote.handler.setDescription('x'), /bad/);
	assert.ok(remote.told.includes('peerConnection-setRemoteDescriptionFailed'));
	const denied = setup(t, {}, { devices: () => Promise.reject(new Error('denied')) });
	await assert.rejects(denied.handler.getDescription(), { name: 'GET_DESCRIPTION_ERROR', message: 'denied' });
	assert.ok(denied.told.includes('userMediaFailed'));
	const answering = setup(t);
	await answering.handler.setDescription(OFFER);
	answering.pc.fails.createAnswer = new Error('no');
	await assert.rejects(answering.handler.getDescription(), Exceptions.GetDescriptionError);
	assert.ok(answering.told.includes('peerConnection-createAnswerFailed'));
});

test('a remote description is told', async (t) => {
	const { handler, told, pc } = setup(t);
	const heard = [];

	pc.receivers.push({ track: new FakeTrack('audio') });
	handler.on('setRemoteDescription', (receivers) => heard.push(receivers));
	handler.on('confirmed', (h) => heard.push(h));
	await handler.setDescription(OFFER, {}, []);
	assert.deepEqual(told, ['setDescription', 'setRemoteDescription', 'confirmed']);
	assert.deepEqual(heard, [pc.receivers, handler]);
	assert.equal(pc.remoteDescription.type, 'offer');
});

test('events of the connection', (t) => {
	const { handler, pc, told, session } = setup(t);
	const heard = [];

	for (const [name, event] of [['checking', 'Checking'], ['connected', 'Connected'], ['completed', 'Completed'], ['failed',
		'Failed'], ['disconnected', 'Disconnected'], ['closed', 'Closed'], ['new', '']]) {
		handler.on(`iceConnection${event}`, (which) => heard.push([event, which === pc]));
		pc.iceConnectionState = name;
		pc.fire('iceconnectionstatechange');
	}
	assert.deepEqual(heard.map(([, same]) => same), Array(7).fill(true));
	pc.iceConnectionState = 'odd';
	pc.fire('iceconnectionstatechange');
	pc.fire('track', { track: 1 });
	pc.fire('addstream', { stream: 1 });
	assert.deepEqual(told.slice(-2), ['addTrack', 'addStream']);
	assert.ok(session.told.some(([name]) => name === 'trackAdded'));
});

test('the direction is known once both sides spoke', async (t) => {
	const all = setup(t), { handler, session } = all;
	const changes = () => session.told.filter(([n]) => n === 'directionChanged').length;

	assert.equal(handler.getDirection(), null);
	await handler.rollbackDescription();
	const promise = handler.getDescription();
	await state(promise);
	all.pc.complete();
	await promise;
	assert.equal(handler.getDirection(), null);
	await handler.setDescription(OFFER);
	assert.equal(handler.getDirection(), 'sendrecv');
	assert.equal(changes(), 1);
	await handler.setDescription(OFFER.replace('sendrecv', 'sendonly'));
	assert.equal(changes(), 1);
	all.pc.localDescription = null;
	const answer = handler.getDescription();
	await state(answer);
	await answer;
	assert.equal(handler.getDirection(), 'recvonly');
	assert.equal(changes(), 2);
});

test('hold, and types of bodies', async (t) => {
	const { handler } = setup(t), { holdModifier } = handler;

	assert.match((await holdModifier({ type: 'offer', sdp: OFFER })).sdp, /a=sendonly/);
	assert.deepEqual(await holdModifier({ type: 'offer' }), { type: 'offer' });
	assert.deepEqual(['application/sdp', 'Application/SDP; x=y', 'text/plain', 'application/sdpx', '',
		undefined].map((type) => handler.hasDescription(type)), [true, true, false, false, false, false]);
});

test('digits leave in the media', async (t) => {
	const all = setup(t), { handler } = all;

	assert.equal(handler.sendDtmf('1'), false);
	await state(handler.getDescription());
	assert.equal(handler.sendDtmf('12#', { duration: 100, interToneGap: 60 }), true);
	const sender = all.pc.senders.find((s) => s.track.kind === 'audio');
	assert.deepEqual(sender.dtmf.sent, [['12#', 100, 60]]);
	/* A digit that is asked for while others wait comes after them. */
	sender.dtmf.toneBuffer = '2#';
	handler.sendDtmf('3', { duration: 100, interToneGap: 60 });
	assert.deepEqual(sender.dtmf.sent[1], ['2#3', 100, 60]);
	sender.dtmf.insertDTMF = () => { throw new Error('tone'); };
	assert.equal(handler.sendDtmf('x'), false);
	sender.dtmf.canInsertDTMF = false;
	assert.equal(handler.sendDtmf('1'), false);
});

test('an offer that was refused is taken back', async (t) => {
	const all = setup(t), { handler, session } = all;

	await state(handler.getDescription());
	assert.equal(all.pc.signalingState, 'have-local-offer');
	session.emit('reinviteFailed', session);
	await turn();
	assert.equal(all.pc.signalingState, 'stable');
	await handler.rollbackDescription();
	assert.equal(all.pc.calls.filter(([, d]) => d && d.type === 'rollback').length, 1);
});

test('close gives the devices back, once, also those that come late', async (t) => {
	const all = setup(t), { handler, devices } = all;

	await state(handler.getDescription());
	const received = new FakeTrack('audio');
	all.pc.receivers.push({ track: received });
	handler.close();
	handler.close();
	assert.equal(all.pc.calls.filter(([n]) => n === 'close').length, 1);
	assert.ok(devices.streams[0].getTracks().every((track) => track.stopped > 0));
	assert.equal(received.stopped, 1);
	await assert.rejects(handler.getDescription(), /ended/);

	let give;
	const late = setup(t, {}, { devices: () => new Promise((resolve) => { give = resolve; }) });
	const promise = late.handler.getDescription();
	await turn();
	late.handler.close();
	const track = new FakeTrack('audio');
	give({ getTracks: () => [track] });
	await assert.rejects(promise, /ended/);
	assert.equal(track.stopped, 1);
	assert.equal(FakePeerConnection.made.length, 1);
});

test('without WebRTC there is a handler that says so', async () => {
	const session = fakeSession(), handler = factory(session, {});

	assert.ok(session.ua.lines.some((l) => /WebRTC is not supported/.test(l)));
	await assert.rejects(handler.getDescription(), { name: 'GET_DESCRIPTION_ERROR', message: 'WebRTC is not supported' });
	handler.close();
});
