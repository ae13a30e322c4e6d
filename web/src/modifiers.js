/* SIP.WebRTC.Modifiers: each takes {type, sdp} and gives a promise of it, changed. */
'use strict';

const { withoutLines, stripEncoding, mapMedia, isCandidateTcp } = require('./sdp.js');

function modifier(change) {
	return (description) => {
		if (description && description.sdp)
			description.sdp = change(description.sdp);
		return Promise.resolve(description);
	};
}

module.exports = {
	stripTcpCandidates: modifier((sdp) => withoutLines(sdp, isCandidateTcp)),

	stripTelephoneEvent: modifier((sdp) => mapMedia(sdp, (section) => stripEncoding(section, 'telephone-event'))),

	/* Jitsi writes ranges of imageattr as 0-1920, which RFC 6236 writes 1:1920. */
	cleanJitsiSdpImageattr: modifier((sdp) => sdp.replace(/^a=imageattr:.*$/mg,
		(line) => line.replace(/([xy])=\[0-/g, '$1=[1:'))),

	stripG722: modifier((sdp) => mapMedia(sdp, (section) => stripEncoding(section, 'G722'))),
};
