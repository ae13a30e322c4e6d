/* What a page's JavaScript gives to the values: the MD5 of a text, and random bytes. Whoever has a
 * better one than this file's says so with provide(): the agent its core's. */
'use strict';

let md5 = null, random = null;

function systemBytes(count) {
	const bytes = new Uint8Array(count);
	if (typeof crypto === 'object' && crypto && crypto.getRandomValues)
		crypto.getRandomValues(bytes);
	else
		for (let i = 0; i < count; i++)
			bytes[i] = Math.floor(Math.random() * 256);
	return bytes;
}

module.exports = {
	/* {md5: text -> 32 hex digits, random: count -> Uint8Array}, either may be left out. */
	provide(parts) {
		md5 = parts.md5 || md5;
		random = parts.random || random;
	},

	md5(text) {
		if (!md5)
			throw new Error('no MD5 was provided');
		return md5(text);
	},

	randomBytes(count) {
		return (random || systemBytes)(count);
	},
};
