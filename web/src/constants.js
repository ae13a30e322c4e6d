/* SIP.C. */
'use strict';
const { scratch } = require('./core.js');

const NAME = 'SIP.js', VERSION = '0.9.2';	/* whose API this is: applications ask for it */

const causes = {
	CONNECTION_ERROR: 'Connection Error',
	REQUEST_TIMEOUT: 'Request Timeout',
	SIP_FAILURE_CODE: 'SIP Failure Code',
	INTERNAL_ERROR: 'Internal Error',

	BUSY: 'Busy',
	REJECTED: 'Rejected',
	REDIRECTED: 'Redirected',
	UNAVAILABLE: 'Unavailable',
	NOT_FOUND: 'Not Found',
	ADDRESS_INCOMPLETE: 'Address Incomplete',
	INCOMPATIBLE_SDP: 'Incompatible SDP',
	AUTHENTICATION_ERROR: 'Authentication Error',
	DIALOG_ERROR: 'Dialog Error',

	WEBRTC_NOT_SUPPORTED: 'WebRTC Not Supported',
	WEBRTC_ERROR: 'WebRTC Error',
	CANCELED: 'Canceled',
	NO_ANSWER: 'No Answer',
	EXPIRES: 'Expires',
	NO_ACK: 'No ACK',
	NO_PRACK: 'No PRACK',
	USER_DENIED_MEDIA_ACCESS: 'User Denied Media Access',
	BAD_MEDIA_DESCRIPTION: 'Bad Media Description',
	RTP_TIMEOUT: 'RTP Timeout',
};

const SIP_ERROR_CAUSES = {
	REDIRECTED: [300, 301, 302, 305, 380],
	BUSY: [486, 600],
	REJECTED: [403, 603],
	NOT_FOUND: [404, 604],
	UNAVAILABLE: [480, 410, 408, 430],
	ADDRESS_INCOMPLETE: [484],
	INCOMPATIBLE_SDP: [488, 606],
	AUTHENTICATION_ERROR: [401, 407],
};

/* The machine's own, but for what SIP.js calls otherwise or has no word for. */
const REASON_PHRASE = { 478: 'Unresolvable Destination' };
for (let code = 100; code < 700; code++) {
	const phrase = scratch.string(scratch.x.sip_reason(code));
	if (phrase && ![409, 411, 424, 425, 555, 607, 608].includes(code))
		REASON_PHRASE[code] = phrase;
}
Object.assign(REASON_PHRASE, { 436: 'Bad Identity-Info', 437: 'Unsupported Certificate' });

/* The tags that IANA knows; extraSupported may hold others only with hackAllowUnregisteredOptionTags. */
const OPTION_TAGS = {};
for (const tag of ('199 100rel answermode early-session eventlist explicitsub from-change geolocation-http geolocation-sip gin ' +
	'gruu histinfo ice join multiple-refer norefersub nosub outbound path policy precondition pref privacy ' +
	'recipient-list-invite recipient-list-message recipient-list-subscribe replaces resource-priority sdp-anat sec-agree ' +
	'tdialog timer trickle-ice uui').split(' '))
	OPTION_TAGS[tag] = true;

const C = {
	USER_AGENT: `${NAME}/${VERSION}`,
	SIP: 'sip',
	SIPS: 'sips',
	causes,
	supported: { UNSUPPORTED: 'none', SUPPORTED: 'supported', REQUIRED: 'required' },
	dtmfType: { INFO: 'info', RTP: 'rtp' },
	SIP_ERROR_CAUSES,
	REASON_PHRASE,
	OPTION_TAGS,
};
for (const method of ('ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS REGISTER UPDATE SUBSCRIBE PUBLISH REFER ' +
	'PRACK').split(' '))
	C[method] = method;

module.exports = { NAME, VERSION, C };
