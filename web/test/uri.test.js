/* SIP.URI, SIP.NameAddrHeader. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const { URI, NameAddrHeader } = require('../src/index.js');

test('a URI needs a host and nothing else', () => {
	for (const args of [[], ['sip'], ['sip', 'user'], ['sip', 'user', '']])
		assert.throws(() => new URI(...args), { name: 'TypeError', message: 'missing or invalid "host" parameter' });
	assert.equal(String(new URI(undefined, undefined, 'h')), 'sip:h');
	assert.equal(new URI(null, 'u', 'h').scheme, 'sip');
});

test('scheme and host are compared without case, and written as they were given', () => {
	const uri = new URI('SIPS', 'Alice', 'Example.COM', 5061, { Transport: 'TLS', lr: null }, { 'x-a': ['1', '2'] });

	assert.deepEqual([uri.scheme, uri.user, uri.host, uri.port, uri.aor], ['sips', 'Alice', 'example.com', 5061,
		'Alice@example.com']);
	assert.equal(uri.toString(), 'sips:Alice@example.com:5061;transport=tls;lr?X-A=1&X-A=2');
	assert.equal(uri.toRaw(), 'SIPS:Alice@Example.COM:5061;transport=tls;lr?X-A=1&X-A=2');
	uri.host = 'Other';
	uri.scheme = 'SIP';
	assert.equal(uri.toRaw(), 'SIP:Alice@Other:5061;transport=tls;lr?X-A=1&X-A=2');
	assert.equal(uri.aor, 'Alice@other');
	assert.deepEqual(Object.keys(uri), ['parameters', 'headers']);
});

test('a port is a number, 0 too, or null', () => {
	const uri = new URI('sip', 'u', 'h', 0);

	assert.equal(String(uri), 'sip:u@h:0');
	uri.port = '5060';
	assert.equal(uri.port, 5060);
	uri.port = 'none';
	assert.equal(uri.port, null);
	assert.equal(String(uri), 'sip:u@h');
	assert.equal(new URI('sip', 'u', 'h').port, undefined);
	assert.equal(new URI('sip', 'u', 'h', 'x').port, null);
});

test('parameters', () => {
	const uri = new URI('sip', 'u', 'h');

	uri.setParam('Foo', 'BAR');
	uri.setParam('Flag', null);
	uri.setParam('n', 5);
	uri.setParam(undefined, 'x');
	assert.deepEqual(uri.parameters, { foo: 'bar', flag: null, n: '5' });
	assert.equal(uri.getParam('FOO'), 'bar');
	assert.equal(uri.getParam('flag'), null);
	assert.equal(uri.getParam('no'), undefined);
	assert.deepEqual([uri.hasParam('FLAG'), uri.hasParam('no'), uri.hasParam(), uri.hasParam('toString')], [true, false, undefined,
		false]);
	assert.equal(uri.deleteParam('foo'), 'bar');
	assert.equal(uri.deleteParam('foo'), undefined);
	assert.equal(uri.deleteParam(), undefined);
	uri.clearParams();
	assert.deepEqual(uri.parameters, {});
});

test('headers', () => {
	const uri = new URI('sip', 'u', 'h');

	uri.setHeader('x-one', 'a');
	uri.setHeader('call-id', ['b', 'c']);
	assert.deepEqual(uri.headers, { 'X-One': ['a'], 'Call-ID': ['b', 'c'] });
	assert.deepEqual(uri.getHeader('X-ONE'), ['a']);
	assert.deepEqual([uri.hasHeader('CALL-id'), uri.hasHeader('no'), uri.hasHeader()], [true, false, undefined]);
	assert.deepEqual(uri.deleteHeader('call-ID'), ['b', 'c']);
	assert.equal(uri.deleteHeader('call-ID'), undefined);
	uri.clearHeaders();
	assert.deepEqual(uri.headers, {});
});

test('a user is escaped once, whatever it is made of', () => {
	const written = (user) => String(new URI('sip', user, 'h'));

	assert.equal(written('a b@c#'), 'sip:a%20b%40c%23@h');
	assert.equal(written('+1:pw?x/y'), 'sip:+1:pw?x/y@h');
	assert.equal(written('%61%20'), 'sip:a%20@h');
	assert.equal(written('\u00f1'), 'sip:%C3%B1@h');
	assert.equal(written('100%'), 'sip:100%25@h');
	assert.equal(written('%ff'), 'sip:%ff@h');
	assert.equal(written('\ud800x'), 'sip:%EF%BF%BDx@h');
});

test('a clone shares nothing', () => {
	const uri = URI.parse('sip:A@H;x=y?h=v'), clone = uri.clone();

	clone.setParam('x', 'z');
	clone.headers.H.push('w');
	clone.host = 'other';
	assert.equal(uri.toRaw(), 'sip:A@H;x=y?H=v');
	assert.equal(clone.toRaw(), 'sip:A@other;x=z?H=v&H=w');
});

test('a text is parsed', () => {
	const uri = URI.parse('SIP:%61liCE@versaTICA.Com:6060;TRansport=TCp;Foo=ABc;baz?X-Header-1=AaA1&X-Header-2=BbB&x-header-1=AAA2');

	assert.equal(uri.user, 'aliCE');
	assert.equal(uri.port, 6060);
	assert.deepEqual(uri.parameters, { transport: 'tcp', foo: 'abc', baz: null });
	assert.deepEqual(uri.headers, { 'X-Header-1': ['AaA1', 'AAA2'], 'X-Header-2': ['BbB'] });
	for (const wrong of ['', 'sip:', 'sip:@h', 'sip:a@', 'sip:a b@h', 'sip:a@h;', 'sip:a@h?', 'sip:a@h?b', 'tel:1', 'a@h', ' sip:a',
		'sip:a ', 'sip:a@-b',
		'sip:a@b:123456', 'sip:a@256.1.1.1', 'sip:a@[::1', 'sip:a@[1:2]', '<sip:a@h>', undefined, 5, {}])
		assert.equal(URI.parse(wrong), undefined, String(wrong));
});

test('no parameter of a URI changes its host, and none is lost', () => {
	assert.equal(String(URI.parse('sip:a@h;maddr=10.0.0.1;ttl=5;method=X;user=phonex;lrx=1')),
		'sip:a@h;maddr=10.0.0.1;ttl=5;method=x;user=phonex;lrx=1');
	assert.equal(URI.parse('sip:a@h;lr=on').getParam('lr'), null);
	assert.equal(URI.parse('sip:a@[2001:DB8::1]:5').host, '[2001:db8::1]');
	assert.equal(URI.parse('sip:a@[::]').host, '[::]');
	assert.equal(URI.parse('sip:a%ff%20@h').user, 'a%ff%20');
	assert.equal(String(URI.parse('sip:a%ff@h')), 'sip:a%ff@h');
	assert.equal(URI.parse('sip:a@h.example.').host, 'h.example.');
});

test('a URI without a user has its host as address of record', () => {
	assert.equal(URI.parse('sip:h').aor, 'h');
	assert.equal(NameAddrHeader.parse('<sip:h>').friendlyName, 'h');
});

test('a name-addr', () => {
	const uri = URI.parse('sip:a@B');
	const header = new NameAddrHeader(uri, 'Name', { X: 'Y', Flag: null });

	for (const wrong of [undefined, 'sip:a@b', {}])
		assert.throws(() => new NameAddrHeader(wrong), { name: 'TypeError', message: 'missing or invalid "uri" parameter' });
	assert.equal(String(header), '"Name" <sip:a@b>;x=Y;flag');
	assert.deepEqual([header.displayName, header.friendlyName, header.uri], ['Name', 'Name', uri]);
	header.displayName = 0;
	assert.equal(String(header), '"0" <sip:a@b>;x=Y;flag');
	header.displayName = '';
	assert.deepEqual([header.friendlyName, String(header)], ['a@b', '<sip:a@b>;x=Y;flag']);
	header.setParam('TAG', 5);
	assert.deepEqual([header.getParam('Tag'), header.hasParam('tag'), header.hasParam('no')], ['5', true, false]);
	assert.equal(header.deleteParam('x'), 'Y');
	const clone = header.clone();
	clone.setParam('tag', 'other');
	clone.uri.host = 'c';
	assert.equal(String(header), '<sip:a@b>;flag;tag=5');
	header.clearParams();
	assert.equal(String(header), '<sip:a@b>');
});

test('a display name cannot end its own quotes', () => {
	const header = new NameAddrHeader(URI.parse('sip:a@b'), 'x" <sip:evil>;a="');

	assert.equal(String(header), '"x\\" <sip:evil>;a=\\"" <sip:a@b>');
	header.displayName = 'back\\';
	assert.equal(String(header), '"back\\\\" <sip:a@b>');
	header.displayName = 'a\r\nEvil: b';
	assert.equal(String(header), '"a Evil: b" <sip:a@b>');
	assert.equal(String(NameAddrHeader.parse('"say \\"hi\\"" <sip:a@b>')), '"say \\"hi\\"" <sip:a@b>');
});

test('a text is parsed as a name-addr', () => {
	const header = NameAddrHeader.parse('"I\u00f1aki \u00f0" <SIP:%61@Host;x=Y?h=v>;QWE=QWE;ASd;q="a;b"');

	assert.equal(header.displayName, 'I\u00f1aki \u00f0');
	assert.deepEqual(header.parameters, { qwe: 'QWE', asd: null, q: '"a;b"' });
	assert.equal(String(header.uri), 'sip:a@host;x=y?H=v');
	assert.equal(NameAddrHeader.parse('Two Words<sip:a>').displayName, 'Two Words');
	assert.equal(NameAddrHeader.parse('<sip:a>').displayName, undefined);
	assert.equal(String(NameAddrHeader.parse(' <sip:a> ')), '<sip:a>');
	assert.equal(NameAddrHeader.parse('\u00e9 B <sip:a;x=>').displayName, '\u00e9 B');
	for (const wrong of ['', 'sip:a', '<sip:a', '<sip:a>;', '"x" y <sip:a>', '<sip:a>, <sip:b>', '< sip:a>'])
		assert.equal(NameAddrHeader.parse(wrong), undefined, wrong);
});

test('an address of another scheme keeps its text', () => {
	const header = NameAddrHeader.parse('"N" <tel:+1234;phone-context=x>;tag=1');

	assert.equal(String(header), '"N" <tel:+1234;phone-context=x>;tag=1');
	assert.deepEqual([header.uri.scheme, header.uri.user, header.uri.host], ['tel', '+1234', undefined]);
	assert.equal(header.uri.hasParam('phone-context'), false);
	assert.equal(header.clone().uri.toRaw(), 'tel:+1234;phone-context=x');
	assert.equal(NameAddrHeader.parse('<tel:+1>').friendlyName, 'tel:+1');
	assert.equal(NameAddrHeader.parse('<http://h:80/p?q=r>').uri.toString(), 'http://h:80/p?q=r');
	assert.equal(NameAddrHeader.parse('<sip:a@h_h>'), undefined);
});
