/* The types say what is there, and nothing else. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const fs = require('node:fs'), path = require('node:path');
const SIP = require('../src/index.js');

const read = (name) => fs.readFileSync(path.join(__dirname, '../types', name), 'utf8');
const values = read('values.d.ts'), media = read('media.d.ts');

/* The lines inside "class Name ... { ... }". */
function classBody(text, name) {
	const found = new RegExp(`\\bclass ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(text);
	assert.ok(found, `class ${name}`);
	return found[1];
}

/* Names of the methods and fields of a class as declared. */
function declared(body) {
	return body.split('\n').map((line) => /^\t(?!\/|\*)(?:readonly |get |set )?(\w+)[?(:<]/.exec(line)).filter(Boolean).map((m) => m[1]).filter((n) => n !== 'constructor');
}

function methodsOf(prototype) {
	const names = new Set();
	for (let p = prototype; p && p !== Object.prototype && p !== SIP.EventEmitter.prototype; p = Object.getPrototypeOf(p))
		for (const name of Object.keys(p))
			if (typeof p[name] === 'function')
				names.add(name);
	return [...names];
}

test('every class has its methods in the types, and the types no other', () => {
	for (const [name, constructor, text, base] of [
		['EventEmitter', SIP.EventEmitter, values], ['URI', SIP.URI, values], ['NameAddrHeader', SIP.NameAddrHeader, values],
			['OutgoingRequest', SIP.OutgoingRequest, values],
		['IncomingRequest', SIP.IncomingRequest, values, 'IncomingMessage'], ['IncomingResponse', SIP.IncomingResponse, values,
			'IncomingMessage'],
		['WebRTCSessionDescriptionHandler', SIP.WebRTC.SessionDescriptionHandler, media, 'SessionDescriptionHandler'], ['Simple',
			SIP.WebRTC.Simple, media],
	]) {
		const names = declared(classBody(text, name) + (base ? `\n${classBody(text, base)}` : ''));
		const methods = name === 'EventEmitter' ? Object.keys(constructor.prototype) : methodsOf(constructor.prototype);
		for (const method of methods)
			assert.ok(names.includes(method), `${name}.${method} has no type`);
		const body = classBody(text, name);
		for (const [, method] of body.matchAll(/^\t(\w+)(?:<[^>]*>)?\(/gm))
			if (method !== 'constructor')
				assert.equal(typeof constructor.prototype[method], 'function', `${name}.${method} is not there`);
	}
});

test('helpers, exceptions, constants, rules and modifiers have types', () => {
	const inside = (name) => new RegExp(`\\bnamespace ${name} \\{\\n([^]*?)\\n\\}`).exec(name === 'ModifiersList'
		? media : values)[1];
	const names = (body, expression) => [...body.matchAll(expression)].map((m) => m[1]).sort();

	assert.deepEqual([...new Set(names(inside('Utils'), /\b(?:function|const) (\w+)/g))], Object.keys(SIP.Utils).sort());
	assert.deepEqual(names(inside('Exceptions'), /\bclass (\w+)/g), Object.keys(SIP.Exceptions).sort());
	assert.deepEqual(names(inside('ModifiersList'), /\bconst (\w+)/g), Object.keys(SIP.WebRTC.Modifiers).sort());
	for (const name of [...Object.keys(SIP.Timers), ...Object.keys(SIP.C).filter((n) => n !== 'causes'),
		...Object.keys(SIP.C.causes)])
		assert.match(values, new RegExp(`\\b${name}\\b`));
	const rules = /interface GrammarValues \{\n([^]*?)\n\}/.exec(values)[1];
	assert.deepEqual(names(rules, /^\t(\w+):/gm), Object.keys(Object.assign({}, require('../src/grammar_uri.js').rules,
		require('../src/grammar_header.js'))).sort());
	for (const name of [...Object.keys(require('../src/values.js')), 'version', 'name'])
		assert.match(values, new RegExp(`export (class|namespace|const|function) ${name}\\b`));
	for (const name of Object.keys(require('../src/media.js')))
		assert.match(media, new RegExp(`export class ${name}\\b| as ${name}\\b`));
});
