/* SIP.UA: one user agent. Its signalling is the agent's (agent.js); what happens comes back through
 * the methods whose names begin with on. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const Agent = require('./agent.js');
const { loadConfig, configurationCheck } = require('./config.js');
const { heard } = require('./core.js');
const { serve } = require('./answer.js');
const renew = require('./renew.js');

const C = {
	STATUS_INIT: 0, STATUS_STARTING: 1, STATUS_READY: 2, STATUS_USER_CLOSED: 3, STATUS_NOT_READY: 4,
	CONFIGURATION_ERROR: 1, NETWORK_ERROR: 2,
	ALLOWED_METHODS: ['ACK', 'CANCEL', 'INVITE', 'MESSAGE', 'BYE', 'OPTIONS', 'INFO', 'NOTIFY', 'REFER', 'PRACK', 'UPDATE'],
	ACCEPTED_BODY_TYPES: ['application/sdp', 'application/dtmf-relay'],
	MAX_FORWARDS: 70, TAG_LENGTH: 10,
};

function takeLogOptions(log, options) {
	for (const name of ['builtinEnabled', 'level', 'connector'])
		if (options && Object.prototype.hasOwnProperty.call(options, name))
			log[name] = options[name];
}

function UA(configuration) {
	SIP.EventEmitter.call(this);
	this.log = new SIP.LoggerFactory();
	this.logger = this.getLogger('sip.ua');
	this.cache = { credentials: {} };
	this.configuration = {};
	this.dialogs = {};
	this.applicants = {};
	this.data = {};
	this.sessions = {};
	this.subscriptions = {};
	this.earlySubscriptions = {};
	this.publishers = {};
	this.transport = null;
	this.contact = null;
	this.status = C.STATUS_INIT;
	this.error = null;
	Object.defineProperty(this, 'agent', { value: new Agent(this), writable: true });
	if (configuration === undefined)
		configuration = {};
	else if (typeof configuration === 'string' || configuration instanceof String)
		configuration = { uri: String(configuration) };
	takeLogOptions(this.log, configuration.log);
	try {
		this.loadConfig(configuration);
	} catch (e) {
		this.status = C.STATUS_NOT_READY;
		this.error = C.CONFIGURATION_ERROR;
		this.agent.core.end();
		throw e;
	}
	this.registerContext = new SIP.RegisterContext(this);
	for (const [theirs, ours] of [['failed', 'registrationFailed'], ['registered', 'registered'], ['unregistered', 'unregistered']])
		this.registerContext.on(theirs, (...args) => this.emit(ours, ...args));
	if (this.configuration.autostart)
		this.start();
}

UA.prototype = Object.create(EventEmitter.prototype);
UA.prototype.constructor = UA;

/* The page ends; it is offline, or online again, perhaps by another network. Packaged applications of Chrome know no unload. */
function watchPage(ua, name) {
	const packaged = globalThis.chrome && globalThis.chrome.app && globalThis.chrome.app.runtime;
	if (typeof globalThis[name] !== 'function')
		return;
	if (ua.environListener && !packaged)
		globalThis[name]('unload', ua.environListener);
	globalThis[name]('online', ua.onlineListener);
	globalThis[name]('offline', ua.onlineListener);
}

Object.assign(UA.prototype, {
	loadConfig(configuration) {
		const values = loadConfig(this, configuration);
		for (const name in values)
			if (this.agent.set(name, values[name]))
				throw new SIP.Exceptions.ConfigurationError(name, values[name]);
		this.agent.set('log', { level: this.log.level });
		if (!this.configuration.authenticationFactory.ours)
			this.agent.call('ua_own_authentication', this.agent.core.ua);
	},

	getConfigurationCheck: configurationCheck,

	/* ---- for the application ---- */

	register(options) {
		this.configuration.register = true;
		this.registerContext.register(options);
		return this;
	},

	unregister(options) {
		this.configuration.register = false;
		this.afterConnected(() => this.registerContext.unregister(options));
		return this;
	},

	isRegistered() {
		return this.registerContext.registered;
	},

	isConnected() {
		return this.transport ? Boolean(this.transport.connected) : false;
	},

	/* One that waited and throws keeps no other from its turn. */
	afterConnected(callback) {
		if (this.isConnected())
			callback();
		else
			this.once('connected', () => heard(callback));
	},

	waitForConnected() {
		return new SIP.Utils.Promise((resolve) => this.afterConnected(resolve));
	},

	/* It leaves a tick later, so that the caller can listen to the session first. */
	invite(target, options, modifiers) {
		const context = new SIP.InviteClientContext(this, target, options, modifiers);
		this.sessions[context.id] = context;     /* so that stop() ends it */
		this.waitForConnected().then(() => heard(() => {
			if (context.status === SIP.Session.C.STATUS_TERMINATED)
				return;
			context.invite();
			this.emit('inviteSent', context);
		}));
		return context;
	},

	subscribe(target, event, options) {
		const subscription = new SIP.Subscription(this, target, event, options);
		this.afterConnected(() => subscription.subscribe());
		return subscription;
	},

	publish(target, event, body, options) {
		const publication = new SIP.PublishContext(this, target, event, options);
		this.afterConnected(() => publication.publish(body));
		return publication;
	},

	message(target, body, options) {
		if (body === undefined)
			throw new TypeError('Not enough arguments');
		options = Object.create(options || Object.prototype);
		options.contentType = options.contentType || 'text/plain';
		options.body = body;
		return this.request(SIP.C.MESSAGE, target, options);
	},

	request(method, target, options) {
		const context = new SIP.ClientContext(this, method, target, options);
		this.afterConnected(() => context.send());
		return context;
	},

	start() {
		this.logger.log('start');
		if (this.status === C.STATUS_INIT) {
			this.status = C.STATUS_STARTING;
			new SIP.Transport(this, this.getNextWsServer());
		} else if (this.status === C.STATUS_USER_CLOSED) {
			this.logger.log('resuming');
			this.status = C.STATUS_READY;
			this.transport.connect();
		} else if (this.status === C.STATUS_STARTING) {
			this.logger.log('starting already');
		} else if (this.status === C.STATUS_READY) {
			this.logger.log('started already');
		} else {
			this.logger.error('the connection is down, and tried again');
		}
		if (!this.onlineListener) {
			this.onlineListener = () => {
				renew.networkChanged(this);
				this.agent.call('ua_network_changed', this.agent.core.ua);
			};
			this.environListener = this.configuration.autostop ? () => this.stop() : null;
		}
		watchPage(this, 'addEventListener');
		return this;
	},

	stop() {
		this.logger.log('stop');
		if (this.status === C.STATUS_USER_CLOSED) {
			this.logger.warn('UA already closed');
			return this;
		}
		for (const id in this.sessions) {
			this.logger.log('closing session ' + id);
			this.sessions[id].terminate();
		}
		this.status = C.STATUS_USER_CLOSED;
		this.agent.stop();
		watchPage(this, 'removeEventListener');
		return this;
	},

	normalizeTarget(target) {
		return SIP.Utils.normalizeTarget(target, this.configuration.hostportParams);
	},

	getLogger(category, label) {
		return this.log.getLogger(category, label);
	},

	/* ---- connection ---- */

	/* The one with the highest weight that has not failed. Which it is among equals the agent draws. */
	getNextWsServer() {
		const list = this.configuration.wsServers.filter((s) => s.status !== SIP.Transport.C.STATUS_ERROR);
		return list.length === 1 ? list[0] : {};
	},

	onTransportConnecting(transport, attempts) {
		this.emit('connecting', { transport, attempts });
	},

	onTransportConnected(transport) {
		transport.server.status = SIP.Transport.C.STATUS_READY;
		for (const server of this.configuration.wsServers)
			server.status = SIP.Transport.C.STATUS_READY;
		this.status = C.STATUS_READY;
		this.error = null;
		this.registerContext.onTransportConnected();
		this.emit('connected', { transport });
		renew.connected(this);
	},

	/* A connection broke, or a server was given up. */
	onAgentDisconnected(code, reason, was_up) {
		const { transport, configuration } = this, S = SIP.Transport.C;
		/* The socket's own end has the code: transport.js waits for it. */
		if (this.status === C.STATUS_USER_CLOSED)
			return;
		transport.server.status = was_up ? S.STATUS_DISCONNECTED : S.STATUS_ERROR;
		if (configuration.wsServers.every((s) => s.status === S.STATUS_ERROR)) {
			this.status = C.STATUS_NOT_READY;
			this.error = C.NETWORK_ERROR;
			configuration.wsServers.forEach((s) => { s.status = S.STATUS_READY; });
		}
		this.emit('disconnected', was_up ? { transport, code, reason } : { transport });
	},

	/* ---- what others begin ---- */

	onInvite(handle, request) {
		if (request.damaged) {
			this.agent.call('session_reject', handle, 400, null, null);
			this.agent.call('session_free', handle);
			return;
		}
		serve(this, request, { session: handle });
		this.emit('invite', new SIP.InviteServerContext(this, request));
	},

	/* 200 is out: nothing is left to be said. */
	onMessage(handle, request) {
		this.agent.call('incoming_free', handle);
		serve(this, request, { incoming: 0 });
		const message = new SIP.ServerContext(this, request);
		message.body = request.body;
		message.content_type = request.getHeader('Content-Type') || 'text/plain';
		this.emit('message', message);
	},

	onOutOfDialogRefer(handle, request) {
		if (request.damaged) {
			this.agent.call('incoming_reply', handle, 400, null, null, null, null);
			this.agent.call('incoming_free', handle);
			return;
		}
		serve(this, request, { incoming: handle });
		const context = new SIP.ReferServerContext(this, request);
		/* It was refused: whom it names cannot be read. */
		if (context.status === SIP.Session.C.STATUS_TERMINATED)
			return;
		if (this.listeners('outOfDialogReferRequested').length) {
			this.emit('outOfDialogReferRequested', context);
		} else {
			this.logger.log('nobody listens: the REFER is followed');
			context.accept({ followRefer: true });
		}
	},

	findSession(request) {
		return this.sessions[request.call_id + request.from_tag] || this.sessions[request.call_id + request.to_tag] || null;
	},
});

UA.C = C;
module.exports = UA;
