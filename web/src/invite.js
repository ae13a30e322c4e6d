/* SIP.InviteClientContext: a call of ours. InviteServerContext: one of theirs. */
'use strict';
const SIP = require('./sip.js');
const Session = require('./session.js');
const { optionsOf } = require('./contexts.js');
const { headerBlock, wireInto } = require('./wire.js');

const { C } = Session;

function InviteClientContext(ua, target, options, modifiers) {
	options = options || {};
	this.passedOptions = options;
	options.params = Object.create(options.params || Object.prototype);
	const said = (options.extraHeaders || []).slice();
	this.sessionDescriptionHandlerFactoryOptions = ua.configuration.sessionDescriptionHandlerFactoryOptions || {};
	this.sessionDescriptionHandlerOptions = options.sessionDescriptionHandlerOptions || {};
	this.modifiers = modifiers;
	this.inviteWithoutSdp = options.inviteWithoutSdp || false;
	this.anonymous = options.anonymous || false;
	this.renderbody = options.renderbody || null;
	this.rendertype = options.rendertype || 'text/plain';
	this.from_tag = SIP.Utils.newTag();
	options.params.from_tag = this.from_tag;
	this.contact = ua.contact.toString({
		anonymous: this.anonymous,
		outbound: this.anonymous ? !ua.contact.temp_gruu : !ua.contact.pub_gruu,
	});
	if (this.anonymous)
		Object.assign(options.params, { from_displayName: 'Anonymous', from_uri: 'sip:anonymous@anonymous.invalid' });
	options.extraHeaders = said.concat(ownHeaders(this, ua.configuration));
	SIP.Utils.augment(this, SIP.ClientContext, [ua, SIP.C.INVITE, target, options]);
	SIP.Utils.augment(this, SIP.Session, [ua.configuration.sessionDescriptionHandlerFactory]);
	if (this.status !== C.STATUS_NULL)
		throw new SIP.Exceptions.InvalidStateError(this.status);
	/* The agent writes the headers of its own. */
	this.sending.headers = said;
	options.extraHeaders = said;
	this.isCanceled = false;
	this.received_100 = false;
	this.method = SIP.C.INVITE;
	this.logger = ua.getLogger('sip.inviteclientcontext');
	ua.applicants[this] = this;
	this.id = this.request.call_id + this.from_tag;
	this.onInfo = options.onInfo;
}

/* What the request says of itself until it is sent. */
function ownHeaders({ anonymous, contact }, { uri, rel100, replaces }) {
	const required = SIP.C.supported.REQUIRED, headers = anonymous ? ['P-Preferred-Identity: ' + uri, 'Privacy: id'] : [];
	headers.push('Contact: ' + contact, 'Allow: ' + SIP.UA.C.ALLOWED_METHODS);
	return headers.concat(rel100 === required ? ['Require: 100rel'] : [], replaces === required ? ['Require: replaces'] : []);
}

InviteClientContext.prototype = Object.create(Session.prototype);

Object.assign(InviteClientContext.prototype, {
	constructor: InviteClientContext,

	/* It leaves when its offer is there. */
	invite() {
		const { ua } = this;
		if (this.isCanceled) {
			this.giveUp(null, SIP.C.causes.CANCELED);
			return this;
		}
		ua.sessions[this.id] = this;
		if (!this.inviteWithoutSdp)
			this.prepareOffer();
		if (this.renderbody)
			this.body = { body: this.renderbody, contentType: this.rendertype };
		try {
			this.adopt(ua.agent.make('ua_invite', optionsOf(this), (this.anonymous ? 1 : 0) | (this.inviteWithoutSdp ? 0x100 : 0)));
		} catch (e) {
			this.logger.error(e);
			this.giveUp(null, SIP.C.causes.INTERNAL_ERROR);
		}
		return this;
	},

	cancel(options) {
		options = options || {};
		if (this.status === C.STATUS_TERMINATED || this.status === C.STATUS_CONFIRMED)
			throw new SIP.Exceptions.InvalidStateError(this.status);
		this.logger.log('canceling RTCSession');
		const { status_code, reason_phrase } = options;
		SIP.Utils.getCancelReason(status_code, reason_phrase);
		if (this.isCanceled)
			return this;
		this.isCanceled = true;
		this.early_cancel = this.status === C.STATUS_NULL || (this.status === C.STATUS_INVITE_SENT && !this.received_100);
		if (!this.handle) {
			/* It may wait for a connection for long. */
			setTimeout(() => this.giveUp(null, SIP.C.causes.CANCELED), 0);
			return this.canceled();
		}
		this.command('cancel', status_code || 0, reason_phrase || null, headerBlock(options.extraHeaders));
		return this;
	},

	terminate(options) {
		if (this.status === C.STATUS_TERMINATED)
			return this;
		if (this.status === C.STATUS_WAITING_FOR_ACK || this.status === C.STATUS_CONFIRMED)
			this.bye(options);
		else
			this.cancel(options);
		return this;
	},

	/* Our INVITE went out: the request says what it said. */
	on_inviteSent(e) {
		const { ua } = this, { text } = e;
		if (this.first_sent)
			return;
		this.first_sent = true;
		ua.agent.calls.delete(this.request.call_id);     /* the one that was drawn before */
		wireInto(this.request, text);
		delete ua.sessions[this.id];
		this.from_tag = this.request.from.getParam('tag');
		this.id = this.request.call_id + this.from_tag;
		ua.sessions[this.id] = this;
		ua.agent.calls.set(this.request.call_id, this);
	},

	/* As the table has it; of one that was taken back before anything was heard, by its own words. */
	causeOf(e, response) {
		if (!response || !(response.status_code >= 300))
			return e.cause;
		return this.early_cancel ? SIP.C.REASON_PHRASE[response.status_code] || SIP.C.causes.CANCELED
			: SIP.Utils.sipErrorCause(response.status_code);
	},

	/* A 2xx that could not be used was not refused by them. */
	on_rejected(e, response) {
		if (response && response.status_code >= 300)
			this.rejected(response, this.causeOf(e, response));
	},

	on_failed(e, response) {
		this.failed(response, this.causeOf(e, response));
	},

	on_terminated(e, response) {
		this.terminated(response, this.causeOf(e, response));
	},

	on_cancel() {
		this.canceled();
	},

	on_progress(e, response) {
		if (response.status_code === 100)
			this.received_100 = true;
		this.emit('progress', response);
	},
});

/* ---- theirs ---- */

function InviteServerContext(ua, request) {
	const type = request.getHeader('Content-Type'), disposition = request.parseHeader('Content-Disposition');
	SIP.Utils.augment(this, SIP.ServerContext, [ua, request]);
	SIP.Utils.augment(this, SIP.Session, [ua.configuration.sessionDescriptionHandlerFactory]);
	if (disposition && disposition.type === 'render') {
		this.renderbody = request.body;
		this.rendertype = type;
	}
	this.from_tag = request.from_tag;
	this.id = request.call_id + this.from_tag;
	this.request = request;
	this.contact = ua.contact.toString();
	this.receiveNonInviteResponse = () => {};
	this.logger = ua.getLogger('sip.inviteservercontext', this.id);
	ua.sessions[this.id] = this;
	for (const [header, value] of [['require', SIP.C.supported.REQUIRED], ['supported', SIP.C.supported.SUPPORTED]])
		if (request.hasHeader(header) && request.getHeader(header).toLowerCase().includes('100rel'))
			this.rel100 = value;
	this.status = C.STATUS_WAITING_FOR_ANSWER;
	if (request.served && request.served.session)
		this.adopt(request.served.session);
	takeTag(this, ua.agent.last_sent);
	this.haveDialog(request);
	if (this.handle && /^SIP\/2\.0 180 /.test(ua.agent.last_sent))
		this.emit('progress', ua.agent.last_sent);
}

/* Our tag, which the agent drew for the first response that has one. */
function takeTag(session, text) {
	const found = /\r\nTo:[^\r]*;tag=([^;\r]+)/i.exec(text || '');
	if (found && text.includes(session.request.call_id))
		session.request.to_tag = found[1];
}

InviteServerContext.prototype = Object.create(Session.prototype);

Object.assign(InviteServerContext.prototype, {
	constructor: InviteServerContext,

	on_progress(e) {
		takeTag(this, e.text);
		this.emit('progress', e.text);
	},

	on_accepted(e) {
		takeTag(this, e.text);
		this.haveDialog(this.request);
		this.accepted(e.text, e.cause);
	},

	/* Refused by us: what went out, and its words. */
	refusal() {
		return [this.ua.agent.last_sent, this.refusing];
	},

	/* Without one the agent refused by itself, or they took it back. */
	on_rejected(e, message) {
		if (this.refusing)
			this.rejected(...this.refusal());
		else if (message && message.method === SIP.C.CANCEL)
			this.rejected(message, e.cause);
	},

	on_failed(e, message) {
		if (this.refusing)
			this.failed(...this.refusal());
		else
			this.failed(this.mediaError ? null : message, e.cause);
	},

	on_terminated(e, message) {
		if (this.refusing)
			this.terminated();
		else
			this.terminated(this.mediaError ? null : message, e.cause);
	},

	/* `options` of the call that the next description is for; its headers as lines. */
	answerWith(options) {
		this.answering = options;
		return headerBlock(options.extraHeaders);
	},

	progress(options) {
		options = options || {};
		const status = options.statusCode || 0;
		if (status && (status < 100 || status > 199))
			throw new TypeError('Invalid statusCode: ' + status);
		if (this.isCanceled || this.status === C.STATUS_TERMINATED)
			return this;
		if (this.handle)
			this.command('progress', status, options.reasonPhrase || null, this.answerWith(options), options.rel100 ? 1 : 0);
		return this;
	},

	accept(options) {
		options = options || {};
		this.onInfo = options.onInfo;
		if (![C.STATUS_WAITING_FOR_ANSWER, C.STATUS_WAITING_FOR_PRACK, C.STATUS_EARLY_MEDIA].includes(this.status))
			throw new SIP.Exceptions.InvalidStateError(this.status);
		this.status = this.status === C.STATUS_WAITING_FOR_PRACK ? C.STATUS_ANSWERED_WAITING_FOR_PRACK : C.STATUS_ANSWERED;
		if (this.handle)
			this.command('accept', this.answerWith(options));
		return this;
	},

	reject(options) {
		options = options || {};
		if (this.status === C.STATUS_TERMINATED)
			throw new SIP.Exceptions.InvalidStateError(this.status);
		const status = options.statusCode || 480;
		if (status < 300 || status > 699)
			throw new TypeError('Invalid statusCode: ' + status);
		this.logger.log('rejecting RTCSession');
		if (!this.handle) {
			SIP.ServerContext.prototype.reject.call(this, options);
			return this.terminated();
		}
		this.refusing = SIP.Utils.getReasonPhrase(status, options.reasonPhrase);
		this.command('reject', status, options.reasonPhrase || null, headerBlock(options.extraHeaders));
		return this;
	},

	terminate(options) {
		options = options || {};
		if (this.status === C.STATUS_WAITING_FOR_ACK || this.status === C.STATUS_CONFIRMED)
			this.bye(options);
		else
			this.reject(options);
		return this;
	},
});

module.exports = { InviteClientContext, InviteServerContext };
