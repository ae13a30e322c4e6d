/* The members of SIP that need the agent. */
'use strict';

module.exports = {};
