/* What is no call: connection, registration, requests, transfers, subscriptions. As scenes_calls.js. */
'use strict';

const CHALLENGE = 'WWW-Authenticate: Digest realm="example.com", nonce="abc", qop="auth", algorithm=MD5';
const registering = (o) => Object.assign({ register: true }, o);

async function registered(s, w, o = {}) {
	await s.start(registering(o));
	const request = await w.next('REGISTER');
	await s.registered(request);
	return request;
}

const outside = (w, method, o = {}) => w.ask(method, Object.assign({ uri: 'sip:alice@example.com', from: '<sip:bob@example.com>;tag=caller',
	to: '<sip:alice@example.com>', callId: 'outside', cseq: 7 }, o));

function registerRefused(status) {
	return async (s, w) => {
		await s.start(registering());
		await w.answer(await w.next('REGISTER'), status);
	};
}

async function subscribed(s, w, options) {
	s.subscription = s.ua.subscribe('bob@example.com', 'presence', options);
	s.subscribe = await w.next('SUBSCRIBE');
	await w.answer(s.subscribe, 200, { headers: ['Expires: 3600', 'Contact: <sip:bob@server.example.com>'] });
}

function notify(s, w, state, o = {}) {
	return w.ask('NOTIFY', Object.assign({ uri: `sip:${s.ua.contact.uri.user}@${s.ua.contact.uri.host}`, from: s.subscribe.get('To') + ';tag=server',
		to: s.subscribe.get('From'), callId: s.subscribe.get('Call-ID'), cseq: ++s.cseq, type: 'text/plain', body: 'news',
		headers: ['Event: presence', 'Subscription-State: ' + state, 'Contact: <sip:bob@server.example.com>'] }, o));
}

const sipfrag = (s, text) => s.inside('NOTIFY', { headers: ['Event: refer', 'Subscription-State: active'], type: 'message/sipfrag', body: text });

/* Values that are taken, refused, or taken as something else. */
const VALUES = {
	uri: ['alice@example.com', 'sip:alice@example.com:5070;a=b', 'example.com', 'sip:', 7, true],
	wsServers: ['ws://a.example.com', 'wss://a.example.com:8443/path', 'http://a.example.com', [], '', 7, [{ ws_uri: 'ws://a', weight: 2 }, 'ws://b'],
		[{ weight: 1 }], [{ ws_uri: 'ws://a', weight: 'x' }]],
	displayName: ['Alice', 'Ałice', 0, 'a"b'],
	password: ['x', 7],
	registerExpires: [60, '60', 0, -1, 1.5, 'x', true, null, NaN],
	noAnswerTimeout: [10, '10', 0, 'x'],
	connectionRecoveryMinInterval: [3, 0, 40],
	connectionRecoveryMaxInterval: [3, 1, 'x'],
	wsServerMaxReconnection: [1, 0, '2'],
	wsServerReconnectionTimeout: [1, 0, '2'],
	keepAliveInterval: [30, 'x'],
	register: [true, false, 'true', 1],
	autostop: [true, 0],
	traceSip: [false, 'no'],
	usePreloadedRoute: [false, 1],
	hackViaTcp: [true, 'x'],
	hackWssInTransport: [true, 'x'],
	hackIpInContact: [true, 'host.example.com', '192.0.2.5', 7],
	forceRport: [true, 1],
	rel100: ['required', 'supported', 'none', 'x', 7, true],
	replaces: ['required', 'supported', 'none', 'x'],
	instanceId: ['8f1fa16a-1165-4a96-8341-785b1ef24f02', 'uuid:8f1fa16a-1165-4a96-8341-785b1ef24f02', 'x', 7],
	registrarServer: ['registrar.example.com', 'sip:registrar.example.com:5070', 'alice@example.com', 7],
	userAgentString: ['me', 7],
	contactTransport: ['ws', 7],
	extraSupported: [['path'], 'path', [7]],
	sessionDescriptionHandlerFactoryOptions: [{ a: 1 }, 7],
	custom: [{ a: 1 }],
	unknown: ['x'],
};

module.exports = {
	'values of the configuration': async (s) => {
		for (const name of Object.keys(VALUES))
			for (const value of VALUES[name])
				try {
					const given = s.world.run(`({ ${name}: ${typeof value === 'number' ? value : JSON.stringify(value)}, autostart: false })`);
					let got = new s.SIP.UA(given).configuration[name];
					if (name === 'wsServers')
						got = got.map((server) => Object.entries(server).sort());
					s.note(`${name} ${JSON.stringify(value)}: ${got && got.toRaw ? got.toRaw() : JSON.stringify(got)}`);
				} catch (e) {
					s.note(`${name} ${JSON.stringify(value)}: ${e.name} ${e.code} ${e.message}`);
				}
	},

	'two servers, of which the better one does not answer': async (s, w) => {
		s.ua = new s.SIP.UA({ uri: 'sip:alice@example.com', register: false,
			wsServers: w.run("[{ ws_uri: 'ws://one.example.com', weight: 1 }, { ws_uri: 'ws://two.example.com', weight: 5 }]") });
		await w.settle();
		s.note(w.socket.uri);
		await w.drop();
		await w.settle();
		s.note(w.socket.uri);
		await w.open();
		s.note(`connected ${s.ua.isConnected()} ${s.ua.transport.server.ws_uri}`);
	},

	'starts again after stop()': async (s, w) => {
		await s.start();
		s.ua.stop();
		await w.pass(100);
		s.ua.start();
		await w.open();
		s.note(`connected ${s.ua.isConnected()}`);
	},

	'keep-alives that are answered': async (s, w) => {
		await s.start({ keepAliveInterval: 10 });
		for (let i = 0; i < 3; i++) {
			await w.pass(10000);
			await w.give('\r\n');
		}
	},

	'registers, and stops': async (s, w) => {
		await registered(s, w);
		s.note(`registered ${s.ua.isRegistered()}`);
		s.ua.stop();
		await w.answer(await w.next('REGISTER'), 200);
		await w.pass(100);
		s.note(`registered ${s.ua.isRegistered()}, connected ${s.ua.isConnected()}`);
	},

	'registers with a display name and a short life, and refreshes': async (s, w) => {
		await s.start(registering({ displayName: 'Alice A', registerExpires: 60 }));
		await s.registered(await w.next('REGISTER'), 60);
		await w.pass(57100);
		await s.registered(await w.next('REGISTER'), 60);
	},

	'registers at another registrar': async (s, w) => {
		await s.start(registering({ registrarServer: 'registrar.example.com' }));
		await s.registered(await w.next('REGISTER'));
	},

	'registers with a challenge': async (s, w) => {
		await s.start(registering({ password: 'secret' }));
		await w.answer(await w.next('REGISTER'), 401, { headers: [CHALLENGE] });
		await s.registered(await w.next('REGISTER'));
	},

	'registers as another user': async (s, w) => {
		await s.start(registering({ password: 'secret', authorizationUser: 'other' }));
		await w.answer(await w.next('REGISTER'), 401, { headers: [CHALLENGE] });
		await s.registered(await w.next('REGISTER'));
	},

	'a wrong password': async (s, w) => {
		await s.start(registering({ password: 'wrong' }));
		await w.answer(await w.next('REGISTER'), 401, { headers: [CHALLENGE] });
		await w.answer(await w.next('REGISTER'), 401, { headers: [CHALLENGE] });
	},

	'too short a life: 423': async (s, w) => {
		await s.start(registering({ registerExpires: 10 }));
		await w.answer(await w.next('REGISTER'), 423, { headers: ['Min-Expires: 120'] });
		await s.registered(await w.next('REGISTER'), 120);
	},

	'a registration is refused: 403': registerRefused(403),
	'a registration is refused: 404': registerRefused(404),
	'a registration is refused: 503': registerRefused(503),

	'a registration that nobody answers': async (s, w) => {
		await s.start(registering());
		await w.pass(33000);
	},

	'register() and unregister() by the application': async (s, w) => {
		await s.start();
		s.ua.register({ extraHeaders: ['X-One: 1'] });
		await s.registered(await w.next('REGISTER'));
		s.ua.unregister({ extraHeaders: ['X-Two: 2'] });
		await w.answer(await w.next('REGISTER'), 200);
	},

	'unregisters everybody': async (s, w) => {
		await registered(s, w);
		s.ua.unregister({ all: true });
		await w.answer(await w.next('REGISTER'), 200);
	},

	'provisional responses to REGISTER': async (s, w) => {
		await s.start(registering());
		const request = await w.next('REGISTER');
		await w.answer(request, 100);
		await s.registered(request);
	},

	/* SIP.js does not say that the connection broke. */
	'the connection breaks and comes back': {
		async run(s, w) {
			await registered(s, w);
			await w.drop();
			await w.open();
			await s.registered(await w.next('REGISTER'));
		},
		ours(r) {
			r.events.splice(r.events.indexOf('register: unregistered(null, "Connection Error")') + 2, 0,
				'ua: disconnected({code: 1006, reason: "", transport})');
			return r;
		},
	},

	'a message out': async (s, w) => {
		await s.start();
		s.ua.message('bob@example.com', 'hello');
		await w.answer(await w.next('MESSAGE'), 200);
	},

	'a message out is refused, is challenged, and has a type of its own': async (s, w) => {
		await s.start({ password: 'secret' });
		s.ua.message('bob', 'hello', { contentType: 'text/x', extraHeaders: ['X-One: 1'] });
		await w.answer(await w.next('MESSAGE'), 407, { headers: [CHALLENGE.replace('WWW', 'Proxy')] });
		await w.answer(await w.next('MESSAGE'), 404);
	},

	'a message that nobody answers': async (s, w) => {
		await s.start();
		s.ua.message('bob@example.com', 'hello');
		await w.pass(33000);
	},

	'a message before there is a connection': async (s, w) => {
		s.ua = new s.SIP.UA({ uri: 'sip:alice@example.com', wsServers: 'ws://server.example.com', register: false });
		s.ua.message('bob@example.com', 'hello');
		await w.open();
		await w.answer(await w.next('MESSAGE'), 200);
	},

	'a message in': async (s, w) => {
		await s.start();
		s.ua.on('message', (m) => s.note(`${m.body} ${m.content_type} ${m.remoteIdentity.uri}`));
		await outside(w, 'MESSAGE', { type: 'text/plain', body: 'hello' });
		await w.next('200 MESSAGE');
	},

	'OPTIONS out': async (s, w) => {
		await s.start();
		s.ua.request('OPTIONS', 'bob@example.com', { extraHeaders: ['X-One: 1'] });
		await w.answer(await w.next('OPTIONS'), 200);
	},

	'any method, with parameters': async (s, w) => {
		await s.start();
		s.ua.request('NOTIFY', 'bob@example.com', { body: 'x', contentType: 'text/plain', extraHeaders: ['Event: x', 'Subscription-State: active'],
			params: { from_displayName: 'Other', to_displayName: 'Bob B' } });
		const request = await w.next('NOTIFY');
		await w.answer(request, 100);
		await w.answer(request, 489);
	},

	'OPTIONS in': async (s, w) => {
		await s.start();
		await outside(w, 'OPTIONS');
		await w.next('200 OPTIONS');
	},

	'requests in that are of no use': async (s, w) => {
		await s.start();
		await outside(w, 'BYE');
		await w.next('481 BYE');
		await outside(w, 'NOTIFY', { cseq: 8, headers: ['Event: x', 'Subscription-State: active'] });
		await w.next('481 NOTIFY');
		await outside(w, 'REFER', { cseq: 9, headers: ['Refer-To: <sip:carol@example.com>', 'Contact: <sip:bob@example.com>'] });
		await w.next('405 REFER');
		await outside(w, 'PUBLISH', { cseq: 10 });
		await w.next('405 PUBLISH');
		await outside(w, 'MESSAGE', { cseq: 11, uri: 'sip:nobody@example.com' });
		await w.next('404 MESSAGE');
	},

	'a NOTIFY that nobody asked for, allowed': async (s, w) => {
		await s.start({ allowLegacyNotifications: true });
		s.ua.on('notify', () => s.note('heard'));
		await outside(w, 'NOTIFY', { headers: ['Event: message-summary', 'Subscription-State: active'] });
		await w.next('200 NOTIFY');
	},

	/* SIP.js answers the NOTIFY when its listeners are done, which may end the call. */
	'a transfer out, blind': {
		async run(s, w) {
			await s.start();
			await s.up();
			s.attempt(() => s.call.refer('carol@example.com'));
			await w.answer(await w.next('REFER'), 202);
			await sipfrag(s, 'SIP/2.0 100 Trying');
			await sipfrag(s, 'SIP/2.0 200 OK');
			await w.answer(await w.next('BYE'), 200);
		},
		ours(r) {
			r.wire.push(...r.wire.splice(r.wire.findIndex((m) => m.startsWith('BYE')), 1));
			return r;
		},
	},

	'a transfer out is refused': async (s, w) => {
		await s.start();
		await s.up();
		s.call.refer('carol@example.com');
		await w.answer(await w.next('REFER'), 603);
	},

	/* SIP.js cannot read this status line and answers 489. */
	'a transfer out fails': {
		async run(s, w) {
			await s.start();
			await s.up();
			s.call.refer('carol@example.com');
			await w.answer(await w.next('REFER'), 202);
			await sipfrag(s, 'SIP/2.0 486 Busy Here\r\n');
		},
		ours(r) {
			r.events.push('refer: referRejected(refer)', 'refer: notify(their NOTIFY)');
			r.wire.push(r.wire.pop().replace('489 Bad Event', '200 OK'));
			return r;
		},
	},

	'a transfer in, refused': async (s, w) => {
		await s.start();
		await s.upIn();
		s.call.on('referRequested', (context) => {
			s.note(`${context.referTo.uri} ${context.referredBy}`);
			context.reject();
		});
		await s.inside('REFER', { headers: ['Refer-To: <sip:carol@example.com>', 'Referred-By: <sip:bob@example.com>', 'Contact: <sip:bob@server.example.com>'] });
		await w.next('480 REFER');
	},

	'a subscription': async (s, w) => {
		await s.start();
		await subscribed(s, w, { expires: 3600 });
		s.note(s.subscription.state);
		await notify(s, w, 'active;expires=3600');
		s.note(s.subscription.state);
		await notify(s, w, 'active;expires=3000');
	},

	/* With us each end of a subscription is told by this event. */
	'a subscription is refused': {
		async run(s, w) {
			await s.start();
			s.subscription = s.ua.subscribe('bob@example.com', 'presence', { expires: 3600, extraHeaders: ['Accept: text/plain'] });
			await w.answer(await w.next('SUBSCRIBE'), 404);
			s.note(s.subscription.state);
		},
		ours(r) {
			r.events.push('subscription: terminated()');
			return r;
		},
	},

	'a subscription is ended by us': async (s, w) => {
		await s.start();
		await subscribed(s, w, { expires: 3600 });
		await notify(s, w, 'active;expires=3600');
		s.subscription.unsubscribe();
		await w.answer(await w.next('SUBSCRIBE'), 200, { headers: ['Expires: 0'] });
		s.note(s.subscription.state);
	},
};
