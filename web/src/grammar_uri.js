/* Rules for addresses: SIP URIs, other URIs, name-addr, and the headers that are made of them. */
'use strict';

const URI = require('./uri.js');
const NameAddrHeader = require('./nameaddr.js');
const { unescapeUser } = require('./text.js');

const SIP_SCHEME = /(sips?):/iy;
const UNRESERVED = "A-Za-z0-9\\-_.!~*'()", ESCAPED = '%[0-9A-Fa-f]{2}';
const USERINFO = new RegExp(`((?:[${UNRESERVED}&=+$,;?/]|${ESCAPED})+)(:(?:[${UNRESERVED}&=+$,]|${ESCAPED})*)?@`, 'y');
const PARAM_TEXT = new RegExp(`(?:[${UNRESERVED}[\\]/:&+$]|${ESCAPED})+`, 'y');
const HEADER_TEXT = new RegExp(`(?:[${UNRESERVED}[\\]/?:+$]|${ESCAPED})+`, 'y');
/* More than RFC 3261 allows: names of all languages come without quotes. */
const NAME = /[A-Za-z0-9\-.!%*_+`'~\u0080-\uffff]+/y;
const SCHEME = /([A-Za-z][A-Za-z0-9+\-.]*):/y;
const PATH = new RegExp(`(?:[${UNRESERVED};/?:@&=+$,]|${ESCAPED})+`, 'y');
const BARE_REST = new RegExp(`(?:[${UNRESERVED}/:@&=+$]|${ESCAPED})+`, 'y');
const AUTHORITY = new RegExp(`(?:[${UNRESERVED}[\\];:@&=+$,]|${ESCAPED})*`, 'y');
const STUN_HOST = new RegExp(`(?:[A-Za-z0-9\\-._~!$&'()*+,;=@]|${ESCAPED})+`, 'y');

/* scheme:[userinfo@]host[:port], the fields for a URI. */
function parseBareURI(s) {
	return s.attempt(() => {
		const scheme = s.match(SIP_SCHEME);
		if (!scheme)
			return undefined;
		const userinfo = s.match(USERINFO);
		const host = s.host();
		const port = host && s.attempt(() => s.literal(':') && s.port());
		return host && { scheme: scheme[1], user: userinfo && unescapeUser(userinfo[1] + (userinfo[2] || '')), host: host.host,
			port: port && port.port, parameters: {}, headers: {} };
	});
}

function makeURI(f) {
	return f && new URI(f.scheme, f.user, f.host, f.port, f.parameters, f.headers);
}

/* The value of lr means nothing (RFC 3261 19.1.1) and is let go. */
function parseURIParameter(s) {
	const name = s.read(PARAM_TEXT);
	const value = name && s.attempt(() => s.literal('=') && (s.read(PARAM_TEXT) || ''));
	return name && { name: name.toLowerCase(), value: /^lr$/i.test(name) ? undefined : value };
}

function parseURIHeaders(s, headers) {
	for (let mark = '?'; s.attempt(() => {
		const name = s.literal(mark) && s.read(HEADER_TEXT);
		if (!name || !s.literal('='))
			return undefined;
		const key = Object.keys(headers).find((k) => k.toLowerCase() === name.toLowerCase()) || name;
		headers[key] = (headers[key] || []).concat(s.read(HEADER_TEXT) || '');
		return true;
	}); mark = '&');
}

function parseSIPURI(s) {
	const fields = parseBareURI(s);
	if (!fields)
		return undefined;
	while (s.attempt(() => {
		const parameter = s.literal(';') && parseURIParameter(s);
		if (parameter)
			fields.parameters[parameter.name] = parameter.value;
		return parameter;
	}));
	parseURIHeaders(s, fields.headers);
	return makeURI(fields);
}

/* scheme://host... or scheme:anything. {scheme}, with host and port where an authority names them. */
function parseAbsoluteURI(s) {
	return s.attempt(() => {
		const scheme = s.match(SCHEME), start = s.pos;
		if (!scheme)
			return undefined;
		const found = { scheme: scheme[1] };
		if (s.literal('//')) {
			const authority = s.read(AUTHORITY);
			Object.assign(found, parseAuthority(s, authority));
		}
		s.read(PATH);
		found.rest = s.text.slice(start, s.pos);
		return found.rest === '' ? undefined : found;
	});
}

function parseAuthority(s, authority) {
	const inner = new s.constructor(authority.slice(authority.lastIndexOf('@') + 1));
	const host = inner.host();
	const port = host && inner.attempt(() => inner.literal(':') && inner.port());
	if (!host || !inner.atEnd())
		return {};
	return port && port.port !== undefined ? Object.assign(host, port) : host;
}

/* What stands between < and >. An address of another scheme may have a host (http:) or none (tel:). */
function parseAnyURI(s) {
	const sip = parseSIPURI(s);
	if (sip)
		return sip;
	const other = parseAbsoluteURI(s);
	return other && !/^sips?$/i.test(other.scheme) ? URI.opaque(other.scheme, other.rest) : undefined;
}

function parseDisplayName(s) {
	const quoted = s.quotedInside();
	if (quoted !== undefined)
		return quoted;
	const start = s.pos;
	if (!s.read(NAME))
		return undefined;
	while (s.attempt(() => s.lws() && s.read(NAME)));
	return s.text.slice(start, s.pos);
}

/* {uri, displayName} */
function parseNameAddr(s) {
	return s.attempt(() => {
		const displayName = parseDisplayName(s);
		s.lws();
		const uri = s.literal('<') && parseAnyURI(s);
		if (!uri || !s.literal('>'))
			return undefined;
		s.lws();
		return { uri, displayName };
	});
}

/* A URI without brackets: parameters after it are the header's. */
function parseAddrSpec(s) {
	const sip = makeURI(parseBareURI(s));
	if (sip)
		return { uri: sip };
	return s.attempt(() => {
		const scheme = s.match(SCHEME);
		const rest = scheme && !/^sips?$/i.test(scheme[1]) && s.read(BARE_REST);
		return rest ? { uri: URI.opaque(scheme[1], rest) } : undefined;
	});
}

/* name-addr or addr-spec with parameters. `last`: the parameter that is written last, the tag. */
function parseAddress(s, { bare, last } = {}) {
	return s.attempt(() => {
		const address = parseNameAddr(s) || (bare && parseAddrSpec(s));
		if (!address)
			return undefined;
		const header = new NameAddrHeader(address.uri, address.displayName);
		const kept = [];
		s.parameters(({ name, value }) => {
			if (name === last)
				kept.push(value);
			else
				header.setParam(name, value);
		});
		for (const value of kept)
			header.setParam(last, value);
		return header;
	});
}

/* [{position, offset, parsed}]: where each ends and begins. */
function parseAddresses(s, options) {
	return s.list(() => {
		const offset = s.pos;
		const parsed = parseAddress(s, options);
		return parsed && { position: s.pos, offset, parsed };
	});
}

/* stun: and turn: (RFC 7064, 7065). */
function parseServerURI(s, scheme, query) {
	const found = s.match(scheme);
	if (!found)
		return undefined;
	const value = { scheme: found[1] };
	const host = s.host();
	if (host)
		Object.assign(value, host);
	else
		value.host = s.read(STUN_HOST);
	const port = s.attempt(() => s.literal(':') && s.port());
	if (port && port.port !== undefined)
		value.port = port.port;
	if (query && s.literal('?transport='))
		value.transport = s.token() || '';
	return value.host === undefined || value.transport === '' ? undefined : value;
}

module.exports = {
	parseSIPURI,
	parseAbsoluteURI,
	rules: {
		SIP_URI: parseSIPURI,
		absoluteURI(s) {
			const found = parseAbsoluteURI(s);
			if (found)
				delete found.rest;
			return found;
		},
		displayName(s) {
			const displayName = parseDisplayName(s);
			return displayName === undefined ? undefined : { displayName };
		},
		Name_Addr_Header: (s) => parseAddress(s),
		From: (s) => parseAddress(s, { bare: true, last: 'tag' }),
		To: (s) => parseAddress(s, { bare: true, last: 'tag' }),
		Refer_To: (s) => parseAddress(s, { bare: true }),
		Referred_By: (s) => parseAddress(s, { bare: true }),
		Contact: (s) => parseAddresses(s, { bare: true }),
		Record_Route: (s) => parseAddresses(s),
		Route: (s) => parseAddresses(s),
		stun_URI: (s) => parseServerURI(s, /(stuns?):/iy, false),
		turn_URI: (s) => parseServerURI(s, /(turns?):/iy, true),
	},
};
