/* Transfers that are asked of us, and attended ones: where SIP.js writes its NOTIFYs wrong, there is nothing to compare. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js');

const REFER = { headers: ['Refer-To: <sip:carol@example.com>', 'Referred-By: <sip:bob@example.com>', 'Contact: <sip:bob@server.example.com>'] };

async function asked(headers = REFER) {
	const s = new Scene('ours');
	await s.start();
	await s.upIn();
	return { s, ask: () => s.inside('REFER', headers) };
}

/* The NOTIFYs so far, as "status line / Subscription-State". */
const told = (s) => s.world.wire.filter((m) => m.method === 'NOTIFY').map((m) => `${m.body.trim()} / ${m.get('Subscription-State').split(';')[0]}`);

test('a REFER that nobody listens to is followed', async () => {
	const { s, ask } = await asked();
	await ask();
	await s.world.next('202 REFER');
	const invite = await s.world.next('INVITE');
	assert.equal(invite.uri, 'sip:carol@example.com');
	assert.equal(invite.get('Referred-By'), '<sip:bob@example.com>');
	await s.world.answer(invite, 180, { headers: ['Contact: <sip:carol@example.com>'] });
	await s.world.answer(invite, 200, { headers: ['Contact: <sip:carol@example.com>'], body: 'v=0 carol' });
	await s.world.next('ACK');
	await s.world.settle();
	const notifies = told(s);
	assert.equal(notifies[notifies.length - 1], 'SIP/2.0 200 OK / terminated');
	assert.ok(notifies.slice(0, -1).every((n) => n.endsWith('/ active')), notifies.join(', '));
	const events = s.record.events.filter((e) => /refer/.test(e));
	assert.deepEqual(events.map((e) => e.replace(/ 2/, '')), ['referred: referRequestAccepted(referred)', 'referred: referInviteSent(referred)',
		'referred: referProgress(referred)', 'call: referProgress(referred)', 'referred: referAccepted(referred)', 'call: referAccepted(referred)']);
});

test('one whose target refuses tells so', async () => {
	const { s, ask } = await asked();
	await ask();
	await s.world.answer(await s.world.next('INVITE'), 486);
	await s.world.settle();
	const notifies = told(s);
	assert.equal(notifies[notifies.length - 1], 'SIP/2.0 603 Decline / terminated');
});

test('a listener decides; accept() without following says that it was taken', async () => {
	const { s, ask } = await asked();
	s.call.on('referRequested', (context) => {
		assert.equal(context.referTo.uri.toString(), 'sip:carol@example.com');
		assert.equal(context.referredBy, '<sip:bob@example.com>');
		context.accept();
		assert.throws(() => context.accept(), { name: 'INVALID_STATE_ERROR' });
	});
	await ask();
	await s.world.next('202 REFER');
	await s.world.settle();
	assert.equal(told(s).pop(), 'SIP/2.0 200 OK / terminated');
	assert.equal(s.world.wire.filter((m) => m.method === 'INVITE').length, 0);
});

test('a transfer to a session names its dialog', async () => {
	const s = new Scene('ours');
	await s.start();
	await s.up();
	const first = s.call, firstId = s.invite.get('Call-ID');
	await s.up();
	s.call.refer(first);
	const refer = await s.world.next('REFER'), to = decodeURIComponent(/Replaces=([^>]*)/.exec(refer.get('Refer-To'))[1]);
	assert.equal(to, `${firstId};to-tag=server;from-tag=${s.SIP.NameAddrHeader.parse(s.world.wire[0].get('From')).getParam('tag')}`);
	assert.equal(refer.all('Contact').length, 1);
	assert.equal(refer.all('Allow').length, 1);
});

test('a REFER outside of a call is refused, or told when that is allowed', async () => {
	const outside = { uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=caller', to: '<sip:alice@example.com>', callId: 'refer', cseq: 1, headers: REFER.headers };
	const s = new Scene('ours');
	await s.start({ allowOutOfDialogRefers: true });
	s.ua.on('outOfDialogReferRequested', (context) => context.reject({ statusCode: 603 }));
	await s.world.ask('REFER', outside);
	await s.world.next('603 REFER');
});
