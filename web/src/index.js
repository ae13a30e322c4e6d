/* The object SIP, filled: values.js and media.js have everything that needs no agent, parts.js what
 * does (UA, contexts, sessions, ...). */
'use strict';
const { NAME, VERSION } = require('./constants.js');
const SIP = require('./sip.js');

Object.defineProperties(SIP, {
	version: { get: () => VERSION },
	name: { get: () => NAME },
});
Object.assign(SIP, require('./values.js'), require('./media.js'));
require('./parts.js');

module.exports = SIP;
