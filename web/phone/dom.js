/* What every part of the page uses: elements, what is kept in the browser, and what is said aloud. */

export const $ = (id) => document.getElementById(id);

/* el('button', {type: 'button', onclick: f, 'aria-label': 'x'}, 'text', child): properties that
 * begin with on are listeners, those with a dash and class attributes, others properties. */
export function el(name, props = {}, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(props)) {
		if (value === undefined || value === null)
			continue;
		if (key.startsWith('on'))
			node.addEventListener(key.slice(2), value);
		else if (key.includes('-') || key === 'class' || key === 'role' || key === 'for')
			node.setAttribute(key, value);
		else
			node[key] = value;
	}
	node.append(...children.filter((c) => c !== null && c !== undefined));
	return node;
}

export const button = (text, onclick, props = {}) => el('button', { type: 'button', onclick, ...props }, text);

/* Sets the text only when it is another, so that a screen reader does not say it again. */
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

/* ---- what is kept in this browser; a browser that keeps nothing is one where nothing was kept ---- */

const PREFIX = 'sidetone-phone.';

export const store = {
	get(key, fallback) {
		try {
			const text = localStorage.getItem(PREFIX + key);
			return text === null ? fallback : JSON.parse(text);
		} catch (e) {
			return fallback;
		}
	},
	set(key, value) {
		try {
			localStorage.setItem(PREFIX + key, JSON.stringify(value));
		} catch (e) {
			console.warn('not kept:', key, e);
		}
	},
	remove(key) {
		try {
			localStorage.removeItem(PREFIX + key);
		} catch (e) { /* it was not kept either */ }
	},
};

/* What was said and who was called: kept in this browser when its user is to be remembered, otherwise only
 * until he logs out. */
export const diary = {
	lasting: false,
	memory: new Map(),
	get(key, fallback) {
		if (this.lasting)
			return store.get(key, fallback);
		store.remove(key);
		return this.memory.has(key) ? this.memory.get(key) : fallback;
	},
	set(key, value) {
		if (this.lasting)
			store.set(key, value);
		else
			this.memory.set(key, value);
	},
	begin(lasting) {
		this.lasting = lasting;
		this.memory.clear();
	},
};

/* ---- what is said ---- */

let clearing = 0;

/* To a screen reader, when it has finished what it is saying. */
export function say(text) {
	const node = $('said');
	node.append(el('p', {}, text));
	clearTimeout(clearing);
	clearing = setTimeout(() => { node.textContent = ''; }, 8000);
}

/* To everybody, at once: something does not work. */
export function trouble(text) {
	$('trouble').hidden = false;
	$('trouble-text').textContent = text;
}

export function noTrouble() {
	$('trouble').hidden = true;
	$('trouble-text').textContent = '';
}

export const clock = (at) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

export function duration(seconds) {
	const two = (n) => String(n).padStart(2, '0');
	const h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60, s = Math.floor(seconds) % 60;
	return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
