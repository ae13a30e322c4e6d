/* What the agent tells of a session, as the events of an application: one method each, named as in
 * enum sidetone_event_type. `message` is the event's, `e` may be read until the method returns. */
'use strict';
const SIP = require('./sip.js');
const { outgoing } = require('./wire.js');
const { serve } = require('./answer.js');
const { settled } = require('./renew.js');

/* A request inside a session's dialog, which its owner waits for. */
class InsideRequest {
	constructor(ua, handle, owner, sent) {
		Object.assign(this, { ua, handle, owner, sent });
	}

	end() {
		this.ua.agent.forgetUnsent(this.sent);
		this.ua.agent.requests.delete(this.handle);
		this.ua.agent.call('request_free', this.handle);
	}

	on_progress(e, response) {
		this.owner.receiveResponse(response);
	}

	on_accepted(e, response) {
		this.end();
		this.owner.receiveResponse(response);
	}

	on_rejected(e, response) {
		this.end();
		this.owner.receiveResponse(response);
	}

	on_failed(e, response) {
		const cause = e.cause;
		this.end();
		if (!response)
			this.owner.onFailed(cause);
	}
}

const methods = {
	/* ---- by name, as they were called by those who wrote their own contexts ---- */

	failed(response, cause) {
		this.emit('failed', response || null, cause || null);
		return this;
	},

	rejected(response, cause) {
		this.emit('rejected', response || null, cause || null);
		return this;
	},

	canceled() {
		this.emit('cancel');
		return this;
	},

	accepted(response, cause) {
		this.startTime = new Date();
		this.emit('accepted', response, SIP.Utils.getReasonPhrase(response && response.status_code, cause));
		return this;
	},

	terminated(message, cause) {
		if (this.over)
			return this;
		this.over = true;
		this.endTime = new Date();
		this.close();
		this.emit('terminated', message || null, cause || null);
		return this;
	},

	/* It cannot go on: failed, unless it was up, and terminated. */
	giveUp(response, cause) {
		if (this.status === SIP.Session.C.STATUS_TERMINATED)
			return;
		if (this.status !== SIP.Session.C.STATUS_CONFIRMED)
			this.failed(response, cause);
		this.terminated(response, cause);
	},

	onDialogError(response) {
		this.giveUp(response, SIP.C.causes.DIALOG_ERROR);
	},

	onRequestTimeout() {
		this.giveUp(null, SIP.C.causes.REQUEST_TIMEOUT);
	},

	onTransportError() {
		if (this.status !== SIP.Session.C.STATUS_CONFIRMED)
			this.giveUp(null, SIP.C.causes.CONNECTION_ERROR);
	},

	/* ---- told by the agent ---- */

	/* Our response, when the call is theirs. */
	subject(e, message) {
		return message || e.text || null;
	},

	on_progress(e, message) {
		this.emit('progress', this.subject(e, message));
	},

	on_accepted(e, message) {
		/* An early dialog has become the call's. */
		if (message instanceof SIP.IncomingResponse)
			this.haveDialog(message);
		this.accepted(this.subject(e, message), e.cause || undefined);
	},

	on_rejected(e, message) {
		this.rejected(this.subject(e, message), e.cause);
	},

	on_failed(e, message) {
		this.failed(this.subject(e, message), e.cause);
	},

	on_terminated(e, message) {
		this.terminated(message, e.cause);
	},

	/* In the message that just came. */
	on_dialog() {
		this.haveDialog(this.ua.agent.current());
	},

	haveDialog(message) {
		const theirs = message instanceof SIP.IncomingRequest, id = message.call_id + (theirs ? message.to_tag + message.from_tag
			: message.from_tag + message.to_tag);
		const early = !theirs && message.status_code < 200;
		if (this.ua.dialogs[id] && this.ua.dialogs[id].owner === this) {
			if (!early)
				this.dialog = this.ua.dialogs[id];
			return;
		}
		const dialog = new SIP.Dialog(this, message, theirs ? 'UAS' : 'UAC', early ? SIP.Dialog.C.STATUS_EARLY : SIP.Dialog.C.STATUS_CONFIRMED);
		if (early)
			this.earlyDialogs[id] = dialog;
		else
			this.dialog = dialog;
	},

	/* A request of ours in its dialog went out. The ACK of a first INVITE is told by the agent. */
	left(method, text) {
		if (method === 'BYE')
			this.sayBye(text);
		else if (method === 'PRACK')
			this.sayPrack(text, this.ua.agent.current());
		else if (this.pendingReinvite && (method === 'INVITE' || /^SIP\/2\.0 2/.test(this.ua.agent.came)))
			this.emit(method.toLowerCase(), outgoing(this.ua, text));
	},

	/* Told when it takes an answer that is early media. */
	sayPrack(text, response) {
		if (!response.body)
			return;
		this.haveDialog(response);
		this.emit('prack', outgoing(this.ua, text));
	},

	/* Once; it may have been told before it could leave. */
	sayBye(text) {
		if (this.said_bye)
			return;
		this.said_bye = true;
		this.emit('bye', outgoing(this.ua, text));
	},

	on_ack(e) {
		this.emit('ack', outgoing(this.ua, e.text));
	},

	/* Theirs; of ours cancel() has told. */
	on_cancel(e, message) {
		if (message)
			this.canceled();
	},

	on_confirmed(e, message) {
		this.emit('confirmed', message);
	},

	on_reinvite() {
		this.answering = null;
		this.theirs_pending = true;
		this.emit('reinvite', this);
	},

	on_reinviteAccepted() {
		if (this.theirs_pending)
			this.theirs_pending = false;
		else
			this.pendingReinvite = false;
		this.emit('reinviteAccepted', this);
		settled(this);
	},

	/* Their re-INVITE was refused. */
	theirsFailed() {
		if (!this.theirs_pending)
			return;
		this.theirs_pending = false;
		this.emit('reinviteFailed', this);
		settled(this);
	},

	on_reinviteFailed(e, message) {
		const error = this.mediaError || new SIP.Exceptions.RenegotiationError('Invalid response to a re-invite');
		this.mediaError = null;
		if (!this.pendingReinvite) {
			this.theirsFailed();
			return;
		}
		this.local_hold = this.pendingReinvite.was_held;
		this.pendingReinvite = false;
		this.emit('reinviteFailed', this);
		this.emit('renegotiationError', error);
		settled(this, !message && !this.ua.isConnected());
	},

	on_info(e, request) {
		const handler = this.sessionDescriptionHandler;
		serve(this.ua, request, { incoming: e.incoming });
		try {
			/* Candidates of a peer that trickles. */
			if (handler && handler.hasTrickle && handler.hasTrickle(request.getHeader('Content-Type'))) {
				request.reply(200);
				handler.addTrickle(request.body);
			} else if (this.onInfo)
				this.onInfo(request);
			else
				request.reply(415, null, ['Accept: application/dtmf-relay']);
		} finally {
			/* It is answered by the agent now, if nobody did. */
			request.served.incoming = 0;
		}
	},

	on_dtmf(e, request) {
		const tone = e.text, duration = e.status;
		if (this.onInfo && request)
			this.onInfo(request);
		else
			this.emit('dtmf', request, SIP.DTMF.came(this, tone, duration, request));
	},

	on_notify(e, request) {
		this.emit('notify', request);
	},

	on_referRequested(e, request) {
		serve(this.ua, request, { incoming: e.incoming });
		this.logger.log('REFER received');
		if (request.damaged) {
			request.reply(400);
			this.ua.agent.call('incoming_free', request.served.incoming);
			return;
		}
		const context = new SIP.ReferServerContext(this.ua, request);
		if (context.status === SIP.Session.C.STATUS_TERMINATED)
			return;
		this.referContext = context;
		if (this.listeners('referRequested').length) {
			this.emit('referRequested', this.referContext);
			return;
		}
		this.logger.log('nobody listens: the REFER is followed');
		this.referContext.accept(Object.assign({ followRefer: true }, this.passedOptions && { inviteOptions: this.passedOptions }), this.modifiers);
	},

	on_referProgress(e, message) {
		if (this.referContext && this.referContext.onProgress)
			this.referContext.onProgress(e.status, message);
	},

	on_replaced(e) {
		this.emit('replaced', this.ua.agent.sessions.get(e.other) || null);
	},

	on_bye(e, request) {
		if (request)
			this.emit('bye', request);
		else
			this.sayBye(e.text);
	},
};

module.exports = { methods, InsideRequest };
