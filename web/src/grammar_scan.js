/* A text and a position in it, and what every rule of RFC 3261 section 25 is made of: tokens, quoted
 * strings, separators with white space around them, hosts. A function that finds nothing leaves the
 * position where it was and returns undefined. */
'use strict';

/* No expression here has two ways to match the same text, so that none can take long. */
const TOKEN = /[A-Za-z0-9\-.!%*_+`'~]+/y;
const WORD = /[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+/y;
const LWS = /(?:[ \t]*\r\n)?[ \t]+/y;
const QUOTED = /"((?:\r\n[ \t]|[ \t\x21\x23-\x5b\x5d-\x7e\u0080-\uffff]|\\[\x00-\x09\x0b\x0c\x0e-\x7f])*)"/y;
const DIGITS = /[0-9]+/y;
const NAME_RUN = /[A-Za-z0-9._-]+/y;
const BRACKETS = /\[([0-9A-Fa-f:.]+)\]/y;
const BARE_IPV6 = /[0-9A-Fa-f:.]+/y;
const PORT = /[0-9]{0,5}(?![0-9])/y;

const OCTET = /^(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$/;
const HEX = /^[0-9A-Fa-f]{1,4}$/;
/* More than RFC 3261 allows: names with an underscore are in use. */
const LABEL = /^[A-Za-z0-9_-]+$/;
const TOP_LABEL = /^[A-Za-z][A-Za-z0-9-]*$/;

function isIPv4(text) {
	const octets = text.split('.');
	return octets.length === 4 && octets.every((o) => OCTET.test(o));
}

/* How many 16 bit pieces `text` has; NaN when one of them is none. */
function countPieces(text, mayEndInIPv4) {
	if (text === '')
		return 0;
	const pieces = text.split(':');
	let count = pieces.length;
	if (mayEndInIPv4 && isIPv4(pieces[pieces.length - 1])) {
		pieces.pop();
		count++;
	}
	return pieces.every((p) => HEX.test(p)) ? count : NaN;
}

function isIPv6(text) {
	const halves = text.split('::');
	if (halves.length === 1)
		return countPieces(text, true) === 8;
	return halves.length === 2 && countPieces(halves[0], false) + countPieces(halves[1], true) <= 7;
}

function isDomain(text) {
	const labels = text.split('.');
	if (labels.length > 1 && labels[labels.length - 1] === '')
		labels.pop();
	return TOP_LABEL.test(labels.pop()) && labels.every((l) => LABEL.test(l));
}

class Scanner {
	constructor(text) {
		this.text = text;
		this.pos = 0;
	}

	atEnd() {
		return this.pos === this.text.length;
	}

	/* What the sticky expression finds here: the match with its groups. */
	match(expression) {
		expression.lastIndex = this.pos;
		const found = expression.exec(this.text);
		if (!found)
			return undefined;
		this.pos = expression.lastIndex;
		return found;
	}

	read(expression) {
		const found = this.match(expression);
		return found && found[0];
	}

	/* The result of `rule`; the position goes back when there is none. */
	attempt(rule) {
		const start = this.pos;
		const value = rule();
		if (value === undefined)
			this.pos = start;
		return value;
	}

	literal(text) {
		if (!this.text.startsWith(text, this.pos))
			return undefined;
		this.pos += text.length;
		return text;
	}

	token() {
		return this.read(TOKEN);
	}

	word() {
		return this.read(WORD);
	}

	digits() {
		const text = this.read(DIGITS);
		return text && parseInt(text, 10);
	}

	lws() {
		return this.read(LWS);
	}

	/* One of ; , = / : with white space around it. */
	separator(mark) {
		return this.attempt(() => {
			this.lws();
			if (!this.literal(mark))
				return undefined;
			this.lws();
			return mark;
		});
	}

	/* What stands between the quotes, its backslashes left in. */
	quotedInside() {
		return this.attempt(() => {
			this.lws();
			const found = this.match(QUOTED);
			return found && found[1];
		});
	}

	quoted() {
		const inside = this.quotedInside();
		return inside === undefined ? undefined : `"${inside}"`;
	}

	/* {host, host_type} */
	host() {
		return this.attempt(() => {
			const found = this.match(BRACKETS);
			if (found)
				return isIPv6(found[1]) ? { host_type: 'IPv6', host: found[0] } : undefined;
			const name = this.read(NAME_RUN);
			if (!name)
				return undefined;
			if (isIPv4(name))
				return { host_type: 'IPv4', host: name };
			return isDomain(name) ? { host_type: 'domain', host: name } : undefined;
		});
	}

	/* An IPv6 address as `received` has it, without brackets. */
	bareIPv6() {
		return this.attempt(() => {
			const text = this.read(BARE_IPV6);
			return text && isIPv6(text) ? text : undefined;
		});
	}

	/* {port}, whose port is undefined when there are no digits: RFC 3261 lets them be left out. */
	port() {
		const text = this.read(PORT);
		return text === undefined ? undefined : { port: text === '' ? undefined : parseInt(text, 10) };
	}

	/* A parameter's value: a token, a host or a quoted string. */
	value() {
		const token = this.token();
		if (token !== undefined)
			return token;
		const host = this.host();
		return host ? host.host : this.quoted();
	}

	/* {name, value}; the name in lower case, the value undefined when there is none. */
	parameter() {
		const name = this.token();
		if (name === undefined)
			return undefined;
		const value = this.attempt(() => this.separator('=') && (this.value() || ''));
		return { name: name.toLowerCase(), value };
	}

	/* Calls take({name, value}) for each *(SEMI parameter). A semicolon that neither a parameter nor another
	 * semicolon follows is left for whoever asks whether the text is at its end. */
	parameters(take, rule) {
		while (this.attempt(() => {
			if (!this.separator(';'))
				return undefined;
			const parameter = rule ? rule() : this.parameter();
			if (parameter)
				take(parameter);
			return parameter || (this.text[this.pos] === ';' || undefined);
		}));
	}

	/* The values of rule *(COMMA rule); undefined when there is not even one. */
	list(rule) {
		const first = this.attempt(rule);
		if (first === undefined)
			return undefined;
		const values = [first];
		for (;;) {
			const next = this.attempt(() => this.separator(',') && rule());
			if (next === undefined)
				return values;
			values.push(next);
		}
	}
}

/* Whether the whole text is one. */
Scanner.isIPv4 = isIPv4;
Scanner.isHost = (text) => {
	const scanner = new Scanner(text);
	return scanner.host() !== undefined && scanner.atEnd();
};

module.exports = Scanner;
