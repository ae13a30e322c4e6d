/* One agent's machine: the WebAssembly, its memory, and what it takes from the page as its host:
 * time, timers, sockets, hashes, randomness. What it tells goes to the function `on_event`. */
'use strict';
const { hash } = require('./hash.js');
const wasm = require('./wasm.js');
/* Node 18 has the browser's in a module. */
const crypto = globalThis.crypto || require('node:crypto').webcrypto;

/* wasi-libc's numbers. */
const ERRNO = { EINVAL: 28, EIO: 29, EPERM: 63 };

/* When the file is loaded, so that the first agent is on the wire at once. */
const compiled = new WebAssembly.Module(wasm());
const utf8 = new TextEncoder();
/* What is no UTF-8 is read as such, and a BOM is text like any other. */
const text8 = new TextDecoder('utf-8', { ignoreBOM: true });

/* An exception must not run through the machine, which cannot unwind: it is thrown again where
 * nothing is below it. */
function later(error) {
	setTimeout(() => { throw error; }, 0);
}

/* Whoever hears of it and throws has nothing to do with what happened. */
function heard(fn) {
	try {
		fn();
	} catch (e) {
		later(e);
	}
}

const clock = () => (typeof performance === 'object' ? performance.now() : Date.now());

class Core {
	/* `on_event` is called with each CoreEvent. `sockets`: open(uri, conn), send(conn, text) -> bool,
	 * close(conn); what becomes of them is told to opened(), received(), closed(). */
	constructor(on_event, sockets) {
		this.on_event = on_event;
		this.sockets = sockets;
		this.last_conn = 0;
		this.timer = null;
		this.ahead = 0;
		this.x = new WebAssembly.Instance(compiled, { host: this.host(), wasi_snapshot_preview1: this.wasi() }).exports;
		this.x._initialize();
		this.core = this.x.bridge_core_new();
		this.ua = this.core && this.x.bridge_ua_new(this.core, 1);
		if (!this.ua)
			throw new Error('no memory for an agent');
	}

	/* ---- memory ---- */

	bytes() {
		if (!this.u8 || this.u8.buffer !== this.x.memory.buffer) {
			this.u8 = new Uint8Array(this.x.memory.buffer);
			this.u32 = new Uint32Array(this.x.memory.buffer);
		}
		return this.u8;
	}

	word(at) {
		this.bytes();
		return this.u32[at >>> 2];
	}

	setWord(at, value) {
		this.bytes();
		this.u32[at >>> 2] = value;
	}

	text(at, n) {
		return text8.decode(this.bytes().subarray(at, at + n));
	}

	/* To its NUL; null stays null. */
	string(at) {
		return at ? this.text(at, this.bytes().indexOf(0, at) - at) : null;
	}

	alloc(n) {
		const at = this.x.malloc(n);
		if (!at)
			throw new Error('no memory');
		return at;
	}

	/* A copy of ours, to be freed; `length` counts no NUL. */
	put(bytes) {
		const at = this.alloc(bytes.length + 1);
		this.bytes().set(bytes, at);
		this.u8[at + bytes.length] = 0;
		return at;
	}

	/* Calls sidetone_NAME; strings are copied in for its time, null is NULL. */
	call(name, ...args) {
		const kept = [];
		const values = args.map((a) => {
			if (typeof a !== 'string')
				return a === null || a === undefined ? 0 : a;
			kept.push(this.put(utf8.encode(a)));
			return kept[kept.length - 1];
		});
		try {
			return this.x['sidetone_' + name](...values);
		} finally {
			kept.forEach((at) => this.x.free(at));
		}
	}

	/* The same, for a function with a pointer to its result as the last argument. */
	make(name, ...args) {
		const at = this.alloc(4);
		this.setWord(at, 0);
		try {
			const error = this.call(name, ...args, at);
			return { error, handle: this.word(at) };
		} finally {
			this.x.free(at);
		}
	}

	/* A structure of words: numbers and strings; `fn` gets its address, `tail` are bytes behind them. */
	struct(words, tail, fn) {
		const kept = [], at = this.alloc(4 * words.length + 4);
		try {
			words.forEach((w, i) => {
				if (typeof w === 'string') {
					w = this.put(utf8.encode(w));
					kept.push(w);
				}
				this.setWord(at + 4 * i, w || 0);
			});
			this.setWord(at + 4 * words.length, tail);
			return fn(at);
		} finally {
			kept.forEach((k) => this.x.free(k));
			this.x.free(at);
		}
	}

	/* ---- what the machine asks for ---- */

	now() {
		return (clock() + this.ahead) * 1000;
	}

	host() {
		const guard = (fn, failed) => (...args) => {
			try {
				return fn(...args);
			} catch (e) {
				later(e);
				return failed;
			}
		};
		return {
			now: () => this.now(),
			wall: () => Date.now() * 1000,
			wake: (ms) => this.wake(ms),
			open: guard((uri, at) => this.open(this.string(uri), at), ERRNO.EINVAL),
			send: guard((conn, at, n) => (this.sockets.send(conn, this.text(at, n)) ? 0 : ERRNO.EIO), ERRNO.EIO),
			close: guard((conn) => this.sockets.close(conn)),
			hash: guard((which, at, n, out) => {
				const digest = hash(which, this.bytes().slice(at, at + n));
				this.bytes().set(digest, out);
				return 0;
			}, ERRNO.EINVAL),
			number: (at, n) => {
				const bytes = this.bytes(), end = bytes.indexOf(0, at);
				const found = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(this.text(at, Math.min(end - at, 400)));
				this.setWord(n, found ? found[0].length : 0);
				return found ? Number(found[0]) : 0;
			},
			/* The library's own log, of which a page sees what went wrong. */
			log: (at, n) => console.warn(this.text(at, n)),
			digits: (v, at, room) => {
				const { written } = utf8.encodeInto(String(v), this.bytes().subarray(at, at + room));
				return written;
			},
			event: guard((agent, at) => this.on_event(new CoreEvent(this, at))),
		};
	}

	wasi() {
		return {
			random_get: (at, n) => {
				for (let i = 0; i < n; i += 65536)
					crypto.getRandomValues(this.bytes().subarray(at + i, at + Math.min(n, i + 65536)));
				return 0;
			},
		};
	}

	/* A timer may be early, a little in a browser and a lot under a test's clock: the machine's
	 * time is then what was waited for, or it would ask for the rest again and again. */
	wake(ms) {
		if (this.timer !== null)
			clearTimeout(this.timer);
		this.timer = null;
		if (ms === Infinity || this.ended)
			return;
		ms = Math.min(Math.ceil(ms), 0x7fffffff);
		const due = this.now() / 1000 + ms;
		this.timer = setTimeout(() => {
			const early = due - this.now() / 1000;
			this.timer = null;
			if (early > 0)
				this.ahead += early;
			if (!this.ended)
				this.x.sidetone_core_run(this.core);
		}, ms);
	}

	open(uri, at) {
		this.sockets.open(uri, ++this.last_conn);
		this.setWord(at, this.last_conn);
		return 0;
	}

	opened(conn) {
		this.call('core_opened', this.core, conn, null);
	}

	received(conn, data) {
		const bytes = typeof data === 'string' ? utf8.encode(data) : new Uint8Array(data), at = this.put(bytes);
		try {
			this.x.sidetone_core_received(this.core, conn, at, bytes.length);
		} finally {
			this.x.free(at);
		}
	}

	closed(conn, code, reason) {
		this.call('core_closed', this.core, conn, code || 0, reason || null);
	}

	/* Nothing of it runs any more. */
	end() {
		this.ended = true;
		this.wake(Infinity);
	}
}

/* struct sidetone_event, to be read while it lasts: inside on_event only. */
class CoreEvent {
	constructor(core, at) {
		this.core = core;
		this.at = at;
	}

	field(n) { return this.core.word(this.at + 4 * n); }
	get type() { return this.field(0); }
	get request() { return this.field(2); }
	get incoming() { return this.field(3); }
	get session() { return this.field(4); }
	get other() { return this.field(5); }
	get subscription() { return this.field(6); }
	get publication() { return this.field(7); }
	get message() { return this.field(8); }
	get status() { return this.field(9) | 0; }
	get cause() { return this.core.string(this.field(10)); }
	get text() { return this.field(12) ? this.core.text(this.field(11), this.field(12)) : this.core.string(this.field(11)); }
}

/* Of no agent: for what is asked of the machine itself. */
const scratch = new Core(() => {}, {});

module.exports = { Core, ERRNO, heard, scratch };
