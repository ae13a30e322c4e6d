/* SIP.ClientContext and SIP.ServerContext: one request of ours, one of theirs. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { wireInto } = require('./wire.js');

function ClientContext(ua, method, target, options) {
	const given = target;
	if (target === undefined)
		throw new TypeError('Not enough arguments');
	this.ua = ua;
	this.logger = ua.getLogger('sip.clientcontext');
	this.method = method;
	target = ua.normalizeTarget(target);
	if (!target)
		throw new TypeError('Invalid target: ' + given);
	options = Object.create(options || Object.prototype);
	options.extraHeaders = (options.extraHeaders || []).slice();
	this.request = new SIP.OutgoingRequest(method, target, ua, options.params, options.extraHeaders);
	if (options.body) {
		this.body = { body: options.body };
		if (options.contentType)
			this.body.contentType = options.contentType;
		this.request.body = this.body;
	}
	Object.defineProperty(this, 'sending', { writable: true, value: { target, params: options.params || {}, headers: options.extraHeaders } });
	this.localIdentity = this.request.from;
	this.remoteIdentity = this.request.to;
	this.data = {};
}

ClientContext.prototype = Object.create(EventEmitter.prototype);
ClientContext.prototype.constructor = ClientContext;

/* What the agent is asked to send: the names of struct sidetone_request_options. */
function optionsOf(context) {
	const { target, params, headers } = context.sending, request = context.request, body = context.body || {};
	return {
		method: context.method,
		target: String(target.toRaw ? target.toRaw() : target),
		headers,
		content_type: body.contentType,
		body: body.body,
		from_uri: params.from_uri && String(params.from_uri),
		from_display_name: params.from_displayName,
		from_tag: request.from && request.from.getParam('tag'),
		to_uri: params.to_uri && String(params.to_uri),
		to_display_name: params.to_displayName,
		to_tag: params.to_tag,
		call_id: request.call_id,
		route_set: params.route_set && [].concat(params.route_set).join(', '),
		cseq: request.cseq,
	};
}

Object.assign(ClientContext.prototype, {
	send() {
		const agent = this.ua.agent, options = optionsOf(this);
		this.sending.sent = (text) => wireInto(this.request, text);
		agent.whenSent(options, this.sending.sent);
		try {
			this.handle = agent.make('ua_request', options, 0);
		} catch (e) {
			agent.forgetUnsent(this.sending.sent);
			throw e;
		}
		agent.requests.set(this.handle, this);
		return this;
	},

	/* A request that is no INVITE cannot be taken back (RFC 3261 9.1); nobody waits for it any more. */
	cancel(options) {
		options = options || {};
		options.extraHeaders = (options.extraHeaders || []).slice();
		this.request.cancel(SIP.Utils.getCancelReason(options.status_code, options.reason_phrase), options.extraHeaders);
		this.emit('cancel');
	},

	receiveResponse(response) {
		const cause = SIP.Utils.getReasonPhrase(response.status_code), status = Math.floor(response.status_code / 100);
		if (status === 1) {
			this.emit('progress', response, cause);
		} else if (status === 2) {
			this.emit('accepted', response, cause);
		} else {
			this.emit('rejected', response, cause);
			this.emit('failed', response, cause);
		}
	},

	onRequestTimeout() {
		this.emit('failed', null, SIP.C.causes.REQUEST_TIMEOUT);
	},

	onTransportError() {
		this.emit('failed', null, SIP.C.causes.CONNECTION_ERROR);
	},

	close() {
		release(this);
	},

	/* ---- what the agent tells ---- */

	on_progress(e, response) {
		this.receiveResponse(response);
	},

	on_accepted(e, response) {
		release(this);
		this.receiveResponse(response);
	},

	/* FAILED follows, with the same response. */
	on_rejected(e, response) {
		release(this);
		this.receiveResponse(response);
	},

	on_failed(e, response) {
		const cause = e.cause;
		release(this);
		if (!response)
			cause === SIP.C.causes.REQUEST_TIMEOUT ? this.onRequestTimeout() : this.onTransportError();
	},
});

/* The agent's part of it is given back. */
function release(context) {
	const agent = context.ua.agent, handle = context.handle;
	/* A subscription and a publication have handles of their own kind. */
	if (!handle || agent.requests.get(handle) !== context)
		return;
	context.handle = 0;
	agent.forgetUnsent(context.sending.sent);
	agent.requests.delete(handle);
	agent.call('request_free', handle);
}

/* ---- theirs ---- */

function ServerContext(ua, request) {
	this.ua = ua;
	this.logger = ua.getLogger('sip.servercontext');
	this.request = request;
	if (request.body)
		this.body = request.body;
	if (request.hasHeader('Content-Type'))
		this.contentType = request.getHeader('Content-Type');
	this.method = request.method;
	this.transaction = request.server_transaction || null;
	this.data = {};
	this.localIdentity = request.to;
	this.remoteIdentity = request.from;
}

ServerContext.prototype = Object.create(EventEmitter.prototype);
ServerContext.prototype.constructor = ServerContext;

/* `from`, `to`: the range of the status; `events`: what is told of it. */
function answer(context, options, status, from, to, events) {
	options = Object.create(options || Object.prototype);
	options.statusCode = options.statusCode || status;
	options.minCode = from;
	options.maxCode = to;
	options.events = events;
	return context.reply(options);
}

Object.assign(ServerContext.prototype, {
	progress(options) {
		return answer(this, options, 180, 100, 199, ['progress']);
	},

	accept(options) {
		return answer(this, options, 200, 200, 299, ['accepted']);
	},

	reject(options) {
		return answer(this, options, 480, 300, 699, ['rejected', 'failed']);
	},

	reply(options) {
		options = options || {};
		const status = options.statusCode || 100, reason = SIP.Utils.getReasonPhrase(status, options.reasonPhrase);
		if (status < (options.minCode || 100) || status > (options.maxCode || 699))
			throw new TypeError('Invalid statusCode: ' + status);
		const response = this.request.reply(status, reason, options.extraHeaders || [], options.body);
		for (const event of options.events || [])
			this.emit(event, response, reason);
		return this;
	},

	onRequestTimeout() {
		this.emit('failed', null, SIP.C.causes.REQUEST_TIMEOUT);
	},

	onTransportError() {
		this.emit('failed', null, SIP.C.causes.CONNECTION_ERROR);
	},
});

module.exports = { ClientContext, ServerContext, optionsOf, release };
