/* What went wrong, in words: of a call, of a registration, of a device. */

const REFUSALS = {
	401: 'Wrong account or password.', 403: 'The server does not allow this.', 404: 'Nobody has this number.',
	407: 'Wrong account or password.', 408: 'The server did not answer in time.', 410: 'This number is used no more.',
	415: 'The other side does not understand this.', 480: 'Not available.', 481: 'The call is not known there any more.',
	484: 'The number is not complete.', 486: 'Busy.', 487: 'Cancelled.', 488: 'The two sides have no way of speaking in common.',
	489: 'The server does not tell this.', 500: 'The server has a fault.', 501: 'The server cannot do this.',
	503: 'The server is too busy; try again in a while.', 504: 'Somebody on the way did not answer in time.',
	600: 'Busy everywhere.', 603: 'Declined.', 604: 'This number does not exist.', 606: 'The two sides have no way of speaking in common.',
};
const CAUSES = {
	'Connection Error': 'The connection to the server was lost.', 'Request Timeout': 'No answer in time.', Canceled: 'Cancelled.',
	'No Answer': 'Not answered.', Expires: 'Not answered in time.', 'No ACK': 'The other side did not confirm the call.',
	'Dialog Error': 'The call is not known there any more.', 'WebRTC Error': 'Sound could not be set up.',
	'Bad Media Description': 'The other side sent no usable description of its sound.',
	'User Denied Media Access': 'The microphone was not allowed.',
};

/* `message`: the response, if there was one. "" when nothing went wrong. */
export function refusal(message, cause) {
	const code = message && message.status_code;
	if (code)
		return REFUSALS[code] || `Refused: ${code} ${message.reason_phrase || ''}`.trim();
	return cause ? CAUSES[cause] || `${cause}.` : '';
}

/* An account that is refused for good; the others are tried again. */
export const isWrongAccount = (response) => Boolean(response && [401, 403, 404, 407].includes(response.status_code));

export function registrationTrouble(response, cause) {
	const code = response && response.status_code;
	if (code === 404)
		return 'The server does not know this account.';
	if (code === 403)
		return 'The server does not let this account in: wrong account or password?';
	return refusal(response, cause) || 'The server does not register this account.';
}

/* An error of getUserMedia. */
export function deviceTrouble(error, wantsVideo) {
	const what = wantsVideo ? 'microphone or camera' : 'microphone', name = error && error.name;
	if (!window.isSecureContext)
		return `No ${what}: browsers give it only to pages over https, or of this machine (127.0.0.1). Open the page by https.`;
	switch (name) {
	case 'NotAllowedError':
	case 'SecurityError':
		return `The ${what} is not allowed. Allow it for this page: the sign is in or beside the address of the page.`;
	case 'NotFoundError':
	case 'DevicesNotFoundError':
		return `No ${what} was found. Is it plugged in?`;
	case 'OverconstrainedError':
		return `The ${what} chosen in the settings is gone. Choose another one there.`;
	case 'NotReadableError':
	case 'TrackStartError':
	case 'AbortError':
		return `The ${what} does not start. Does another program use it?`;
	default:
		return `No ${what}: ${error && error.message || name || 'unknown'}`;
	}
}
