/* The hash functions of @noble/hashes that are used. web/build.js puts them in the place of this file
 * without what they do not need (web/bundle/noble.js). */
'use strict';
const { md5 } = require('@noble/hashes/legacy.js');
const { sha256, sha512_256 } = require('@noble/hashes/sha2.js');

module.exports = { md5, sha256, sha512_256 };
