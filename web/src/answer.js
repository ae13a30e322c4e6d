/* Answers to what others ask: IncomingRequest.reply() reaches the agent through what is noted here. */
'use strict';
const { headerBlock } = require('./wire.js');

/* How request.reply() gets out: `handles` has {incoming} or {session}. */
function serve(ua, request, handles) {
	Object.defineProperty(request, 'served', { value: Object.assign({ ua, reply }, handles), configurable: true, writable: true });
}

const bodyOf = (body) => (body && typeof body === 'object' ? body : { body, contentType: 'application/sdp' });

/* The text of the response, undefined: none left. */
function reply(status, reason, extraHeaders, body) {
	const { ua, incoming, session } = this, agent = ua.agent, { body: text, contentType } = bodyOf(body);
	const before = agent.last_sent, headers = headerBlock(extraHeaders);
	agent.last_sent = undefined;
	if (incoming)
		agent.call('incoming_reply', incoming, status, reason || null, headers, text ? contentType : null, text || null);
	else if (session)
		agent.call('session_' + (status < 200 ? 'progress' : 'reject'), session, status, reason || null, headers, ...(status < 200 ? [0] : []));
	const sent = agent.last_sent;
	agent.last_sent = sent || before;
	return sent;
}

module.exports = { serve };
