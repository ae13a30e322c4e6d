#!/usr/bin/env node
/* Makes the one file that a page loads: web/src with what it requires, and the WebAssembly in it, as a
 * script (global SIP, CommonJS, AMD) and as a module.
 *
 *   web/build.js WASM OUT.js [OUT.mjs]
 */
'use strict';
const fs = require('fs'), path = require('path'), cp = require('child_process');
const { minify } = require('terser');
const { noble } = require('./bundle/noble.js');
const { lzma } = require('./bundle/lzma.js');
const { renameExports, shortNames, renameCalls } = require('./bundle/exports.js');

const root = __dirname;
const version = /version: '([^']*)'/.exec(fs.readFileSync(path.join(root, '../meson.build'), 'utf8'))[1];

/* What web/bundle/lzma.js reads. As base64 it costs after the server's gzip what it costs as bytes. */
function pack(wasm, names) {
	const bytes = renameExports(fs.readFileSync(wasm), (name) => names.get(name));
	const packed = cp.execFileSync('xz', ['--format=lzma', '--lzma1=preset=9e,nice=64,mf=bt4,depth=4000,lc=3,lp=0,pb=0', '-c'],
		{ input: bytes, maxBuffer: 1 << 28 });
	if (Buffer.compare(Buffer.from(lzma(packed, bytes.length)), bytes))
		throw new Error(`${wasm} is not what comes out again`);
	return `(${lzma})(Uint8Array.from(atob('${packed.toString('base64')}'),(c)=>c.charCodeAt(0)),${bytes.length})`;
}

/* Modules whose place something made takes. */
const made = {
	'wasm.js': ({ wasm, names }) => ({ body: pack(wasm, names), at_end: true }),
	'noble.js': () => ({ body: noble(path.join(root, 'node_modules/@noble/hashes/esm'), ['md5', 'sha256', 'sha512_256']) }),
};

function resolve(name, from) {
	const file = path.resolve(path.dirname(from), name);
	if (!name.startsWith('.') || !fs.existsSync(file))
		throw new Error(`${path.relative(root, from)} requires ${name}`);
	return file;
}

/* Each module as a value of its own, those that it needs before it. The WebAssembly comes last: what is
 * alike in the others then stands near enough together for gzip. */
function collect(entry, options) {
	const order = [], last = [], seen = new Map();
	const visit = (file, from) => {
		if (seen.has(file)) {
			if (!seen.get(file).done)
				throw new Error(`${path.relative(root, from)} and ${path.relative(root, file)} require each other`);
			return seen.get(file).name;
		}
		const module = { name: `module${seen.size}`, done: false };
		seen.set(file, module);
		if (made[path.basename(file)]) {
			const { body, at_end } = made[path.basename(file)](options);
			(at_end ? last : order).push(at_end ? `function ${module.name}(){return ${body}}` : `const ${module.name}=${body};`);
		} else {
			/* What is node's own is asked for where the file is loaded; a page has no use for it. */
			const body = renameCalls(fs.readFileSync(file, 'utf8'), options.names).replace(/\brequire\((['"]node:[^'"]+['"])\)/g, 'outer($1)')
				.replace(/\brequire\((['"])([^'"]+)\1\)/g, (all, quote, name) => visit(resolve(name, file), file));
			order.push(`const ${module.name}=(()=>{const module={};${body.replace(/\bmodule\.exports = ([^;]+|\{[^]*\});\s*$/, 'return $1;')}\n})();`);
		}
		module.done = true;
		return module.name;
	};
	const first = visit(entry, entry);
	return `${order.join('\n')}\n${last.join('\n')}\nreturn ${first};`;
}

function factoryOf(wasm) {
	const names = shortNames(WebAssembly.Module.exports(new WebAssembly.Module(fs.readFileSync(wasm))).map((x) => x.name));
	return `function(){'use strict';const outer=(name)=>typeof require==='function'?require(name):{};
${collect(path.join(root, 'src/index.js'), { wasm, names })}}`;
}

/* Names of ours alone, which need not be read in the file that is made. None is written as a string anywhere. */
const PRIVATE = ['last_sent', 'transports', 'setWord', 'mediaError', 'theirs_pending', 'theirsFailed', 'withOptions', 'descriptionOptions',
	'mediaFailed', 'requestInside', 'haveDialog', 'closeMedia', 'answerWith', 'causeOf', 'prepareOffer', 'transportFor', 'socketClosed',
	'closeSocket', 'openSocket', 'onAgentDisconnected', 'early_cancel', 'first_sent', 'said_bye', 'sayBye', 'sayPrack', 'carrier', 'whenSent',
	'forgetUnsent', 'refusing', 'refusal', 'answering', 'adopt', 'sendByMedia', 'sendReinvite', 'followFailed', 'on_event', 'last_conn', 'tellGathered', 'remoteSet', 'changeHold',
	'modifiersOf', 'applyOptions', 'beginGathering', 'endGathering', 'mediaOptions', 'replaceTracks', 'waitForCandidates', 'takeCandidate',
	'takeGatheringState', 'createDescription', 'giveUp', 'quotedInside', 'transportsOf', 'peerCan', 'waitForDialog',
	'heard', 'checkHandle', 'notFollowed', 'was_held', 'relayOnly', 'isCandidateTcp',
	'transportCount', 'supportedTags', 'stripEncoding', 'responseHead', 'withoutLines', 'InsideRequest', 'wireInto', 'roundClean', 'takeInvite',
	'hasServers'];

async function write(file, code, module) {
	const { code: small } = await minify(code, { module, ecma: 2020, mangle: { toplevel: true, properties: { regex: new RegExp(`^(?:${PRIVATE.join('|')})$`) } }, format: { ascii_only: true },
		compress: { ecma: 2020, passes: 3, unsafe_arrows: true, pure_getters: true, toplevel: true,
			/* Shorter without, once compressed. */
			collapse_vars: false, sequences: false, conditionals: false } });
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, `/* Sidetone ${version}: a SIP user agent for a page, with the API of SIP.js 0.9. Apache-2.0.\n` +
		` * Contains @noble/hashes, (c) Paul Miller, MIT. */\n${small}\n`);
}

async function main(wasm, script, esm) {
	const factory = factoryOf(wasm);
	await write(script, `(function(root,factory){
if(typeof module==='object'&&module.exports)module.exports=factory();
else if(typeof define==='function'&&define.amd)define([],factory);
else root.SIP=factory()})(typeof self!=='undefined'?self:this,${factory});`, false);
	if (!esm)
		return;
	const names = Object.keys(require(path.resolve(script))).filter((n) => n !== 'default');
	await write(esm, `const SIP=(${factory})();export default SIP;export const {${names.join(',')}}=SIP;`, true);
}

if (process.argv.length < 4) {
	console.error('usage: web/build.js WASM OUT.js [OUT.mjs]');
	process.exit(2);
}
main(process.argv[2], process.argv[3], process.argv[4]).catch((e) => {
	console.error(e);
	process.exit(1);
});
