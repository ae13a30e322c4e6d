/* SIP.Grammar: a text and the name of a rule give a value, or -1. */
'use strict';

const Scanner = require('./grammar_scan.js');
const URI = require('./uri.js');
const NameAddrHeader = require('./nameaddr.js');

const RULES = Object.assign(Object.create(null), require('./grammar_uri.js').rules, require('./grammar_header.js'));

const Grammar = {
	/* The whole text must be one of `rule`. */
	parse(input, rule) {
		if (typeof input !== 'string' || !RULES[rule])
			return -1;
		const scanner = new Scanner(input);
		const value = RULES[rule](scanner);
		return value === undefined || !scanner.atEnd() ? -1 : value;
	},
};

/* Not part of the interface: whether header fields of this rule have a value. */
Object.defineProperty(Grammar, 'hasRule', { value: (rule) => Boolean(RULES[rule]) });

function parseOrNothing(text, rule) {
	const value = Grammar.parse(text, rule);
	return value === -1 ? undefined : value;
}

URI.parse = (text) => parseOrNothing(text, 'SIP_URI');
NameAddrHeader.parse = (text) => parseOrNothing(text, 'Name_Addr_Header');

module.exports = Grammar;
