/* The members of SIP that are about media. SIP.Web is the later versions' name of SIP.WebRTC. */
'use strict';

const WebRTC = {
	Modifiers: require('./modifiers.js'),
	Simple: require('./simple.js'),
	SessionDescriptionHandler: require('./sdh_webrtc.js'),
};

module.exports = {
	SessionDescriptionHandler: require('./sdh.js'),
	WebRTC,
	Web: WebRTC,
};
