/* The bundler's parts: nothing of the program changes on its way into the file. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { encode } = require('../bundle/encode.js'), { squeeze } = require('../bundle/squeeze.js');

const run = (expression) => new Function('return ' + expression)();

test('bytes come back from their string', () => {
	for (const bytes of [[], [0], [0, 10, 13, 39, 92, 125, 126, 255], Array.from({ length: 5000 }, (x, i) => (i * i) % 256)]) {
		const expression = encode(Uint8Array.from(bytes));

		assert.match(expression, /^[\x20-\x7e\n]*$/);
		assert.deepEqual(Array.from(run(expression)()), bytes);
	}
});

test('squeezed code says what it said', () => {
	const source = `(function () {
		// a comment 'with' quotes
		const a = 'x // y', b = "/* z */", c = /[/'"]\\/  +/.source;   /* and
		one over lines */ const d = \`t \${ [1, 2].map((n) => \`<\${ n }>\`).join('  ') }  //\`;
		let e = 8 / 2 / 2
		e += 1
		return [a, b, c, d, e, a ? 1 : -1, typeof /a b/];
	})()`;

	assert.deepEqual(run(squeeze(source)), run(source));
	assert.ok(!squeeze(source).includes('comment'));
});
