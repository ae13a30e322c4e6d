/* What scenes share: the two ends of a call, said once. */
'use strict';
const { World } = require('./world.js');
const { Record, message } = require('./record.js');

const THEIR = '<sip:bob@example.com>;tag=caller', OUR = '<sip:alice@example.com>';

/* A media handler of the application's: what is asked of it stands in `media`. */
function handlerFactory(scene) {
	let offers = 0;
	return (session) => {
		scene.made.push(session);
		let closed = false;
		return {
			getDescription(options, modifiers) {
				const description = { type: 'offer', sdp: `v=0 ours ${++offers}` };
				scene.media.push('get');
				if (scene.failGet)
					return Promise.reject(new scene.SIP.Exceptions.GetDescriptionError('no media'));
				return scene.SIP.Utils.reducePromises(modifiers || [], description).then((d) => ({ body: d.sdp, contentType: 'application/sdp' }));
			},
			hasDescription: (type) => type === 'application/sdp',
			setDescription(body) {
				scene.media.push(`set ${body.trim()}`);
				return scene.failSet ? Promise.reject(new Error('bad')) : Promise.resolve();
			},
			holdModifier: (d) => Promise.resolve({ type: d.type, sdp: d.sdp + ' held' }),
			close() {
				if (!closed)
					scene.media.push('close');
				closed = true;
			},
		};
	};
}

class Scene {
	constructor(which) {
		this.world = new World(which);
		this.SIP = this.world.SIP;
		this.record = new Record(this.SIP);
		this.media = [];
		this.made = [];
		this.notes = [];
		this.cseq = 100;
	}

	/* A UA that is connected, and registered when the configuration says so. */
	async start(configuration = {}) {
		this.ua = new this.SIP.UA(Object.assign({ uri: 'sip:alice@example.com', wsServers: 'ws://server.example.com', register: false,
			sessionDescriptionHandlerFactory: this.world.own(handlerFactory(this)) }, configuration));
		this.ua.on('invite', (session) => { this.call = session; });
		await this.world.open();
		return this.ua;
	}

	note(text) {
		this.notes.push(text);
	}

	/* What a call says of an error: its name and text. */
	attempt(fn) {
		try {
			const value = fn();
			this.note(value === undefined ? 'undefined' : value === this.call ? 'the call' : typeof value);
		} catch (e) {
			this.note(`${e.name}: ${e.message}`);
		}
	}

	registered(request, seconds = 600, o = {}) {
		const contact = request.get('Contact').replace(/;expires=\d+/, '') + `;expires=${seconds}`;
		return this.world.answer(request, 200, Object.assign({ headers: ['Contact: ' + contact] }, o));
	}

	/* ---- a call of ours ---- */

	async callOut(options, target = 'bob@example.com', modifiers = undefined) {
		this.call = this.ua.invite(target, options, modifiers);
		this.invite = await this.world.next('INVITE');
		return this.call;
	}

	get contact() {
		return 'Contact: <sip:bob@server.example.com;transport=ws>';
	}

	async answered(o = {}) {
		await this.world.answer(this.invite, 200, Object.assign({ headers: [this.contact], body: 'v=0 theirs' }, o));
		return this.world.next('ACK');
	}

	async up(options) {
		await this.callOut(options);
		await this.world.answer(this.invite, 180, { headers: [this.contact] });
		return this.answered();
	}

	/* A request of theirs inside the call, whichever side began it. */
	inside(method, o = {}) {
		const ours = this.invite && this.invite.method;
		const from = ours ? this.invite.get('To') + ';tag=server' : THEIR, to = ours ? this.invite.get('From') : `${OUR};tag=${this.ourTag}`;
		return this.world.ask(method, Object.assign({ uri: `sip:${this.ua.contact.uri.user}@${this.ua.contact.uri.host}`, from, to,
			callId: ours ? this.invite.get('Call-ID') : 'their-call', cseq: ++this.cseq }, o));
	}

	/* ---- a call of theirs ---- */

	async callIn(o = {}) {
		this.ringing = { uri: 'sip:alice@example.com', from: THEIR, to: OUR, callId: 'their-call', cseq: this.cseq, branch: 'their-invite',
			headers: ['Contact: <sip:bob@server.example.com;transport=ws>'].concat(o.headers || []), body: o.body === undefined ? 'v=0 theirs' : o.body,
			type: o.type };
		await this.world.ask('INVITE', Object.assign({}, o, this.ringing));
	}

	async accepted(options) {
		this.call.accept(options);
		const ok = await this.world.next('200 INVITE');
		this.ourTag = ok.tag('To');
		return ok;
	}

	ack(o = {}) {
		return this.world.ask('ACK', Object.assign({}, this.ringing, { headers: [], body: '', to: `${OUR};tag=${this.ourTag}`, branch: undefined }, o));
	}

	async upIn(options) {
		await this.callIn();
		await this.accepted(options);
		await this.ack();
	}

	cancelled() {
		return this.world.ask('CANCEL', Object.assign({}, this.ringing, { headers: [], body: '' }));
	}

	/* Everything that a run came to. A 100 that an answer follows at once says nothing (RFC 3261 17.2.1). */
	result() {
		return { events: this.record.events, wire: this.world.wire.filter((m) => m.status !== 100).map(message), media: this.media, notes: this.notes,
			errors: this.world.errors.map((e) => String(e && e.stack || e)) };
	}
}

async function play(which, fn) {
	const scene = new Scene(which);
	await fn(scene, scene.world);
	await scene.world.settle();
	return scene.result();
}

module.exports = { play, Scene };
