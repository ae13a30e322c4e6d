/* SIP.RegisterContext (ua.registerContext): the agent's registration, as an application sees it. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const { headerBlock } = require('./wire.js');

function RegisterContext(ua) {
	const { configuration } = ua;
	this.registrar = configuration.registrarServer;
	this.expires = configuration.registerExpires;
	this.contact = `${ua.contact};reg-id=1;+sip.instance="<urn:uuid:${configuration.instanceId}>"`;
	this.call_id = SIP.Utils.createRandomToken(22);
	this.cseq = Math.floor(Math.random() * 10000);
	this.to_uri = configuration.uri;
	SIP.Utils.augment(this, SIP.ClientContext, [ua, SIP.C.REGISTER, this.registrar, { params: {
		to_uri: this.to_uri, to_displayName: configuration.displayName, call_id: this.call_id, cseq: this.cseq } }]);
	this.registrationTimer = null;
	this.registrationExpiredTimer = null;
	this.registered = false;
	this.logger = ua.getLogger('sip.registercontext');
}

RegisterContext.prototype = Object.create(EventEmitter.prototype);
RegisterContext.prototype.constructor = RegisterContext;

/* A GRUU in the Contact of ours (RFC 5627), as a URI. */
function gruu(contact, name) {
	return contact.hasParam(name) ? SIP.URI.parse(String(contact.getParam(name)).replace(/"/g, '')) : null;
}

Object.assign(RegisterContext.prototype, {
	register(options) {
		const { agent } = this.ua;
		this.options = options || {};
		this.closeHeaders = this.options.closeWithHeaders ? (this.options.extraHeaders || []).slice() : [];
		if (agent.call('ua_register', agent.core.ua, headerBlock(this.options.extraHeaders), this.options.closeWithHeaders ? 1 : 0))
			throw new TypeError(agent.error());
	},

	unregister(options) {
		const { agent } = this.ua;
		options = options || {};
		if (!this.registered && !options.all)
			this.logger.warn('Already unregistered, but sending an unregister anyways.');
		this.registered = false;
		if (agent.call('ua_unregister', agent.core.ua, options.all ? 1 : 0, headerBlock(options.extraHeaders)))
			throw new TypeError(agent.error());
	},

	close() {
		this.registered_before = this.registered;
		if (this.registered)
			this.unregister({ all: false, extraHeaders: this.closeHeaders });
	},

	/* The agent registers a tick later, unless the application's own authentication has to begin first. */
	onTransportConnected() {
		const { configuration, agent } = this.ua, factory = configuration.authenticationFactory;
		const wanted = configuration.register;
		agent.set('register', Boolean(wanted && factory.ours));
		if (!wanted || factory.ours)
			return;
		/* Not before the agent's own tick, in which it would register too. */
		const begin = () => { if (configuration.register && this.ua.isConnected()) this.register(this.options); };
		factory.initialize().then(() => SIP.Timers.setTimeout(begin, 0));
	},

	registrationFailure(response, cause) {
		this.emit('failed', response || null, cause || null);
	},

	onRegistered(response) {
		const { contact } = this.ua;
		for (let i = response.getHeaders('contact').length; i-- > 0;) {
			const ours = response.parseHeader('contact', i);
			if (!ours || !ours.uri || ours.uri.user !== contact.uri.user)
				continue;
			contact.temp_gruu = gruu(ours, 'temp-gruu') || contact.temp_gruu;
			contact.pub_gruu = gruu(ours, 'pub-gruu') || contact.pub_gruu;
			this.expires = Number(ours.getParam('expires')) || this.expires;
		}
		this.cseq = response.cseq;
		this.call_id = response.call_id;
		this.registered = true;
		this.emit('registered', response);
	},

	unregistered(response, cause) {
		this.registered = false;
		this.emit('unregistered', response || null, cause || null);
	},
});

module.exports = RegisterContext;
