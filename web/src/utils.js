/* SIP.Utils. */
'use strict';

const { C } = require('./constants.js');
const Grammar = require('./grammar.js');
const URI = require('./uri.js');
const text = require('./text.js');
const provided = require('./provided.js');

function isFunction(fn) {
	return typeof fn === 'function';
}

/* A whole number, or a text that is one. */
function isDecimal(num) {
	return !isNaN(num) && parseFloat(num) === parseInt(num, 10);
}

function defer() {
	const deferred = {};
	deferred.promise = new Promise((resolve, reject) => {
		deferred.resolve = resolve;
		deferred.reject = reject;
	});
	return deferred;
}

/* Calls the functions one after the other, each with what the promise of the one before gave. */
function reducePromises(list, value) {
	return list.reduce((before, next) => before.then(next), Promise.resolve(value));
}

/* Makes `object` what `constructor` makes, with methods of its own kept unless `override`. */
function augment(object, constructor, args, override) {
	for (const name in constructor.prototype)
		if (override || object[name] === undefined)
			object[name] = constructor.prototype[name];
	constructor.apply(object, args);
}

/* An option by its new name, its old one, or its default. */
function optionsOverride(options, winner, loser, isDeprecated, logger, defaultValue) {
	if (isDeprecated && options[loser])
		logger.warn(`${loser} is deprecated, please use ${winner} instead`);
	if (options[winner] && options[loser])
		logger.warn(`${winner} overriding ${loser}`);
	options[winner] = options[winner] || options[loser] || defaultValue;
}

/* The lines of a session description that no media line needs, with an address that is none. */
function generateFakeSDP(body) {
	if (!body)
		return undefined;
	const origin = /^o=[^\r\n]*/m.exec(body);
	return ['v=0', origin ? origin[0] : '', 's=-', 't=0 0', 'c=IN IP4 0.0.0.0'].join('\r\n');
}

/* `size` digits of the base, each equally likely. */
function createRandomToken(size, base = 32) {
	const limit = 256 - 256 % base;
	let token = '';
	while (token.length < size)
		for (const byte of provided.randomBytes(size - token.length))
			if (byte < limit)
				token += (byte % base).toString(base);
	return token;
}

function newTag() {
	return createRandomToken(10);
}

/* RFC 9562, version 4. */
function newUUID() {
	const bytes = Array.from(provided.randomBytes(16));
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	const hex = bytes.map((b) => (b + 256).toString(16).slice(1)).join('');
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/* 'IPv4', 'IPv6' (in brackets), 'domain' or undefined. */
function hostType(host) {
	const found = Grammar.parse(host, 'host');
	return found === -1 ? undefined : found.host_type;
}

/* What a person typed as a target, as a URI: "bob", "+34 ...", "sip:bob@example.com". */
function normalizeTarget(target, domain) {
	if (target instanceof URI)
		return target;
	if (!target || typeof target !== 'string')
		return undefined;
	const at = target.lastIndexOf('@');
	const host = at < 0 ? domain : target.slice(at + 1);
	if (!host)
		return undefined;
	/* Only the last @ divides; those before it belong to the user. */
	let user = (at < 0 ? target : target.slice(0, at)).replace(/@/g, '%40').replace(/^(sips?|tel):/i, '');
	if (/^[-.()]*\+?[0-9\-.()]+$/.test(user))
		user = user.replace(/[-.()]/g, '');
	return URI.parse(`${C.SIP}:${text.escapeUser(user)}@${host}`);
}

/* The cause of a final response, one of C.causes. */
function sipErrorCause(statusCode) {
	const cause = Object.keys(C.SIP_ERROR_CAUSES).find((name) => C.SIP_ERROR_CAUSES[name].includes(statusCode));
	return C.causes[cause || 'SIP_FAILURE_CODE'];
}

function getReasonPhrase(code, specific) {
	return specific || C.REASON_PHRASE[code] || '';
}

function getReasonHeaderValue(code, reason) {
	return `SIP ;cause=${code} ;text="${text.quoteInside(getReasonPhrase(code, reason))}"`;
}

/* Why a request is cancelled; undefined without a code. */
function getCancelReason(code, reason) {
	if (code && !(code >= 200 && code <= 699))
		throw new TypeError(`Invalid status_code: ${code}`);
	return code ? getReasonHeaderValue(code, reason) : undefined;
}

function buildStatusLine(statusCode, reasonPhrase) {
	const code = statusCode || null, reason = reasonPhrase || null;
	if (!(code >= 100 && code <= 699))
		throw new TypeError(`Invalid status_code: ${code}`);
	/* A line's end in it would begin a header. */
	if (reason !== null && (!(typeof reason === 'string' || reason instanceof String) || /[\r\n]/.test(reason)))
		throw new TypeError(`Invalid reason_phrase: ${reason}`);
	return `SIP/2.0 ${code} ${getReasonPhrase(code, reason)}\r\n`;
}

/* An address of TEST-NET-1 (RFC 5737). */
function getRandomTestNetIP() {
	return `192.0.2.${1 + provided.randomBytes(1)[0] % 254}`;
}

module.exports = {
	Promise,
	defer,
	reducePromises,
	augment,
	optionsOverride,
	str_utf8_length: text.utf8Length,
	generateFakeSDP,
	isFunction,
	isDecimal,
	createRandomToken,
	newTag,
	newUUID,
	hostType,
	normalizeTarget,
	escapeUser: text.escapeUser,
	headerize: text.headerize,
	sipErrorCause,
	getReasonPhrase,
	getReasonHeaderValue,
	getCancelReason,
	buildStatusLine,
	getRandomTestNetIP,
	calculateMD5: provided.md5,
};
