/* Transfers asked for by whoever means no good: what they write is refused, and nothing is thrown. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js');

async function refer(to, more = []) {
	const s = new Scene('ours');
	await s.start();
	await s.upIn();
	s.heard = [];
	s.call.on('referRejected', () => s.heard.push('referRejected'));
	await s.inside('REFER', { headers: [`Refer-To: ${to}`, 'Contact: <sip:bob@server.example.com>', ...more] });
	await s.world.settle();
	assert.deepEqual(s.world.errors, []);
	s.invites = s.world.wire.filter((m) => m.method === 'INVITE');
	s.told = s.world.wire.filter((m) => m.method === 'NOTIFY').map((m) => m.body.trim());
	return s;
}

test('an escaped line end becomes no header of ours', async () => {
	for (const end of ['%0D%0A', '%0A', '%00']) {
		const s = await refer(`<sip:carol@example.com?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc${end}X-Injected%3A%20yes>`);
		assert.equal(s.invites.length, 0);
		assert.match(s.told.pop(), /^SIP\/2.0 400/);
		assert.deepEqual(s.heard, ['referRejected']);
	}
	const s = await refer('<sip:carol@example.com>', ['Referred-By: <sip:bob@example.com>\r\n ;x=y']);
	assert.match(s.invites[0].get('Referred-By'), /^<sip:bob@example.com> +;x=y$/);
});

test('a Replaces that is no UTF-8 is told as refused', async () => {
	const s = await refer('<sip:carol@example.com?Replaces=%ff%fe>');
	assert.match(s.told.pop(), /^SIP\/2.0 400/);
});

test('a Refer-To that cannot be read is refused, and nobody is told of it', async () => {
	const s = await refer('<<<>');
	assert.ok(s.world.wire.some((m) => m.cseqMethod === 'REFER' && m.status >= 400));
	const out = new Scene('ours');
	await out.start({ allowOutOfDialogRefers: true });
	await out.world.ask('REFER', { uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=caller', to: '<sip:alice@example.com>', callId: 'refer', cseq: 1,
		headers: ['Refer-To: <<<>', 'Contact: <sip:bob@example.com>'] });
	await out.world.settle();
	assert.deepEqual(out.world.errors, []);
	assert.ok(out.world.wire.some((m) => m.cseqMethod === 'REFER' && m.status >= 400));
});

test('the name of whom we transfer to stays here', async () => {
	const s = new Scene('ours');
	await s.start();
	await s.upIn();
	const first = s.call;
	first.remoteIdentity.displayName = 'B" <sip:eve@example.com>, "';
	await s.up();
	s.call.refer(first);
	assert.match((await s.world.next('REFER')).get('Refer-To'), /^<sip:bob@server\.example\.com/);
});
