/* SIP.Timers, in milliseconds. A reliable transport below (RFC 6455) makes D, I, J and K zero. The
 * functions look their global up when they are called, so that a test's clock takes effect. */
'use strict';

const T1 = 500, T2 = 4000, T4 = 5000;

module.exports = {
	T1,
	T2,
	T4,
	TIMER_B: 64 * T1,
	TIMER_D: 0,
	TIMER_F: 64 * T1,
	TIMER_H: 64 * T1,
	TIMER_I: 0,
	TIMER_J: 0,
	TIMER_K: 0,
	TIMER_L: 64 * T1,
	TIMER_M: 64 * T1,
	TIMER_N: 64 * T1,
	PROVISIONAL_RESPONSE_INTERVAL: 60000,	/* RFC 3261 13.3.1.1 */

	setTimeout: (...args) => setTimeout(...args),
	clearTimeout: (...args) => clearTimeout(...args),
	setInterval: (...args) => setInterval(...args),
	clearInterval: (...args) => clearInterval(...args),
};
