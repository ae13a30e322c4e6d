'use strict';
module.exports = function addMedia(SIP) {};
