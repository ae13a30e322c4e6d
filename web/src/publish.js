/* SIP.PublishContext (RFC 3903): entity tags, refreshes and what a refusal means are the agent's. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { optionsOf } = require('./contexts.js');

const isNothing = (value) => value === undefined || value === null || value === '';

function PublishContext(ua, target, event, options) {
	this.options = options = options || {};
	options.extraHeaders = (options.extraHeaders || []).slice();
	options.contentType = options.contentType || 'text/plain';
	options.expires = Number.isInteger(options.expires) ? options.expires : 3600;
	options.unpublishOnClose = typeof options.unpublishOnClose === 'boolean' ? options.unpublishOnClose : true;
	if (isNothing(target))
		throw new SIP.Exceptions.MethodParameterError('Publish', 'Target', target);
	if (isNothing(event))
		throw new SIP.Exceptions.MethodParameterError('Publish', 'Event', event);
	this.target = ua.normalizeTarget(target);
	this.event = event;
	SIP.Utils.augment(this, SIP.ClientContext, [ua, SIP.C.PUBLISH, this.target || target, options]);
	this.logger = ua.getLogger('sip.publish');
	this.pubRequestExpires = options.expires;
	this.pubRequestEtag = null;
}

PublishContext.prototype = Object.create(EventEmitter.prototype);

Object.assign(PublishContext.prototype, {
	constructor: PublishContext,

	publish(body) {
		const { agent, publishers } = this.ua;
		if (isNothing(body) && this.pubRequestEtag === null)
			throw new SIP.Exceptions.MethodParameterError('Publish', 'Body', body);
		if (isNothing(body)) {
			agent.call('publication_update', this.handle, null, null);
			return;
		}
		this.options.body = body;
		publishers[`${this.target}:${this.event}`] = this;
		if (this.handle)
			agent.call('publication_update', this.handle, this.options.contentType, body);
		else
			this.begin(body);
	},

	begin(body) {
		const { agent } = this.ua;
		this.body = { body, contentType: this.options.contentType };
		const options = Object.assign(optionsOf(this), { cseq: 0, call_id: undefined, from_tag: undefined });
		this.handle = agent.withOptions(options, 0, (at) => {
			const { error, handle } = agent.core.make('ua_publish', agent.core.ua, at, this.event, this.options.expires);
			if (error)
				throw new TypeError(agent.error());
			return handle;
		});
		agent.publications.set(this.handle, this);
	},

	unpublish() {
		this.pubRequestExpires = 0;
		if (this.handle && this.pubRequestEtag !== null)
			this.ua.agent.call('publication_end', this.handle);
	},

	close() {
		if (this.options.unpublishOnClose)
			this.unpublish();
		else
			this.forget();
		delete this.ua.publishers[`${this.target}:${this.event}`];
	},

	/* The agent's part of it is given back. */
	forget() {
		const { handle, ua } = this;
		this.pubRequestEtag = null;
		if (!handle)
			return;
		this.handle = 0;
		ua.agent.publications.delete(handle);
		ua.agent.call('publication_free', handle);
	},

	/* ---- told by the agent ---- */

	on_progress(e, response) {
		this.emit('progress', response, SIP.Utils.getReasonPhrase(response.status_code));
	},

	on_published(e, response) {
		this.pubRequestEtag = response.getHeader('SIP-ETag') || null;
		this.pubRequestExpires = Number(response.getHeader('Expires')) || this.pubRequestExpires;
		this.emit('published', response, SIP.Utils.getReasonPhrase(response.status_code));
	},

	on_accepted() {},

	on_rejected() {},

	on_failed(e, response) {
		this.emit('failed', response, response ? SIP.Utils.getReasonPhrase(response.status_code) : e.cause);
	},

	on_unpublished(e, response) {
		const cause = response ? SIP.Utils.getReasonPhrase(response.status_code) : e.cause;
		this.forget();
		this.emit('unpublished', response, cause);
	},
});

module.exports = PublishContext;
