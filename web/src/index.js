/* The object SIP. values.js and media.js are everything that needs no agent; agent.js, where it is
 * there, is a function that adds the rest (UA, sessions, ...) to the object it gets. */
'use strict';

const { NAME, VERSION } = require('./constants.js');

const SIP = Object.defineProperties({}, {
	version: { get: () => VERSION },
	name: { get: () => NAME },
});
require('./values.js')(SIP);
require('./media.js')(SIP);

function optional(load) {
	try {
		return load();
	} catch (e) {
		if (e.code !== 'MODULE_NOT_FOUND')
			throw e;
		return () => {};
	}
}
optional(() => require('./agent.js'))(SIP);

module.exports = SIP;
