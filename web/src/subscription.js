/* SIP.Subscription (RFC 6665): when to ask, again and anew, the agent decides. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { optionsOf } = require('./contexts.js');

function Subscription(ua, target, event, options) {
	options = Object.create(options || Object.prototype);
	this.extraHeaders = options.extraHeaders = (options.extraHeaders || []).slice();
	this.id = null;
	this.state = 'init';
	if (!event)
		throw new TypeError('Event necessary to create a subscription.');
	this.event = event;
	if (typeof options.expires !== 'number') {
		ua.logger.warn('expires must be a number. Using default of 3600.');
		this.expires = 3600;
	} else {
		this.expires = options.expires;
	}
	this.requestedExpires = this.expires;
	this.contact = ua.contact.toString();
	const said = options.extraHeaders.slice();
	options.extraHeaders.push('Event: ' + event, 'Expires: ' + this.expires, 'Contact: ' + this.contact,
		'Allow: ' + SIP.UA.C.ALLOWED_METHODS);
	SIP.Utils.augment(this, SIP.ClientContext, [ua, SIP.C.SUBSCRIBE, target, options]);
	this.sending.headers = said;
	this.logger = ua.getLogger('sip.subscription');
	this.dialog = null;
	this.timers = { N: null, sub_duration: null };
	this.errorCodes = [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604];
}

Subscription.prototype = Object.create(EventEmitter.prototype);

const early = (s) => s.request.call_id + s.request.from.getParam('tag') + s.event;

Object.assign(Subscription.prototype, {
	constructor: Subscription,

	subscribe() {
		const { agent } = this.ua;
		if (this.state === 'active') {
			this.refresh();
			return this;
		}
		if (this.state === 'notify_wait')
			return this;
		if (this.handle) {
			agent.call('subscription_refresh', this.handle);
		} else {
			this.ua.earlySubscriptions[early(this)] = this;
			this.handle = agent.withOptions(optionsOf(this), 0, (at) => {
				const { error, handle } = agent.core.make('ua_subscribe', agent.core.ua, at, this.event, this.expires);
				if (error)
					throw new TypeError(agent.error());
				return handle;
			});
			agent.subscriptions.set(this.handle, this);
		}
		this.state = 'notify_wait';
		return this;
	},

	refresh() {
		if (['terminated', 'pending', 'notify_wait'].includes(this.state))
			return;
		if (this.handle)
			this.ua.agent.call('subscription_refresh', this.handle);
	},

	unsubscribe() {
		this.state = 'terminated';
		if (this.handle)
			this.ua.agent.call('subscription_end', this.handle);
	},

	close() {
		if (this.state === 'notify_wait') {
			this.state = 'terminated';
			this.forget();
		} else if (this.state !== 'terminated') {
			this.unsubscribe();
		}
	},

	/* The agent's part of it is given back. */
	forget() {
		const { handle, ua } = this;
		delete ua.earlySubscriptions[early(this)];
		if (this.id)
			delete ua.subscriptions[this.id];
		if (this.dialog)
			this.dialog.terminate();
		if (!handle)
			return;
		this.handle = 0;
		ua.agent.subscriptions.delete(handle);
		ua.agent.call('subscription_free', handle);
	},

	createConfirmedDialog(message, type) {
		this.dialog = new SIP.Dialog(this, message, type);
		return true;
	},

	failed(response, cause) {
		this.emit('failed', response, cause);
		this.emit('rejected', response, cause);
		return this;
	},

	onDialogError(response) {
		this.failed(response, SIP.C.causes.DIALOG_ERROR);
	},

	/* ---- told by the agent ---- */

	on_accepted(e, response) {
		const expires = response.getHeader('Expires');
		if (!expires)
			this.logger.warn('Expires header missing in a 200-class response to SUBSCRIBE');
		else if (Number(expires) <= this.requestedExpires)
			this.expires = expires;
		this.emit('accepted', response, SIP.Utils.getReasonPhrase(response.status_code));
	},

	/* It follows FAILED, and says the same. */
	on_rejected() {},

	on_failed(e, response) {
		if (!response)
			this.failed(null, e.cause);
		else
			this.failed(response, null);
	},

	on_notify(e, request) {
		if (!this.dialog) {
			this.createConfirmedDialog(request, 'UAS');
			this.id = this.dialog.id.toString();
			delete this.ua.earlySubscriptions[early(this)];
			this.ua.subscriptions[this.id] = this;
		}
		this.emit('notify', { request });
	},

	on_subscriptionState(e) {
		const before = this.state;
		this.state = e.text;
		if (this.state !== 'terminated')
			return;
		this.forget();
		/* Who unsubscribed knows. */
		if (before !== 'terminated')
			this.emit('terminated');
	},
});

module.exports = Subscription;
