/* SIP.Transport as it was up to 0.10: one server's socket. When to connect, and again, and where,
 * the agent decides; this opens the socket it asks for, and carries bytes. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { heard } = require('./core.js');

const C = { STATUS_READY: 0, STATUS_DISCONNECTED: 1, STATUS_ERROR: 2 };
const OPEN = 1;

function Transport(ua, server) {
	SIP.EventEmitter.call(this);
	this.logger = ua.getLogger('sip.transport');
	this.ua = ua;
	this.ws = null;
	this.conn = 0;
	this.server = server || {};
	this.reconnection_attempts = 0;
	this.closed = false;
	this.connected = false;
	this.reconnectTimer = null;
	this.lastTransportError = {};
	this.keepAliveInterval = ua.configuration.keepAliveInterval;
	this.ua.transport = this;
	this.connect();
}

Transport.prototype = Object.create(EventEmitter.prototype);
Transport.prototype.constructor = Transport;

Object.assign(Transport.prototype, {
	connect() {
		if (this.ws && this.ws.readyState <= OPEN) {
			this.logger.log(`WebSocket ${this.server.ws_uri} is already connected`);
			return false;
		}
		this.ua.agent.start();
	},

	disconnect() {
		this.closed = true;
		this.ua.agent.stop();
	},

	isConnected() {
		return this.connected;
	},

	afterConnected(callback) {
		this.ua.afterConnected(callback);
	},

	waitForConnected() {
		return this.ua.waitForConnected();
	},

	/* The socket that the agent asked for, as its connection `conn`. */
	openSocket(conn) {
		this.logger.log('connecting to WebSocket ' + this.server.ws_uri);
		const ws = new WebSocket(this.server.ws_uri, 'sip');
		const ours = (fn) => (e) => { if (this.ws === ws && this.conn === conn) fn(e); };
		this.ws = ws;
		this.conn = conn;
		this.closed = false;
		ws.binaryType = 'arraybuffer';
		ws.onopen = ours(() => this.onOpen());
		ws.onmessage = ours((e) => this.onMessage(e));
		ws.onerror = ours((e) => this.onError(e));
		ws.onclose = ours((e) => {
			ws.onopen = ws.onmessage = ws.onerror = ws.onclose = null;
			this.onClose(e);
		});
	},

	/* The agent wants it no more. Its end is told to the application when the socket says so. */
	closeSocket() {
		const ws = this.ws;
		if (!ws)
			return;
		this.logger.log('closing WebSocket ' + this.server.ws_uri);
		this.closed = true;
		this.connected = false;
		this.conn = 0;
		this.ws = null;
		ws.onopen = ws.onmessage = ws.onerror = null;
		ws.onclose = (e) => {
			ws.onclose = null;
			this.lastTransportError = { code: e && e.code, reason: e && e.reason };
			this.ua.agent.socketClosed(this);
		};
		ws.close();
	},

	/* `message`: a request, or text. False: it did not leave. */
	send(message) {
		const text = message.toString();
		if (!this.ws || this.ws.readyState !== OPEN) {
			this.logger.warn('unable to send message, WebSocket is not open');
			return false;
		}
		if (this.ua.configuration.traceSip === true)
			heard(() => this.logger.log(`sending WebSocket message:\n\n${text}\n`));
		this.ws.send(text);
		heard(() => this.emit('messageSent', text));
		return true;
	},

	onOpen() {
		this.connected = true;
		this.reconnection_attempts = 0;
		this.logger.log(`WebSocket ${this.server.ws_uri} connected`);
		this.ua.agent.opened(this.conn);
		this.emit('connected');
	},

	onMessage(e) {
		const { data } = e;
		/* First, so that whoever keeps a trace has it before what is answered. */
		heard(() => this.trace(data));
		heard(() => this.emit('message', data));
		this.ua.agent.received(this.conn, data);
	},

	trace(data) {
		if (this.ua.configuration.traceSip !== true)
			return;
		const text = typeof data === 'string';
		this.logger.log(data === '\r\n' ? 'received WebSocket message with CRLF Keep Alive response'
			: `received WebSocket ${text ? 'text' : 'binary'} message:\n\n${text ? data : new TextDecoder().decode(data)}\n`);
	},

	onError(e) {
		this.logger.warn('WebSocket connection error: ');
		this.logger.warn(e);
		this.emit('transportError');
	},

	onClose(e) {
		const conn = this.conn, { code, reason, wasClean } = e || {};
		this.lastTransportError = { code, reason };
		this.logger.log(`WebSocket disconnected (code: ${code}${reason ? '| reason: ' + reason : ''})`);
		if (wasClean === false)
			this.logger.warn('WebSocket abrupt disconnection');
		this.connected = false;
		this.ws = null;
		this.conn = 0;
		this.ua.agent.closed(conn, code, reason);
		this.emit('disconnected', { code, reason });
	},
});

Transport.C = C;
module.exports = Transport;
