/* The SIP messages as they passed, newest last: to the server from the left, from it from the right. */
import { $, el, say } from './dom.js';

const KEPT = 500;

/* A digest can be guessed at by whoever gets the trace to read. */
const withoutSecrets = (text) => text.replace(/^((?:Proxy-)?Authorization:.*\bresponse=")[0-9a-f]+"/gim, '$1…"');

export class Ladder {
	constructor() {
		this.list = [];
		$('trace-clear').addEventListener('click', () => {
			this.list = [];
			$('ladder').replaceChildren();
		});
		$('trace-copy').addEventListener('click', () => this.copy());
		$('trace-filter').addEventListener('input', () => { for (const m of this.list) this.filter(m); });
	}

	use(line) {
		line.addEventListener('trace', (e) => this.add(e.detail));
	}

	add({ sent, text, at }) {
		const shown = withoutSecrets(text), [first] = shown.split('\r\n'), response = /^SIP\/2\.0 (\d+)/.exec(first);
		const cseq = /^CSeq:\s*\d+\s+(\S+)/im.exec(shown), title = response ? `${first.slice(8)} (${cseq ? cseq[1] : '?'})` : first.replace(/ SIP\/2\.0$/, '');
		const time = new Date(at).toLocaleTimeString([], { hour12: false }) + '.' + String(at % 1000).padStart(3, '0');
		const m = { sent, text: shown, time, node: el('li', { class: `${sent ? 'to' : 'from'}-server${response && response[1] >= 300 ? ' is-error' : ''}` },
			el('details', {}, el('summary', {}, el('time', {}, time), el('span', { class: 'unseen' }, sent ? 'sent' : 'received'),
				el('span', { class: 'arrow', 'aria-hidden': 'true' }, sent ? '→' : '←'), el('span', { class: 'what' }, title)),
			el('pre', { tabIndex: 0 }, shown))) };
		const list = $('ladder'), atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
		this.list.push(m);
		list.append(m.node);
		this.filter(m);
		if (this.list.length > KEPT)
			this.list.shift().node.remove();
		if (atEnd)
			list.scrollTop = list.scrollHeight;
	}

	filter(m) {
		const wanted = $('trace-filter').value.toLowerCase();
		m.node.hidden = Boolean(wanted) && !m.text.toLowerCase().includes(wanted);
	}

	async copy() {
		const text = this.list.filter((m) => !m.node.hidden).map((m) => `${m.time} ${m.sent ? '>>>' : '<<<'}\n${m.text}\n`).join('\n');
		try {
			await navigator.clipboard.writeText(text);
			say('Copied');
		} catch (e) {
			say('The browser does not let this page copy.');
		}
	}
}
