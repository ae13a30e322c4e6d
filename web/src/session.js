/* SIP.Session: what calls of both directions have. Signalling, its timers and its order are the
 * agent's; here are the methods, and the events of an application. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { ERRNO } = require('./core.js');
const { headerBlock, outgoing } = require('./wire.js');
const descriptions = require('./descriptions.js');
const told = require('./session_events.js');

const C = {
	STATUS_NULL: 0, STATUS_INVITE_SENT: 1, STATUS_1XX_RECEIVED: 2, STATUS_INVITE_RECEIVED: 3, STATUS_WAITING_FOR_ANSWER: 4,
	STATUS_ANSWERED: 5, STATUS_WAITING_FOR_PRACK: 6, STATUS_WAITING_FOR_ACK: 7, STATUS_CANCELED: 8, STATUS_TERMINATED: 9,
	STATUS_ANSWERED_WAITING_FOR_PRACK: 10, STATUS_EARLY_MEDIA: 11, STATUS_CONFIRMED: 12,
};

function Session(sessionDescriptionHandlerFactory) {
	if (!sessionDescriptionHandlerFactory)
		throw new TypeError('A session description handler is required for the session to function');
	this.status = C.STATUS_NULL;
	this.dialog = null;
	this.pendingReinvite = false;
	this.earlyDialogs = {};
	this.sessionDescriptionHandlerFactory = sessionDescriptionHandlerFactory;
	this.hasOffer = false;
	this.hasAnswer = false;
	this.timers = { ackTimer: null, expiresTimer: null, invite2xxTimer: null, userNoAnswerTimer: null, rel1xxTimer: null, prackTimer: null };
	this.startTime = null;
	this.endTime = null;
	this.tones = null;
	this.local_hold = false;
	this.disableRenegotiation = false;
	this.early_sdp = null;
	this.rel100 = SIP.C.supported.UNSUPPORTED;
	Object.defineProperty(this, 'handle', { value: 0, writable: true });
	Object.defineProperty(this, 'way_lost', { value: false, writable: true });
}

Session.prototype = Object.create(EventEmitter.prototype);
Session.prototype.constructor = Session;

const isUp = (session) => session.status === C.STATUS_CONFIRMED || session.status === C.STATUS_WAITING_FOR_ACK;

function checkUp(session) {
	if (!isUp(session))
		throw new SIP.Exceptions.InvalidStateError(session.status);
}

function sendNext(session, options) {
	if (session.status === C.STATUS_TERMINATED || !session.tones || !session.tones.length) {
		session.tones = null;
		return;
	}
	const dtmf = session.tones.shift();
	dtmf.on('failed', () => { session.tones = null; });
	dtmf.send(options);
	SIP.Timers.setTimeout(() => sendNext(session, options), dtmf.duration + dtmf.interToneGap);
}

Object.assign(Session.prototype, descriptions.methods, told.methods, {
	/* ---- the agent ---- */

	/* The agent's name for it; its events come here from now on. */
	adopt(handle) {
		this.handle = handle;
		this.ua.agent.sessions.set(handle, this);
		this.ua.agent.calls.set(this.callId(), this);
	},

	/* Calls sidetone_session_NAME; a wrong state is an exception. */
	command(name, ...args) {
		this.checkHandle();
		const { agent } = this.ua, error = agent.call('session_' + name, this.handle, ...args);
		this.sync();
		if (error === ERRNO.EPERM)
			throw new SIP.Exceptions.InvalidStateError(this.status);
		if (error)
			throw new TypeError(agent.error());
	},

	checkHandle() {
		if (!this.handle)
			throw new SIP.Exceptions.InvalidStateError(this.status);
	},

	/* Over it is when its last events were told, and not while they are. */
	sync() {
		const status = this.handle ? this.ua.agent.call('session_status', this.handle) : C.STATUS_TERMINATED;
		if (status !== C.STATUS_TERMINATED)
			this.status = status;
	},

	release() {
		const { handle, ua } = this;
		if (!handle)
			return;
		this.handle = 0;
		ua.agent.sessions.delete(handle);
		if (ua.agent.calls.get(this.callId()) === this)
			ua.agent.calls.delete(this.callId());
		ua.agent.call('session_free', handle);
	},

	/* ---- for the application ---- */

	dtmf(tones, options) {
		options = options || {};
		if (tones === undefined)
			throw new TypeError('Not enough arguments');
		checkUp(this);
		if ((typeof tones !== 'string' && typeof tones !== 'number') || !/^[0-9A-D#*,]+$/i.test(String(tones)))
			throw new TypeError('Invalid tones: ' + tones);
		const list = String(tones).split('').map((tone) => new SIP.DTMF(this, tone, options));
		if (this.sendByMedia(list, options))
			return this;
		if (this.tones) {
			this.tones = this.tones.concat(list);
		} else {
			this.tones = list;
			sendNext(this, options);
		}
		return this;
	},

	/* RFC 4733, when the application wants it and the handler can. */
	sendByMedia(list, options) {
		const handler = this.sessionDescriptionHandler;
		if (this.ua.configuration.dtmfType !== 'rtp' || !handler || typeof handler.sendDtmf !== 'function')
			return false;
		return handler.sendDtmf(list.map((d) => d.tone).join(''), options);
	},

	bye(options) {
		options = options || {};
		const { statusCode, reasonPhrase } = options;
		if (this.status === C.STATUS_TERMINATED) {
			this.logger.error('BYE: it is over');
			return this;
		}
		this.logger.log('terminating Session');
		if (statusCode && (statusCode < 200 || statusCode >= 700))
			throw new TypeError('Invalid statusCode: ' + statusCode);
		this.command('bye', statusCode || 0, reasonPhrase || null, headerBlock(options.extraHeaders));
		return this;
	},

	refer(target, options) {
		if (this.status !== C.STATUS_CONFIRMED)
			throw new SIP.Exceptions.InvalidStateError(this.status);
		this.referContext = new SIP.ReferClientContext(this.ua, this, target, options || {});
		this.emit('referRequested', this.referContext);
		this.referContext.refer(options);
	},

	/* Any request inside the dialog. receiveResponse(response) hears its responses. */
	sendRequest(method, options) {
		options = options || {};
		this.requestInside(method, options, {
			onSent: (text) => this.emit(method.toLowerCase(), outgoing(this.ua, text)),
			receiveResponse: options.receiveResponse || (() => {}),
			onFailed() {},
		});
		return this;
	},

	/* `owner` has onSent(text), receiveResponse(response), onFailed(cause). */
	requestInside(method, options, owner) {
		this.checkHandle();
		const { agent } = this.ua, body = typeof options.body === 'string' ? { body: options.body } : options.body || {};
		const sent = (text) => owner.onSent(text);
		agent.whenSent({ call_id: this.callId(), method }, sent);
		const { error, handle } = agent.core.make('session_request', this.handle, method, headerBlock(options.extraHeaders),
			body.contentType || null, body.body || null);
		if (error) {
			agent.forgetUnsent(sent);
			throw error === ERRNO.EPERM ? new SIP.Exceptions.InvalidStateError(this.status) : new TypeError(agent.error());
		}
		agent.requests.set(handle, new told.InsideRequest(this.ua, handle, owner, sent));
	},

	callId() {
		return this.request.call_id;
	},

	/* It is over, and nothing more is told. What the agent still owes the other side it sends. */
	close() {
		if (this.status === C.STATUS_TERMINATED)
			return this;
		this.logger.log('closing INVITE session ' + this.id);
		this.closeMedia();
		for (const name in this.timers)
			SIP.Timers.clearTimeout(this.timers[name]);
		for (const dialog of [this.dialog, ...Object.values(this.earlyDialogs)])
			if (dialog)
				dialog.terminate();
		this.earlyDialogs = {};
		this.release();
		this.status = C.STATUS_TERMINATED;
		delete this.ua.sessions[this.id];
		return this;
	},

	hold(options, modifiers) {
		checkUp(this);
		if (this.local_hold) {
			this.logger.log('on hold already');
			return;
		}
		options = options || {};
		options.modifiers = (modifiers || []).slice();
		options.modifiers.push(this.sessionDescriptionHandler.holdModifier);
		this.sendReinvite(options, true);
	},

	unhold(options, modifiers) {
		checkUp(this);
		if (!this.local_hold) {
			this.logger.log('not on hold');
			return;
		}
		options = options || {};
		if (modifiers)
			options.modifiers = modifiers;
		this.sendReinvite(options, false);
	},

	reinvite(options, modifiers) {
		options = options || {};
		if (modifiers)
			options.modifiers = modifiers;
		return this.sendReinvite(options);
	},

	/* `hold`: what local_hold becomes; it is put back when this fails. */
	sendReinvite(options, hold) {
		if (this.pendingReinvite) {
			this.logger.warn('a re-INVITE is under way');
			return;
		}
		options.modifiers = options.modifiers || [];
		this.pendingReinvite = { options, was_held: this.local_hold };
		if (hold !== undefined)
			this.local_hold = hold;
		try {
			this.command('reinvite', headerBlock(options.extraHeaders), 0);
		} catch (e) {
			this.local_hold = this.pendingReinvite.was_held;
			this.pendingReinvite = false;
			throw e;
		}
	},
});

/* RFC 3325: who they are, when a proxy that is trusted says so. */
Object.defineProperty(Session.prototype, 'assertedIdentity', {
	get() {
		const value = this.request && this.request.getHeader && this.request.getHeader('P-Asserted-Identity');
		return value ? SIP.NameAddrHeader.parse(value) : undefined;
	},
});

Session.C = C;
module.exports = Session;
