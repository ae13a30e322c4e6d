/* SIP.Utils, SIP.C, SIP.Exceptions, SIP.Timers. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const SIP = require('../src/index.js');
const { provide } = require('../src/provided.js');

const { Utils, C, Exceptions } = SIP;

test('the object says whose interface it has', () => {
	assert.deepEqual([SIP.version, SIP.name, C.USER_AGENT], ['0.9.2', 'SIP.js', 'SIP.js/0.9.2']);
	assert.equal(SIP.Web, SIP.WebRTC);
});

test('what a person typed becomes a URI', () => {
	const normal = (...args) => String(Utils.normalizeTarget(...args));

	for (const [target, domain, wanted] of [
		['bob', 'd.com', 'sip:bob@d.com'], ['sip:bob@H', 'd', 'sip:bob@h'], ['sips:bob@h', 'd', 'sip:bob@h'], ['tel:+34-602 1', 'd',
			'sip:+34-602%201@d'],
		['+34-602.(1)', 'd', 'sip:+346021@d'], ['a-b', 'd', 'sip:a-b@d'], ['a@b@c', 'd', 'sip:a%40b@c'], ['%61lice@h', undefined,
			'sip:alice@h'],
		['sip:a@h:5;x=y?z=w', 'd', 'sip:a@h:5;x=y?Z=w'], ['#31#', 'd', 'sip:%2331%23@d'], ['50%', 'd', 'sip:50%25@d'], ['\u00f1',
			'd', 'sip:%C3%B1@d'],
	])
		assert.equal(normal(target, domain), wanted);
	for (const [target, domain] of [['bob'], [''], [undefined], [null], [5, 'd'], ['@h', 'd'], ['a@', 'd'], ['a@h_h', 'd'], ['-',
		'd'], ['sip:bob@h>', 'd']])
		assert.equal(Utils.normalizeTarget(target, domain), undefined);
	const uri = SIP.URI.parse('sip:x');
	assert.equal(Utils.normalizeTarget(uri), uri);
});

test('names of headers', () => {
	for (const [name, wanted] of [['call-id', 'Call-ID'], ['CSEQ', 'CSeq'], ['rack', 'RAck'], ['rseq', 'RSeq'], ['www-authenticate',
		'WWW-Authenticate'],
		['MIN-SE', 'Min-SE'], ['x-foo-BAR', 'X-Foo-Bar'], ['content_type', 'Content-Type'], ['', '']])
		assert.equal(Utils.headerize(name), wanted);
});

test('numbers', () => {
	for (const yes of [5, '5', -1, 1e3, '0x1', ' 5'])
		assert.equal(Utils.isDecimal(yes), true, String(yes));
	for (const no of [1.5, '1.5', 'a', '5a', '', null, undefined, NaN, Infinity, true])
		assert.equal(Utils.isDecimal(no), false, String(no));
});

test('tokens have the length and the digits that were asked for', () => {
	assert.match(Utils.createRandomToken(500), /^[0-9a-v]{500}$/);
	assert.match(Utils.createRandomToken(50, 10), /^[0-9]{50}$/);
	assert.equal(Utils.createRandomToken(0), '');
	assert.match(Utils.newTag(), /^[0-9a-v]{10}$/);
	assert.notEqual(Utils.newTag(), Utils.newTag());
	assert.match(Utils.newUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	assert.match(Utils.getRandomTestNetIP(), /^192\.0\.2\.\d{1,3}$/);
});

test('randomness and MD5 are what was provided', () => {
	assert.equal(Utils.calculateMD5('\u00e9'), '66ddcd97cfdeabb2f6fb8a999b4bc76f');
	try {
		provide({ random: (n) => new Uint8Array(n).fill(33) });
		assert.equal(Utils.createRandomToken(3), '111');
	} finally {
		provide({ random: (n) => require('node:crypto').randomBytes(n) });
	}
});

test('lengths count bytes', () => {
	assert.equal(Utils.str_utf8_length('a\u00e9\u20ac\ud83d\ude00'), 10);
	assert.equal(Utils.str_utf8_length(''), 0);
});

test('reasons and causes', () => {
	assert.equal(Utils.getReasonPhrase(486), 'Busy Here');
	assert.equal(Utils.getReasonPhrase(486, 'mine'), 'mine');
	assert.equal(Utils.getReasonPhrase(699), '');
	for (const [code, cause] of [[486, 'Busy'], [600, 'Busy'], [302, 'Redirected'], [603, 'Rejected'], [408, 'Unavailable'], [404,
		'Not Found'],
		[484, 'Address Incomplete'], [606, 'Incompatible SDP'], [407, 'Authentication Error'], [500, 'SIP Failure Code']])
		assert.equal(Utils.sipErrorCause(code), cause);
	assert.equal(Utils.getReasonHeaderValue(486), 'SIP ;cause=486 ;text="Busy Here"');
	assert.equal(Utils.getReasonHeaderValue(486, 'a"b'), 'SIP ;cause=486 ;text="a\\"b"');
	assert.equal(Utils.getCancelReason(200, 'ok'), 'SIP ;cause=200 ;text="ok"');
	assert.equal(Utils.getCancelReason(), undefined);
	for (const code of [199, 700, 'x'])
		assert.throws(() => Utils.getCancelReason(code), { name: 'TypeError', message: `Invalid status_code: ${code}` });
});

test('status lines', () => {
	assert.equal(Utils.buildStatusLine(200), 'SIP/2.0 200 OK\r\n');
	assert.equal(Utils.buildStatusLine(299, 'Fine'), 'SIP/2.0 299 Fine\r\n');
	for (const [code, said] of [[99, '99'], [700, '700'], [undefined, 'null'], ['x', 'x']])
		assert.throws(() => Utils.buildStatusLine(code), { name: 'TypeError', message: `Invalid status_code: ${said}` });
	assert.throws(() => Utils.buildStatusLine(200, 5), { message: 'Invalid reason_phrase: 5' });
	assert.throws(() => Utils.buildStatusLine(200, 'OK\r\nEvil: x'), TypeError);
});

test('promises', async () => {
	const deferred = Utils.defer();

	deferred.resolve(5);
	assert.equal(await deferred.promise, 5);
	await assert.rejects(() => {
		const d = Utils.defer();
		d.reject(new Error('no'));
		return d.promise;
	}, /no/);
	assert.equal(await Utils.reducePromises([(v) => Promise.resolve(v + 'b'), (v) => v + 'c'], 'a'), 'abc');
	assert.equal(await Utils.reducePromises([], 'a'), 'a');
});

test('small helpers', () => {
	assert.equal(Utils.isFunction(() => {}), true);
	assert.equal(Utils.isFunction(async () => {}), true);
	assert.equal(Utils.isFunction({}), false);
	assert.deepEqual(['1.2.3.4', '[::1]', 'a.b', 'a_b', undefined].map(Utils.hostType), ['IPv4', 'IPv6', 'domain', undefined,
		undefined]);
	assert.equal(Utils.generateFakeSDP('v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\ns=x\r\nm=audio 5 RTP/AVP 0\r\n'),
		'v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nc=IN IP4 0.0.0.0');
	assert.equal(Utils.generateFakeSDP(undefined), undefined);

	function Base(x) { this.x = x; }
	Base.prototype.f = () => 'base';
	Base.prototype.g = () => 'base';
	const object = { f: () => 'own' };
	Utils.augment(object, Base, [5]);
	assert.deepEqual([object.x, object.f(), object.g()], [5, 'own', 'base']);
	Utils.augment(object, Base, [6], true);
	assert.deepEqual([object.x, object.f()], [6, 'base']);

	const warnings = [], options = { old: 1, both: 2, loser: 3 }, logger = { warn: (w) => warnings.push(w) };
	Utils.optionsOverride(options, 'fresh', 'old', true, logger, 9);
	Utils.optionsOverride(options, 'both', 'loser', false, logger, 9);
	Utils.optionsOverride(options, 'none', 'neither', true, logger, 9);
	assert.deepEqual([options.fresh, options.both, options.none], [1, 2, 9]);
	assert.deepEqual(warnings, ['old is deprecated, please use fresh instead', 'both overriding loser']);
});

test('exceptions', () => {
	for (const [name, args, code, text, fields, message] of [
		['ConfigurationError', ['uri', 'x'], 1, 'CONFIGURATION_ERROR', { parameter: 'uri', value: 'x' },
			'Invalid value "x" for parameter "uri"'],
		['ConfigurationError', ['uri', 0], 1, 'CONFIGURATION_ERROR', { parameter: 'uri', value: 0 }, 'Missing parameter: uri'],
		['InvalidStateError', [9], 2, 'INVALID_STATE_ERROR', { status: 9 }, 'Invalid status: 9'],
		['NotSupportedError', ['m'], 3, 'NOT_SUPPORTED_ERROR', {}, 'm'],
		['GetDescriptionError', ['m'], 4, 'GET_DESCRIPTION_ERROR', {}, 'm'],
		['RenegotiationError', ['m'], 5, 'RENEGOTIATION_ERROR', {}, 'm'],
		['MethodParameterError', ['publish', 'body', {}], 6, 'METHOD_PARAMETER_ERROR', { method: 'publish', parameter: 'body' },
			'Invalid value {} for parameter "body"'],
		['TransportError', ['m'], 7, 'TRANSPORT_ERROR', {}, 'm'],
		['SessionDescriptionHandlerError', ['setDescription', new Error('e')], 8, 'SESSION_DESCRIPTION_HANDLER_ERROR',
			{ method: 'setDescription' },
			'Error with Session Description Handler: e'],
	]) {
		const e = new Exceptions[name](...args);
		assert.ok(e instanceof Error && e instanceof Exceptions[name]);
		assert.deepEqual([e.code, e.name, e.message], [code, text, message]);
		for (const field of Object.keys(fields))
			assert.equal(e[field], fields[field]);
	}
	const circle = {};
	circle.self = circle;
	assert.match(new Exceptions.ConfigurationError('log', circle).message, /^Invalid value \[object Object\]/);
});

test('timers are the clock of the moment', (t) => {
	const set = t.mock.method(globalThis, 'setTimeout', () => 'id');

	assert.equal(SIP.Timers.setTimeout(() => {}, 5), 'id');
	assert.equal(set.mock.calls[0].arguments[1], 5);
	const { T1, T2, T4, TIMER_B, TIMER_D, TIMER_N } = SIP.Timers;
	assert.deepEqual([T1, T2, T4, TIMER_B, TIMER_D, TIMER_N], [500, 4000, 5000, 32000, 0, 32000]);
});
