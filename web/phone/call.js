/* One call: what is done with it and what becomes of it, without its looks (calls.js). Events: change; trouble
 * (detail: text); said (detail: text); over. */
import { refusal, deviceTrouble } from './words.js';

const HELD = ['recvonly', 'inactive'];
let next = 1;

export class Call extends EventTarget {
	/* `constraints(video)`: those of the devices that were chosen. */
	constructor(session, incoming, video, constraints) {
		super();
		Object.assign(this, { session, incoming, constraints, id: next++, state: incoming ? 'incoming' : 'calling',
			held: false, heldByThem: false, muted: false, video, why: '', transfer: '', began: Date.now(), answered: 0,
			ended: 0, missed: false, remote: new MediaStream(), local: null });
		const who = session.remoteIdentity;
		this.number = who.uri.user || who.uri.host;
		this.name = who.displayName && who.displayName !== this.number ? who.displayName : '';
		if (incoming)
			this.video = this.offersVideo();
		this.offered = this.video;
		this.watch();
	}

	get label() {
		return this.name ? `${this.name} (${this.number})` : this.number;
	}

	get isUp() {
		return this.state === 'up';
	}

	get isOver() {
		return this.state === 'ended';
	}

	offersVideo() {
		return /^m=video [1-9]/m.test(this.session.request.body || '');
	}

	tell(name, detail) {
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}

	change(values) {
		Object.assign(this, values);
		this.tell('change');
	}

	/* ---- what becomes of it ---- */

	watch() {
		const { session } = this;
		if (session.sessionDescriptionHandler)
			this.watchMedia(session.sessionDescriptionHandler);
		session.on('SessionDescriptionHandler-created', (handler) => this.watchMedia(handler));
		session.on('progress', (response) => {
			const code = response && response.status_code;
			if (this.state === 'calling' && (code === 180 || code === 183))
				this.change({ state: 'ringing' });
		});
		session.on('accepted', () => this.up());
		session.on('confirmed', () => this.up());
		session.on('cancel', () => { this.why = this.incoming ? 'The caller gave up.' : ''; });
		session.on('failed', (message, cause) => this.failed(message, cause));
		session.on('bye', () => {});
		session.on('terminated', (message, cause) => this.over(message, cause));
		session.on('directionChanged', () => this.noteDirection());
		session.on('reinviteAccepted', () => this.noteHold());
		session.on('reinviteFailed', () => {
			this.noteHold();
			this.tell('trouble', `${this.label}: the change was refused; the call goes on as before.`);
		});
		session.on('renegotiationError', () => {});
	}

	watchMedia(handler) {
		if (this.handler === handler)
			return;
		this.handler = handler;
		handler.on('userMedia', (stream) => {
			this.local = stream;
			this.applyMute(stream.getAudioTracks());
			this.tell('change');
		});
		handler.on('userMediaFailed', (error) => {
			this.why = deviceTrouble(error, this.video);
			this.tell('trouble', this.why);
		});
		handler.on('addTrack', (event) => this.addTrack(event.track));
		/* Tracks may have come before anybody listened. */
		const pc = handler.peerConnection;
		for (const receiver of pc && pc.getReceivers ? pc.getReceivers() : [])
			if (receiver.track)
				this.addTrack(receiver.track);
	}

	addTrack(track) {
		if (!this.remote.getTrackById(track.id))
			this.remote.addTrack(track);
		for (const name of ['mute', 'unmute', 'ended'])
			track.addEventListener(name, () => this.tell('change'));
		this.tell('change');
	}

	up() {
		if (this.isUp || this.isOver)
			return;
		this.change({ state: 'up', answered: Date.now(), heldByThem: false });
		this.tell('said', `Connected with ${this.label}`);
	}

	failed(message, cause) {
		if (this.incoming) {
			this.missed = cause === 'Canceled' || cause === 'No Answer' || cause === 'Expires';
			this.why = this.why || (this.missed ? 'Missed.' : '');
		} else if (!this.why) {
			this.why = refusal(message && message.status_code ? message : null, cause);
		}
	}

	over(message, cause) {
		if (this.isOver)
			return;
		if (!this.why && cause)
			this.why = refusal(null, cause);
		this.change({ state: 'ended', ended: Date.now(), held: false });
		this.tell('over');
	}

	/* The other side's hold shows in what may be sent and received. */
	noteDirection() {
		const direction = this.handler && this.handler.getDirection ? this.handler.getDirection() : null;
		const heldByThem = !this.session.local_hold && HELD.includes(direction);
		if (heldByThem === this.heldByThem)
			return;
		this.change({ heldByThem });
		this.tell('said', heldByThem ? `${this.label} has put you on hold` : `${this.label} is back`);
	}

	noteHold() {
		const held = Boolean(this.session.local_hold);
		this.applyMute();
		if (held !== this.held) {
			this.change({ held });
			this.tell('said', held ? `${this.label} is on hold` : `Talking with ${this.label}`);
		}
		this.noteDirection();
	}

	/* ---- what is done with it ---- */

	/* Whatever the library refuses is said, and the call goes on. */
	attempt(what) {
		try {
			what();
		} catch (e) {
			this.tell('trouble', `${this.label}: ${e.message}`);
		}
	}

	media(video) {
		const options = { constraints: this.constraints(video) };
		/* Also for what the other side asks for later. */
		this.session.sessionDescriptionHandlerOptions = options;
		return { sessionDescriptionHandlerOptions: options };
	}

	answer(video) {
		this.video = video;
		this.change({ state: 'answering' });
		this.attempt(() => this.session.accept(this.media(video)));
	}

	end() {
		this.attempt(() => {
			if (this.state === 'incoming')
				this.session.reject({ statusCode: 486 });
			else
				this.session.terminate();
		});
	}

	hold(on) {
		if (on === Boolean(this.session.local_hold) || !this.isUp)
			return;
		this.attempt(() => (on ? this.session.hold() : this.session.unhold()));
		this.applyMute();
	}

	mute(on) {
		this.muted = on;
		this.applyMute();
		this.tell('change');
		this.tell('said', on ? 'Muted' : 'Not muted');
	}

	/* Whoever is on hold hears the server's music, if it has any, and neither hears nor sees this room. */
	applyMute(tracks = this.sent('audio'), pictures = this.sent('video')) {
		for (const track of pictures)
			track.enabled = !this.session.local_hold;
		for (const track of tracks)
			track.enabled = !this.muted && !this.session.local_hold;
	}

	sent(kind) {
		const pc = this.handler && this.handler.peerConnection;
		return pc ? pc.getSenders().map((s) => s.track).filter((t) => t && t.kind === kind) : [];
	}

	digit(d) {
		this.attempt(() => this.session.dtmf(d));
	}

	setVideo(on) {
		this.change({ video: on });
		this.attempt(() => this.session.reinvite(this.media(on)));
	}

	/* Another microphone or camera, in the middle of it. */
	async useDevices() {
		const pc = this.handler && this.handler.peerConnection;
		if (!pc || this.isOver)
			return;
		const stream = await navigator.mediaDevices.getUserMedia(this.constraints(this.video)), tracks = stream.getTracks();
		try {
			this.applyMute(stream.getAudioTracks(), stream.getVideoTracks());
			for (const track of tracks)
				await this.replace(pc, track);
			this.applyMute();
			this.change({ local: stream });
		} finally {
			/* Nothing stays on that this call does not send. */
			for (const track of tracks)
				if (this.isOver || !pc.getSenders().some((s) => s.track === track))
					track.stop();
		}
	}

	async replace(pc, track) {
		const sender = pc.getSenders().find((s) => s.track && s.track.kind === track.kind), old = sender && sender.track;
		if (!sender || this.isOver)
			return;
		await sender.replaceTrack(track);
		old.stop();
	}

	/* `target`: an address, or another Call that takes this one's place. */
	refer(target) {
		const attended = target instanceof Call, whom = attended ? target.label : target;
		this.attempt(() => {
			this.session.refer(attended ? target.session : target);
			this.watchRefer(this.session.referContext, whom);
			this.change({ transfer: `Transferring to ${whom}…` });
		});
	}

	watchRefer(context, whom) {
		const back = (text) => {
			this.change({ transfer: '' });
			this.tell('trouble', text);
		};
		context.on('referRequestRejected', () => back(`${this.label} cannot be transferred.`));
		context.on('referProgress', () => this.change({ transfer: `Ringing ${whom}…` }));
		context.on('referAccepted', () => {
			this.why = `Transferred to ${whom}.`;
			this.change({ transfer: this.why });
		});
		context.on('referRejected', () => back(`${whom} could not be reached; you are still in the call with ${this.label}.`));
	}
}
