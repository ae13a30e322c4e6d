/* The members of SIP that need the agent. Each looks the others up in SIP when it is used, so the
 * order matters only for what is inherited. */
'use strict';
const SIP = require('./sip.js');

function add(name, value) {
	SIP[name] = value;
}

const { ClientContext, ServerContext } = require('./contexts.js');
add('ClientContext', ClientContext);
add('ServerContext', ServerContext);
add('Transport', require('./transport.js'));
add('Dialog', require('./dialog.js'));
add('Session', require('./session.js'));
const { InviteClientContext, InviteServerContext } = require('./invite.js');
add('InviteClientContext', InviteClientContext);
add('InviteServerContext', InviteServerContext);
const { ReferClientContext, ReferServerContext } = require('./refer.js');
add('ReferClientContext', ReferClientContext);
add('ReferServerContext', ReferServerContext);
add('RegisterContext', require('./registercontext.js'));
add('Subscription', require('./subscription.js'));
add('DigestAuthentication', require('./digestauthentication.js'));
add('PublishContext', require('./publish.js'));
/* Not a member of SIP.js's object; the session makes its digits by it. */
Object.defineProperty(SIP, 'DTMF', { value: require('./dtmf.js'), writable: true, configurable: true });
add('UA', require('./ua.js'));

module.exports = {};
