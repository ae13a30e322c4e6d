/* Messages that the agent made or took, as the objects that an application knows. */
'use strict';
const SIP = require('./sip.js');

/* One that came. What the agent could read and SIP.Parser cannot is `damaged`: it has its first line and its
 * headers, as they are, and of From and To what can be read. */
function incoming(ua, text) {
	const message = SIP.Parser.parseMessage(text, ua);
	if (message)
		return message;
	const lines = headLines(text), first = lines.shift().split(' '), headers = headersOf(lines);
	const made = first[0] === 'SIP/2.0' ? new SIP.IncomingResponse(ua) : new SIP.IncomingRequest(ua);
	for (const name in headers)
		headers[name].forEach((value) => made.addHeader(name, value));
	Object.assign(made, { data: text, damaged: true, method: first[0], status_code: Number(first[1]), body: bodyOf(text),
		call_id: made.getHeader('Call-ID'), cseq: parseInt(made.getHeader('CSeq'), 10) });
	for (const name of ['from', 'to']) {
		const value = made.getHeader(name) || '', [, scheme, rest] = /(\w+):([^>;]*)/.exec(value) || [0, 'sip', ''];
		const tag = made[name + '_tag'] = (/;\s*tag\s*=\s*([^;\s]+)/i.exec(value) || [])[1];
		made[name] = SIP.NameAddrHeader.parse(value) || new SIP.NameAddrHeader(SIP.URI.opaque(scheme, rest), '', tag && { tag });
	}
	return made;
}

const bodyOf = (text) => text.slice(text.indexOf('\r\n\r\n') + 4);

/* "Name: value" lines of a head, folded ones joined. */
function headLines(text) {
	const end = text.indexOf('\r\n\r\n');
	return (end < 0 ? text : text.slice(0, end)).replace(/\r\n[ \t]+/g, ' ').split('\r\n');
}

function headersOf(lines) {
	const headers = {};
	for (const line of lines) {
		const colon = line.indexOf(':'), name = SIP.Utils.headerize(line.slice(0, colon).trim());
		(headers[name] = headers[name] || []).push(line.slice(colon + 1).trim());
	}
	return headers;
}

/* Makes `request`, an OutgoingRequest, say what went out. */
function wireInto(request, text) {
	const lines = headLines(text), first = lines.shift().split(' '), headers = headersOf(lines);
	const one = (name) => (headers[name] || [''])[0];
	const body = bodyOf(text);

	request.method = first[0];
	request.ruri = SIP.URI.parse(first[1]) || first[1];
	request.headers = headers;
	request.extraHeaders = [];
	request.from = SIP.NameAddrHeader.parse(one('From')) || request.from;
	request.to = SIP.NameAddrHeader.parse(one('To')) || request.to;
	request.call_id = one('Call-ID');
	request.cseq = parseInt(one('CSeq'), 10);
	if (!request.body || typeof request.body === 'string')
		request.body = body || undefined;
	Object.defineProperty(request, 'wire', { value: text, writable: true, configurable: true });
	return request;
}

function outgoing(ua, text) {
	const request = Object.create(SIP.OutgoingRequest.prototype);
	request.ua = ua;
	request.logger = ua.getLogger('sip.sipmessage');
	wireInto(request, text);
	request.toString = () => text;
	return request;
}

/* What tells a request of ours that went out from others, without parsing all of it. */
function keysOf(text) {
	const head = text.slice(0, text.indexOf('\r\n\r\n'));
	const value = (name) => {
		const m = new RegExp('\\r\\n' + name + ':[ \\t]*([^\\r]*)', 'i').exec(head);
		return m ? m[1] : '';
	};
	return { method: text.slice(0, text.indexOf(' ')), call_id: value('Call-ID'), cseq: parseInt(value('CSeq'), 10) };
}

const headerBlock = (lines) => (lines || []).map((line) => String(line) + '\r\n').join('');

module.exports = { incoming, outgoing, wireInto, keysOf, headerBlock };
