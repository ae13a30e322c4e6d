/* The calls before, kept in this browser. */
import { $, el, button, diary, duration } from './dom.js';

const KEPT = 100;

export class History {
	constructor(dial) {
		this.dial = dial;
		$('history-clear').addEventListener('click', () => {
			this.list = [];
			this.keep();
			this.show();
		});
	}

	use(line) {
		this.key = `history.${line.account}@${line.domain}`;
		this.list = diary.get(this.key, []);
		this.show();
	}

	keep() {
		this.list = this.list.slice(0, KEPT);
		diary.set(this.key, this.list);
	}

	add(call) {
		this.list.unshift({ number: call.number, name: call.name, incoming: call.incoming, at: call.began, missed: call.missed,
			seconds: call.answered ? Math.round((call.ended - call.answered) / 1000) : null, why: call.why, seen: !$('history').hidden });
		this.keep();
		this.show();
	}

	seen() {
		for (const it of this.list)
			it.seen = true;
		this.keep();
		this.show();
	}

	show() {
		const missed = this.list.filter((it) => it.missed && !it.seen).length;
		$('missed').hidden = !missed;
		$('missed').textContent = missed ? `${missed} missed` : '';
		$('history-none').hidden = this.list.length > 0;
		$('history-clear').hidden = !this.list.length;
		$('history-list').replaceChildren(...this.list.map((it) => {
			const kind = it.missed ? 'Missed' : it.incoming ? 'Came in' : 'Called';
			const how = it.seconds === null ? it.why || 'not answered' : duration(it.seconds);
			const label = it.name ? `${it.name} (${it.number})` : it.number;
			return el('li', { class: it.missed ? 'is-missed' : '' }, el('span', { class: 'what' }, el('strong', {}, label),
				el('small', {}, `${kind} · ${new Date(it.at).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })} · ${how}`)),
				button('Call', () => this.dial(it.number), { 'aria-label': `Call ${label}` }));
		}));
	}
}
