/* The descriptions of a session: the agent asks for one, or hands one in, and the application's
 * SessionDescriptionHandler answers, now or later. Whatever it throws ends this session's attempt alone. */
'use strict';
const SIP = require('./sip.js');

const OFFER = 0;

/* A description as a handler gives it; one that is only text is SDP. */
const bodyOf = (description) => (typeof description === 'string' ? { body: description, contentType: 'application/sdp' } : description || {});

/* `make` may throw, give a promise, or what a promise would. */
function attempt(make) {
	return new Promise((resolve) => { resolve(make()); });
}

const methods = {
	setupSessionDescriptionHandler() {
		if (!this.sessionDescriptionHandler) {
			const options = this.sessionDescriptionHandlerFactoryOptions || this.ua.configuration.sessionDescriptionHandlerFactoryOptions || {};
			this.sessionDescriptionHandler = this.sessionDescriptionHandlerFactory(this, options);
		}
		return this.sessionDescriptionHandler;
	},

	/* What the call that led to this description said. */
	descriptionOptions() {
		const options = this.pendingReinvite ? this.pendingReinvite.options : this.answering || {};
		return [options.sessionDescriptionHandlerOptions || this.sessionDescriptionHandlerOptions, options.modifiers || this.modifiers];
	},

	/* Begun before the agent asks, so that the handler is there when invite() is over. */
	prepareOffer() {
		this.offer = attempt(() => this.setupSessionDescriptionHandler().getDescription(this.sessionDescriptionHandlerOptions, this.modifiers));
		this.offer.catch(() => {});
	},

	on_describe(e) {
		const kind = e.status, handle = this.handle, [options, modifiers] = this.descriptionOptions();
		const made = this.offer || attempt(() => this.setupSessionDescriptionHandler().getDescription(options, modifiers));
		this.offer = null;
		made.then((description) => {
			if (this.handle !== handle)
				return;
			const { body, contentType } = bodyOf(description);
			this[kind === OFFER ? 'hasOffer' : 'hasAnswer'] = true;
			this.ua.agent.call('session_describe', handle, contentType || 'application/sdp', body || '');
			this.sync();
		}).catch((error) => {
			this.mediaFailed(error);
			if (this.handle === handle)
				this.ua.agent.call('session_describe', handle, null, null);
			this.sync();
			this.theirsFailed();
		});
	},

	on_setDescription(e) {
		const kind = e.status, handle = this.handle, body = e.text, type = e.cause || undefined;
		/* What a re-INVITE of ours adds (hold) is for our description alone. */
		const [options, modifiers] = this.answering && !this.pendingReinvite ? this.descriptionOptions()
			: [this.sessionDescriptionHandlerOptions, this.modifiers];
		const done = (status) => {
			if (this.handle === handle)
				this.ua.agent.call('session_described', handle, status);
			this.sync();
			if (status)
				this.theirsFailed();
		};
		let handler;
		try {
			handler = this.setupSessionDescriptionHandler();
			if (!handler.hasDescription(type)) {
				this.mediaError = new SIP.Exceptions.RenegotiationError('there is no description');
				done(415);
				return;
			}
		} catch (error) {
			this.mediaFailed(error);
			done(488);
			return;
		}
		this[kind === OFFER ? 'hasOffer' : 'hasAnswer'] = true;
		attempt(() => handler.setDescription(body, options, modifiers)).then(() => done(0), (error) => {
			this.mediaFailed(error);
			done(488);
		});
	},

	/* What went wrong, for renegotiationError. */
	mediaFailed(error) {
		this.mediaError = error;
		this.logger.warn(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
	},

	on_mediaClosed() {
		this.closeMedia();
	},

	closeMedia() {
		const handler = this.sessionDescriptionHandler;
		try {
			if (handler)
				handler.close();
		} catch (error) {
			this.logger.warn(`the session description handler: ${error}`);
		}
	},
};

module.exports = { methods };
