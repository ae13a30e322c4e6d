/* EventEmitter of SIP.js 0.9: Node's of its time, and off(). A plain constructor function, because
 * applications call it on objects of their own: SIP.EventEmitter.call(this). */
'use strict';

const DEFAULT_MAX_LISTENERS = 10;

function checkListener(listener) {
	if (typeof listener !== 'function')
		throw new TypeError('listener must be a function');
}

/* The table of one emitter. It is made late: an object that only inherits has none of its own, and
 * must not write into its prototype's. */
function tableOf(emitter) {
	if (!Object.prototype.hasOwnProperty.call(emitter, '_events') || !emitter._events)
		Object.defineProperty(emitter, '_events', { value: Object.create(null), writable: true, configurable: true });
	return emitter._events;
}

function warnOfMany(emitter, name, list) {
	const max = emitter._maxListeners === undefined ? DEFAULT_MAX_LISTENERS : emitter._maxListeners;
	if (list.warned || max === 0 || list.length <= max)
		return;
	list.warned = true;
	console.error(`possible EventEmitter memory leak detected: ${list.length} listeners of "${String(name)}". ` +
		'Use emitter.setMaxListeners() to increase the limit.');
}

function throwUnheard(error) {
	if (error instanceof Error)
		throw error;
	const unheard = new Error(`Uncaught, unspecified "error" event. (${error})`);
	unheard.context = error;
	throw unheard;
}

function EventEmitter() {
	tableOf(this);
}

const methods = {
	setMaxListeners(n) {
		if (typeof n !== 'number' || n < 0 || isNaN(n))
			throw new TypeError('n must be a positive number');
		Object.defineProperty(this, '_maxListeners', { value: n, writable: true, configurable: true });
		return this;
	},

	/* True when somebody listened. Who removes a listener meanwhile does not change this round. */
	emit(name, ...args) {
		const list = tableOf(this)[name];
		if (!list || list.length === 0) {
			if (name === 'error')
				throwUnheard(args[0]);
			return false;
		}
		for (const listener of list.slice())
			listener.apply(this, args);
		return true;
	},

	on(name, listener) {
		checkListener(listener);
		const table = tableOf(this);
		if (table.newListener)
			this.emit('newListener', name, listener.listener || listener);
		if (!table[name])
			table[name] = [];
		table[name].push(listener);
		warnOfMany(this, name, table[name]);
		return this;
	},

	once(name, listener) {
		checkListener(listener);
		const emitter = this;
		let fired = false;
		function first(...args) {
			emitter.removeListener(name, first);
			if (!fired) {
				fired = true;
				listener.apply(this, args);
			}
		}
		first.listener = listener;
		return this.on(name, first);
	},

	/* The one that was added last, when it is there more than once. */
	removeListener(name, listener) {
		checkListener(listener);
		const table = tableOf(this), list = table[name];
		if (!list)
			return this;
		for (let i = list.length - 1; i >= 0; i--) {
			if (list[i] !== listener && list[i].listener !== listener)
				continue;
			list.splice(i, 1);
			if (list.length === 0)
				delete table[name];
			if (table.removeListener)
				this.emit('removeListener', name, listener);
			break;
		}
		return this;
	},

	removeAllListeners(...names) {
		const table = tableOf(this);
		if (names.length === 0) {
			/* Whoever watches the removals hears of each, and goes last. */
			for (const name of Object.keys(table).filter((n) => n !== 'removeListener'))
				this.removeAllListeners(name);
			delete table.removeListener;
			return this;
		}
		if (!table.removeListener)
			delete table[names[0]];
		else
			for (const listener of (table[names[0]] || []).slice().reverse())
				this.removeListener(names[0], listener);
		return this;
	},

	listeners(name) {
		return (tableOf(this)[name] || []).slice();
	},

	listenerCount(name) {
		return (tableOf(this)[name] || []).length;
	},
};
methods.addListener = methods.on;
methods.off = methods.removeListener;

Object.assign(EventEmitter.prototype, methods);

module.exports = EventEmitter;
