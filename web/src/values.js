/* The members of SIP that are values: constants, addresses, messages and what reads them. */
'use strict';

const { OutgoingRequest } = require('./message.js');
const { IncomingRequest, IncomingResponse } = require('./message_in.js');
const { md5Hex } = require('./hash.js');

require('./provided.js').provide({ md5: md5Hex });

module.exports = {
	Utils: require('./utils.js'),
	LoggerFactory: require('./logger.js'),
	EventEmitter: require('./emitter.js'),
	C: require('./constants.js').C,
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
};
