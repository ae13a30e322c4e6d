/* Calls, as both libraries play them. `ours`: what is different here on purpose, and why: functions
 * that make SIP.js's result what the reference asks of us. */
'use strict';

module.exports = {
	'a call out, answered, ended by us': async (s, w) => {
		await s.start();
		await s.callOut();
		await w.answer(s.invite, 100);
		await w.answer(s.invite, 180, { headers: [s.contact] });
		await s.answered();
		s.call.bye();
		await w.answer(await w.next('BYE'), 200);
	},

	'a call out, answered, ended by them': async (s, w) => {
		await s.start();
		await s.up();
		await s.inside('BYE');
		await w.next('200 BYE');
	},

	'a call out is refused: 486': refused(486),
	'a call out is refused: 404': refused(404),
	'a call out is refused: 480': refused(480),
	'a call out is refused: 302': refused(302),
	'a call out is refused: 503': refused(503),
	'a call out is refused: 603': refused(603),
	'a call out is refused: 488': refused(488),

	'a call out that nobody answers': async (s, w) => {
		await s.start();
		await s.callOut();
		await w.pass(40000);
	},

	'a call out with headers, another target and a display name': async (s, w) => {
		await s.start({ displayName: 'Alice A' });
		await s.callOut({ extraHeaders: ['X-One: 1', 'X-Two: two'] }, '600');
		await w.answer(s.invite, 486);
		await w.next('ACK');
	},

	'a call out is cancelled while it rings': async (s, w) => {
		await s.start();
		await s.callOut();
		await w.answer(s.invite, 100);
		await w.answer(s.invite, 180, { headers: [s.contact] });
		s.call.cancel();
		await w.answer(await w.next('CANCEL'), 200);
		await w.answer(s.invite, 487);
		await w.next('ACK');
	},

	'a call out is cancelled with a reason': async (s, w) => {
		await s.start();
		await s.callOut();
		await w.answer(s.invite, 180, { headers: [s.contact] });
		s.call.cancel({ status_code: 486, reason_phrase: 'Busy Here' });
		await w.answer(await w.next('CANCEL'), 200);
		await w.answer(s.invite, 487);
		await w.next('ACK');
	},

	'terminate() of a call that rings cancels it': async (s, w) => {
		await s.start();
		await s.callOut();
		await w.answer(s.invite, 180, { headers: [s.contact] });
		s.call.terminate();
		await w.answer(await w.next('CANCEL'), 200);
		await w.answer(s.invite, 487);
		await w.next('ACK');
	},

	'a call out without an offer': async (s, w) => {
		await s.start();
		await s.callOut({ inviteWithoutSdp: true });
		await s.answered();
		s.call.bye();
		await w.answer(await w.next('BYE'), 200);
	},

	'a call out whose media cannot be had': async (s) => {
		await s.start();
		s.failGet = true;
		s.call = s.ua.invite('bob@example.com');
		await s.world.pass(100);
	},

	/* SIP.js does not say that it is over. */
	'a call out whose answer cannot be used': {
		async run(s, w) {
			await s.start();
			await s.callOut();
			s.failSet = true;
			await w.answer(s.invite, 200, { headers: [s.contact], body: 'v=0 theirs' });
			await w.next('BYE');
		},
		ours(r) {
			r.events.push('call: terminated(response 200 to INVITE, "Bad Media Description")');
			r.media.push('close');
			return r;
		},
	},

	'an anonymous call': async (s, w) => {
		await s.start();
		await s.callOut({ anonymous: true });
		await w.answer(s.invite, 486);
		await w.next('ACK');
	},

	'a call out is challenged': challenged('a call'),

	'a call in, accepted, ended by them': async (s, w) => {
		await s.start();
		await s.upIn();
		await s.inside('BYE');
		await w.next('200 BYE');
	},

	'a call in, accepted, ended by us': async (s, w) => {
		await s.start();
		await s.upIn();
		s.call.bye();
		await w.answer(await w.next('BYE'), 200);
	},

	'a call in, accepted with headers': async (s) => {
		await s.start();
		await s.upIn({ extraHeaders: ['X-One: 1'] });
	},

	'a call in is rejected': async (s, w) => {
		await s.start();
		await s.callIn();
		s.call.reject();
		await w.next('480 INVITE');
	},

	'a call in is rejected as busy': async (s, w) => {
		await s.start();
		await s.callIn();
		s.call.reject({ statusCode: 486 });
		await w.next('486 INVITE');
	},

	'terminate() of a call in that rings rejects it': async (s, w) => {
		await s.start();
		await s.callIn();
		s.call.terminate();
		await w.next('480 INVITE');
	},

	'a call in is cancelled': async (s, w) => {
		await s.start();
		await s.callIn();
		await s.cancelled();
		await w.next('487 INVITE');
	},

	'a call in that nobody answers': async (s, w) => {
		await s.start({ noAnswerTimeout: 10 });
		await s.callIn();
		await w.pass(11000);
		await w.next('408 INVITE');
	},

	'a call in with progress': async (s, w) => {
		await s.start();
		await s.callIn();
		s.call.progress({ statusCode: 183, extraHeaders: ['X-One: 1'] });
		await w.next('183 INVITE');
		await s.accepted();
		await s.ack();
	},

	'a call in without an offer': async (s) => {
		await s.start();
		await s.callIn({ body: '' });
		await s.accepted();
		await s.ack({ body: 'v=0 theirs' });
	},

	'a call in whose media cannot be had': async (s, w) => {
		await s.start();
		await s.callIn();
		s.failGet = true;
		s.call.accept();
		await w.next('480 INVITE');
	},

	'an ACK that never comes': async (s, w) => {
		await s.start();
		await s.callIn();
		await s.accepted();
		await w.pass(33000);
	},

	'hold and unhold': async (s, w) => {
		await s.start();
		await s.up();
		s.attempt(() => s.call.hold());
		await reanswered(s, w);
		s.note(`held ${s.call.local_hold}`);
		s.attempt(() => s.call.hold());
		s.attempt(() => s.call.unhold());
		await reanswered(s, w);
		s.note(`held ${s.call.local_hold}`);
	},

	'a re-INVITE of ours': async (s, w) => {
		await s.start();
		await s.up();
		s.attempt(() => s.call.reinvite());
		s.attempt(() => s.call.reinvite());
		await reanswered(s, w);
	},

	'a re-INVITE of ours is refused': async (s, w) => {
		await s.start();
		await s.up();
		s.call.reinvite();
		await w.answer(await w.next('INVITE'), 488);
		await w.next('ACK');
	},

	'a re-INVITE of theirs': async (s, w) => {
		await s.start();
		await s.upIn();
		await s.inside('INVITE', { headers: ['Contact: <sip:bob@server.example.com>'], body: 'v=0 theirs again' });
		await w.next('200 INVITE');
		await s.inside('ACK', { cseq: s.cseq });
	},

	'a re-INVITE of theirs that cannot be used': async (s, w) => {
		await s.start();
		await s.upIn();
		s.failSet = true;
		await s.inside('INVITE', { headers: ['Contact: <sip:bob@server.example.com>'], body: 'v=0 bad' });
		await w.next('488 INVITE');
	},

	'digits out': async (s, w) => {
		await s.start();
		await s.up();
		s.attempt(() => s.call.dtmf('12', { duration: 200 }));
		await w.answer(await w.next('INFO'), 200);
		await w.pass(800);
		await w.answer(await w.next('INFO'), 200);
		await w.pass(800);
	},

	'a digit out is refused': async (s, w) => {
		await s.start();
		await s.up();
		s.call.dtmf('#');
		await w.answer(await w.next('INFO'), 488);
		await w.pass(800);
	},

	'a digit in': async (s, w) => {
		await s.start();
		await s.upIn();
		await s.inside('INFO', { type: 'application/dtmf-relay', body: 'Signal= 5\r\nDuration= 160\r\n' });
		await w.next('200 INFO');
	},

	'an INFO that is no digit': async (s, w) => {
		await s.start();
		await s.upIn();
		await s.inside('INFO', { type: 'text/plain', body: 'hello' });
		await w.next('415 INFO');
	},

	'wrong states and wrong arguments': async (s, w) => {
		await s.start();
		await s.callOut();
		s.attempt(() => s.call.dtmf('1'));
		s.attempt(() => s.call.hold());
		s.attempt(() => s.call.refer('carol@example.com'));
		await w.answer(s.invite, 180, { headers: [s.contact] });
		await s.answered();
		s.attempt(() => s.call.cancel());
		s.attempt(() => s.call.dtmf());
		s.attempt(() => s.call.dtmf('x'));
		s.attempt(() => s.call.dtmf('1', { duration: 'long' }));
		s.attempt(() => s.call.dtmf('1', { interToneGap: 'long' }));
		s.attempt(() => s.call.bye({ statusCode: 100 }));
		s.attempt(() => s.ua.invite());
		s.attempt(() => s.ua.invite(''));
		await s.inside('BYE');
		s.attempt(() => s.call.cancel());
		s.attempt(() => s.call.hold());
	},

	'a reliable 183 of theirs with a description': async (s, w) => {
		await s.start({ rel100: 'supported' });
		await s.callOut();
		await w.answer(s.invite, 183, { headers: [s.contact, 'Require: 100rel', 'RSeq: 7'], body: 'v=0 early' });
		await w.answer(await w.next('PRACK'), 200);
		s.note(`status ${s.call.status}`);
		await w.answer(s.invite, 200, { headers: [s.contact] });
		await w.next('ACK');
	},

	'a reliable 180 of theirs': async (s, w) => {
		await s.start({ rel100: 'supported' });
		await s.callOut();
		await w.answer(s.invite, 180, { headers: [s.contact, 'Require: 100rel', 'RSeq: 7'] });
		await w.answer(await w.next('PRACK'), 200);
		await s.answered();
	},

	/* Ours says again in the 200 what was agreed on, which the other side ignores (RFC 3261 13.2.1). */
	'a reliable 183 of ours, then 200': {
		async run(s, w) {
			await s.start();
			await s.callIn({ headers: ['Supported: 100rel'] });
			s.call.progress({ statusCode: 183, rel100: true });
			const early = await w.next('183 INVITE');
			s.ourTag = early.tag('To');
			s.note(`status ${s.call.status}`);
			await s.inside('PRACK', { headers: [`RAck: ${early.get('RSeq')} ${s.ringing.cseq} INVITE`] });
			await w.next('200 PRACK');
			await s.accepted();
			await s.ack();
			s.note(`status ${s.call.status}`);
		},
		ours(r) {
			const last = r.wire.pop();
			r.wire.push(last.replace('cseq:', 'content-type: application/sdp\ncseq:') + '\n\nv=0 ours 1');
			return r;
		},
	},

	'rel100 demanded': async (s, w) => {
		await s.start({ rel100: 'required' });
		await s.callOut();
		await w.answer(s.invite, 486);
		await w.next('ACK');
	},

	'stop() while a call is up': async (s, w) => {
		await s.start();
		await s.up();
		s.ua.stop();
		await w.answer(await w.next('BYE'), 200);
		await w.pass(100);
	},

	'stop() while a call of theirs rings': async (s, w) => {
		await s.start();
		await s.callIn();
		s.ua.stop();
		await w.next('480 INVITE');
		await w.pass(100);
	},

	'a second call of theirs beside one that is up': async (s, w) => {
		await s.start();
		await s.up();
		await s.callIn();
		s.call.reject({ statusCode: 486, reasonPhrase: 'On The Phone' });
		await w.next('486 INVITE');
	},

	'a NOTIFY in a call': async (s, w) => {
		await s.start();
		await s.up();
		await s.inside('NOTIFY', { headers: ['Event: talk', 'Subscription-State: active'] });
		await w.next('200 NOTIFY');
	},

	'OPTIONS in a call': async (s, w) => {
		await s.start();
		await s.up();
		await s.inside('OPTIONS');
		await w.next('200 OPTIONS');
	},
};

function refused(status) {
	return async (s, w) => {
		await s.start();
		await s.callOut();
		await w.answer(s.invite, status);
		await w.next('ACK');
	};
}

async function reanswered(s, w) {
	await w.answer(await w.next('INVITE'), 200, { headers: [s.contact], body: 'v=0 theirs again' });
	await w.next('ACK');
	await w.settle();
}

function challenged() {
	return async (s, w) => {
		await s.start({ password: 'secret' });
		await s.callOut();
		await w.answer(s.invite, 407, { headers: ['Proxy-Authenticate: Digest realm="example.com", nonce="abc", qop="auth", algorithm=MD5'] });
		await w.next('ACK');
		s.invite = await w.next('INVITE');
		await s.answered();
	};
}
