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

/* An expression: an object with the functions `names`. */
function noble(folder, names) {
	const seen = new Set(), order = [];
	for (const file of ['legacy.js', 'sha2.js'])
		collect(path.join(folder, file), seen, order);
	return `(()=>{${order.join('\n')}\nreturn {${names.join(',')}}})()`;
}

module.exports = { noble };
