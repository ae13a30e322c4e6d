/* One library in a world of its own: a page's globals, with a clock that the test moves, and one fake
 * WebSocket server at the other end. What the library emits and sends is written down. */
'use strict';
const fs = require('fs'), path = require('path'), vm = require('vm');
const { parse, write } = require('./sipmessage.js');

const LIBRARIES = {
	theirs: path.join(__dirname, '../../node_modules/sip.js/dist/sip.js'),
	ours: path.join(__dirname, '../../../build/web/sidetone-ua.js'),
};
const scripts = {};
const scriptOf = (name) => scripts[name] || (scripts[name] = new vm.Script(fs.readFileSync(LIBRARIES[name], 'utf8'), { filename: LIBRARIES[name] }));

const turn = () => new Promise((resolve) => { setImmediate(resolve); });

/* ---- time ---- */

class Clock {
	constructor() {
		this.now = 0;
		this.last = 0;
		this.timers = new Map();
	}

	set(fn, ms, ...args) {
		this.timers.set(++this.last, { at: this.now + Math.max(0, Number(ms) || 0), n: this.last, fn: () => fn(...args) });
		return this.last;
	}

	clear(id) {
		this.timers.delete(id);
	}

	/* The next one until `limit`. */
	due(limit) {
		let first = null;
		for (const [id, t] of this.timers)
			if (t.at <= limit && (!first || t.at < first.at || (t.at === first.at && t.n < first.n)))
				first = Object.assign(t, { id });
		return first;
	}
}

/* ---- the socket ---- */

function socketClass(world) {
	return class FakeWebSocket {
		constructor(uri, protocol) {
			Object.assign(this, { uri, protocol, readyState: 0 });
			world.sockets.push(this);
			world.log.push(`socket ${uri} ${protocol}`);
		}

		send(text) {
			world.onWire(String(text));
		}

		/* The closing handshake takes its time. */
		close() {
			if (this.readyState >= 2)
				return;
			this.readyState = 2;
			world.clock.set(() => this.end(1000, ''), 1);
		}

		end(code, reason) {
			this.readyState = 3;
			if (this.onclose)
				this.onclose({ code, reason, wasClean: code === 1000 });
		}
	};
}

for (const [name, value] of [['CONNECTING', 0], ['OPEN', 1], ['CLOSING', 2], ['CLOSED', 3]])
	Object.defineProperty(socketClass.prototype, name, { value });

class World {
	constructor(which) {
		this.which = which;
		this.clock = new Clock();
		this.sockets = [];
		this.log = [];
		this.wire = [];         /* parsed messages that the library sent */
		this.heard = 0;         /* how many of them the scene has looked at */
		this.errors = [];
		this.load();
	}

	load() {
		const { clock } = this, quiet = () => {};
		const WebSocket = socketClass(this);
		Object.assign(WebSocket, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
		const g = {
			WebSocket, TextEncoder, TextDecoder, WebAssembly, atob, crypto: globalThis.crypto || require('crypto').webcrypto, queueMicrotask,
			console: { log: quiet, warn: quiet, error: quiet, debug: quiet, info: quiet },
			setTimeout: (fn, ms, ...args) => clock.set(this.guarded(fn), ms, ...args), clearTimeout: (id) => clock.clear(id),
			setInterval: quiet, clearInterval: quiet,
			performance: { now: () => clock.now },
			addEventListener: quiet, removeEventListener: quiet, navigator: { userAgent: 'test' },
		};
		g.self = g.window = g.global = g;
		this.context = vm.createContext(g);
		vm.runInContext(`const RealDate = Date; Date = class extends RealDate {
			constructor(...a) { a.length ? super(...a) : super(Date.now()); } static now() { return 1e12 + performance.now(); } };`, this.context);
		scriptOf(this.which).runInContext(this.context);
		this.SIP = this.context.SIP;
	}

	/* A function of the world's own kind: SIP.js asks whether it is an instance of Function. */
	own(fn) {
		return vm.runInContext('(fn) => function (...args) { return fn.apply(this, args); }', this.context)(fn);
	}

	/* A value of its own kind. */
	run(expression) {
		return vm.runInContext(expression, this.context);
	}

	guarded(fn) {
		return (...args) => {
			try {
				fn(...args);
			} catch (e) {
				this.errors.push(e);
			}
		};
	}

	onWire(text) {
		this.wire.push(text.trim() ? parse(text) : { keepAlive: true, text });
	}

	/* Everything that happens without time going on. */
	async settle() {
		await turn();
		await turn();
		for (let t; (t = this.clock.due(this.clock.now));) {
			this.clock.clear(t.id);
			t.fn();
			await turn();
		}
	}

	async pass(ms) {
		const end = this.clock.now + ms;
		await this.settle();
		for (let t; (t = this.clock.due(end));) {
			this.clock.now = Math.max(this.clock.now, t.at);
			await this.settle();
		}
		this.clock.now = end;
		await this.settle();
	}

	/* ---- the server ---- */

	get socket() {
		return this.sockets[this.sockets.length - 1];
	}

	async open() {
		await this.settle();
		this.socket.readyState = 1;
		this.socket.onopen({});
		await this.settle();
	}

	async drop(code = 1006, reason = '') {
		this.socket.end(code, reason);
		await this.settle();
	}

	async give(text) {
		await this.settle();
		this.socket.onmessage({ data: text });
		await this.settle();
	}

	/* The next message of that method, or response to it, which the library sends (or sent); null: none comes. */
	async next(what) {
		for (let wait = 0; wait < 40; wait++) {
			await this.settle();
			while (this.heard < this.wire.length) {
				const m = this.wire[this.heard++];
				if (!m.keepAlive && (m.method === what || `${m.status} ${m.cseqMethod}` === what))
					return m;
			}
			await this.pass(5);
		}
		throw new Error(`${this.which}: no ${what} came; sent were ${this.wire.map((m) => m.first || 'CRLF').join(' | ')}`);
	}

	async answer(request, status, o = {}) {
		await this.give(write.response(request, status, o));
	}

	async ask(method, o) {
		await this.give(write.request(method, o));
	}
}

module.exports = { World };
