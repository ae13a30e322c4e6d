/* The members of SIP that are values: constants, addresses, messages and what reads them. */
'use strict';

const { C } = require('./constants.js');
const { OutgoingRequest } = require('./message.js');
const { IncomingRequest, IncomingResponse } = require('./message_in.js');

module.exports = function addValues(SIP) {
	Object.assign(SIP, {
		Utils: require('./utils.js'),
		LoggerFactory: require('./logger.js'),
		EventEmitter: require('./emitter.js'),
		C,
		Exceptions: require('./exceptions.js'),
		Timers: require('./timers.js'),
		Grammar: require('./grammar.js'),
		Parser: require('./parser.js'),
		URI: require('./uri.js'),
		NameAddrHeader: require('./nameaddr.js'),
		OutgoingRequest,
		IncomingRequest,
		IncomingResponse,
		sanityCheck: require('./sanity.js'),
	});
};
