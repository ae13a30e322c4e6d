/* Rules for the other headers, and for the first line of a message. */
'use strict';

const Scanner = require('./grammar_scan.js');
const { parseSIPURI, parseAbsoluteURI } = require('./grammar_uri.js');

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/iy;
const VERSION = /SIP\/[0-9]+\.[0-9]+/iy;
const STATUS = /([0-9]{3}) ([^\r\n]*)/y;
const FRAGMENT_STATUS = /(SIP\/[0-9]+\.[0-9]+) ([0-9]{3})(?: ([^\r\n]*))?/iy;
const FRAGMENT_REST = /\r?\n[^]*/y;
const RECEIVED = /received[ \t]*=[ \t]*/iy;
const EMPTY_RPORT = /rport[ \t]*=(?![ \t]*[0-9])/iy;

/* `params` is there only when there is a parameter. A flag is there with the value undefined. */
function addParam(data, { name, value }) {
	if (!data.params)
		data.params = {};
	data.params[name] = value;
}

function parseVia(s) {
	const protocol = s.token();
	const version = protocol && s.separator('/') && s.token();
	const transport = version && s.separator('/') && s.token();
	if (!transport || !s.lws())
		return undefined;
	const data = s.host();
	if (!data)
		return undefined;
	Object.assign(data, { protocol, transport });
	const port = s.attempt(() => s.separator(':') && s.port());
	if (port && port.port !== undefined)
		data.port = port.port;
	s.parameters((parameter) => takeViaParameter(data, parameter), () => parseViaParameter(s));
	return data;
}

/* What these have to be; otherwise they are as any other parameter. */
const VIA_VALUES = {
	branch: (value) => !/^["[]/.test(value),
	maddr: Scanner.isHost,
	received: (value) => Scanner.isIPv4(value) || /^[^"[]*:/.test(value),
	ttl: (value) => /^[0-9]{1,3}$/.test(value),
	rport: (value) => /^[0-9]+$/.test(value),
};

/* received may be an IPv6 address without brackets, which is none of the usual values; rport may have
 * an equal sign and no number. */
function parseViaParameter(s) {
	const received = s.attempt(() => {
		const value = s.match(RECEIVED) && s.bareIPv6();
		return value && { name: 'received', value };
	});
	return received || s.attempt(() => s.match(EMPTY_RPORT) && { name: 'rport' }) || s.parameter();
}

function takeViaParameter(data, { name, value }) {
	if (Object.prototype.hasOwnProperty.call(VIA_VALUES, name) && value && VIA_VALUES[name](value))
		data[name] = name === 'ttl' || name === 'rport' ? parseInt(value, 10) : value;
	else if (name !== 'rport' || value !== undefined)
		addParam(data, { name, value });
}

function parseCSeq(s) {
	const value = s.digits();
	const method = value !== undefined && s.lws() && s.token();
	return method ? { value, method } : undefined;
}

function parseRAck(s) {
	const value = s.digits();
	const cseq = value !== undefined && s.lws() ? s.digits() : undefined;
	const method = cseq !== undefined && s.lws() && s.token();
	return method ? { value, cseq, method } : undefined;
}

function parseWithParams(s, data) {
	s.parameters((parameter) => addParam(data, parameter));
	return data;
}

function parseEvent(s) {
	const event = s.token();
	return event && parseWithParams(s, { event: event.toLowerCase() });
}

/* The value of handling is for whoever cannot show a part, not for the parser's caller. */
function parseDisposition(s) {
	const type = s.token();
	if (!type)
		return undefined;
	const data = { type: type.toLowerCase() };
	s.parameters((parameter) => {
		if (parameter.name !== 'handling' || parameter.value === undefined)
			addParam(data, parameter);
	});
	return data;
}

function parseContentType(s) {
	const type = s.token() && s.separator('/') && s.token();
	if (!type)
		return undefined;
	s.parameters(() => {}, () => {
		const parameter = s.parameter();
		return parameter && parameter.value !== undefined ? parameter : undefined;
	});
	return s.text.slice(0, s.pos);
}

function parseReplaces(s) {
	const start = s.pos;
	const id = parseCallId(s);
	if (!id)
		return undefined;
	const data = { call_id: s.text.slice(start, s.pos) };
	s.parameters(({ name, value }) => {
		if (name === 'to-tag' && value !== undefined)
			data.replaces_to_tag = value;
		else if (name === 'from-tag' && value !== undefined)
			data.replaces_from_tag = value;
		else if (name === 'early-only')
			data.early_only = true;
		else
			addParam(data, { name, value });
	});
	return data.replaces_to_tag && data.replaces_from_tag ? data : undefined;
}

/* A Call-ID may have semicolons in no place: the word of RFC 3261 has none. */
function parseCallId(s) {
	const start = s.pos;
	if (!s.word())
		return undefined;
	s.attempt(() => s.literal('@') && s.word());
	return s.text.slice(start, s.pos);
}

function parseSubscriptionState(s) {
	const state = s.token();
	if (!state)
		return undefined;
	const data = { state };
	s.parameters(({ name, value }) => {
		if (name === 'reason' && value !== undefined && !value.startsWith('"'))
			data.reason = value;
		else if (name === 'expires' && value !== undefined && /^[0-9]+$/.test(value))
			data.expires = parseInt(value, 10);
		else
			addParam(data, { name, value });
	});
	return data;
}

function parseSessionExpires(s) {
	const deltaSeconds = s.digits();
	if (deltaSeconds === undefined)
		return undefined;
	const data = { deltaSeconds };
	s.parameters(({ name, value }) => {
		if (name === 'refresher' && /^ua[cs]$/i.test(value))
			data.refresher = value.toLowerCase();
		else
			addParam(data, { name, value });
	});
	return data;
}

function parseNumberWithParams(s) {
	const value = s.digits();
	if (value !== undefined)
		s.parameters(() => {});
	return value;
}

/* Some write token values in quotes, or the other way round: what is meant is clear. */
function unquote(value) {
	return value.startsWith('"') ? value.slice(1, -1) : value;
}

function takeChallengeParameter(data, { name, value }) {
	const quoted = value !== undefined && value.startsWith('"');
	if (quoted && ['realm', 'nonce', 'opaque'].includes(name))
		data[name] = unquote(value);
	else if (name === 'stale' && value !== undefined && /^"?(true|false)"?$/i.test(value))
		data.stale = unquote(value).toLowerCase() === 'true';
	else if (name === 'algorithm' && value !== undefined)
		data.algorithm = unquote(value).toUpperCase();
	else if (name === 'qop' && value !== undefined)
		for (const qop of unquote(value).split(',').map((q) => q.trim().toLowerCase()).filter(Boolean))
			data.qop = (data.qop || []).concat(qop);
}

/* Of another scheme than Digest nothing is known: an empty object. */
function parseChallenge(s) {
	const scheme = s.token();
	if (!scheme || !s.lws())
		return undefined;
	const digest = /^digest$/i.test(scheme), data = {};
	const list = s.list(() => {
		const parameter = s.parameter();
		return parameter && parameter.value !== undefined ? parameter : undefined;
	});
	if (!list)
		return undefined;
	s.lws();
	if (digest)
		for (const parameter of list)
			takeChallengeParameter(data, parameter);
	return data;
}

function parseStatusLine(s) {
	return s.attempt(() => {
		const version = s.read(VERSION);
		const status = version && s.literal(' ') && s.match(STATUS);
		return status && { sip_version: version, status_code: parseInt(status[1], 10), reason_phrase: status[2] };
	});
}

/* A Request-URI that is no SIP URI leaves `uri` out: the answer is 416. */
function parseRequestLine(s) {
	const method = s.token();
	if (!method || !s.literal(' '))
		return undefined;
	const data = { method };
	const start = s.pos;
	const uri = parseSIPURI(s);
	if (uri && s.text[s.pos] === ' ') {
		data.uri = uri;
	} else {
		s.pos = start;
		const other = parseAbsoluteURI(s);
		if (!other)
			return undefined;
		delete other.rest;
		Object.assign(data, other);
	}
	data.sip_version = s.literal(' ') && s.read(VERSION);
	return data.sip_version ? data : undefined;
}

/* A message/sipfrag that begins with a status line (RFC 3515 2.4.5): headers may follow. `method` is a
 * reason phrase of one word: SIP.js calls it so. */
function parseFragment(s) {
	const status = s.match(FRAGMENT_STATUS);
	if (!status)
		return undefined;
	const data = { sip_version: status[1], status_code: parseInt(status[2], 10), reason_phrase: status[3] || '' };
	if (/^[A-Za-z0-9\-.!%*_+`'~]+$/.test(data.reason_phrase))
		data.method = data.reason_phrase;
	s.read(FRAGMENT_REST);
	return data;
}

const number = (s) => s.digits();
const tokens = (s) => s.list(() => s.token()) || [];

module.exports = {
	Via: parseVia,
	CSeq: parseCSeq,
	RAck: parseRAck,
	RSeq: number,
	Max_Forwards: number,
	Content_Length: number,
	Expires: number,
	Min_Expires: number,
	Min_SE: parseNumberWithParams,
	Session_Expires: parseSessionExpires,
	Call_ID: parseCallId,
	Event: parseEvent,
	Content_Disposition: parseDisposition,
	Content_Type: parseContentType,
	Replaces: parseReplaces,
	Subscription_State: parseSubscriptionState,
	Supported: tokens,
	Require: tokens,
	Proxy_Require: tokens,
	Allow: tokens,
	Allow_Events: tokens,
	challenge: parseChallenge,
	WWW_Authenticate: parseChallenge,
	Proxy_Authenticate: parseChallenge,
	host: (s) => s.host(),
	uuid: (s) => s.read(UUID),
	quoted_string: (s) => s.quotedInside() === undefined ? undefined : {},
	Request_Response: (s) => parseStatusLine(s) || parseRequestLine(s),
	sipfrag: parseFragment,
};
