/* What one run of a scene came to, in words that two libraries can share: events with their arguments,
 * and messages without what is drawn at random or names the program. */
'use strict';

const SILENT = new Set(['newTransaction', 'transactionDestroyed', 'newListener', 'removeListener', 'SessionDescriptionHandler-created',
	'peerConnection-created', 'trackAdded', 'directionChanged', 'transportCreated']);

function kindOf(SIP, o) {
	if (o instanceof SIP.UA)
		return 'ua';
	if (o.registrar)
		return 'register';
	if (o.tone !== undefined && o.owner)
		return 'dtmf';
	if (o.sessionDescriptionHandlerFactory)
		return 'call';
	if (o.applicant)
		return 'refer';
	if (o.referTo !== undefined || o.method === 'REFER')
		return 'referred';
	if (o.event !== undefined && o.state !== undefined)
		return 'subscription';
	return o.request && o.method ? 'request' : null;
}

class Record {
	constructor(SIP) {
		this.SIP = SIP;
		this.events = [];
		this.names = new Map();
		const record = this, proto = SIP.EventEmitter.prototype, { emit } = proto;
		proto.emit = function (name, ...args) {
			record.event(this, name, args);
			return emit.apply(this, [name, ...args]);
		};
	}

	/* "call", "call 2": in the order of appearance. */
	name(o) {
		if (!this.names.has(o)) {
			const kind = kindOf(this.SIP, o);
			const before = [...this.names.values()].filter((n) => n && n.split(' ')[0] === kind).length;
			this.names.set(o, kind && (before ? `${kind} ${before + 1}` : kind));
		}
		return this.names.get(o);
	}

	event(o, name, args) {
		if (SILENT.has(name) || !this.name(o))
			return;
		while (args.length && args[args.length - 1] === undefined)
			args.pop();
		this.events.push(`${this.name(o)}: ${name}(${args.map((a) => this.show(a)).join(', ')})`);
	}

	show(a) {
		const { SIP } = this;
		if (typeof a === 'string')
			return /^SIP\/2\.0 /.test(a) ? `text of ${a.slice(8, 11)}` : JSON.stringify(a);
		if (a === null || a === undefined || typeof a !== 'object')
			return String(a);
		if (a instanceof SIP.IncomingResponse)
			return `response ${a.status_code} to ${a.method}`;
		if (a instanceof SIP.IncomingRequest)
			return `their ${a.method}`;
		if (a instanceof SIP.OutgoingRequest)
			return `our ${a.method}`;
		if (a.id && a.id.call_id)
			return 'dialog';
		if (a instanceof Error || (a.name && a.message))
			return `${a.name}`;
		if (this.name(a))
			return this.name(a);
		return `{${Object.keys(a).filter((k) => a[k] !== undefined).sort().map((k) => k + (k === 'transport' ? '' : ': ' + this.show(a[k]))).join(', ')}}`;
	}
}

/* ---- messages ---- */

/* What says nothing of behaviour, or is written as the reference has it "ours:". */
const UNSEEN = new Set(['via', 'max-forwards', 'call-id', 'user-agent', 'server', 'content-length', 'supported', 'allow', 'accept',
	'session-expires', 'min-se', 'date', 'record-route', 'rseq', 'rack', 'retry-after']);
const KEEP_TAGS = ['server', 'caller', 'fork2'];

function plain(value) {
	return value.replace(/sip:[a-z0-9]{8}@[a-z0-9]{12}\.invalid/g, 'sip:ME').replace(/anonymous\.[a-z0-9]{6}/g, 'anonymous.X')
		.replace(/tag(=|%3D)([^;>,%]+)/g, (all, eq, tag) => `tag${eq}${KEEP_TAGS.includes(tag) ? tag : 'T'}`)
		.replace(/urn:uuid:[-0-9a-f]{36}/g, 'urn:uuid:U').replace(/Replaces=[^%;]+/g, 'Replaces=ID').replace(/;expires=0\b/, ';expires=0');
}

/* The fields of an Authorization, but for what is drawn at random and what follows from it. */
function digest(value) {
	return value.replace(/^Digest\s+/, '').split(/,\s*/).map((f) => f.replace(/^(response|cnonce)=.*/, '$1')).sort().join(', ');
}

function message(m) {
	if (m.keepAlive)
		return 'keep-alive';
	const lines = m.headers.filter(([n]) => !UNSEEN.has(n.toLowerCase())).map(([n, v]) => {
		const name = n.toLowerCase();
		if (name === 'cseq')
			return `cseq: ${m.cseqMethod}`;
		/* RFC 3261 22.1 wants credentials in the ACK of a challenged INVITE too; SIP.js has none there, and
		 * leaves the name out of From. */
		if (m.method === 'ACK' && (name.endsWith('authorization') || name === 'from'))
			return '';
		/* RFC 3261 12.1.1: whatever makes a dialog has one; SIP.js only its first 180. */
		if (name === 'contact' && m.status > 100 && m.status < 200)
			return '';
		/* Said twice, as older registrars want it. */
		if (name === 'expires' && m.method === 'REGISTER' && m.get('Contact') !== '*')
			return '';
		if (name === 'p-preferred-identity')
			return `${name}: ${plain(v).replace(/[<>]/g, '')}`;
		if (name === 'authorization' || name === 'proxy-authorization')
			return `${name}: ${digest(v)}`;
		return `${name}: ${plain(v).replace(/\s*([;,=])\s*/g, '$1')}`;
	}).filter(Boolean).sort();
	return [plain(m.first)].concat(lines, m.body ? ['', m.body.trimEnd()] : []).join('\n');
}

module.exports = { Record, message };
