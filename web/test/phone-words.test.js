/* What the phone on a page says when something goes wrong. */
'use strict';
const test = require('node:test'), assert = require('node:assert/strict');
const { pathToFileURL } = require('node:url');
const path = require('node:path');

const words = () => import(pathToFileURL(path.join(__dirname, '../phone/words.js')));

test('a refusal is said in words, whatever the server wrote', async () => {
	const { refusal } = await words();
	assert.equal(refusal({ status_code: 486, reason_phrase: 'x' }, 'Busy'), 'Busy.');
	assert.equal(refusal({ status_code: 499, reason_phrase: 'Odd' }, ''), 'Refused: 499 Odd');
	assert.equal(refusal(null, 'Connection Error'), 'The connection to the server was lost.');
	assert.equal(refusal(null, 'Something New'), 'Something New.');
	assert.equal(refusal(null, null), '');
});

test('a wrong account ends the attempt, a busy server does not', async () => {
	const { isWrongAccount, registrationTrouble } = await words();
	assert.deepEqual([401, 403, 404, 407, 408, 500, 503].map((status_code) => isWrongAccount({ status_code })),
		[true, true, true, true, false, false, false]);
	assert.equal(isWrongAccount(null), false);
	assert.match(registrationTrouble({ status_code: 403 }, ''), /password/);
	assert.match(registrationTrouble({ status_code: 404 }, ''), /account/);
	assert.match(registrationTrouble(null, null), /does not register/);
});

test('a device that is not to be had is named, and what to do', async (t) => {
	const { deviceTrouble } = await words();
	globalThis.window = { isSecureContext: true };
	t.after(() => { delete globalThis.window; });
	const says = (name, video) => deviceTrouble({ name, message: 'm' }, video);
	assert.match(says('NotAllowedError', false), /microphone is not allowed/);
	assert.match(says('NotAllowedError', true), /microphone or camera is not allowed/);
	assert.match(says('NotFoundError', false), /plugged in/);
	assert.match(says('NotReadableError', false), /another program/);
	assert.match(says('OverconstrainedError', true), /settings/);
	assert.match(says('Other', false), /No microphone: m/);
	window.isSecureContext = false;
	assert.match(says('TypeError', false), /https/);
});
