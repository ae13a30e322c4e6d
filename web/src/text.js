/* Small functions on text that the values share: names of headers, escapes, lengths. */
'use strict';

const SPECIAL = { 'Call-Id': 'Call-ID', Cseq: 'CSeq', 'Min-Se': 'Min-SE', Rack: 'RAck', Rseq: 'RSeq',
	'Www-Authenticate': 'WWW-Authenticate' };

/* "call-id" -> "Call-ID" */
function headerize(name) {
	const title = String(name).toLowerCase().replace(/_/g, '-').split('-')
		.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('-');
	return Object.prototype.hasOwnProperty.call(SPECIAL, title) ? SPECIAL[title] : title;
}

/* The bytes of one character in UTF-8. Half of a surrogate pair becomes U+FFFD, as in an encoder. */
function encode(character) {
	return /^[\ud800-\udfff]$/.test(character) ? '%EF%BF%BD' : encodeURIComponent(character);
}

/* A user part as it stands in a URI. What is escaped already is not escaped again; escapes that are no
 * UTF-8 stay as they are, and a percent sign that begins none is escaped. */
function escapeUser(user) {
	const keep = (text) => Array.from(text, encode).join('').replace(/%3A/g, ':').replace(/%2B/g, '+')
		.replace(/%3F/g, '?').replace(/%2F/g, '/');
	return String(user).split(/((?:%[0-9A-Fa-f]{2})+)/).map((part, i) => {
		if (i % 2 === 0)
			return keep(part);
		try {
			return keep(decodeURIComponent(part));
		} catch (e) {
			return part;
		}
	}).join('');
}

/* A user part as it is shown. */
function unescapeUser(user) {
	return user.replace(/(?:%[0-9A-Fa-f]{2})+/g, (part) => {
		try {
			return decodeURIComponent(part);
		} catch (e) {
			return part;
		}
	});
}

/* What stands between the quotes of a quoted string: a quote of its own gets a backslash, and so does
 * a backslash at the end, which would take the closing quote with it. */
function quoteInside(text) {
	return String(text).replace(/\\[^\r\n]|[\\"]/g, (part) => part.length > 1 ? part : `\\${part}`).replace(/[\r\n]+/g, ' ');
}

function utf8Length(text) {
	let bytes = 0;
	for (const character of text) {
		const code = character.codePointAt(0);
		bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	}
	return bytes;
}

/* The beginning of `text` that has at most `bytes` bytes in UTF-8. */
function utf8Cut(text, bytes) {
	let room = bytes, end = 0;
	for (const character of text) {
		room -= utf8Length(character);
		if (room < 0)
			return text.slice(0, end);
		end += character.length;
	}
	return text;
}

/* The parts of `text` between its commas, without the white space around them. A comma between quotes
 * divides nothing. */
function splitList(text) {
	const parts = [];
	let start = 0, quoted = false;
	for (let i = 0; i < text.length; i++) {
		if (quoted && text[i] === '\\')
			i++;
		else if (text[i] === '"')
			quoted = !quoted;
		else if (text[i] === ',' && !quoted) {
			parts.push(text.slice(start, i));
			start = i + 1;
		}
	}
	parts.push(text.slice(start));
	return parts.map((part) => part.trim());
}

module.exports = { headerize, escapeUser, unescapeUser, quoteInside, utf8Length, utf8Cut, splitList };
