/* LZMA, decoded: a third smaller than what a server's gzip makes of the WebAssembly. This function goes into
 * the page's file as it stands, and is all that stands before the first byte of the machine. */
'use strict';

/* `src`: the format of `xz --format=lzma`, with lc = 3, lp = 0, pb = 0; `size`: how many bytes it gives. */
function lzma(src, size) {
	const out = new Uint8Array(size);
	let at = 18, code = 0, range = -1 >>> 0, n = 0, state = 0;
	const rep = [0, 0, 0, 0];
	const table = (k) => new Uint16Array(k).fill(1024);
	const isMatch = table(12), isRep = table(12), isRep0 = table(12), isRep1 = table(12), isRep2 = table(12), isRep0Long = table(12);
	const literal = table(8 * 768), slots = table(4 * 64), special = table(128), align = table(16);
	const lengths = [0, 1].map(() => ({ choice: table(2), low: table(8), mid: table(8), high: table(256) }));

	for (let i = 13; i < 18; i++)
		code = (code << 8 | src[i]) >>> 0;

	const normalize = () => {
		if (range < 0x1000000) {
			range = range << 8 >>> 0;
			code = (code << 8 | src[at++]) >>> 0;
		}
	};
	const bit = (probs, i) => {
		const bound = (range >>> 11) * probs[i], one = code >= bound;
		if (one) {
			range -= bound;
			code -= bound;
			probs[i] -= probs[i] >>> 5;
		} else {
			range = bound;
			probs[i] += 2048 - probs[i] >>> 5;
		}
		normalize();
		return one ? 1 : 0;
	};
	const tree = (probs, bits) => {
		let m = 1;
		for (let i = 0; i < bits; i++)
			m = m << 1 | bit(probs, m);
		return m - (1 << bits);
	};
	const reverse = (probs, base, bits) => {
		let m = 1, v = 0;
		for (let i = 0; i < bits; i++) {
			const b = bit(probs, base + m);
			m = m << 1 | b;
			v |= b << i;
		}
		return v;
	};
	const direct = (bits) => {
		let v = 0;
		for (; bits; bits--) {
			range >>>= 1;
			const one = code >= range;
			if (one)
				code -= range;
			v = v << 1 | (one ? 1 : 0);
			normalize();
		}
		return v;
	};
	const length = (l) => (!bit(l.choice, 0) ? tree(l.low, 3) : !bit(l.choice, 1) ? 8 + tree(l.mid, 3) : 16 + tree(l.high, 8));
	const distance = (len) => {
		const slot = tree(slots.subarray(64 * Math.min(len, 3)), 6), bits = (slot >> 1) - 1;
		if (slot < 4)
			return slot;
		const high = (2 | slot & 1) << bits;
		return slot < 14 ? high + reverse(special, high - slot, bits) : high + (direct(bits - 4) << 4) + reverse(align, 0, 4);
	};
	const plain = () => {
		const probs = literal.subarray(n ? 768 * (out[n - 1] >> 5) : 0);
		let m = 1;
		if (state > 6)
			for (let other = out[n - rep[0] - 1]; m < 256;) {
				const b = other >> 7 & 1, got = bit(probs, (1 + b << 8) + m);
				other <<= 1;
				m = m << 1 | got;
				if (b !== got)
					break;
			}
		while (m < 256)
			m = m << 1 | bit(probs, m);
		out[n++] = m;
		state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
	};
	const again = () => {
		if (!bit(isRep0, state)) {
			if (!bit(isRep0Long, state)) {
				state = state < 7 ? 9 : 11;
				return 1;
			}
		} else {
			const i = !bit(isRep1, state) ? 1 : 2 + bit(isRep2, state);
			rep.unshift(rep.splice(i, 1)[0]);
		}
		const len = 2 + length(lengths[1]);
		state = state < 7 ? 8 : 11;
		return len;
	};
	const fresh = () => {
		const len = length(lengths[0]);
		rep.pop();
		rep.unshift(distance(len));
		state = state < 7 ? 7 : 10;
		return len + 2;
	};

	while (n < size) {
		if (!bit(isMatch, state)) {
			plain();
			continue;
		}
		for (let len = bit(isRep, state) ? again() : fresh(); len; len--, n++)
			out[n] = out[n - rep[0] - 1];
	}
	return out;
}

module.exports = { lzma };
