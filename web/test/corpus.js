/* Header values for differential tests, and texts that are nearly like them. */
'use strict';

const rules = {
	SIP_URI: ['sip:alice@example.com', 'SIPS:a:b@[::1]:5061;transport=tcp;lr?h=v&x=y', 'sip:1.2.3.4;user=phone',
		'sip:%61b;c=d@h.example:5;ttl=5;method=INVITE', 'sip:+1-2(3).4@gw;phone-context=a'],
	Name_Addr_Header: ['"A \\"q\\" b" <sip:a@b;x=y>;tag=1;q=0.5;z', 'Bob Builder <sips:c>', '<sip:a@b?H=v>;x="y;z";w=[::1]'],
	Contact: ['"A" <sip:a@b>;expires=5, sip:c@d;q=0.7,<sip:e>', '<sip:a@b;ob>;reg-id=1;+sip.instance="<urn:uuid:0>"'],
	Record_Route: ['<sip:a;lr>, <sip:b;lr>;x=y'],
	From: ['"A" <sip:a@b>;tag=abc;x=y', 'sip:a@b;tag=x'],
	To: ['A B <sip:a@b>;tag=abc', 'sip:a@b'],
	Refer_To: ['<sip:a@b?Replaces=x%3Bto-tag%3D1>;x=y', 'sip:a@b;method=BYE'],
	Via: ['SIP/2.0/WSS a.invalid:5060;branch=z9hG4bKabc;rport;received=1.2.3.4', 'SIP / 2.0 / UDP [::1];x="y";ttl=5',
		'SIP/2.0/TLS a ; branch = b'],
	CSeq: ['1 INVITE', '4711  ACK'],
	Event: ['presence;id=5', 'message-summary.winfo ; x = y'],
	Content_Disposition: ['session;handling=optional;x=y'],
	Content_Type: ['application/sdp', 'multipart/mixed;boundary="x y";a=b'],
	Replaces: ['a@b;to-tag=1;from-tag=2;early-only', 'x;from-tag=a;to-tag=b;q=1'],
	Subscription_State: ['active;expires=60', 'terminated;reason=timeout;retry-after=5'],
	Supported: ['100rel, path,gruu'],
	Require: ['a , b'],
	Min_SE: ['90;a=b'],
	Session_Expires: ['1800;refresher=uas;x'],
	challenge: ['Digest realm="a", nonce="b", qop="auth,auth-int", algorithm=MD5, stale=true, opaque="c", x=y',
		'Digest realm="a b",nonce="q\\"",domain="/x"'],
	Proxy_Authenticate: ['Digest realm="a", nonce="b"'],
	WWW_Authenticate: ['Basic realm="x"'],
	Request_Response: ['INVITE sip:a@b;x=y SIP/2.0', 'SIP/2.0 200 OK', 'FOO http://a.b:5/c?d SIP/2.0',
		'SIP/2.0 183 Session Progress'],
	sipfrag: ['SIP/2.0 100 Trying\r\n', 'SIP/2.0 200 OK'],
	host: ['a.b-c.d1', '1.2.3.4', '[2001:db8::1]', '[1:2:3:4:5:6:7:8]'],
	absoluteURI: ['http://a.b:80/c;d?e', 'urn:x:y', 'mailto:a@b', 'x:/a/b'],
	uuid: ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
	quoted_string: [' "a\\"b \u00e9"'],
	displayName: ['A b', '"q \u00e9"'],
	Call_ID: ['a@b', '<x>'],
	Content_Length: ['123'],
	Max_Forwards: ['70'],
};

const CHARACTERS = Array.from(' \t\r\n",;:<>@=?&%/\\.-_+()[]{}abAZ019\u00e9*|#$\u0001');

/* Numbers below n that are the same for the same seed (mulberry32). */
function random(seed) {
	let state = seed;
	return (n) => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) % n;
	};
}

/* One to three characters gone, new, changed; cases turned; parts doubled. */
function mutate(text, next) {
	let t = text;
	for (let steps = next(4); steps > 0; steps--) {
		const i = next(t.length + 1), j = next(t.length + 1), character = CHARACTERS[next(CHARACTERS.length)];
		const kinds = [
			() => t.slice(0, i) + t.slice(i + 1),
			() => t.slice(0, i) + character + t.slice(i),
			() => t.slice(0, i) + t.slice(i).toUpperCase(),
			() => t.slice(0, i) + t.slice(Math.min(i, j), Math.max(i, j)) + t.slice(i),
			() => t.slice(0, i) + character + t.slice(i + 1),
		];
		t = kinds[next(kinds.length)]();
	}
	return t;
}

module.exports = { rules, random, mutate };
