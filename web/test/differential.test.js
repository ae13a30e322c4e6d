/* The same scenes on SIP.js 0.9.2 and on ours: the same events in the same order with the same
 * arguments, the same messages, the same words of errors. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert');
const { play } = require('./lib/scene.js');

const only = process.env.SCENE;

for (const file of ['calls', 'agent'])
	for (const [name, scene] of Object.entries(require(`./lib/scenes_${file}.js`))) {
		if (only && !name.includes(only))
			continue;
		const { run, ours = (r) => r } = typeof scene === 'function' ? { run: scene } : scene;
		test(name, { timeout: 30000 }, async () => {
			const theirs = ours(await play('theirs', run)), mine = await play('ours', run);

			assert.deepEqual(mine.errors, [], 'nothing is thrown to nobody');
			for (const part of ['events', 'wire', 'media', 'notes'])
				assert.deepEqual(mine[part], theirs[part], part);
		});
	}
