/* Gives the WebAssembly's bytes. web/build.js puts a module with the bytes in it in the place of
 * this one, which reads what the build left, for tests of single modules. */
'use strict';
const fs = require('fs'), path = require('path');

module.exports = () => fs.readFileSync(path.join(__dirname, '../../build-wasm/web/sidetone-ua.wasm'));
