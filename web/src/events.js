/* What the agent tells, brought to the object it is about. One function an event of
 * enum sidetone_event_type; a session's, a subscription's and so on are methods of theirs. */
'use strict';

const LEVELS = ['error', 'warn', 'log', 'debug'];

/* The events of things that have objects: the method that is called with (event, message). */
const OBJECTS = ['request', 'session', 'subscription', 'publication'];

const AGENT = {
	connecting(agent, e) {
		/* The socket is asked for next; openSocket() tells the application, which then knows where to. */
		agent.attempts = e.status;
	},

	connected(agent) {
		agent.up = true;
		agent.lost = false;
		agent.ua.onTransportConnected(agent.carrier || agent.ua.transport);
	},

	disconnected(agent, e) {
		const was_up = agent.up;
		agent.up = false;
		agent.lost = agent.lost || was_up;
		agent.ua.onAgentDisconnected(e.status, e.text, was_up);
	},

	registered(agent, e) {
		agent.ua.registerContext.onRegistered(agent.incoming(e));
	},

	unregistered(agent, e) {
		agent.ua.registerContext.unregistered(agent.incoming(e), e.cause);
	},

	registrationFailed(agent, e) {
		agent.ua.registerContext.registrationFailure(agent.incoming(e), e.cause);
	},

	registerProgress(agent, e) {
		agent.ua.registerContext.emit('progress', agent.incoming(e));
	},

	registerAccepted(agent, e) {
		agent.ua.registerContext.emit('accepted', agent.incoming(e));
	},

	keepAliveTimeout(agent) {
		agent.ua.emit('keepAliveTimeout');
	},

	invite(agent, e) {
		agent.ua.onInvite(e.session, agent.incoming(e));
	},

	message(agent, e) {
		agent.ua.onMessage(e.incoming, agent.incoming(e));
	},

	notifyOutOfDialog(agent, e) {
		agent.ua.emit('notify', { request: agent.incoming(e) });
	},

	outOfDialogReferRequested(agent, e) {
		agent.ua.onOutOfDialogRefer(e.incoming, agent.incoming(e));
	},

	/* The application's own scheme answers it, or nobody. */
	challenge(agent, e) {
		const { ua } = agent, response = agent.incoming(e), proxy = response.status_code === 407;
		const challenge = response.parseHeader(proxy ? 'proxy-authenticate' : 'www-authenticate');
		const credentials = ua.configuration.authenticationFactory(ua);
		if (challenge && credentials && credentials.authenticate({ ua, method: e.text, ruri: e.cause }, challenge))
			agent.call('ua_authorize', agent.core.ua, `${proxy ? 'Proxy-' : ''}Authorization: ${credentials}`);
	},

	/* The transport sees the same text, and traces it. */
	sent() {},
	received() {},

	log(agent, e) {
		agent.ua.getLogger(e.cause || 'sip.ua')[LEVELS[e.status] || 'log'](e.text);
	},
};

let names;

function nameOf(core, type) {
	names = names || [];
	if (names[type] === undefined)
		names[type] = core.string(core.call('event_name', type));
	return names[type];
}

function ownerOf(agent, e) {
	/* A request inside a session is the request's matter, also when nobody waits for it any more. */
	for (const kind of OBJECTS)
		if (e[kind])
			return agent[kind + 's'].get(e[kind]) || null;
	return null;
}

function dispatch(agent, e) {
	const name = nameOf(agent.core, e.type);
	const owner = name in AGENT && !(name === 'message') ? null : ownerOf(agent, e);
	if (owner && owner.sync)
		owner.sync();
	if (owner)
		owner['on_' + name] && owner['on_' + name](e, agent.incoming(e));
	else if (AGENT[name])
		AGENT[name](agent, e);
}

module.exports = { dispatch };
