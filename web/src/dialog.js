/* SIP.Dialog: what an application reads of a session's dialog. The dialog itself is the agent's. */
'use strict';

const C = { STATUS_EARLY: 1, STATUS_CONFIRMED: 2 };

const routes = (message) => message.getHeaders('record-route');

function contactUri(message) {
	const contact = message.hasHeader('contact') && message.parseHeader('contact');
	return contact ? contact.uri : undefined;
}

/* `type`: UAS when `message` is their request, UAC when it is their response. */
function Dialog(owner, message, type, state) {
	const server = type === 'UAS';
	this.owner = owner;
	this.ua = owner.ua;
	this.uac_pending_reply = this.uas_pending_reply = false;
	this.pracked = [];
	this.state = state || C.STATUS_CONFIRMED;
	this.id = {
		call_id: message.call_id,
		local_tag: server ? message.to_tag : message.from_tag,
		remote_tag: server ? message.from_tag : message.to_tag,
		toString() { return this.call_id + this.local_tag + this.remote_tag; },
	};
	this.local_seqnum = server ? 0 : message.cseq;
	this.remote_seqnum = server ? message.cseq : null;
	this.local_uri = (server ? message.to : message.from).uri;
	this.remote_uri = (server ? message.from : message.to).uri;
	this.remote_target = contactUri(message);
	this.route_set = server ? routes(message) : routes(message).reverse();
	this.logger = owner.ua.getLogger('sip.dialog', this.id.toString());
	this.ua.dialogs[this.id.toString()] = this;
	if (owner.emit)
		owner.emit('dialog', this);
}

Object.assign(Dialog.prototype, {
	update(message, type) {
		this.state = C.STATUS_CONFIRMED;
		this.remote_target = contactUri(message) || this.remote_target;
		if (type === 'UAC')
			this.route_set = routes(message).reverse();
	},

	terminate() {
		delete this.ua.dialogs[this.id.toString()];
	},
});

Dialog.C = C;
module.exports = Dialog;
