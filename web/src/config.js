/* The configuration of SIP.UA. What a value may be, and what it is when nobody says, is the agent's
 * table (src/agent/config.c); here the values become the objects that an application sees. */
'use strict';
const SIP = require('./sip.js');
const { scratch } = require('./core.js');

/* The agent's defaults, as JSON. */
let unsaid;

/* `json`: undefined when there is none of such a value. Gives the value in force, undefined: refused. */
function checked(name, value) {
	const core = scratch, ua = core.x.bridge_ua_new(core.core, 0);
	try {
		const json = JSON.stringify(value);
		if (json === undefined || core.call('ua_set_json', ua, name, json))
			return undefined;
		const at = core.call('ua_get_json', ua, name), text = core.string(at);
		core.x.free(at);
		return JSON.parse(text);
	} finally {
		core.call('ua_free', ua);
	}
}

const plain = (name) => (value) => checked(name, value);
/* Accepted as it is, when the agent can read it as text. */
const asGiven = (name) => (value) => (checked(name, String(value)) === undefined ? undefined : value);
const uri = (name) => (value) => {
	const text = typeof value === 'string' ? checked(name, value) : undefined;
	return text === undefined ? undefined : SIP.URI.parse(text);
};
/* What is not known is "none", and no error. */
const support = (name) => (value) => (value === undefined ? undefined : checked(name, value)) || SIP.C.supported.UNSUPPORTED;
const func = (value) => (typeof value === 'function' ? value : undefined);
const object = (value) => (typeof value === 'object' ? value : undefined);

/* The entries are completed where they are: an application may look at its own list afterwards. */
function servers(value) {
	const list = typeof value === 'string' ? [value] : value;
	/* "ws:example.com" is a URI too, and for a browser the same. */
	const whole = (uri) => (typeof uri === 'string' ? uri.replace(/^(wss?):(?!\/\/)/i, '$1://') : uri);
	if (Array.isArray(list))
		list.forEach((s, i) => {
			list[i] = typeof s === 'string' ? { ws_uri: whole(s) } : s && s.ws_uri ? Object.assign(s, { ws_uri: whole(s.ws_uri) }) : s;
		});
	const taken = Array.isArray(list) ? checked('wsServers', list) : undefined;
	if (!taken || taken.length !== list.length)
		return undefined;
	taken.forEach((server, i) => {
		Object.assign(list[i], server, { status: 0 });
	});
	return list;
}

function authentication(factory) {
	if (typeof factory !== 'function')
		return undefined;
	if (!factory.initialize)
		factory.initialize = () => SIP.Utils.Promise.resolve();
	return factory;
}

const CHECKS = {
	uri, registrarServer: uri, authorizationUser: asGiven, displayName: asGiven, rel100: support, replaces: support,
	wsServers: () => servers,
	password: () => (value) => String(value),
	sessionDescriptionHandlerFactory: () => func,
	sessionDescriptionHandlerFactoryOptions: () => object,
	authenticationFactory: () => authentication,
	custom: () => object,
};

/* Those that the agent has no part in. */
const OURS = { sessionDescriptionHandlerFactory: 1, sessionDescriptionHandlerFactoryOptions: 1, authenticationFactory: 1, custom: 1 };

function configurationCheck() {
	const optional = {};
	for (const name of NAMES)
		optional[name] = (CHECKS[name] || plain)(name);
	return { mandatory: {}, optional };
}

/* The agent's table, but for what UA and takeTransportOptions() take apart. */
const NAMES = [];
for (let i = 0, at; (at = scratch.x.bridge_param(i)); i++)
	NAMES.push(scratch.string(at));
NAMES.splice(NAMES.indexOf('log'), 1);

/* ---- defaults ---- */

function defaults() {
	const settings = {
		viaHost: SIP.Utils.createRandomToken(12) + '.invalid',
		uri: new SIP.URI('sip', 'anonymous.' + SIP.Utils.createRandomToken(6), 'anonymous.invalid', null, null),
		custom: {},
		password: null,
		registrarServer: null,
		contactName: SIP.Utils.createRandomToken(8),
		contactTransport: 'ws',
		userAgentString: SIP.C.USER_AGENT,
		sessionDescriptionHandlerFactory: SIP.WebRTC && SIP.WebRTC.SessionDescriptionHandler &&
			SIP.WebRTC.SessionDescriptionHandler.defaultFactory,
		sessionDescriptionHandlerFactoryOptions: { constraints: {}, peerConnectionOptions: {} },
		authenticationFactory: authentication(Object.assign((ua) => new SIP.DigestAuthentication(ua), { ours: true })),
	};
	if (!unsaid) {
		unsaid = {};
		for (const name of NAMES)
			if (!(name in settings) && !['authorizationUser', 'instanceId'].includes(name))
				unsaid[name] = checked(name, null);
		unsaid.wsServers.forEach((server) => { server.status = 0; });
		unsaid = JSON.stringify(unsaid);
	}
	return Object.assign(settings, JSON.parse(unsaid));
}

/* ws_servers for wsServers: as the versions before wrote it. The caller's object gets the new name. */
function takeOldName(configuration, name, logger) {
	const old = name.replace(/([a-z])([A-Z])/g, (m, a, b) => a + '_' + b.toLowerCase());
	if (old === name)
		return;
	const given = Object.prototype.hasOwnProperty.call(configuration, name);
	if (Object.prototype.hasOwnProperty.call(configuration, old)) {
		logger.warn(`${old} is deprecated, please use ${name}`);
		if (given)
			logger.warn(`${name} overriding ${old}`);
	}
	configuration[name] = given ? configuration[name] : configuration[old];
}

/* 0.11 has these in an object of their own. */
function takeTransportOptions(configuration) {
	const o = configuration.transportOptions;
	if (!o || typeof o !== 'object')
		return;
	const names = { wsServers: 'wsServers', maxReconnectionAttempts: 'wsServerMaxReconnection',
		reconnectionTimeout: 'wsServerReconnectionTimeout', keepAliveInterval: 'keepAliveInterval', traceSip: 'traceSip' };
	for (const [theirs, ours] of Object.entries(names))
		if (o[theirs] !== undefined && configuration[ours] === undefined)
			configuration[ours] = o[theirs];
}

const isNothing = (value) => value === null || value === '' || value === undefined ||
	(Array.isArray(value) && value.length === 0) || (typeof value === 'number' && isNaN(value));

function take(settings, configuration, name, check) {
	const value = configuration[name], taken = check(value);
	if (taken === undefined)
		throw new SIP.Exceptions.ConfigurationError(name, value);
	settings[name] = taken;
}

function read(settings, configuration, check, logger) {
	for (const name in check.mandatory) {
		takeOldName(configuration, name, logger);
		if (!Object.prototype.hasOwnProperty.call(configuration, name))
			throw new SIP.Exceptions.ConfigurationError(name);
		take(settings, configuration, name, check.mandatory[name]);
	}
	for (const name in check.optional) {
		takeOldName(configuration, name, logger);
		if (Object.prototype.hasOwnProperty.call(configuration, name) && !isNothing(configuration[name]))
			take(settings, configuration, name, check.optional[name]);
	}
}

/* ---- what follows from others ---- */

function derive(settings) {
	if (settings.connectionRecoveryMaxInterval < settings.connectionRecoveryMinInterval)
		throw new SIP.Exceptions.ConfigurationError('connectionRecoveryMaxInterval', settings.connectionRecoveryMaxInterval);
	if (settings.displayName === 0)
		settings.displayName = '0';
	settings.instanceId = settings.instanceId || SIP.Utils.newUUID();
	settings.sipjsId = SIP.Utils.createRandomToken(5);
	const host = settings.uri.clone();
	host.user = null;
	settings.hostportParams = host.toRaw().replace(/^sip:/i, '');
	settings.authorizationUser = settings.authorizationUser || settings.uri.user;
	settings.registrarServer = settings.registrarServer || host.clone();
	settings.noAnswerTimeout *= 1000;
	if (settings.hackIpInContact === true)
		settings.viaHost = SIP.Utils.getRandomTestNetIP();
	else if (settings.hackIpInContact)
		settings.viaHost = settings.hackIpInContact;
	if (settings.hackWssInTransport)
		settings.contactTransport = 'wss';
	return settings;
}

function contactOf(settings) {
	return {
		pub_gruu: null,
		temp_gruu: null,
		uri: new SIP.URI('sip', settings.contactName, settings.viaHost, null, { transport: settings.contactTransport }),
		toString(options) {
			const { anonymous, outbound } = options || {};
			const uri = anonymous ? this.temp_gruu || 'sip:anonymous@anonymous.invalid;transport=' + settings.contactTransport
				: this.pub_gruu || this.uri;
			return `<${uri}${outbound ? ';ob' : ''}>`;
		},
	};
}

/* The agent's own: what was drawn here is drawn for it. */
function forAgent(settings) {
	const values = {};
	for (const name of NAMES)
		if (!OURS[name] && !isNothing(settings[name]))
			values[name] = settings[name];
	if (!settings.hackAllowUnregisteredOptionTags)
		values.extraSupported = settings.extraSupported.filter((tag) => SIP.C.OPTION_TAGS[tag]);
	values.uri = settings.uri.toString();
	values.registrarServer = settings.registrarServer.toString();
	values.wsServers = settings.wsServers.map(({ ws_uri, weight }) => ({ ws_uri, weight }));
	values.authorizationUser = String(settings.authorizationUser);
	values.displayName = String(settings.displayName);
	values.noAnswerTimeout = settings.noAnswerTimeout / 1000;
	values.hackIpInContact = settings.viaHost;
	values.password = settings.password === null ? '' : settings.password;
	return values;
}

function show(logger, settings) {
	logger.log('configuration parameters after validation:');
	for (const name in settings) {
		const value = settings[name];
		logger.log(`· ${name}: ` + (name === 'password' ? 'NOT SHOWN'
			: ['uri', 'registrarServer', 'sessionDescriptionHandlerFactory'].includes(name) ? value : JSON.stringify(value)));
	}
}

/* Puts the configuration into ua.configuration, read-only but for two, and gives what the agent needs. */
function loadConfig(ua, configuration) {
	const settings = defaults(), skeleton = {};
	takeTransportOptions(configuration);
	read(settings, configuration, ua.getConfigurationCheck(), ua.logger);
	derive(settings);
	ua.contact = contactOf(settings);
	for (const name in settings)
		skeleton[name] = { value: settings[name], writable: name === 'register' || name === 'custom', configurable: false, enumerable: false };
	Object.defineProperties(ua.configuration, skeleton);
	show(ua.logger, settings);
	return forAgent(settings);
}

module.exports = { loadConfig, configurationCheck };
