/* SIP.DigestAuthentication (RFC 7616, 8760), for an authenticationFactory that makes one of its own: the
 * agent answers challenges by itself. */
'use strict';
const SIP = require('./sip.js');
const { digestHex } = require('./hash.js');

const ALGORITHMS = ['MD5', 'SHA-256', 'SHA-512-256'];

class DigestAuthentication {
	constructor(ua) {
		this.logger = ua.getLogger('sipjs.digestauthentication');
		this.username = ua.configuration.authorizationUser;
		this.password = ua.configuration.password;
		this.cnonce = null;
		this.nc = 0;
		this.ncHex = '00000000';
		this.response = null;
	}

	/* False: it cannot be answered. */
	authenticate(request, challenge) {
		const { realm, nonce, opaque, qop } = challenge, algorithm = challenge.algorithm || 'MD5';
		if (!ALGORITHMS.includes(algorithm) || !realm || !nonce) {
			this.logger.warn('challenge with algorithm, realm or nonce that cannot be answered, authentication aborted');
			return false;
		}
		Object.assign(this, { algorithm, realm, nonce, opaque, stale: challenge.stale, method: request.method, uri: request.ruri,
			qop: qop && qop.length ? (qop.includes('auth') ? 'auth' : 'auth-int') : null, cnonce: SIP.Utils.createRandomToken(12) });
		this.ncHex = (++this.nc).toString(16).padStart(8, '0');
		this.calculateResponse(request.body);
		return true;
	}

	calculateResponse(body) {
		const hash = (...parts) => digestHex(ALGORITHMS.indexOf(this.algorithm), parts.join(':'));
		const text = body && typeof body === 'object' ? body.body : body || '';
		const user = hash(this.username, this.realm, this.password);
		const what = this.qop === 'auth-int' ? hash(this.method, this.uri, hash(text)) : hash(this.method, this.uri);
		this.response = this.qop ? hash(user, this.nonce, this.ncHex, this.cnonce, this.qop, what) : hash(user, this.nonce, what);
	}

	toString() {
		const fields = [`algorithm=${this.algorithm}`, `username="${this.username}"`, `realm="${this.realm}"`, `nonce="${this.nonce}"`,
			`uri="${this.uri}"`, `response="${this.response}"`];
		if (this.opaque)
			fields.push(`opaque="${this.opaque}"`);
		if (this.qop)
			fields.push('qop=' + this.qop, `cnonce="${this.cnonce}"`, 'nc=' + this.ncHex);
		return 'Digest ' + fields.join(', ');
	}
}

module.exports = DigestAuthentication;
