/* SIP.ReferClientContext: a transfer that we ask for. ReferServerContext: one that we are asked for. */
'use strict';
const SIP = require('./sip.js');
const EventEmitter = require('./emitter.js');

const isCall = (target) => target instanceof SIP.InviteServerContext || target instanceof SIP.InviteClientContext;

/* RFC 5589 7.3: whom to call, and whose place to take there. */
function attended(target) {
	const { dialog } = target;
	return `<${dialog.remote_target}?Replaces=${encodeURIComponent(dialog.id.call_id)}` +
		`%3Bto-tag%3D${encodeURIComponent(dialog.id.remote_tag)}%3Bfrom-tag%3D${encodeURIComponent(dialog.id.local_tag)}>`;
}

function blind(ua, target) {
	const parsed = typeof target === 'string' ? SIP.Grammar.parse(target, 'Refer_To') : -1;
	return ua.normalizeTarget(parsed !== -1 && parsed && parsed.uri ? parsed.uri : target);
}

function ReferClientContext(ua, applicant, target, options) {
	this.options = options || {};
	this.extraHeaders = (this.options.extraHeaders || []).slice();
	if (ua === undefined || applicant === undefined || target === undefined)
		throw new TypeError('Not enough arguments');
	SIP.Utils.augment(this, SIP.ClientContext, [ua, SIP.C.REFER, applicant.remoteIdentity.uri.toString(), options]);
	this.applicant = applicant;
	this.target = isCall(target) ? attended(target) : blind(ua, target);
	if (!this.target)
		throw new TypeError('Invalid target: ' + target);
	this.extraHeaders.push(`Referred-By: <${ua.configuration.uri}>`, 'Contact: ' + applicant.contact,
		'Allow: ' + SIP.UA.C.ALLOWED_METHODS, 'Refer-To: ' + this.target);
}

ReferClientContext.prototype = Object.create(EventEmitter.prototype);

Object.assign(ReferClientContext.prototype, {
	constructor: ReferClientContext,

	refer(options) {
		options = options || {};
		const extraHeaders = this.extraHeaders.concat(options === this.options ? [] : options.extraHeaders || []);
		const heard = options.receiveResponse || (() => {});
		/* The agent writes a Contact into whatever leaves in a dialog. */
		const said = extraHeaders.filter((line) => !/^Contact:/i.test(line));
		this.applicant.sendRequest(SIP.C.REFER, { extraHeaders: said, receiveResponse: (response) => {
			const kind = Math.floor(response.status_code / 100);
			this.emit(kind === 1 ? 'referRequestProgress' : kind === 2 ? 'referRequestAccepted' : 'referRequestRejected', this);
			heard(response);
		} });
		return this;
	},

	/* A NOTIFY says how far it is. */
	onProgress(status, notify) {
		if (status < 200) {
			this.emit('referProgress', this);
		} else if (status < 300) {
			this.emit('referAccepted', this);
			if (!this.options.activeAfterTransfer && this.applicant.terminate)
				this.applicant.terminate();
		} else {
			this.emit('referRejected', this);
		}
		this.emit('notify', notify);
	},
});

/* ---- asked of us ---- */

function ReferServerContext(ua, request) {
	const S = SIP.Session.C;
	SIP.Utils.augment(this, SIP.ServerContext, [ua, request]);
	this.status = S.STATUS_INVITE_RECEIVED;
	this.from_tag = request.from_tag;
	this.id = request.call_id + this.from_tag;
	this.contact = ua.contact.toString();
	this.logger = ua.getLogger('sip.referservercontext', this.id);
	this.referTo = request.hasHeader('refer-to') ? request.parseHeader('refer-to') : undefined;
	if (!this.referTo) {
		this.logger.warn('REFER without a valid Refer-To');
		this.reject();
		return;
	}
	this.referredSession = ua.findSession(request);
	this.receiveNonInviteResponse = () => {};
	if (request.hasHeader('referred-by'))
		this.referredBy = request.getHeader('referred-by');
	if (this.referTo.uri.hasHeader('replaces'))
		this.replaces = this.referTo.uri.getHeader('replaces');
	this.status = S.STATUS_WAITING_FOR_ANSWER;
}

ReferServerContext.prototype = Object.create(EventEmitter.prototype);

/* What they wrote stays one line each: with a line end in it, it would be headers of theirs in our request. */
function inviteOptions(context, options) {
	const made = Object.assign({}, options), theirs = [];
	if (context.replaces)
		theirs.push('Replaces: ' + decodeURIComponent(context.replaces));
	if (context.referredBy)
		theirs.push('Referred-By: ' + context.referredBy);
	if (/[\r\n\0]/.test(theirs))
		throw new URIError('line end');
	delete made.params;
	return Object.assign(made, { extraHeaders: (made.extraHeaders || []).concat(theirs) });
}

Object.assign(ReferServerContext.prototype, {
	constructor: ReferServerContext,

	check(...statuses) {
		if (!statuses.includes(this.status))
			throw new SIP.Exceptions.InvalidStateError(this.status);
	},

	progress() {
		this.check(SIP.Session.C.STATUS_WAITING_FOR_ANSWER);
		this.request.reply(100);
	},

	reject(options) {
		if (this.status === SIP.Session.C.STATUS_TERMINATED)
			throw new SIP.Exceptions.InvalidStateError(this.status);
		this.logger.log('Rejecting refer');
		this.status = SIP.Session.C.STATUS_TERMINATED;
		SIP.ServerContext.prototype.reject.call(this, options);
		this.release();
		this.emit('referRequestRejected', this);
	},

	accept(options, modifiers) {
		const { served } = this.request, S = SIP.Session.C;
		options = options || {};
		this.check(S.STATUS_WAITING_FOR_ANSWER);
		this.status = S.STATUS_ANSWERED;
		if (served)
			this.ua.agent.call('refer_accept', served.incoming, null);
		this.emit('referRequestAccepted', this);
		if (options.followRefer) {
			this.follow(options, modifiers);
			return;
		}
		this.tell(200);
		this.about('referAccepted');
	},

	follow(options, modifiers) {
		const { uri } = this.referTo;
		if (!/^sips?$/.test(uri.scheme)) {
			this.logger.error('the target is no SIP URI');
			this.tell(603);
			return;
		}
		const target = uri.clone();
		target.clearHeaders();
		try {
			this.targetSession = this.ua.invite(target, inviteOptions(this, options.inviteOptions), modifiers);
		} catch (e) {
			this.logger.error(e);
			this.notFollowed(400);
			return;
		}
		this.emit('referInviteSent', this);
		this.targetSession.once('progress', () => {
			this.tell(100);
			this.about('referProgress');
		});
		this.targetSession.once('accepted', () => {
			this.logger.log('Successfully followed the refer');
			this.tell(200);
			this.about('referAccepted');
		});
		for (const event of ['rejected', 'failed'])
			this.targetSession.once(event, (response) => this.followFailed(response));
	},

	followFailed(response) {
		if (this.status === SIP.Session.C.STATUS_TERMINATED)
			return;
		this.logger.log('Refer was not successful. Resuming session');
		if (response && response.status_code === 429) {
			this.tell(429, 'Provide Referrer Identity');
			return;
		}
		this.notFollowed(603, 'Declined');
	},

	notFollowed(status, reason) {
		this.tell(status, reason);
		this.status = SIP.Session.C.STATUS_TERMINATED;
		this.about('referRejected');
	},

	/* Here, and on the call that it came in. */
	about(event) {
		this.emit(event, this);
		if (this.referredSession)
			this.referredSession.emit(event, this);
	},

	sendNotify(body) {
		const found = /^SIP\/2\.0 (\d{3}) ?([^\r\n]*)/.exec(body);
		this.check(SIP.Session.C.STATUS_ANSWERED);
		if (!found)
			throw new Error('sipfrag body is required to send notify for refer');
		this.tell(Number(found[1]), found[2]);
	},

	tell(status, reason) {
		const { served } = this.request;
		if (!served || !served.incoming)
			return;
		this.ua.agent.call('refer_tell', served.incoming, status, reason || null);
		if (status >= 200)
			this.release();
	},

	/* The agent's part of it is given back. */
	release() {
		const { served } = this.request;
		if (!served || !served.incoming)
			return;
		this.ua.agent.call('incoming_free', served.incoming);
		served.incoming = 0;
	},
});

module.exports = { ReferClientContext, ReferServerContext };
