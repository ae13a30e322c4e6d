#!/usr/bin/env node
/* Makes the one file that a page loads: web/src with what it requires, and the WebAssembly as a
 * string, as a script (global SIP, CommonJS, AMD) and as a module.
 *
 *   web/build.js WASM OUT.js [OUT.mjs]
 */
'use strict';
const fs = require('fs'), path = require('path');
const { squeeze } = require('./bundle/squeeze.js');
const { encode } = require('./bundle/encode.js');

const root = __dirname;
const version = /version: '([^']*)'/.exec(fs.readFileSync(path.join(root, '../meson.build'), 'utf8'))[1];

/* Where `name`, required in `from`, lies. A package's own "exports" are not looked at: those that
 * are used here keep their CommonJS beside their package.json. */
function resolve(name, from) {
	const base = name.startsWith('.') ? path.resolve(path.dirname(from), name) : path.join(root, 'node_modules', name);
	for (const file of [base, base + '.js', path.join(base, 'index.js')])
		if (fs.existsSync(file) && fs.statSync(file).isFile())
			return file;
	throw new Error(`${path.relative(root, from)} requires ${name}, which is not there: run tools/install-web`);
}

/* The modules that `entry` needs, each after those that it needs itself. */
function collect(entry, wasm) {
	const order = [], seen = new Map();
	const visit = (file) => {
		if (seen.has(file))
			return seen.get(file);
		const id = seen.size;
		seen.set(file, id);
		const text = path.basename(file) === 'wasm.js' ? `module.exports = ${encode(fs.readFileSync(wasm))};`
			: squeeze(fs.readFileSync(file, 'utf8'));
		/* What is node's own is asked for where the file is loaded; in a page it is empty. */
		const body = text.replace(/\brequire\((['"]node:[^'"]+['"])\)/g, 'outer($1)').replace(/\brequire\((['"])([^'"]+)\1\)/g, (all, quote, name) => `require(${visit(resolve(name, file))})`);
		order.push({ id, body });
		return id;
	};
	return { first: visit(entry), order };
}

function bundle(wasm) {
	const { first, order } = collect(path.join(root, 'src/index.js'), wasm);
	const modules = order.map(({ id, body }) => `${id}:function(module,exports,require){${body}\n}`).join(',\n');
	return `function(){'use strict';var outer=function(name){return typeof require==='function'?require(name):{}};
return(function(){var made={},all={${modules}};
function require(id){if(!made[id]){made[id]={exports:{}};all[id].call(made[id].exports,made[id],made[id].exports,require)}return made[id].exports}
return require(${first})})()}`;
}

function main(wasm, script, esm) {
	const head = `/* Sidetone ${version}: a SIP user agent for a page, with the API of SIP.js 0.9. Apache-2.0.\n` +
		' * Contains @noble/hashes, (c) Paul Miller, MIT. */\n';
	const factory = bundle(wasm);
	fs.mkdirSync(path.dirname(script), { recursive: true });
	fs.writeFileSync(script, `${head}(function(root,factory){
if(typeof module==='object'&&module.exports)module.exports=factory();
else if(typeof define==='function'&&define.amd)define([],factory);
else root.SIP=factory()})(typeof self!=='undefined'?self:this,${factory});\n`);
	if (esm) {
		const SIP = require(path.resolve(script));
		const names = Object.keys(SIP).filter((n) => /^[A-Za-z_$][\w$]*$/.test(n) && n !== 'default');
		fs.writeFileSync(esm, `${head}const SIP=(${factory})();\nexport default SIP;\n` +
			`export const {${names.join(',')}}=SIP;\n`);
	}
}

if (process.argv.length < 4) {
	console.error('usage: web/build.js WASM OUT.js [OUT.mjs]');
	process.exit(2);
}
main(process.argv[2], process.argv[3], process.argv[4]);
