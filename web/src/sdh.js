/* SIP.SessionDescriptionHandler: what a session asks of whatever makes its media. An application's own
 * handler is an object with these methods; inheriting from here is optional. */
'use strict';

const EventEmitter = require('./emitter.js');

function SessionDescriptionHandler() {
	EventEmitter.call(this);
}
SessionDescriptionHandler.prototype = Object.create(EventEmitter.prototype, {
	constructor: { value: SessionDescriptionHandler, writable: true, configurable: true },
});

for (const name of [
	/* Ends the media. May be called more than once. */
	'close',
	/* (options, modifiers) -> promise of {body, contentType}: an offer, or the answer to the offer that was set. */
	'getDescription',
	/* (contentType) -> whether a body of this type is a description. */
	'hasDescription',
	/* ({type, sdp}) -> promise of the same, that puts the peer on hold. */
	'holdModifier',
	/* (body, options, modifiers) -> promise; it is rejected when the body cannot be used. */
	'setDescription',
])
	Object.defineProperty(SessionDescriptionHandler.prototype, name, { value() {}, writable: true, configurable: true });

module.exports = SessionDescriptionHandler;
