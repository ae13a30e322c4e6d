/* SIP.PublishContext, which came with 0.11. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { Scene } = require('./lib/scene.js');

async function published() {
	const s = new Scene('ours'), events = [];
	await s.start();
	s.context = s.ua.publish('sip:alice@example.com', 'presence', 'state 1', { expires: 60, contentType: 'text/x' });
	for (const name of ['progress', 'published', 'unpublished', 'failed'])
		s.context.on(name, (response, cause) => events.push(`${name} ${response && response.status_code} ${cause}`));
	return { s, events };
}

const ok = (s, request, tag, seconds = 60) => s.world.answer(request, 200, { headers: [`SIP-ETag: ${tag}`, `Expires: ${seconds}`] });

test('published, changed, refreshed and taken back', async () => {
	const { s, events } = await published();
	const first = await s.world.next('PUBLISH');
	assert.deepEqual([first.get('Event'), first.get('Expires'), first.get('SIP-If-Match'), first.body, first.get('Content-Type')],
		['presence', '60', undefined, 'state 1', 'text/x']);
	await ok(s, first, 'a');
	s.context.publish('state 2');
	const second = await s.world.next('PUBLISH');
	assert.deepEqual([second.get('SIP-If-Match'), second.body], ['a', 'state 2']);
	await ok(s, second, 'b');
	await s.world.pass(54500);
	const third = await s.world.next('PUBLISH');
	assert.deepEqual([third.get('SIP-If-Match'), third.body], ['b', '']);
	await ok(s, third, 'c');
	s.context.unpublish();
	const last = await s.world.next('PUBLISH');
	assert.deepEqual([last.get('SIP-If-Match'), last.get('Expires')], ['c', '0']);
	await s.world.answer(last, 200);
	assert.deepEqual(events, ['published 200 OK', 'published 200 OK', 'published 200 OK', 'unpublished 200 OK']);
});

test('refused', async () => {
	const { s, events } = await published();
	await s.world.answer(await s.world.next('PUBLISH'), 489);
	assert.deepEqual(events, ['failed 489 Bad Event', 'unpublished 489 Bad Event']);
});

test('a lost tag, and too short a life', async () => {
	const { s, events } = await published();
	await s.world.answer(await s.world.next('PUBLISH'), 423, { headers: ['Min-Expires: 300'] });
	const longer = await s.world.next('PUBLISH');
	assert.equal(longer.get('Expires'), '300');
	await ok(s, longer, 'a', 300);
	s.context.publish('state 2');
	await s.world.answer(await s.world.next('PUBLISH'), 412);
	const anew = await s.world.next('PUBLISH');
	assert.deepEqual([anew.get('SIP-If-Match'), anew.body], [undefined, 'state 2']);
	await ok(s, anew, 'b', 300);
	assert.equal(events.filter((e) => e.startsWith('published')).length, 2);
});

test('wrong arguments', async () => {
	const { s } = await published();
	assert.throws(() => s.ua.publish('', 'presence', 'x'), { name: 'METHOD_PARAMETER_ERROR' });
	assert.throws(() => s.ua.publish('bob', '', 'x'), { name: 'METHOD_PARAMETER_ERROR' });
	assert.throws(() => new s.SIP.PublishContext(s.ua, 'bob', 'presence').publish(), { name: 'METHOD_PARAMETER_ERROR' });
});
