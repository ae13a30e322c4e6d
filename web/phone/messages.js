/* Messages: one conversation for each number, kept in this browser. */
import { $, el, button, diary, say, clock } from './dom.js';
import { refusal } from './words.js';

const KEPT = 200;	/* messages of one conversation */
const PEERS = 100;	/* conversations; the oldest go */
const ROOM = 5e5;	/* characters of all of them: a browser keeps about 5e6 */
const LONGEST = 2000;	/* characters of a message that came */
const LONGEST_NAME = 100, LONGEST_PEER = 250;

const last = (chat) => (chat.list.length ? chat.list[chat.list.length - 1].at : Infinity);

export class Messages {
	constructor() {
		this.peer = null;
		$('chat-new').addEventListener('submit', (e) => {
			e.preventDefault();
			const peer = $('chat-peer').value.trim();
			if (peer)
				this.open(peer, true);
			$('chat-peer').value = '';
		});
		$('chat-write').addEventListener('submit', (e) => {
			e.preventDefault();
			this.send($('chat-text').value);
		});
	}

	/* Another account has other conversations. */
	use(line) {
		this.line = line;
		this.key = `messages.${line.account}@${line.domain}`;
		const kept = diary.get(this.key, []);
		/* A Map: a peer may be called like a property of every object. */
		this.chats = new Map(kept instanceof Array ? kept : Object.entries(kept));
		for (const chat of this.chats.values())
			for (const m of chat.list)
				if (m.state === 'sending')
					m.state = 'Not known whether it arrived.';
		this.peer = null;
		$('chat').hidden = true;
		this.show();
		line.addEventListener('message', (e) => this.came(e.detail));
	}

	keep() {
		let room = ROOM, n = 0;
		for (const [peer, chat] of [...this.chats].sort(([, a], [, b]) => last(b) - last(a))) {
			chat.list = chat.list.slice(-KEPT);
			room -= chat.list.reduce((sum, m) => sum + m.text.length, 0);
			if ((++n > PEERS || room < 0) && peer !== this.peer)
				this.chats.delete(peer);
		}
		diary.set(this.key, [...this.chats]);
	}

	chat(peer) {
		if (!this.chats.has(peer))
			this.chats.set(peer, { list: [], unread: 0, name: '' });
		return this.chats.get(peer);
	}

	came({ peer, name, text, type, at }) {
		if (!/^text\/|^$/i.test(type || '') || peer.length > LONGEST_PEER)
			return;
		const chat = this.chat(peer), seen = this.peer === peer && !$('messages').hidden && !document.hidden;
		if (text.length > LONGEST)
			text = text.slice(0, LONGEST) + '…';
		name = (name || '').slice(0, LONGEST_NAME);
		chat.list.push({ mine: false, text, at });
		chat.name = name || chat.name;
		chat.unread += seen ? 0 : 1;
		this.keep();
		this.show();
		/* The open conversation is a log, which a screen reader reads by itself. */
		if (!seen)
			say(`Message of ${name || peer}: ${text}`);
	}

	send(text) {
		if (!text.trim() || !this.peer)
			return;
		const m = { mine: true, text, at: Date.now(), state: 'sending' };
		const done = (state) => {
			m.state = state;
			if (state)
				say(`Not delivered to ${this.peer}: ${state}`);
			this.keep();
			this.show();
		};
		this.chat(this.peer).list.push(m);
		$('chat-text').value = '';
		try {
			const target = this.line.target(this.peer);
			if (!target)
				throw new TypeError('this is no number and no address.');
			const sent = this.line.ua.message(target, text, { contentType: 'text/plain;charset=UTF-8' });
			sent.on('accepted', () => done(''));
			sent.on('failed', (response, cause) => done(refusal(response, cause)));
		} catch (e) {
			done(e.message);
		}
		this.keep();
		this.show();
	}

	open(peer, write) {
		this.peer = peer;
		this.chat(peer).unread = 0;
		this.keep();
		this.show();
		if (write)
			$('chat-text').focus();
	}

	/* ---- what is seen ---- */

	/* The panel is looked at now. */
	seen() {
		if (this.peer)
			this.open(this.peer, false);
	}

	show() {
		const peers = [...this.chats.keys()].sort((a, b) => last(this.chat(b)) - last(this.chat(a)));
		const unread = peers.reduce((n, p) => n + this.chat(p).unread, 0);
		$('unread').hidden = !unread;
		$('unread').textContent = unread ? `${unread} new` : '';
		this.showPeers(peers);
		$('chat').hidden = !this.peer;
		if (this.peer)
			this.showChat();
	}

	showPeers(peers) {
		const at = document.activeElement, focused = at && at.closest('#chats') ? at.dataset.peer : null;
		$('chats').replaceChildren(...peers.map((peer) => {
			const { name, unread } = this.chat(peer);
			const b = button(`${name ? `${name} (${peer})` : peer}${unread ? ` – ${unread} new` : ''}`, () => this.open(peer, true),
				{ 'aria-current': peer === this.peer ? 'true' : 'false' });
			b.dataset.peer = peer;
			return el('li', {}, b);
		}));
		if (focused)
			for (const b of $('chats').querySelectorAll('button'))
				if (b.dataset.peer === focused)
					b.focus();
	}

	/* Only what is new is added: a log that is written anew would be read anew. */
	showChat() {
		const log = $('chat-log'), { list, name } = this.chat(this.peer);
		if (log.dataset.peer !== this.peer) {
			log.replaceChildren();
			log.dataset.peer = this.peer;
		}
		$('chat-title').textContent = name ? `${name} (${this.peer})` : this.peer;
		while (log.children.length > list.length)
			log.lastChild.remove();
		list.forEach((m, i) => {
			const more = clock(m.at) + (m.mine ? (m.state === 'sending' ? ' · sending…' : m.state ? ` · not delivered: ${m.state}` : ' · sent') : '');
			if (!log.children[i])
				log.append(el('li', { class: m.mine ? 'mine' : 'theirs' }, el('span', { class: 'unseen' }, m.mine ? 'You: ' : 'They: '),
					el('span', { class: 'text' }), el('small', {})));
			log.children[i].querySelector('.text').textContent = m.text;
			log.children[i].querySelector('small').textContent = more;
		});
		log.scrollTop = log.scrollHeight;
	}
}
