/* One UA's agent: its machine, the sockets it opens, and which object of ours each thing of its is.
 * events.js has what is done about what it tells. */
'use strict';
const SIP = require('./sip.js');
const { Core, ERRNO, heard } = require('./core.js');
const { headerBlock, incoming, keysOf } = require('./wire.js');
const { dispatch } = require('./events.js');

/* In the order of struct sidetone_request_options. */
const FIELDS = ['method', 'target', 'headers', 'content_type', 'body', 'body_n', 'from_uri', 'from_display_name', 'from_tag',
	'to_uri', 'to_display_name', 'to_tag', 'call_id', 'route_set', 'cseq'];

class Agent {
	constructor(ua) {
		this.ua = ua;
		this.core = new Core((e) => dispatch(this, e), {
			open: (uri, conn) => this.openSocket(uri, conn),
			send: (conn, text) => this.send(conn, text),
			close: (conn) => this.closeSocket(conn),
		});
		this.transports = new Map();
		/* By the machine's handle. */
		this.requests = new Map();
		this.sessions = new Map();
		this.subscriptions = new Map();
		/* Sessions by their Call-ID. */
		this.calls = new Map();
		this.publications = new Map();
		/* Whoever waits for a request of his to go out: {call_id, method, cseq, fn(text)}. */
		this.unsent = [];
		this.message = { text: null };
		this.attempts = 0;
	}

	/* Gives an errno; the words are in error(). */
	call(name, ...args) {
		return this.core.call(name, ...args);
	}

	error() {
		return this.core.string(this.core.call('ua_error', this.core.ua));
	}

	/* ---- configuration ---- */

	set(name, value) {
		return this.core.call('ua_set_json', this.core.ua, name, JSON.stringify(value));
	}

	get(name) {
		const at = this.core.call('ua_get_json', this.core.ua, name);
		if (!at)
			return undefined;
		const json = this.core.string(at);
		this.core.x.free(at);
		return JSON.parse(json);
	}

	/* ---- connection ---- */

	start() {
		/* A transport made for another server of the same start. */
		if (this.moving)
			return;
		if (this.call('ua_start', this.core.ua))
			throw new Error(this.error());
	}

	stop() {
		this.call('ua_stop', this.core.ua);
	}

	openSocket(uri, conn) {
		const transport = this.transportFor(uri);
		this.transports.set(conn, transport);
		transport.reconnection_attempts = this.lost ? this.attempts : 0;
		this.ua.onTransportConnecting(transport, this.attempts);
		transport.openSocket(conn);
	}

	/* The UA's, or a new one when the agent goes to another server. */
	transportFor(uri) {
		const server = this.ua.configuration.wsServers.find((s) => s.ws_uri === uri) || { ws_uri: uri };
		const transport = this.ua.transport;
		if (transport && transport.openSocket && (!transport.server.ws_uri || transport.server === server)) {
			transport.server = server;
			return transport;
		}
		this.moving = true;
		try {
			return new SIP.Transport(this.ua, server);
		} finally {
			this.moving = false;
		}
	}

	send(conn, text) {
		const transport = this.transports.get(conn);
		const sent = transport && transport.send(text) !== false;
		if (sent)
			heard(() => this.sent(text));
		return sent;
	}

	closeSocket(conn) {
		const transport = this.transports.get(conn);
		this.transports.delete(conn);
		if (transport && transport.conn === conn)
			transport.closeSocket();
	}

	/* The socket of a transport that was closed by us is gone. */
	socketClosed(transport) {
		const { code, reason } = transport.lastTransportError;
		if (this.ua.status === SIP.UA.C.STATUS_USER_CLOSED)
			this.ua.emit('disconnected', { transport, code, reason });
	}

	opened(conn) {
		this.carrier = this.transports.get(conn);
		this.core.opened(conn);
	}

	received(conn, data) {
		this.came = data;
		this.core.received(conn, data);
	}

	/* The message that is being looked at. */
	current() {
		return this.parsed(typeof this.came === 'string' ? this.came : new TextDecoder().decode(this.came));
	}

	closed(conn, code, reason) {
		this.transports.delete(conn);
		this.core.closed(conn, code, reason);
	}

	/* ---- messages ---- */

	/* The message of an event; the same object for the same message. */
	incoming(e) {
		const at = e.message;
		if (!at)
			return null;
		const n = this.core.alloc(4), text = this.core.text(this.core.call('message_text', at, n), this.core.word(n));
		this.core.x.free(n);
		return this.parsed(text);
	}

	parsed(text) {
		if (this.message.text !== text)
			this.message = { text, object: incoming(this.ua, text) };
		return this.message.object;
	}

	/* `fn` is called with the text of the request that `keys` are of, when it goes out. */
	whenSent(keys, fn) {
		this.unsent.push(Object.assign({ fn }, keys));
	}

	sent(text) {
		this.last_sent = text;
		if (/^(INVITE|ACK|PRACK|BYE) /.test(text)) {
			const { method, call_id } = keysOf(text), call = this.calls.get(call_id);
			if (call)
				call.left(method, text);
		}
		if (!this.unsent.length || text.startsWith('SIP/2.0'))
			return;
		const keys = keysOf(text);
		const i = this.unsent.findIndex((u) => u.call_id === keys.call_id && u.method === keys.method &&
			(!u.cseq || u.cseq === keys.cseq));
		if (i >= 0)
			this.unsent.splice(i, 1)[0].fn(text);
	}

	/* Drops what has waited for nothing. */
	forgetUnsent(fn) {
		this.unsent = this.unsent.filter((u) => u.fn !== fn);
	}

	/* ---- requests ---- */

	/* {method, target, headers, ...} as words of a structure, and a call with it. */
	withOptions(options, flags, fn) {
		const words = FIELDS.map((name) => (name === 'headers' ? headerBlock(options.headers) : options[name]));
		return this.core.struct(words, flags, fn);
	}

	/* `fill`: arguments between the options and the result. */
	make(name, options, flags, fill = []) {
		return this.withOptions(options, flags, (at) => {
			const { error, handle } = this.core.make(name, this.core.ua, at, ...fill);
			if (error)
				throw error === ERRNO.EINVAL ? new TypeError(this.error()) : new Error(this.error() || 'error ' + error);
			return handle;
		});
	}
}

module.exports = Agent;
