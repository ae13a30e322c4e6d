/* SIP.Grammar: each rule with what it gives and what it refuses. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const { Grammar } = require('../src/index.js');

const parse = (rule, text) => Grammar.parse(text, rule);

function gives(rule, table) {
	for (const [text, wanted] of table)
		assert.deepEqual(parse(rule, text), wanted, `${rule} ${JSON.stringify(text)}`);
}

function refuses(rule, texts) {
	for (const text of texts)
		assert.equal(parse(rule, text), -1, `${rule} ${JSON.stringify(text)}`);
}

test('an unknown rule and what is no text give -1', () => {
	assert.equal(Grammar.parse('a', 'nothing'), -1);
	assert.equal(Grammar.parse('a', 'toString'), -1);
	for (const input of [undefined, null, 5, {}])
		assert.equal(Grammar.parse(input, 'host'), -1);
});

test('host', () => {
	for (const host of ['a', 'a.b-c', '1.a', 'a1.b2', 'A', 'a-', 'h.example.', 'my_host.a'])
		assert.deepEqual(parse('host', host), { host, host_type: 'domain' });
	assert.deepEqual(parse('host', '255.0.10.9'), { host: '255.0.10.9', host_type: 'IPv4' });
	for (const host of ['[::1]', '[::]', '[1::]', '[1:2:3:4:5:6:7:8]', '[::ffff:1.2.3.4]', '[1:2:3:4:5:6:1.2.3.4]', '[ABCD::0123]'])
		assert.deepEqual(parse('host', host), { host, host_type: 'IPv6' });
	refuses('host', ['', '-a', 'a.1', '1', 'a..b', 'a_b', '256.1.1.1', '1.2.3', '01.2.3.4', '1.2.3.4.5', '::1', '[1:2]',
		'[1::2::3]', '[12345::]',
		'[1:2:3:4:5:6:7:8:9]', '[1:2:3:4:5:6:7::8]', '[1.2.3.4::1]', '[::1']);
});

test('Via', () => {
	assert.equal(parse('Via', 'SIP/2.0/WS a.invalid;;alias=;branch=z9').branch, 'z9');
	gives('Via', [
		['SIP/2.0/WSS a.invalid;branch=z9;rport', { protocol: 'SIP', transport: 'WSS', host: 'a.invalid', host_type: 'domain',
			branch: 'z9' }],
		['SIP /  3.0 \r\n / UDP [1:ab::FF]:6060 ;\r\n  BRanch=1234;Param1=Foo;paRAM2;param3="B;r"', { protocol: 'SIP',
			transport: 'UDP', host: '[1:ab::FF]',
			host_type: 'IPv6', port: 6060, branch: '1234', params: { param1: 'Foo', param2: undefined, param3: '"B;r"' } }],
		['SIP/2.0/TCP h;received=1.2.3.4;maddr=10.0.0.1;ttl=5;rport=99', { protocol: 'SIP', transport: 'TCP', host: 'h',
			host_type: 'domain', ttl: 5,
			received: '1.2.3.4', maddr: '10.0.0.1', rport: 99 }],
		['SIP/2.0/TCP h;received=2001:db8::1;rport=', { protocol: 'SIP', transport: 'TCP', host: 'h', host_type: 'domain',
			received: '2001:db8::1' }],
	]);
	refuses('Via', ['', 'SIP/2.0/UDP', 'SIP/2.0 h', 'SIP/2.0/UDPh', 'SIP/2.0/UDP h_h', 'SIP/2.0/UDP h;', 'SIP/2.0/UDP h:x',
		'SIP/2.0/UDP a, SIP/2.0/UDP b']);
});

test('lists of addresses say where each begins and ends', () => {
	const text = '"I\u00f1aki @\u0142" <SIP:+1234@ALIAX.net;Transport=WS>;+sip.Instance="abCD", sip:bob@biloxi.COM;headerParam,<sips:DOMAIN.com:5>';
	const list = parse('Contact', text);

	assert.deepEqual(list.map(({ offset, position }) => text.slice(offset, position)),
		['"I\u00f1aki @\u0142" <SIP:+1234@ALIAX.net;Transport=WS>;+sip.Instance="abCD"', 'sip:bob@biloxi.COM;headerParam',
			'<sips:DOMAIN.com:5>']);
	assert.equal(list[0].parsed.getParam('+SIP.instance'), '"abCD"');
	assert.equal(list[0].parsed.uri.getParam('transport'), 'ws');
	/* Without brackets the parameter is the header's. */
	assert.deepEqual([list[1].parsed.getParam('headerparam'), list[1].parsed.uri.hasParam('headerparam')], [null, false]);
	assert.equal(list[2].parsed.uri.port, 5);
	assert.equal(String(parse('Record_Route', '<sip:a;lr>, <sip:b;lr>;x=y')[1].parsed), '<sip:b;lr>;x=y');
	assert.equal(String(parse('Route', '<sip:a;lr> , <sip:b>')[1].parsed), '<sip:b>');
	refuses('Contact', ['', '*', '<sip:a>,', ', <sip:a>', 'sip:a@b?x=1', '<sip:a> <sip:b>', 'bob']);
	refuses('Record_Route', ['sip:a;lr', '']);
});

test('From, To, Refer-To, Referred-By', () => {
	for (const rule of ['From', 'To']) {
		assert.equal(String(parse(rule, 'A B <sip:a@b>;tag=x;y=z')), '"A B" <sip:a@b>;y=z;tag=x');
		assert.equal(String(parse(rule, 'sip:a@b;tag=x')), '<sip:a@b>;tag=x');
		assert.equal(parse(rule, 'B\u00fcb \u00dc <sip:a@b;q=>;;x=;tag=x').getParam('x'), '');
		refuses(rule, ['<sip:a>;', 'sip:a;tag=x,y', '', 'a']);
	}
	assert.equal(String(parse('Refer_To', '<sip:a@b?Replaces=x%3Bto-tag%3D1>;p')), '<sip:a@b?Replaces=x%3Bto-tag%3D1>;p');
	assert.equal(parse('Referred_By', '"R" <sip:r>;cid="x@y"').getParam('cid'), '"x@y"');
	refuses('Refer_To', ['A sip:a', 'sip:a@b?x=y', 'x']);
});

test('CSeq, RAck and numbers', () => {
	gives('CSeq', [['1 INVITE', { value: 1, method: 'INVITE' }], ['007\r\n  x', { value: 7, method: 'x' }]]);
	refuses('CSeq', ['', '1', '1INVITE', 'x INVITE', '1 ', '1 IN/VITE', '-1 X']);
	gives('RAck', [['776656 1 INVITE', { value: 776656, cseq: 1, method: 'INVITE' }]]);
	refuses('RAck', ['1 INVITE', '1 2']);
	for (const rule of ['Max_Forwards', 'Content_Length', 'Expires', 'Min_Expires', 'RSeq']) {
		gives(rule, [['70', 70], ['005', 5]]);
		refuses(rule, ['', 'x', '-1', '5 ', '5;a']);
	}
	gives('Min_SE', [['90;x=y', 90]]);
	gives('Session_Expires', [['90', { deltaSeconds: 90 }], ['90 ; Refresher=UAS;x', { deltaSeconds: 90, refresher: 'uas',
		params: { x: undefined } }],
		['90;refresher=foo', { deltaSeconds: 90, params: { refresher: 'foo' } }]]);
});

test('challenges', () => {
	gives('challenge', [
		['Digest realm =  "[1:ABCD::abc]", nonce =  "31d0", qop="AUTH, autH-INt", algorithm =  md5-sess  ,  stale =  TRUE , opaque = "00000188"',
			{ realm: '[1:ABCD::abc]', nonce: '31d0', qop: ['auth', 'auth-int'], algorithm: 'MD5-SESS', stale: true,
				opaque: '00000188' }],
		['digest nonce="b",realm="a\\"c",x=y', { nonce: 'b', realm: 'a\\"c' }],
		['Digest realm="",nonce="",qop=auth,stale="false",algorithm="SHA-256"', { realm: '', nonce: '', qop: ['auth'], stale: false,
			algorithm: 'SHA-256' }],
		['Basic realm="a"', {}],
	]);
	assert.deepEqual(parse('WWW_Authenticate', 'Digest realm="a", nonce="b"'), parse('Proxy_Authenticate',
		'Digest realm="a", nonce="b"'));
	refuses('challenge', ['', 'Digest', 'Digest realm="a",', 'Digest realm="a"; nonce="b"', 'Digest realm']);
});

test('headers with parameters', () => {
	gives('Event', [['Presence;id=5;X', { event: 'presence', params: { id: '5', x: undefined } }], ['a.winfo',
		{ event: 'a.winfo' }]]);
	gives('Content_Disposition', [['Session;handling=optional;a=b', { type: 'session', params: { a: 'b' } }], ['render',
		{ type: 'render' }]]);
	gives('Content_Type', [['Application/SDP', 'Application/SDP'], ['multipart/mixed ; boundary="x y"',
		'multipart/mixed ; boundary="x y"']]);
	refuses('Content_Type', ['', 'a', 'a/', 'a/b;c']);
	gives('Subscription_State', [
		['active;expires=60;x', { state: 'active', expires: 60, params: { x: undefined } }],
		['terminated;Reason=noresource;retry-after=10', { state: 'terminated', reason: 'noresource',
			params: { 'retry-after': '10' } }],
		['active;expires=soon', { state: 'active', params: { expires: 'soon' } }],
	]);
	gives('Replaces', [['a@b;From-tag=2;to-tag=1;early-only;x=y', { call_id: 'a@b', replaces_from_tag: '2', replaces_to_tag: '1',
		early_only: true,
		params: { x: 'y' } }]]);
	refuses('Replaces', ['a', 'a;to-tag=1', 'a;from-tag=1', ';to-tag=1;from-tag=2']);
	refuses('Event', ['', ' a', 'a;']);
});

test('lists of tokens', () => {
	for (const rule of ['Supported', 'Require', 'Allow']) {
		gives(rule, [['', []], ['a', ['a']], ['a , B,c', ['a', 'B', 'c']]]);
		refuses(rule, ['a,', ',a', 'a b', '@']);
	}
});

test('first lines', () => {
	const request = parse('Request_Response', 'INVITE sip:a@b;transport=TCP?h=v SIP/2.0');

	assert.deepEqual([request.method, String(request.uri), request.sip_version], ['INVITE', 'sip:a@b;transport=tcp?H=v',
		'SIP/2.0']);
	assert.equal(parse('Request_Response', 'OPTIONS tel:+1 SIP/2.0').uri, undefined);
	assert.equal(parse('Request_Response', 'OPTIONS sip:a@h_h SIP/2.0').uri, undefined);
	gives('Request_Response', [
		['SIP/2.0 200 OK', { sip_version: 'SIP/2.0', status_code: 200, reason_phrase: 'OK' }],
		['sip/2.0 183 "S\u00e9ance" #1', { sip_version: 'sip/2.0', status_code: 183, reason_phrase: '"S\u00e9ance" #1' }],
		['SIP/2.0 100 ', { sip_version: 'SIP/2.0', status_code: 100, reason_phrase: '' }],
	]);
	refuses('Request_Response', ['', 'SIP/2.0 200', 'SIP/2.0 1000 x', 'INVITE sip:a', 'INVITE  sip:a SIP/2.0',
		'INVITE sip:a  SIP/2.0', 'INVITE sip:a SIP/2.0 ',
		'INVITE <sip:a> SIP/2.0', 'IN/V sip:a SIP/2.0', 'INVITE sip: SIP/2.0', 'INVITE x SIP/2.0']);
});

test('sipfrag, with or without headers behind the status', () => {
	for (const text of ['SIP/2.0 180 Ringing', 'SIP/2.0 180 Ringing\r\n', 'SIP/2.0 180 Ringing\r\nContact: <sip:a>\r\n\r\nbody'])
		assert.equal(parse('sipfrag', text).status_code, 180, text);
	assert.equal(parse('sipfrag', 'SIP/2.0 603 Not now, thanks').reason_phrase, 'Not now, thanks');
	refuses('sipfrag', ['', 'INVITE sip:a SIP/2.0', 'X: y', 'SIP/2.0 20', 'SIP/2.0 2000 x']);
});

test('the rest', () => {
	gives('absoluteURI', [['http://h:80/a;b?c', { scheme: 'http', host: 'h', host_type: 'domain', port: 80 }], ['urn:a:b',
		{ scheme: 'urn' }],
		['http://u:p@[::1]:8080/', { scheme: 'http', host: '[::1]', host_type: 'IPv6', port: 8080 }]]);
	refuses('absoluteURI', ['', 'x', 'x:', '1a:x', 'x:a b', 'x:%4']);
	gives('uuid', [['F81D4FAE-7DEC-11d0-a765-00a0c91e6bf6', 'F81D4FAE-7DEC-11d0-a765-00a0c91e6bf6']]);
	refuses('uuid', ['', 'uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'f81d4fae7dec11d0a76500a0c91e6bf6']);
	gives('displayName', [['"a \\"b"', { displayName: 'a \\"b' }], ['a  b', { displayName: 'a  b' }]]);
	refuses('displayName', ['', '"a', 'a ', 'a\u0001']);
	assert.notEqual(parse('quoted_string', '"a\\"\u00e9 b"'), -1);
	refuses('quoted_string', ['a', '"a', '"a"b"', '"\u0001"']);
	gives('Call_ID', [['a@b', 'a@b'], ['<{[%]}>', '<{[%]}>']]);
	refuses('Call_ID', ['', 'a b', 'a@b@c', '@']);
	gives('stun_URI', [['stun:a.b:5', { scheme: 'stun', host: 'a.b', host_type: 'domain', port: 5 }]]);
	gives('turn_URI', [['turns:[::1]:5?transport=tcp', { scheme: 'turns', host: '[::1]', host_type: 'IPv6', port: 5,
		transport: 'tcp' }]]);
	refuses('stun_URI', ['stun:', 'turn:a', 'stun:a?transport=udp']);
	refuses('turn_URI', ['turn:a?x', 'turn:a?transport=']);
});

test('no input takes long', () => {
	const long = 50000;

	for (const [rule, text] of [
		['Contact', `"${' '.repeat(long)}`], ['Contact', `"${'\\"'.repeat(long)}`], ['From', `${'a '.repeat(long)}<`],
			['Name_Addr_Header', '<sip:a>' + ';a'.repeat(long) + ';'],
		['SIP_URI', `sip:${'%61'.repeat(long)}`], ['SIP_URI', `sip:a@${'a.'.repeat(long)}_`], ['SIP_URI',
			`sip:a@b?${'a=b&'.repeat(2000)}`], ['host', `[${':1'.repeat(long)}]`],
		['Via', `SIP/2.0/UDP${' '.repeat(long)}`], ['Content_Type', `a/b${' '.repeat(long)}x`], ['Supported', 'a,'.repeat(long)],
			['challenge', `Digest ${'a="b",'.repeat(long)}`],
		['absoluteURI', `x://${'@'.repeat(long)} `], ['quoted_string', `"${'\r\n '.repeat(long)}`],
	]) {
		const start = process.hrtime.bigint();
		assert.equal(Grammar.parse(text, rule), -1, rule);
		assert.ok(process.hrtime.bigint() - start < 2000000000n, rule);
	}
});
