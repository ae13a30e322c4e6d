/* The values beside those of the npm package sip.js 0.9.2: the same input to both. Where they differ,
 * FAULTS says which fault of the package it is; a row that no longer differs fails too.
 * tools/install-web brings the package. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const fs = require('node:fs'), path = require('node:path');
const theirs = require('sip.js'), ours = require('../src/index.js');
const { fakeUA } = require('./fakes.js');
const { rules, mutate, random } = require('./corpus.js');

/* What a value says, without how it is made. */
function show(v) {
	if (v && v.toRaw)
		return { uri: v.toRaw(), text: String(v), user: v.user || undefined, host: v.host, port: v.port || v.port === 0
			? v.port : null, parameters: v.parameters, headers: v.headers };
	if (v && v.uri && v.clone)
		return { displayName: v.displayName, address: show(v.uri), parameters: Object.assign({}, v.parameters) };
	if (Array.isArray(v))
		return v.map(show);
	if (!v || typeof v !== 'object')
		return v;
	const plain = {};
	for (const key of Object.keys(v))
		plain[key] = show(v[key]);
	return plain;
}

function attempt(fn) {
	try {
		return show(fn());
	} catch (e) {
		return `${e.name}: ${e.message}`;
	}
}

const quietly = (fn) => {
	const { warn } = console;
	console.warn = () => {};
	try {
		return fn();
	} finally {
		console.warn = warn;
	}
};

function differs(a, b) {
	try {
		assert.deepStrictEqual(a, b);
		return false;
	} catch (e) {
		return true;
	}
}

/* `run(SIP, input)` of both. faults: [expression or text, why]. */
function compare(inputs, run, faults = []) {
	const met = new Set();
	quietly(() => {
		for (const input of inputs) {
			const name = typeof input === 'string' ? input : JSON.stringify(input);
			const fault = faults.findIndex(([about]) => (typeof about === 'string' ? about === name : about.test(name)));
			const a = attempt(() => run(theirs, input)), b = attempt(() => run(ours, input));
			if (fault < 0)
				assert.deepStrictEqual(b, a, name);
			else if (differs(a, b))
				met.add(fault);
		}
	});
	for (const [i, [about, why]] of faults.entries())
		assert.ok(met.has(i), `no longer differs: ${about} (${why})`);
}

const URIS = ['sip:a@b', 'sip:b', 'SIPS:b:5;x=Y;z', 'sip:a:pw@b:99999', 'sip:a:@b', 'sip:%61:%62@h', 'sip:b?', 'sip:b?a=b&c',
	'sip:b?a=', 'sip:b;', 'sip:b;a;', 'sip:b;a=', 'sip:@b',
	'sip:a@[::1]', 'sip:[::1]:5', 'sip:a@1.2.3.4:', 'sip:a@1.2.3', 'sip:a@b_c', 'sip:a@-b', 'sip:a@b-', 'sip:a@256.1.1.1',
		'sip:a@1.b', 'sip:a@b.1', 'tel:+1234',
	'sip:+1-234;phone-context=b@h', 'sip:a@b;transport=TCP;lr;user=phone;method=INVITE', 'sip:a@b;lr=on', 'sip:\u00fa@b',
		'sip:a@b;x=%41', 'sip:a@b?h=%41', 'sip:a b@c', 'sip:a@b ',
	' sip:a@b', 'sip:a@b:0', 'sip:a@b:65536', 'sip:a@b:123456', 'sip:a@b;a=1;a=2', 'sip:a;b?c/d=e+f$g,h&i@b', 'sip:a@b;x="y"',
		'sip:%zz@b', 'sip:a%b@c', 'sip:a@%62',
	'sip:a@b?X-h=1&x-H=2&from=a', 'sip:a@b;~=1', 'sip:a%40b@c', 'sip:%20@c', 'sip:a@h?a=b?c', 'sip:a@h?a=b/c[d]:+$', 'sip:a@h?a=@',
		'sip:a@h?[a]=(b)', 'sip:h?a=b&a=c&b=', 'sip:a:b:c@h',
	'sip:a:b;@h', 'sip:a;b:c@h', "sip:-_.!~*'()@h", 'sip:#@h', 'sip:a@@h', 'sip:%C3%A9@h', 'sip:a%00b@h', 'sip:1.2.3.4a',
		'sip:a@h:5:6', 'sip:a@h;user', 'sip:a@h;user=foo', 'sip:a@h;transport=wss',
	'', 'x', undefined, null, 5, 'sip:a@b;ttl=5', 'sip:a@h;maddr=1.2.3.4', 'sip:a@b.', 'sip:a@[::]', 'sip:%ff@h', 'sip:a@h;lrx=5',
		'sip:a@h;user=phonex', 'sip:a@h;transport=tcpx'];
const URI_FAULTS = [[/ttl=/, 'ttl is lost'], [/maddr=1/, 'maddr takes the place of the host'], ['sip:a@b.',
	'the dot of a full name is refused'], ['sip:a@[::]', ':: alone is refused'],
	['sip:%ff@h', 'an escape that is no UTF-8 is refused'], [/lrx|phonex|tcpx/,
		'a parameter that begins as a known one is refused'], ['sip:b;a=', 'an empty value is refused']];

test('URIs', () => {
	compare(URIS, (SIP, text) => SIP.URI.parse(text), URI_FAULTS);
	compare(URIS, (SIP, text) => SIP.Grammar.parse(text, 'SIP_URI'), URI_FAULTS);
	compare(URIS, (SIP, text) => { const u = SIP.URI.parse(text); return u && u.user && [u.aor, u.clone().toRaw()]; }, [[/maddr/,
		'the host'], ['sip:a@b.', ''], ['sip:a@[::]', ''], ['sip:%ff@h', ''],
		[/lrx|phonex|tcpx/, ''], [/ttl/, '']]);
});

test('what is done with a URI', () => {
	const steps = ['u.port = 0', 'u.port = "5060"', 'u.port = "x"', 'u.host = "New"', 'u.user = ""', 'u.scheme = "SIPS"',
		'u.setParam("A", "B")', 'u.setParam("A")', 'u.setParam("A", null)', 'u.setParam("A", 0)',
		'u.setParam()', 'u.getParam("X")', 'u.getParam()', 'u.hasParam("X")', 'u.hasParam("no")', 'u.hasParam()',
			'u.deleteParam("X")', 'u.deleteParam("no")', 'u.clearParams()', 'u.setHeader("a", "b")',
		'u.setHeader("h", ["b", "c"])', 'u.getHeader("H")', 'u.getHeader()', 'u.hasHeader("h")', 'u.hasHeader("no")',
			'u.hasHeader()', 'u.deleteHeader("H")', 'u.deleteHeader("no")', 'u.clearHeaders()', 'u.clone()',
		'u.deleteParam()'];
	compare(steps, (SIP, step) => {
		const u = new SIP.URI('SIP', 'User', 'Host', 5, { X: 'Y', Flag: null }, { h: ['v', 'w'] });
		const value = new Function('u', `return ${step}`)(u);
		return [value, u];
	}, [['u.deleteParam()', 'a TypeError']]);
	compare([[], ['sip'], ['sip', 'u'], [null, 'u', 'h'], ['sip', 'u', 'h', 0], ['sip', undefined, 'H'], ['sip', 'a b@:+?/;=&,$#',
		'h'], ['tel', '1', 'h'], ['sip', 'u%', 'h'], ['sip', 'u', 'h', 'x']],
		(SIP, args) => new SIP.URI(...args), [['["sip","u%","h"]', 'toString() throws a URIError'], ['["sip","u","h","x"]',
			'port x']]);
});

test('name-addrs', () => {
	const texts = ['<sip:a@b>', 'sip:a@b', '"A" <sip:a@b>;x=Y;z', 'A B <sip:a@b>', 'A<sip:a@b>', '"A"<sip:a@b>',
		'<sip:a@b> ; x = "q;" ; X=5', '<sip:a@b>;', 'A <sip:a@b;p=1>;x=[::1]', '"a\\"b" <sip:a@b>',
		'\u00e9 <sip:a@b>', '* <sip:a>', '<sip:a@b>, <sip:c>', '< sip:a@b>', '<sip:a@b >', '"" <sip:a@b>', ' <sip:x>',
			'"A" B <sip:x>', 'A\r\n <sip:x>', '<tel:+1>', '<http://h/p>'];
	compare(texts, (SIP, text) => SIP.NameAddrHeader.parse(text), [['<tel:+1>', 'an address of another scheme is refused'],
		['<http://h/p>', 'likewise'], [/^\u00e9/, 'a name of other letters is refused without quotes']]);
	compare(texts, (SIP, text) => { const n = SIP.NameAddrHeader.parse(text); return n && [String(n), n.friendlyName,
		String(n.clone())]; }, [[/tel|http|^\u00e9/, 'refused'],
		[/^(?!.*@).*sip:[ax]>/, 'a URI without user is "undefined@" its host']]);
	const steps = ['n.setParam("A", "B")', 'n.setParam("A")', 'n.setParam("A", 5)', 'n.setParam()', 'n.getParam("X")',
		'n.getParam()', 'n.hasParam("x")', 'n.hasParam()', 'n.deleteParam("X")', 'n.deleteParam("no")',
		'n.clearParams()', 'n.displayName = 0', 'n.displayName = ""', 'n.displayName = undefined', 'n.displayName = "new"',
			"n.displayName = 'a\"b'"];
	compare(steps, (SIP, step) => {
		const n = new SIP.NameAddrHeader(SIP.URI.parse('sip:a@B'), 'Name', { X: 'Y', Flag: null });
		return [new Function('n', `return ${step}`)(n), n, String(n), n.friendlyName];
	}, [["n.displayName = 'a\"b'", 'a quote ends the name']]);
});



test('targets', () => {
	compare([['%61lice@v.com', 'd'], ['alice', 'd.com'], ['ALICE@v.com'], ['sip:alice'], ['+12-34', 'd'], ['(123)', 'd'], ['a-b',
		'd'], ['a@b@c', 'd'], ['a@b@c@d', 'd'], [''], [null], [undefined], [5, 'd'], [{}],
		['a b', 'd'], ['sip:a@b:5;x=y?z=w', 'd'], ['@b', 'd'], ['a@', 'd'], ['1.2.3.4', 'd'], ['sip:@', 'd'], ['alice@a_b', 'd'],
			['sip:sip:a', 'd'], ['tel:abc', 'd'], ['SIP:Alice', 'D'], ['al%40ice', 'd'],
		['%C3%B1', 'd'], ['\u00f1', 'd'], ['a;b=c', 'd'], ['-', 'd'], ['+', 'd'], ['1+2', 'd'], ['sip:a@b>', 'd'], ['TEL:+1 2',
			'd'], ['alice:pw@h', 'd'], ['alice?x', 'd'], ['#31#', 'd'], ['*98', 'd'], ['.1', 'd'],
		['12-34;x@h'], ['sips:bob@h'], ['a%zz', 'd']], (SIP, args) => SIP.Utils.normalizeTarget(...args), [['["a%zz","d"]',
			'a URIError is thrown']]);
});

test('helpers', () => {
	const run = (name) => (SIP, args) => SIP.Utils[name](...args);
	compare([['call-id'], ['CSEQ'], ['x-foo-BAR'], ['www-authenticate'], ['rack'], ['RSEQ'], ['min-se'], ['i'], ['content_type'],
		[''], ['mime-version'], ['A--B'], ['sip-etag'], ['a b']], run('headerize'));
	compare([5, '5', 'a', 1.5, '1.5', -1, '0x1', '', null, '5a', ' 5', 1e3, [5], true, undefined, {}].map((x) => [x]),
		run('isDecimal'));
	compare([['a b'], ['%61'], ['a@b'], ['\u00e9:?/+'], [';=&,$'], [''], ['a%']], run('escapeUser'), [['["a%"]',
		'a URIError is thrown']]);
	compare([[200], [486], [699], [486, 'x'], ['200'], [700, '']], run('getReasonPhrase'));
	compare([[486], [300], [699], [500], ['486'], [401]], run('sipErrorCause'));
	compare([[486], [486, 'x'], [699], [200, '"']], run('getReasonHeaderValue'), [['[200,"\\""]', 'a quote ends the text']]);
	compare([[486], [486, 'x'], [199], [700], [], [600], [200], [0], ['486'], [null, 'x'], ['a']], run('getCancelReason'),
		[['["a"]', 'what is no code is taken']]);
	compare([[200], [200, 'x'], [99], [700], ['200'], [], [199], [699, 5], [200, {}], [100, ''], ['abc'], [699, 'a\r\nb']],
		run('buildStatusLine'), [['["abc"]', 'what is no code is taken'],
		['[699,"a\\r\\nb"]', 'a reason can add a header']]);
	compare([['a\u00e9\u20ac'], ['\ud83d\ude00'], ['']], run('str_utf8_length'));
	compare([['1.2.3.4'], ['a'], ['[::1]'], ['a_b'], [undefined], [''], ['::1']], run('hostType'));
	compare([[undefined], ['x'], ['v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\ns=-\r\nm=audio 5 RTP/AVP 0\r\n']], run('generateFakeSDP'));
	compare([['\u00e9'], [''], ['abc']], run('calculateMD5'));
	compare(['createRandomToken', 'newTag', 'newUUID', 'getRandomTestNetIP'], (SIP, name) => SIP.Utils[name](12).replace(/\w/g,
		'x').replace(/x+$/, ''));
	assert.deepStrictEqual(Object.keys(ours.Utils).sort(), Object.keys(theirs.Utils).sort());
});

test('constants', () => {
	for (const name of Object.keys(theirs.C))
		if (name !== 'OPTION_TAGS')
			assert.deepStrictEqual(ours.C[name], theirs.C[name], name);
	for (const tag of Object.keys(theirs.C.OPTION_TAGS))
		assert.equal(ours.C.OPTION_TAGS[tag], true, tag);
	for (const name of Object.keys(theirs.Timers))
		if (typeof theirs.Timers[name] === 'number')
			assert.equal(ours.Timers[name], theirs.Timers[name], name);
	for (const args of [['a', 'b'], ['a', 0], ['a', { b: [1] }]])
		for (const name of Object.keys(theirs.Exceptions)) {
			const [a, b] = [theirs, ours].map((SIP) => new SIP.Exceptions[name](...args));
			assert.deepStrictEqual([b.code, b.name, b.message, b.parameter, b.value, b.status], [a.code, a.name, a.message,
				a.parameter, a.value, a.status], name);
		}
	assert.deepStrictEqual(ours.Session.C, theirs.Session.C);
	assert.deepStrictEqual(ours.WebRTC.Simple.C, theirs.WebRTC.Simple.C);
	assert.deepStrictEqual([ours.version, ours.name], [theirs.version, theirs.name]);
	for (const name of ['URI', 'NameAddrHeader', 'OutgoingRequest', 'IncomingRequest', 'IncomingResponse', 'EventEmitter',
		'LoggerFactory', 'SessionDescriptionHandler'])
		for (let proto = theirs[name].prototype; proto && proto !== Object.prototype; proto = Object.getPrototypeOf(proto))
			for (const member of Object.getOwnPropertyNames(proto))
				if (!member.startsWith('_'))
					assert.ok(member in ours[name].prototype, `${name}.${member}`);
});

/* ---- the grammar, with texts that are nearly right ---- */

/* What is different in a value that both have. */
function repair(rule, value, text) {
	const v = value;
	if (!v || typeof v !== 'object')
		return v;
	if (v.uri !== undefined && v.host !== undefined) {
		delete v.parameters.ttl;
		delete v.text;
		if (/;maddr=/i.test(text))
			v.host = v.uri = 0;
		else
			v.uri = v.uri.replace(/;ttl=[^;?>]+/ig, '');
		return v;
	}
	if (rule === 'Via') {
		delete v.rport;
		if (!v.port && v.port !== 0)
			delete v.port;
		if (/received|maddr/i.test(text))
			v.host = v.host_type = 0;
	}
	if (rule === 'Session_Expires' && v.params && /^ua[cs]$/i.test(v.params.refresher)) {
		v.refresher = v.params.refresher.toLowerCase();
		delete v.params.refresher;
	}
	if (rule === 'Session_Expires' && v.params && !Object.keys(v.params).length)
		delete v.params;
	if (/absoluteURI|Request_Response/.test(rule)) {
		delete v.password;
		delete v.uri_headers;
		delete v.user;
		if (!v.port)
			delete v.port;
	}
	if (/sipfrag/.test(rule))
		delete v.reason_phrase;
	if (/challenge|Authenticate/.test(rule)) {
		delete v.scheme;
		for (const [name, plain] of [['qop', /qop\s*=\s*"auth(-int)?(,auth(-int)?)*"/i], ['algorithm', /algorithm\s*=\s*[^"]/i],
			['stale', /stale\s*=\s*[^"]/i]])
			if (!plain.test(text))
				delete v[name];
	}
	for (const key of Object.keys(v))
		v[key] = repair(rule, v[key], text);
	/* SIP.js keeps these two as numbers. */
	for (const key of ['q', 'expires'])
		if (v[key] !== undefined && v[key] !== null && !isNaN(v[key]))
			v[key] = Number(v[key]);
	return v;
}

/* Why SIP.js refuses what RFC 3261 allows: its rules take the first alternative that begins alike and
 * never look back ("transport=tcpx", method "ACKx", "early-onlyx"). */
const REFUSED = {
	SIP_URI: [URI_FAULTS[5][1], /;(lr|ttl|user|method|maddr|transport)/i, /\.([:;>?]|$)/, /\[::\]/, /%[89a-f]/i],
	Content_Disposition: ['', /handling=|^(render|session|icon|alert)/i],
	Content_Type: ['', /^(text|image|audio|video|application|message|multipart)|;/i],
	Replaces: ['', /early-only|to-tag|from-tag/i],
	Subscription_State: ['', /active|pending|terminated|reason|expires/i],
	Session_Expires: ['', /refresher/i],
	challenge: ['', /realm|nonce|qop|algorithm|stale|opaque|domain|digest/i],
	CSeq: ['', /(INVITE|ACK|OPTIONS|BYE|CANCEL|REGISTER|SUBSCRIBE|NOTIFY|REFER|PRACK)./],
	Request_Response: ['', /^SIP|^\S+ sips?:/i, /^(INVITE|ACK|OPTIONS|BYE|CANCEL|REGISTER|SUBSCRIBE|NOTIFY|REFER|PRACK)[^ ]/,
		/:\/\//, /;(lr|ttl|user|method|maddr|transport)/i, /%[89a-f]/i, /\. /],
	sipfrag: ['', /./],
	absoluteURI: ['', /:\/\//],
	host: ['', /\.$/, /\[::\]/],
	Event: ['', /SUBSCRIBE|^\.|\./i],
	Via: ['', /ttl|maddr|received|rport|branch|SIP|UDP|TCP|TLS|SCTP|\.([;: ]|$)/i],
};
const NAME_ADDR = ['', /[<,\s]+(?!sips?:)[a-z][a-z0-9+.-]*:|^(?!sips?:)[a-z][a-z0-9+.-]*:/i, ...REFUSED.SIP_URI.slice(1),
	/tag=|expires|q=/i];
for (const rule of ['Name_Addr_Header', 'Contact', 'Record_Route', 'From', 'To', 'Refer_To'])
	REFUSED[rule] = NAME_ADDR;
REFUSED.WWW_Authenticate = REFUSED.Proxy_Authenticate = REFUSED.challenge;

/* What others send and ours reads, as the agent does: empty values, empty parameters, names in all letters. */
const LOOSE = /=\s*([;,>?]|$)|;\s*;|\u00e9/i;

/* Values that SIP.js has wrong: the word before a scheme as display name, the last of several names, a
 * list that ends at the first character that it does not know, half an escape. */
const WRONG = {
	SIP_URI: /%(?![0-9a-f]{2})/i,
	Refer_To: /(^|<)\w+:/i,
	Name_Addr_Header: /"\s*[^<>;"]+</,
	Session_Expires: /refresher\s*=\s*ua[cs][^;]|refresher.*refresher/i,
	challenge: /qop\s*=\s*"(?!auth(-int)?(,auth(-int)?)*")/i,
};

test('the grammar takes what SIP.js takes, and gives the same', () => {
	const next = random(20260101);
	let accepted = 0;
	quietly(() => {
		for (let n = 0; n < 20000; n++) {
			const names = Object.keys(rules), rule = names[next(names.length)];
			const text = mutate(rules[rule][next(rules[rule].length)], next);
			const [a, b] = [theirs, ours].map((SIP) => repair(rule, attempt(() => SIP.Grammar.parse(text, rule)), text));
			const name = `${rule} ${JSON.stringify(text)}`;
			if (a === -1 && b !== -1)
				assert.ok((REFUSED[rule] || []).slice(1).concat(LOOSE).some((about) => about.test(text)),
					`only ours takes ${name}: ${JSON.stringify(b)}`);
			else if (!(WRONG[rule] && WRONG[rule].test(text)))
				assert.deepStrictEqual(b, a, name);
			accepted += a !== -1;
		}
	});
	assert.ok(accepted > 5000, String(accepted));
	compare(['SIP/2.0 200', 'INVITE sip:a SIP/2.0', ''], (SIP, text) => SIP.Grammar.parse(text, 'sipfrag'), [['SIP/2.0 200',
		'a status without a space is refused']]);
});

/* ---- messages ---- */

const MESSAGE_FIELDS = ['method', 'status_code', 'reason_phrase', 'call_id', 'cseq', 'from_tag', 'to_tag', 'via_branch', 'body',
	'data'];

function showMessage(SIP, text) {
	const m = SIP.Parser.parseMessage(text, fakeUA());
	if (!m)
		return m;
	const shown = { kind: m instanceof SIP.IncomingRequest, ruri: m.ruri && String(m.ruri), from: m.from && String(m.from),
		to: m.to && String(m.to), refer_to: m.refer_to && String(m.refer_to), headers: {} };
	for (const field of MESSAGE_FIELDS)
		shown[field] = m[field];
	for (const name of Object.keys(m.headers))
		shown.headers[name] = m.getHeaders(name);
	return shown;
}

const BASE = ['v: SIP/2.0/WSS a.invalid;branch=z9', 'From: "A" <sip:a@b>;tag=ft', 't: <sip:c@d>', 'i: cid', 'CSeq: 7 INVITE'];
const text = (first, lines, body = '') => [first, ...lines, '', body].join('\r\n');

test('messages', () => {
	compare([text('INVITE sip:x@Y;lr SIP/2.0', BASE), text('SIP/2.0 200 OK', BASE), text('SIP/2.0 200 ', BASE, 'body'),
		text('INVITE sip:x SIP/2.0', [...BASE, 'l: 2', 'c: a/b'], 'body'),
		text('INVITE tel:1 SIP/2.0', BASE), text('junk', BASE), '', '\r\n\r\n', 'INVITE sip:x SIP/2.0\r\n', ['INVITE sip:x SIP/2.0',
			...BASE].join('\r\n'), text('FOO sip:x SIP/2.0', []),
		text('INVITE sip:x SIP/2.0', [...BASE, 'X-A: a', '\tb', '  c', 'X-B:', 'X-C  :  z  ']), text('INVITE sip:x SIP/2.0',
			[...BASE, 'm: <sip:a>, "B" <sip:b>;q=1', 'Contact: <sip:c>', 'Record-Route: <sip:d;lr>,<sip:e;lr>',
			'Route: <sip:f>, <sip:g>', 'r: <sip:h>', 'Max-Forwards: 5']),
		...BASE.map((line) => text('INVITE sip:x SIP/2.0', BASE.map((l) => (l === line ? l.replace(/:.*/, ': junk junk') : l)))),
		...BASE.map((line) => text('INVITE sip:x SIP/2.0', BASE.filter((l) => l !== line))),
		text('INVITE sip:x SIP/2.0', [...BASE, 'Content-Length: x']), text('INVITE sip:x SIP/2.0', [...BASE, 'Max-Forwards: x']),
			text('INVITE sip:x SIP/2.0', [...BASE, 'From: <sip:z>', 'CSeq: 9 BYE']),
		text('INVITE sip:x SIP/2.0', [...BASE, 'Contact: junk']), text('INVITE sip:x SIP/2.0', [...BASE, 'X-Foo: 1', 'x-foo: 2']),
			text('INVITE sip:x SIP/2.0', [...BASE, 'k: 100rel']),
		text('INVITE sip:x SIP/2.0', ['Via: SIP/2.0/TCP b, SIP/2.0/TCP c', ...BASE.slice(1)]),
			`\r\n${text('INVITE sip:x SIP/2.0', BASE)}`, text('INVITE sip:x SIP/2.0', [...BASE, 'no field']),
		text('INVITE sip:x SIP/2.0', [...BASE, 'l: 4'], '\u00e9\u00e9\u00e9'),
	], showMessage, [[/Contact: junk/, 'one bad Contact costs the message'], [/x-foo/, 'of repeated headers the last is kept'],
		[/k: 100rel/, 'few compact forms are known'], [/TCP b, SIP/, 'several Via in a line are mixed'],
		[/^\r\n./, 'empty lines before a message are refused'], [/no field/, 'a line without colon swallows the message'],
			[/\u00e9\u00e9\u00e9/, 'a body is counted in characters']]);
	const folder = path.join(__dirname, '../../tests/data/rfc4475');
	const torture = fs.readdirSync(folder).filter((f) => f.endsWith('.dat'));
	compare(torture, (SIP, file) => {
		const shown = showMessage(SIP, fs.readFileSync(path.join(folder, file), 'latin1'));
		/* Repeated headers, compact forms and several Via in a line are compared above. */
		return shown && Object.assign(shown,
			{ headers: Object.keys(shown.headers).filter((n) => !/^.$|^(Event|Supported|Subject|Session-Expires)$/.test(n)).sort(),
			via_branch: 0 });
	}, [['mpart01.dat', 'a body is counted in characters'], ['regbadct.dat',
		'a Contact with headers and no brackets costs the message'], ['unksm2.dat', 'addresses of other schemes are refused']]);
});

test('requests that leave', () => {
	const shape = (t) => String(t).replace(/tag=[0-9a-v]{10}\b/g, 'tag=T').replace(/Call-ID: abcde[0-9a-v]{15}/,
		'Call-ID: R').replace(/CSeq: \d{1,4} /, 'CSeq: N ');
	const configurations = [{}, { displayName: 'Me', rel100: 'supported', replaces: 'supported', extraSupported: ['timer', 'x',
		'100rel'] }, { rel100: 'required', hackAllowUnregisteredOptionTags: true, extraSupported: ['x', 'x'] }];
	const params = [{}, { from_displayName: 'F', to_displayName: 'T', from_tag: 'ft', to_tag: 'tt', call_id: 'id', cseq: 5,
		from_uri: 'sip:f@G', to_uri: 'sip:t@U', route_set: ['<sip:r1>', '<sip:r2>'] },
		{ from_displayName: 0, to_displayName: 0, cseq: 0, call_id: '' }];
	const inputs = [];
	for (const method of ['INVITE', 'REGISTER', 'MESSAGE', 'ACK', 'CANCEL', 'FOO'])
		for (const configuration of configurations)
			for (const given of params)
				for (const body of [undefined, 'b\u00f6d', { body: 'x', contentType: 'text/plain' }])
					inputs.push({ method, configuration, given, body });
	compare(inputs, (SIP, { method, configuration, given, body }) => {
		const ua = fakeUA(configuration, configuration.rel100 ? { pub_gruu: 'g' } : {});
		const request = new SIP.OutgoingRequest(method, SIP.URI.parse('sip:T@Host;x=y'), ua, given, ['X-A: b', 'Contact: <sip:c>'],
			body);
		return [shape(request), request.getHeader('x-a'), request.getHeaders('via'), request.hasHeader('contact'),
			request.hasHeader('no')];
	});
});

test('replies', () => {
	const inputs = [];
	for (const method of ['INVITE', 'OPTIONS', 'REGISTER', 'BYE'])
		for (const args of [[100], [180], [200], [202, 'Fine', ['X: y']], [486, '', null, 'sdp'], [200, null, [], { body: '\u00e9',
			contentType: 'a/b' }], [99], [700], [], [200, 5]])
			for (const to of ['To: <sip:c@d>', 'To: <sip:c@d>;tag=tt'])
				inputs.push({ method, args, to });
	for (const how of ['reply', 'reply_sl'])
		compare(how === 'reply' ? inputs : inputs.filter(({ args }) => args.length < 3), (SIP, { method, args, to }) => {
			const request = SIP.Parser.parseMessage(text(`${method} sip:x SIP/2.0`, [BASE[0], 'Via: SIP/2.0/TCP second', BASE[1],
				to, BASE[3], `CSeq: 7 ${method}`, 'Record-Route: <sip:r1>,<sip:r2>']),
				fakeUA({ rel100: 'supported' }, { pub_gruu: 'g' }));
			const left = [];
			request.server_transaction = { receiveResponse: (...parts) => { left.push(parts); return { then() {} }; } };
			request.transport = { send: (t) => left.push(t) };
			return JSON.stringify([request[how](...args), left]).replace(/tag=[0-9a-v]{10}/g, 'tag=T');
		});
});

test('the sanity check', () => {
	const running = { ist: { other: { request: { from_tag: 'ft', call_id: 'cid', cseq: 7 } } }, nist: {} };
	const with_ = (at, line) => BASE.map((l, i) => (i === at ? line : l));
	const inputs = [text('INVITE sip:x SIP/2.0', BASE), ...BASE.map((line) => text('INVITE sip:x SIP/2.0',
		BASE.filter((l) => l !== line))), ...BASE.map((line) => text('SIP/2.0 200 OK', BASE.filter((l) => l !== line))),
		text('INVITE tel:1 SIP/2.0', BASE), text('INVITE sips:x SIP/2.0', BASE), text('INVITE sip:x SIP/2.0', [...BASE, 'l: 5'],
			'abc'), text('INVITE sip:x SIP/2.0', [...BASE, 'l: 2'], 'abc'),
		text('INVITE sip:x SIP/2.0', with_(3, 'i: abcdex')), text('INVITE sip:x SIP/2.0', with_(2, 't: <sip:c>;tag=1')),
			text('SIP/2.0 200 OK', with_(0, 'v: SIP/2.0/WSS host.invalid')),
		text('SIP/2.0 200 OK', with_(0, 'v: SIP/2.0/WSS other')), text('SIP/2.0 200 OK', with_(0, 'v: SIP/2.0/WSS host.invalid:5')),
			text('SIP/2.0 200 OK', [...with_(0, 'v: SIP/2.0/WSS host.invalid'), 'Via: SIP/2.0/WSS x']),
		text('SIP/2.0 200 OK', [...with_(0, 'v: SIP/2.0/WSS host.invalid'), 'l: 9'], 'abc'), text('ACK sips:x SIP/2.0', BASE)];
	for (const transactions of [{ ist: {}, nist: {} }, running])
		compare(inputs, (SIP, t) => {
			const ua = fakeUA(), sent = [];
			ua.transactions = transactions;
			const passed = SIP.sanityCheck(SIP.Parser.parseMessage(t, ua), ua,
				{ send: (s) => sent.push(s.replace(/tag=[0-9a-v]{10}/, 'tag=T')) });
			return [passed, sent];
		}, [[/^ACK/, 'an ACK is answered']]);
});
