/* The calls, as they are seen and worked: one list item each, changed in place so that the focus stays. */
import { $, el, button, setText, duration, say, trouble } from './dom.js';
import { fillPad } from './pad.js';

const STATES = { calling: 'Calling…', ringing: 'Ringing…', incoming: 'Calls you', answering: 'Answering…', up: 'Talking', ended: 'Ended' };
const SHOWN_AFTER = 4000;	/* [ms] an ended call stays to be read */

/* What is said of a call beside its name. */
function stateText(call) {
	if (call.isOver)
		return `Ended${call.answered ? ` after ${duration((call.ended - call.answered) / 1000)}` : ''}. ${call.why}`.trim();
	if (!call.isUp)
		return STATES[call.state] + (call.state === 'incoming' && call.offered ? ' with video' : '');
	const parts = [];
	if (call.held)
		parts.push('On hold');
	if (call.heldByThem)
		parts.push('They have put you on hold');
	if (call.muted)
		parts.push('Muted');
	return parts.join(' · ') || STATES.up;
}

class View {
	constructor(calls, call) {
		Object.assign(this, { calls, call, title: `call-${call.id}` });
		this.build();
		this.update();
	}

	/* ---- made once ---- */

	build() {
		const { call } = this;
		this.name = el('h3', { id: this.title });
		this.state = el('span', {});
		this.time = el('span', { class: 'time' });
		this.audio = el('audio', { autoplay: true });
		this.acts = el('div', { class: 'acts', role: 'group', 'aria-labelledby': this.title });
		this.buildActs();
		this.buildPictures();
		this.buildLevels();
		this.pad = el('div', { class: 'pad', role: 'group', 'aria-label': 'Digits of the call', hidden: true });
		fillPad(this.pad, (d) => this.calls.digit(call, d));
		this.buildTransfer();
		this.node = el('li', { 'aria-labelledby': this.title }, this.name,
			el('p', { class: 'state' }, this.state, ' ', this.time), this.pictures, this.acts, this.pad, this.transfer, this.levels, this.audio);
	}

	act(name, text, onclick, props) {
		this[name] = button(text, onclick, { 'aria-label': `${text}: ${this.call.label}`, ...props });
		this.acts.append(this[name]);
	}

	buildActs() {
		const { call, calls } = this;
		this.act('answer', 'Answer', () => calls.answer(call, false), { class: 'main', 'aria-keyshortcuts': 'Alt+Shift+A' });
		this.act('answerVideo', 'Answer with video', () => calls.answer(call, true));
		this.act('refuse', 'Refuse', () => call.end(), { class: 'bad', 'aria-keyshortcuts': 'Alt+Shift+E' });
		this.act('hang', 'End', () => call.end(), { class: 'bad', 'aria-keyshortcuts': 'Alt+Shift+E' });
		this.act('holding', 'Hold', () => calls.hold(call, !call.held), { 'aria-pressed': 'false', 'aria-keyshortcuts': 'Alt+Shift+H' });
		this.act('muting', 'Mute', () => call.mute(!call.muted), { 'aria-pressed': 'false', 'aria-keyshortcuts': 'Alt+Shift+M' });
		this.act('filming', 'Video', () => call.setVideo(!call.video), { 'aria-pressed': 'false' });
		this.act('keys', 'Digits', () => this.unfold('pad', 'keys'), { 'aria-expanded': 'false' });
		this.act('refer', 'Transfer', () => this.unfold('transfer', 'refer'), { 'aria-expanded': 'false' });
	}

	unfold(part, by) {
		this[part].hidden = !this[part].hidden;
		this[by].setAttribute('aria-expanded', String(!this[part].hidden));
		if (!this[part].hidden)
			this[part].querySelector('input, button').focus();
	}

	buildPictures() {
		this.theirs = el('video', { class: 'theirs', autoplay: true, playsInline: true, muted: true, 'aria-label': `Picture of ${this.call.label}` });
		this.ours = el('video', { class: 'ours', autoplay: true, playsInline: true, muted: true, 'aria-label': 'Your own picture' });
		this.pictures = el('div', { class: 'pictures', hidden: true }, this.theirs, this.ours);
	}

	buildLevels() {
		const meter = (id, text) => [el('span', { id: `${this.title}-${id}` }, text),
			this[id] = el('meter', { min: 0, max: 1, value: 0, 'aria-labelledby': `${this.title}-${id}` })];
		this.levels = el('div', { class: 'levels', hidden: true }, ...meter('you', 'You'), ...meter('them', 'They'));
	}

	buildTransfer() {
		const { call, calls } = this, id = `${this.title}-to`;
		this.to = el('input', { id, autocomplete: 'off', spellcheck: false, placeholder: 'Number or address' });
		this.others = el('div', { class: 'row' });
		const blind = (e) => {
			e.preventDefault();
			calls.transfer(call, this.to.value);
		};
		this.transfer = el('form', { hidden: true, 'aria-label': `Transfer of ${call.label}`, onsubmit: blind },
			el('label', { htmlFor: id }, 'Transfer to'),
			el('div', { class: 'row' }, this.to, el('button', { type: 'submit' }, 'Transfer now'),
				button('Ask first', () => calls.consult(call, this.to.value))),
			this.others);
	}

	/* ---- with each change ---- */

	update() {
		const { call } = this, { isUp, isOver } = call;
		this.node.dataset.state = call.state;
		setText(this.name, call.label);
		setText(this.state, [stateText(call), isOver ? '' : call.transfer].filter(Boolean).join(' · '));
		this.tick();
		const show = (name, on) => { this[name].hidden = !on; };
		show('answer', call.state === 'incoming');
		show('answerVideo', call.state === 'incoming' && call.offered);
		show('refuse', call.state === 'incoming');
		show('hang', !isOver && call.state !== 'incoming');
		for (const name of ['holding', 'muting', 'filming', 'keys', 'refer', 'levels'])
			show(name, isUp);
		if (!isUp)
			this.pad.hidden = this.transfer.hidden = true;
		this.press('holding', call.held, 'Hold', 'Resume');
		this.press('muting', call.muted, 'Mute', 'Unmute');
		this.press('filming', call.video, 'Video', 'Video off');
		this.updateMedia();
		if (isUp)
			this.updateOthers();
	}

	/* The name says what a press does now. */
	press(name, on, off_text, on_text) {
		const text = on ? on_text : off_text;
		setText(this[name], text);
		this[name].setAttribute('aria-pressed', String(on));
		this[name].setAttribute('aria-label', `${text}: ${this.call.label}`);
	}

	updateMedia() {
		const { call } = this, pictures = call.remote.getVideoTracks().some((t) => t.readyState === 'live' && !t.muted);
		const show = (node, stream) => {
			if (node.srcObject !== stream) {
				node.srcObject = stream;
				if (stream)
					node.play().catch(() => {});
			}
		};
		const local = call.video && call.local && call.local.getVideoTracks().length ? call.local : null;
		show(this.audio, call.isOver ? null : call.remote);
		show(this.theirs, call.isOver || !pictures ? null : call.remote);
		show(this.ours, call.isOver ? null : local);
		this.pictures.hidden = call.isOver || !(pictures || local);
		this.calls.devices.sink(this.audio);
	}

	updateOthers() {
		const others = this.calls.list.filter((c) => c !== this.call && c.isUp);
		const key = others.map((c) => c.id).join();
		if (this.others.dataset.key === key)
			return;
		this.others.dataset.key = key;
		this.others.replaceChildren(...others.map((c) => button(`Connect with ${c.label}`, () => this.call.refer(c))));
	}

	tick() {
		const { call } = this;
		setText(this.time, call.isUp ? duration((Date.now() - call.answered) / 1000) : '');
	}

	meter(levels) {
		this.you.value = levels.of(this.call.local, `you-${this.call.id}`);
		this.them.value = levels.of(this.call.remote, `them-${this.call.id}`);
	}
}

export class Calls extends EventTarget {
	constructor(devices) {
		super();
		Object.assign(this, { devices, list: [], views: new Map() });
		setInterval(() => this.tick(), 1000);
		setInterval(() => this.meter(), 150);
	}

	add(call) {
		this.list.push(call);
		const view = new View(this, call);
		this.views.set(call, view);
		$('calls').prepend(view.node);
		call.addEventListener('change', () => this.update());
		call.addEventListener('trouble', (e) => trouble(e.detail));
		call.addEventListener('said', (e) => say(e.detail));
		call.addEventListener('over', () => this.over(call));
		if (!call.incoming)
			this.holdOthers(call);
		else
			this.announce(call, view);
		this.update();
	}

	/* Whoever is in the middle of typing keeps the focus. */
	announce(call, view) {
		const at = document.activeElement;
		say(`${call.label} calls you${call.offered ? ' with video' : ''}. Answer with Alt, Shift and A.`);
		if (!at || at === document.body || at.closest('#pad'))
			view.answer.focus();
	}

	over(call) {
		const view = this.views.get(call), had = view.node.contains(document.activeElement);
		say(`${call.label}: ${stateText(call)}`);
		this.list = this.list.filter((c) => c !== call);
		this.devices.forget(`you-${call.id}`, `them-${call.id}`);
		this.dispatchEvent(new CustomEvent('over', { detail: call }));
		this.update();
		if (had)
			$('number').focus();
		setTimeout(() => {
			view.node.remove();
			this.views.delete(call);
			this.update();
		}, SHOWN_AFTER);
	}

	/* ---- what concerns several ---- */

	holdOthers(call) {
		for (const other of this.list)
			if (other !== call && other.isUp && !other.held)
				other.hold(true);
	}

	answer(call, video) {
		this.holdOthers(call);
		call.answer(video);
	}

	hold(call, on) {
		if (!on)
			this.holdOthers(call);
		call.hold(on);
	}

	digit(call, d) {
		call.digit(d);
		this.devices.playDigit(d);
	}

	transfer(call, to) {
		if (to.trim())
			this.withTarget(to, (target) => call.refer(target));
	}

	withTarget(text, act) {
		const target = this.line && this.line.target(text);
		if (target)
			act(target.toString());
		else
			trouble(`“${text}” is no number and no address.`);
	}

	/* The other one is called; the button that connects the two comes when it answers. */
	consult(call, to) {
		if (!to.trim())
			return;
		call.hold(true);
		this.dispatchEvent(new CustomEvent('dial', { detail: to }));
		say(`When they answer, press Connect in the call with ${call.label}.`);
	}

	/* The one that keys of the keyboard are for. */
	current() {
		return this.list.find((c) => c.state === 'incoming') || this.list.find((c) => c.isUp && !c.held) ||
			this.list.find((c) => !c.isUp) || this.list[0] || null;
	}

	talking() {
		return this.list.find((c) => c.isUp && !c.held) || null;
	}

	/* ---- what is seen ---- */

	update() {
		for (const view of this.views.values())
			view.update();
		$('calls-none').hidden = this.views.size > 0;
		const ringing = this.list.find((c) => c.state === 'incoming');
		document.title = ringing ? `☎ ${ringing.label}` : this.list.length ? `● ${this.list[0].label}` : 'Phone';
		this.devices.ring(ringing ? (this.talking() ? 'knock' : 'ring') : this.list.some((c) => c.state === 'ringing' && !this.hasEarlySound(c)) ? 'back' : null);
	}

	hasEarlySound(call) {
		return call.remote.getAudioTracks().some((t) => !t.muted);
	}

	tick() {
		for (const view of this.views.values())
			view.tick();
	}

	meter() {
		for (const [call, view] of this.views)
			if (call.isUp && !document.hidden)
				view.meter(this.devices);
	}
}
