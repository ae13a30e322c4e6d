/* Extensions that are watched: a subscription each, to dialog (RFC 4235) or, when the server has none, to
 * presence (RFC 3856). A press on a lamp calls it. */
import { $, el, diary } from './dom.js';

const WORDS = { unknown: 'not known', free: 'free', ringing: 'rings', busy: 'busy', gone: 'not there' };

/* The state of one NOTIFY; null: it says none. */
export function stateOf(type, body) {
	if (!body || !/xml/i.test(type || ''))
		return null;
	const doc = new DOMParser().parseFromString(body, 'application/xml');
	const all = (name) => [...doc.getElementsByTagNameNS('*', name)];
	if (doc.documentElement.localName === 'dialog-info') {
		const states = all('state').filter((s) => s.parentNode.localName === 'dialog').map((s) => s.textContent.trim());
		if (states.includes('confirmed'))
			return 'busy';
		return states.some((s) => ['early', 'proceeding', 'trying'].includes(s)) ? 'ringing' : 'free';
	}
	const activities = ['on-the-phone', 'busy', 'away'].find((name) => all(name).length);
	const note = all('note').map((n) => n.textContent).join(' ');
	if (activities === 'on-the-phone' || activities === 'busy' || /on the phone/i.test(note))
		return 'busy';
	if (/ringing/i.test(note))
		return 'ringing';
	const basic = all('basic')[0];
	return !basic ? null : basic.textContent.trim() === 'open' ? 'free' : 'gone';
}

export class Lamps {
	/* `dial(number)` is what a press does. */
	constructor(dial) {
		Object.assign(this, { dial, watched: new Map() });
		$('watched').addEventListener('change', (e) => this.set(e.target.value));
	}

	use(line) {
		this.close();
		this.line = line;
		this.key = `watched.${line.account}@${line.domain}`;
		$('watched').value = diary.get(this.key, '');
		this.follow();
		/* Not before it is known that the account is let in. */
		line.addEventListener('state', () => { if (line.state === 'registered') this.follow(); });
	}

	set(text) {
		diary.set(this.key, text);
		this.follow();
	}

	get wanted() {
		return [...new Set($('watched').value.split(/[\s,;]+/).filter(Boolean))];
	}

	follow() {
		const wanted = this.wanted;
		for (const number of [...this.watched.keys()].filter((n) => !wanted.includes(n)))
			this.drop(number);
		for (const number of wanted)
			if (!this.watched.has(number))
				this.add(number);
		for (const it of this.watched.values())
			if (!it.subscription && this.line.state === 'registered')
				this.subscribe(it, 'dialog');
		$('lamps-none').hidden = wanted.length > 0;
	}

	add(number) {
		const text = el('small', {}), b = el('button', { type: 'button', onclick: () => this.dial(number) },
			el('span', { class: 'lamp', 'aria-hidden': 'true' }), el('span', {}, number, text));
		const it = { number, button: b, text, node: el('li', {}, b), subscription: null };
		this.watched.set(number, it);
		$('lamps').append(it.node);
		this.show(it, 'unknown');
	}

	drop(number) {
		const it = this.watched.get(number);
		this.watched.delete(number);
		it.node.remove();
		if (it.subscription)
			it.subscription.close();
	}

	subscribe(it, event) {
		const target = this.line.target(it.number);
		if (!target)
			return;
		const type = event === 'dialog' ? 'application/dialog-info+xml' : 'application/pidf+xml';
		const s = this.line.ua.subscribe(target, event, { expires: 600, extraHeaders: [`Accept: ${type}`] });
		const mine = () => it.subscription === s;
		it.subscription = s;
		s.on('notify', ({ request }) => {
			const state = mine() && stateOf(request.getHeader('Content-Type'), request.body);
			if (state)
				this.show(it, state);
		});
		s.on('failed', (response) => {
			if (!mine())
				return;
			it.subscription = null;
			if (event === 'dialog' && response && response.status_code === 489)
				this.subscribe(it, 'presence');
			else
				this.show(it, 'unknown');
		});
		s.on('terminated', () => {
			if (!mine())
				return;
			it.subscription = null;
			this.show(it, 'unknown');
		});
	}

	show(it, state) {
		it.node.dataset.state = state;
		it.text.textContent = WORDS[state];
		it.button.setAttribute('aria-label', `Call ${it.number}: ${WORDS[state]}`);
	}

	close() {
		for (const number of [...this.watched.keys()])
			this.drop(number);
	}
}
