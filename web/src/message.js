/* SIP.OutgoingRequest, and what the messages that arrive have in common with it; message_in.js has
 * those that arrive. */
'use strict';

const { C } = require('./constants.js');
const NameAddrHeader = require('./nameaddr.js');
const Utils = require('./utils.js');
const { headerize, quoteInside } = require('./text.js');

const MAX_FORWARDS = 70;

/* The value of Supported for a request of this method, and for the answer to one. */
function supportedTags(ua, method) {
	const { configuration, contact } = ua, tags = [];
	if (method === C.REGISTER)
		tags.push('path', 'gruu');
	else if (method === C.INVITE && contact && (contact.pub_gruu || contact.temp_gruu))
		tags.push('gruu');
	if (configuration.rel100 === C.supported.SUPPORTED)
		tags.push('100rel');
	if (configuration.replaces === C.supported.SUPPORTED)
		tags.push('replaces');
	tags.push('outbound');
	for (const tag of configuration.extraSupported || [])
		if ((configuration.hackAllowUnregisteredOptionTags || C.OPTION_TAGS[tag]) && !tags.includes(tag))
			tags.push(tag);
	return tags.join(', ');
}

/* {body, contentType} or a text, whose type `whenText` is. Gives the lines of the end of a message. */
function writeBody(body, whenText) {
	const given = body && typeof body === 'object' && !(body instanceof String);
	const content = given ? body.body : body;
	const type = given ? body.contentType : whenText;
	if (!content)
		return 'Content-Length: 0\r\n\r\n';
	const length = Utils.str_utf8_length(String(content));
	return `${type ? `Content-Type: ${type}\r\n` : ''}Content-Length: ${length}\r\n\r\n${content}`;
}

/* A list of whole lines; one line alone is taken too. */
function linesOf(extraHeaders) {
	return (typeof extraHeaders === 'string' ? [extraHeaders] : extraHeaders || []).map((line) => String(line).trim());
}

function raw(uri) {
	return uri && uri.toRaw ? uri.toRaw() : String(uri);
}

/* One whose name needs no case: getters by the names of the later versions. */
function aliases(prototype, names) {
	for (const name of Object.keys(names))
		Object.defineProperty(prototype, name, {
			configurable: true,
			get() {
				return this[names[name]];
			},
			set(value) {
				this[names[name]] = value;
			},
		});
}

/* [Name of the header, as the application's `params` have it] "Name" <uri>;tag=... */
function address(displayName, uri, tag) {
	const name = displayName || displayName === 0 ? `"${quoteInside(displayName)}" ` : '';
	return `${name}<${raw(uri)}>` + (tag ? `;tag=${tag}` : '');
}

function routes(ua, given) {
	if (given.route_set)
		return { Route: [].concat(given.route_set) };
	if (ua.configuration.usePreloadedRoute && ua.transport && ua.transport.server)
		return { Route: [ua.transport.server.sip_uri] };
	return {};
}

/* Via stays empty until a transaction takes the request. */
function OutgoingRequest(method, ruri, ua, params, extraHeaders, body) {
	if (!method || !ruri || !ua)
		return;
	const given = params || {};
	this.logger = ua.getLogger('sip.sipmessage');
	this.ua = ua;
	this.headers = {};
	this.method = method;
	this.ruri = ruri;
	this.body = body;
	this.extraHeaders = linesOf(extraHeaders).slice();
	this.statusCode = given.status_code;
	this.reasonPhrase = given.reason_phrase;

	const to = address(given.to_displayName, given.to_uri || ruri, given.to_tag);
	const named = given.from_displayName || given.from_displayName === 0;
	const from = address(named ? given.from_displayName : ua.configuration.displayName,
		given.from_uri || ua.configuration.uri, given.from_tag || Utils.newTag());
	this.to = NameAddrHeader.parse(to);
	this.from = NameAddrHeader.parse(from);
	this.call_id = given.call_id || ua.configuration.sipjsId + Utils.createRandomToken(15);
	this.cseq = given.cseq || Math.floor(Math.random() * 10000);

	const lines = Object.assign(routes(ua, given), { Via: '', 'Max-Forwards': MAX_FORWARDS, To: to, From: from,
		'Call-ID': this.call_id, CSeq: `${this.cseq} ${method}` });
	for (const name of Object.keys(lines))
		this.setHeader(name, lines[name]);
}

/* The extra lines whose name this is, as their values. */
function extraValues(request, name) {
	const wanted = headerize(name);
	return request.extraHeaders.map((line) => /^([^:\s]+)\s*:\s*([^]*)$/.exec(line))
		.filter((parts) => parts && headerize(parts[1]) === wanted).map((parts) => parts[2].trim());
}

Object.assign(OutgoingRequest.prototype, {
	setHeader(name, value) {
		this.headers[headerize(name)] = Array.isArray(value) ? value : [value];
	},

	/* The first of this name, or undefined. */
	getHeader(name) {
		return this.getHeaders(name)[0];
	},

	getHeaders(name) {
		const own = this.headers[headerize(name)];
		return own ? own.slice() : extraValues(this, name);
	},

	hasHeader(name) {
		return Boolean(this.headers[headerize(name)]) || extraValues(this, name).length > 0;
	},

	/* A transaction that can be cancelled puts a function of its own here (RFC 3261 9.1: an INVITE's). */
	cancel() {},

	toString() {
		let text = `${this.method} ${raw(this.ruri)} SIP/2.0\r\n`;
		for (const name of Object.keys(this.headers))
			for (const value of this.headers[name])
				text += `${name}: ${value}\r\n`;
		for (const line of this.extraHeaders)
			text += `${line}\r\n`;
		text += `Supported: ${supportedTags(this.ua, this.method)}\r\n`;
		text += `User-Agent: ${this.ua.configuration.userAgentString}\r\n`;
		return text + writeBody(this.body);
	},
});
aliases(OutgoingRequest.prototype, { callId: 'call_id' });

module.exports = { OutgoingRequest, supportedTags, writeBody, linesOf, aliases };
