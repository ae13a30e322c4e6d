/* SIP.LoggerFactory (ua.log): who may hear what. Lines are "DATE | category[ | label] | text". */
'use strict';

const LEVELS = { error: 0, warn: 1, log: 2, debug: 3 };
const OWN = 'sip.loggerfactory';

class Logger {
	constructor(logger, category, label) {
		this.logger = logger;
		this.category = category;
		this.label = label;
	}
}

function isLevel(value) {
	return (typeof value === 'number' && value >= 0) || (typeof value === 'string' && /^[0-9]+$/.test(value));
}

class LoggerFactory {
	constructor() {
		const state = { builtinEnabled: true, level: LEVELS.log, connector: null };
		const refuse = (name, value) => this.error(OWN, null, `invalid "${name}" parameter value: ${JSON.stringify(value)}`);
		this.loggers = {};
		this.getLogger(OWN);
		/* A wrong value is told and changes nothing: logging never stops an application. */
		const define = (name, take) => Object.defineProperty(this, name, {
			get: () => state[name],
			set(value) {
				const taken = take(value);
				if (taken === undefined)
					refuse(name, value);
				else
					state[name] = taken;
			},
		});
		define('builtinEnabled', (value) => typeof value === 'boolean' ? value : undefined);
		define('level', (value) => Object.prototype.hasOwnProperty.call(LEVELS, value) ? LEVELS[value]
			: isLevel(value) ? Math.min(Number(value), LEVELS.debug) : undefined);
		define('connector', (value) => value === null || value === undefined || value === '' ? null
			: typeof value === 'function' ? value : undefined);
	}

	/* `target`: what is called with the line, one of the console's functions. */
	print(target, category, label, content) {
		const head = [new Date(), category];
		if (label)
			head.push(label);
		const lead = head.join(' | ') + ' | ';
		if (typeof content === 'string')
			target.call(console, lead + content);
		else
			target.call(console, lead, content);
	}

	/* The label tells two of a kind apart, which is worth its room only when debugging. */
	getLogger(category, label) {
		if (label && this.level === LEVELS.debug)
			return new Logger(this, category, label);
		if (!this.loggers[category])
			this.loggers[category] = new Logger(this, category);
		return this.loggers[category];
	}
}

for (const name of Object.keys(LEVELS)) {
	Logger.prototype[name] = function (content) {
		this.logger[name](this.category, this.label, content);
	};
	LoggerFactory.prototype[name] = function (category, label, content) {
		if (this.level < LEVELS[name])
			return;
		if (this.builtinEnabled)
			this.print(console[name] || console.log, category, label, content);
		if (this.connector)
			this.connector(name, category, label, content);
	};
}

module.exports = LoggerFactory;
