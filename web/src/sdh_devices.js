/* Microphone and camera of one media handler: asked for, added to the peer connection, given back. */
'use strict';

const Exceptions = require('./exceptions.js');

function stop(track) {
	if (track && track.stop)
		track.stop();
}

function getUserMedia(constraints) {
	const devices = typeof navigator === 'undefined' ? undefined : navigator.mediaDevices;
	if (!devices || !devices.getUserMedia)
		return Promise.reject(new Exceptions.NotSupportedError('Media devices are not available: is this page secure (https)?'));
	return devices.getUserMedia(constraints);
}

class Devices {
	constructor(handler) {
		this.handler = handler;
		this.stream = null;
		this.had = null;	/* the constraints that gave `stream` */
	}

	get pc() {
		return this.handler.peerConnection;
	}

	/* A promise that is kept when what the constraints ask for is part of the peer connection. */
	acquire(constraints) {
		const key = JSON.stringify(constraints);
		if (key === this.had)
			return Promise.resolve();
		if (!constraints.audio && !constraints.video) {
			this.had = key;
			return Promise.resolve();
		}
		const { handler } = this;
		handler.emit('userMediaRequest', constraints);
		return getUserMedia(constraints).then((stream) => {
			if (handler.closed) {
				stream.getTracks().forEach(stop);
				throw new Error('the session has ended');
			}
			this.had = key;
			handler.emit('userMedia', stream);
			return this.use(stream);
		}, (e) => {
			handler.emit('userMediaFailed', e);
			throw e;
		});
	}

	/* The tracks of `stream` take the place of those that were there. */
	use(stream) {
		const before = this.stream;
		this.stream = stream;
		return Promise.all(this.replaceTracks(this.pc, stream)).then(() => {
			if (before)
				before.getTracks().filter((track) => !stream.getTracks().includes(track)).forEach(stop);
		});
	}

	replaceTracks(pc, stream) {
		const senders = pc.getSenders().filter((sender) => sender.track), steps = [];
		for (const track of stream.getTracks()) {
			const at = senders.findIndex((sender) => sender.track.kind === track.kind);
			if (at >= 0)
				steps.push(senders.splice(at, 1)[0].replaceTrack(track));
			else
				pc.addTrack(track, stream);
		}
		senders.forEach((sender) => pc.removeTrack(sender));
		return steps;
	}

	/* Another peer connection has to send what there is. */
	moveTo(pc) {
		if (this.stream)
			this.stream.getTracks().forEach((track) => pc.addTrack(track, this.stream));
	}

	sendDtmf(tones, duration, interToneGap) {
		const senders = this.pc ? this.pc.getSenders() : [];
		const sender = senders.find((s) => s.dtmf && s.dtmf.canInsertDTMF !== false);
		if (!sender) {
			this.handler.logger.warn('telephone events cannot be sent in this session');
			return false;
		}
		try {
			/* Those that wait would be forgotten. */
			sender.dtmf.insertDTMF((sender.dtmf.toneBuffer || '') + tones, duration, interToneGap);
		} catch (e) {
			this.handler.logger.error(`DTMF was not sent: ${e.message}`);
			return false;
		}
		this.handler.logger.log(`DTMF sent via RTP: ${tones}`);
		return true;
	}

	close() {
		const { pc } = this;
		if (this.stream)
			this.stream.getTracks().forEach(stop);
		this.stream = null;
		if (pc)
			pc.getSenders().concat(pc.getReceivers()).forEach((end) => stop(end.track));
	}
}

module.exports = Devices;
