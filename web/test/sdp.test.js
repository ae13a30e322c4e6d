/* Session descriptions as text, and the modifiers. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const sdp = require('../src/sdp.js');
const { WebRTC: { Modifiers } } = require('../src/index.js');

const text = (...lines) => lines.map((l) => `${l}\r\n`).join('');
const HEAD = text('v=0', 'o=- 1 2 IN IP4 0.0.0.0', 's=-', 't=0 0');
const AUDIO = text('m=audio 5000 RTP/SAVPF 9 0 101 126', 'c=IN IP4 0.0.0.0', 'a=rtpmap:9 G722/8000', 'a=rtpmap:0 PCMU/8000',
	'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16',
	'a=rtpmap:126 Telephone-Event/48000', 'a=candidate:1 1 udp 1 1.1.1.1 1 typ host',
		'a=candidate:1 1 TCP 1 1.1.1.1 9 typ host tcptype active');

test('hold takes the other direction away', () => {
	for (const [given, wanted] of [['a=sendrecv', 'a=sendonly'], ['a=recvonly', 'a=inactive'], ['a=sendonly', 'a=sendonly'],
		['a=inactive', 'a=inactive']])
		assert.equal(sdp.hold(HEAD + text('m=audio 1 x 0', given, 'a=x')), HEAD + text('m=audio 1 x 0', wanted, 'a=x'));
	assert.equal(sdp.hold(HEAD + text('m=audio 1 x 0', 'a=x', 'm=video 1 x 0', 'a=sendrecv')), HEAD + text('m=audio 1 x 0',
		'a=sendonly', 'a=x', 'm=video 1 x 0', 'a=sendonly'));
	assert.equal(sdp.hold(text('v=0', 'a=sendrecv', 'm=audio 1 x 0')), text('v=0', 'a=sendonly', 'm=audio 1 x 0'));
	assert.equal(sdp.hold('v=0\nm=audio 1 x\n'), 'v=0\nm=audio 1 x\na=sendonly\n');
	/* Held twice is held. */
	const once = sdp.hold(HEAD + AUDIO);
	assert.equal(sdp.hold(once), once);
});

test('what both sides agreed on', () => {
	const media = (direction) => HEAD + text('m=audio 1 x 0', ...(direction ? [`a=${direction}`] : []));

	for (const [mine, theirs, agreed] of [['sendrecv', 'sendrecv', 'sendrecv'], [undefined, undefined, 'sendrecv'], ['sendonly',
		'recvonly', 'sendonly'], ['sendrecv', 'sendonly', 'recvonly'],
		['sendrecv', 'inactive', 'inactive'], ['sendonly', 'sendonly', 'inactive'], ['recvonly', 'sendrecv', 'recvonly']])
		assert.equal(sdp.agreedDirection(media(mine), media(theirs)), agreed);
	assert.equal(sdp.agreedDirection('', media()), null);
	assert.equal(sdp.direction(HEAD + text('m=audio 0 x 0', 'a=inactive', 'm=video 1 x 0', 'a=recvonly')), 'recvonly');
	assert.equal(sdp.direction(text('v=0', 'a=sendonly', 'm=audio 1 x 0')), 'sendonly');
});

const modified = async (name, body) => (await Modifiers[name]({ type: 'offer', sdp: body })).sdp;

test('stripTcpCandidates', async () => {
	assert.equal(await modified('stripTcpCandidates', HEAD + AUDIO), HEAD + AUDIO.replace(/a=candidate:1 1 TCP.*\r\n/, ''));
});

test('stripTelephoneEvent and stripG722 take an encoding out, and all that describes it', async () => {
	assert.equal(await modified('stripTelephoneEvent', HEAD + AUDIO), HEAD + text('m=audio 5000 RTP/SAVPF 9 0', 'c=IN IP4 0.0.0.0',
		'a=rtpmap:9 G722/8000', 'a=rtpmap:0 PCMU/8000',
		'a=candidate:1 1 udp 1 1.1.1.1 1 typ host', 'a=candidate:1 1 TCP 1 1.1.1.1 9 typ host tcptype active'));
	assert.equal(await modified('stripG722', HEAD + AUDIO), HEAD + AUDIO.replace('SAVPF 9 0',
		'SAVPF 0').replace('a=rtpmap:9 G722/8000\r\n', ''));
	/* A number of its own needs no rtpmap, and a section needs an encoding. */
	assert.equal(await modified('stripG722', text('m=audio 1 x 0 9')), text('m=audio 1 x 0'));
	assert.equal(await modified('stripG722', text('m=audio 1 x 9')), text('m=audio 1 x 9'));
	assert.equal(await modified('stripG722', text('m=video 1 x 9 8')), text('m=video 1 x 9 8'));
});

test('cleanJitsiSdpImageattr', async () => {
	assert.equal(await modified('cleanJitsiSdpImageattr',
		text('a=imageattr:97 send [x=[0-1920],y=[0-1080]] recv [x=[0-5],y=[16:6]]', 'a=x [x=[0-1]]')),
		text('a=imageattr:97 send [x=[1:1920],y=[1:1080]] recv [x=[1:5],y=[16:6]]', 'a=x [x=[0-1]]'));
});

test('a modifier of nothing gives nothing', async () => {
	for (const name of Object.keys(Modifiers))
		for (const given of [{ type: 'rollback' }, undefined])
			assert.equal(await Modifiers[name](given), given);
});

test('who can be reached without knowing us', () => {
	const remote = (...lines) => HEAD + text('m=audio 1 x 0', ...lines);

	assert.equal(sdp.isReachable(remote('a=candidate:1 1 udp 5 198.51.100.1 5 typ host')), true);
	assert.equal(sdp.isReachable(text('v=0', 'a=ice-lite')), true);
	for (const address of ['10.0.0.1', '192.168.1.1', '172.20.0.1', '127.0.0.1', 'fd00::1', 'fe80::1', '100.64.0.1', 'abc.local'])
		assert.equal(sdp.isReachable(remote(`a=candidate:1 1 udp 5 ${address} 5 typ host`)), false, address);
	assert.equal(sdp.isReachable(remote('a=candidate:1 1 udp 5 198.51.100.1 5 typ srflx raddr 10.0.0.1 rport 5')), false);
	assert.equal(sdp.isReachable(undefined), false);
});

test('candidates travel in a fragment', () => {
	const local = HEAD + text('m=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=ice-ufrag:uf', 'a=ice-pwd:pw', 'a=mid:a',
		'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=ice-ufrag:uf', 'a=ice-pwd:pw', 'a=mid:v');
	const candidate = (sdpMid, n) => ({ candidate: `candidate:${n} 1 udp 1 1.1.1.1 1 typ host`, sdpMid });

	const part = sdp.writeFragment(local, [candidate('v', 1), candidate('v', 2)], false);
	assert.equal(part, text('a=ice-ufrag:uf', 'a=ice-pwd:pw', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:v',
		'a=candidate:1 1 udp 1 1.1.1.1 1 typ host', 'a=candidate:2 1 udp 1 1.1.1.1 1 typ host'));
	assert.deepEqual(sdp.readFragment(part, local), [1, 2].map((n) => Object.assign(candidate('v', n), { sdpMLineIndex: 1 })));
	const end = sdp.writeFragment(local, [], true);
	assert.equal(end.match(/a=end-of-candidates/g).length, 2);
	assert.deepEqual(sdp.readFragment(end, local).map((c) => [c.candidate, c.sdpMid]), [['', 'a'], ['', 'v']]);
	/* Of a generation that is over. */
	assert.deepEqual(sdp.readFragment(part.replace(':uf', ':u'), local), []);
});

test('credentials of one section alone stand after its m= line', () => {
	const ours = (n) => [`a=ice-ufrag:u${n}`, `a=ice-pwd:p${n}`], line = 'm=audio 9 UDP/TLS/RTP/SAVPF 0';
	const local = HEAD + text(line, ...ours(1), 'a=mid:a', line, ...ours(2), 'a=mid:v', line, ...ours(1), 'a=mid:w');
	const whole = text(...ours(1), line, 'a=mid:a', 'a=end-of-candidates', line, 'a=mid:v', ...ours(2), 'a=end-of-candidates',
		line, 'a=mid:w', 'a=end-of-candidates');
	const mids = (remote) => sdp.readFragment(whole, remote).map((c) => c.sdpMid);

	assert.equal(sdp.writeFragment(local, [], true), whole);
	assert.deepEqual(mids(local), ['a', 'v', 'w']);
	/* One section's are not the next one's. */
	assert.deepEqual(mids(local.replace(':u2', ':new')), ['a', 'w']);
	assert.deepEqual(mids(local.replace(/:u1/g, ':new')), ['v']);
});
