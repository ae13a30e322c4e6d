/* SIP.Parser: a text becomes an IncomingRequest or IncomingResponse, or undefined with a warning. */
'use strict';

const Grammar = require('./grammar.js');
const { IncomingRequest, IncomingResponse, fullName } = require('./message_in.js');
const { utf8Cut, splitList } = require('./text.js');

/* A field that the message keeps once, parsed: the last one counts. */
function single(take) {
	return (message, name, value) => {
		message.setHeader(name, value);
		const parsed = message.parseHeader(name);
		if (parsed !== undefined && take)
			take(message, parsed, value);
		return parsed !== undefined;
	};
}

/* A list of addresses: each becomes a field of its own. */
function addresses(message, name, value) {
	const list = Grammar.parse(value, name.replace(/-/g, '_'));
	if (list === -1)
		return false;
	for (const { offset, position, parsed } of list) {
		message.addHeader(name, value.slice(offset, position).trim());
		const fields = message.headers[name];
		fields[fields.length - 1].parsed = parsed;
	}
	return true;
}

function takeVia(message, name, value) {
	for (const one of splitList(value))
		message.addHeader(name, one);
	if (message.via)
		return true;
	const via = message.parseHeader(name);
	if (via) {
		message.via = via;
		message.via_branch = via.branch;
	}
	return Boolean(via);
}

/* A field that is not well formed and that the message can do without stays as text. */
function lenient(take) {
	return (message, name, value) => {
		if (!take(message, name, value)) {
			message.logger.warn(`error parsing "${name}" header field with value "${value}"`);
			message.addHeader(name, value);
		}
		return true;
	};
}

/* All others become fields with their text alone. */
const TAKE = {
	Via: takeVia,
	From: single((message, from) => {
		message.from = from;
		message.from_tag = from.getParam('tag');
	}),
	To: single((message, to) => {
		message.to = to;
		message.to_tag = to.getParam('tag');
	}),
	'Record-Route': lenient(addresses),
	Contact: lenient(addresses),
	'Call-ID': single((message, parsed, value) => {
		message.call_id = value;
	}),
	CSeq: single((message, cseq) => {
		message.cseq = cseq.value;
		if (message instanceof IncomingResponse)
			message.method = cseq.method;
	}),
	'Max-Forwards': single(),
	'Content-Length': single(),
	'Refer-To': lenient((message, name, value) => {
		const parsed = Grammar.parse(value, 'Refer_To');
		if (parsed === -1)
			return false;
		message.setHeader(name, value);
		message.headers[name][0].parsed = parsed;
		message.refer_to = parsed;
		return true;
	}),
};

/* The end of the line that begins at `start`, its continuations included (RFC 3261 7.3.1). */
function endOfHeader(text, start) {
	for (let end = text.indexOf('\r\n', start); end >= 0; end = text.indexOf('\r\n', end + 2))
		if (text[end + 2] !== ' ' && text[end + 2] !== '\t')
			return end;
	return -1;
}

function makeMessage(line, ua) {
	const first = Grammar.parse(line, 'Request_Response');
	if (first === -1)
		return undefined;
	let message;
	if (first.status_code !== undefined) {
		message = new IncomingResponse(ua);
		message.status_code = first.status_code;
		message.reason_phrase = first.reason_phrase;
	} else {
		message = new IncomingRequest(ua);
		message.method = first.method;
		message.ruri = first.uri;
	}
	return message;
}

/* False when the field spoils the message. A line that is no field at all is passed over. */
function takeHeader(message, line, logger) {
	const colon = line.indexOf(':');
	if (colon <= 0) {
		logger.warn(`not a header field: ${JSON.stringify(line)}`);
		return true;
	}
	const name = fullName(line.slice(0, colon).trim()), value = line.slice(colon + 1).trim();
	if (Object.prototype.hasOwnProperty.call(TAKE, name) && !TAKE[name](message, name, value)) {
		logger.error(`error parsing header "${line.slice(0, colon).trim()}"`);
		return false;
	}
	if (!Object.prototype.hasOwnProperty.call(TAKE, name))
		message.addHeader(name, value);
	return true;
}

/* The position of the body; -1 when a header is wrong or the empty line is missing. */
function takeHeaders(message, text, start, logger) {
	for (let pos = start; ;) {
		if (text.startsWith('\r\n', pos))
			return pos + 2;
		const end = endOfHeader(text, pos);
		if (end < 0) {
			logger.error('malformed message');
			return -1;
		}
		if (!takeHeader(message, text.slice(pos, end), logger))
			return -1;
		pos = end + 2;
	}
}

function parseMessage(data, ua) {
	const logger = ua.getLogger('sip.parser');
	/* Empty lines before a message mean nothing (RFC 3261 7.5). */
	const start = /^(?:\r\n)*/.exec(data)[0].length;
	const end = data.indexOf('\r\n', start);
	if (end < 0) {
		logger.warn('no CRLF found, not a SIP message, discarded');
		return undefined;
	}
	const line = data.slice(start, end);
	const message = makeMessage(line, ua);
	if (!message) {
		logger.warn(`error parsing first line of SIP message: "${line}"`);
		return undefined;
	}
	message.data = data;
	const bodyStart = takeHeaders(message, data, end + 2, logger);
	if (bodyStart < 0)
		return undefined;
	const length = message.hasHeader('Content-Length') ? message.parseHeader('Content-Length') : undefined;
	message.body = length === undefined ? data.slice(bodyStart) : utf8Cut(data.slice(bodyStart), length);
	return message;
}

module.exports = { parseMessage };
