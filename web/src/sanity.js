/* SIP.sanityCheck: whether a message may go on to the user agent. A request that may not is answered
 * here where RFC 3261 says so; a response is dropped. */
'use strict';

const { C } = require('./constants.js');
const Utils = require('./utils.js');
const { IncomingRequest, IncomingResponse, responseHead } = require('./message_in.js');

/* What every check gets: {message, ua, transport, logger}. Each returns false to refuse. */

function answer(check, code) {
	if (check.message.method !== C.ACK)
		check.transport.send(`${Utils.buildStatusLine(code)}${responseHead(check.message, code)}\r\n`);
	return false;
}

function drop(check, why) {
	check.logger.warn(`${why}. Dropping the response`);
	return false;
}

function hasMinimum(check) {
	for (const name of ['from', 'to', 'call_id', 'cseq', 'via'])
		if (!check.message.hasHeader(name))
			return drop(check, `Missing mandatory header field : ${name}`);
	return true;
}

/* RFC 3261 8.2.2.1 */
function hasKnownScheme(check) {
	const { ruri } = check.message;
	return ruri && ruri.scheme === C.SIP ? true : answer(check, 416);
}

/* One of our own requests that came back. */
function isNotLooped(check) {
	const { message, ua } = check;
	return !message.to_tag && message.call_id.startsWith(ua.configuration.sipjsId) ? answer(check, 482) : true;
}

/* RFC 3261 8.2.2.2: the same request by another way. */
function isNotMerged(check) {
	const { message, ua } = check, tables = ua.transactions;
	if (message.to_tag || message.method === C.ACK || !tables)
		return true;
	const running = (message.method === C.INVITE ? tables.ist : tables.nist) || {};
	if (running[message.via_branch])
		return true;
	for (const branch of Object.keys(running)) {
		const { request } = running[branch];
		if (request.from_tag === message.from_tag && request.call_id === message.call_id && request.cseq === message.cseq)
			return answer(check, 482);
	}
	return true;
}

/* RFC 3261 18.3 */
function hasWholeBody(message) {
	const length = message.getHeader('content-length');
	return length === undefined || Utils.str_utf8_length(message.body) >= Number(length);
}

function requestIsWhole(check) {
	return hasWholeBody(check.message) || answer(check, 400);
}

function responseIsWhole(check) {
	return hasWholeBody(check.message) ||
		drop(check, 'Message body length is lower than the value in Content-Length header field');
}

/* RFC 3261 8.1.3.3 */
function hasOneVia(check) {
	return check.message.getHeaders('via').length <= 1 || drop(check, 'More than one Via header field present in the response');
}

/* RFC 3261 18.1.2 */
function cameToUs(check) {
	const { message, ua } = check;
	return (message.via.host === ua.configuration.viaHost && message.via.port === undefined) ||
		drop(check, 'Via sent-by in the response does not match UA Via host value');
}

const REQUEST_CHECKS = [isNotMerged, requestIsWhole, isNotLooped, hasKnownScheme];
const RESPONSE_CHECKS = [hasOneVia, cameToUs, responseIsWhole];

function sanityCheck(message, ua, transport) {
	const check = { message, ua, transport, logger: ua.getLogger('sip.sanitycheck') };
	const kind = message instanceof IncomingRequest ? REQUEST_CHECKS : message instanceof IncomingResponse ? RESPONSE_CHECKS : [];
	return hasMinimum(check) && kind.every((passes) => passes(check));
}

module.exports = sanityCheck;
