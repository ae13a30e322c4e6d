'use strict';
module.exports = { core: require('./core.js') };
