/* SIP.NameAddrHeader: a URI with a name and parameters. NameAddrHeader.parse() comes with grammar.js. */
'use strict';

const URI = require('./uri.js');
const { quoteInside } = require('./text.js');

const own = Object.prototype.hasOwnProperty;

function NameAddrHeader(uri, displayName, parameters) {
	if (!(uri instanceof URI))
		throw new TypeError('missing or invalid "uri" parameter');
	this.uri = uri;
	this.parameters = {};
	for (const name of Object.keys(parameters || {}))
		this.setParam(name, parameters[name]);

	let name = displayName;
	Object.defineProperties(this, {
		/* 0 is a name too. */
		displayName: { get: () => name, set(value) { name = value === 0 ? '0' : value; } },
		friendlyName: { get: () => this.displayName || this.uri.aor },
	});
}

Object.assign(NameAddrHeader.prototype, {
	setParam(key, value) {
		if (key)
			this.parameters[key.toLowerCase()] = value === undefined || value === null ? null : String(value);
	},

	getParam: URI.prototype.getParam,
	hasParam: URI.prototype.hasParam,
	deleteParam: URI.prototype.deleteParam,
	clearParams: URI.prototype.clearParams,

	clone() {
		return new NameAddrHeader(this.uri.clone(), this.displayName, this.parameters);
	},

	toString() {
		let text = this.displayName || this.displayName === 0 ? `"${quoteInside(this.displayName)}" ` : '';
		text += `<${this.uri}>`;
		for (const name of Object.keys(this.parameters))
			if (own.call(this.parameters, name))
				text += `;${name}` + (this.parameters[name] === null ? '' : `=${this.parameters[name]}`);
		return text;
	},
});

module.exports = NameAddrHeader;
