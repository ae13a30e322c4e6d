/* The members of SIP that are about media. */
'use strict';

module.exports = {};
