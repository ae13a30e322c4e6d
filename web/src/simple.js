/* SIP.WebRTC.Simple: a phone for one call at a time, over the public interface of SIP.UA, that shows
 * media in the page's elements. */
'use strict';

const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');
const Modifiers = require('./modifiers.js');

const C = { STATUS_NULL: 0, STATUS_NEW: 1, STATUS_CONNECTING: 2, STATUS_CONNECTED: 3, STATUS_COMPLETED: 4 };

const FREE = [C.STATUS_NULL, C.STATUS_COMPLETED], RINGING = [C.STATUS_NEW, C.STATUS_CONNECTING], TALKING = [C.STATUS_CONNECTED];

function isSafari() {
	const agent = typeof navigator === 'undefined' ? '' : String(navigator.userAgent).toLowerCase();
	return agent.includes('safari') && !agent.includes('chrome');
}

/* The user agent that `options` describe. Safari's G.722 does not work with others. */
function makeUA(options) {
	const configuration = {};
	for (const name of ['wsServers', 'uri', 'authorizationUser', 'password', 'displayName', 'traceSip', 'userAgentString'])
		configuration[name] = options[name];
	configuration.register = true;
	configuration.sessionDescriptionHandlerFactoryOptions = isSafari() ? { modifiers: [Modifiers.stripG722] } : {};
	return new SIP.UA(configuration);
}

/* A browser may refuse to play before the user has touched the page; it is told, and no fault. */
function play(element, stream, logger) {
	element.srcObject = stream;
	const playing = element.play();
	if (playing && playing.catch)
		playing.catch(() => logger.log('play was rejected'));
}

function silence(element) {
	if (!element)
		return;
	element.srcObject = null;
	element.pause();
}

function streamOf(ends, kind) {
	const stream = new MediaStream();
	for (const { track } of ends)
		if (track && (!kind || track.kind === kind))
			stream.addTrack(track);
	return stream;
}

function Simple(options) {
	EventEmitter.call(this);
	const { remote } = options.media;
	this.video = Boolean(remote.video);
	this.audio = Boolean(remote.audio);
	if (!this.audio && !this.video)
		throw new Error('At least one remote audio or video element is required for Simple.');
	this.options = options;
	this.anonymous = !options.ua.uri;
	this.ua = makeUA(options.ua);
	this.state = C.STATUS_NULL;
	this.logger = this.ua.getLogger('sip.simple');

	this.ua.on('registered', () => this.emit('registered', this.ua));
	this.ua.on('unregistered', () => this.emit('unregistered', this.ua));
	this.ua.on('registrationFailed', () => this.emit('unregistered', this.ua));
	this.ua.on('message', (message) => this.emit('message', message));
	this.ua.on('invite', (session) => this.takeInvite(session));
}
Simple.C = C;
Simple.prototype = Object.create(EventEmitter.prototype, {
	constructor: { value: Simple, writable: true, configurable: true },
});

/* What an application calls. Out of state: a warning, and nothing is done. */
const methods = {
	call(destination) {
		if (!this.checkRegistration())
			return this.refuse('A registered UA is required for calling');
		if (!FREE.includes(this.state))
			return this.refuse('Cannot make more than a single call with Simple');
		this.autoplay();
		this.session = this.ua.invite(destination, this.mediaOptions());
		this.setupSession();
		return this.session;
	},

	answer() {
		if (!RINGING.includes(this.state))
			return this.refuse('No call to answer');
		this.autoplay();
		return this.session.accept(this.mediaOptions());
	},

	reject() {
		return RINGING.includes(this.state) ? this.session.reject() : this.refuse('Call is already answered');
	},

	hangup() {
		if (TALKING.includes(this.state))
			return this.session.bye();
		/* An incoming call has no cancel(): terminate() is what fits, on either side. */
		if (RINGING.includes(this.state))
			return this.session.cancel ? this.session.cancel() : this.session.terminate();
		return this.refuse('No active call to hang up on');
	},

	hold() {
		if (!TALKING.includes(this.state) || this.session.local_hold)
			return this.refuse('Cannot put call on hold');
		this.mute();
		return this.changeHold('hold');
	},

	unhold() {
		if (!TALKING.includes(this.state) || !this.session.local_hold)
			return this.refuse('Cannot unhold a call that is not on hold');
		this.unmute();
		return this.changeHold('unhold');
	},

	mute() {
		if (!TALKING.includes(this.state))
			return this.refuse('An active call is required to mute audio');
		this.toggleMute(true);
		this.emit('mute', this);
		return undefined;
	},

	unmute() {
		if (!TALKING.includes(this.state))
			return this.refuse('An active call is required to unmute audio');
		this.toggleMute(false);
		this.emit('unmute', this);
		return undefined;
	},

	sendDTMF(tone) {
		if (!TALKING.includes(this.state))
			return this.refuse('An active call is required to send a DTMF tone');
		this.session.dtmf(tone);
		return undefined;
	},

	message(destination, message) {
		if (!this.checkRegistration())
			return this.refuse('A registered UA is required to send a message');
		if (!destination || !message)
			return this.refuse('A destination and message are required to send a message');
		this.ua.message(destination, message);
		return undefined;
	},
};

/* How it is done. */
const inner = {
	refuse(why) {
		this.logger.warn(why);
		return undefined;
	},

	checkRegistration() {
		return this.anonymous || (this.ua && this.ua.isRegistered());
	},

	mediaOptions() {
		return { sessionDescriptionHandlerOptions: { constraints: { audio: this.audio, video: this.video } } };
	},

	/* Elements begin to play as soon as they have something. Our own picture is never heard. */
	autoplay() {
		const { remote, local } = this.options.media;
		for (const element of [remote.audio, remote.video, local && local.video])
			if (element)
				element.autoplay = true;
		if (local && local.video)
			local.video.volume = 0;
	},

	takeInvite(session) {
		if (!FREE.includes(this.state)) {
			this.logger.warn('Rejecting incoming call. Simple only supports 1 call at a time');
			session.reject();
			return;
		}
		this.session = session;
		this.setupSession();
		this.emit('ringing', session);
	},

	/* What one session tells. An event of one that is over is of no interest to the next. */
	setupSession() {
		const { session } = this;
		const mine = (act) => (...args) => {
			if (this.session === session)
				act(...args);
		};
		this.state = C.STATUS_NEW;
		this.emit('new', session);
		session.on('progress', mine(() => this.onProgress()));
		session.on('accepted', mine(() => this.onAccepted()));
		session.on('dtmf', mine((dtmf) => this.emit('dtmf', dtmf)));
		session.on('failed', mine(() => this.onFailed()));
		for (const event of ['rejected', 'bye', 'terminated'])
			session.on(event, mine(() => this.onEnded()));
	},

	onProgress() {
		if (!RINGING.includes(this.state))
			return;
		this.state = C.STATUS_CONNECTING;
		this.emit('connecting', this.session);
	},

	onAccepted() {
		if (!RINGING.includes(this.state))
			return;
		this.state = C.STATUS_CONNECTED;
		this.emit('connected', this.session);
		this.setupLocalMedia();
		this.setupRemoteMedia();
		const handler = this.session.sessionDescriptionHandler;
		for (const event of ['addTrack', 'addStream'])
			handler.on(event, () => {
				if (this.session.sessionDescriptionHandler === handler && TALKING.includes(this.state))
					this.setupRemoteMedia();
			});
	},

	/* rejected, failed, bye and terminated follow each other: the call ends with the first. */
	onEnded() {
		if (FREE.includes(this.state))
			return;
		this.state = C.STATUS_COMPLETED;
		this.emit('ended', this.session);
		this.cleanupMedia();
	},

	onFailed() {
		this.onEnded();
	},

	/* The event follows the peer's consent. */
	changeHold(which) {
		const { session } = this;
		const settle = () => {
			session.removeListener('reinviteAccepted', accepted);
			session.removeListener('reinviteFailed', settle);
		};
		const accepted = () => {
			settle();
			if (this.session === session)
				this.emit(which, session);
		};
		session.on('reinviteAccepted', accepted);
		session.on('reinviteFailed', settle);
		return session[which]();
	},

	setupRemoteMedia() {
		const pc = this.session.sessionDescriptionHandler.peerConnection, { remote } = this.options.media;
		play(this.video ? remote.video : remote.audio, streamOf(pc.getReceivers()), this.logger);
	},

	setupLocalMedia() {
		const { local } = this.options.media;
		if (!this.video || !local || !local.video)
			return;
		const pc = this.session.sessionDescriptionHandler.peerConnection;
		local.video.volume = 0;
		play(local.video, streamOf(pc.getSenders(), 'video'), this.logger);
	},

	cleanupMedia() {
		const { remote, local } = this.options.media;
		silence(remote.video);
		silence(remote.audio);
		if (this.video)
			silence(local && local.video);
	},

	destroyMedia() {
		this.session.sessionDescriptionHandler.close();
	},

	toggleMute(mute) {
		for (const { track } of this.session.sessionDescriptionHandler.peerConnection.getSenders())
			if (track)
				track.enabled = !mute;
	},
};
Object.assign(Simple.prototype, methods);
for (const name of Object.keys(inner))
	Object.defineProperty(Simple.prototype, name, { value: inner[name], writable: true, configurable: true });

module.exports = Simple;
