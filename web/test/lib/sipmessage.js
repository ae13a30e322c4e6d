/* SIP messages for tests: as plain objects, by rules that are none of the libraries'. */
'use strict';

function parse(text) {
	const cut = text.indexOf('\r\n\r\n'), lines = text.slice(0, cut).split('\r\n'), first = lines.shift();
	const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]);
	const m = { text, first, headers, body: text.slice(cut + 4) };
	m.all = (name) => headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
	m.get = (name) => m.all(name)[0];
	m.tag = (name) => (/;tag=([^;>]+)/.exec(m.get(name) || '') || [])[1];
	if (first.startsWith('SIP/2.0'))
		m.status = Number(first.split(' ')[1]);
	else
		[m.method, m.uri] = first.split(' ');
	m.cseqMethod = (m.get('CSeq') || '').split(' ')[1];
	m.cseq = parseInt(m.get('CSeq'), 10);
	return m;
}

const REASONS = { 100: 'Trying', 180: 'Ringing', 183: 'Session Progress', 200: 'OK', 202: 'Accepted', 302: 'Moved Temporarily',
	401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 407: 'Proxy Authentication Required', 408: 'Request Timeout', 412: 'Conditional Request Failed',
	423: 'Interval Too Brief', 480: 'Temporarily Unavailable', 481: 'Call/Transaction Does Not Exist', 486: 'Busy Here',
	487: 'Request Terminated', 488: 'Not Acceptable Here', 489: 'Bad Event', 491: 'Request Pending', 500: 'Server Internal Error',
	503: 'Service Unavailable', 603: 'Decline' };

const lines = (headers) => headers.map((h) => h + '\r\n').join('');

function end(headers, type, body) {
	return lines(headers) + (body ? `Content-Type: ${type || 'application/sdp'}\r\n` : '') + `Content-Length: ${Buffer.byteLength(body || '')}\r\n\r\n${body || ''}`;
}

/* {tag, headers, body, type, reason} */
function response(request, status, { tag = 'server', headers = [], body = '', type, reason } = {}) {
	const to = request.get('To'), tagged = /;tag=/.test(to) || status === 100 || !tag ? to : `${to};tag=${tag}`;
	return `SIP/2.0 ${status} ${reason || REASONS[status] || 'Reason'}\r\n` + lines(request.all('Via').map((v) => 'Via: ' + v)) +
		`From: ${request.get('From')}\r\nTo: ${tagged}\r\nCall-ID: ${request.get('Call-ID')}\r\nCSeq: ${request.get('CSeq')}\r\n` + end(headers, type, body);
}

let branches = 0;

/* {uri, from, to, callId, cseq, branch, headers, body, type} */
function request(method, o) {
	return `${method} ${o.uri} SIP/2.0\r\nVia: SIP/2.0/WS server.example.com;branch=z9hG4bK${o.branch || 'server' + ++branches}\r\nMax-Forwards: 69\r\n` +
		`From: ${o.from}\r\nTo: ${o.to}\r\nCall-ID: ${o.callId}\r\nCSeq: ${o.cseq} ${o.cseqMethod || method}\r\n` + end(o.headers || [], o.type, o.body);
}

module.exports = { parse, write: { response, request } };
