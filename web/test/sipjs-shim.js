/* Names that SIP.js's own suite spies on or calls, over the agent. No behaviour: a message that a case
 * hands to a context is put onto the fake socket, as the text that it would have come as. */
'use strict';

const SIP = globalThis.SIP;
const noop = () => {};

/* ---- names that are only spied on ---- */

const machines = ['InviteServerTransaction', 'NonInviteServerTransaction', 'InviteClientTransaction', 'NonInviteClientTransaction'];
SIP.Transactions = { C: {} };
for (const name of machines)
	SIP.Transactions[name] = function () {};
SIP.RequestSender = function () {};
SIP.RequestSender.prototype.send = noop;

/* ---- messages, as text ---- */

const headersOf = (message, skip) => Object.keys(message.headers)
	.filter((name) => !skip.includes(name.toLowerCase()))
	.map((name) => [].concat(message.headers[name]).map((v) => `${name}: ${v.raw === undefined ? v : v.raw}\r\n`).join('')).join('');

const withTag = (value, tag) => (!tag || /;tag=/.test(value) ? value : `${value};tag=${tag}`);

const tail = (body) => `Content-Length: ${Buffer.byteLength(body || '')}\r\n\r\n${body || ''}`;

/* `request`: ours, which it answers. */
function responseText(response, request) {
	const via = request.getHeader('via');
	return `SIP/2.0 ${response.status_code} ${response.reason_phrase || 'X'}\r\nVia: ${via}\r\nFrom: ${request.getHeader('from')}\r\n` +
		`To: ${withTag(request.getHeader('to'), response.to_tag)}\r\nCall-ID: ${request.call_id}\r\nCSeq: ${request.cseq} ${request.method}\r\n` +
		headersOf(response, ['via', 'from', 'to', 'call-id', 'cseq', 'content-length']) + tail(response.body);
}

let branch = 0;

/* A request inside the session's dialog, of which a case gives what it is about. */
function requestText(request, session) {
	const { dialog } = session, { id } = dialog;
	return `${request.method} ${session.ua.contact.uri} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKshim${++branch}\r\n` +
		`From: <${dialog.remote_uri}>;tag=${id.remote_tag}\r\nTo: <${dialog.local_uri}>;tag=${id.local_tag}\r\n` +
		`Call-ID: ${id.call_id}\r\nCSeq: ${1000 + branch} ${request.method}\r\nMax-Forwards: 70\r\n` + tail(request.body);
}

/* The suite's CANCEL comes with another sent-by than its INVITE, which is another transaction for
 * RFC 3261 9.2: on this socket it has the INVITE's. */
const vias = new Map();
const topVia = (text) => /\r\nVia: ([^\r]*;branch=([^;\r]*)[^\r]*)/.exec(text);
const { onMessage } = SIP.Transport.prototype;
SIP.Transport.prototype.onMessage = function (e) {
	const via = typeof e.data === 'string' && topVia(e.data);
	if (via && e.data.startsWith('INVITE'))
		vias.set(via[2], via[1]);
	else if (via && e.data.startsWith('CANCEL') && vias.has(via[2]))
		e = { data: e.data.replace(via[1], vias.get(via[2])) };
	return onMessage.call(this, e);
};

const put = (ua, text) => ua.transport.onMessage({ data: text });

const { InviteClientContext, InviteServerContext } = SIP;

InviteClientContext.prototype.receiveInviteResponse = function (response) {
	put(this.ua, responseText(response, this.request));
};
InviteClientContext.prototype.receiveResponse = InviteClientContext.prototype.receiveInviteResponse;
InviteClientContext.prototype.receiveRequest = function (request) {
	put(this.ua, requestText(request, this));
};
InviteServerContext.prototype.receiveRequest = InviteClientContext.prototype.receiveRequest;
SIP.Subscription.prototype.receiveRequest = function (request) {
	this.on_notify({}, request);
};

/* The agent's transactions are its own. */
Object.defineProperty(SIP.UA.prototype, 'transactions', { get: () => ({ nist: {}, nict: {}, ist: {}, ict: {} }) });
