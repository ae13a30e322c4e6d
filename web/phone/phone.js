/* A phone on a page: logging in, dialling, keys, and the tabs. What it does is in the files beside it; SIP is
 * sidetone-ua.js. */
import { $, store, diary, say, trouble, noTrouble } from './dom.js';
import { Line, hostOf } from './line.js';
import { Call } from './call.js';
import { Calls } from './calls.js';
import { Devices } from './devices.js';
import { Messages } from './messages.js';
import { Lamps } from './lamps.js';
import { History } from './history.js';
import { Ladder } from './ladder.js';
import { fillPad, DIGITS } from './pad.js';

const devices = new Devices(), calls = new Calls(devices), messages = new Messages(), ladder = new Ladder();
const lamps = new Lamps((number) => dial(number, false)), history = new History((number) => dial(number, false));
const TABS = ['messages', 'history', 'trace', 'settings'];
let line = null;

/* ---- logging in ---- */

/* The page's own server: /phone/ becomes /ws behind whatever prefix there is. */
function ownServer() {
	const path = location.pathname.replace(/\/phone\/.*$/, '') + '/ws';
	return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
}

function fillLogin() {
	const asked = new URLSearchParams(location.search), kept = store.get('login', {});
	const first = (name, fallback) => asked.get(name) || kept[name] || fallback;
	$('account').value = first('account', '');
	$('display').value = first('display', '');
	$('server').value = first('server', ownServer());
	$('domain').value = first('domain', '');
	$('remember').checked = Boolean(kept.account);
	$('remember-password').checked = Boolean(kept.password);
	$('remember-password').disabled = !$('remember').checked;
	/* That of another account is no use, and an address may not say where a password goes. */
	const same = $('account').value === kept.account && $('server').value === kept.server && $('domain').value === (kept.domain || '');
	$('password').value = kept.password && same ? kept.password : '';
	($('account').value ? $('password') : $('account')).focus();
	return Boolean($('password').value);
}

function remember(o) {
	diary.begin($('remember').checked);
	if (!$('remember').checked) {
		store.remove('login');
		return;
	}
	const { password, ...rest } = o;
	store.set('login', $('remember-password').checked ? o : rest);
}

function loginFault(text) {
	$('login-fault').hidden = !text;
	$('login-fault').textContent = text;
	if (text)
		trouble(text);
	else
		noTrouble();
}

function login() {
	const o = Object.fromEntries(['account', 'password', 'display', 'server', 'domain'].map((id) => [id, $(id).value.trim()]));
	o.password = $('password').value;
	loginFault('');
	if (!/^wss?:\/\/./i.test(o.server) || !hostOf(o.server)) {
		loginFault('The address of the WebSocket must be like wss://example.com/ws.');
		return;
	}
	if (!window.SIP) {
		loginFault('sidetone-ua.js is not there: reload the page; on the server, make web builds it.');
		return;
	}
	try {
		line = new Line(o);
	} catch (e) {
		loginFault(e.message);
		return;
	}
	remember(o);
	useLine();
	line.start();
}

function useLine() {
	const it = line;
	calls.line = it;
	for (const part of [messages, lamps, history, ladder])
		part.use(it);
	it.addEventListener('state', () => { if (line === it) showState(); });
	it.addEventListener('wrong', (e) => {
		if (line !== it)
			return;
		logout();
		loginFault(e.detail);
		$('password').select();
	});
	it.addEventListener('call', (e) => take(e.detail));
	$('login-view').hidden = true;
	$('phone-view').hidden = $('logout').hidden = false;
	showState();
	devices.list();
	$('number').focus();
	warnAboutDevices();
}

function warnAboutDevices() {
	if (!window.isSecureContext || !navigator.mediaDevices)
		trouble('This page can be no telephone here: browsers give a microphone only to pages over https, or of this machine ' +
			'(127.0.0.1). Messages and lamps work.');
}

function logout() {
	for (const call of calls.list)
		call.end();
	lamps.close();
	line.stop();
	line = calls.line = null;
	$('login-view').hidden = false;
	$('phone-view').hidden = $('logout').hidden = true;
	showState();
	diary.begin(diary.lasting);
	$('password').value = '';
	$('password').focus();
}

let said = '';

function showState() {
	const state = line ? line.state : 'off';
	const text = line ? line.text : 'Not logged in';
	$('status').className = { registered: 'is-up', lost: 'is-down', refused: 'is-down', connecting: 'is-waiting' }[state] || '';
	$('status-text').textContent = text;
	if (said !== text && line)
		say(text);
	said = text;
}

/* ---- calls ---- */

function take({ session, incoming, video }) {
	calls.add(new Call(session, incoming, video, (with_video) => devices.constraints(with_video)));
}

async function dial(text, video) {
	if (!text.trim()) {
		$('number').focus();
		return;
	}
	noTrouble();
	if (!line)
		return;
	if (line.state === 'lost')
		say('The server is not there: the call begins when it is back.');
	try {
		await devices.list();
		line.call(text, video, devices.constraints(video));
		diary.set('last', text.trim());
		$('number').value = '';
	} catch (e) {
		trouble(e.message);
	}
}

calls.addEventListener('dial', (e) => dial(e.detail, false));
calls.addEventListener('over', (e) => {
	history.add(e.detail);
	devices.list();
});
devices.addEventListener('changed', () => {
	for (const call of calls.list)
		call.useDevices().catch((e) => trouble(`The device could not be changed: ${e.message}`));
});

/* ---- forms and keys ---- */

/* On the pad: a digit of the number. A call has a pad of its own. */
function press(digit) {
	$('number').value += digit;
	devices.playDigit(digit);
}

/* On the keyboard, outside of a field: for who is talked to, if there is one. */
function typed(digit) {
	const call = calls.talking();
	if (call)
		calls.digit(call, digit);
	else
		press(digit);
}

const SHORTCUTS = {
	KeyA: (call) => { if (call.state === 'incoming') calls.answer(call, false); },
	KeyE: (call) => call.end(),
	KeyH: (call) => { if (call.isUp) calls.hold(call, !call.held); },
	KeyM: (call) => { if (call.isUp) call.mute(!call.muted); },
};

document.addEventListener('keydown', (e) => {
	const call = calls.current();
	if (e.altKey && e.shiftKey && SHORTCUTS[e.code] && call) {
		e.preventDefault();
		SHORTCUTS[e.code](call);
	} else if (line && DIGITS.test(e.key) && !e.altKey && !e.ctrlKey && !e.metaKey && !e.target.closest('input, select, textarea')) {
		typed(e.key);
	}
});

$('login').addEventListener('submit', (e) => {
	e.preventDefault();
	login();
});
$('remember').addEventListener('change', (e) => {
	$('remember-password').disabled = !e.target.checked;
	$('remember-password').checked &&= e.target.checked;
});
$('logout').addEventListener('click', logout);
$('trouble-close').addEventListener('click', () => {
	noTrouble();
	(line ? $('number') : $('account')).focus();
});
$('dial').addEventListener('submit', (e) => {
	e.preventDefault();
	/* An empty number brings back the last one, as on a telephone. */
	if (!$('number').value.trim())
		$('number').value = diary.get('last', '');
	else
		dial($('number').value, false);
});
$('call-video').addEventListener('click', () => dial($('number').value, true));
$('erase').addEventListener('click', () => { $('number').value = $('number').value.slice(0, -1); });
$('settings-form').addEventListener('submit', (e) => e.preventDefault());
fillPad($('pad'), press);

/* ---- tabs ---- */

function openTab(name, focus) {
	for (const id of TABS) {
		const tab = $(`tab-${id}`), on = id === name;
		tab.setAttribute('aria-selected', String(on));
		tab.tabIndex = on ? 0 : -1;
		$(id).hidden = !on;
		if (on && focus)
			tab.focus();
	}
	if (name === 'messages')
		messages.seen();
	if (name === 'history')
		history.seen();
	if (name === 'settings')
		devices.list();
	else
		devices.endTest();
}

for (const id of TABS)
	$(`tab-${id}`).addEventListener('click', () => openTab(id, false));
$('tabs').addEventListener('keydown', (e) => {
	const at = TABS.findIndex((id) => $(`tab-${id}`) === document.activeElement), last = TABS.length - 1;
	const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[e.key];
	if (to === undefined)
		return;
	e.preventDefault();
	openTab(TABS[to], true);
});

window.addEventListener('beforeunload', (e) => {
	if (calls.list.some((c) => c.isUp))
		e.preventDefault();
});

if (fillLogin())
	login();
