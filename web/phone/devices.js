/* Microphone, loudspeaker and camera; how loud something is; and the sounds the phone makes itself. */
import { $, el, store, trouble } from './dom.js';
import { deviceTrouble } from './words.js';

const KINDS = { audioinput: 'microphone', audiooutput: 'speaker', videoinput: 'camera' };
/* [Hz], and [ms] of sound and of silence; 0 silence: once. */
const SOUNDS = {
	ring: { hertz: [660, 880], on: 800, off: 1600 }, knock: { hertz: [440], on: 200, off: 4000 }, back: { hertz: [425], on: 1000, off: 4000 },
};
const ROWS = [697, 770, 852, 941], COLUMNS = [1209, 1336, 1477];

export class Devices extends EventTarget {
	constructor() {
		super();
		this.chosen = store.get('devices', {});
		this.analysers = new Map();
		this.playing = null;
		for (const name of Object.values(KINDS))
			$(name).addEventListener('change', (e) => this.choose(name, e.target.value));
		$('volume').value = store.get('volume', 0.3);
		$('volume').addEventListener('change', (e) => store.set('volume', Number(e.target.value)));
		$('mic-test').addEventListener('click', () => this.test());
		$('speaker-test').addEventListener('click', () => this.beep([440], 700));
		if (navigator.mediaDevices)
			navigator.mediaDevices.addEventListener('devicechange', () => this.list());
		setInterval(() => { if (this.testing) $('mic-level').value = this.of(this.testing, 'test'); }, 100);
	}

	/* A browser lets a page make sound after the user has done something with it. */
	get context() {
		if (!this.made && window.AudioContext)
			this.made = new AudioContext();
		if (this.made && this.made.state === 'suspended')
			this.made.resume().catch(() => {});
		return this.made;
	}

	/* ---- which ---- */

	async list() {
		const all = navigator.mediaDevices ? await navigator.mediaDevices.enumerateDevices() : [];
		for (const [kind, name] of Object.entries(KINDS)) {
			const select = $(name), found = all.filter((d) => d.kind === kind && d.deviceId && d.deviceId !== 'default');
			select.replaceChildren(el('option', { value: '' }, 'The system’s'),
				...found.map((d, i) => el('option', { value: d.deviceId }, d.label || `${name} ${i + 1}`)));
			const known = found.some((d) => d.deviceId === this.chosen[name]);
			select.value = known ? this.chosen[name] : '';
			select.disabled = name === 'speaker' && !('setSinkId' in HTMLMediaElement.prototype);
		}
		this.present = all.map((d) => d.deviceId);
	}

	choose(name, id) {
		this.chosen[name] = id;
		store.set('devices', this.chosen);
		if (name === 'speaker')
			document.querySelectorAll('audio').forEach((a) => this.sink(a));
		else
			this.dispatchEvent(new CustomEvent('changed'));
		if ((this.testing || this.asking) && name === 'microphone') {
			this.endTest();
			this.test();
		}
	}

	/* One that was pulled out is not asked for: the system's is better than none. */
	wish(name) {
		const id = this.chosen[name];
		return id && (!this.present || this.present.includes(id)) ? { deviceId: { exact: id } } : true;
	}

	constraints(video) {
		return { audio: this.wish('microphone'), video: video ? this.wish('camera') : false };
	}

	sink(element) {
		const id = this.chosen.speaker || '';
		if (element.setSinkId && element.sinkId !== id)
			element.setSinkId(id).catch(() => {});
	}

	/* ---- how loud ---- */

	/* 0 to 1, from -60 dB to 0 dB. */
	of(stream, key) {
		const track = stream && stream.getAudioTracks()[0], context = track && this.context;
		if (!context)
			return 0;
		let it = this.analysers.get(key);
		if (!it || it.track !== track) {
			this.forget(key);
			const source = context.createMediaStreamSource(new MediaStream([track])), analyser = context.createAnalyser();
			analyser.fftSize = 1024;
			source.connect(analyser);
			it = { track, source, analyser, samples: new Float32Array(1024) };
			this.analysers.set(key, it);
		}
		it.analyser.getFloatTimeDomainData(it.samples);
		let sum = 0;
		for (const s of it.samples)
			sum += s * s;
		return Math.min(1, Math.max(0, 1 + Math.log10(Math.sqrt(sum / 1024) + 1e-9) / 3));
	}

	forget(...keys) {
		for (const key of keys) {
			const it = this.analysers.get(key);
			if (it)
				it.source.disconnect();
			this.analysers.delete(key);
		}
	}

	async test() {
		if (this.testing || this.asking) {
			this.endTest();
			return;
		}
		const asking = this.asking = {}, off = () => this.asking !== asking;
		try {
			if (!navigator.mediaDevices)
				throw new Error('none');
			const stream = await navigator.mediaDevices.getUserMedia(this.constraints(false));
			/* Ended while the browser asked. */
			if (off()) {
				stream.getTracks().forEach((t) => t.stop());
				return;
			}
			this.testing = stream;
			$('mic-test').setAttribute('aria-pressed', 'true');
			this.list();
		} catch (e) {
			if (!off())
				trouble(deviceTrouble(e, false));
		}
		if (!off())
			this.asking = null;
	}

	endTest() {
		this.asking = null;
		if (this.testing)
			this.testing.getTracks().forEach((t) => t.stop());
		this.testing = null;
		this.forget('test');
		$('mic-level').value = 0;
		$('mic-test').setAttribute('aria-pressed', 'false');
	}

	/* ---- sounds of our own ---- */

	beep(hertz, ms, loud = Number($('volume').value)) {
		const { context } = this;
		if (!context || !loud)
			return;
		const gain = context.createGain(), now = context.currentTime, end = now + ms / 1000;
		gain.connect(context.destination);
		gain.gain.setValueAtTime(0, now);
		gain.gain.linearRampToValueAtTime(loud / hertz.length, now + 0.02);
		gain.gain.setValueAtTime(loud / hertz.length, end - 0.02);
		gain.gain.linearRampToValueAtTime(0, end);
		for (const f of hertz) {
			const tone = context.createOscillator();
			tone.frequency.value = f;
			tone.connect(gain);
			tone.start(now);
			tone.stop(end);
		}
	}

	/* 'ring', 'knock', 'back', or null: nothing rings. */
	ring(name) {
		if (this.playing === name)
			return;
		this.playing = name;
		clearInterval(this.ringing);
		if (!name)
			return;
		const { hertz, on, off } = SOUNDS[name], once = () => this.beep(hertz, on);
		once();
		this.ringing = setInterval(once, on + off);
	}

	playDigit(d) {
		const at = '123456789*0#'.indexOf(d);
		if (at >= 0)
			this.beep([ROWS[Math.floor(at / 3)], COLUMNS[at % 3]], 120, 0.1);
	}
}
