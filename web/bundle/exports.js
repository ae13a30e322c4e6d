/* The machine's functions under short names, in the WebAssembly and in what calls them. */
'use strict';

function leb(bytes, at) {
	let value = 0, shift = 0;
	for (;;) {
		const b = bytes[at++];
		value |= (b & 127) << shift;
		shift += 7;
		if (b < 128)
			return [value, at];
	}
}

function toLeb(n) {
	const out = [];
	do
		out.push((n & 127) | (n > 127 ? 128 : 0));
	while (n >>>= 7);
	return out;
}

/* `rename`: of an export's name, its new one. Gives the module with them. */
function renameExports(wasm, rename) {
	const out = [...wasm.subarray(0, 8)];
	for (let at = 8; at < wasm.length;) {
		const [size, from] = leb(wasm, at + 1);
		let body = [...wasm.subarray(from, from + size)];
		if (wasm[at] === 7) {	/* the section of exports: name, kind, index */
			const [count, first] = leb(body, 0);
			const entries = [...toLeb(count)];
			for (let i = 0, p = first; i < count; i++) {
				const [n, start] = leb(body, p);
				const name = Buffer.from(rename(Buffer.from(body.slice(start, start + n)).toString()));
				const [, end] = leb(body, start + n + 1);
				entries.push(...toLeb(name.length), ...name, ...body.slice(start + n, end));
				p = end;
			}
			body = entries;
		}
		out.push(wasm[at], ...toLeb(body.length));
		for (const b of body)
			out.push(b);
		at = from + size;
	}
	return Buffer.from(out);
}

const PREFIX = 'sidetone_';

/* What is called by a name that is put together keeps it. */
const isPutTogether = (name) => /^session_(?!free$|status$|describe)/.test(name);

/* Short names in the order of the exports; `names`: of the WebAssembly. */
function shortNames(names) {
	const map = new Map();
	for (const name of names) {
		const bare = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
		map.set(name, name === 'memory' || isPutTogether(bare) ? bare : map.size.toString(36));
	}
	return map;
}

/* The same in the text of a module. */
function renameCalls(text, map) {
	const of = (name) => map.get(PREFIX + name) || map.get(name);
	return text.replace(/\b(call|make)\('(\w+)'(?! \+)/g, (all, fn, name) => (of(name) ? `${fn}('${of(name)}'` : all))
		.replace(/\.x\.(\w+)/g, (all, name) => (map.get(name) ? `.x['${map.get(name)}']` : all))
		.replace(`'${PREFIX}' + name`, 'name');
}

module.exports = { renameExports, shortNames, renameCalls };
