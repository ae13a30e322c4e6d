/* What the bundler makes: the machine comes out of its file as it went in, and each way of loading works. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const fs = require('fs'), path = require('path'), vm = require('vm'), zlib = require('zlib'), cp = require('child_process');
const { lzma } = require('../bundle/lzma.js');

const FILE = path.join(__dirname, '../../build/web/sidetone-ua.js');
const MOST = 100 * 1024;        /* [bytes], gzipped */

const xz = (bytes) => cp.execFileSync('xz', ['--format=lzma', '--lzma1=preset=9e,nice=64,mf=bt4,depth=4000,lc=3,lp=0,pb=0', '-c'], { input: bytes });

test('bytes come out of LZMA as they went in', () => {
	let seed = 1;
	const random = (n) => Uint8Array.from({ length: n }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16);
	const repeated = Uint8Array.from({ length: 40000 }, (x, i) => (i * i >> 7) & 255);

	for (const bytes of [Uint8Array.of(0), random(3), random(5000), repeated, new Uint8Array(70000), Buffer.concat([random(300), repeated, random(300), repeated])])
		assert.deepEqual(Buffer.from(lzma(xz(bytes), bytes.length)), Buffer.from(bytes));
});

test('a script tag makes the global SIP, at once', () => {
	const page = { TextEncoder, TextDecoder, WebAssembly, atob, console, crypto: globalThis.crypto || require('crypto').webcrypto, setTimeout };
	page.self = page;
	vm.runInNewContext(fs.readFileSync(FILE, 'utf8'), page);
	assert.equal(page.SIP.version, '0.9.2');
	assert.equal(new page.SIP.UA({ uri: 'a@b.c', autostart: false }).configuration.uri.toString(), 'sip:a@b.c');
});

test('CommonJS, AMD and an ES module have the same members', async () => {
	const common = Object.keys(require(FILE)), module = await import('file://' + FILE.replace(/\.js$/, '.mjs'));
	let amd;
	const define = (names, factory) => { amd = factory(); };
	define.amd = true;
	vm.runInNewContext(fs.readFileSync(FILE, 'utf8'), { define, TextEncoder, TextDecoder, WebAssembly, atob, console, crypto: globalThis.crypto || require('crypto').webcrypto });
	assert.deepEqual(Object.keys(amd), common);
	assert.deepEqual(Object.keys(module).filter((n) => n !== 'default').sort(), common.slice().sort());
	assert.deepEqual(Object.keys(module.default), common);
});

test('the file is small', () => {
	const size = zlib.gzipSync(fs.readFileSync(FILE), { level: 9 }).length;
	assert.ok(size <= MOST, `${size} bytes`);
});
