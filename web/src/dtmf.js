/* A digit of session.dtmf(): sent in an INFO of its own, or come from the other side. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { outgoing } = require('./wire.js');

const C = { MIN_DURATION: 70, MAX_DURATION: 6000, DEFAULT_DURATION: 100, MIN_INTER_TONE_GAP: 50, DEFAULT_INTER_TONE_GAP: 500 };

function toneOf(tone) {
	if (tone === undefined)
		throw new TypeError('Not enough arguments');
	const text = typeof tone === 'number' ? String(tone) : tone;
	if (typeof text !== 'string' || !/^[0-9A-D#*]$/i.test(text))
		throw new TypeError('Invalid tone: ' + tone);
	return text.toUpperCase();
}

/* A time within its bounds; `logger` hears when it was not. */
function clamp(value, { name, error, least, most, fallback }, logger) {
	if (!value)
		return fallback;
	if (!SIP.Utils.isDecimal(value))
		throw new TypeError(`${error}: ${value}`);
	if (value < least) {
		logger.warn(`"${name}" value is lower than the minimum allowed, setting it to ${least} milliseconds`);
		return least;
	}
	if (value > most) {
		logger.warn(`"${name}" value is greater than the maximum allowed, setting it to ${most} milliseconds`);
		return most;
	}
	return Math.abs(value);
}

const DURATION = { name: 'duration', error: 'Invalid tone duration', least: C.MIN_DURATION, most: C.MAX_DURATION, fallback: C.DEFAULT_DURATION };
const GAP = { name: 'interToneGap', error: 'Invalid interToneGap', least: C.MIN_INTER_TONE_GAP, most: Infinity,
	fallback: C.DEFAULT_INTER_TONE_GAP };

function DTMF(session, tone, options) {
	SIP.EventEmitter.call(this);
	options = options || {};
	this.logger = session.ua.getLogger('sip.invitecontext.dtmf', session.id);
	this.owner = session;
	this.direction = null;
	this.tone = toneOf(tone);
	this.duration = clamp(options.duration, DURATION, this.logger);
	this.interToneGap = clamp(options.interToneGap, GAP, this.logger);
}

DTMF.prototype = Object.create(EventEmitter.prototype);
DTMF.prototype.constructor = DTMF;

Object.assign(DTMF.prototype, {
	send(options) {
		const { owner } = this, S = SIP.Session.C;
		this.direction = 'outgoing';
		if (owner.status !== S.STATUS_CONFIRMED && owner.status !== S.STATUS_WAITING_FOR_ACK)
			throw new SIP.Exceptions.InvalidStateError(owner.status);
		owner.requestInside(SIP.C.INFO, {
			extraHeaders: options && options.extraHeaders,
			body: { body: `Signal= ${this.tone}\r\nDuration= ${this.duration}`, contentType: 'application/dtmf-relay' },
		}, this);
	},

	/* It leaves. */
	onSent(text) {
		this.request = outgoing(this.owner.ua, text);
		this.owner.emit('dtmf', this.request, this);
	},

	receiveResponse(response) {
		if (response.status_code >= 300)
			this.emit('failed', response, SIP.Utils.sipErrorCause(response.status_code));
		else if (response.status_code >= 200)
			this.emit('succeeded', { originator: 'remote', response });
	},

	onFailed(cause) {
		this.emit('failed', null, cause);
	},
});

/* One that came in `request`. */
DTMF.came = function came(session, tone, duration, request) {
	const dtmf = new DTMF(session, tone, { duration });
	dtmf.direction = 'incoming';
	dtmf.request = request;
	return dtmf;
};

DTMF.C = C;
module.exports = DTMF;
