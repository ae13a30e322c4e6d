/* What the media handler and its modifiers do with the text of a session description. Pure functions. */
'use strict';

const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)[ \t]*$/m;

/* The part before the first m= line, and then each media section; together they are the text. */
function sections(sdp) {
	const parts = sdp.split(/^(?=m=)/m);
	return parts[0].startsWith('m=') ? ['', ...parts] : parts;
}

function lineEnd(sdp) {
	return sdp.includes('\r\n') || !sdp.includes('\n') ? '\r\n' : '\n';
}

/* The media section without the lines that `refuse` says yes to. */
function withoutLines(section, refuse) {
	return (section.match(/[^\n]*\n|[^\n]+/g) || []).filter((line) => !refuse(line.trim())).join('');
}

/* What the other side may do no longer when we hold it: it may listen at most. */
function holdDirection(text) {
	return text.replace(new RegExp(DIRECTION.source, 'mg'), (line, direction) =>
		direction === 'sendrecv' ? 'a=sendonly' : direction === 'recvonly' ? 'a=inactive' : line);
}

/* RFC 3264 8.4: we go on to send, or fall silent where we only listened. No line means sendrecv. */
function hold(sdp) {
	const [head, ...media] = sections(sdp), end = lineEnd(sdp);
	const whole = DIRECTION.test(head);
	return holdDirection(head) + media.map((section) => {
		if (whole || DIRECTION.test(section))
			return holdDirection(section);
		const [mline, ...rest] = section.split(/\r?\n/);
		return [mline, 'a=sendonly', ...rest].join(end);
	}).join('');
}

function directionOf(section, fallback) {
	const found = DIRECTION.exec(section);
	return found ? found[1] : fallback;
}

function isRejected(section) {
	return /^m=\S+ 0 /.test(section);
}

/* The direction of the first section that is not refused; null when there is none. */
function direction(sdp) {
	const [head, ...media] = sections(sdp || '');
	const section = media.find((m) => !isRejected(m)) || media[0];
	return section ? directionOf(section, directionOf(head, 'sendrecv')) : null;
}

/* What `local` and `remote` agreed on, as seen from here. */
function agreedDirection(local, remote) {
	const mine = direction(local), theirs = direction(remote);
	if (!mine || !theirs)
		return null;
	const send = /^send/.test(mine) && /recv/.test(theirs), receive = /recv/.test(mine) && /^send/.test(theirs);
	return DIRECTIONS[send ? (receive ? 0 : 1) : receive ? 2 : 3];
}

/* Takes the payload types of the named encoding out: from the m= line, and whatever describes them.
 * A section that would be left without any keeps them. */
function stripEncoding(section, name) {
	const types = new Set();
	const rtpmap = new RegExp(`^a=rtpmap:(\\d+) ${name}/`, 'img');
	for (let found; (found = rtpmap.exec(section));)
		types.add(found[1]);
	const mline = /^(m=\S+ \S+ \S+)((?: \S+)*)/.exec(section);
	if (!mline)
		return section;
	/* G.722 and its like have numbers that need no rtpmap. */
	if (/^g722$/i.test(name) && /^m=audio/.test(section))
		types.add('9');
	const left = mline[2].split(' ').filter((type) => type && !types.has(type));
	if (left.length === 0)
		return section;
	const kept = withoutLines(section, (line) => {
		const about = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/.exec(line);
		return about && types.has(about[1]);
	});
	return `${mline[1]} ${left.join(' ')}${kept.slice(mline[0].length)}`;
}

function mapMedia(sdp, change) {
	const [head, ...media] = sections(sdp);
	return head + media.map(change).join('');
}

/* ---- ICE ---- */

function isCandidateTcp(line) {
	return /^a=candidate:\S+ \d+ tcp /i.test(line);
}

/* Where the candidates of these sections are: how many sections need some of their own. Those that are
 * bundled into another's transport (RFC 9143: port 0 and bundle-only) need none. */
function transportCount(sdp) {
	return sections(sdp).slice(1).filter((m) => !isRejected(m)).length;
}

/* RFC 1918, 3927, 6598, 4193, 4291. */
const PRIVATE = new RegExp('^(?:10\\.|127\\.|169\\.254\\.|192\\.168\\.|172\\.(?:1[6-9]|2\\d|3[01])\\.|' +
	'100\\.(?:6[4-9]|[7-9]\\d|1[01]\\d|12[0-7])\\.|::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)', 'i');

/* Whether checks that we send reach the peer without its knowing a candidate of ours: it is an ICE
 * lite agent, or has an address of its own that is not behind a translator. */
function isReachable(remote) {
	if (/^a=ice-lite[ \t]*$/m.test(remote || ''))
		return true;
	const host = /^a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ host/img;
	for (let found; (found = host.exec(remote || ''));)
		if (!PRIVATE.test(found[1]) && !/\.local$/i.test(found[1]))
			return true;
	return false;
}

/* ---- trickle ICE, RFC 8840 ---- */

function attribute(text, name) {
	const found = new RegExp(`^a=${name}:(\\S+)`, 'm').exec(text);
	return found && found[1];
}

/* The body of an INFO that carries `candidates` ({candidate, sdpMid, sdpMLineIndex}) of the description
 * `local`. The ufrag and password that they are for stand before the first m= line; a section that has
 * others says so after its own. */
function writeFragment(local, candidates, complete) {
	const [head, ...media] = sections(local), lines = [];
	let common = '';
	for (const [index, section] of media.entries()) {
		const mid = attribute(section, 'mid');
		const isHere = (c) => (typeof c.sdpMid === 'string' ? c.sdpMid === mid : c.sdpMLineIndex === index);
		const here = candidates.filter(isHere);
		if (!here.length && !complete)
			continue;
		const own = ['ice-ufrag', 'ice-pwd'].map((name) => `a=${name}:${attribute(section, name) || attribute(head, name)}\r\n`).join('');
		common = common || own;
		lines.push(/^m=[^\r\n]*/.exec(section)[0] + `\r\na=mid:${mid === null ? index : mid}\r\n${own === common ? '' : own}`);
		for (const candidate of here)
			lines.push(`a=${candidate.candidate}\r\n`);
		if (complete)
			lines.push('a=end-of-candidates\r\n');
	}
	return common + lines.join('');
}

/* The other way: [{candidate, sdpMid, sdpMLineIndex}], an empty candidate for the end. Those for other
 * credentials than the remote description's are of a generation that is over. */
function readFragment(fragment, remote) {
	const known = sections(remote || '').slice(1).map((m) => attribute(m, 'mid')), list = [];
	const ufrags = ((remote || '').match(/^a=ice-ufrag:\S+/mg) || []).map((line) => line.slice('a=ice-ufrag:'.length));
	let mid = null, common = null, ufrag = null, inside = false;
	for (const line of fragment.split(/\r?\n/)) {
		const found = /^(?:(m)=|a=(ice-ufrag|mid|candidate|end-of-candidates)(?::(.*))?$)/.exec(line.trim());
		if (!found)
			continue;
		const [, media, name, value] = found;
		if (media) {
			mid = null;
			ufrag = common;
			inside = true;
		} else if (name === 'mid')
			mid = value;
		else if (name === 'ice-ufrag') {
			ufrag = value;
			common = inside ? common : value;
		} else if (!ufrag || ufrags.includes(ufrag))
			list.push({ candidate: name === 'candidate' ? `candidate:${value}` : '', sdpMid: mid === null ? undefined : mid,
				sdpMLineIndex: Math.max(0, known.indexOf(mid)) });
	}
	return list;
}

module.exports = { hold, direction, agreedDirection, withoutLines, stripEncoding, mapMedia, isCandidateTcp, transportCount,
	isReachable, writeFragment, readFragment };
