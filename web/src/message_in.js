/* SIP.IncomingRequest and SIP.IncomingResponse: what a parsed message says. */
'use strict';

const { C } = require('./constants.js');
const Grammar = require('./grammar.js');
const Utils = require('./utils.js');
const { headerize } = require('./text.js');
const { supportedTags, writeBody, linesOf, aliases } = require('./message.js');

/* The compact forms of names (IANA's registry of SIP header fields). */
const COMPACT = { A: 'Accept-Contact', B: 'Referred-By', C: 'Content-Type', D: 'Request-Disposition', E: 'Content-Encoding',
	F: 'From', I: 'Call-ID', J: 'Reject-Contact', K: 'Supported', L: 'Content-Length', M: 'Contact', N: 'Identity-Info',
	O: 'Event', R: 'Refer-To', S: 'Subject', T: 'To', U: 'Allow-Events', V: 'Via', X: 'Session-Expires', Y: 'Identity' };

/* The name under which a header field is kept. */
function fullName(name) {
	const title = headerize(name);
	return COMPACT[title] || title;
}

const common = {
	/* One more field of this name. */
	addHeader(name, value) {
		const key = fullName(name);
		this.headers[key] = (this.headers[key] || []).concat({ raw: value });
	},

	/* The text of the first one, or undefined. */
	getHeader(name) {
		return this.getHeaders(name)[0];
	},

	getHeaders(name) {
		return (this.headers[fullName(name)] || []).map((field) => field.raw);
	},

	hasHeader(name) {
		return Object.prototype.hasOwnProperty.call(this.headers, fullName(name));
	},

	/* The value of the field of this index as Grammar has it, or undefined. One that is not well formed
	 * is taken out of the message; one that has no rule stays. */
	parseHeader(name, index = 0) {
		const key = fullName(name), fields = this.headers[key];
		if (!fields) {
			this.logger.log(`header "${key}" not present`);
			return undefined;
		}
		const field = fields[index];
		if (!field) {
			this.logger.log(`not so many "${key}" headers present`);
			return undefined;
		}
		if (field.parsed)
			return field.parsed;
		const rule = key.replace(/-/g, '_');
		const parsed = Grammar.parse(field.raw, rule);
		if (parsed === -1) {
			if (Grammar.hasRule(rule))
				fields.splice(index, 1);
			this.logger.warn(`error parsing "${key}" header field with value "${field.raw}"`);
			return undefined;
		}
		field.parsed = parsed;
		return parsed;
	},

	/* The only one of this name. */
	setHeader(name, value) {
		this.headers[fullName(name)] = [{ raw: value }];
	},

	toString() {
		return this.data;
	},
};
common.s = common.parseHeader;
for (const field of 'data headers method via via_branch call_id cseq from from_tag to to_tag body'.split(' '))
	common[field] = null;

const COMMON_ALIASES = { callId: 'call_id', fromTag: 'from_tag', toTag: 'to_tag', viaBranch: 'via_branch', referTo: 'refer_to' };

function IncomingRequest(ua) {
	this.logger = ua.getLogger('sip.sipmessage');
	this.ua = ua;
	this.headers = {};
	this.ruri = null;
	this.transport = null;
	this.server_transaction = null;
}
Object.assign(IncomingRequest.prototype, common);
aliases(IncomingRequest.prototype, Object.assign({ serverTransaction: 'server_transaction' }, COMMON_ALIASES));

/* All responses to one request have one To tag (RFC 3261 8.2.6.2), so the request remembers it. */
function responseTo(request, code) {
	const to = request.getHeader('To');
	if (request.to_tag)
		return request.to && !request.to.hasParam('tag') ? `${to};tag=${request.to_tag}` : to;
	if (code <= 100)
		return to;
	if (!request._responseTag)
		Object.defineProperty(request, '_responseTag', { value: Utils.newTag() });
	return `${to};tag=${request._responseTag}`;
}

/* The lines that come from the request: RFC 3261 8.2.6. */
function responseHead(request, code) {
	let text = request.getHeaders('via').map((via) => `Via: ${via}\r\n`).join('');
	text += `To: ${responseTo(request, code)}\r\n`;
	text += `From: ${request.getHeader('From')}\r\n`;
	text += `Call-ID: ${request.call_id}\r\n`;
	return `${text}CSeq: ${request.cseq} ${request.method}\r\n`;
}

Object.defineProperty(IncomingRequest.prototype, 'replyServed', { value: function (phrase, given) {
	const [code, reason, extraHeaders, body, onSuccess, onFailure] = given;
	Utils.buildStatusLine(code, reason);	/* throws where they are wrong */
	const text = this.served.reply(code, phrase, linesOf(extraHeaders), body);
	const then = text === undefined ? onFailure : onSuccess;
	if (then)
		Promise.resolve().then(then);
	return text;
} });

Object.assign(IncomingRequest.prototype, {
	/* Sends a response, and gives its text. `served`, where the request has one, is whoever answers it:
	 * reply(code, reason, extraHeaders, body) -> the text that left, undefined when none did. Otherwise
	 * the text goes to server_transaction.receiveResponse(code, text) -> promise. */
	reply(code, reason, extraHeaders, body, onSuccess, onFailure) {
		if (this.served)
			return this.replyServed(Utils.getReasonPhrase(code, reason), arguments);
		let text = Utils.buildStatusLine(code, reason);
		if (this.method === C.INVITE && code > 100 && code <= 200)
			text += this.getHeaders('record-route').map((route) => `Record-Route: ${route}\r\n`).join('');
		text += responseHead(this, code);
		text += linesOf(extraHeaders).map((line) => `${line}\r\n`).join('');
		text += `Supported: ${supportedTags(this.ua, this.method)}\r\n`;
		text += `User-Agent: ${this.ua.configuration.userAgentString}\r\n`;
		text += writeBody(body, 'application/sdp');
		this.server_transaction.receiveResponse(code, text).then(onSuccess, onFailure);
		return text;
	},

	/* Sends a response without a transaction. */
	reply_sl(code, reason) {
		const text = Utils.buildStatusLine(code, reason) + responseHead(this, code) +
			`User-Agent: ${this.ua.configuration.userAgentString}\r\nContent-Length: 0\r\n\r\n`;
		this.transport.send(text);
	},
});

function IncomingResponse(ua) {
	this.logger = ua.getLogger('sip.sipmessage');
	this.headers = {};
	this.status_code = null;
	this.reason_phrase = null;
}
Object.assign(IncomingResponse.prototype, common);
aliases(IncomingResponse.prototype, Object.assign({ statusCode: 'status_code', reasonPhrase: 'reason_phrase' }, COMMON_ALIASES));

module.exports = { IncomingRequest, IncomingResponse, responseHead, fullName };
