/* SIP.URI. Scheme and host are compared without case: `_normal` has them in lower case, `_raw` as they
 * were given, which is what goes on the wire. URI.parse() comes with grammar.js. */
'use strict';

const { headerize, escapeUser } = require('./text.js');

const own = Object.prototype.hasOwnProperty;

function toPort(port) {
	return port === 0 ? port : parseInt(port, 10) || null;
}

/* A name that may be left out: undefined stays undefined, so does null. */
function lower(text) {
	return typeof text === 'string' ? text.toLowerCase() : text;
}

function write(uri, names) {
	if (uri._opaque !== undefined)
		return `${names.scheme}:${uri._opaque}`;
	let text = `${names.scheme}:`;
	if (!/^sips?$/i.test(names.scheme))
		text += '//';
	if (names.user)
		text += escapeUser(names.user) + '@';
	text += names.host;
	if (names.port || names.port === 0)
		text += `:${names.port}`;
	for (const name of Object.keys(uri.parameters))
		text += `;${name}` + (uri.parameters[name] === null ? '' : `=${uri.parameters[name]}`);
	const headers = [];
	for (const name of Object.keys(uri.headers))
		for (const value of uri.headers[name])
			headers.push(`${name}=${value}`);
	return headers.length ? `${text}?${headers.join('&')}` : text;
}

function URI(scheme, user, host, port, parameters, headers) {
	if (!host)
		throw new TypeError('missing or invalid "host" parameter');
	const raw = { scheme: scheme || 'sip', user, host, port: port === undefined ? undefined : toPort(port) };
	const normal = { scheme: raw.scheme.toLowerCase(), user, host: host.toLowerCase(), port: raw.port };
	this.parameters = {};
	this.headers = {};
	Object.defineProperties(this, { _raw: { value: raw }, _normal: { value: normal } });
	for (const name of Object.keys(parameters || {}))
		this.setParam(name, parameters[name]);
	for (const name of Object.keys(headers || {}))
		this.setHeader(name, headers[name]);
}

Object.assign(URI.prototype, {
	setParam(key, value) {
		if (key)
			this.parameters[key.toLowerCase()] = value === undefined || value === null ? null : String(value).toLowerCase();
	},

	getParam(key) {
		return key ? this.parameters[key.toLowerCase()] : undefined;
	},

	hasParam(key) {
		return key ? own.call(this.parameters, key.toLowerCase()) : undefined;
	},

	/* Gives back what was there. */
	deleteParam(parameter) {
		const key = String(parameter).toLowerCase();
		if (!own.call(this.parameters, key))
			return undefined;
		const value = this.parameters[key];
		delete this.parameters[key];
		return value;
	},

	clearParams() {
		this.parameters = {};
	},

	setHeader(name, value) {
		this.headers[headerize(name)] = Array.isArray(value) ? value : [value];
	},

	getHeader(name) {
		return name ? this.headers[headerize(name)] : undefined;
	},

	hasHeader(name) {
		return name ? own.call(this.headers, headerize(name)) : undefined;
	},

	deleteHeader(header) {
		const name = headerize(String(header));
		if (!own.call(this.headers, name))
			return undefined;
		const value = this.headers[name];
		delete this.headers[name];
		return value;
	},

	clearHeaders() {
		this.headers = {};
	},

	clone() {
		if (this._opaque !== undefined)
			return URI.opaque(this._raw.scheme, this._opaque);
		const { scheme, user, host, port } = this._raw, headers = {};
		for (const name of Object.keys(this.headers))
			headers[name] = this.headers[name].slice();
		return new URI(scheme, user, host, port, this.parameters, headers);
	},

	toRaw() {
		return write(this, this._raw);
	},

	toString() {
		return write(this, this._normal);
	},
});

for (const [name, normalize, keep] of [['scheme', lower], ['user', (user) => user], ['host', lower], ['port', toPort, toPort]])
	Object.defineProperty(URI.prototype, name, {
		get() {
			return this._normal[name];
		},
		set(value) {
			this._raw[name] = keep ? keep(value) : value;
			this._normal[name] = normalize(value);
		},
	});

/* The address of record: user@host, and the host alone for a URI without user. */
Object.defineProperty(URI.prototype, 'aor', {
	get() {
		const { user, host } = this._normal;
		return this._opaque !== undefined ? this.toString() : user ? `${user}@${host}` : host;
	},
});

/* An address of another scheme, as headers may have it (tel:+1234;phone-context=...): no host, and the
 * number as user, so that an application that shows the user shows the number. */
URI.opaque = function (scheme, rest) {
	const uri = Object.create(URI.prototype);
	const user = /^tel$/i.test(scheme) ? rest.split(';')[0] : undefined;
	uri.parameters = {};
	uri.headers = {};
	Object.defineProperties(uri, {
		_opaque: { value: rest },
		_raw: { value: { scheme, user, host: undefined, port: null } },
		_normal: { value: { scheme: scheme.toLowerCase(), user, host: undefined, port: null } },
	});
	return uri;
};
Object.defineProperty(URI, 'opaque', { enumerable: false });

module.exports = URI;
