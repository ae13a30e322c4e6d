/* @noble/hashes as one scope: its modules one behind the other, without imports and exports, so that the
 * minifier sees which of them nobody uses. */
'use strict';
const fs = require('fs'), path = require('path');

const IMPORT = /^import\s+(?:\{([^}]*)\}|\*\s+as\s+(\w+))\s+from\s+['"]([^'"]+)['"];?[^\n]*$/gm;

/* `file` and those it imports, each after those that it needs. */
function collect(file, seen, order) {
	if (seen.has(file))
		return;
	seen.add(file);
	const text = fs.readFileSync(file, 'utf8');
	for (const [line, names, whole, from] of text.matchAll(IMPORT)) {
		if (names && /\bas\b/.test(names))
			throw new Error(`${file}: ${line}: a name in an import that is changed`);
		const target = from.startsWith('.') ? path.resolve(path.dirname(file), from) : path.join(path.dirname(file), path.basename(from) + '.js');
		collect(target, seen, order);
		if (whole && !new RegExp(`^const ${whole} = `, 'm').test(fs.readFileSync(target, 'utf8')))
			throw new Error(`${file}: ${line}: ${target} has no object of that name`);
	}
	order.push(text.replace(IMPORT, '').replace(/^export default .*$/gm, '').replace(/^export \{[^}]*\};?$/gm, '')
		.replace(/^export (?=const|function|class|let|async|var)/gm, ''));
}

/* The constants of SHA-512 (FIPS 180-4 4.2.3): of the cube roots of the first 80 primes, 64 bits behind the point. */
function cubeRoots() {
	const k = [];
	for (let p = 2; k.length < 80; p++) {
		let x = 1n << 68n, y = x - 1n;
		if (![...Array(p).keys()].every((d) => d < 2 || p % d))
			continue;
		while (y < x) {
			x = y;
			y = (2n * x + (BigInt(p) << 192n) / (x * x)) / 3n;
		}
		k.push(BigInt.asUintN(64, x));
	}
	return k;
}

/* No compression makes a table of them small: they are calculated, and SHA-256's (4.2.2) are the upper halves of
 * the first 64. */
function calculated(text) {
	const list = /(const K512 = [^[]*)(\[[^\]]*\])/, short = /const SHA256_K = [^(]*\((\[[^\]]*\])\);/, high = /^const SHA512_Kh = .*$/m;
	const said = list.exec(text), halves = short.exec(text), roots = cubeRoots();
	const numbers = (s) => s.match(/0x[0-9a-f]+/g).map(BigInt);
	if (!said || !halves || !high.test(text) || numbers(said[2]).join() !== roots.join() ||
	    numbers(halves[1]).join() !== roots.slice(0, 64).map((k) => k >> 32n).join())
		throw new Error('sha2.js: the constants are not where, or what, they were');
	return text.replace(short, '').replace(list, (all, before) => `${before}(${cubeRoots})()`)
		.replace(high, (line) => `${line}\nconst SHA256_K = SHA512_Kh.subarray(0, 64);`);
}

/* An expression: an object with the functions `names`. */
function noble(folder, names) {
	const seen = new Set(), order = [];
	for (const file of ['legacy.js', 'sha2.js'])
		collect(path.join(folder, file), seen, order);
	return `(()=>{${calculated(order.join('\n'))}\nreturn {${names.join(',')}}})()`;
}

module.exports = { noble };
