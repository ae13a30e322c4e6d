/* The object SIP itself, which index.js fills. What is made by a name of it is looked up there when
 * it is made, so that an application may put its own class in its place. */
'use strict';

module.exports = {};
