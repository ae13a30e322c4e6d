/* Requests that leave, messages that arrive, the parser and the sanity check. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const fs = require('node:fs'), path = require('node:path');
const { OutgoingRequest, IncomingRequest, IncomingResponse, Parser, sanityCheck, URI } = require('../src/index.js');
const { fakeUA } = require('./fakes.js');

const target = URI.parse('sip:Target@Host.example');
const HEAD = ['Via: SIP/2.0/WSS host.invalid;branch=z9hG4bKx', 'From: "A" <sip:a@b>;tag=ft', 'To: <sip:c@d>', 'Call-ID: cid',
	'CSeq: 7 INVITE'];
const message = (first, lines = [], body = '') => [first, ...lines, '', body].join('\r\n');
const parse = (text, ua = fakeUA()) => Parser.parseMessage(text, ua);

/* The header lines of a message, the random parts gone. */
function lines(text) {
	return String(text).split('\r\n\r\n')[0].split('\r\n').map((line) => line.replace(/tag=[0-9a-v]{10}$/, 'tag=TAG')
		.replace(/^(Call-ID: abcde)[0-9a-v]{15}$/, '$1RANDOM').replace(/^CSeq: \d{1,4} /, 'CSeq: N '));
}

test('a request has its headers in order', () => {
	const request = new OutgoingRequest('INVITE', target, fakeUA({ displayName: 'Me' }), {}, ['X-A: b', 'Contact: <sip:x>'],
		{ body: 'h\u00e9', contentType: 'text/plain' });

	assert.deepEqual(lines(request), ['INVITE sip:Target@Host.example SIP/2.0', 'Via: ', 'Max-Forwards: 70',
		'To: <sip:Target@Host.example>',
		'From: "Me" <sip:me@Home.example>;tag=TAG', 'Call-ID: abcdeRANDOM', 'CSeq: N INVITE', 'X-A: b', 'Contact: <sip:x>',
			'Supported: outbound',
		'User-Agent: tests', 'Content-Type: text/plain', 'Content-Length: 3']);
	assert.ok(String(request).endsWith('\r\n\r\nh\u00e9'));
	assert.ok(request.cseq < 10000);
	assert.equal(request.callId, request.call_id);
});

test('parameters of a request override what it would say', () => {
	const request = new OutgoingRequest('MESSAGE', 'sip:Text@Host', fakeUA({ displayName: 'Me' }), { from_displayName: 0,
		from_uri: URI.parse('sip:F@G'), from_tag: 'ft',
		to_displayName: 'T "quoted"', to_uri: 'sip:To@Uri', to_tag: 'tt', call_id: 'mine', cseq: 5, route_set: ['<sip:r1;lr>',
			'<sip:r2;lr>'] }, undefined, 'text');

	assert.deepEqual(lines(request).slice(0, 9), ['MESSAGE sip:Text@Host SIP/2.0', 'Route: <sip:r1;lr>', 'Route: <sip:r2;lr>',
		'Via: ', 'Max-Forwards: 70',
		'To: "T \\"quoted\\"" <sip:To@Uri>;tag=tt', 'From: "0" <sip:F@G>;tag=ft', 'Call-ID: mine', 'CSeq: N MESSAGE']);
	assert.equal(request.from.getParam('tag'), 'ft');
	assert.equal(request.to.uri.host, 'uri');
	assert.ok(String(request).endsWith('Content-Length: 4\r\n\r\ntext'));
	assert.ok(!request.hasHeader('content-type'));
});

test('the headers of a request can be read and set', () => {
	const request = new OutgoingRequest('INVITE', target, fakeUA(), { cseq: 9 }, ['X-A: one', 'x-a : two', 'Content-Type: a/b']);

	assert.equal(request.getHeader('CSEQ'), '9 INVITE');
	assert.equal(request.getHeader('x-A'), 'one');
	assert.deepEqual(request.getHeaders('X-a'), ['one', 'two']);
	assert.deepEqual([request.getHeader('none'), request.getHeaders('none')], [undefined, []]);
	assert.deepEqual(['via', 'X-A', 'none', ''].map((n) => request.hasHeader(n)), [true, true, false, false]);
	request.setHeader('x-new', 'v');
	request.setHeader('via', 'SIP/2.0/WSS x');
	request.setHeader('x-list', ['1', '2']);
	assert.deepEqual(request.getHeaders('X-List'), ['1', '2']);
	assert.deepEqual(lines(request).filter((l) => /^(Via|X-)/i.test(l)), ['Via: SIP/2.0/WSS x', 'X-New: v', 'X-List: 1',
		'X-List: 2', 'X-A: one', 'x-a : two']);
	assert.deepEqual(new OutgoingRequest('INVITE', target, fakeUA(), {}, 'X-One: line').extraHeaders, ['X-One: line']);
	for (const args of [[], ['INVITE'], ['INVITE', target]])
		assert.deepEqual(Object.keys(new OutgoingRequest(...args)), []);
});

test('what is supported depends on method and configuration', () => {
	const supported = (method, configuration, contact) => new OutgoingRequest(method, target, fakeUA(configuration,
		contact)).toString().match(/Supported: (.*)/)[1];
	const all = { rel100: 'supported', replaces: 'supported', extraSupported: ['timer', '100rel', 'made-up'] };

	assert.equal(supported('INVITE', {}), 'outbound');
	assert.equal(supported('REGISTER', {}), 'path, gruu, outbound');
	assert.equal(supported('INVITE', all, { pub_gruu: 'x' }), 'gruu, 100rel, replaces, outbound, timer');
	assert.equal(supported('MESSAGE', all, { temp_gruu: 'x' }), '100rel, replaces, outbound, timer');
	assert.equal(supported('INVITE', { rel100: 'required', hackAllowUnregisteredOptionTags: true, extraSupported: ['made-up'] }),
		'outbound, made-up');
	const ua = fakeUA({ usePreloadedRoute: true });
	assert.ok(!new OutgoingRequest('INVITE', target, ua).hasHeader('route'));
	ua.transport = { server: { sip_uri: '<sip:edge;transport=ws;lr>' } };
	assert.equal(lines(new OutgoingRequest('INVITE', target, ua))[1], 'Route: <sip:edge;transport=ws;lr>');
});

test('a request is parsed', () => {
	const text = message('INVITE sip:X@Y;lr SIP/2.0', ['v: SIP/2.0/WSS a:5;branch=z9, SIP/2.0/TCP b;x="c,d"',
		'f: "A" <sip:a@b>;tag=ft', 't: <sip:c@d>;tag=tt', 'i: cid@h',
		'CSeq: 7 INVITE', 'X-Foo: 1', 'x-FOO:2', 'Subject: a', '\tb', 'k: 100rel', 'm: <sip:m>;q=1, "C" <sip:n>',
			'Contact: <sip:o>', 'Record-Route: <sip:r1;lr>,<sip:r2;lr>',
		'r: <sip:refer>', 'l: 3', 'o: presence'], 'abcdef');
	const request = parse(text);

	assert.ok(request instanceof IncomingRequest);
	assert.deepEqual([request.method, request.ruri.toRaw(), request.call_id, request.cseq, request.from_tag, request.to_tag,
		request.via_branch, request.body],
		['INVITE', 'sip:X@Y;lr', 'cid@h', 7, 'ft', 'tt', 'z9', 'abc']);
	assert.deepEqual([request.callId, request.fromTag, request.toTag, request.viaBranch], ['cid@h', 'ft', 'tt', 'z9']);
	assert.deepEqual([request.via.host, request.via.port], ['a', 5]);
	assert.deepEqual(request.getHeaders('via'), ['SIP/2.0/WSS a:5;branch=z9', 'SIP/2.0/TCP b;x="c,d"']);
	assert.deepEqual(request.getHeaders('contact'), ['<sip:m>;q=1', '"C" <sip:n>', '<sip:o>']);
	assert.deepEqual(request.getHeaders('x-foo'), ['1', '2']);
	assert.equal(request.getHeader('subject'), 'a\r\n\tb');
	assert.deepEqual([request.getHeader('supported'), request.getHeader('k'), request.getHeader('event')], ['100rel', '100rel',
		'presence']);
	assert.equal(String(request.refer_to.uri), 'sip:refer');
	assert.equal(request.toString(), text);
	assert.deepEqual([request.hasHeader('CALL-id'), request.hasHeader('none'), request.getHeader('none'),
		request.getHeaders('none')], [true, false, undefined, []]);
});

test('a response is parsed', () => {
	const response = parse(message('SIP/2.0 180 ', HEAD, 'body'));

	assert.ok(response instanceof IncomingResponse);
	assert.deepEqual([response.status_code, response.reason_phrase, response.method, response.body, response.to_tag], [180, '',
		'INVITE', 'body', undefined]);
	assert.deepEqual([response.statusCode, response.reasonPhrase], [180, '']);
	assert.equal(response.parseHeader('contact'), undefined);
});

test('a header is parsed when it is asked for', () => {
	const ua = fakeUA();
	const request = parse(message('NOTIFY sip:x SIP/2.0', [...HEAD, 'Contact: <sip:m>, <sip:n>', 'Event: Dialog;id=1',
		'Subject: free text', 'Expires: soon', 'Max-Forwards: 70']), ua);
	const last = () => ua.lines[ua.lines.length - 1];

	assert.equal(String(request.parseHeader('contact', 1)), '<sip:n>');
	assert.equal(request.parseHeader('contact', 1), request.s('Contact', 1));
	assert.deepEqual(request.s('event'), { event: 'dialog', params: { id: '1' } });
	assert.equal(request.s('event'), request.s('event'));
	assert.equal(request.s('max-forwards'), 70);
	assert.equal(request.s('contact', 2), undefined);
	assert.equal(last(), 'log: not so many "Contact" headers present');
	assert.equal(request.s('route'), undefined);
	assert.equal(last(), 'log: header "Route" not present');
	assert.equal(request.s('expires'), undefined);
	assert.equal(last(), 'warn: error parsing "Expires" header field with value "soon"');
	assert.equal(request.getHeader('expires'), undefined);
	assert.equal(request.s('subject'), undefined);
	assert.equal(request.getHeader('subject'), 'free text');
});

test('headers of a message that came can be set and added', () => {
	for (const make of [IncomingRequest, IncomingResponse]) {
		const m = new make(fakeUA());
		m.addHeader('x-one', 'a');
		m.addHeader('X-One', 'b');
		assert.deepEqual(m.headers['X-One'], [{ raw: 'a' }, { raw: 'b' }]);
		m.setHeader('X-ONE', 'c');
		assert.deepEqual(m.getHeaders('x-one'), ['c']);
		assert.equal(m.toString(), null);
		m.data = 'text';
		assert.equal(`${m}`, 'text');
	}
});

test('the body is counted in bytes, and ends with the text', () => {
	const body = (length, text) => parse(message('MESSAGE sip:x SIP/2.0', [...HEAD, ...(length === undefined
		? [] : [`Content-Length: ${length}`])], text)).body;

	assert.equal(body(4, '\u00e9\u00e9\u00e9'), '\u00e9\u00e9');
	assert.equal(body(3, '\u00e9\u00e9'), '\u00e9');
	assert.equal(body(0, 'abc'), '');
	assert.equal(body(99, 'abc'), 'abc');
	assert.equal(body(undefined, 'a\r\n\r\nb'), 'a\r\n\r\nb');
});

test('what is no message is refused with a word', () => {
	for (const [text, word] of [
		['', 'warn: no CRLF'], ['\r\n\r\n', 'warn: no CRLF'], ['INVITE sip:x SIP/2.0', 'warn: no CRLF'], ['junk\r\n\r\n',
			'warn: error parsing first line'],
		[['INVITE sip:x SIP/2.0', ...HEAD].join('\r\n'), 'error: malformed'], [['INVITE sip:x SIP/2.0', ...HEAD, ''].join('\r\n'),
			'error: malformed'],
		...HEAD.map((line) => [message('INVITE sip:x SIP/2.0', HEAD.map((l) => (l === line ? l.replace(/:.*/, ': @ @') : l))),
			'error: error parsing header']),
		...['Content-Length: x', 'Max-Forwards: x'].map((line) => [message('INVITE sip:x SIP/2.0', [...HEAD, line]),
			'error: error parsing header']),
	]) {
		const ua = fakeUA();
		assert.equal(Parser.parseMessage(text, ua), undefined, JSON.stringify(text));
		assert.ok(ua.lines.some((l) => l.startsWith(word)), `${JSON.stringify(text)} ${ua.lines}`);
	}
});

test('a field that the message can do without does not spoil it', () => {
	const request = parse(message('INVITE sip:x SIP/2.0', [...HEAD, 'Contact: *', 'Record-Route: x', 'Refer-To: @',
		'WWW-Authenticate: Negotiate', 'no field at all', 'Event: @']));

	assert.equal(request.getHeader('contact'), '*');
	assert.equal(request.getHeader('www-authenticate'), 'Negotiate');
	assert.equal(request.refer_to, undefined);
	assert.equal(request.parseHeader('contact'), undefined);
	assert.ok(parse(`\r\n\r\n${message('INVITE sip:x SIP/2.0', HEAD)}`));
});

/* What left by the transaction of a request that is answered. */
function answer(method, args, { configuration, contact, to } = {}) {
	const request = parse(message(`${method} sip:x SIP/2.0`, [...HEAD.slice(0, 2), to || HEAD[2], HEAD[3], `CSeq: 7 ${method}`,
		'Via: SIP/2.0/TCP second', 'Record-Route: <sip:r1>,<sip:r2>']),
		fakeUA(configuration, contact));
	const left = [];
	request.server_transaction = { receiveResponse: (...parts) => { left.push(parts); return Promise.resolve('sent'); } };
	const text = request.reply(...args);
	return { request, left, text };
}

test('a reply says what RFC 3261 wants', async () => {
	let settled;
	const { left, text } = answer('INVITE', [200, null, ['Contact: <sip:me>'], 'sdp', (v) => { settled = v; }]);

	assert.deepEqual(lines(text), ['SIP/2.0 200 OK', 'Record-Route: <sip:r1>', 'Record-Route: <sip:r2>',
		'Via: SIP/2.0/WSS host.invalid;branch=z9hG4bKx', 'Via: SIP/2.0/TCP second',
		'To: <sip:c@d>;tag=TAG', 'From: "A" <sip:a@b>;tag=ft', 'Call-ID: cid', 'CSeq: N INVITE', 'Contact: <sip:me>',
			'Supported: outbound', 'User-Agent: tests',
		'Content-Type: application/sdp', 'Content-Length: 3']);
	assert.deepEqual(left, [[200, text]]);
	await null;
	assert.equal(settled, 'sent');
});

test('Record-Route and the To tag are for some responses only', () => {
	const routed = (method, code) => /Record-Route/.test(answer(method, [code]).text);
	const to = (code, given) => lines(answer('INVITE', [code], { to: given }).text).find((l) => l.startsWith('To'));

	assert.deepEqual([[100], [180], [200], [202], [486]].map(([code]) => routed('INVITE', code)), [false, true, true, false,
		false]);
	assert.equal(routed('OPTIONS', 200), false);
	assert.deepEqual([to(100), to(180), to(404, 'To: <sip:c@d>;tag=tt')], ['To: <sip:c@d>', 'To: <sip:c@d>;tag=TAG',
		'To: <sip:c@d>;tag=tt']);
	const { request, text } = answer('INVITE', [180]);
	assert.equal(/To:.*/.exec(request.reply(200))[0], /To:.*/.exec(text)[0]);
	request.to_tag = 'chosen';
	assert.match(request.reply(200), /To: <sip:c@d>;tag=chosen\r\n/);
	assert.match(answer('INVITE', [200], { configuration: { rel100: 'supported' }, contact: { pub_gruu: 'g' } }).text,
		/Supported: gruu, 100rel, outbound\r\n/);
	assert.match(answer('MESSAGE', [200, 'Fine', null, { body: '\u00e9', contentType: 'a/b' }]).text,
		/^SIP\/2.0 200 Fine\r\n[^]*Content-Type: a\/b\r\nContent-Length: 2\r\n\r\n\u00e9$/);
	for (const args of [[], [99], [700], [200, 5]])
		assert.throws(() => answer('INVITE', args), TypeError);
});

test('whoever serves a request answers it', async () => {
	const request = parse(message('INVITE sip:x SIP/2.0', HEAD)), asked = [], settled = [];
	let text = 'what left';
	request.served = { reply: (...args) => { asked.push(args); return text; } };

	assert.equal(request.reply(486, undefined, ['X: y'], 'body', () => settled.push('yes'), () => settled.push('no')), 'what left');
	text = undefined;
	assert.equal(request.reply(486, 'Mine', null, null, () => settled.push('yes'), () => settled.push('no')), undefined);
	assert.deepEqual(asked, [[486, 'Busy Here', ['X: y'], 'body'], [486, 'Mine', [], null]]);
	await null;
	await null;
	assert.deepEqual(settled, ['yes', 'no']);
	assert.throws(() => request.reply(99), TypeError);
});

test('a reply without a transaction', () => {
	const request = parse(message('INVITE sip:x SIP/2.0', HEAD)), sent = [];
	request.transport = { send: (text) => sent.push(text) };

	assert.equal(request.reply_sl(404), undefined);
	assert.deepEqual(lines(sent[0]), ['SIP/2.0 404 Not Found', 'Via: SIP/2.0/WSS host.invalid;branch=z9hG4bKx',
		'To: <sip:c@d>;tag=TAG', 'From: "A" <sip:a@b>;tag=ft', 'Call-ID: cid',
		'CSeq: N INVITE', 'User-Agent: tests', 'Content-Length: 0']);
	assert.throws(() => request.reply_sl(), TypeError);
});

/* [whether the message may go on, the first line of what was answered] */
function check(first, head = HEAD, body = '', prepare = () => {}) {
	const ua = fakeUA(), sent = [];
	prepare(ua);
	const passed = sanityCheck(Parser.parseMessage(message(first, head, body), ua), ua, { send: (text) => sent.push(text) });
	return [passed, ...sent.map((text) => text.split('\r\n')[0])];
}

test('the sanity check of requests', () => {
	const merged = { ist: { other: { request: { from_tag: 'ft', call_id: 'cid', cseq: 7 } } }, nist: {} };
	const with_ = (name, line) => HEAD.map((l) => (l.startsWith(name) ? line : l));

	assert.deepEqual(check('INVITE sip:x SIP/2.0'), [true]);
	for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq'])
		assert.deepEqual(check('INVITE sip:x SIP/2.0', HEAD.filter((l) => !l.startsWith(name))), [false]);
	for (const ruri of ['sips:x', 'tel:+1', 'http://x'])
		assert.deepEqual(check(`INVITE ${ruri} SIP/2.0`), [false, 'SIP/2.0 416 Unsupported URI Scheme']);
	assert.deepEqual(check('INVITE sip:x SIP/2.0', [...HEAD, 'Content-Length: 5'], '\u00e9\u00e9'), [false,
		'SIP/2.0 400 Bad Request']);
	assert.deepEqual(check('INVITE sip:x SIP/2.0', [...HEAD, 'Content-Length: 4'], '\u00e9\u00e9'), [true]);
	assert.deepEqual(check('INVITE sip:x SIP/2.0', with_('Call-ID', 'Call-ID: abcdex')), [false, 'SIP/2.0 482 Loop Detected']);
	assert.deepEqual(check('INVITE sip:x SIP/2.0', HEAD, '', (ua) => { ua.transactions = merged; }), [false,
		'SIP/2.0 482 Loop Detected']);
	assert.deepEqual(check('INVITE sip:x SIP/2.0', with_('To', 'To: <sip:c>;tag=t'), '', (ua) => { ua.transactions = merged; }),
		[true]);
	assert.deepEqual(check('MESSAGE sip:x SIP/2.0', HEAD, '', (ua) => { ua.transactions = merged; }), [true]);
	/* Nobody answers an ACK. */
	assert.deepEqual(check('ACK sips:x SIP/2.0'), [false]);
});

test('the sanity check of responses', () => {
	const via = (line) => [line, ...HEAD.slice(1)];

	assert.deepEqual(check('SIP/2.0 200 OK'), [true]);
	for (const wrong of ['Via: SIP/2.0/WSS other;branch=z9', 'Via: SIP/2.0/WSS host.invalid:5060;branch=z9',
		'Via: SIP/2.0/WSS host.invalid, SIP/2.0/WSS host.invalid'])
		assert.deepEqual(check('SIP/2.0 200 OK', via(wrong)), [false]);
	assert.deepEqual(check('SIP/2.0 200 OK', [...HEAD, 'Content-Length: 5'], 'abc'), [false]);
});

test('the torture messages that a SIP element has to take are taken', () => {
	const folder = path.join(__dirname, '../../tests/data/rfc4475');
	const rows = fs.readFileSync(path.join(folder, 'verdicts.tsv'), 'utf8').split('\n').filter((l) => l &&
		l[0] !== '#').map((l) => l.split('\t'));
	const parsed = (name) => parse(fs.readFileSync(path.join(folder, `${name}.dat`), 'latin1'));

	assert.ok(rows.length > 40);
	for (const [name, , verdict] of rows)
		if (verdict === 'parses')
			assert.ok(parsed(name), name);
	assert.equal(parsed('esc01').ruri.user, 'sips:user@example.com');
	assert.equal(parsed('longreq').getHeaders('via').length, 34);
	assert.equal(parsed('wsinv').getHeaders('contact').length, 1);
	for (const name of ['ltgtruri', 'lwsruri', 'lwsstart', 'trws'])
		assert.equal(parsed(name), undefined, name);
});
