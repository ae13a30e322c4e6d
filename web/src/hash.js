/* The hash functions that the agent's digest asks for (RFC 7616, RFC 8760). */
'use strict';
const { md5, sha256, sha512_256 } = require('./noble.js');

/* In the order of enum sidetone_hash. */
const HASHES = [md5, sha256, sha512_256];

const hash = (which, bytes) => HASHES[which](bytes);

const hex = (bytes) => Array.from(bytes, (b) => (b < 16 ? '0' : '') + b.toString(16)).join('');

const digestHex = (which, text) => hex(hash(which, new TextEncoder().encode(text)));

module.exports = { hash, digestHex, md5Hex: (text) => digestHex(0, text) };
