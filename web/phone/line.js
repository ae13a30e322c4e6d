/* The connection to the server: one SIP.UA, its state in words, and what comes in by it. Events:
 * state, trace, wrong (detail: text), call (detail: {session, incoming, video}), message (detail: {peer, text, at}). */
import { registrationTrouble, isWrongAccount } from './words.js';

const SIP = window.SIP;

/* "ws://host:8088/ws" -> "host"; [::1] stays in its brackets. */
export function hostOf(server) {
	try {
		return new URL(server.replace(/^ws/i, 'http')).hostname;
	} catch (e) {
		return '';
	}
}

export class Line extends EventTarget {
	/* o: {account, password, display, server, domain, constraints} */
	constructor(o) {
		super();
		this.account = o.account;
		this.domain = o.domain || hostOf(o.server);
		this.state = 'connecting';
		this.was_registered = false;
		this.sessions = new WeakSet();
		this.transports = new WeakSet();
		this.ua = new SIP.UA({
			uri: `sip:${encodeURIComponent(o.account)}@${this.domain}`,
			wsServers: [o.server],
			authorizationUser: o.account,
			password: o.password,
			displayName: o.display || '',
			autostart: false,
			register: true,
			registerExpires: 300,
			dtmfType: 'rtp',
			replaces: SIP.C.supported.SUPPORTED,
			rel100: SIP.C.supported.SUPPORTED,
			wsServerReconnectionTimeout: 2,
			connectionRecoveryMinInterval: 2,
			connectionRecoveryMaxInterval: 15,
			log: { builtinEnabled: false },
			sessionDescriptionHandlerFactoryOptions: {
				constraints: { audio: true, video: false },
				/* Nobody outside is asked for our address. */
				peerConnectionOptions: { rtcConfiguration: { iceServers: [] } },
			},
		});
		this.listen();
	}

	tell(name, detail) {
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}

	become(state) {
		if (this.state === state)
			return;
		this.state = state;
		this.tell('state');
	}

	get text() {
		return {
			connecting: 'Connecting…',
			registered: `Ready: ${this.account}`,
			refused: 'Not registered; trying again…',
			lost: 'The server is gone; trying again…',
			off: 'Logged out',
		}[this.state];
	}

	listen() {
		const { ua } = this;
		ua.on('connecting', ({ transport }) => this.trace(transport));
		ua.on('connected', () => { if (this.state === 'lost') this.become('connecting'); });
		ua.on('disconnected', () => { if (this.state !== 'off') this.become('lost'); });
		ua.on('registered', () => {
			this.was_registered = true;
			this.become('registered');
		});
		ua.on('unregistered', () => { if (this.state === 'registered' && ua.isConnected()) this.become('connecting'); });
		ua.on('registrationFailed', (response, cause) => {
			if (isWrongAccount(response) && !this.was_registered)
				this.tell('wrong', registrationTrouble(response, cause));
			else if (this.state !== 'off')
				this.become(response ? 'refused' : 'lost');
		});
		ua.on('invite', (session) => this.adopt(session, true));
		/* Also those that a transfer of the other side makes us call. */
		ua.on('inviteSent', (session) => this.adopt(session, false));
		ua.on('message', (m) => this.tell('message', { peer: m.remoteIdentity.uri.user || m.remoteIdentity.uri.toString(),
			name: m.remoteIdentity.displayName, text: m.body, type: m.content_type, at: Date.now() }));
	}

	adopt(session, incoming, video = false) {
		if (this.sessions.has(session))
			return;
		this.sessions.add(session);
		this.tell('call', { session, incoming, video });
	}

	/* Messages as they pass, for the ladder. */
	trace(transport) {
		if (!transport || this.transports.has(transport))
			return;
		this.transports.add(transport);
		const pass = (sent) => (data) => {
			const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
			if (text.trim())
				this.tell('trace', { sent, text, at: Date.now() });
		};
		transport.on('messageSent', pass(true));
		transport.on('message', pass(false));
	}

	start() {
		this.ua.start();
		this.trace(this.ua.transport);
	}

	stop() {
		this.become('off');
		this.ua.stop();
	}

	/* What a user types, as an address; undefined: it is none. */
	target(text) {
		return this.ua.normalizeTarget(text.trim());
	}

	call(text, video, constraints) {
		const target = this.target(text);
		if (!text.trim() || !target)
			throw new TypeError(`“${text}” is no number and no address.`);
		const session = this.ua.invite(target, { sessionDescriptionHandlerOptions: { constraints } });
		this.adopt(session, false, video);
	}
}
